"""Reading Meta's webhooks: the signature, every kind of notice, and what is not Meta's."""

import hashlib
import hmac
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.networks.meta.ingress import Notice, NoticeKind, read, signature_valid

SECRET = "test-app-secret"
BODY = b'{"object":"whatsapp_business_account","entry":[]}'
SIGNATURE = "sha256=c84a394cc475525991e78ff16e430b02e47f953877d2af0ade26956ce6f384dc"
ACCOUNT = "500000000000001"


def test_the_known_vector_holds():
    assert signature_valid(SECRET, BODY, SIGNATURE)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_changed_byte_of_the_body_fails(at, flip):
    changed = bytearray(BODY)
    changed[at] ^= flip
    assert not signature_valid(SECRET, bytes(changed), SIGNATURE)


@given(st.integers(0, len(SIGNATURE) - 1), st.characters())
def test_one_changed_character_of_the_signature_fails(at, character):
    changed = SIGNATURE[:at] + character + SIGNATURE[at + 1 :]
    assert signature_valid(SECRET, BODY, changed) == (changed == SIGNATURE)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        SIGNATURE[7:],
        SIGNATURE.replace("sha256", "sha1"),
        f" {SIGNATURE}",
        SIGNATURE + "0",
        "é\udcff",
    ],
)
def test_another_header_fails(header):
    assert not signature_valid(SECRET, BODY, header)


def test_another_secret_fails_and_no_secret_signs_nothing():
    assert not signature_valid("test-app-secreT", BODY, SIGNATURE)
    unkeyed = "sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    assert not signature_valid("", BODY, unkeyed)


def delivery(field: str, value: object, account: object = ACCOUNT) -> bytes:
    entry = {"id": account, "time": 1767000000, "changes": [{"field": field, "value": value}]}
    return orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})


def only(field: str, value: object) -> Notice:
    (notice,) = read(delivery(field, value))
    return notice


def test_quality():
    value = {
        "display_phone_number": "15550100001",
        "event": "THROUGHPUT_UPGRADE",
        "current_limit": "TIER_UNLIMITED",
        "max_daily_conversations_per_business": "TIER_UNLIMITED",
    }
    assert only("phone_number_quality_update", value) == Notice(ACCOUNT, "15550100001", None, NoticeKind.QUALITY, value)


def test_name():
    value = {
        "display_phone_number": "+1 555-010-0001",
        "decision": "REJECTED",
        "requested_verified_name": "Acme",
        "rejection_reason": "NAME_NOT_CONSISTENT",
    }
    assert only("phone_number_name_update", value) == Notice(ACCOUNT, "15550100001", None, NoticeKind.NAME, value)
    approved = only("phone_number_name_update", {**value, "decision": "APPROVED", "rejection_reason": None})
    assert "rejection_reason" not in approved.detail


EVENTS = (
    "ACCOUNT_DELETED",
    "ACCOUNT_OFFBOARDED",
    "ACCOUNT_RECONNECTED",
    "ACCOUNT_RESTRICTION",
    "ACCOUNT_VIOLATION",
    "AD_ACCOUNT_LINKED",
    "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
    "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE",
    "DISABLED_UPDATE",
    "MM_LITE_TERMS_SIGNED",
    "VERIFIED_ACCOUNT",
    "VOLUME_BASED_PRICING_TIER_UPDATE",
    "SOMETHING_NEW",
)
PARTNER_EVENTS = ("PARTNER_ADDED", "PARTNER_REMOVED", "PARTNER_APP_INSTALLED", "PARTNER_APP_UNINSTALLED")


@pytest.mark.parametrize("event", EVENTS)
def test_account_events_concern_the_account_that_they_are_addressed_to(event):
    value = {"event": event, "waba_info": {"waba_id": "7", "owner_business_id": "3"}}
    notice = only("account_update", value)
    assert (notice.business_account, notice.kind, notice.detail["event"]) == (ACCOUNT, NoticeKind.ACCOUNT, event)


@pytest.mark.parametrize("event", PARTNER_EVENTS)
def test_partner_events_concern_the_account_that_they_name_inside(event):
    value = {"event": event, "waba_info": {"waba_id": "500000000000009", "owner_business_id": "3"}}
    (notice,) = read(delivery("account_update", value, account="300000000000001"))
    assert (notice.business_account, notice.kind) == ("500000000000009", NoticeKind.ACCOUNT)
    assert only("account_update", {"event": event}).business_account == ACCOUNT


def test_nested_values_are_told_by_their_path():
    restricted = only(
        "account_update",
        {
            "event": "ACCOUNT_RESTRICTION",
            "restriction_info": [{"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION", "expiration": 1768000000}],
        },
    )
    assert restricted.detail == {
        "event": "ACCOUNT_RESTRICTION",
        "restriction_info.0.restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION",
        "restriction_info.0.expiration": "1768000000",
    }
    banned = only(
        "account_update",
        {
            "event": "DISABLED_UPDATE",
            "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE", "waba_ban_date": "May 4, 2026"},
        },
    )
    assert banned.detail["ban_info.waba_ban_state"] == "SCHEDULE_FOR_DISABLE"
    assert only("account_update", {"event": "VERIFIED_ACCOUNT", "phone_number": "15550100001"}).digits == "15550100001"


