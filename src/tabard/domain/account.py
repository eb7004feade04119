"""Who owns senders: accounts, the credentials that speak for them, and their ways into the networks."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel


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
    def network(channel: Channel) -> "Actor":
        return Actor(f"network:{NETWORKS[channel]}")

    @staticmethod
    def key(principal: Principal) -> "Actor":
        return Actor(f"key:{principal.login}")


CLOCK = Actor("clock")
NETWORKS = {Channel.WHATSAPP: "meta", Channel.RCS: "google"}
"""Behind each channel."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An account's way into a network: who speaks, with which secrets, for which business account.

    `base_url` is None where the service's own default for the account's kind holds.
    """

    app_id: str
    """Of the app, or the partner, that speaks."""
    app_secret: str = field(repr=False)
    """What the network signs its webhooks with."""
    token: str = field(repr=False)
    """What calls are made with: a token, or the key file that tokens are had for."""
    verify_token: str = field(repr=False)
    """What the network shows when it checks our webhooks' address."""
    business_account: str
    """Where senders are kept that name no other; empty where each has its own."""
    base_url: str | None = None
