"""An RCS sender's test numbers: removed, invited, and followed until their owners have answered.

The network tells nothing of them by itself, so it is asked again, less and less often. What the network says is looked
up before it is asked for: an invitation whose answer was lost is not sent twice, for only twenty a day are allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from tabard.domain.account import Connection
from tabard.domain.agents.agent import MOST_INVITATIONS_A_DAY, Agent, Tester, TesterStatus
from tabard.domain.sender import Sender, Trouble
from tabard.ports.networks import NetworkFault, RcsNetwork
from tabard.workflows.faults import REFRESH, Times, as_long_again

_LONGEST_POLL = timedelta(hours=6)
_DAY = timedelta(days=1)
_OPEN = frozenset({TesterStatus.WAITING, TesterStatus.INVITED, TesterStatus.LEAVING})


@dataclass(frozen=True, slots=True)
class Inviting:
    network: RcsNetwork
    connection: Connection
    agent_id: str

    async def follow(self, sender: Sender, at: Times) -> Sender:
        agent = sender.rcs
        if all(tester.status not in _OPEN for tester in agent.testers):
            return sender
        there = await self.network.testers(self.connection, self.agent_id)
        for tester in agent.testers:
            match tester.status:
                case TesterStatus.LEAVING:
                    await self.network.remove_tester(self.connection, self.agent_id, tester.address)
                    agent = agent.let_go(tester.address)
                case TesterStatus.WAITING:
                    agent, sender = await self._invite(agent, sender, tester, there, at)
                case TesterStatus.INVITED if tester.address in there:
                    agent = agent.tester_is(tester.address, there[tester.address], at.account)
                case TesterStatus.INVITED:
                    # Somebody has removed it at the network.
                    agent = agent.tester_is(tester.address, TesterStatus.WAITING, at.account)
                case _:
                    pass
        return replace(sender, agent=agent)

    async def _invite(
        self, agent: Agent, sender: Sender, tester: Tester, there: Mapping[str, TesterStatus], at: Times
    ) -> tuple[Agent, Sender]:
        if there.get(tester.address) is TesterStatus.INVITED:
            return agent.tester_is(tester.address, TesterStatus.INVITED, at.account), sender
        if len(agent.recent_invitations(at.account)) >= MOST_INVITATIONS_A_DAY:
            return agent, sender
        try:
            await self.network.invite(self.connection, self.agent_id, tester.address)
        except NetworkFault as fault:
            if fault.trouble is Trouble.PHONE_UNREACHABLE:
                return agent.tester_is(tester.address, TesterStatus.UNREACHABLE, at.account), sender
            if fault.trouble is not Trouble.INVITATIONS_USED_UP:
                raise
            # The network counts more than we know of: as if the day's invitations were used up just now.
            used_up = (at.account,) * MOST_INVITATIONS_A_DAY
            return replace(agent, invitations=used_up), sender.warned(fault.trouble, fault.detail)
        return agent.invited(tester.address, at.account), sender


def next_look_at_testers(agent: Agent, at: Times) -> timedelta:
    looks = [REFRESH]
    invited = [tester.since for tester in agent.testers if tester.status is TesterStatus.INVITED]
    if invited:
        looks.append(as_long_again(max(invited), at, _LONGEST_POLL))
    waiting = any(tester.status is TesterStatus.WAITING for tester in agent.testers)
    recent = agent.recent_invitations(at.account)
    if waiting and recent:
        looks.append(max(timedelta(0), min(recent) + _DAY - at.account))
    return min(looks)
