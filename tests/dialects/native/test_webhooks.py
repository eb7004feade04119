"""Our own deliveries, held against the library that Standard Webhooks offers to receivers."""

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from tabard.app.accounts import SANDBOX_ACCOUNT
from tabard.dialects.native.webhooks import (
    NativeFormat,
    event_fields,
    read_secret,
    sender_fields,
    shown_secret,
    webhook_body,
)
from tabard.domain.errors import InvalidInput
from tabard.domain.event import Event
from tabard.domain.ids import DeliveryId, new_subscription_id, new_uuid
from tabard.domain.lifecycle import Status
from tabard.domain.sender import Reason, Trouble
from tabard.domain.webhooks.subscription import Subscription
from tabard.ports.stores import StoredEvent
from tests.support.senders import NOW, a_sender

SECRET, FORMER = bytes(range(24)), bytes(range(64))
FORM = NativeFormat()
DELIVERY = DeliveryId(new_uuid())
SUBSCRIPTION = Subscription(
    id=new_subscription_id(),
    account_id=SANDBOX_ACCOUNT,
    dialect="native",
    url="https://example.com/hook",
    names=("*",),
    topics=("*",),
    sealed_secret=b"",
    created_at=NOW,
    updated_at=NOW,
)
SENDER = a_sender(Status.ONLINE)
EVENT = StoredEvent(7, Event("sender.online", {"status": "verifying"}, {"status": "online"}), "network:meta", NOW)


def now():
    return datetime.now(UTC)


def delivered(secrets, body=b'{"a":1}', at=None):
    return FORM.headers(DELIVERY, body, secrets, at or now())


def verify(secret, body, headers):
    return Webhook(shown_secret(secret)).verify(body, dict(headers))


# the signature


@given(secret=st.binary(min_size=24, max_size=64), text=st.text())
def test_the_library_takes_it(secret, text):
    body = orjson.dumps({"text": text})
    assert verify(secret, body, delivered([secret], body)) == {"text": text}


@given(place=st.integers(min_value=0), change=st.integers(min_value=1, max_value=255))
def test_one_changed_byte_fails(place, change):
    body = bytearray(b'{"type":"sender.online","data":{"number":1}}')
    headers = delivered([SECRET], bytes(body))
    body[place % len(body)] ^= change
    with pytest.raises((WebhookVerificationError, ValueError)):
        verify(SECRET, bytes(body), headers)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_what_stands_beside_the_body_is_signed(name):
    headers = dict(delivered([SECRET]))
    headers[name] = headers[name][:-1] + ("0" if headers[name][-1] != "0" else "1")
    with pytest.raises(WebhookVerificationError):
        verify(SECRET, b'{"a":1}', headers)


def test_during_an_overlap_both_secrets_verify():
    headers = delivered([SECRET, FORMER])
    assert [part[:3] for part in headers["webhook-signature"].split(" ")] == ["v1,", "v1,"]
    for secret in (SECRET, FORMER):
        verify(secret, b'{"a":1}', headers)


def test_after_it_only_the_new_one_does():
    verify(SECRET, b'{"a":1}', delivered([SECRET]))
    with pytest.raises(WebhookVerificationError):
        verify(FORMER, b'{"a":1}', delivered([SECRET]))


def test_an_old_attempt_is_no_longer_taken():
    with pytest.raises(WebhookVerificationError):
        verify(SECRET, b'{"a":1}', delivered([SECRET], at=now() - timedelta(minutes=6)))


def test_each_attempt_is_signed_afresh_under_the_same_id():
    first, second = (delivered([SECRET], at=now() - timedelta(seconds=back)) for back in (60, 0))
    assert first["webhook-id"] == second["webhook-id"] == str(DELIVERY)
    assert "." not in first["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60


def test_headers_say_what_it_is():
    headers = delivered([SECRET])
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "Tabard-Webhooks/1"


def test_the_schedule_is_the_specification_s():
    seconds = [pause.total_seconds() for pause in FORM.schedule.pauses]
    hour = 3600
    assert seconds == [5, 300, 1800, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour]


# the body


def test_the_body_is_whole():
    body = orjson.loads(FORM.body(EVENT, SENDER, SUBSCRIPTION))
    sender = body["data"].pop("sender")
    assert body == {
        "type": "sender.online",
        "timestamp": NOW.isoformat(),
        "data": {
            "number": 7,
            "sender_id": str(SENDER.id),
            "channel": "whatsapp",
            "address": SENDER.address,
            "status": "online",
            "before": {"status": "verifying"},
            "after": {"status": "online"},
            "actor": "network:meta",
        },
    }
    assert sender["name"] == "Example Parcels"
    assert sender["id"] == str(SENDER.id)


def test_the_type_is_as_the_specification_wants_it():
    assert all(re.fullmatch("[a-zA-Z0-9_]+", part) for part in EVENT.event.type.split("."))


def test_an_event_of_the_account_has_no_sender():
    told = replace(EVENT, event=Event("subscription.test", {}, {"id": "x"}))
    data = orjson.loads(FORM.body(told, None, SUBSCRIPTION))["data"]
    assert (data["sender"], data["sender_id"], data["channel"], data["address"]) == (None, None, None, None)


def test_it_is_the_same_always():
    assert FORM.body(EVENT, SENDER, SUBSCRIPTION) == FORM.body(EVENT, SENDER, SUBSCRIPTION)


def test_the_feed_s_event_makes_the_same_body():
    shown = orjson.loads(orjson.dumps(event_fields(EVENT, SENDER.id)))
    sender = orjson.loads(orjson.dumps(sender_fields(SENDER)))
    assert orjson.loads(webhook_body(shown, sender)) == orjson.loads(FORM.body(EVENT, SENDER, SUBSCRIPTION))


def test_nothing_secret_is_told():
    secretive = replace(SENDER, sealed_pin=b"the pin", sealed_code=b"the code")
    shown = sender_fields(secretive)
    assert shown is not None
    assert not {"sealed_pin", "sealed_code", "link", "account_id"} & shown.keys()


def test_a_busy_sender_s_body_is_small():
    """The specification advises less than 20 kB."""
    reasons = tuple(Reason(trouble, "x" * 200) for trouble in Trouble)
    assert len(FORM.body(EVENT, replace(SENDER, warnings=reasons), SUBSCRIPTION)) < 20_000


# secrets


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_read_as_it_is_shown(secret):
    assert read_secret(shown_secret(secret)) == secret


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        base64.b64encode(bytes(24)).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + base64.b64encode(bytes(25)).decode().rstrip("="),
        "whsec_" + base64.b64encode(bytes(24)).decode() + "\n",
        "whsec_" + "!" * 32,
        "whsec_" + "\u00e9" * 32,
        "whsk_" + base64.b64encode(bytes(24)).decode(),
    ],
)
def test_others_are_no_secrets(text):
    with pytest.raises(InvalidInput) as refused:
        read_secret(text)
    assert refused.value.field == "secret"
