"""A number in Meta's words, read."""

from typing import Any

import pytest

from tabard.domain.sender import UNLIMITED, NameReview, Quality, Trouble
from tabard.networks.meta import number
from tabard.ports.networks import NumberState, NumberStatus
from tests.networks.meta.stand_in import NUMBER


def state(**changed: object) -> NumberState:
    found = number.state_of({**NUMBER, **changed})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("PENDING", NumberStatus.PENDING),
        ("UNVERIFIED", NumberStatus.PENDING),
        ("CONNECTED", NumberStatus.CONNECTED),
        ("FLAGGED", NumberStatus.CONNECTED),
        ("RATE_LIMITED", NumberStatus.CONNECTED),
        ("DISCONNECTED", NumberStatus.DISCONNECTED),
        ("RESTRICTED", NumberStatus.RESTRICTED),
        ("BANNED", NumberStatus.BANNED),
        ("MIGRATED", NumberStatus.MIGRATED),
        ("DELETED", NumberStatus.DELETED),
        ("UNKNOWN", NumberStatus.UNKNOWN),
        ("LINKED", NumberStatus.UNKNOWN),
        (None, NumberStatus.UNKNOWN),
        ([], NumberStatus.UNKNOWN),
    ],
)
def test_statuses(status, expected):
    assert state(status=status).status is expected


@pytest.mark.parametrize(
    ("display", "address"),
    [
        ("+1 555-010-0001", "+15550100001"),
        ("15550100001", "+15550100001"),
        ("+39 06 1234 5678", "+390612345678"),
        ("", None),
        ("+0 555", None),
        ("+1 555-010-0001-0001-0001", None),
        (15550100001, None),
        (None, None),
    ],
)
def test_the_address_is_what_is_shown_without_its_decoration(display, address):
    assert state(display_phone_number=display).address == address


def test_a_connected_number_needs_no_other_proof():
    assert state(code_verification_status="EXPIRED").verified
    assert state(code_verification_status="VERIFIED", status="PENDING").verified
    assert not state(code_verification_status="EXPIRED", status="DISCONNECTED").verified


def test_qualities_names_and_limits():
    qualities = [state(quality_rating=word).quality for word in ("GREEN", "YELLOW", "RED", "UNKNOWN", "NA", "PINK", 5)]
    assert qualities == [Quality.HIGH, Quality.MEDIUM, Quality.LOW, *[Quality.UNKNOWN] * 4]
    words: tuple[object, ...] = (
        "APPROVED",
        "AVAILABLE_WITHOUT_REVIEW",
        "DECLINED",
        "EXPIRED",
        "PENDING_REVIEW",
        "NONE",
        "NON_EXISTS",
        {},
    )
    reviews = (NameReview.APPROVED, NameReview.APPROVED, NameReview.DECLINED, NameReview.EXPIRED, NameReview.PENDING)
    assert [state(name_status=word).name_review for word in words] == [*reviews, None, None, None]
    assert [state(new_name_status=word).pending_name_review for word in words] == [*reviews, None, None, None]
    tiers = ["TIER_50", "TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED", "UNTIERED", "x", 5]
    limits = [50, 250, 1000, 2000, 10_000, 100_000, UNLIMITED, None, None, None]
    assert [number.limit_of(tier) for tier in tiers] == limits


def health(kind: str, *codes: object, can: str = "BLOCKED") -> dict[str, Any]:
    entity = {"entity_type": kind, "id": "1", "can_send_message": can, "errors": [{"error_code": c} for c in codes]}
    return {"can_send_message": can, "entities": [{"entity_type": "APP", "can_send_message": "BLOCKED"}, entity]}


@pytest.mark.parametrize(
    ("found", "trouble"),
    [
        (health("BUSINESS", 141006), Trouble.ACCOUNT_DISABLED),
        (health("WABA", 999, 131031), Trouble.ACCOUNT_LOCKED),
        (health("WABA"), Trouble.ACCOUNT_DISABLED),
        (health("WABA", "x", 131016), Trouble.ACCOUNT_DISABLED),
        (health("PHONE_NUMBER", 131037), Trouble.NAME_DECLINED),
        (health("PHONE_NUMBER", 133010), Trouble.NOT_REGISTERED),
        (health("PHONE_NUMBER"), Trouble.NETWORK_REFUSED),
        (health("PHONE_NUMBER", 141006, can="LIMITED"), None),
        (health("APP", 141006), None),
        (health("MESSAGE_TEMPLATE"), None),
        ({"entities": "x"}, None),
        ({"entities": [5, {}]}, None),
        ("BLOCKED", None),
        (None, None),
    ],
)
def test_what_blocks_a_connected_number(found, trouble):
    assert state(health_status=found).blocked_by is trouble


def test_a_number_that_is_not_connected_is_not_blocked_by_being_so():
    assert state(status="PENDING", health_status=health("PHONE_NUMBER")).blocked_by is None
    assert state(status="PENDING", health_status=health("WABA")).blocked_by is Trouble.ACCOUNT_DISABLED
    lost = [state(status=word).blocked_by for word in ("BANNED", "MIGRATED", "DELETED", "RESTRICTED")]
    assert lost == [Trouble.NUMBER_BANNED, Trouble.NUMBER_MIGRATED, Trouble.NUMBER_GONE, None]
