"""A receiver finds out who has sent a delivery, and that nothing of it was changed."""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.dialects.sinch.webhooks.form import SinchFormat
from tabard.dialects.sinch.webhooks.signature import signature
from tabard.domain.ids import DeliveryId
from tabard.domain.webhooks.delivery import Attempt, DeliveryState, Failure, judge
from tests.dialects.sinch.webhooks.samples import SECRET

NAME = "x-sinch-webhook-signature"
AT = datetime(2026, 11, 20, 12, 0, 0, 987_000, tzinfo=UTC)
BODY = b'{"type":"RCS_ACCOUNT_COMMENT_ADDED","comment":"Welcome"}'
NONCE = "01JF3J9Q0S8E0Q4Y5ZC2T7R6WK"
KEY = SECRET.encode()


def headers(body=BODY, secrets=(KEY,), at=AT):
    return SinchFormat().headers(DeliveryId(uuid4()), body, secrets, at)


def verified(body: bytes, secret: bytes, got) -> bool:
    """As a receiver does it."""
    text = body + b"." + got[f"{NAME}-nonce"].encode() + b"." + got[f"{NAME}-timestamp"].encode()
    expected = base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(expected, got[NAME])


def test_vector():
    """Made by: printf '%s.%s.%s' BODY NONCE 1795176000 | openssl dgst -sha256 -hmac example-secret -binary | base64"""
    expected = "m+FHhU0Oy4q9kvT4LOzO71aUPBhpYxwGDHxpwxGaFSQ="
    assert signature(BODY, b"example-secret", NONCE, "1795176000") == expected


def test_the_headers():
    got = headers()
    assert set(got) == {"Content-Type", NAME, f"{NAME}-algorithm", f"{NAME}-nonce", f"{NAME}-timestamp"}
    assert (got["Content-Type"], got[f"{NAME}-algorithm"]) == ("application/json", "HmacSHA256")
    assert got[f"{NAME}-timestamp"] == str(int(AT.timestamp()))
    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", got[f"{NAME}-nonce"])
    assert len(got[NAME]) == 44
    assert verified(BODY, KEY, got)


def test_each_attempt_is_signed_afresh():
    first, again, later = headers(), headers(), headers(at=AT + timedelta(seconds=10))
    assert first[f"{NAME}-nonce"] != again[f"{NAME}-nonce"]
    assert len({first[NAME], again[NAME], later[NAME]}) == 3
    assert first[f"{NAME}-nonce"][:10] == again[f"{NAME}-nonce"][:10] < later[f"{NAME}-nonce"][:10]
    assert int(later[f"{NAME}-timestamp"]) == int(first[f"{NAME}-timestamp"]) + 10


def test_the_newest_secret_signs():
    got = headers(secrets=(b"new", b"old"))
    assert verified(BODY, b"new", got)
    assert not verified(BODY, b"old", got)


@given(
    body=st.binary(min_size=1, max_size=300),
    secret=st.text(st.characters(codec="utf-8"), min_size=1, max_size=128),
    data=st.data(),
)
def test_one_changed_byte_fails(body, secret, data):
    got = headers(body, (secret.encode(),))
    assert verified(body, secret.encode(), got)
    place = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert not verified(bytes(changed), secret.encode(), got)
    assert not verified(body, secret.encode(), {**got, f"{NAME}-timestamp": "1795176001"})
    assert not verified(body, secret.encode(), {**got, f"{NAME}-nonce": NONCE})
    assert not verified(body, secret.encode() + b"!", got)


def test_a_weekend_passes_before_a_delivery_is_given_up():
    schedule, failed = SinchFormat().schedule, Attempt(timedelta(seconds=1), 503, Failure.STATUS)
    verdicts = [judge(failed, attempts, schedule, jitter=0) for attempts in range(1, 12)]
    assert [verdict.state for verdict in verdicts] == [DeliveryState.WAITING] * 10 + [DeliveryState.FAILED]
    pauses = [verdict.pause for verdict in verdicts if verdict.pause is not None]
    assert pauses == sorted(pauses)
    assert sum(pauses, timedelta()) * 0.8 > timedelta(hours=60)
    assert [verdict.holds for verdict in verdicts] == [True, True] + [False] * 9
    assert schedule.time_out == timedelta(seconds=15)


@pytest.mark.parametrize("at", [AT, datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)])
def test_a_nonce_is_26_characters_at_any_time(at):
    assert len(headers(at=at)[f"{NAME}-nonce"]) == 26
