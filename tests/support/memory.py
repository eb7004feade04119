"""The stores in memory, with the behaviour of the real ones: the same contract tests run on both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tabard.domain import event
from tabard.domain.account import Account, AccountKind, Actor, Connection, Principal
from tabard.domain.errors import AddressTaken, Conflict, IdempotencyKeyReused, NotFound, StaleVersion
from tabard.domain.event import Event
from tabard.domain.ids import AccountId, SenderId
from tabard.domain.lifecycle import IN_BETWEEN, Channel, Status
from tabard.domain.sender import Sender, Trouble
from tabard.ports import Idempotency, Loaded, NewCredential, Page, StoredEvent

KEYS_KEPT_FOR = timedelta(hours=24)


@dataclass(slots=True)
class _KeptAnswer:
    fingerprint: bytes
    answer: bytes
    expires_at: datetime


@dataclass(slots=True)
class _Credential:
    account_id: AccountId
    stored: NewCredential
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it was stored."""

    sender_id: SenderId
    event: Event
    actor: Actor
    occurred_at: datetime


@dataclass(slots=True)
class World:
    """What a database would hold."""

    accounts: dict[AccountId, Account] = field(default_factory=dict)
    credentials: dict[bytes, _Credential] = field(default_factory=dict)
    connections: dict[tuple[AccountId, str], Connection] = field(default_factory=dict)
    senders: dict[SenderId, Sender] = field(default_factory=dict)
    leases: dict[SenderId, datetime] = field(default_factory=dict)
    events: list[Told] = field(default_factory=list)
    answers: dict[tuple[AccountId, str], _KeptAnswer] = field(default_factory=dict)

    def account_now(self, account_id: AccountId, now: datetime) -> datetime:
        return now + self.accounts[account_id].clock_offset

    def living(self) -> Iterator[Sender]:
        return (sender for sender in self.senders.values() if sender.status is not Status.DELETED)

    def loaded(self, sender: Sender, now: datetime) -> Loaded:
        return Loaded(sender, self.account_now(sender.account_id, now))

    def waits(self, sender: Sender) -> bool:
        """A number that is being let go holds back the sender that wants to take it up again."""
        number = (sender.account_id, sender.channel, sender.address)
        return sender.status is not Status.DELETED and any(
            other.status is Status.DELETED
            and other.due_at is not None
            and (other.account_id, other.channel, other.address) == number
            for other in self.senders.values()
        )


