"""What the application remembers, and how it asks for it again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from tabard.domain.account import Account, Actor, Connection, Principal
from tabard.domain.event import Event
from tabard.domain.ids import AccountId, SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Sender


@dataclass(frozen=True, slots=True)
class Loaded:
    """A sender as stored, and what time it is for its account."""

    sender: Sender
    account_now: datetime
    held_until: datetime | None = None
    """For a sender that was claimed."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's promise that a request with this key is one and the same, and the answer to keep for it."""

    key: str
    fingerprint: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Rows newest first. `first` and `last` are true where no row lies beyond that end."""

    senders: tuple[Sender, ...]
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class StoredEvent:
    number: int
    event: Event
    actor: str
    occurred_at: datetime
    """In the account's time."""


class SortBy(StrEnum):
    CREATED = "created"
    MODIFIED = "modified"
    NAME = "name"
    STATUS = "status"
    """In the order of a life, from draft to retiring."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of an account's senders, and in what order; None leaves a question open."""

    channel: Channel
    statuses: frozenset[Status] | None = None
    ids: frozenset[SenderId] | None = None
    text: str | None = None
    """Part of the display name, in any case."""
    sort_by: SortBy = SortBy.CREATED
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in an order: next to the row with this sort key and id."""

    key: str | None
    """None where the order is by id alone, that is, by creation."""
    id: SenderId


@dataclass(frozen=True, slots=True)
class Found:
    """One page. `first` and `last` are true where no row lies beyond that end; `total` counts all pages."""

    senders: tuple[Sender, ...]
    marks: tuple[Mark, ...]
    """Each sender's own place."""
    total: int
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class EventsWanted:
    """Events of these types, and changes of status into one of these."""

    types: Collection[str]
    statuses: Collection[Status] = ()


@dataclass(frozen=True, slots=True)
class EventPage:
    """Newest first. `first` and `last` are true where no event lies beyond that end; `total` counts all pages."""

    events: tuple[StoredEvent, ...]
    total: int
    first: bool
    last: bool


