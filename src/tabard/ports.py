"""What the application needs of the world, as protocols; `bootstrap` chooses who fulfils them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from tabard.domain.account import Account, Actor, Connection, Principal
from tabard.domain.event import Event
from tabard.domain.ids import AccountId, SenderId
from tabard.domain.lifecycle import Channel
from tabard.domain.profile import Profile
from tabard.domain.sender import NameReview, Quality, Sender, Trouble, VerificationMethod


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall time, in UTC. An account's own time is this plus its `clock_offset`."""


class Vault(Protocol):
    """Seals what must be read back. The context is bound to the seal: another context cannot open it."""

    def seal(self, plain: bytes, context: str) -> bytes: ...

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises `ValueError` if the seal was made with another key or context, or was tampered with."""


# storage


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

    async def is_held_by_another(self, sender: Sender, number_id: str) -> bool:
        """Whether another living sender, of whatever account, has this number of the network."""

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
        number_id: str | None = None,
    ) -> Sequence[Loaded]:
        """The accounts' living senders with the address, or with the number of the network."""

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

    async def former_pin(self, sender: Sender) -> bytes | None:
        """The sealed PIN that a deleted sender of the same account left with the same number."""

    async def forget_expired_keys(self, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential to store: a digest to check it by, and, where it must be read back, the secret sealed."""

    dialect: str
    kind: str
    """`main` for the account's own, `key` for one of several."""
    login: str
    digest: bytes
    sealed: bytes | None


class AccountStore(Protocol):
    async def principal(self, login: str | None, digest: bytes) -> Principal | None:
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
        """Revoke every credential of the same dialect and kind, and store these in their place."""

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


# networks


class NumberStatus(StrEnum):
    PENDING = "pending"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    BANNED = "banned"
    RESTRICTED = "restricted"
    MIGRATED = "migrated"
    DELETED = "deleted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NumberState:
    """A number as its network sees it."""

    id: str
    verified: bool
    status: NumberStatus
    display_name: str | None
    name_review: NameReview | None
    pending_name: str | None
    pending_name_review: NameReview | None
    quality: Quality
    messaging_limit: int | None
    """Customers a day, `UNLIMITED` for no bound, None where the network does not say."""
    blocked_by: Trouble | None
    """What keeps the number from sending although it may be connected; None if nothing does."""


@dataclass(frozen=True, slots=True)
class Image:
    data: bytes
    media_type: str


class Decision(StrEnum):
    """What to do about a network's refusal."""

    RETRY = "retry"
    """Passing: try again, `after` seconds from now if the network said so, else backing off."""
    WAIT = "wait"
    """A limit with a known end: try again `after` seconds from now; it is nobody's failure."""
    GIVE_UP = "give_up"
    """Trying again will not help."""


class NetworkFault(Exception):
    """A call that the network refused, or that never got an answer. `detail` is fit to show to the user."""

    def __init__(
        self,
        decision: Decision,
        trouble: Trouble,
        detail: str,
        *,
        after: float | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(f"{trouble}: {detail}")
        self.decision = decision
        self.trouble = trouble
        self.detail = detail
        self.after = after
        self.code = code


class WhatsAppNetwork(Protocol):
    """Every method raises `NetworkFault`, and is safe to repeat."""

    async def find_number(self, way: Connection, business_account: str, address: str) -> NumberState | None:
        """The number as the business account holds it, looked up by its digits; None if it does not."""

    async def number(self, way: Connection, number_id: str) -> NumberState | None:
        """None if the network no longer has it."""

    async def add_number(self, way: Connection, business_account: str, address: str, display_name: str) -> str:
        """Its id. Fault NUMBER_PRESENT if the business account has it: find it then."""

    async def request_code(self, way: Connection, number_id: str, method: VerificationMethod) -> None:
        """Fault ALREADY_VERIFIED if no code is needed."""

    async def verify_code(self, way: Connection, number_id: str, code: str) -> None:
        """Fault CODE_REJECTED if the code is wrong or too old."""

    async def register(self, way: Connection, number_id: str, pin: str) -> None: ...

    async def deregister(self, way: Connection, number_id: str) -> None:
        """Fault NOT_REGISTERED if there is nothing to undo."""

    async def subscribe_app(self, way: Connection, business_account: str) -> None: ...

    async def push_profile(self, way: Connection, number_id: str, profile: Profile, logo: Image | None) -> None: ...

    async def submit_name(self, way: Connection, number_id: str, name: str) -> None: ...


class OutboundRefused(Exception):
    """The address may not be called, or did not answer as it should. The text is fit to show to the user."""


class OutboundUnavailable(OutboundRefused):
    """It may be called, but did not answer in time, or failed itself: trying again may help."""


class Outbound(Protocol):
    async def fetch(self, url: str, *, limit: int, allow_private: bool) -> bytes:
        """GET a public document of at most `limit` bytes. Raises `OutboundRefused`, `OutboundUnavailable`."""


@dataclass(frozen=True, slots=True)
class PhoneMessage:
    """What a sandbox phone received: a text, or the words of a call."""

    sender: str
    text: str
    received_at: datetime


class SandboxNetwork(Protocol):
    """What the sandbox can do with an emulated network, always on behalf of one account.

    Methods that name a number raise `NotFound` if the account's emulated business account does not hold it.
    """

    async def open_account(self, account_id: AccountId) -> Connection:
        """Give the account its own business account, app and token; the same again if it has them."""

    async def reset(self, account_id: AccountId) -> None:
        """Forget the account's numbers, inboxes, chosen faults and tasks; its connection stays valid."""

    async def shift(self, account_id: AccountId, by: timedelta) -> None:
        """Bring every task of the account that waits for a time nearer by this much."""

    async def next_due(self, account_id: AccountId) -> datetime | None:
        """The wall time at which the network will next do something for the account by itself."""

    async def inbox(self, account_id: AccountId, address: str) -> Sequence[PhoneMessage]:
        """Newest last; empty for a phone that received nothing. Never raises `NotFound`."""

    async def decide_name(self, account_id: AccountId, address: str, *, approved: bool, reason: str | None) -> None:
        """Decide the review of the number's display name. Raises `NotFound` if none is open."""

    async def ban(self, account_id: AccountId, address: str) -> None: ...

    async def lift_ban(self, account_id: AccountId, address: str) -> None: ...

    async def set_quality(self, account_id: AccountId, address: str, quality: Quality) -> None: ...

    async def set_messaging_limit(self, account_id: AccountId, limit: int) -> None:
        """Customers a day for the whole business; `UNLIMITED` for no bound."""

    async def set_number_cap(self, account_id: AccountId, cap: int | None) -> None: ...

    async def fail_next(self, account_id: AccountId, count: int, *, status: int, code: int) -> None:
        """Answer the account's next `count` network calls with this HTTP status and network error code."""
