"""How long a failing sender is tried again: longer and longer, and about a day in all."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tabard.workflows.faults import FIRST_RETRY, LONGEST_RETRY, MOST_ATTEMPTS, backoff


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_delay_never_shrinks_and_keeps_within_its_cap(attempts: int, jitter: float):
    assert FIRST_RETRY <= backoff(attempts, 0) <= backoff(attempts + 1, 0) <= LONGEST_RETRY
    assert backoff(attempts, 0) * 0.8 <= backoff(attempts, jitter) <= backoff(attempts, 0)


def test_a_day_of_failures_is_needed_to_give_up():
    for jitter, least, most in ((0.0, 24, 31), (1.0, 24, 25)):
        total = sum((backoff(attempts, jitter) for attempts in range(MOST_ATTEMPTS)), timedelta(0))
        assert timedelta(hours=least) <= total <= timedelta(hours=most)
