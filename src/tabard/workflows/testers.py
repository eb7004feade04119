"""An RCS sender's test numbers: removed, invited, and followed until their owners have answered.

The network tells nothing of them by itself, so it is asked again, less and less often. What the network says is looked
up before it is asked for: an invitation whose answer was lost is not sent twice, for only twenty a day are allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from tabard.domain.account import Connection
from tabard.domain.agents.agent import MOST_INVITATIONS_A_DAY, Agent, Tester, TesterStatus
from tabard.domain.sender import Sender, Trouble
from tabard.ports.networks import NetworkFault, RcsNetwork
from tabard.workflows.faults import REFRESH, Times, as_long_again, stops_all

_LONGEST_POLL = timedelta(hours=6)
_DAY = timedelta(days=1)
_OPEN = frozenset({TesterStatus.WAITING, TesterStatus.INVITED, TesterStatus.LEAVING})


@dataclass(frozen=True, slots=True)
class Inviting:
    network: RcsNetwork
    connection: Connection
    agent_id: str

    async def follow(self, sender: Sender, at: Times) -> Sender:
        """A refusal of one phone is a warning: the others are followed all the same."""
        if any(tester.status in _OPEN for tester in sender.rcs.testers):
            there = await self.network.testers(self.connection, self.agent_id)
            for tester in sender.rcs.testers:
                try:
                    sender = await self._follow(tester, sender, there, at)
                except NetworkFault as fault:
                    if stops_all(fault):
                        raise
                    sender = sender.warned(fault.trouble, fault.detail)
        if any(tester.status is TesterStatus.WAITING for tester in sender.rcs.testers):
            return sender
        return sender.without_warning(Trouble.INVITATIONS_USED_UP)

    async def _follow(self, tester: Tester, sender: Sender, there: Mapping[str, TesterStatus], at: Times) -> Sender:
        agent, address = sender.rcs, tester.address
        match tester.status:
            case TesterStatus.LEAVING:
                await self._forget(tester, there)
                return replace(sender, agent=agent.let_go(address))
            case TesterStatus.WAITING if tester.anew:
                # Invited in the next step: what the network knows of it then is new.
                await self._forget(tester, there)
                return replace(sender, agent=agent.forgotten(address))
            case TesterStatus.WAITING if address in there:
                # Invited by a worker that could not say so.
                known = agent.invited(address, at.account).tester_is(address, there[address], at.account)
                return replace(sender, agent=known)
            case TesterStatus.WAITING:
                return await self._invite(sender, address, at)
            case TesterStatus.INVITED:
                # Where it is not there somebody has removed it at the network.
                status = there.get(address, TesterStatus.WAITING)
                return replace(sender, agent=agent.tester_is(address, status, at.account))
            case TesterStatus.ACCEPTED | TesterStatus.DECLINED | TesterStatus.UNREACHABLE:
                return sender
            case _:
                assert_never(tester.status)

    async def _forget(self, tester: Tester, there: Mapping[str, TesterStatus]) -> None:
        if tester.address in there:
            await self.network.remove_tester(self.connection, self.agent_id, tester.address)

    async def _invite(self, sender: Sender, address: str, at: Times) -> Sender:
        agent = sender.rcs
        if len(agent.recent_invitations(at.account)) >= MOST_INVITATIONS_A_DAY:
            return sender
        try:
            await self.network.invite(self.connection, self.agent_id, address)
        except NetworkFault as fault:
            if fault.trouble is Trouble.PHONE_UNREACHABLE:
                return replace(sender, agent=agent.tester_is(address, TesterStatus.UNREACHABLE, at.account))
            if fault.trouble is not Trouble.INVITATIONS_USED_UP:
                raise
            # The network counts more than we know of: as if the day's invitations were used up just now.
            used_up = (at.account,) * MOST_INVITATIONS_A_DAY
            return replace(sender, agent=replace(agent, invitations=used_up)).warned(fault.trouble, fault.detail)
        return replace(sender, agent=agent.invited(address, at.account))


def next_look_at_testers(agent: Agent, at: Times) -> timedelta:
    looks = [REFRESH]
    waiting = [tester.since for tester in agent.testers if tester.status is TesterStatus.WAITING]
    recent = agent.recent_invitations(at.account)
    if waiting and len(recent) >= MOST_INVITATIONS_A_DAY:
        looks.append(min(recent) + _DAY - at.account)
        waiting = []
    invited = [tester.since for tester in agent.testers if tester.status is TesterStatus.INVITED]
    if waiting or invited:
        looks.append(as_long_again(max(waiting + invited), at, _LONGEST_POLL))
    return min(looks)
