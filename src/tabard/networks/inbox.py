"""The networks' webhooks on their way through: read within bounds, kept raw, handled once each by one lane.

Each network brings its routes, which check a webhook, keep it and answer at once, and its reader, which says what a
kept one means. Nothing is handled before it is stored, so a crash in between costs nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import ClientDisconnect, Request

from tabard.domain.account import Connection
from tabard.domain.ids import AccountId
from tabard.ports.stores import Inbox, Received
from tabard.ports.world import Clock
from tabard.telemetry import log

Connected = Sequence[tuple[AccountId, Connection]]
"""Who speaks through an app or a partner, and how."""
Reader = Callable[[Received], Awaitable[None]]
"""Raises `ValueError` for what can never be handled."""

_BATCH = 50
_LEASE = timedelta(seconds=30)
_MOST_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class InboxLane:
    """Handles what was received, once each, in the order it came."""

    clock: Clock
    inbox: Inbox
    readers: Mapping[str, Reader]
    """By network."""
    name: str = "inbox"

    async def next_due(self) -> datetime | None:
        return await self.inbox.next_due()

    async def drain(self) -> bool:
        worked = False
        while batch := await self.inbox.claim(self.clock.now(), _LEASE, _BATCH):
            worked = True
            for received in batch:
                await self._handle(received)
        return worked

    async def _handle(self, received: Received) -> None:
        try:
            await self._read(received)
        except ValueError as error:
            log.warning("webhook.unreadable", network=received.network, error=str(error))
            await self.inbox.failed(received, None)
        except Exception:  # noqa: BLE001 - one webhook must not hold up the others; it is tried again
            log.exception("webhook.failed", network=received.network, attempts=received.attempts)
            again = self.clock.now() + timedelta(seconds=2**received.attempts)
            await self.inbox.failed(received, again if received.attempts < _MOST_ATTEMPTS else None)
        else:
            await self.inbox.done(received)

    async def _read(self, received: Received) -> None:
        reader = self.readers.get(received.network)
        if reader is None:
            raise ValueError("nobody reads this network's webhooks")
        await reader(received)


async def read_body(request: Request, limit: int) -> bytes | None:
    """None if it is larger than that, or cut short."""
    chunks = bytearray()
    try:
        async for chunk in request.stream():
            chunks += chunk
            if len(chunks) > limit:
                return None
    except ClientDisconnect:
        return None
    return bytes(chunks)
