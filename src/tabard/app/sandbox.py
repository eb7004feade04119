"""Use cases of the sandbox: an account's own clock, its phones, and a clean slate.

Moving the clock forward brings everything of the account that waits for a time nearer by as much, hop by hop: to the
next thing that is due, then that is let run, and so on, so that what one thing brings about (a review that ends, then
the registration that takes up the name) happens within the same move. Long moves hop in slices of at least 1/64, so
that a thousand daily refreshes don't make a thousand hops.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from tabard.app.services import Services
from tabard.app.watchdog import report_stuck
from tabard.domain.account import AccountKind, Principal
from tabard.domain.errors import Busy, InvalidInput, NotFound
from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import Sender
from tabard.ports import SandboxNetwork, StoredEvent

LONGEST_MOVE = timedelta(days=366)
_EVENTS_SHOWN = 100
_HOPS = 64
_QUIET_POLL = 0.01
_LONGEST_WAIT = 60.0
"""Seconds that a caller is kept waiting for what became due to run."""


def sandbox_of(services: Services, principal: Principal) -> SandboxNetwork:
    """Raises `NotFound` for a caller that has no sandbox: it can't know whether others have."""
    if principal.kind is not AccountKind.SANDBOX or services.sandbox is None:
        raise NotFound("this account has no sandbox")
    return services.sandbox


async def clock_of(services: Services, principal: Principal) -> datetime:
    """The account's time."""
    sandbox_of(services, principal)
    account = await services.accounts.account(principal.account_id)
    return services.clock.now() + account.clock_offset


async def advance_clock(services: Services, principal: Principal, by: timedelta) -> datetime:
    """Move the account's clock and let what became due run; the account's time then. Raises `InvalidInput`, `Busy`."""
    sandbox = sandbox_of(services, principal)
    if not timedelta(0) <= by <= LONGEST_MOVE:
        raise InvalidInput("seconds", f"must be between 0 and {LONGEST_MOVE.total_seconds():.0f}")
    deadline = asyncio.get_running_loop().time() + _LONGEST_WAIT
    left = by
    await _settle(services, sandbox, principal.account_id, deadline)
    while left > timedelta(0):
        hop = min(left, max(await _until_next(services, sandbox, principal.account_id), by / _HOPS))
        await sandbox.shift(principal.account_id, hop)
        await services.accounts.shift_clock(principal.account_id, hop)
        left -= hop
        services.wake()
        if not await _settle(services, sandbox, principal.account_id, deadline):
            raise Busy(f"the clock was moved by {by - left} of {by}: what became due then is not done yet; ask again")
    await report_stuck(services)
    return await clock_of(services, principal)


async def look_at(
    services: Services, principal: Principal, channel: Channel, address: str
) -> tuple[Sender, Sequence[StoredEvent]]:
    """The account's sender with that address, warnings and all, and its newest events. Raises `NotFound`."""
    sandbox_of(services, principal)
    now = services.clock.now()
    found = await services.senders.of_number([principal.account_id], channel, now, address=address)
    if not found:
        raise NotFound(f"the account has no sender {address}")
    return found[0].sender, await services.senders.events(found[0].sender, _EVENTS_SHOWN)


async def reset(services: Services, principal: Principal) -> None:
    """Forget everything of the account but its credentials."""
    sandbox = sandbox_of(services, principal)
    await services.accounts.wipe(principal.account_id)
    await sandbox.reset(principal.account_id)


async def _until_next(services: Services, sandbox: SandboxNetwork, account_id: AccountId) -> timedelta:
    times = [await services.accounts.next_due(account_id), await sandbox.next_due(account_id)]
    due = [time for time in times if time is not None]
    return max(timedelta(0), min(due) - services.clock.now()) if due else LONGEST_MOVE


async def _settle(services: Services, sandbox: SandboxNetwork, account_id: AccountId, deadline: float) -> bool:
    """Wait until nothing of the account is due. False at the deadline; whatever is due goes on in the background."""
    while asyncio.get_running_loop().time() < deadline:
        now = services.clock.now()
        network_due = await sandbox.next_due(account_id)
        if (network_due is None or network_due > now) and not await services.accounts.has_due(account_id, now):
            return True
        services.wake()
        await asyncio.sleep(_QUIET_POLL)
    return False
