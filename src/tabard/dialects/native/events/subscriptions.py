"""Subscriptions in our own dialect: who wants to hear of what, and where."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from tabard.app.services import Services
from tabard.app.webhooks import subscriptions as subscriptions_app
from tabard.dialects.native.events import wire
from tabard.dialects.native.events.deliveries import delivery_answer
from tabard.dialects.native.events.reading import AT, plain_types, subscription_of
from tabard.dialects.native.webhooks import read_secret, shown_secret
from tabard.domain.errors import Conflict, InvalidInput
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel
from tabard.domain.webhooks.delivery import DeliveryState
from tabard.domain.webhooks.subscription import Subscription
from tabard.http.surface import Answer, Call, Operation
from tabard.ports.webhooks import DeliveriesWanted

NAME = "native"
"""Of the dialect, as subscriptions bear it."""
MOST = 100
"""Subscriptions of one account."""


async def create_subscription(services: Services, call: Call) -> Answer:
    asked = wire.NewSubscription.model_validate_json(call.body)
    new = subscriptions_app.NewSubscription(
        dialect=NAME,
        url=asked.url,
        names=asked.types,
        topics=asked.types,
        secret=None if asked.secret is None else read_secret(asked.secret),
        channel=None if asked.channel is None else Channel(asked.channel),
        sender_id=None if asked.sender_id is None else SenderId(asked.sender_id),
        description=asked.description,
    )
    made, secret = await subscriptions_app.create_subscription(services, call.principal, new, most=MOST)
    return _with_secret(201, made, secret)


async def list_subscriptions(services: Services, call: Call) -> Answer:
    found = await subscriptions_app.list_subscriptions(services, call.principal, NAME)
    return Answer(200, orjson.dumps({"subscriptions": [_shown(one) for one in found]}))


async def fetch_subscription(services: Services, call: Call) -> Answer:
    found = await subscriptions_app.fetch_subscription(services, call.principal, NAME, subscription_of(call))
    return Answer(200, orjson.dumps(_shown(found)))


async def update_subscription(services: Services, call: Call) -> Answer:
    subscription_id = subscription_of(call)
    asked = wire.SubscriptionChange.model_validate_json(call.body)
    at = await subscriptions_app.account_now(services, call.principal)
    changed = await subscriptions_app.change_subscription(
        services, call.principal, NAME, subscription_id, lambda before: _changed(before, asked, at)
    )
    return Answer(200, orjson.dumps(_shown(changed)))


async def delete_subscription(services: Services, call: Call) -> Answer:
    await subscriptions_app.delete_subscription(services, call.principal, NAME, subscription_of(call))
    return Answer(204)


async def rotate_secret(services: Services, call: Call) -> Answer:
    subscription_id = subscription_of(call)
    asked = wire.RotateRequest.model_validate_json(call.body or b"{}")
    overlap = timedelta(seconds=asked.overlap_seconds)
    rotated, secret = await subscriptions_app.rotate_secret(services, call.principal, NAME, subscription_id, overlap)
    return _with_secret(200, rotated, secret)


async def enable_subscription(services: Services, call: Call) -> Answer:
    enabled = await subscriptions_app.enable_subscription(services, call.principal, NAME, subscription_of(call))
    return Answer(200, orjson.dumps(_shown(enabled)))


async def disable_subscription(services: Services, call: Call) -> Answer:
    disabled = await subscriptions_app.disable_subscription(services, call.principal, NAME, subscription_of(call))
    return Answer(200, orjson.dumps(_shown(disabled)))


async def test_subscription(services: Services, call: Call) -> Answer:
    subscription_id = subscription_of(call)
    found = await subscriptions_app.fetch_subscription(services, call.principal, NAME, subscription_id)
    if not found.enabled:
        raise Conflict("the subscription is disabled: nothing would be delivered; enable it first")
    delivery = await subscriptions_app.send_test_event(services, call.principal, NAME, subscription_id)
    return Answer(202, orjson.dumps(delivery_answer(delivery)))


async def fetch_health(services: Services, call: Call) -> Answer:
    health = await subscriptions_app.health_of(services, call.principal, NAME, subscription_of(call))
    return Answer(
        200,
        orjson.dumps(
            {
                "attempts": health.attempts,
                "success_rate": health.successes / health.attempts if health.attempts else None,
                "p95_ms": None if health.p95 is None else health.p95 / timedelta(milliseconds=1),
                "waiting": health.waiting,
                "oldest_waiting_at": health.oldest_waiting,
                "failing_since": health.failing_since,
            }
        ),
    )


async def replay_deliveries(services: Services, call: Call) -> Answer:
    subscription_id = subscription_of(call)
    asked = wire.ReplayRequest.model_validate_json(call.body or b"{}")
    wanted = DeliveriesWanted(
        subscription_id=subscription_id,
        state=None if asked.state is None else DeliveryState(asked.state),
        types=plain_types(asked.types),
        after=asked.after,
        before=asked.before,
    )
    replayed = await subscriptions_app.replay_deliveries(services, call.principal, NAME, wanted)
    return Answer(202, orjson.dumps({"replayed": replayed}))


def _changed(before: Subscription, asked: wire.SubscriptionChange, at: datetime) -> Subscription:
    """Raises `InvalidInput`."""
    given = asked.model_dump(include=asked.model_fields_set - {"enabled", "types"})
    if given.get("channel") is not None:
        given["channel"] = Channel(given["channel"])
    after = replace(before, **given)
    if after.sender_id is not None and after.channel is not None:
        raise InvalidInput("", "name a sender_id or a channel, not both; null takes one back")
    if "types" in asked.model_fields_set:
        after = replace(after, names=asked.types, topics=asked.types)
    if "enabled" in asked.model_fields_set and asked.enabled != before.enabled:
        after = after.enabled_again(at) if asked.enabled else after.disabled(subscriptions_app.BY_OWNER, at)
    return after


def _with_secret(status: int, subscription: Subscription, secret: bytes) -> Answer:
    return Answer(status, orjson.dumps({**_shown(subscription), "secret": shown_secret(secret)}))


def _shown(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": str(subscription.id),
        "url": subscription.url,
        "types": subscription.names,
        "sender_id": None if subscription.sender_id is None else str(subscription.sender_id),
        "channel": subscription.channel,
        "description": subscription.description,
        "enabled": subscription.enabled,
        "disabled_reason": subscription.disabled_reason,
        "failing_since": subscription.failing_since,
        "former_secret_until": subscription.former_until,
        "created_at": subscription.created_at,
        "updated_at": subscription.updated_at,
    }


_ALL = f"{AT}/subscriptions"
_ONE = f"{_ALL}/{{subscription}}"

OPERATIONS = (
    Operation(
        "CreateSubscription",
        "POST",
        _ALL,
        create_subscription,
        "Have events delivered to an address, signed. The answer shows the secret, this once.",
        201,
        request=wire.NewSubscription,
        answer=wire.SubscriptionWithSecret,
    ),
    Operation(
        "ListSubscriptions",
        "GET",
        _ALL,
        list_subscriptions,
        "The account's subscriptions that were made here.",
        200,
        answer=wire.SubscriptionList,
    ),
    Operation(
        "FetchSubscription",
        "GET",
        _ONE,
        fetch_subscription,
        "One subscription, without its secret.",
        200,
        answer=wire.SubscriptionAnswer,
    ),
    Operation(
        "UpdateSubscription",
        "PATCH",
        _ONE,
        update_subscription,
        "Change what is named; the secret is changed by rotating it.",
        200,
        request=wire.SubscriptionChange,
        answer=wire.SubscriptionAnswer,
    ),
    Operation(
        "DeleteSubscription",
        "DELETE",
        _ONE,
        delete_subscription,
        "Delete it, with all that was still to be delivered.",
        204,
    ),
    Operation(
        "RotateSecret",
        "POST",
        f"{_ONE}/rotate",
        rotate_secret,
        "Give it a new secret, shown this once; the former one signs as well until the overlap is over.",
        200,
        request=wire.RotateRequest,
        answer=wire.SubscriptionWithSecret,
    ),
    Operation(
        "EnableSubscription",
        "POST",
        f"{_ONE}/enable",
        enable_subscription,
        "Deliver again, from what has waited on.",
        200,
        answer=wire.SubscriptionAnswer,
    ),
    Operation(
        "DisableSubscription",
        "POST",
        f"{_ONE}/disable",
        disable_subscription,
        "Deliver nothing. What waits is kept; what happens meanwhile is not kept for it, but stands in the feed.",
        200,
        answer=wire.SubscriptionAnswer,
    ),
    Operation(
        "TestSubscription",
        "POST",
        f"{_ONE}/test",
        test_subscription,
        "Deliver an event `subscription.test` that nobody else hears.",
        202,
        answer=wire.DeliveryAnswer,
    ),
    Operation(
        "FetchHealth",
        "GET",
        f"{_ONE}/health",
        fetch_health,
        "How its deliveries fare: attempts, success rate, duration, and what waits.",
        200,
        answer=wire.HealthAnswer,
    ),
    Operation(
        "ReplayDeliveries",
        "POST",
        f"{_ONE}/replay",
        replay_deliveries,
        "Deliver again what matches, in order and behind all that is new.",
        202,
        request=wire.ReplayRequest,
        answer=wire.ReplayAnswer,
    ),
)