class MemorySenders:
    """Fulfils `tabard.ports.SenderStore`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def insert(self, sender: Sender, actor: Actor, now: datetime, idempotency: Idempotency | None) -> None:
        taken = (sender.account_id, sender.channel, sender.address)
        if any((other.account_id, other.channel, other.address) == taken for other in self._world.living()):
            raise AddressTaken(f"the account has a sender {sender.address} already")
        at = self._world.account_now(sender.account_id, now)
        if idempotency is not None:
            kept = self._world.answers.get((sender.account_id, idempotency.key))
            if kept is not None and kept.expires_at > at:
                raise IdempotencyKeyReused(f"the idempotency key {idempotency.key!r} came with another request")
            self._world.answers[sender.account_id, idempotency.key] = _KeptAnswer(
                idempotency.fingerprint, idempotency.answer, at + KEYS_KEPT_FOR
            )
        stored = replace(sender, version=1, status_since=at, created_at=at, updated_at=at)
        self._world.senders[sender.id] = stored
        self._tell(None, stored, actor, at)

    async def answer_for(self, account_id: AccountId, key: str, fingerprint: bytes, now: datetime) -> bytes | None:
        kept = self._world.answers.get((account_id, key))
        if kept is None or kept.expires_at <= self._world.account_now(account_id, now):
            return None
        if kept.fingerprint != fingerprint:
            raise IdempotencyKeyReused(f"the idempotency key {key!r} came with another request before")
        return kept.answer

    async def fetch(self, account_id: AccountId, sender_id: SenderId) -> Sender:
        sender = self._world.senders.get(sender_id)
        if sender is None or sender.account_id != account_id or sender.status is Status.DELETED:
            raise NotFound(f"no sender {sender_id}")
        return sender

    async def load(self, account_id: AccountId, sender_id: SenderId, now: datetime) -> Loaded:
        return self._world.loaded(await self.fetch(account_id, sender_id), now)

    async def page(
        self,
        account_id: AccountId,
        channel: Channel,
        *,
        limit: int,
        older_than: SenderId | None = None,
        newer_than: SenderId | None = None,
    ) -> Page:
        mine = [s for s in self._world.living() if s.account_id == account_id and s.channel is channel]
        mine.sort(key=lambda sender: sender.id, reverse=True)
        if newer_than is not None:
            newer = [sender for sender in mine if sender.id > newer_than]
            return Page(tuple(newer[-limit:]), first=len(newer) <= limit, last=False)
        older = [sender for sender in mine if older_than is None or sender.id < older_than]
        return Page(tuple(older[:limit]), first=older_than is None, last=len(older) <= limit)

    async def save(self, before: Sender, after: Sender, actor: Actor, now: datetime) -> Sender:
        stored = self._world.senders.get(before.id)
        if stored is None or (stored.account_id, stored.version) != (before.account_id, before.version):
            raise StaleVersion(f"sender {before.id} is no longer at version {before.version}")
        at = self._world.account_now(before.account_id, now)
        saved = replace(after, version=before.version + 1, updated_at=at)
        self._world.senders[before.id] = saved
        self._tell(before, saved, actor, at)
        return saved

    async def save_held(
        self, before: Sender, after: Sender, actor: Actor, now: datetime, *, held_until: datetime | None
    ) -> Sender:
        saved = await self.save(before, after, actor, now)
        self._world.leases.pop(before.id, None)
        if held_until is not None:
            self._world.leases[before.id] = held_until
        return saved

    async def release(self, sender_id: SenderId, held_until: datetime | None) -> None:
        if self._world.leases.get(sender_id) == held_until:
            self._world.leases.pop(sender_id, None)

    async def is_held_by_another(self, sender: Sender, number_id: str) -> bool:
        return any(
            other.id != sender.id and other.channel is sender.channel and other.link.number_id == number_id
            for other in self._world.living()
        )

    async def claim_due(self, now: datetime, lease: timedelta, limit: int) -> Sequence[Loaded]:
        free = [
            (sender.due_at, sender)
            for sender in self._world.senders.values()
            if sender.due_at is not None
            and self._free_at(sender, sender.due_at) <= now
            and not self._world.waits(sender)
        ]
        claimed = [sender for _, sender in sorted(free, key=lambda pair: pair[0])[:limit]]
        self._world.leases.update({sender.id: now + lease for sender in claimed})
        return [replace(self._world.loaded(sender, now), held_until=now + lease) for sender in claimed]

    async def next_due(self) -> datetime | None:
        waiting = (s for s in self._world.senders.values() if not self._world.waits(s))
        return min((self._free_at(s, s.due_at) for s in waiting if s.due_at is not None), default=None)

    async def stuck(self, now: datetime, longer_than: timedelta, limit: int) -> Sequence[Loaded]:
        resting = [
            sender
            for sender in self._world.senders.values()
            if sender.status in IN_BETWEEN
            and sender.status_since < self._world.account_now(sender.account_id, now) - longer_than
            and all(warning.trouble is not Trouble.STUCK for warning in sender.warnings)
        ]
        resting.sort(key=lambda sender: sender.status_since)
        return [self._world.loaded(sender, now) for sender in resting[:limit]]

    async def of_number(
        self,
        accounts: Sequence[AccountId],
        channel: Channel,
        now: datetime,
        *,
        address: str | None = None,
        number_id: str | None = None,
    ) -> Sequence[Loaded]:
        return [
            self._world.loaded(sender, now)
            for sender in self._world.living()
            if sender.account_id in accounts
            and sender.channel is channel
            and (sender.address == address or (number_id is not None and sender.link.number_id == number_id))
        ]

    async def touch(
        self,
        accounts: Sequence[AccountId],
        owners: Sequence[AccountId],
        channel: Channel,
        business_account: str,
        now: datetime,
    ) -> None:
        for sender in [*self._world.living()]:
            named = sender.registration.business_account
            inside = named == business_account or (named is None and sender.account_id in owners)
            known = sender.account_id in accounts and sender.channel is channel
            if inside and known and sender.status in {Status.ONLINE, Status.UPDATING, Status.OFFLINE}:
                self._world.senders[sender.id] = replace(sender, due_at=now, version=sender.version + 1)

    async def events(self, sender: Sender, limit: int) -> Sequence[StoredEvent]:
        told = [(number, told) for number, told in enumerate(self._world.events, 1) if told.sender_id == sender.id]
        newest = [StoredEvent(number, told.event, told.actor.name, told.occurred_at) for number, told in reversed(told)]
        return newest[:limit]

    async def former_pin(self, sender: Sender) -> bytes | None:
        number = (sender.account_id, sender.channel, sender.address)
        former = [
            other
            for other in self._world.senders.values()
            if other.status is Status.DELETED
            and (other.account_id, other.channel, other.address) == number
            and other.sealed_pin is not None
        ]
        return max(former, key=lambda other: other.id).sealed_pin if former else None

    async def forget_expired_keys(self, now: datetime) -> None:
        for place, kept in [*self._world.answers.items()]:
            if kept.expires_at <= self._world.account_now(place[0], now):
                del self._world.answers[place]

    def _free_at(self, sender: Sender, due_at: datetime) -> datetime:
        return max(due_at, self._world.leases.get(sender.id, due_at))

    def _tell(self, before: Sender | None, after: Sender, actor: Actor, at: datetime) -> None:
        self._world.events += (Told(after.id, told, actor, at) for told in event.between(before, after))


class MemoryAccounts:
    """Fulfils `tabard.ports.AccountStore`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def principal(self, login: str | None, digest: bytes) -> Principal | None:
        credential = self._world.credentials.get(digest)
        if credential is None or credential.revoked:
            return None
        owner = self._world.accounts[credential.account_id]
        if login is None or login == credential.stored.login:
            return self._principal(owner, credential.stored.login)
        if credential.stored.kind != "main":
            return None
        children = (account for account in self._world.accounts.values() if account.parent_id == owner.id)
        child = next((c for c in children if self._main_login(c.id, credential.stored.dialect) == login), None)
        return self._principal(child, login) if child is not None else None

    async def create(self, account: Account, credentials: Sequence[NewCredential]) -> None:
        taken = account.id in self._world.accounts or any(c.digest in self._world.credentials for c in credentials)
        if taken:
            raise Conflict(f"account {account.id} or one of its secrets exists already")
        if account.parent_id is not None and account.parent_id not in self._world.accounts:
            raise NotFound(f"no account {account.parent_id}")
        self._world.accounts[account.id] = account
        self._store(account.id, credentials)

    async def account(self, account_id: AccountId) -> Account:
        if account_id not in self._world.accounts:
            raise NotFound(f"no account {account_id}")
        return self._world.accounts[account_id]

    async def accounts(self) -> Sequence[Account]:
        return sorted(self._world.accounts.values(), key=lambda account: account.id)

    async def replace_credentials(
        self, account_id: AccountId, credentials: Sequence[NewCredential], now: datetime
    ) -> None:
        replaced = {(credential.dialect, credential.kind) for credential in credentials}
        for credential in self._world.credentials.values():
            if credential.account_id == account_id and (credential.stored.dialect, credential.stored.kind) in replaced:
                credential.revoked = True
        self._store(account_id, credentials)

    async def close(self, account_id: AccountId, now: datetime) -> None:
        closing = [
            account
            for account in self._world.accounts.values()
            if account_id in {account.id, account.parent_id} and account.closed_at is None
        ]
        for account in closing:
            self._world.accounts[account.id] = replace(account, closed_at=now)
            for credential in self._world.credentials.values():
                credential.revoked |= credential.account_id == account.id

    async def connect(self, account_id: AccountId, network: str, connection: Connection) -> None:
        self._world.connections[account_id, network] = connection

    async def connection(self, account_id: AccountId, network: str) -> Connection | None:
        account = self._world.accounts.get(account_id)
        if account is None:
            return None
        own = self._world.connections.get((account_id, network))
        if own is not None or account.parent_id is None:
            return own
        return self._world.connections.get((account.parent_id, network))

    async def connected_by(self, network: str, app_id: str) -> Sequence[tuple[AccountId, Connection]]:
        return [
            (account.id, way)
            for account in self._world.accounts.values()
            if (way := await self.connection(account.id, network)) is not None and way.app_id == app_id
        ]

    async def unconnected(self, network: str) -> Sequence[AccountId]:
        return [
            account.id
            for account in self._world.accounts.values()
            if account.kind is AccountKind.LIVE
            and account.closed_at is None
            and await self.connection(account.id, network) is None
        ]

    async def shift_clock(self, account_id: AccountId, by: timedelta) -> None:
        account = self._world.accounts[account_id]
        if account.kind is AccountKind.SANDBOX:
            self._world.accounts[account_id] = replace(account, clock_offset=account.clock_offset + by)
        for sender in self._senders(account_id):
            if sender.due_at is not None:
                self._world.senders[sender.id] = sender.due(sender.due_at - by)

    async def has_due(self, account_id: AccountId, now: datetime) -> bool:
        due = await self.next_due(account_id)
        return due is not None and due <= now

    async def next_due(self, account_id: AccountId) -> datetime | None:
        waiting = (s for s in self._senders(account_id) if not self._world.waits(s))
        return min((s.due_at for s in waiting if s.due_at is not None), default=None)

    async def wipe(self, account_id: AccountId) -> None:
        gone = {sender.id for sender in self._senders(account_id)}
        for sender_id in gone:
            del self._world.senders[sender_id]
            self._world.leases.pop(sender_id, None)
        self._world.events[:] = [told for told in self._world.events if told.sender_id not in gone]
        for place in [place for place in self._world.answers if place[0] == account_id]:
            del self._world.answers[place]
        self._world.accounts[account_id] = replace(self._world.accounts[account_id], clock_offset=timedelta(0))

    def _senders(self, account_id: AccountId) -> list[Sender]:
        return [sender for sender in self._world.senders.values() if sender.account_id == account_id]

    def _store(self, account_id: AccountId, credentials: Sequence[NewCredential]) -> None:
        self._world.credentials.update({c.digest: _Credential(account_id, c) for c in credentials})

    def _main_login(self, account_id: AccountId, dialect: str) -> str | None:
        main = (
            credential.stored.login
            for credential in self._world.credentials.values()
            if credential.account_id == account_id
            and credential.stored.kind == "main"
            and credential.stored.dialect == dialect
        )
        return next(main, None)

    def _principal(self, account: Account, login: str) -> Principal | None:
        return None if account.closed_at is not None else Principal(account.id, account.kind, login)
