"""Who wants to hear of what, and where: one address, in one dialect's words."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tabard.domain.errors import InvalidInput
from tabard.domain.ids import AccountId, SenderId, SubscriptionId
from tabard.domain.lifecycle import Channel
from tabard.domain.profile import is_web_url

EVERYTHING = "*"
LONGEST_URL = 2048
LONGEST_OVERLAP = timedelta(days=7)
GIVES_UP_AFTER = timedelta(days=5)
"""How long a subscription may fail without one success before it is disabled."""

_CREDENTIALS = re.compile(r"https?://[^/?#]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Subscription:
    id: SubscriptionId
    account_id: AccountId
    dialect: str
    """Whose words and signature the address gets."""
    url: str
    names: tuple[str, ...]
    """What was asked for, as the dialect names it."""
    topics: tuple[str, ...]
    """The same as types of our events; `whatsapp:sender.online` is that of one channel, `*` is all."""
    sealed_secret: bytes = field(repr=False)
    created_at: datetime
    updated_at: datetime
    channel: Channel | None = None
    sender_id: SenderId | None = None
    description: str | None = None
    sealed_former: bytes | None = field(default=None, repr=False)
    """The secret before the last rotation; it signs too, until `former_until`."""
    former_until: datetime | None = None
    enabled: bool = True
    disabled_reason: str | None = None
    failing_since: datetime | None = None
    """Account time of the first failure since the last success."""
    version: int = 1

    def secrets(self, at: datetime) -> tuple[bytes, ...]:
        """What signs now, the newest first, sealed."""
        overlaps = self.sealed_former is not None and self.former_until is not None and at < self.former_until
        return (self.sealed_secret, self.sealed_former) if overlaps and self.sealed_former else (self.sealed_secret,)

    def rotated(self, sealed: bytes, at: datetime, overlap: timedelta) -> "Subscription":
        """With a new secret; the old one signs as well until the overlap is over. Raises `InvalidInput`."""
        if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
            raise InvalidInput("overlap_seconds", f"must be 0 to {LONGEST_OVERLAP.total_seconds():.0f}")
        return replace(
            self, sealed_secret=sealed, sealed_former=self.sealed_secret, former_until=at + overlap, updated_at=at
        )

    def disabled(self, reason: str, at: datetime) -> "Subscription":
        return replace(self, enabled=False, disabled_reason=reason, updated_at=at)

    def enabled_again(self, at: datetime) -> "Subscription":
        return replace(self, enabled=True, disabled_reason=None, failing_since=None, updated_at=at)


def check_url(field_name: str, url: str, longest: int = LONGEST_URL) -> None:
    """Raises `InvalidInput`. Whether the address may be called is looked at whenever it is."""
    if len(url) > longest or not is_web_url(url):
        raise InvalidInput(field_name, f"must be an http:// or https:// address of at most {longest} characters")
    if _CREDENTIALS.match(url):
        raise InvalidInput(field_name, "must not hold a user name or password: deliveries are signed")


def secret_context(subscription_id: SubscriptionId) -> str:
    return f"subscription:{subscription_id}"
