from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.dialects.twilio.webhooks.overrides import Overrides, RetryOn, read_overrides
from tabard.domain.errors import InvalidInput

URL = "https://example.com/inbound?ct=1"
MILLISECONDS = {"ct": ("connect_timeout", 10_000), "rt": ("read_timeout", 15_000), "tt": ("total_timeout", 15_000)}


def read(fragment: str) -> Overrides:
    return read_overrides("callback_url", f"{URL}#{fragment}")


@pytest.mark.parametrize("url", [URL, f"{URL}#", f"{URL}#top", f"{URL}#x=1&RC=9", f"{URL}#e=dublin,tokyo&sni=n"])
def test_defaults(url):
    default = Overrides(
        connect_timeout=timedelta(seconds=5),
        read_timeout=timedelta(seconds=15),
        total_timeout=timedelta(seconds=15),
        retries=1,
        retry_on=frozenset({RetryOn.CONNECT_TIMEOUT}),
    )
    assert read_overrides("callback_url", url) == default


def test_all_of_them():
    assert read("rc=3&rp=5xx,ct,rt&ct=100&rt=2500&tt=15000") == Overrides(
        connect_timeout=timedelta(milliseconds=100),
        read_timeout=timedelta(milliseconds=2500),
        total_timeout=timedelta(seconds=15),
        retries=3,
        retry_on=frozenset({RetryOn.SERVER_ERROR, RetryOn.CONNECT_TIMEOUT, RetryOn.READ_TIMEOUT}),
    )
    assert read("rp=all").retry_on == read("rp=4xx%2C5xx,ct,rt").retry_on == frozenset(RetryOn)
    assert read("rc=0").retries == 0


@pytest.mark.parametrize("name", MILLISECONDS)
@given(number=st.integers(-1_000, 200_000))
def test_times_have_bounds(name, number):
    leaf, highest = MILLISECONDS[name]
    if 100 <= number <= highest:
        assert getattr(read(f"{name}={number}"), leaf) == timedelta(milliseconds=number)
        return
    with pytest.raises(InvalidInput, match=f"must be a whole number from 100 to {highest}") as refused:
        read(f"{name}={number}")
    assert refused.value.field == f"callback_url#{name}"


@pytest.mark.parametrize(
    ("fragment", "name", "says"),
    [
        ("rc=6", "rc", "must be a whole number from 0 to 5"),
        ("rc=-1", "rc", "must be a whole number from 0 to 5"),
        ("rc=", "rc", "must be a whole number from 0 to 5"),
        ("rc=1.0", "rc", "must be a whole number from 0 to 5"),
        ("rc=٣", "rc", "must be a whole number from 0 to 5"),
        ("ct=000100", "ct", "must be a whole number from 100 to 10000"),
        ("rp=", "rp", "must be a list, between commas, of 4xx, 5xx, ct, rt, all"),
        ("rp=5xx,", "rp", "must be a list, between commas, of 4xx, 5xx, ct, rt, all"),
        ("rp=500", "rp", "must be a list, between commas, of 4xx, 5xx, ct, rt, all"),
        ("rp=all,6xx", "rp", "must be a list, between commas, of 4xx, 5xx, ct, rt, all"),
        ("e=berlin", "e", "must be a list, between commas, of ashburn, dublin"),
        ("sni=yes", "sni", "must be one of n, y"),
        ("rc=1&rc=1", "rc", "must come once only"),
    ],
)
def test_what_is_refused(fragment, name, says):
    with pytest.raises(InvalidInput) as refused:
        read(f"x=1&{fragment}")
    assert refused.value.field == f"callback_url#{name}"
    assert refused.value.problem.startswith(says)


def test_nobody_changes_them():
    with pytest.raises(FrozenInstanceError):
        Overrides().retries = 2  # type: ignore[misc]
