"""What a user may ask of an RCS sender, and what becomes of it then.

The sender is a draft until its profile holds all that the network asks of an agent; then it is made, by itself. What
people reviewed at the launch can't be changed behind their backs: those leaves are frozen from then on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tabard.domain.agents.agent import Agent, BusinessContact, Review
from tabard.domain.errors import FieldsFrozen, WrongStatus
from tabard.domain.lifecycle import Signal, Status
from tabard.domain.profile import Profile, check_rcs_profile
from tabard.domain.sender import Sender

REQUIRED_LEAVES = ("name", "description", "logo_url", "banner_url", "privacy_url", "terms_of_service_url")
"""Without them the network makes no agent (Google, create an agent); accent colour and use case have defaults."""
CONTACT_LEAVES = ("phone_numbers", "emails", "websites")
"""One of them must be there too."""

FROZEN_LEAVES = frozenset({"name", "logo_url", "banner_url", "use_case"})
"""From the first request to launch on: the business is verified and carriers review under them (Google, edit agents;
Twilio, use_case)."""


@dataclass(frozen=True, slots=True)
class AgentChange:
    """What to set of the agent; None leaves alone. In `review` and `contact`, None or an empty tuple clears a leaf; a
    mapping adds to what the leaf holds, and an entry that is None goes away."""

    countries: tuple[str, ...] | None = None
    testers: tuple[str, ...] | None = None
    """E.164 with the plus."""
    review: Mapping[str, Any] = field(default_factory=dict)
    contact: Mapping[str, Any] = field(default_factory=dict)
    local_answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By country; an answer that is None goes away."""
    compliance: Mapping[str, str | None] = field(default_factory=dict)
    """By country, and one for all under ""; one that is None goes away."""
    launch: bool = False
    """Launch in every wanted country, as soon as that is possible."""


def missing_for_agent(profile: Profile) -> tuple[str, ...]:
    """The leaves without which the network makes no agent."""
    missing = [leaf for leaf in REQUIRED_LEAVES if not getattr(profile, leaf)]
    if not any(getattr(profile, leaf) for leaf in CONTACT_LEAVES):
        missing.append(CONTACT_LEAVES[0])
    return tuple(missing)


def changed_agent(sender: Sender, profile: Mapping[str, object], change: AgentChange, at: datetime) -> Sender:
    """The sender as the change makes it, at the account's time. Raises `InvalidInput`, `FieldsFrozen`,
    `TooManyTesters`; nothing of the change holds then."""
    wanted = sender.profile.changed(dict(profile))
    check_rcs_profile(wanted)
    agent = sender.rcs
    frozen = sorted(leaf for leaf in FROZEN_LEAVES if getattr(wanted, leaf) != getattr(sender.profile, leaf))
    if frozen and agent.asked_countries:
        paths = [f"profile.{leaf}" for leaf in frozen]
        raise FieldsFrozen(paths, f"{', '.join(frozen)} can't be changed once a launch has been requested")
    sender = replace(sender, profile=wanted, agent=with_change(agent, change, at))
    return submitted(sender.signalled(Signal.UPDATE_REQUESTED, at), at)


def with_change(agent: Agent, change: AgentChange, at: datetime) -> Agent:
    """The agent as the change makes it. Raises `TooManyTesters`."""
    if change.testers is not None:
        agent = agent.with_testers(change.testers, at)
    if change.countries is not None:
        agent = agent.wanting(change.countries)
    answers = {**agent.local_answers}
    for country, leaves in change.local_answers.items():
        answers[country] = _overlaid(answers.get(country, {}), leaves)
    agent = replace(
        agent,
        review=replace(agent.review, **_merged(agent.review, change.review)),
        contact=replace(agent.contact, **_merged(agent.contact, change.contact)),
        local_answers={country: leaves for country, leaves in answers.items() if leaves},
        compliance=_overlaid(agent.compliance, change.compliance),
        launch_wanted=agent.launch_wanted or change.launch,
    )
    return replace(agent, waits_for_video=agent.waits_for_video and not agent.review.videos)


def _merged(part: Review | BusinessContact, leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves to set; a mapping among them together with what is there, without the entries that are None."""

    def whole(name: str, value: Any) -> Any:
        return _overlaid(getattr(part, name) or {}, value) if isinstance(value, Mapping) else value

    return {name: whole(name, value) for name, value in leaves.items()}


def _overlaid(there: Mapping[str, Any], leaves: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**there, **leaves}.items() if value is not None}


def submitted(sender: Sender, at: datetime) -> Sender:
    """A draft that holds all that the network asks of an agent is to be made."""
    if sender.status is not Status.DRAFT or missing_for_agent(sender.profile):
        return sender
    sender = replace(sender.linked(attempts=0), offline_reasons=())
    return sender.signalled(Signal.SUBMITTED, at)


def launch_requested(sender: Sender, at: datetime, *, waits_for_video: bool) -> Sender:
    """The sender to be launched in all its countries. One that waits for a video is only prepared until it has one.

    Raises `WrongStatus`.
    """
    waits = waits_for_video and not sender.rcs.review.videos and sender.accepts(Signal.PREPARATION_REQUESTED)
    signal = Signal.PREPARATION_REQUESTED if waits else Signal.LAUNCH_REQUESTED
    if sender.status is Status.PREPARING or not sender.accepts(signal):
        raise WrongStatus(sender.status, f"a sender that is {sender.status} can't be launched")
    agent = replace(sender.rcs.launch_requested(at), waits_for_video=waits, launch_wanted=waits)
    sender = replace(sender.signalled(signal, at), agent=agent, offline_reasons=())
    return sender.linked(attempts=0)


def towards_launch(sender: Sender, at: datetime) -> Sender:
    """One status on, if a launch is wanted and nothing holds it back."""
    agent = sender.rcs
    if not agent.launch_wanted or not agent.countries:
        return sender
    if sender.accepts(Signal.PREPARATION_REQUESTED):
        return replace(sender.signalled(Signal.PREPARATION_REQUESTED, at), offline_reasons=())
    if agent.waits_for_video or not sender.accepts(Signal.LAUNCH_REQUESTED):
        return sender
    requested = replace(agent.launch_requested(at), launch_wanted=False)
    return replace(sender.signalled(Signal.LAUNCH_REQUESTED, at), agent=requested)
