"""Events: what changed, derived from the sender before and after, so that no change can go untold.

`TYPES` lists their types. The comments among them change nothing and are told by the use case; what becomes of a
subscription is told by the lanes. `before` and `after` hold only what differs. Codes and PINs never appear.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tabard.domain.agents.agent import Agent, Tester
from tabard.domain.agents.launch import Carrier
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Sender

TYPES = (
    "sender.created",
    "sender.status",
    "sender.testing",
    "sender.online",
    "sender.offline",
    "sender.retiring",
    "sender.deleted",
    "sender.quality",
    "sender.limit",
    "sender.name",
    "sender.profile",
    "sender.draft",
    "sender.webhook",
    "sender.configuration",
    "sender.warning",
    "sender.carrier",
    "sender.tester",
    "sender.commented",
    "account.commented.whatsapp",
    "account.commented.rcs",
    "subscription.disabled",
    "subscription.test",
)
"""Every type there is. `sender.testing` to `sender.deleted` stand beside a `sender.status`; there is one
`sender.carrier` for each carrier that decided, and one `sender.tester` for each phone."""

PATTERNS = {"sender.*": tuple([name for name in TYPES if name.startswith("sender.")]), "*": TYPES}
"""Names that stand for several types."""


def types_of(name: str) -> tuple[str, ...]:
    """The types that a name stands for; none for a name that nobody knows."""
    return PATTERNS.get(name) or ((name,) if name in TYPES else ())


@dataclass(frozen=True, slots=True)
class Event:
    type: str
    before: dict[str, Any]
    after: dict[str, Any]


_WATCHED = {
    "sender.quality": ("quality",),
    "sender.limit": ("messaging_limit",),
    "sender.name": ("name_change",),
    "sender.profile": ("profile",),
    "sender.draft": ("draft",),
    "sender.webhook": ("webhook",),
    "sender.configuration": ("friendly_name", "registration"),
    "sender.warning": ("warnings",),
}

_AGENT_CONFIGURATION = ("countries", "asked_countries", "review", "contact", "local_answers", "compliance")

_SPECIAL = {
    Status.TESTING: "sender.testing",
    Status.ONLINE: "sender.online",
    Status.OFFLINE: "sender.offline",
    Status.RETIRING: "sender.retiring",
    Status.DELETED: "sender.deleted",
}


def between(before: Sender | None, after: Sender) -> tuple[Event, ...]:
    """The events that lead from one value of a sender to the next; none if nothing that shows has changed."""
    if before is None:
        return (Event("sender.created", {}, {"status": after.status, "address": after.address}),)
    events = [*_status_events(before, after), *_leaf_events(before, after)]
    if before.agent is not None and after.agent is not None and before.agent != after.agent:
        events += _agent_events(before.agent, after.agent)
    return tuple(events)


def commented(text: str) -> Event:
    return Event("sender.commented", {}, {"comment": text})


def account_commented(channel: Channel, text: str) -> Event:
    """Its type names the channel, so that the channels' remarks are told apart as events of one type are."""
    return Event(f"account.commented.{channel}", {}, {"comment": text})


def _status_events(before: Sender, after: Sender) -> Iterator[Event]:
    if before.status is after.status and before.offline_reasons == after.offline_reasons:
        return
    old = {"status": before.status, "offline_reasons": before.offline_reasons}
    new = {"status": after.status, "offline_reasons": after.offline_reasons}
    yield Event("sender.status", old, new)
    came_back = after.status is Status.ONLINE and before.status is Status.UPDATING
    if before.status is not after.status and after.status in _SPECIAL and not came_back:
        yield Event(_SPECIAL[after.status], old, new)


def _leaf_events(before: Sender, after: Sender) -> Iterator[Event]:
    if before.registration.business_account is None:
        # Where the network keeps the sender is nobody's wish.
        kept_at = after.registration.business_account
        before = replace(before, registration=replace(before.registration, business_account=kept_at))
    for type_, leaves in _WATCHED.items():
        changed = [leaf for leaf in leaves if getattr(before, leaf) != getattr(after, leaf)]
        if changed:
            yield Event(
                type_,
                {leaf: getattr(before, leaf) for leaf in changed},
                {leaf: getattr(after, leaf) for leaf in changed},
            )


def _agent_events(before: Agent, after: Agent) -> Iterator[Event]:
    changed = [leaf for leaf in _AGENT_CONFIGURATION if getattr(before, leaf) != getattr(after, leaf)]
    if changed:
        yield Event(
            "sender.configuration",
            {leaf: getattr(before, leaf) for leaf in changed},
            {leaf: getattr(after, leaf) for leaf in changed},
        )
    yield from _carrier_events(before, after)
    yield from _tester_events(before, after)


def _carrier_events(before: Agent, after: Agent) -> Iterator[Event]:
    """A carrier that was only now found, and never asked, is no news."""
    known = {carrier.region: carrier for carrier in before.carriers}
    for carrier in after.carriers:
        old = known.get(carrier.region) or Carrier(carrier.region, carrier.country, carrier.name)
        if (old.status, old.remark) != (carrier.status, carrier.remark):
            yield Event("sender.carrier", _carrier(old), _carrier(carrier))


def _carrier(carrier: Carrier) -> dict[str, Any]:
    return {
        "country": carrier.country,
        "carrier": carrier.name,
        "status": carrier.status,
        "remark": carrier.remark,
    }


def _tester_events(before: Agent, after: Agent) -> Iterator[Event]:
    old = {tester.address: tester for tester in before.shown_testers}
    new = {tester.address: tester for tester in after.shown_testers}
    for address in dict.fromkeys((*old, *new)):
        was, is_ = old.get(address), new.get(address)
        if was is None or is_ is None or was.status is not is_.status:
            yield Event("sender.tester", _tester(address, was), _tester(address, is_))


def _tester(address: str, tester: Tester | None) -> dict[str, Any]:
    return {"address": address, "status": None if tester is None else tester.status}
