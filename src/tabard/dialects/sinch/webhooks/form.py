"""Deliveries in Sinch's words: body, headers, and when an attempt is made again.

Sinch says that it tries again, but neither when nor for how long. The pauses are those of the Standard Webhooks
specification ("Operational considerations"), the first a little longer: over three days in all, so that a receiver
which fails on a Friday evening has them all on Monday.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from tabard.dialects.sinch.webhooks.signature import signed
from tabard.dialects.sinch.webhooks.telling import told
from tabard.dialects.sinch.webhooks.triggers import wanted
from tabard.domain.ids import DeliveryId
from tabard.domain.sender import Sender
from tabard.domain.webhooks.delivery import Schedule
from tabard.domain.webhooks.subscription import Subscription
from tabard.ports.stores import StoredEvent
from tabard.ports.webhooks import WebhookFormat

SCHEDULE = Schedule(
    pauses=(
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
        timedelta(hours=14),
        timedelta(hours=20),
        timedelta(hours=24),
    ),
    time_out=timedelta(seconds=15),
)


class SinchFormat:
    """Fulfils `tabard.ports.webhooks.WebhookFormat`."""

    @property
    def schedule(self) -> Schedule:
        return SCHEDULE

    def body(self, event: StoredEvent, sender: Sender | None, subscription: Subscription) -> bytes | None:
        story = told(event.event, sender)
        if story is None or not wanted(story.trigger, subscription.names):
            return None
        return orjson.dumps(story.envelope)

    def headers(
        self,
        _delivery_id: DeliveryId,
        body: bytes,
        secrets: Sequence[bytes],
        at: datetime,
    ) -> Mapping[str, str]:
        """There is room for one signature: the newest secret's."""
        return {"Content-Type": "application/json", **signed(body, secrets[0], at)}


if TYPE_CHECKING:

    def _fulfils(form: SinchFormat) -> WebhookFormat:
        return form
