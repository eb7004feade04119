"""The lifecycle tables: every pair of status and signal, and any sequence of them."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain import lifecycle
from tabard.domain.errors import IllegalSignal
from tabard.domain.lifecycle import IN_BETWEEN, TABLES, Channel, Signal, Status
from tests.support.senders import NOW, a_sender

PAIRS = list(product(TABLES, Status, Signal))

STATUSES = {
    Channel.WHATSAPP: set(Status) - {Status.TESTING, Status.PREPARING, Status.LAUNCHING},
    Channel.RCS: set(Status) - {Status.PENDING_VERIFICATION, Status.VERIFYING, Status.RETIRING},
}
"""In which a sender of the channel can be at all: numbers are proved, agents are launched."""

AFTER_FAILURE = {Channel.WHATSAPP: {Status.OFFLINE}, Channel.RCS: {Status.OFFLINE, Status.DRAFT}}


def a_sender_of(channel, status):
    return replace(a_sender(status), channel=channel)


@pytest.mark.parametrize(("channel", "status", "signal"), PAIRS)
def test_a_signal_moves_a_sender_only_where_the_table_says_so(channel, status, signal):
    sender = a_sender_of(channel, status)
    if (status, signal) in TABLES[channel]:
        assert sender.signalled(signal, NOW).status is TABLES[channel][status, signal]
        assert sender.accepts(signal)
    else:
        with pytest.raises(IllegalSignal):
            sender.signalled(signal, NOW)
        assert not sender.accepts(signal)


@pytest.mark.parametrize("channel", TABLES)
def test_deleted_is_final_and_every_other_status_has_a_way_to_it(channel):
    table = TABLES[channel]
    assert not [pair for pair in table if pair[0] is Status.DELETED]
    for status in STATUSES[channel] - {Status.DELETED}:
        assert table[status, Signal.DELETE_REQUESTED] is Status.DELETED


@pytest.mark.parametrize("channel", TABLES)
def test_every_status_of_a_channel_and_no_other_can_be_reached_from_a_draft(channel):
    reached, frontier = {Status.DRAFT}, [Status.DRAFT]
    while frontier:
        here = frontier.pop()
        fresh = {to for (status, _), to in TABLES[channel].items() if status is here} - reached
        reached |= fresh
        frontier += fresh
    assert reached == STATUSES[channel]


@pytest.mark.parametrize("channel", TABLES)
def test_its_owner_may_change_a_sender_whatever_its_status(channel):
    for status in STATUSES[channel] - {Status.DELETED}:
        assert lifecycle.accepts(channel, status, Signal.UPDATE_REQUESTED), status


@pytest.mark.parametrize(
    ("channel", "status"), [(c, s) for c in TABLES for s in sorted(IN_BETWEEN) if s in STATUSES[c]]
)
def test_a_status_in_between_can_be_left_both_ways(channel, status):
    exits = {to for (here, _), to in TABLES[channel].items() if here is status} - {status, Status.DELETED}
    assert exits & AFTER_FAILURE[channel], "on failure"
    assert exits - AFTER_FAILURE[channel], "on success"


@pytest.mark.parametrize("channel", TABLES)
@given(signals=st.lists(st.sampled_from(Signal), max_size=40))
def test_whatever_comes_a_sender_keeps_to_its_table(channel, signals):
    sender = a_sender_of(channel, Status.DRAFT)
    for signal in signals:
        before = sender
        try:
            sender = sender.signalled(signal, NOW)
        except IllegalSignal:
            assert not lifecycle.accepts(channel, before.status, signal)
            assert sender is before
        assert sender.status in STATUSES[channel]
        if before.status is Status.DELETED:
            assert sender.status is Status.DELETED


@pytest.mark.parametrize("channel", TABLES)
@given(data=st.data())
def test_any_sequence_of_legal_signals_leaves_a_status_that_can_be_reached(channel, data):
    status = Status.DRAFT
    for _ in range(20):
        legal = [signal for here, signal in TABLES[channel] if here is status]
        assert bool(legal) is (status is not Status.DELETED)
        if not legal:
            return
        status = lifecycle.advance(channel, status, data.draw(st.sampled_from(legal)))
        assert status in STATUSES[channel]
