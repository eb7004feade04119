"""The steps of an RCS sender's life, status by status.

    DRAFT                 nothing, until its profile holds all that an agent needs
    CREATING              add the business account and the agent, or find them there; hear of it; learn its carriers
    TESTING               tend: push the profile if it changed, invite test numbers and follow their answers
    PREPARING             tend; launch as soon as nothing holds the launch back
    LAUNCHING             tend; ask for verification and for the launch, follow each carrier's verdict
    ONLINE, UPDATING      the same: a country that was added is launched beside the others
    OFFLINE               the same; back online once a carrier lets it, launching again while one decides
    DELETED               take the agent off its carriers, until the network has put it away

Whatever is asked of the network is looked up there first, so each step may be repeated after a crash at any line. A
profile or a test number that the network refuses is a warning: the launch goes on without it.
Google: RCS for Business agents, verification, launch, test devices.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from typing import assert_never

from tabard.app.services import Services
from tabard.domain.agents import launch
from tabard.domain.agents.agent import Agent
from tabard.domain.agents.change import towards_launch
from tabard.domain.agents.launch import CarrierStatus, Verdict
from tabard.domain.lifecycle import Signal, Status
from tabard.domain.sender import Reason, Sender, Trouble
from tabard.ports.networks import Decision, NetworkFault, RcsNetwork, Verification, Way
from tabard.workflows.agent_profile import digest_of
from tabard.workflows.faults import REFRESH, as_long_again, stops_all
from tabard.workflows.reconcile import Moment, way_of
from tabard.workflows.testers import Inviting, next_look_at_testers

_LONGEST_POLL = timedelta(hours=6)
"""Between two looks at what carriers decide, should the network's webhook not come."""

_PUT_AWAY_WITHIN = timedelta(days=90)
"""Far longer than carriers take to decide: an agent that is there even then is left alone."""

_LASTING = frozenset(
    {Trouble.BANNER_UNUSABLE, Trouble.COLOR_UNREADABLE, Trouble.INVITATIONS_USED_UP, Trouble.LOGO_UNUSABLE}
)
"""Warnings that a look at the network does not outdate."""


