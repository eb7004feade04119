"""The guide says what is so."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tabard.app.webhooks import feed as feed_app
from tabard.dialects.native.webhooks import SCHEDULE, NativeFormat, shown_secret
from tabard.domain.event import TYPES
from tabard.domain.ids import DeliveryId, new_uuid
from tabard.http import limits
from tests.support.repository import DOCS

GUIDE = (DOCS / "guides" / "webhooks.md").read_text(encoding="utf-8")
SECRET, FORMER, BODY = bytes(24), bytes(range(32)), b'{"a":1}'


def test_it_names_every_type_and_no_other():
    table = GUIDE.partition("## The events")[2].partition("\n\n`sender.*`")[0]
    assert set(re.findall(r"`((?:sender|account|subscription)\.[a-z.]+)`", table)) == set(TYPES)


def test_it_has_the_schedule():
    hours = [int(pause.total_seconds()) // 3600 for pause in SCHEDULE.pauses[3:]]
    assert SCHEDULE.pauses[:3] == (timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30))
    for said in (
        "5 seconds later",
        "5 minutes",
        "30 minutes",
        *("{}, {}, {} hours".format(*hours[n : n + 3]) for n in (0, 3)),
    ):
        assert said in GUIDE
    assert f"within {SCHEDULE.time_out.total_seconds():.0f} seconds" in GUIDE


def test_it_has_the_feed_s_figures():
    assert feed_app.LONGEST_STREAM == 600
    assert feed_app.HEARTBEAT == 15
    assert feed_app.LONGEST_WAIT == 60
    assert f"An account may have {limits.MOST_WAITING} streams" in GUIDE


@pytest.fixture
def verified() -> Any:
    """The function that the guide shows."""
    (program,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, "webhooks.md", "exec"), names)
    return names["verified"]


@pytest.mark.parametrize("secrets", [[SECRET], [SECRET, FORMER], [FORMER, SECRET]])
def test_its_verification_takes_what_is_signed(verified: Any, secrets: list[bytes]):
    headers = NativeFormat().headers(DeliveryId(new_uuid()), BODY, secrets, datetime.now(UTC))
    assert verified(shown_secret(SECRET), headers, BODY)


def test_its_verification_refuses_everything_else(verified: Any):
    now = datetime.now(UTC)
    headers = NativeFormat().headers(DeliveryId(new_uuid()), BODY, [SECRET], now)
    old = NativeFormat().headers(DeliveryId(new_uuid()), BODY, [SECRET], now - timedelta(minutes=6))
    assert not verified(shown_secret(FORMER), headers, BODY)
    assert not verified(shown_secret(SECRET), headers, BODY + b" ")
    assert not verified(shown_secret(SECRET), {**headers, "webhook-id": str(new_uuid())}, BODY)
    assert not verified(shown_secret(SECRET), old, BODY)
