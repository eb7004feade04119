"""The store of subscriptions in memory, as far as dialects need it: nothing is ever delivered from here."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tabard.domain.errors import Conflict, NotFound, StaleVersion, TooManySubscriptions
from tabard.domain.ids import AccountId, SubscriptionId
from tabard.domain.webhooks.subscription import Subscription
from tests.support.memory import World


@dataclass
class MemorySubscriptions:
    """Fulfils the part of `tabard.ports.webhooks.SubscriptionStore` that makes, shows and changes subscriptions."""

    world: World
    kept: dict[SubscriptionId, Subscription] = field(default_factory=dict)

    async def insert(self, subscription: Subscription, most: int | None, now: datetime) -> Subscription:
        mine = await self.listed(subscription.account_id, subscription.dialect)
        if most is not None and len(mine) >= most:
            raise TooManySubscriptions(f"an account has at most {most}")
        self._require_free(subscription)
        at = self.world.account_now(subscription.account_id, now)
        return self._put(replace(subscription, created_at=at, updated_at=at))

    async def fetch(self, account_id: AccountId, dialect: str, subscription_id: SubscriptionId) -> Subscription:
        found = self.kept.get(subscription_id)
        if found is None or (found.account_id, found.dialect) != (account_id, dialect):
            raise NotFound(f"no subscription {subscription_id}")
        return found

    async def listed(self, account_id: AccountId, dialect: str) -> Sequence[Subscription]:
        mine = [kept for kept in self.kept.values() if (kept.account_id, kept.dialect) == (account_id, dialect)]
        return sorted(mine, key=lambda subscription: subscription.id)

    async def save(self, subscription: Subscription, now: datetime) -> Subscription:
        kept = self.kept.get(subscription.id)
        if kept is None or kept.version != subscription.version:
            raise StaleVersion(f"subscription {subscription.id} is no longer at version {subscription.version}")
        self._require_free(subscription)
        at = self.world.account_now(subscription.account_id, now)
        return self._put(replace(subscription, updated_at=at, version=subscription.version + 1))

    async def delete(self, account_id: AccountId, dialect: str, subscription_id: SubscriptionId) -> None:
        await self.fetch(account_id, dialect, subscription_id)
        del self.kept[subscription_id]

    def _put(self, subscription: Subscription) -> Subscription:
        self.kept[subscription.id] = subscription
        return subscription

    def _require_free(self, subscription: Subscription) -> None:
        place = (subscription.account_id, subscription.url)
        if subscription.dialect == "sinch" and any(
            (kept.account_id, kept.url) == place for kept in self.kept.values() if kept.id != subscription.id
        ):
            raise Conflict("there is a subscription for this target already")
