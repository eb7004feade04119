"""Who owns senders: accounts, the credentials that speak for them, and their ways into the networks."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tabard.domain.ids import AccountId


class AccountKind(StrEnum):
    SANDBOX = "sandbox"
    """Its networks are the emulations; its clock can be moved."""
    LIVE = "live"
    """Its networks are the real ones."""


@dataclass(frozen=True, slots=True)
class Account:
    id: AccountId
    name: str
    kind: AccountKind
    parent_id: AccountId | None
    created_at: datetime
    closed_at: datetime | None
    clock_offset: timedelta
    """How far the account's clock is ahead of the wall; always zero for a live account."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request: whom it speaks for, and by which credential."""

    account_id: AccountId
    kind: AccountKind
    login: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made a change: `key:<login>`, `network:<name>` or `clock`."""

    name: str

    @staticmethod
    def key(principal: Principal) -> "Actor":
        return Actor(f"key:{principal.login}")


CLOCK = Actor("clock")
META = Actor("network:meta")


@dataclass(frozen=True, slots=True)
class Connection:
    """An account's way into a network: the app that speaks, its secrets, the business account it manages.

    `base_url` is None where the service's own default for the account's kind holds.
    """

    app_id: str
    app_secret: str = field(repr=False)
    token: str = field(repr=False)
    verify_token: str = field(repr=False)
    business_account: str
    base_url: str | None = None
