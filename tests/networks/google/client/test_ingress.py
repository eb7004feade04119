"""Reading Google's webhooks: the handshake, the signature, every kind of notice, and what is not Google's."""

import base64
import hashlib
import hmac
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.networks.google.ingress import Delivery, Handshake, Notice, NoticeKind, open_body, read, signature_valid

TOKEN = "test-client-token"
DATA = b'{"senderPhoneNumber":"+15550100001","eventType":"DELIVERED"}'
ENVELOPE = b"""{"message":{"data":"eyJzZW5kZXJQaG9uZU51bWJlciI6IisxNTU1MDEwMDAwMSIsImV2ZW50VHlwZSI6IkRFTElWRVJFRCJ9",
 "attributes":{"business_id":"acme_parcels_k3x9_agent","event_type":"DELIVERED","product":"RBM","type":"event"},
 "messageId":"991","publishTime":"2026-05-04T08:00:00Z"},"subscription":"projects/p/subscriptions/s"}"""
SIGNATURE = "bAACaeGBNAxq8xcq6FPwO+B/sjxOr/D0niZY2BsE9/IUl37hLHh2AnJyIoFv7aI+SEj7gAAcTjjb2XKF1IvvhQ=="
AGENT = "acme_parcels_k3x9_agent"
FI = "/v1/regions/fi-rcs"


def test_the_known_vector_holds():
    assert open_body(ENVELOPE) == Delivery(DATA)
    assert signature_valid(TOKEN, DATA, SIGNATURE)


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_one_changed_byte_of_the_data_fails(at, flip):
    changed = bytearray(DATA)
    changed[at] ^= flip
    assert not signature_valid(TOKEN, bytes(changed), SIGNATURE)


@given(st.integers(0, len(SIGNATURE) - 1), st.characters())
def test_one_changed_character_of_the_signature_fails(at, character):
    changed = SIGNATURE[:at] + character + SIGNATURE[at + 1 :]
    assert signature_valid(TOKEN, DATA, changed) == (changed == SIGNATURE)


@pytest.mark.parametrize("header", [None, "", SIGNATURE[:-2], f" {SIGNATURE}", SIGNATURE + "=", "é\udcff"])
def test_another_header_fails(header):
    assert not signature_valid(TOKEN, DATA, header)


def test_another_token_fails_and_no_token_signs_nothing():
    assert not signature_valid("test-client-tokeN", DATA, SIGNATURE)
    unkeyed = base64.b64encode(hmac.new(b"", DATA, hashlib.sha512).digest()).decode()
    assert not signature_valid("", DATA, unkeyed)


# bodies


def test_a_handshake_is_known_by_its_two_words():
    assert open_body(b'{"clientToken":"a","secret":"1234567890"}') == Handshake("a", "1234567890")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"5",
        b"{}",
        b"[" * 100_000,
        b'{"clientToken":"a"}',
        b'{"clientToken":"a","secret":5}',
        b'{"clientToken":5,"secret":"a"}',
        b'{"clientToken":"a","secret":"' + b"x" * 1001 + b'"}',
        b'{"message":5}',
        b'{"message":{}}',
        b'{"message":{"data":5}}',
        b'{"message":{"data":"***"}}',
        b'{"message":{"data":"YQ"}}',
        '{"message":{"data":"YQ==é"}}'.encode(),
    ],
)
def test_what_is_neither_is_neither(body):
    assert open_body(body) is None


@given(st.binary() | st.text().map(str.encode))
def test_no_body_breaks_the_opening(body):
    opened = open_body(body)
    assert opened is None or isinstance(opened, Handshake | Delivery)


# notices


def data(**more: object) -> bytes:
    return orjson.dumps({"agentId": AGENT, "sendTime": "2026-05-04T08:00:00Z", **more})


def test_a_launch_event():
    event = data(
        eventId="e-1",
        botDisplayName="Acme Parcels",
        regionId=FI,
        oldLaunchState="PENDING",
        newLaunchState="LAUNCHED",
        actingParty="ana@example.com",
        comment="",
    )
    assert read(event) == Notice(NoticeKind.LAUNCH, AGENT, FI, "PENDING", "LAUNCHED", None)
    rejected = data(regionId=FI, oldLaunchState="PENDING", newLaunchState="SOMETHING_NEW", comment="Too\0 vague")
    assert read(rejected) == Notice(NoticeKind.LAUNCH, AGENT, FI, "PENDING", "SOMETHING_NEW", "Too vague")
    assert read(data(newLaunchState=None)) == Notice(NoticeKind.LAUNCH, AGENT)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (data(senderPhoneNumber="+15550100001", messageId="m", text="hello"), NoticeKind.MESSAGE),
        (data(senderPhoneNumber="+15550100001", eventId="e", eventType="READ"), NoticeKind.USER_EVENT),
        (data(senderPhoneNumber="+15550100001", eventId="e", eventType="UNSUBSCRIBE"), NoticeKind.USER_EVENT),
        (data(phoneNumber="+15550100001", eventId="e", eventType="TTL_EXPIRATION_REVOKED"), NoticeKind.SERVER_EVENT),
    ],
)
def test_other_kinds_are_known(event, kind):
    assert read(event) == Notice(kind, AGENT)


@pytest.mark.parametrize("event", [data(), data(somethingNew=1), data(eventType="X")])
def test_what_is_of_no_kind_is_no_notice(event):
    assert read(event) is None


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (b"", "not a JSON object"),
        (b"x", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (b'{"newLaunchState":"LAUNCHED"}', "launch names no agent"),
        (b'{"newLaunchState":"LAUNCHED","agentId":5}', "launch names no agent"),
        (b'{"newLaunchState":"LAUNCHED","agentId":"\\u0000"}', "launch names no agent"),
        (DATA, "user_event names no agent"),
    ],
)
def test_malformed_data_are_refused_with_their_reason(event, problem):
    with pytest.raises(ValueError, match=problem):
        read(event)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["agentId", "newLaunchState", "oldLaunchState", "regionId", "comment", "senderPhoneNumber", "eventType"]


@given(st.binary() | JSON.map(orjson.dumps) | st.dictionaries(st.sampled_from(NAMES), JSON).map(orjson.dumps))
def test_garbage_raises_nothing_but_value_error(event):
    with suppress(ValueError):
        read(event)
