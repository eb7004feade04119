"""Zavu's signature, in each version: the known digests, and nothing else is accepted."""

import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.dialects.zavu.webhooks.signature import SignatureVersion, signature

SECRET = "whsec_test_secret"
AT = datetime.fromtimestamp(1_700_000_000, UTC)
BODY = (
    '{"id":"evt_1700000000000_abc123","type":"message.inbound","timestamp":1700000000000,"senderId":"snd_1",'
    '"projectId":"prj_1","data":{"messageId":"msg_1","from":"+56912345678","text":"¿Cómo estás?"}}'
).encode()
V1 = "v1=bd9d298dd6200ed9075a46acd2d53a7f1fdc5077a5d4e76337aa9488a889ddca"
V2 = "v2=a7ab9b9d9b012a4e8492ebe5fe4b48f2811ea424af6ae9cab451ac5d91e64583"


@pytest.mark.parametrize(
    ("version", "digests"),
    [(SignatureVersion.V1, [V1]), (SignatureVersion.V2, [V2]), (SignatureVersion.BOTH, [V1, V2])],
)
def test_each_version_has_the_known_digests(version, digests):
    assert signature(SECRET, version, BODY, AT) == ",".join(["t=1700000000", *digests])


@given(st.binary(min_size=1, max_size=200), st.data())
def test_one_changed_byte_changes_every_digest(body, data):
    at = data.draw(st.integers(0, len(body) - 1))
    changed = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    _, *before = signature(SECRET, SignatureVersion.BOTH, body, AT).split(",")
    _, *after = signature(SECRET, SignatureVersion.BOTH, changed, AT).split(",")
    assert not set(before) & set(after)


def test_only_the_second_version_covers_the_time():
    _, v1, v2 = signature(SECRET, SignatureVersion.BOTH, BODY, AT + timedelta(seconds=1)).split(",")
    assert v1 == V1
    assert v2 != V2
    assert v2 == "v2=" + hmac.digest(SECRET.encode(), b"1700000001." + BODY, "sha256").hex()


def test_versions_change_by_way_of_both():
    v1, both, v2 = SignatureVersion.V1, SignatureVersion.BOTH, SignatureVersion.V2
    assert not v1.may_become(v2)
    assert not v2.may_become(v1)
    assert all(one.may_become(both) and both.may_become(one) and one.may_become(one) for one in SignatureVersion)