class SenderStore(Protocol):
    async def insert(self, sender: Sender, actor: Actor, now: datetime, idempotency: Idempotency | None) -> None:
        """Store a new sender, its events and its intent. Raises `AddressTaken`, `IdempotencyKeyReused`."""

    async def answer_for(self, account_id: AccountId, key: str, fingerprint: bytes, now: datetime) -> bytes | None:
        """The answer kept for the key, None if there is none. Raises `IdempotencyKeyReused`."""

    async def fetch(self, account_id: AccountId, sender_id: SenderId) -> Sender:
        """Raises `NotFound`."""

    async def load(self, account_id: AccountId, sender_id: SenderId, now: datetime) -> Loaded:
        """As `fetch`, with the account's time. Raises `NotFound`."""

    async def page(
        self,
        account_id: AccountId,
        channel: Channel,
        *,
        limit: int,
        older_than: SenderId | None = None,
        newer_than: SenderId | None = None,
    ) -> Page: ...

    async def search(
        self,
        account_id: AccountId,
        wanted: Wanted,
        *,
        limit: int,
        beyond: Mark | None = None,
        backwards: bool = False,
    ) -> Found:
        """The page after the mark or, backwards, before it; without a mark the first. Always in the wanted order."""

    async def save(self, before: Sender, after: Sender, actor: Actor, now: datetime) -> Sender:
        """Store the change and its events, and give the stored value. Raises `StaleVersion`.

        A worker that holds the sender goes on holding it: it finds out when it saves.
        """

    async def save_held(
        self, before: Sender, after: Sender, actor: Actor, now: datetime, *, held_until: datetime | None
    ) -> Sender:
        """As `save`, for the worker that holds the sender: until then from now on, or no longer."""

    async def release(self, sender_id: SenderId, held_until: datetime | None) -> None:
        """Let go of a sender that is still held until then, and thus by nobody else."""

    async def is_held(self, channel: Channel, network_id: str, *, but_for: SenderId | None = None) -> bool:
        """Whether a living sender (another one, but for that), of whatever account, has this object of the network."""

    async def claim_due(self, now: datetime, lease: timedelta, limit: int) -> Sequence[Loaded]:
        """Take senders whose step is due; nobody else gets them until the lease ends or they are saved."""

    async def next_due(self) -> datetime | None:
        """The earliest wall time at which a sender is due and free to be claimed."""

    async def stuck(self, now: datetime, longer_than: timedelta, limit: int) -> Sequence[Loaded]:
        """Senders that have rested in between for longer than that and were not reported yet."""

    async def of_number(
        self,
        accounts: Sequence[AccountId],
        channel: Channel,
        now: datetime,
        *,
        address: str | None = None,
        network_id: str | None = None,
    ) -> Sequence[Loaded]:
        """The accounts' living senders with the address, or with the network's own id of them."""

    async def touch(
        self,
        accounts: Sequence[AccountId],
        owners: Sequence[AccountId],
        channel: Channel,
        business_account: str,
        now: datetime,
    ) -> None:
        """Make due every sender of the accounts that is in the business account and has been online.

        Owners are those of them whose senders are in it unless they name another.
        """

    async def events(self, sender: Sender, limit: int) -> Sequence[StoredEvent]:
        """The sender's newest events, newest first."""

    async def tell(
        self, account_id: AccountId, sender_id: SenderId | None, event: Event, actor: Actor, now: datetime
    ) -> StoredEvent:
        """Store an event that changes no sender: of the sender or, without one, of the account."""

    async def event_page(
        self,
        account_id: AccountId,
        sender_id: SenderId | None,
        wanted: EventsWanted,
        *,
        limit: int,
        older_than: int | None = None,
        newer_than: int | None = None,
    ) -> EventPage:
        """Events of the sender or, without one, of the account itself. The bounds are numbers of events."""

    async def former_pin(self, sender: Sender) -> bytes | None:
        """The sealed PIN that a deleted sender of the same account left with the same number."""

    async def forget_expired_keys(self, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential to store: a digest to check it by, and, where it must be read back, the secret sealed."""

    dialect: str
    kind: str
    """`main` for the account's own, `key` for one of several, `token` for one that ends by itself."""
    login: str
    digest: bytes
    sealed: bytes | None
    expires_at: datetime | None = None
    """Wall time."""


class AccountStore(Protocol):
    async def principal(self, login: str | None, digest: bytes, now: datetime) -> Principal | None:
        """Whom the credential speaks for. A sub-account's login with its parent's main secret is the sub-account.

        The login is None for a credential that is one word, a bearer's key.
        """

    async def create(self, account: Account, credentials: Sequence[NewCredential]) -> None:
        """Raises `Conflict` if the account or one of the secrets exists."""

    async def account(self, account_id: AccountId) -> Account:
        """Raises `NotFound`."""

    async def accounts(self) -> Sequence[Account]: ...

    async def replace_credentials(
        self, account_id: AccountId, credentials: Sequence[NewCredential], now: datetime
    ) -> None:
        """Revoke every credential of the same dialect and kind, and its tokens, and store these in their place."""

    async def issue_token(self, account_id: AccountId, token: NewCredential, now: datetime) -> None: ...

    async def forget_expired_tokens(self, now: datetime) -> None: ...

    async def close(self, account_id: AccountId, now: datetime) -> None:
        """Revoke all credentials of the account and of its sub-accounts, and close them."""

    async def connect(self, account_id: AccountId, network: str, connection: Connection) -> None: ...

    async def connection(self, account_id: AccountId, network: str) -> Connection | None:
        """The account's own way into the network, or its parent's."""

    async def connected_by(self, network: str, app_id: str) -> Sequence[tuple[AccountId, Connection]]: ...

    async def unconnected(self, network: str) -> Sequence[AccountId]:
        """Live accounts that have no way of their own into the network, nor by their parent."""

    async def shift_clock(self, account_id: AccountId, by: timedelta) -> None:
        """Move a sandbox account's clock forward, and all that waits for a time nearer, in one transaction."""

    async def has_due(self, account_id: AccountId, now: datetime) -> bool:
        """Whether anything of the account is due and not done yet."""

    async def next_due(self, account_id: AccountId) -> datetime | None: ...

    async def wipe(self, account_id: AccountId) -> None:
        """Remove a sandbox account's senders, events and kept answers, and set its clock right."""


@dataclass(frozen=True, slots=True)
class Received:
    """A webhook body from a network, as it came."""

    network: str
    app_id: str
    digest: bytes
    body: bytes
    attempts: int


class Inbox(Protocol):
    """What networks told us, kept before it is answered and handled once."""

    async def put(self, network: str, app_id: str, body: bytes, now: datetime) -> bool:
        """False if these very bytes were put before."""

    async def claim(self, now: datetime, lease: timedelta, limit: int) -> Sequence[Received]: ...

    async def done(self, received: Received) -> None: ...

    async def failed(self, received: Received, again_at: datetime | None) -> None:
        """None: it will never be handled; it is kept all the same."""

    async def next_due(self) -> datetime | None: ...

    async def forget(self, before: datetime) -> None: ...
