"""The steps of an RCS sender's life, status by status.

    DRAFT                 nothing, until its profile holds all that an agent needs
    CREATING              add the business account and the agent, or find them there; hear of it; learn its carriers
    TESTING               tend: push the profile if it changed, invite test numbers and follow their answers
    PREPARING             tend; launch as soon as nothing holds the launch back
    LAUNCHING             tend; ask for verification and for the launch, follow each carrier's verdict
    ONLINE, UPDATING      the same: a country that was added is launched beside the others
    OFFLINE               the same; back online once a carrier lets it
    DELETED               take the agent off its carriers

Whatever is asked of the network is looked up there first, so each step may be repeated after a crash at any line.
Google: RCS for Business agents, verification, launch, test devices.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from tabard.app.services import Services
from tabard.domain.agents import launch
from tabard.domain.agents.agent import Agent
from tabard.domain.lifecycle import Signal, Status
from tabard.domain.sender import Reason, Sender, Trouble
from tabard.ports.networks import Decision, NetworkFault, RcsNetwork, Verification, Way
from tabard.workflows.agent_profile import digest_of
from tabard.workflows.faults import REFRESH, as_long_again
from tabard.workflows.reconcile import Moment, way_of
from tabard.workflows.testers import Inviting, next_look_at_testers

_LONGEST_POLL = timedelta(hours=6)
"""Between two looks at what carriers decide, should the network's webhook not come."""

_LASTING = frozenset({Trouble.BANNER_UNUSABLE, Trouble.COLOR_UNREADABLE, Trouble.LOGO_UNUSABLE})
"""Warnings that hold although all went well."""


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
                return await self._take_down(sender)
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
            if Reason(Trouble.NOT_LAUNCHED, text) not in sender.warnings:
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
        sender = await self._push_profile(sender, way, agent_id)
        sender = await self._with_carriers(sender, way)
        sender = await Inviting(self.network, way.connection, agent_id).follow(sender, at)
        before = sender.status
        sender = _towards_launch(sender, at)
        if sender.status is not before:
            return sender.due(at.wall)
        sender = await self._launch(sender, way, agent_id, at)
        return sender.linked(attempts=0).due(at.wall + _until_next_look(sender, at))

    async def _push_profile(self, sender: Sender, way: Way, agent_id: str) -> Sender:
        digest = digest_of(sender.profile)
        if digest == sender.link.profile_digest:
            return sender
        frozen = bool(sender.rcs.asked_countries)
        await self.network.push_profile(way.connection, agent_id, sender.profile, frozen=frozen)
        return sender.linked(profile_digest=digest)

    async def _launch(self, sender: Sender, way: Way, agent_id: str, at: Moment) -> Sender:
        if sender.status in {Status.TESTING, Status.PREPARING}:
            return sender
        agent = _newly_known_requested(sender.rcs, at)
        if any(_to_be_asked(carrier) for carrier in agent.carriers):
            agent = await self._ask_carriers(replace(sender, agent=agent), way, agent_id)
        if any(carrier.asked for carrier in agent.carriers):
            verdicts = await self.network.verdicts(way.connection, agent_id)
            agent = replace(agent, carriers=launch.heard(agent.carriers, verdicts))
        if not agent.verified and agent.asked_countries:
            verification = await self.network.verification(way.connection, agent_id)
            agent = replace(agent, verified=verification is Verification.VERIFIED)
        return _settled(sender, agent, at)

    async def _ask_carriers(self, sender: Sender, way: Way, agent_id: str) -> Agent:
        """Those known to be asked already are named again: the network takes a launch only as a whole."""
        agent = sender.rcs
        if await self.network.verification(way.connection, agent_id) is Verification.UNREQUESTED:
            await self.network.request_verification(way.connection, agent_id, sender.profile, agent.contact)
        regions = [c.region for c in agent.carriers if _to_be_asked(c) or c.status in _STANDING]
        await self.network.request_launch(way.connection, agent_id, sender.profile, agent, regions)
        asked = (replace(c, asked=True) if _to_be_asked(c) else c for c in agent.carriers)
        return replace(agent, carriers=tuple(asked))

    async def _take_down(self, sender: Sender) -> Sender:
        business_account, agent_id = sender.registration.business_account, sender.link.network_id
        if business_account is None:
            # Never more than looked for: a business account without an agent shows nobody anything.
            return replace(sender, due_at=None)
        way = await way_of(self.services, sender)
        agent_id = agent_id or await self.network.find_agent(way.connection, business_account)
        if agent_id is not None:
            await self.network.retire(way.connection, agent_id)
        return replace(sender.linked(network_id=agent_id), due_at=None)


