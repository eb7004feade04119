"""What the emulated network remembers, as immutable values. The fields stand in the order in which `store` reads them.

A *realm* is one account's private Meta: its business, its app, its business accounts and numbers; nothing of it can
be seen from another realm. Times are account time unless their name says wall.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import orjson

from tabard.networks.meta.emulator.outcomes import Outcome, outcome_of
from tabard.networks.meta.wire import CodeVerification, LimitTier, NumberStatus

PREVERIFIED_FOR = timedelta(days=90)

TIERS = {
    LimitTier.TIER_50: 50,
    LimitTier.TIER_250: 250,
    LimitTier.TIER_1K: 1_000,
    LimitTier.TIER_2K: 2_000,
    LimitTier.TIER_10K: 10_000,
    LimitTier.TIER_100K: 100_000,
    LimitTier.TIER_UNLIMITED: -1,
}
"""Customers a day; -1 for no bound."""


class TokenKind(StrEnum):
    SYSTEM_USER = "SYSTEM_USER"
    APP = "APP"


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    scopes: list[str]
    issued_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Realm:
    account_id: UUID
    business_id: str
    app_id: str
    app_secret: str
    verify_token: str
    waba_id: str
    """The business account that the realm was opened with."""
    callback_url: str | None
    """What the app chose by /subscriptions; None where Tabard's own ingress holds."""
    callback_token: str | None
    fields: list[str]
    messaging_limit: int
    number_cap: int | None
    faults_left: int
    drops_webhooks: bool
    duplicates_webhooks: bool
    shuffles_webhooks: bool

    @property
    def tier(self) -> LimitTier:
        return next(tier for tier, limit in TIERS.items() if limit == self.messaging_limit)


@dataclass(frozen=True, slots=True)
class Waba:
    id: str
    name: str
    timezone_id: str
    shared: bool
    """A client's, shared with the business; else the business's own."""
    subscribed: bool
    override_url: str | None
    override_token: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Number:
    id: str
    waba_id: str | None
    """None for a number of the pre-verified pool that nobody has claimed."""
    digits: str
    display: str
    country: str
    calling_code: str
    verified_name: str | None
    created_at: datetime
    verification: str
    verified_at: datetime | None
    connection: str
    """PENDING, CONNECTED, DISCONNECTED or MIGRATED; `status` is what shows."""
    connecting: bool
    banned: bool
    migrating: bool
    preverified: bool
    name_status: str
    new_name: str | None
    new_name_status: str
    quality: str
    limit_tier: str | None
    """A limit of this number alone, below the business's."""
    pin_hash: bytes | None
    pin_failures: int
    pin_locked_until: datetime | None
    code: str | None
    code_expires_at: datetime | None
    code_failures: int
    code_requests: list[datetime]
    registrations: list[datetime]
    """Registrations and deregistrations, together."""
    onboarded_at: datetime | None
    data_region: str | None
    search_visibility: str
    profile: str
    """A JSON object with the wire's names; `picture` is the id of the upload."""
    override_url: str | None
    override_token: str | None
    version: int

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.digits)

    @property
    def status(self) -> str:
        return NumberStatus.BANNED if self.banned else self.connection

    @property
    def profile_leaves(self) -> dict[str, object]:
        leaves: dict[str, object] = orjson.loads(self.profile)
        return leaves

    def verification_at(self, now: datetime) -> str:
        if self.waba_id is None and self.verified_at is not None and self.verified_at + PREVERIFIED_FOR <= now:
            return CodeVerification.EXPIRED
        return self.verification

    def tier(self, realm: Realm) -> LimitTier:
        own = LimitTier(self.limit_tier) if self.limit_tier else realm.tier
        return min(own, realm.tier, key=list(TIERS).index)


@dataclass(frozen=True, slots=True)
class Scene:
    """All that one call or one task needs to know: who asks, in which realm, about what, and when."""

    wall: datetime
    now: datetime
    realm: Realm
    token: Token | None
    waba: Waba | None
    number: Number | None


@dataclass(frozen=True, slots=True)
class Text:
    """What a phone receives."""

    sender: str
    body: str


class TaskKind(StrEnum):
    TEXT = "text"
    CONNECT = "connect"
    NAME_REVIEW = "name_review"
    BAN = "ban"
    FLAG = "flag"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Task:
    """Something the network will do by itself, `after` so long."""

    kind: TaskKind
    after: timedelta
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One webhook body: a field of the subscription and its value."""

    field: str
    value: dict[str, object]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a number, and what follows from it."""

    number: Number
    tasks: tuple[Task, ...] = ()
    texts: tuple[Text, ...] = ()
    notices: tuple[Notice, ...] = field(default=())
