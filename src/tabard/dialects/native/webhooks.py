"""Deliveries in our own words, signed as Standard Webhooks 1.0.0 says (https://www.standardwebhooks.com).

The signature covers the delivery's id, the second of the attempt and the body, with every secret that is live. The id
stays the same through retries and replays: by it a receiver knows what it has seen.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from tabard.domain.errors import InvalidInput
from tabard.domain.ids import DeliveryId, SenderId
from tabard.domain.sender import Sender
from tabard.domain.webhooks.delivery import Schedule
from tabard.domain.webhooks.subscription import Subscription
from tabard.ports.stores import StoredEvent
from tabard.ports.webhooks import WebhookFormat

SCHEDULE = Schedule(
    (
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
        timedelta(hours=14),
        timedelta(hours=20),
        timedelta(hours=24),
    )
)
"""The specification's example."""

_SECRET = "whsec_"  # noqa: S105 - what secrets begin with
_SECRET_BYTES = range(24, 65)


class NativeFormat:
    """Fulfils `tabard.ports.webhooks.WebhookFormat`."""

    schedule = SCHEDULE

    def body(
        self,
        event: StoredEvent,
        sender: Sender | None,
        subscription: Subscription,  # noqa: ARG002 - all subscriptions hear the same
    ) -> bytes:
        return webhook_body(event_fields(event, sender.id if sender else None), sender_fields(sender))

    def headers(
        self, delivery_id: DeliveryId, body: bytes, secrets: Sequence[bytes], at: datetime
    ) -> Mapping[str, str]:
        second = int(at.timestamp())
        signed = f"{delivery_id}.{second}.".encode() + body
        digests = [base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets]
        return {
            "content-type": "application/json",
            "user-agent": "Tabard-Webhooks/1",
            "webhook-id": str(delivery_id),
            "webhook-timestamp": str(second),
            "webhook-signature": " ".join(f"v1,{digest}" for digest in digests),
        }


def webhook_body(event: Mapping[str, Any], sender: Mapping[str, Any] | None) -> bytes:
    """Of an event as the feed shows it, and its sender in short."""
    known = sender or {}
    return orjson.dumps(
        {
            "type": event["type"],
            "timestamp": event["occurred_at"],
            "data": {
                "number": event["number"],
                "sender_id": event["sender_id"],
                "channel": known.get("channel"),
                "address": known.get("address"),
                "status": known.get("status"),
                "before": event["before"],
                "after": event["after"],
                "actor": event["actor"],
                "sender": sender,
            },
        }
    )


def event_fields(told: StoredEvent, sender_id: SenderId | None) -> dict[str, Any]:
    return {
        "number": told.number,
        "type": told.event.type,
        "occurred_at": told.occurred_at,
        "actor": told.actor,
        "sender_id": None if sender_id is None else str(sender_id),
        "before": told.event.before,
        "after": told.event.after,
    }


def sender_fields(sender: Sender | None) -> dict[str, Any] | None:
    """In short: what a subscriber most often asks for next."""
    if sender is None:
        return None
    return {
        "id": str(sender.id),
        "channel": sender.channel,
        "address": sender.address,
        "status": sender.status,
        "name": sender.profile.name,
        "friendly_name": sender.friendly_name,
        "quality": sender.quality,
        "messaging_limit": sender.messaging_limit,
        "offline_reasons": sender.offline_reasons,
        "warnings": sender.warnings,
        "created_at": sender.created_at,
        "updated_at": sender.updated_at,
    }


def shown_secret(secret: bytes) -> str:
    return _SECRET + base64.b64encode(secret).decode()


def read_secret(text: str) -> bytes:
    """Raises `InvalidInput`."""
    try:
        secret = base64.b64decode(text.removeprefix(_SECRET), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(_SECRET) or len(secret) not in _SECRET_BYTES:
        raise InvalidInput("secret", f"must be {_SECRET} and 24 to 64 bytes in base64")
    return secret


if TYPE_CHECKING:

    def _fulfils(form: NativeFormat) -> WebhookFormat:
        return form
