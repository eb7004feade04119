"""Use cases of the feed: the account's events, by cursor."""

import asyncio
from collections.abc import Sequence

from tabard.app.services import Services
from tabard.domain.account import Principal
from tabard.domain.errors import InvalidInput
from tabard.ports.webhooks import Cursor, FeedEvent, FeedWanted

LONGEST_WAIT = 60.0
_LOOK_EVERY = 0.1
"""Seconds."""


async def read_feed(
    services: Services, principal: Principal, cursor: Cursor | None, wanted: FeedWanted, *, limit: int, wait: float = 0
) -> tuple[Sequence[FeedEvent], Cursor]:
    """Events after the cursor, in order, and where to go on; waits so many seconds for the first. Raises
    `InvalidInput`."""
    if wanted.after is not None and wanted.before is not None and wanted.after >= wanted.before:
        raise InvalidInput("after", "must be earlier than before")
    deadline = asyncio.get_running_loop().time() + min(wait, LONGEST_WAIT)
    while True:
        events, cursor = await services.feed.after(principal.account_id, cursor, wanted, limit)
        if events or asyncio.get_running_loop().time() >= deadline:
            return events, cursor
        await asyncio.sleep(_LOOK_EVERY)


async def end_of_feed(services: Services) -> Cursor:
    return await services.feed.end()
