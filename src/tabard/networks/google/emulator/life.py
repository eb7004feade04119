"""How an agent moves: the table of a launch's transitions, and what happens to an agent by itself.

Google checks the business first, once a launch is requested; then each carrier decides for itself. Whatever is to come
stands in the agent, as the `due` of its part, in account time; `advance` does all that is due by then. So a decision
that somebody takes earlier leaves nothing behind that must be called off. Every change of a region is told by webhook;
a verification is not, it must be asked for. Sources: Google's guides on launching agents and on launch events.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tabard.networks.google.emulator import events, outcomes
from tabard.networks.google.emulator.outcomes import owner_of
from tabard.networks.google.emulator.pace import Rhythm
from tabard.networks.google.emulator.regions import REGIONS
from tabard.networks.google.emulator.state import Agent, Change, Json, Launch, Verification
from tabard.networks.google.wire import (
    ActingParty,
    InviteStatus,
    LaunchState,
    ManagementType,
    VerificationState,
)

_PARTNER = frozenset({ActingParty.PARTNER})
_CARRIER = frozenset({ActingParty.CARRIER, ActingParty.GOOGLE})

TRANSITIONS = {
    (LaunchState.UNSPECIFIED, LaunchState.PENDING): _PARTNER,
    (LaunchState.UNLAUNCHED, LaunchState.PENDING): _PARTNER,
    (LaunchState.REJECTED, LaunchState.PENDING): _PARTNER,
    (LaunchState.PENDING, LaunchState.UNLAUNCHED): _PARTNER,
    (LaunchState.LAUNCHED, LaunchState.UNLAUNCHED): _PARTNER,
    (LaunchState.SUSPENDED, LaunchState.UNLAUNCHED): _PARTNER | _CARRIER,
    (LaunchState.PENDING, LaunchState.LAUNCHED): _CARRIER,
    (LaunchState.PENDING, LaunchState.REJECTED): _CARRIER,
    (LaunchState.LAUNCHED, LaunchState.SUSPENDED): _CARRIER,
    (LaunchState.SUSPENDED, LaunchState.LAUNCHED): _CARRIER,
}
"""(from, to) -> who may. UNSPECIFIED is a region in which no launch was ever requested."""


@dataclass(frozen=True, slots=True)
class Move:
    """One region's change."""

    region: str
    to: LaunchState
    party: ActingParty
    comment: str | None = None


def state_in(agent: Agent, region: str) -> LaunchState:
    launch = agent.launches.get(region)
    return LaunchState.UNSPECIFIED if launch is None else launch.state


def carrier_of(region: str) -> ActingParty:
    """Who decides there."""
    managed = REGIONS[region].management
    return ActingParty.GOOGLE if managed is ManagementType.GOOGLE_MANAGED else ActingParty.CARRIER


def moved(agent: Agent, moves: list[Move], now: datetime, rhythm: Rhythm) -> Change:
    """The moves must be in the table. What is pending in a verified agent gets its time; so does a suspension."""
    told: list[Json] = []
    for move in moves:
        old = state_in(agent, move.region)
        launch = Launch(move.to, now, move.comment)
        after = agent.outcome.suspended_after
        if (old, move.to) == (LaunchState.PENDING, LaunchState.LAUNCHED) and after is not None:
            launch = replace(launch, due=now + after)
        agent = agent.with_launch(move.region, launch)
        told.append(events.launch_changed(agent, move.region, old, launch, move.party))
    return Change(_scheduled(agent, now, rhythm), tuple(told))


def put_up(agent: Agent, now: datetime, rhythm: Rhythm) -> Agent:
    """With its verification under way: that begins when a launch is requested, not with its own request."""
    verification = agent.verification
    if verification is None or verification.state is not VerificationState.UNVERIFIED:
        return agent
    due = _after(now, rhythm.verification())
    return replace(agent, verification=Verification(verification.contact, VerificationState.PENDING, due))


def _scheduled(agent: Agent, now: datetime, rhythm: Rhythm) -> Agent:
    """With a time for every carrier whose decision is open; none before the business is verified."""
    if agent.verified_as is not VerificationState.VERIFIED:
        return agent
    waiting = [name for name, launch in agent.launches.items() if launch.state is LaunchState.PENDING]
    for place, name in enumerate(waiting):
        wait = rhythm.decision(agent.outcome, REGIONS[name], place / len(waiting))
        if agent.launches[name].due is None:
            agent = agent.with_launch(name, replace(agent.launches[name], due=_after(now, wait)))
    return agent


def _after(now: datetime, wait: timedelta | None) -> datetime | None:
    return None if wait is None else now + wait


def verification_decided(agent: Agent, now: datetime, rhythm: Rhythm, *, verified: bool) -> Change | None:
    """A business that is refused may be put up again. None if nothing is open."""
    open_ = agent.verification
    if open_ is None or open_.state is not VerificationState.PENDING:
        return None
    if verified:
        agent = replace(agent, verification=Verification(open_.contact, VerificationState.VERIFIED))
        return Change(_scheduled(agent, now, rhythm))
    rejections = [
        Move(name, LaunchState.REJECTED, ActingParty.GOOGLE, outcomes.REFUSAL)
        for name, launch in agent.launches.items()
        if launch.state is LaunchState.PENDING
    ]
    return moved(replace(agent, verification=Verification(open_.contact)), rejections, now, rhythm)


def unverified(agent: Agent) -> Agent:
    """Back to the start: carriers wait for the next verification."""
    if agent.verification is None:
        return agent
    launches = {
        name: replace(launch, due=None) if launch.state is LaunchState.PENDING else launch
        for name, launch in agent.launches.items()
    }
    return replace(agent, verification=Verification(agent.verification.contact), launches=launches)


def advance(agent: Agent, now: datetime, rhythm: Rhythm) -> Change:
    """All that is due by now. Nothing may be: a task may run twice, or come when its ground is gone."""
    told: tuple[Json, ...] = ()
    if agent.verification is not None and _is_due(agent.verification.due, now):
        decided = verification_decided(agent, now, rhythm, verified=not agent.outcome.unverified)
        if decided is not None:
            agent, told = decided.agent, decided.events
    change = moved(
        agent,
        [_own_move(agent, name) for name, launch in agent.launches.items() if _is_due(launch.due, now)],
        now,
        rhythm,
    )
    return Change(_answered(change.agent, now), told + change.events)


def _own_move(agent: Agent, region: str) -> Move:
    """What the carrier does when the time has come."""
    party = carrier_of(region)
    if state_in(agent, region) is LaunchState.LAUNCHED:
        return Move(region, LaunchState.SUSPENDED, party, outcomes.SUSPENSION)
    if agent.outcome.rejects(first=REGIONS[region].is_first):
        return Move(region, LaunchState.REJECTED, party, outcomes.REJECTION)
    return Move(region, LaunchState.LAUNCHED, party)


def _answered(agent: Agent, now: datetime) -> Agent:
    due = [address for address, tester in agent.testers.items() if _is_due(tester.due, now)]
    for address in due:
        agent = invitation_answered(agent, address, accepted=bool(owner_of(address).accepts))
    return agent


def invitation_answered(agent: Agent, address: str, *, accepted: bool) -> Agent:
    status = InviteStatus.ACCEPTED if accepted else InviteStatus.DECLINED
    return replace(agent, testers={**agent.testers, address: replace(agent.testers[address], status=status, due=None)})


def _is_due(due: datetime | None, now: datetime) -> bool:
    return due is not None and due <= now