@dataclass(frozen=True, slots=True)
class RcsSteps:
    services: Services
    network: RcsNetwork

    async def __call__(self, sender: Sender, at: Moment) -> Sender:
        """One step. Raises `NetworkFault`."""
        match sender.status:
            case Status.CREATING:
                return await self._create(sender, await way_of(self.services, sender), at)
            case (
                Status.TESTING | Status.PREPARING | Status.LAUNCHING | Status.ONLINE | Status.UPDATING | Status.OFFLINE
            ):
                return await self._tend(sender, await way_of(self.services, sender), at)
            case Status.DELETED:
                return await self._take_down(sender, at)
            case Status.DRAFT | Status.PENDING_VERIFICATION | Status.VERIFYING | Status.RETIRING:
                return replace(sender, due_at=None)
            case _:
                assert_never(sender.status)

    # from a complete draft to an agent that can be tested

    async def _create(self, sender: Sender, way: Way, at: Moment) -> Sender:
        business_account = sender.registration.business_account
        if business_account is None:
            return (await self._with_business_account(sender, way)).due(at.wall)
        if sender.link.network_id is None:
            return (await self._with_agent(sender, way, business_account)).due(at.wall)
        await self.network.subscribe(way.connection, sender.link.network_id)
        sender = await self._with_carriers(sender, way)
        sender = sender.signalled(Signal.AGENT_CREATED, at.account).linked(attempts=0)
        return replace(sender, offline_reasons=()).due(at.wall)

    async def _with_business_account(self, sender: Sender, way: Way) -> Sender:
        name = _business_account_name(sender)
        found = await self.network.find_business_account(way.connection, name)
        found = found or await self.network.add_business_account(way.connection, name)
        return replace(sender, registration=replace(sender.registration, business_account=found))

    async def _with_agent(self, sender: Sender, way: Way, business_account: str) -> Sender:
        found = await self.network.find_agent(way.connection, business_account)
        if found is not None:
            # Made by a worker that could not say so; since then the profile may have changed.
            return sender.linked(network_id=found, attempts=0)
        made = await self.network.add_agent(way.connection, business_account, sender.profile, sender.rcs)
        return sender.linked(network_id=made, attempts=0, profile_digest=digest_of(sender.profile))

    async def _with_carriers(self, sender: Sender, way: Way) -> Sender:
        """The sender with the carriers of its countries, as far as the network has any."""
        agent = sender.rcs
        if all(country.carriers for country in agent.shown_countries):
            return sender
        wanted = [country.code for country in agent.shown_countries]
        regions = await self.network.regions(way.connection)
        fresh = replace(agent, carriers=launch.known(agent.carriers, regions, wanted))
        without = [country.code for country in fresh.shown_countries if not country.carriers]
        if without:
            text = f"no carrier of {', '.join(without)} takes RCS agents"
            sender = sender.warned(Trouble.NOT_LAUNCHED, text)
        return replace(sender, agent=fresh)

    # from then on

    async def _tend(self, sender: Sender, way: Way, at: Moment) -> Sender:
        agent_id = sender.link.network_id
        if agent_id is None:
            return replace(sender, due_at=None)
        if not await self.network.has_agent(way.connection, agent_id):
            raise NetworkFault(Decision.GIVE_UP, Trouble.AGENT_GONE, "the network no longer has the agent")
        sender = replace(sender, warnings=tuple(w for w in sender.warnings if w.trouble in _LASTING))
        if sender.status is not Status.OFFLINE:
            sender = replace(sender, offline_reasons=())
        sender = await _or_warned(sender, self._push_profile(sender, way, agent_id))
        sender = await self._with_carriers(sender, way)
        sender = await _or_warned(sender, Inviting(self.network, way.connection, agent_id).follow(sender, at))
        before, sender = sender.status, towards_launch(sender, at.account)
        if sender.status is not before:
            return sender.due(at.wall)
        sender = await self._launch(sender, way, agent_id, at)
        return sender.linked(attempts=0).due(at.wall + _until_next_look(sender, at))

    async def _push_profile(self, sender: Sender, way: Way, agent_id: str) -> Sender:
        digest = digest_of(sender.profile)
        if digest == sender.link.profile_digest:
            return sender
        frozen = any(carrier.asked for carrier in sender.rcs.carriers)
        await self.network.push_profile(way.connection, agent_id, sender.profile, frozen=frozen)
        return sender.linked(profile_digest=digest)

    async def _launch(self, sender: Sender, way: Way, agent_id: str, at: Moment) -> Sender:
        if sender.status in {Status.TESTING, Status.PREPARING}:
            return sender
        agent = _newly_known_requested(sender.rcs, at)
        verdicts = await self.network.verdicts(way.connection, agent_id)
        after = replace(sender, agent=replace(agent, carriers=launch.heard(agent.carriers, verdicts)))
        if any(carrier.to_be_asked for carrier in after.rcs.carriers):
            asking = self._ask_carriers(after, way, agent_id, verdicts)
            after = await (_or_warned(after, asking) if _launched(after.rcs) else asking)
        if not after.rcs.verified:
            verification = await self.network.verification(way.connection, agent_id)
            after = replace(after, agent=replace(after.rcs, verified=verification is Verification.VERIFIED))
        if _launched(after.rcs) - _launched(sender.rcs):
            after = replace(after, agent=replace(after.rcs, launched_at=at.account))
        return _settled(after, at)

    async def _ask_carriers(self, sender: Sender, way: Way, agent_id: str, verdicts: Mapping[str, Verdict]) -> Sender:
        """Those at which a request stands are named again: the network takes a launch only as a whole."""
        agent = sender.rcs
        if await self.network.verification(way.connection, agent_id) is Verification.UNREQUESTED:
            await self.network.request_verification(way.connection, agent_id, sender.profile, agent.contact)
        new = [carrier.region for carrier in agent.carriers if carrier.to_be_asked]
        standing = [region for region, verdict in verdicts.items() if verdict.status in launch.STANDING]
        await self.network.request_launch(way.connection, agent_id, sender.profile, agent, [*standing, *new])
        carriers = (replace(carrier, asked=carrier.asked or carrier.to_be_asked) for carrier in agent.carriers)
        return replace(sender, agent=replace(agent, carriers=tuple(carriers)))

    async def _take_down(self, sender: Sender, at: Moment) -> Sender:
        """A request that a carrier still looks at can't be taken back: the agent is put away once it has decided."""
        business_account, agent_id = sender.registration.business_account, sender.link.network_id
        if business_account is None:
            # At most there is one without an agent, which shows nobody anything.
            return replace(sender, due_at=None)
        way = await way_of(self.services, sender)
        agent_id = agent_id or await self.network.find_agent(way.connection, business_account)
        sender = sender.linked(network_id=agent_id, attempts=0)
        if agent_id is None:
            return replace(sender, due_at=None)
        await self.network.retire(way.connection, agent_id)
        shown = await self.network.has_agent(way.connection, agent_id)
        if shown and at.account - sender.status_since < _PUT_AWAY_WITHIN:
            return sender.due(at.wall + as_long_again(sender.status_since, at, _LONGEST_POLL))
        return replace(sender, due_at=None)


