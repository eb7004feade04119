"""Subscriptions: which secrets sign, and which addresses are taken."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain.errors import InvalidInput
from tabard.domain.ids import AccountId, SubscriptionId
from tabard.domain.webhooks.subscription import LONGEST_OVERLAP, Subscription, check_url

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def a_subscription() -> Subscription:
    return Subscription(
        id=SubscriptionId(UUID(int=1)),
        account_id=AccountId(UUID(int=2)),
        dialect="native",
        url="https://example.com/hook",
        names=("*",),
        topics=("*",),
        sealed_secret=b"first",
        created_at=NOW,
        updated_at=NOW,
    )


@given(st.timedeltas(timedelta(0), LONGEST_OVERLAP), st.timedeltas(timedelta(0), timedelta(days=30)))
def test_a_former_secret_signs_until_its_overlap_is_over_and_no_longer(overlap, later):
    rotated = a_subscription().rotated(b"second", NOW, overlap)
    expected = (b"second", b"first") if later < overlap else (b"second",)
    assert rotated.secrets(NOW + later) == expected


def test_only_the_last_secret_overlaps():
    twice = a_subscription().rotated(b"second", NOW, LONGEST_OVERLAP).rotated(b"third", NOW, LONGEST_OVERLAP)
    assert twice.secrets(NOW) == (b"third", b"second")


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), LONGEST_OVERLAP + timedelta(seconds=1)])
def test_an_overlap_has_bounds(overlap):
    with pytest.raises(InvalidInput):
        a_subscription().rotated(b"second", NOW, overlap)


def test_secrets_are_in_no_text():
    rotated = a_subscription().rotated(b"second", NOW, LONGEST_OVERLAP)
    assert "first" not in repr(rotated)
    assert "second" not in repr(rotated)


def test_enabling_forgets_why_it_was_disabled_and_since_when_it_failed():
    disabled = a_subscription().disabled("gone", NOW)
    assert (disabled.enabled, disabled.disabled_reason) == (False, "gone")
    again = disabled.enabled_again(NOW)
    assert (again.enabled, again.disabled_reason, again.failing_since) == (True, None, None)


@pytest.mark.parametrize("url", ["https://example.com/hook?a=b", "http://example.com:8080", "https://a.example/x@y"])
def test_web_addresses_are_taken(url):
    check_url("url", url)


@pytest.mark.parametrize(
    "url", ["", "ftp://example.com", "https://", "https://user:word@example.com/", "https://example.com/" + "a" * 2048]
)
def test_others_are_not(url):
    with pytest.raises(InvalidInput):
        check_url("url", url)
