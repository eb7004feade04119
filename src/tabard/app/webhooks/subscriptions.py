"""Use cases of subscriptions and their deliveries, for the account of the caller only."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tabard.app.services import Services
from tabard.domain.account import AccountKind, Actor, Principal
from tabard.domain.errors import InvalidInput, StaleVersion
from tabard.domain.ids import DeliveryId, SenderId, SubscriptionId, new_subscription_id
from tabard.domain.lifecycle import Channel
from tabard.domain.webhooks.subscription import LONGEST_URL, Subscription, check_url, secret_context
from tabard.ports.webhooks import DeliveriesWanted, Health, StoredAttempt, StoredDelivery

_RACES = 20
REPLAYS_A_SECOND = 50.0
HEALTH_OVER = timedelta(hours=24)
BY_OWNER = "disabled by its owner"


@dataclass(frozen=True, slots=True)
class NewSubscription:
    dialect: str
    url: str
    names: tuple[str, ...]
    topics: tuple[str, ...]
    secret: bytes | None = None
    """None: made here."""
    channel: Channel | None = None
    sender_id: SenderId | None = None
    description: str | None = None
    longest_url: int = LONGEST_URL


async def create_subscription(
    services: Services, principal: Principal, new: NewSubscription, *, most: int | None = None
) -> tuple[Subscription, bytes]:
    """The subscription and its secret, in clear. Raises `InvalidInput`, `NotFound` for a sender that is not the
    account's, `Conflict` for a target that the dialect wants once only, `TooManySubscriptions`."""
    await _check_target(services, principal, new.url, new.longest_url)
    if new.sender_id is not None:
        await services.senders.fetch(principal.account_id, new.sender_id)
    now, secret, new_id = services.clock.now(), new.secret or secrets.token_bytes(24), new_subscription_id()
    subscription = Subscription(
        id=new_id,
        account_id=principal.account_id,
        dialect=new.dialect,
        url=new.url,
        names=new.names,
        topics=new.topics,
        sealed_secret=services.vault.seal(secret, secret_context(new_id)),
        created_at=now,
        updated_at=now,
        channel=new.channel,
        sender_id=new.sender_id,
        description=new.description,
    )
    return await services.subscriptions.insert(subscription, most, now), secret


async def _check_target(services: Services, principal: Principal, url: str, longest: int) -> None:
    """A live account's target must be public already when it is named, so that a mistake shows at once. Raises
    `InvalidInput`."""
    check_url("url", url, longest)
    problem = await services.outbound.problem_with(url, allow_private=principal.kind is AccountKind.SANDBOX)
    if problem is not None:
        raise InvalidInput("url", problem)


async def fetch_subscription(
    services: Services, principal: Principal, dialect: str, subscription_id: SubscriptionId
) -> Subscription:
    """Raises `NotFound`."""
    return await services.subscriptions.fetch(principal.account_id, dialect, subscription_id)


async def list_subscriptions(services: Services, principal: Principal, dialect: str) -> Sequence[Subscription]:
    return await services.subscriptions.listed(principal.account_id, dialect)


async def change_subscription(
    services: Services,
    principal: Principal,
    dialect: str,
    subscription_id: SubscriptionId,
    changes: Callable[[Subscription], Subscription],
    *,
    longest_url: int = LONGEST_URL,
) -> Subscription:
    """The subscription as `changes` makes it, saved. Raises `NotFound`, `InvalidInput`, `Conflict`."""
    for _ in range(_RACES):
        before = await services.subscriptions.fetch(principal.account_id, dialect, subscription_id)
        after = changes(before)
        if after.url != before.url:
            await _check_target(services, principal, after.url, longest_url)
        if after.sender_id is not None and after.sender_id != before.sender_id:
            await services.senders.fetch(principal.account_id, after.sender_id)
        try:
            saved = await services.subscriptions.save(after, services.clock.now())
        except StaleVersion:
            continue
        services.wake_lanes()
        return saved
    raise StaleVersion(f"subscription {subscription_id} is being changed by others without a pause")


def with_secret(services: Services, subscription: Subscription, secret: bytes) -> Subscription:
    """With another secret, and no overlap."""
    sealed = services.vault.seal(secret, secret_context(subscription.id))
    return replace(subscription, sealed_secret=sealed, sealed_former=None, former_until=None)


async def rotate_secret(
    services: Services, principal: Principal, dialect: str, subscription_id: SubscriptionId, overlap: timedelta
) -> tuple[Subscription, bytes]:
    """With a new secret, in clear; the old one signs as well until the overlap is over. Raises `NotFound`,
    `InvalidInput`."""
    secret = secrets.token_bytes(24)
    sealed = services.vault.seal(secret, secret_context(subscription_id))
    at = await account_now(services, principal)
    rotated = await change_subscription(
        services, principal, dialect, subscription_id, lambda before: before.rotated(sealed, at, overlap)
    )
    return rotated, secret


