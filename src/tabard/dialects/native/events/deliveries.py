"""Deliveries, whatever the dialect of their subscription: what became of each, and once more."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson

from tabard.app.services import Services
from tabard.app.webhooks import subscriptions as subscriptions_app
from tabard.dialects.native.events import wire
from tabard.dialects.native.events.reading import (
    AT,
    delivery_of,
    plain_types,
    read_delivery_cursor,
    read_query,
    write_delivery_cursor,
)
from tabard.domain.ids import SenderId, SubscriptionId
from tabard.domain.webhooks.delivery import DeliveryState
from tabard.http.surface import Answer, Call, Operation
from tabard.ports.webhooks import DeliveriesWanted, StoredAttempt, StoredDelivery


async def list_deliveries(services: Services, call: Call) -> Answer:
    asked = read_query(wire.DeliveryQuery, call, several=("type",))
    wanted = DeliveriesWanted(
        subscription_id=None if asked.subscription_id is None else SubscriptionId(asked.subscription_id),
        sender_id=None if asked.sender_id is None else SenderId(asked.sender_id),
        state=None if asked.state is None else DeliveryState(asked.state),
        types=plain_types(asked.type),
        after=asked.after,
        before=asked.before,
    )
    older_than = None if asked.cursor is None else read_delivery_cursor(asked.cursor)
    found = await subscriptions_app.list_deliveries(
        services, call.principal, wanted, limit=asked.limit + 1, older_than=older_than
    )
    return Answer(200, orjson.dumps(_page(found, asked.limit)))


async def fetch_delivery(services: Services, call: Call) -> Answer:
    delivery, attempts = await subscriptions_app.fetch_delivery(services, call.principal, delivery_of(call))
    return Answer(200, orjson.dumps({**delivery_answer(delivery), "attempts": [_attempt(one) for one in attempts]}))


async def replay_delivery(services: Services, call: Call) -> Answer:
    delivery = await subscriptions_app.replay_delivery(services, call.principal, delivery_of(call))
    return Answer(202, orjson.dumps(delivery_answer(delivery)))


def _page(found: Sequence[StoredDelivery], limit: int) -> dict[str, Any]:
    shown = found[:limit]
    more = len(found) > limit
    return {
        "deliveries": [delivery_answer(delivery) for delivery in shown],
        "cursor": write_delivery_cursor(shown[-1].event_number, shown[-1].id) if more else None,
    }


def delivery_answer(delivery: StoredDelivery) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "subscription_id": str(delivery.subscription_id),
        "number": delivery.event_number,
        "type": delivery.type,
        "sender_id": delivery.subject if delivery.type.startswith("sender.") else None,
        "state": delivery.state,
        "attempt_count": delivery.attempts,
        "replayed": delivery.replayed,
        "next_attempt_at": delivery.due_at,
        "created_at": delivery.created_at,
        "settled_at": delivery.settled_at,
        "last_status": delivery.last_status,
        "last_failure": delivery.last_failure,
    }


def _attempt(attempt: StoredAttempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "started_at": attempt.started_at,
        "duration_ms": attempt.duration / timedelta(milliseconds=1),
        "status": attempt.status,
        "failure": attempt.failure,
        "detail": attempt.detail,
        "answer": attempt.answer.decode(errors="replace"),
    }


_ALL = f"{AT}/deliveries"
_ONE = f"{_ALL}/{{delivery}}"

OPERATIONS = (
    Operation(
        "ListDeliveries",
        "GET",
        _ALL,
        list_deliveries,
        "The account's deliveries in every dialect, the newest first.",
        200,
        query=wire.DeliveryQuery,
        answer=wire.DeliveryPage,
    ),
    Operation(
        "FetchDelivery",
        "GET",
        _ONE,
        fetch_delivery,
        "One delivery with every attempt to make it.",
        200,
        answer=wire.DeliveryWithAttempts,
    ),
    Operation(
        "ReplayDelivery",
        "POST",
        f"{_ONE}/replay",
        replay_delivery,
        "Make it once more, from the first attempt on. One that still waits is left as it is.",
        202,
        answer=wire.DeliveryAnswer,
    ),
)