_STANDING = frozenset({launch.CarrierStatus.PENDING, launch.CarrierStatus.LAUNCHED, launch.CarrierStatus.SUSPENDED})


def _business_account_name(sender: Sender) -> str:
    """The same for one sender always, and for no other: what a worker that died has made is found by it."""
    return f"{sender.address[:60]} {sender.id.hex}"


def _to_be_asked(carrier: launch.Carrier) -> bool:
    return carrier.status is launch.CarrierStatus.PENDING and not carrier.asked


def _newly_known_requested(agent: Agent, at: Moment) -> Agent:
    """Carriers that were found only after their country's launch was requested are asked too."""
    new = {c.region for c in agent.carriers if c.status is launch.CarrierStatus.NOT_LAUNCHED}
    if not new:
        return agent
    carriers = launch.requested(agent.carriers, agent.asked_countries, at.account)
    kept = {carrier.region: carrier for carrier in agent.carriers if carrier.region not in new}
    return replace(agent, carriers=tuple(kept.get(carrier.region, carrier) for carrier in carriers))


def _towards_launch(sender: Sender, at: Moment) -> Sender:
    """One status on, if a launch is wanted and nothing holds it back."""
    agent = sender.rcs
    if sender.status is Status.PREPARING and not agent.waits_for_video:
        requested = agent.launch_requested(at.account)
        return replace(sender.signalled(Signal.LAUNCH_REQUESTED, at.account), agent=requested)
    if not agent.launch_wanted:
        return sender
    if sender.accepts(Signal.PREPARATION_REQUESTED):
        prepared = replace(agent, launch_wanted=False)
        return replace(sender.signalled(Signal.PREPARATION_REQUESTED, at.account), agent=prepared)
    if sender.accepts(Signal.LAUNCH_REQUESTED):
        requested = replace(agent.launch_requested(at.account), launch_wanted=False)
        return replace(sender.signalled(Signal.LAUNCH_REQUESTED, at.account), agent=requested)
    return sender


def _settled(sender: Sender, agent: Agent, at: Moment) -> Sender:
    """The sender as its carriers' verdicts make it."""
    launched = {c.region for c in agent.carriers if c.status is launch.CarrierStatus.LAUNCHED}
    already = {c.region for c in sender.rcs.carriers if c.status is launch.CarrierStatus.LAUNCHED}
    if launched - already:
        agent = replace(agent, launched_at=at.account)
    sender = replace(sender, agent=agent)
    match sender.status:
        case Status.LAUNCHING if launched:
            return replace(sender.signalled(Signal.WENT_ONLINE, at.account), offline_reasons=())
        case Status.LAUNCHING if not _any_pending(agent):
            return sender.offline(Signal.GAVE_UP, _nobody(agent), at.account)
        case Status.ONLINE | Status.UPDATING if not launched:
            return sender.offline(Signal.BLOCKED, _nobody(agent), at.account)
        case Status.UPDATING:
            return sender.signalled(Signal.UPDATE_SETTLED, at.account)
        case Status.OFFLINE if launched:
            return replace(sender.signalled(Signal.LIFTED, at.account), offline_reasons=())
        case _:
            return sender


def _any_pending(agent: Agent) -> bool:
    return any(carrier.status is launch.CarrierStatus.PENDING for carrier in agent.carriers)


def _nobody(agent: Agent) -> Reason:
    said = [f"{c.name} ({c.country}): {c.status}" + (f", {c.remark}" if c.remark else "") for c in agent.carriers]
    shown = "; ".join(said[:5]) + ("; …" if len(said) > 5 else "")
    return Reason(Trouble.NOT_LAUNCHED, f"no carrier has the agent launched: {shown or 'none was found'}")


def _until_next_look(sender: Sender, at: Moment) -> timedelta:
    """Spread by the sender's id, so that senders made together are not looked at together."""
    looks = [REFRESH * (0.9 + 0.1 * (sender.id.int % 1000) / 1000), next_look_at_testers(sender.rcs, at)]
    pending = [c.changed_at for c in sender.rcs.carriers if c.status is launch.CarrierStatus.PENDING and c.changed_at]
    if pending:
        looks.append(as_long_again(max(pending), at, _LONGEST_POLL))
    return min(looks)
