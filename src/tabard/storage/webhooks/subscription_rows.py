"""Rows of the table `subscriptions` to values."""

import asyncpg

from tabard.domain.ids import AccountId, SenderId, SubscriptionId
from tabard.domain.lifecycle import Channel
from tabard.domain.webhooks.subscription import Subscription

COLUMNS = (
    "id, account_id, dialect, url, names, topics, channel, sender_id, description, sealed_secret, sealed_former, "
    "former_until, enabled, disabled_reason, failing_since, version, created_at, updated_at"
)
S_COLUMNS = ", ".join(f"s.{column.strip()}" for column in COLUMNS.split(","))


def to_subscription(row: asyncpg.Record) -> Subscription:
    return Subscription(
        id=SubscriptionId(row["id"]),
        account_id=AccountId(row["account_id"]),
        dialect=row["dialect"],
        url=row["url"],
        names=tuple(row["names"]),
        topics=tuple(row["topics"]),
        channel=None if row["channel"] is None else Channel(row["channel"]),
        sender_id=None if row["sender_id"] is None else SenderId(row["sender_id"]),
        description=row["description"],
        sealed_secret=row["sealed_secret"],
        sealed_former=row["sealed_former"],
        former_until=row["former_until"],
        enabled=row["enabled"],
        disabled_reason=row["disabled_reason"],
        failing_since=row["failing_since"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
