"""Use cases of the feed: the account's events, by cursor.

Who waits for events looks at the database every tenth of a second. A notification with every event would tell sooner,
but each commit with one takes PostgreSQL's only lock for them; what nobody has asked for must cost writers nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tabard.app.services import Services
from tabard.domain.account import Principal
from tabard.domain.errors import InvalidInput
from tabard.ports.webhooks import Cursor, FeedEvent, FeedWanted

LONGEST_WAIT = 60.0
HEARTBEAT = 15.0
"""Seconds of silence after which a stream shows that it lives."""
LONGEST_STREAM = 600.0
"""Seconds after which a stream ends, so that its reader proves itself again."""
_LOOK_EVERY = 0.1
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Batch:
    events: Sequence[FeedEvent]
    cursor: Cursor
    """Where to go on."""


async def read_feed(
    services: Services,
    principal: Principal,
    cursor: Cursor | None,
    wanted: FeedWanted,
    *,
    limit: int,
    wait: float = 0,
    ended: asyncio.Event,
) -> Batch:
    """Events after the cursor, in order; waits so many seconds for the first, unless it is `ended` before. Raises
    `InvalidInput`."""
    if wanted.after is not None and wanted.before is not None and wanted.after >= wanted.before:
        raise InvalidInput("after", "must be earlier than before")
    deadline = _now() + min(wait, LONGEST_WAIT)
    while True:
        events, cursor = await services.feed.after(principal.account_id, cursor, wanted, limit)
        left = deadline - _now()
        if events or left <= 0 or ended.is_set():
            return Batch(events, cursor)
        await _pause(ended, min(left, _LOOK_EVERY))


async def follow_feed(
    services: Services,
    principal: Principal,
    cursor: Cursor | None,
    wanted: FeedWanted,
    *,
    limit: int,
    ended: asyncio.Event,
    heartbeat: float = HEARTBEAT,
    longest: float = LONGEST_STREAM,
) -> AsyncGenerator[Batch, None]:
    """Batches as they come, until it is `ended`; an empty one at first if there is nothing, and after each `heartbeat`
    of silence. Raises `InvalidInput` here, not later."""
    first = await read_feed(services, principal, cursor, wanted, limit=limit, ended=ended)

    async def batches() -> AsyncGenerator[Batch, None]:
        batch, until = first, _now() + longest
        while True:
            yield batch
            if ended.is_set() or _now() >= until:
                return
            batch = await read_feed(services, principal, batch.cursor, wanted, limit=limit, wait=heartbeat, ended=ended)

    return batches()


async def end_of_feed(services: Services) -> Cursor:
    return await services.feed.end()


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _pause(ended: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ended.wait()