def test_alert():
    value = {
        "entity_type": "PHONE_NUMBER",
        "entity_id": "700000000000001",
        "alert_info": {"alert_severity": "WARNING", "alert_status": "ACTIVE", "alert_type": "PROFILE_PICTURE_LOST"},
    }
    notice = only("account_alerts", value)
    assert (notice.kind, notice.number_id) == (NoticeKind.ALERT, "700000000000001")
    assert notice.detail["alert_info.alert_type"] == "PROFILE_PICTURE_LOST"
    assert only("account_alerts", {**value, "entity_type": "BUSINESS"}).number_id is None


def test_review_capability_and_security():
    assert only("account_review_update", {"decision": "APPROVED"}) == Notice(
        ACCOUNT, None, None, NoticeKind.REVIEW, {"decision": "APPROVED"}
    )
    capability = {"max_daily_conversations_per_business": 2000, "max_phone_numbers_per_waba": 25}
    notice = only("business_capability_update", capability)
    assert (notice.kind, notice.detail["max_daily_conversations_per_business"]) == (NoticeKind.CAPABILITY, "2000")
    tiered = only("business_capability_update", {"max_daily_conversations_per_business": "TIER_2K"})
    assert tiered.detail == {"max_daily_conversations_per_business": "TIER_2K"}
    security = {"display_phone_number": "15550100001", "event": "PIN_RESET_REQUEST", "requester": "61000000000001"}
    assert only("security", security) == Notice(ACCOUNT, "15550100001", None, NoticeKind.SECURITY, security)


def test_messages_are_told_without_their_text():
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550100001", "phone_number_id": "700000000000001"},
        "messages": [{"from": "15550100002", "id": "wamid.IN1", "type": "text", "text": {"body": "a secret"}}],
    }
    notice = only("messages", value)
    assert notice == Notice(ACCOUNT, "15550100001", "700000000000001", NoticeKind.MESSAGES)
    assert "secret" not in repr(notice)


@pytest.mark.parametrize("value", [{}, [], None, "x", {"a": {"b": [1]}}])
def test_an_unknown_field_is_kept_by_its_name(value):
    assert only("flows", value) == Notice(ACCOUNT, None, None, NoticeKind.UNKNOWN, {"field": "flows"})


def test_a_batch_is_read_in_order_and_bounded():
    entries = [
        {
            "id": str(number),
            "changes": [{"field": "account_review_update", "value": {"decision": str(n)}} for n in range(100)],
        }
        for number in range(10)
    ]
    notices = read(orjson.dumps({"object": "whatsapp_business_account", "entry": entries}))
    assert [(n.business_account, n.detail["decision"]) for n in notices] == [
        (str(number), str(n)) for number in range(10) for n in range(100)
    ]
    entries.append({"id": "11", "changes": [{"field": "messages", "value": {}}]})
    with pytest.raises(ValueError, match="1000 changes"):
        read(orjson.dumps({"object": "whatsapp_business_account", "entry": entries}))


def test_the_smallest_body_holds_nothing():
    assert read(BODY) == ()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a webhook"),
        (b'{"object":"page","entry":[]}', "not a webhook"),
        (b'{"object":"whatsapp_business_account"}', "'entry'"),
        (b'{"object":"whatsapp_business_account","entry":{}}', "'entry'"),
        (b'{"object":"whatsapp_business_account","entry":[1]}', "'entry'"),
        (b'{"object":"whatsapp_business_account","entry":[{"changes":[]}]}', "no id"),
        (b'{"object":"whatsapp_business_account","entry":[{"id":true,"changes":[]}]}', "no id"),
        (b'{"object":"whatsapp_business_account","entry":[{"id":"5"}]}', "'changes'"),
        (b'{"object":"whatsapp_business_account","entry":[{"id":"5","changes":[null]}]}', "'changes'"),
        (b'{"object":"whatsapp_business_account","entry":[{"id":"5","changes":[{}]}]}', "field name"),
        (delivery("security", []), "'security' is not an object"),
    ],
)
def test_a_malformed_body_is_refused_with_its_reason(body, problem):
    with pytest.raises(ValueError, match=problem):
        read(body)


def test_odd_values_do_no_harm():
    assert read(delivery("security", {"event": "a\0b", "deep": [[[[[[["x"]]]]]]], "many": list(range(500))}))
    notice = only("security", {"event": "a\0b", "on": True, "display_phone_number": 15550100001})
    assert notice.detail == {"event": "ab", "on": "true", "display_phone_number": "15550100001"}
    assert len(only("security", {"many": list(range(500))}).detail) == 100
    assert read(delivery("account_review_update", {}, account=5))[0].business_account == "5"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["phone_number_quality_update", "account_update", "account_alerts", "messages", "security", "x"]
)


@given(FIELDS, JSON)
def test_any_value_is_read_or_refused(field, value):
    with suppress(ValueError):
        for notice in read(delivery(field, value)):
            assert all(isinstance(text, str) for item in notice.detail.items() for text in item)


@given(
    st.dictionaries(st.sampled_from(["event", "waba_info", "display_phone_number", "metadata", "entity_type"]), JSON)
)
def test_known_keys_may_hold_anything(value):
    for field in ("account_update", "messages", "account_alerts", "security"):
        assert len(read(delivery(field, value))) == 1


@given(
    st.binary()
    | JSON.map(orjson.dumps)
    | JSON.map(lambda e: orjson.dumps({"object": "whatsapp_business_account", "entry": e}))
)
def test_garbage_raises_nothing_but_value_error(body):
    with suppress(ValueError):
        read(body)