async def _or_warned(sender: Sender, part: Awaitable[Sender]) -> Sender:
    """The sender after the part or, if the network refuses just that, with a warning."""
    try:
        return await part
    except NetworkFault as fault:
        if stops_all(fault):
            raise
        return sender.warned(fault.trouble, fault.detail)


def _business_account_name(sender: Sender) -> str:
    """The same for one sender always, and for no other: what a worker that died has made is found by it."""
    return f"{sender.address[:60]} {sender.id.hex}"


def _newly_known_requested(agent: Agent, at: Moment) -> Agent:
    """Carriers that were found only after their country's launch was requested are asked too."""
    countries = set(agent.asked_countries).intersection(agent.countries)
    never_asked = {CarrierStatus.NOT_LAUNCHED}
    return replace(agent, carriers=launch.requested(agent.carriers, countries, at.account, askable=never_asked))


def _launched(agent: Agent) -> set[str]:
    return {carrier.region for carrier in agent.carriers if carrier.status is CarrierStatus.LAUNCHED}


def _settled(sender: Sender, at: Moment) -> Sender:
    """The sender as its carriers' verdicts make it."""
    launched, present = _launched(sender.rcs), {carrier.status for carrier in sender.rcs.carriers}
    match sender.status:
        case Status.LAUNCHING | Status.UPDATING | Status.OFFLINE if launched:
            return replace(sender.signalled(_WORKS[sender.status], at.account), offline_reasons=())
        case Status.LAUNCHING if CarrierStatus.PENDING not in present:
            return sender.offline(Signal.GAVE_UP, _nobody(sender.rcs), at.account)
        case Status.OFFLINE if CarrierStatus.PENDING in present and CarrierStatus.SUSPENDED not in present:
            return replace(sender.signalled(Signal.LAUNCH_REQUESTED, at.account), offline_reasons=())
        case Status.OFFLINE if not any(carrier.asked for carrier in sender.rcs.carriers):
            # Why no carrier was asked is what it is offline for.
            return sender
        case Status.ONLINE | Status.UPDATING | Status.OFFLINE if not launched:
            return sender.offline(Signal.BLOCKED, _nobody(sender.rcs), at.account)
        case _:
            return sender


_WORKS = {
    Status.LAUNCHING: Signal.WENT_ONLINE,
    Status.UPDATING: Signal.UPDATE_SETTLED,
    Status.OFFLINE: Signal.LIFTED,
}
"""What it means for a sender that some carrier has it launched."""


def _nobody(agent: Agent) -> Reason:
    """What the carriers said, those that said the same together."""
    said: dict[str, list[str]] = {}
    for carrier in chain.from_iterable(country.carriers for country in agent.shown_countries):
        if carrier.status is not CarrierStatus.NOT_LAUNCHED:
            word = carrier.status if carrier.remark is None else f"{carrier.status}, {carrier.remark}"
            said.setdefault(word, []).append(f"{carrier.name} ({carrier.country})")
    told = "; ".join(f"{', '.join(carriers)}: {word}" for word, carriers in said.items())
    return Reason(Trouble.NOT_LAUNCHED, f"no carrier has the agent launched: {told or 'none was found'}")


def _until_next_look(sender: Sender, at: Moment) -> timedelta:
    """Spread by the sender's id, so that senders made together are not looked at together."""
    looks = [REFRESH * (0.9 + 0.1 * (sender.id.int % 1000) / 1000), next_look_at_testers(sender.rcs, at)]
    pending = [
        carrier.changed_at
        for carrier in sender.rcs.carriers
        if carrier.status is CarrierStatus.PENDING and carrier.asked and carrier.changed_at
    ]
    if pending:
        looks.append(as_long_again(max(pending), at, _LONGEST_POLL))
    return min(looks)
