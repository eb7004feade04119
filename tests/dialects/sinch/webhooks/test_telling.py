"""Every trigger fires when it should, says what it should, and never otherwise."""

from dataclasses import dataclass, field, replace
from typing import Any, get_args

import orjson
import pytest

from tabard.dialects.sinch.webhooks.form import SinchFormat
from tabard.dialects.sinch.webhooks.triggers import ALL, FIRED_BY, topics
from tabard.dialects.sinch.webhooks.wire import TriggerWord
from tabard.domain import event
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.event import Event
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import UNLIMITED, NameChange, NameReview, Quality, Reason, Sender, Trouble
from tabard.ports.stores import StoredEvent
from tabard.storage.database import from_json, to_json
from tests.dialects.sinch.senders import DRAFT, IN_TEST, LAUNCHED
from tests.dialects.sinch.webhooks.samples import webhook
from tests.support.senders import NOW, a_sender

ONLINE = a_sender(Status.ONLINE)
WAITING = a_sender(Status.PENDING_VERIFICATION)
TRIGGERS = get_args(TriggerWord)
TAKEN = Reason(Trouble.NUMBER_TAKEN, "it is on WhatsApp elsewhere")
NAME = NameChange("Example Cafe", NameReview.PENDING, NOW)


def offline(sender: Sender, *reasons: Reason) -> Sender:
    return replace(sender, status=Status.OFFLINE, offline_reasons=reasons)


def decided(status: CarrierStatus, remark: str | None = None) -> Sender:
    """The launched sender, after its third carrier's word."""
    *others, last = LAUNCHED.rcs.carriers
    return replace(
        LAUNCHED, agent=replace(LAUNCHED.rcs, carriers=(*others, replace(last, status=status, remark=remark)))
    )


def as_read(told: Event, number: int = 1) -> StoredEvent:
    """As an event is once it was stored."""
    stored = Event(told.type, from_json(to_json(told.before)), from_json(to_json(told.after)))
    return StoredEvent(number, stored, "clock", NOW)


def bodies(triggers: tuple[str, ...], events: tuple[Event, ...], sender: Sender | None) -> list[dict[str, Any]]:
    """What a webhook with these triggers is sent."""
    hook = webhook(*triggers)
    heard = [told for told in events if hears(hook.topics, told, sender)]
    told = [SinchFormat().body(as_read(one), sender, hook) for one in heard]
    return [orjson.loads(body) for body in told if body is not None]


def hears(heard: tuple[str, ...], told: Event, sender: Sender | None) -> bool:
    return told.type in heard or (sender is not None and f"{sender.channel}:{told.type}" in heard)


@dataclass(frozen=True)
class Change:
    trigger: str
    before: Sender
    after: Sender
    beside: dict[str, Any] = field(default_factory=dict)


