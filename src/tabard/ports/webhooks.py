"""How events are told to subscribers, and how they are read by cursor."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from tabard.domain.account import AccountKind, Actor
from tabard.domain.ids import AccountId, DeliveryId, SenderId, SubscriptionId
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import Sender
from tabard.domain.webhooks.delivery import Attempt, DeliveryState, Schedule, Verdict
from tabard.domain.webhooks.subscription import Subscription
from tabard.ports.stores import StoredEvent

# the lanes' side


@dataclass(frozen=True, slots=True)
class Delivery:
    id: DeliveryId
    subject: str
    """Deliveries of one subject go one after another."""
    attempts: int
    """Already made."""
    replayed: bool
    told: Callable[[], tuple[StoredEvent, Sender | None]]
    """The event, and its sender as it was after it; None for an event of the account. Made of what was stored only when
    it is asked for: many more deliveries are in hand than are being made, and what can't be read fails alone."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries that are due and that no earlier one of their subject holds back; those of a subject in order."""

    deliveries: Sequence[Delivery]
    whole: bool
    """Nothing else is due."""


@dataclass(frozen=True, slots=True)
class ClaimedLane:
    """A subscription with deliveries due, the holder's alone until the lease ends."""

    subscription: Subscription
    kind: AccountKind
    offset: timedelta
    """How far the account's clock is ahead of the wall."""
    held_until: datetime
    first: Batch
    """What is due, as far as the claim has read."""

    @property
    def failing(self) -> bool:
        return self.subscription.failing_since is not None


@dataclass(frozen=True, slots=True)
class Tried:
    """What an attempt to deliver came to."""

    delivery: Delivery
    attempt: Attempt
    verdict: Verdict
    started_at: datetime
    """Wall time."""


@dataclass(frozen=True, slots=True)
class LaneReport:
    """What a lane's holder has to say."""

    lane: ClaimedLane
    held_until: datetime
    """The lease as the holder knows it."""
    until: datetime | None
    """How long it wants to go on holding the lane; None lets it go."""
    tried: Sequence[Tried] = ()


class Standing(StrEnum):
    """Of a lane, as its holder is to see it."""

    OPEN = "open"
    CLOSED = "closed"
    """The subscription was changed, disabled or deleted, or the lease was lost: go no further."""
    FAILED_TOO_LONG = "failed_too_long"


class DeliveryQueue(Protocol):
    async def claim_lanes(
        self, now: datetime, lease: timedelta, *, sound: int, failing: int, ahead: int
    ) -> Sequence[ClaimedLane]:
        """Take enabled subscriptions that have deliveries due, so many sound ones and so many that failed last;
        nobody else gets them until they are let go. `ahead` deliveries of each are read with them."""

    async def due(
        self, subscription_id: SubscriptionId, now: datetime, limit: int, *, but_for: Collection[str]
    ) -> Batch:
        """What is due of other subjects than these."""

    async def record(self, reports: Sequence[LaneReport], now: datetime) -> Mapping[SubscriptionId, Standing]:
        """Store attempts and what they came to, and hold the lanes for longer or let them go. At most one report a
        lane. Told twice is told once."""

    async def disable(self, subscription: Subscription, reason: str, now: datetime) -> None:
        """Unless it was changed meanwhile; tells `subscription.disabled` to the account."""

    async def next_due(self) -> datetime | None:
        """The earliest wall time at which a delivery is due in a lane that nobody holds."""


class WebhookFormat(Protocol):
    """One dialect's words for deliveries."""

    @property
    def schedule(self) -> Schedule: ...

    def body(self, event: StoredEvent, sender: Sender | None, subscription: Subscription) -> bytes | None:
        """None for an event that the dialect has no words for; it is not delivered then. The same always."""

    def headers(
        self, delivery_id: DeliveryId, body: bytes, secrets: Sequence[bytes], at: datetime
    ) -> Mapping[str, str]:
        """Signed afresh for each attempt; the newest secret comes first."""


