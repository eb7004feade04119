"""What becomes of a delivery after an attempt: the schedule, the receiver's hints, and when it is over."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain.webhooks.delivery import HOLDS_FOR, Attempt, DeliveryState, Failure, Schedule, Verdict, judge

pauses = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=1))
schedules = st.lists(pauses, min_size=1, max_size=12).map(lambda some: Schedule(tuple(sorted(some))))
jitters = st.floats(0, 1)
hints = st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=365))


def failed(**more) -> Attempt:
    return Attempt(timedelta(seconds=1), status=500, failure=Failure.STATUS, **more)


@given(schedules)
def test_pauses_never_shrink_before_chance_has_its_say(schedule):
    made = [schedule.pause(attempts, None, 0) for attempts in range(1, len(schedule.pauses) + 1)]
    assert made == sorted(made)
    assert schedule.pause(len(schedule.pauses) + 1, None, 0) is None


@given(schedules, st.data(), jitters)
def test_chance_takes_a_fifth_off_at_most_and_never_adds(schedule, data, jitter):
    attempts = data.draw(st.integers(1, len(schedule.pauses)))
    base, pause = schedule.pauses[attempts - 1], schedule.pause(attempts, None, jitter)
    assert pause is not None
    assert base * 0.8 - timedelta(microseconds=1) <= pause <= base


@given(schedules, st.data(), hints, jitters)
def test_a_hint_never_shortens_a_pause_and_stretches_it_within_bounds(schedule, data, hint, jitter):
    attempts = data.draw(st.integers(1, len(schedule.pauses)))
    base, pause = schedule.pauses[attempts - 1], schedule.pause(attempts, hint, jitter)
    assert pause is not None
    assert pause >= schedule.pause(attempts, None, jitter)
    assert pause <= max(2 * base, timedelta(hours=1))
    if hint is not None and hint <= max(2 * base, timedelta(hours=1)):
        assert pause >= hint


@given(schedules, st.integers(1, 20), hints, jitters)
def test_a_success_settles_whatever_was_before(schedule, attempts, hint, jitter):
    done = Attempt(timedelta(0), status=204, retry_after=hint)
    assert judge(done, attempts, schedule, jitter) == Verdict(DeliveryState.DELIVERED)


@given(schedules, st.integers(1, 20), jitters)
def test_a_failure_waits_as_long_as_the_schedule_lasts_and_holds_while_the_pause_is_short(schedule, attempts, jitter):
    verdict = judge(failed(), attempts, schedule, jitter)
    if attempts > len(schedule.pauses):
        assert verdict == Verdict(DeliveryState.FAILED)
        return
    assert verdict.state is DeliveryState.WAITING
    assert verdict.pause is not None
    assert verdict.holds is (verdict.pause <= HOLDS_FOR)


@given(schedules, hints)
def test_a_receiver_that_is_gone_is_not_tried_again(schedule, hint):
    gone = Attempt(timedelta(0), status=410, failure=Failure.STATUS, retry_after=hint)
    assert gone.gone
    assert judge(gone, 1, schedule, 0) == Verdict(DeliveryState.FAILED)


@pytest.mark.parametrize("cause", list(Failure))
def test_every_cause_of_failure_is_tried_again(cause):
    attempt = Attempt(timedelta(0), failure=cause)
    assert judge(attempt, 1, Schedule((timedelta(seconds=5),)), 0).state is DeliveryState.WAITING