CHANGES = {
    "made by Google": Change(
        "RCS_SENDER_STATUS_UPDATED",
        replace(IN_TEST, status=Status.CREATING),
        IN_TEST,
        {"previousState": "IN_PROGRESS", "currentState": "IN_TEST"},
    ),
    "refused by Google": Change(
        "RCS_SENDER_STATUS_UPDATED",
        replace(IN_TEST, status=Status.CREATING),
        replace(DRAFT, offline_reasons=(Reason(Trouble.LOGO_UNUSABLE, "the logo is no picture"),)),
        {"previousState": "IN_PROGRESS", "currentState": "DRAFT", "comment": "the logo is no picture"},
    ),
    "suspended": Change(
        "RCS_SENDER_STATUS_UPDATED",
        LAUNCHED,
        offline(LAUNCHED, Reason(Trouble.NOT_LAUNCHED, ""), Reason(Trouble.ACCESS_DENIED, "no key")),
        {"previousState": "LAUNCHED", "currentState": "UNLAUNCHED", "comment": "not launched; no key"},
    ),
    "deleted by another dialect": Change(
        "RCS_SENDER_STATUS_UPDATED",
        LAUNCHED,
        replace(LAUNCHED, status=Status.DELETED),
        {"previousState": "LAUNCHED", "currentState": "UNKNOWN"},
    ),
    "launched by a carrier": Change(
        "RCS_SENDER_OPERATOR_STATUS_UPDATED",
        LAUNCHED,
        decided(CarrierStatus.LAUNCHED),
        {
            "operator": "Orange",
            "operatorCountry": "FR",
            "operatorPreviousStatus": "PENDING",
            "operatorCurrentStatus": "LAUNCHED",
        },
    ),
    "rejected by a carrier": Change(
        "RCS_SENDER_OPERATOR_STATUS_UPDATED",
        LAUNCHED,
        decided(CarrierStatus.REJECTED, "The logo is too dark"),
        {
            "operator": "Orange",
            "operatorCountry": "FR",
            "operatorPreviousStatus": "PENDING",
            "operatorCurrentStatus": "REJECTED",
            "comment": "The logo is too dark",
        },
    ),
    "only remarked on by a carrier": Change(
        "RCS_SENDER_OPERATOR_STATUS_UPDATED",
        LAUNCHED,
        decided(CarrierStatus.PENDING, "We have written to the brand"),
        {
            "operator": "Orange",
            "operatorCountry": "FR",
            "operatorPreviousStatus": "PENDING",
            "operatorCurrentStatus": "PENDING",
            "comment": "We have written to the brand",
        },
    ),
    "online": Change("WHATSAPP_SENDER_ACTIVE", a_sender(Status.VERIFYING), ONLINE),
    "online again": Change("WHATSAPP_SENDER_ACTIVE", offline(ONLINE, TAKEN), ONLINE),
    "retiring": Change("WHATSAPP_SENDER_INACTIVE", ONLINE, replace(ONLINE, status=Status.RETIRING)),
    "number taken": Change(
        "WHATSAPP_SENDER_REJECTED", WAITING, offline(WAITING, TAKEN), {"comment": "it is on WhatsApp elsewhere"}
    ),
    "never registered": Change(
        "WHATSAPP_SENDER_ERROR",
        a_sender(Status.VERIFYING),
        offline(a_sender(Status.VERIFYING), Reason(Trouble.PIN_MISMATCH, "")),
        {"comment": "pin mismatch"},
    ),
    "banned": Change(
        "WHATSAPP_SENDER_ERROR",
        ONLINE,
        offline(ONLINE, Reason(Trouble.ACCOUNT_BANNED, "The account is banned")),
        {"comment": "The account is banned"},
    ),
    "offline for no reason": Change("WHATSAPP_SENDER_ERROR", ONLINE, offline(ONLINE)),
    "awaits a code": Change("WHATSAPP_SENDER_PENDING_VERIFICATION", a_sender(Status.CREATING), WAITING),
    "awaits another code": Change("WHATSAPP_SENDER_PENDING_VERIFICATION", a_sender(Status.VERIFYING), WAITING),
    "quality": Change(
        "WHATSAPP_SENDER_QUALITY_RATING_CHANGED",
        replace(ONLINE, quality=Quality.HIGH),
        replace(ONLINE, quality=Quality.LOW),
    ),
    "limit": Change(
        "WHATSAPP_SENDER_DAILY_LIMIT_CHANGED",
        replace(ONLINE, messaging_limit=250),
        replace(ONLINE, messaging_limit=UNLIMITED),
    ),
    "new name": Change("WHATSAPP_SENDER_DISPLAY_NAME_UPDATED", ONLINE, replace(ONLINE, name_change=NAME)),
    "name declined": Change(
        "WHATSAPP_SENDER_DISPLAY_NAME_UPDATED",
        replace(ONLINE, name_change=NAME),
        replace(ONLINE, name_change=replace(NAME, review=NameReview.DECLINED, detail="It is a place's name")),
        {"comment": "It is a place's name"},
    ),
    "deleted": Change(
        "WHATSAPP_SENDER_DELETED", replace(ONLINE, status=Status.RETIRING), replace(ONLINE, status=Status.DELETED)
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_fires_its_trigger_only(change):
    events = event.between(change.before, replace(change.after, id=change.before.id))
    for triggers in ((change.trigger,), (ALL,), ("BUNDLE_DONE", change.trigger), TRIGGERS[1:]):
        (told,) = bodies(triggers, events, change.after)
        assert (told.pop("type"), told.pop("payload")["id"]) == (change.trigger, str(change.after.id))
        assert told == change.beside
    others = tuple(trigger for trigger in TRIGGERS if trigger not in {change.trigger, ALL})
    assert bodies(others, events, change.after) == []


SILENT = {
    "made": (None, IN_TEST),
    "updating": (LAUNCHED, replace(LAUNCHED, status=Status.UPDATING)),
    "updated": (replace(LAUNCHED, status=Status.UPDATING), LAUNCHED),
    "another reason": (offline(IN_TEST, TAKEN), offline(IN_TEST, Reason(Trouble.STUCK, ""))),
    "another profile": (IN_TEST, replace(IN_TEST, profile=DRAFT.profile)),
    "WhatsApp, made": (None, a_sender()),
    "WhatsApp, updating": (ONLINE, replace(ONLINE, status=Status.UPDATING)),
    "WhatsApp, updated": (replace(ONLINE, status=Status.UPDATING), ONLINE),
    "WhatsApp, on its way": (WAITING, replace(WAITING, status=Status.VERIFYING)),
    "WhatsApp, refused a code": (WAITING, replace(WAITING, offline_reasons=(TAKEN,))),
    "WhatsApp, a name of long ago": (replace(ONLINE, name_change=NAME), ONLINE),
}


@pytest.mark.parametrize(("before", "after"), SILENT.values(), ids=SILENT.keys())
def test_what_is_no_change_in_sinchs_words_is_not_told(before, after):
    assert event.between(before, after)
    assert bodies((ALL,), event.between(before, after), after) == []


@pytest.mark.parametrize(
    ("sender", "trigger"), [(IN_TEST, "RCS_SENDER_COMMENT_ADDED"), (ONLINE, "WHATSAPP_SENDER_COMMENT_ADDED")]
)
def test_a_comment_on_a_sender(sender, trigger):
    (told,) = bodies((trigger,), (event.commented("Well done"),), sender)
    assert (told["type"], told["payload"]["id"], told["comment"]) == (trigger, str(sender.id), "Well done")
    assert bodies(("BUNDLE_DONE",), (event.commented("Well done"),), sender) == []


def test_a_comment_on_an_account():
    rcs = bodies((ALL,), (event.account_commented(Channel.RCS, "Well done"),), None)
    assert rcs == [{"type": "RCS_ACCOUNT_COMMENT_ADDED", "comment": "Well done"}]
    (whatsapp,) = bodies((ALL,), (event.account_commented(Channel.WHATSAPP, "Well done"),), None)
    assert (whatsapp["type"], whatsapp["comment"]) == ("WHATSAPP_ACCOUNT_COMMENT_ADDED", "Well done")
    assert whatsapp["payload"]["state"] == "ONBOARDED"
    assert "wabaId" not in whatsapp["payload"]


@pytest.mark.parametrize("type_", ["subscription.test", "subscription.disabled"])
def test_nothing_is_said_of_subscriptions(type_):
    assert SinchFormat().body(as_read(Event(type_, {}, {"id": "example"})), None, webhook(ALL)) is None


def test_a_sender_of_which_no_picture_is_left_is_not_told():
    told = event.between(a_sender(Status.VERIFYING), ONLINE)
    assert [SinchFormat().body(as_read(one), None, webhook(ALL)) for one in told] == [None] * len(told)


def test_every_trigger_that_can_fire_is_tried():
    comments = {trigger for trigger in FIRED_BY if trigger.endswith("COMMENT_ADDED")}
    assert {change.trigger for change in CHANGES.values()} | comments == FIRED_BY.keys()
    assert FIRED_BY.keys() < set(TRIGGERS)


def test_topics():
    assert topics(["WHATSAPP_SENDER_ERROR", "WHATSAPP_SENDER_REJECTED"]) == ("whatsapp:sender.offline",)
    assert set(topics([ALL])) == set(FIRED_BY.values())
    assert topics(["BUNDLE_DONE", "KAKAOTALK_SENDER_ACTIVE"]) == ()
    for topic in FIRED_BY.values():
        assert topic.removeprefix("rcs:").removeprefix("whatsapp:") in event.TYPES


def test_the_payload_is_the_sender_as_fetched_but_for_its_token():
    (rcs,) = bodies((ALL,), event.between(replace(LAUNCHED, status=Status.LAUNCHING), LAUNCHED), LAUNCHED)
    assert list(rcs) == ["type", "payload", "previousState", "currentState"]
    assert (rcs["payload"]["state"], rcs["payload"]["authName"]) == ("LAUNCHED", LAUNCHED.address)
    assert rcs["payload"]["countryStatus"][1]["operators"][0]["name"] == "Orange"
    (whatsapp,) = bodies((ALL,), event.between(a_sender(Status.VERIFYING), ONLINE), ONLINE)
    assert (whatsapp["payload"]["state"], whatsapp["payload"]["phoneNumber"]) == ("ACTIVE", "5550100001")
    for told in (rcs, whatsapp):
        assert "oken" not in orjson.dumps(told).decode()
