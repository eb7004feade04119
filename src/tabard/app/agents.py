"""Use cases of RCS senders: their launch and their test numbers."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from tabard.app.senders import change_sender, fetch_sender
from tabard.app.services import Services
from tabard.domain.account import Principal
from tabard.domain.agents.agent import Agent, Tester, TesterStatus
from tabard.domain.agents.change import launch_requested
from tabard.domain.errors import LaunchIncomplete, NetworkRefused, TesterDeclined
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import Sender, Trouble
from tabard.ports.networks import NetworkFault
from tabard.ports.stores import Loaded


async def request_launch(
    services: Services,
    principal: Principal,
    sender_id: SenderId,
    *,
    missing: Callable[[Sender], Sequence[str]],
    waits_for_video: bool,
) -> Sender:
    """Launch the sender in all its countries; where that was asked before, nothing changes.

    `missing` names what the caller's dialect asks for and the sender has not. Raises `NotFound`, `WrongStatus`,
    `LaunchIncomplete`.
    """

    def launched(loaded: Loaded, now: datetime) -> Sender:
        sender = launch_requested(loaded.sender, loaded.account_now, waits_for_video=waits_for_video)
        lacking = missing(loaded.sender)
        if lacking:
            raise LaunchIncomplete(lacking)
        return sender.due(now)

    return await change_sender(services, principal, sender_id, launched)


async def add_testers(
    services: Services, principal: Principal, sender_id: SenderId, addresses: Sequence[str]
) -> Sequence[Tester]:
    """Invite the phones, known ones anew; every tester of the sender then.

    Raises `NotFound`, `TooManyTesters`, `TooManyInvitations`, `TesterDeclined`.
    """

    def invited(agent: Agent, at: datetime) -> Agent:
        return agent.invited_again(addresses, at, at_once=True)

    sender = await _change_agent(services, principal, sender_id, invited)
    return sender.rcs.shown_testers


async def fetch_tester(services: Services, principal: Principal, sender_id: SenderId, address: str) -> Tester:
    """Raises `NotFound`, `TesterUnknown`."""
    sender = await fetch_sender(services, principal, sender_id, Channel.RCS)
    return sender.rcs.tester(address)


async def invite_again(services: Services, principal: Principal, sender_id: SenderId, address: str) -> Tester:
    """Raises `NotFound`, `TesterUnknown`, `TesterDeclined`, `TooManyInvitations`."""

    def invited(agent: Agent, at: datetime) -> Agent:
        agent.tester(address)
        return agent.invited_again([address], at, at_once=True)

    sender = await _change_agent(services, principal, sender_id, invited)
    return sender.rcs.tester(address)


async def remove_tester(services: Services, principal: Principal, sender_id: SenderId, address: str) -> None:
    """Raises `NotFound`, `TesterUnknown`."""
    await _change_agent(services, principal, sender_id, lambda agent, _: agent.without_tester(address))


async def capabilities(services: Services, principal: Principal, sender_id: SenderId, address: str) -> Sequence[str]:
    """What a test number's phone can show, asked of the network at once.

    Raises `NotFound`, `TesterUnknown`, `TesterDeclined`, `NetworkRefused` (its trouble is TESTER_NOT_READY where the
    invitation was not accepted yet).
    """
    sender = await fetch_sender(services, principal, sender_id, Channel.RCS)
    tester = sender.rcs.tester(address)
    if tester.status is TesterStatus.DECLINED:
        raise TesterDeclined(f"{address} has declined to be a test number")
    way = await services.way(principal.account_id, Channel.RCS)
    if way is None or sender.link.network_id is None:
        raise NetworkRefused(Trouble.AGENT_GONE, "the network has not made the agent yet")
    try:
        return await services.rcs.capabilities(way.connection, sender.link.network_id, address)
    except NetworkFault as fault:
        raise NetworkRefused(fault.trouble, fault.detail) from None


async def _change_agent(
    services: Services, principal: Principal, sender_id: SenderId, changes: Callable[[Agent, datetime], Agent]
) -> Sender:
    def after(loaded: Loaded, now: datetime) -> Sender:
        sender = loaded.sender
        return replace(sender, agent=changes(sender.rcs, loaded.account_now)).due(now)

    return await change_sender(services, principal, sender_id, after)
