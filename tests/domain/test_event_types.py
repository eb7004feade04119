"""The list of event types is whole, and holds nothing that never happens."""

from dataclasses import fields, replace
from typing import Any

import pytest

from tabard.domain import event
from tabard.domain.agents import agent
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.domain.event import PATTERNS, TYPES, types_of
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Reason, Trouble
from tests.support.senders import NOW, a_sender

TOLD_BY_LANES = {"subscription.disabled", "subscription.test"}


def changes():
    """A sender before and after, for everything that can change of one."""
    plain = agent.Agent()
    sender = replace(a_sender(Status.VERIFYING), agent=plain)
    yield None, sender
    for status in Status:
        yield sender, replace(sender, status=status)
    yield sender, replace(sender, offline_reasons=(Reason(Trouble.STUCK, "stuck"),))
    other: Any = object()
    for leaf in fields(sender):
        if leaf.name not in {"agent", "status", "offline_reasons", "registration"}:
            yield sender, replace(sender, **{leaf.name: other})
    yield sender, replace(sender, registration=replace(sender.registration, verification_method=None))
    carrier = Carrier("region", "US", "Example Mobile", status=CarrierStatus.LAUNCHED)
    tester = agent.Tester("+15550100001", agent.TesterStatus.ACCEPTED, NOW)
    changes: tuple[dict[str, Any], ...] = ({"carriers": (carrier,)}, {"testers": (tester,)}, {"contact": other})
    for change in changes:
        yield sender, replace(sender, agent=replace(plain, **change))


def test_it_is_what_can_happen():
    derived = {told.type for before, after in changes() for told in event.between(before, after)}
    said = {event.commented("text").type, *(event.account_commented(channel, "text").type for channel in Channel)}
    assert derived | said | TOLD_BY_LANES == set(TYPES)
    assert len(set(TYPES)) == len(TYPES)


def test_a_name_stands_for_its_types():
    assert types_of("sender.online") == ("sender.online",)
    assert types_of("*") == TYPES
    assert set(types_of("sender.*")) == {name for name in TYPES if name.startswith("sender.")}


@pytest.mark.parametrize("name", ["", "sender", "sender.", "Sender.online", "account.*", "**", "sender.online ", "\0"])
def test_others_stand_for_nothing(name):
    assert types_of(name) == ()
    assert name not in PATTERNS
