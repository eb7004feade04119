"""The operations of webhooks, one row each, and their handlers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from tabard.app.accounts import sinch_project
from tabard.app.services import Services
from tabard.app.webhooks import subscriptions as subscription_app
from tabard.app.webhooks.subscriptions import NewSubscription
from tabard.dialects.sinch.errors import refusal_of
from tabard.dialects.sinch.paging import Asked, Place, asked_page, page_answer
from tabard.dialects.sinch.reading import read
from tabard.dialects.sinch.webhooks import wire
from tabard.dialects.sinch.webhooks.faults import INVALID_ID
from tabard.dialects.sinch.webhooks.triggers import topics
from tabard.dialects.sinch.writing import answered
from tabard.domain.errors import TabardError
from tabard.domain.ids import SubscriptionId
from tabard.domain.webhooks.subscription import Subscription
from tabard.http.surface import Answer, Call, Operation

DIALECT = "sinch"
WEBHOOK_ID = r"^[0-9a-f]{32}$"

_WEBHOOK_ID = re.compile(WEBHOOK_ID.strip("^$"))


async def list_webhooks(services: Services, call: Call) -> Answer:
    asked = asked_page(services, call.principal, call.query, ["webhooks"], largest=wire.MOST_WEBHOOKS)
    webhooks = await subscription_app.list_subscriptions(services, call.principal, DIALECT)
    return answered(200, _page(asked, sorted(webhooks, key=_place)))


async def create_webhook(services: Services, call: Call) -> Answer:
    given = read(wire.WebhookInput, call.body)
    new = NewSubscription(
        dialect=DIALECT,
        url=given.target,
        names=tuple(given.triggers),
        topics=topics(given.triggers),
        secret=given.secret.encode(),
        longest_url=wire.LONGEST_TARGET,
    )
    made, _ = await subscription_app.create_subscription(services, call.principal, new, most=wire.MOST_WEBHOOKS)
    return answered(201, _answer(made))


async def fetch_webhook(services: Services, call: Call) -> Answer:
    webhook_id = _webhook_id(call)
    found = await subscription_app.fetch_subscription(services, call.principal, DIALECT, webhook_id)
    return answered(200, _answer(found))


async def replace_webhook(services: Services, call: Call) -> Answer:
    return await _change(services, call, _webhook_id(call), read(wire.WebhookInput, call.body))


async def update_webhook(services: Services, call: Call) -> Answer:
    return await _change(services, call, _webhook_id(call), read(wire.WebhookUpdate, call.body))


async def delete_webhook(services: Services, call: Call) -> Answer:
    await subscription_app.delete_subscription(services, call.principal, DIALECT, _webhook_id(call))
    return Answer(204)


async def _change(
    services: Services, call: Call, webhook_id: SubscriptionId, given: wire.WebhookInput | wire.WebhookUpdate
) -> Answer:
    named = given.model_fields_set

    def changed(before: Subscription) -> Subscription:
        # One that was disabled because its receiver failed is given another chance: Sinch has no other call for that.
        after = before.enabled_again(services.clock.now())
        if "target" in named:
            after = replace(after, url=given.target)
        if "triggers" in named:
            after = replace(after, names=tuple(given.triggers), topics=topics(given.triggers))
        return subscription_app.with_secret(services, after, given.secret.encode()) if "secret" in named else after

    saved = await subscription_app.change_subscription(
        services, call.principal, DIALECT, webhook_id, changed, longest_url=wire.LONGEST_TARGET
    )
    return answered(200, _answer(saved))


def _webhook_id(call: Call) -> SubscriptionId:
    """Raises `Refusal` (invalid_id_format)."""
    text = call.path["webhookId"]
    if _WEBHOOK_ID.fullmatch(text) is None:
        raise refusal_of(INVALID_ID, TabardError(f"{text!r} is not the id of a webhook"))
    return SubscriptionId(UUID(text))


def _place(webhook: Subscription) -> Place:
    return Place(webhook.url, webhook.id.hex)


def _page(asked: Asked, webhooks: Sequence[Subscription]) -> Mapping[str, Any]:
    """`webhooks` are all there are, in order: they are few."""
    places = [_place(webhook) for webhook in webhooks]
    start, stop = _span(asked, places)
    return page_answer(
        asked,
        "webhooks",
        [_answer(webhook) for webhook in webhooks[start:stop]],
        total=len(webhooks),
        before=places[start] if 0 < start < stop else None,
        after=places[stop - 1] if start < stop < len(places) else None,
    )


def _span(asked: Asked, places: Sequence[Place]) -> tuple[int, int]:
    if asked.beyond is None:
        start = 0
    elif asked.backwards:
        stop = sum(place < asked.beyond for place in places)
        return max(0, stop - asked.size), stop
    else:
        start = sum(place <= asked.beyond for place in places)
    return start, min(start + asked.size, len(places))


def _answer(webhook: Subscription) -> Mapping[str, Any]:
    return {
        "id": webhook.id.hex,
        "projectId": sinch_project(webhook.account_id),
        "target": webhook.url,
        "triggers": list(webhook.names),
    }


_WEBHOOKS = "/v1/projects/{projectId}/webhooks"
_WEBHOOK = f"{_WEBHOOKS}/{{webhookId}}"
_CONTROLLER = "webhookcontroller"

OPERATIONS: Sequence[Operation] = (
    Operation(
        name=f"{_CONTROLLER}_listwebhooks_v1",
        method="GET",
        path=_WEBHOOKS,
        handler=list_webhooks,
        summary="The project's webhooks, in the alphabetical order of their targets.",
        status=200,
        query=wire.WebhooksQuery,
        answer=wire.WebhooksAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_createwebhook_v1",
        method="POST",
        path=_WEBHOOKS,
        handler=create_webhook,
        summary="Have events told to an address. A project has at most 15 webhooks.",
        status=201,
        request=wire.WebhookInput,
        answer=wire.WebhookAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_getwebhook_v1",
        method="GET",
        path=_WEBHOOK,
        handler=fetch_webhook,
        summary="One webhook.",
        status=200,
        answer=wire.WebhookAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_replacewebhook_v1",
        method="PUT",
        path=_WEBHOOK,
        handler=replace_webhook,
        summary="Change all of a webhook. One that was disabled because its receiver failed is enabled again.",
        status=200,
        request=wire.WebhookInput,
        answer=wire.WebhookAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_updatewebhook_v1",
        method="PATCH",
        path=_WEBHOOK,
        handler=update_webhook,
        summary="Change what the body names. One that was disabled because its receiver failed is enabled again.",
        status=200,
        request=wire.WebhookUpdate,
        answer=wire.WebhookAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_deletewebhook_v1",
        method="DELETE",
        path=_WEBHOOK,
        handler=delete_webhook,
        summary="Delete a webhook, and what was still to be delivered to it.",
        status=204,
    ),
)
