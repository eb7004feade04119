"""Use cases of the sandbox: an account's own clock, its phones, and a clean slate.

Moving the clock forward brings everything of the account that waits for a time nearer by as much, hop by hop: to the
next thing that is due, then that is let run, and so on, so that what one thing brings about (a review that ends, then
the registration that takes up the name) happens within the same move. Long moves hop in slices of at least 1/64, so
that a thousand daily refreshes don't make a thousand hops.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain

from tabard.app.notices import Audience, NumberNotice, hear_of_number
from tabard.app.senders import change_sender
from tabard.app.services import Sandbox, Services
from tabard.app.watchdog import report_stuck
from tabard.domain.account import AccountKind, Principal
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.errors import Busy, InvalidInput, NotFound, WrongStatus
from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Sender
from tabard.ports.emulations import PhoneMessage
from tabard.ports.stores import Loaded, StoredEvent

LONGEST_MOVE = timedelta(days=366)
_EVENTS_SHOWN = 100
_HOPS = 64
_QUIET_POLL = 0.01
_LONGEST_WAIT = 60.0
"""Seconds that a caller is kept waiting for what became due to run."""


def sandbox_of(services: Services, principal: Principal) -> Sandbox:
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
        for network in sandbox.networks.values():
            await network.shift(principal.account_id, hop)
        await services.accounts.shift_clock(principal.account_id, hop)
        left -= hop
        services.wake()
        services.wake_lanes()
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
    for network in sandbox.networks.values():
        await network.reset(principal.account_id)


async def inbox(services: Services, principal: Principal, address: str) -> Sequence[PhoneMessage]:
    """What the phone received from any network, newest last."""
    sandbox = sandbox_of(services, principal)
    received = [await network.inbox(principal.account_id, address) for network in sandbox.networks.values()]
    return sorted(chain.from_iterable(received), key=lambda message: message.received_at)


async def agent_of(services: Services, principal: Principal, name: str) -> Sender:
    """The account's RCS sender with that address, made at the network. Raises `NotFound`."""
    sandbox_of(services, principal)
    now = services.clock.now()
    found = await services.senders.of_number([principal.account_id], Channel.RCS, now, address=name)
    if not found or found[0].sender.link.network_id is None:
        raise NotFound(f"the account has no RCS sender {name} that the network has made")
    return found[0].sender


async def decide_verification(services: Services, principal: Principal, name: str, *, verified: bool) -> None:
    """Raises `NotFound`."""
    sandbox, sender = sandbox_of(services, principal), await agent_of(services, principal, name)
    await sandbox.rcs.decide_verification(principal.account_id, _network_id(sender), verified=verified)


async def decide_launch(
    services: Services,
    principal: Principal,
    name: str,
    status: CarrierStatus,
    *,
    country: str | None,
    carrier: str | None,
    remark: str | None,
) -> None:
    """Decide as a carrier: as the named one, all of a country, or all that were asked.

    Raises `NotFound` where there is no such carrier in the sender's launch, `Conflict` where the decision is not open.
    """
    sandbox, sender = sandbox_of(services, principal), await agent_of(services, principal, name)
    meant = [
        known.region
        for known in sender.rcs.carriers
        if country in {None, known.country} and carrier in {None, known.name} and known.asked
    ]
    if not meant:
        raise NotFound("no carrier of that name and country was asked to launch the sender")
    await sandbox.rcs.decide_launch(principal.account_id, _network_id(sender), meant, status, remark)


def _network_id(sender: Sender) -> str:
    return sender.link.network_id or ""


async def answer_invitation(
    services: Services, principal: Principal, address: str, name: str, *, accepted: bool
) -> None:
    """Answer, as the phone's owner, the invitation to test the sender. Raises `NotFound`."""
    sandbox, sender = sandbox_of(services, principal), await agent_of(services, principal, name)
    await sandbox.rcs.answer_invitation(principal.account_id, _network_id(sender), address, accepted=accepted)
    # No network tells of this by itself; whoever answers here wants to see it.
    notice = NumberNotice(address=None, network_id=sender.link.network_id)
    await hear_of_number(services, Channel.RCS, Audience([principal.account_id], [], ""), notice)


async def finish_preparation(services: Services, principal: Principal, name: str) -> None:
    """Do what staff would do for a launch that lacks a video: let it go on. Raises `NotFound`, `Conflict`."""
    sender = await agent_of(services, principal, name)

    def prepared(loaded: Loaded, now: datetime) -> Sender:
        sender = loaded.sender
        if sender.status is not Status.PREPARING:
            raise WrongStatus(sender.status, f"the sender is {sender.status}, nothing is being prepared")
        return replace(sender, agent=replace(sender.rcs, waits_for_video=False)).due(now)

    await change_sender(services, principal, sender.id, prepared)


async def _until_next(services: Services, sandbox: Sandbox, account_id: AccountId) -> timedelta:
    times = [await services.accounts.next_due(account_id), *await _networks_due(sandbox, account_id)]
    due = [time for time in times if time is not None]
    return max(timedelta(0), min(due) - services.clock.now()) if due else LONGEST_MOVE


async def _networks_due(sandbox: Sandbox, account_id: AccountId) -> list[datetime | None]:
    return [await network.next_due(account_id) for network in sandbox.networks.values()]


async def _settle(services: Services, sandbox: Sandbox, account_id: AccountId, deadline: float) -> bool:
    """Wait until nothing of the account is due. False at the deadline; whatever is due goes on in the background."""
    while asyncio.get_running_loop().time() < deadline:
        now = services.clock.now()
        quiet = all(due is None or due > now for due in await _networks_due(sandbox, account_id))
        if quiet and not await services.accounts.has_due(account_id, now):
            return True
        services.wake()
        services.wake_lanes()
        await asyncio.sleep(_QUIET_POLL)
    return False
