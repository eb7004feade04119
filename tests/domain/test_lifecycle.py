"""The lifecycle tables: every pair of status and signal, and any sequence of them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain import lifecycle
from tabard.domain.errors import IllegalSignal
from tabard.domain.lifecycle import IN_BETWEEN, TABLES, Channel, Signal, Status
from tests.support.senders import NOW, a_sender

PAIRS = list(product(TABLES, Status, Signal))


@pytest.mark.parametrize(("channel", "status", "signal"), PAIRS)
def test_a_signal_moves_a_sender_only_where_the_table_says_so(channel, status, signal):
    sender = a_sender(status)
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
    for status in Status:
        if status is not Status.DELETED:
            assert table[status, Signal.DELETE_REQUESTED] is Status.DELETED


@pytest.mark.parametrize("channel", TABLES)
def test_every_status_can_be_reached_from_the_first(channel):
    reached, frontier = {Status.CREATING}, [Status.CREATING]
    while frontier:
        here = frontier.pop()
        fresh = {to for (status, _), to in TABLES[channel].items() if status is here} - reached
        reached |= fresh
        frontier += fresh
    assert reached == set(Status)


@pytest.mark.parametrize("channel", TABLES)
@pytest.mark.parametrize("status", sorted(IN_BETWEEN))
def test_a_status_in_between_can_be_left_both_ways(channel, status):
    exits = {to for (here, _), to in TABLES[channel].items() if here is status} - {status, Status.DELETED}
    assert Status.OFFLINE in exits, "on failure"
    assert exits - {Status.OFFLINE}, "on success"


@given(st.lists(st.sampled_from(Signal), max_size=40))
def test_whatever_comes_a_sender_keeps_to_its_table(signals):
    sender = a_sender()
    for signal in signals:
        before = sender
        try:
            sender = sender.signalled(signal, NOW)
        except IllegalSignal:
            assert not lifecycle.accepts(Channel.WHATSAPP, before.status, signal)
            assert sender is before
        if before.status is Status.DELETED:
            assert sender.status is Status.DELETED