class Poster(Protocol):
    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool, time_out: timedelta
    ) -> Attempt:
        """One HTTP POST through the guard. Never raises for what the receiver, or the way to it, does."""


# the owner's side


@dataclass(frozen=True, slots=True)
class DeliveriesWanted:
    """None leaves a question open. Times are the account's."""

    subscription_id: SubscriptionId | None = None
    sender_id: SenderId | None = None
    state: DeliveryState | None = None
    types: Collection[str] = ()
    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    id: DeliveryId
    subscription_id: SubscriptionId
    event_number: int
    type: str
    subject: str
    state: DeliveryState
    attempts: int
    replayed: bool
    due_at: datetime | None
    """Account time of the next attempt."""
    created_at: datetime
    settled_at: datetime | None
    last_status: int | None
    last_failure: str | None


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    number: int
    started_at: datetime
    duration: timedelta
    status: int | None
    failure: str | None
    detail: str | None
    answer: bytes


@dataclass(frozen=True, slots=True)
class Health:
    """Of one subscription, over the attempts of a while."""

    attempts: int
    successes: int
    p95: timedelta | None
    """Of the attempts' durations."""
    waiting: int
    oldest_waiting: datetime | None
    """Account time."""
    failing_since: datetime | None


class SubscriptionStore(Protocol):
    async def insert(self, subscription: Subscription, most: int | None, now: datetime) -> Subscription:
        """Raises `Conflict` for a target that the dialect wants once only, `TooManySubscriptions`."""

    async def fetch(self, account_id: AccountId, dialect: str, subscription_id: SubscriptionId) -> Subscription:
        """Raises `NotFound`."""

    async def listed(self, account_id: AccountId, dialect: str) -> Sequence[Subscription]:
        """Oldest first."""

    async def save(self, subscription: Subscription, now: datetime) -> Subscription:
        """Raises `StaleVersion`, `Conflict`."""

    async def delete(self, account_id: AccountId, dialect: str, subscription_id: SubscriptionId) -> None:
        """With its deliveries. Raises `NotFound`."""

    async def deliveries(
        self, account_id: AccountId, wanted: DeliveriesWanted, *, limit: int, older_than: tuple[int, DeliveryId] | None
    ) -> Sequence[StoredDelivery]:
        """Newest first."""

    async def delivery(self, account_id: AccountId, delivery_id: DeliveryId) -> StoredDelivery:
        """Raises `NotFound`."""

    async def attempts(self, account_id: AccountId, delivery_id: DeliveryId) -> Sequence[StoredAttempt]:
        """Oldest first."""

    async def replay(
        self, account_id: AccountId, wanted: DeliveriesWanted, now: datetime, *, one: DeliveryId | None, rate: float
    ) -> int:
        """Have settled deliveries delivered again, `rate` a second and behind all others; how many."""

    async def test(self, subscription: Subscription, actor: Actor, now: datetime) -> DeliveryId:
        """Store an event that only this subscription hears."""

    async def health(self, subscription: Subscription, now: datetime, over: timedelta) -> Health: ...


# the feed


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the account's events: nothing before it can appear any more."""

    transaction: int
    number: int


@dataclass(frozen=True, slots=True)
class FeedWanted:
    types: Collection[str] = ()
    """Empty: all. `sender.*` stands for all that begin so."""
    sender_id: SenderId | None = None
    channel: Channel | None = None
    after: datetime | None = None
    before: datetime | None = None
    with_sender: bool = False


@dataclass(frozen=True, slots=True)
class FeedEvent:
    stored: StoredEvent
    sender_id: SenderId | None
    cursor: Cursor
    sender: Sender | None = None
    """As it is now, where that was wanted."""


class EventFeed(Protocol):
    async def after(
        self, account_id: AccountId, cursor: Cursor | None, wanted: FeedWanted, limit: int
    ) -> tuple[Sequence[FeedEvent], Cursor]:
        """Events in order, and the place to go on from, which moves on also when nothing was found. Raises
        `InvalidInput` for a cursor that lies ahead of all that there is: it is another database's."""

    async def end(self) -> Cursor:
        """The place after all that there is."""
