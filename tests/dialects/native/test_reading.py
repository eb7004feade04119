"""Cursors and queries of `/tabard/v1`."""

import base64
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.dialects.native.events import wire
from tabard.dialects.native.events.reading import (
    plain_types,
    read_cursor,
    read_delivery_cursor,
    write_cursor,
    write_delivery_cursor,
)
from tabard.domain.errors import InvalidInput
from tabard.domain.event import TYPES
from tabard.domain.ids import DeliveryId
from tabard.domain.lifecycle import Channel
from tabard.domain.webhooks.delivery import DeliveryState
from tabard.ports.webhooks import Cursor


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**63 - 1))
def test_a_place_is_read_as_it_was_written(transaction, number):
    place = Cursor(transaction, number)
    assert read_cursor(write_cursor(place)) == place


@given(st.integers(0, 2**63 - 1), st.uuids())
def test_so_is_a_place_among_deliveries(number, delivery_id):
    text = write_delivery_cursor(number, DeliveryId(delivery_id))
    assert read_delivery_cursor(text) == (number, delivery_id)


def encoded(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12.3",
        encoded("12"),
        encoded("12."),
        encoded("12.3.4"),
        encoded("-12.3"),
        encoded("012.3"),
        encoded("12.3 "),
        encoded("12.3\n"),
        encoded("\u0661.3"),
        encoded(f"{2**64}.0"),
        encoded(f"0.{2**63}"),
        encoded("12.3") + "=",
        encoded("12.34")[:-1] + "1",
        "MTIuMw\n",
        "MTI+Mw",
        "\u00e9",
        "A",
    ],
)
def test_nothing_else_is_a_cursor(text):
    with pytest.raises(InvalidInput) as refused:
        read_cursor(text)
    assert refused.value.field == "cursor"


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    for read in (read_cursor, read_delivery_cursor):
        try:
            read(text)
        except InvalidInput:
            continue


def test_a_cursor_of_one_list_is_none_of_the_other():
    with pytest.raises(InvalidInput):
        read_delivery_cursor(write_cursor(Cursor(1, 2)))


def test_names_stand_for_types_once():
    assert plain_types(()) == ()
    assert plain_types(("sender.online", "sender.*", "sender.online"))[0] == "sender.online"
    assert set(plain_types(("*",))) == set(TYPES)


def test_names_are_as_the_domain_has_them():
    """Enumerations of the domain stand in the wire's models as plain words."""
    assert set(get_args(wire.ChannelName)) == set(Channel)
    assert set(get_args(wire.StateName)) == set(DeliveryState)