async def enable_subscription(
    services: Services, principal: Principal, dialect: str, subscription_id: SubscriptionId
) -> Subscription:
    """What has waited meanwhile is delivered. Raises `NotFound`."""
    at = await account_now(services, principal)
    return await change_subscription(
        services, principal, dialect, subscription_id, lambda before: before.enabled_again(at)
    )


async def disable_subscription(
    services: Services, principal: Principal, dialect: str, subscription_id: SubscriptionId
) -> Subscription:
    """What waits goes on waiting; what happens meanwhile is not kept for it. Raises `NotFound`."""
    at = await account_now(services, principal)

    def disabled(before: Subscription) -> Subscription:
        return before.disabled(BY_OWNER, at) if before.enabled else before

    return await change_subscription(services, principal, dialect, subscription_id, disabled)


async def delete_subscription(
    services: Services, principal: Principal, dialect: str, subscription_id: SubscriptionId
) -> None:
    """With all that was still to be delivered. Raises `NotFound`."""
    await services.subscriptions.delete(principal.account_id, dialect, subscription_id)


async def send_test_event(
    services: Services, principal: Principal, dialect: str, subscription_id: SubscriptionId
) -> StoredDelivery:
    """An event that only this subscription hears. Raises `NotFound`."""
    subscription = await services.subscriptions.fetch(principal.account_id, dialect, subscription_id)
    delivery_id = await services.subscriptions.test(subscription, Actor.key(principal), services.clock.now())
    services.wake_lanes()
    return await services.subscriptions.delivery(principal.account_id, delivery_id)


async def health_of(services: Services, principal: Principal, dialect: str, subscription_id: SubscriptionId) -> Health:
    """Over the last day. Raises `NotFound`."""
    subscription = await services.subscriptions.fetch(principal.account_id, dialect, subscription_id)
    return await services.subscriptions.health(subscription, services.clock.now(), HEALTH_OVER)


async def list_deliveries(
    services: Services,
    principal: Principal,
    wanted: DeliveriesWanted,
    *,
    limit: int,
    older_than: tuple[int, DeliveryId] | None = None,
) -> Sequence[StoredDelivery]:
    """Newest first. Raises `InvalidInput`."""
    _check_range(wanted)
    return await services.subscriptions.deliveries(principal.account_id, wanted, limit=limit, older_than=older_than)


async def fetch_delivery(
    services: Services, principal: Principal, delivery_id: DeliveryId
) -> tuple[StoredDelivery, Sequence[StoredAttempt]]:
    """Raises `NotFound`."""
    delivery = await services.subscriptions.delivery(principal.account_id, delivery_id)
    return delivery, await services.subscriptions.attempts(principal.account_id, delivery_id)


async def replay_delivery(services: Services, principal: Principal, delivery_id: DeliveryId) -> StoredDelivery:
    """Deliver once more, from the first attempt on. One that still waits is left as it is. Raises `NotFound`."""
    await services.subscriptions.delivery(principal.account_id, delivery_id)
    await _replay(services, principal, DeliveriesWanted(), delivery_id)
    return await services.subscriptions.delivery(principal.account_id, delivery_id)


async def replay_deliveries(services: Services, principal: Principal, dialect: str, wanted: DeliveriesWanted) -> int:
    """Deliver again what is settled and matches, at `REPLAYS_A_SECOND`, behind all that is new; how many.

    `wanted` names the subscription. Raises `NotFound`, `InvalidInput`.
    """
    _check_range(wanted)
    if wanted.subscription_id is None:
        raise InvalidInput("subscription_id", "is required")
    await services.subscriptions.fetch(principal.account_id, dialect, wanted.subscription_id)
    return await _replay(services, principal, wanted, None)


async def _replay(services: Services, principal: Principal, wanted: DeliveriesWanted, one: DeliveryId | None) -> int:
    replayed = await services.subscriptions.replay(
        principal.account_id, wanted, services.clock.now(), one=one, rate=REPLAYS_A_SECOND
    )
    services.wake_lanes()
    return replayed


def _check_range(wanted: DeliveriesWanted) -> None:
    if wanted.after is not None and wanted.before is not None and wanted.after >= wanted.before:
        raise InvalidInput("after", "must be earlier than before")


async def account_now(services: Services, principal: Principal) -> datetime:
    account = await services.accounts.account(principal.account_id)
    return services.clock.now() + account.clock_offset
