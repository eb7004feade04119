"""The store of senders in memory, with the behaviour of the real one: the same contract tests run on both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tabard.domain import event
from tabard.domain.account import Account, Actor, Connection
from tabard.domain.errors import AddressTaken, IdempotencyKeyReused, NotFound, StaleVersion
from tabard.domain.event import Event
from tabard.domain.ids import AccountId, SenderId
from tabard.domain.lifecycle import IN_BETWEEN, Channel, Status
from tabard.domain.sender import Sender, Trouble
from tabard.ports.stores import (
    EventPage,
    EventsWanted,
    Found,
    Idempotency,
    Loaded,
    Mark,
    NewCredential,
    Page,
    SortBy,
    StoredEvent,
    Wanted,
)
from tabard.storage.database import from_json, to_json

KEYS_KEPT_FOR = timedelta(hours=24)


@dataclass(slots=True)
class _KeptAnswer:
    fingerprint: bytes
    answer: bytes
    expires_at: datetime


@dataclass(slots=True)
class StoredCredential:
    account_id: AccountId
    stored: NewCredential
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it was stored."""

    account_id: AccountId
    sender_id: SenderId | None
    event: Event
    actor: Actor
    occurred_at: datetime


@dataclass(slots=True)
class World:
    """What a database would hold."""

    accounts: dict[AccountId, Account] = field(default_factory=dict)
    credentials: dict[bytes, StoredCredential] = field(default_factory=dict)
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
        waits_for_others = sender.status is not Status.DELETED and sender.channel is not Channel.RCS
        return waits_for_others and any(
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

    async def search(
        self,
        account_id: AccountId,
        wanted: Wanted,
        *,
        limit: int,
        beyond: Mark | None = None,
        backwards: bool = False,
    ) -> Found:
        mine = [s for s in self._world.living() if s.account_id == account_id and _is_wanted(s, wanted)]
        mine.sort(key=lambda sender: _place(sender, wanted), reverse=wanted.descending is not backwards)
        there = mine
        if beyond is not None:
            at = _marked(beyond, wanted)
            ahead = wanted.descending is not backwards
            there = [s for s in mine if (_place(s, wanted) < at if ahead else _place(s, wanted) > at)]
        shown, more = there[:limit], len(there) > limit
        if backwards:
            shown.reverse()
        marks = tuple(Mark(_sort_key(sender, wanted), sender.id) for sender in shown)
        first, last = (not more, False) if backwards else (beyond is None, not more)
        return Found(tuple(shown), marks, len(mine), first=first, last=last)

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

    async def is_held(self, channel: Channel, network_id: str, *, but_for: SenderId | None = None) -> bool:
        return any(
            other.id != but_for and other.channel is channel and other.link.network_id == network_id
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
        network_id: str | None = None,
    ) -> Sequence[Loaded]:
        return [
            self._world.loaded(sender, now)
            for sender in self._world.living()
            if sender.account_id in accounts
            and sender.channel is channel
            and (sender.address == address or (network_id is not None and sender.link.network_id == network_id))
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

    async def tell(
        self, account_id: AccountId, sender_id: SenderId | None, event: Event, actor: Actor, now: datetime
    ) -> StoredEvent:
        at = self._world.account_now(account_id, now)
        self._world.events.append(Told(account_id, sender_id, event, actor, at))
        return StoredEvent(len(self._world.events), event, actor.name, at)

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
        mine = [
            StoredEvent(number, _as_read(told.event), told.actor.name, told.occurred_at)
            for number, told in enumerate(self._world.events, 1)
            if (told.account_id, told.sender_id) == (account_id, sender_id) and _is_told(told.event, wanted)
        ]
        mine.reverse()
        if newer_than is not None:
            newer = [stored for stored in mine if stored.number > newer_than]
            return EventPage(tuple(newer[-limit:]), len(mine), first=len(newer) <= limit, last=False)
        older = [stored for stored in mine if older_than is None or stored.number < older_than]
        return EventPage(tuple(older[:limit]), len(mine), first=older_than is None, last=len(older) <= limit)

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
        self._world.events += (
            Told(after.account_id, after.id, told, actor, at) for told in event.between(before, after)
        )


def _is_wanted(sender: Sender, wanted: Wanted) -> bool:
    return (
        sender.channel is wanted.channel
        and (wanted.statuses is None or sender.status in wanted.statuses)
        and (wanted.ids is None or sender.id in wanted.ids)
        and (wanted.text is None or wanted.text.lower() in (sender.profile.name or "").lower())
    )


def _sort_key(sender: Sender, wanted: Wanted) -> str | None:
    match wanted.sort_by:
        case SortBy.CREATED:
            return None
        case SortBy.MODIFIED:
            return sender.updated_at.isoformat()
        case SortBy.NAME:
            return (sender.profile.name or "").lower()
        case SortBy.STATUS:
            return str(_LIFE.index(sender.status))


_LIFE = (
    Status.DRAFT,
    Status.CREATING,
    Status.PENDING_VERIFICATION,
    Status.VERIFYING,
    Status.TESTING,
    Status.PREPARING,
    Status.LAUNCHING,
    Status.ONLINE,
    Status.UPDATING,
    Status.OFFLINE,
    Status.RETIRING,
)


def _place(sender: Sender, wanted: Wanted) -> tuple[Any, SenderId]:
    return _marked(Mark(_sort_key(sender, wanted), sender.id), wanted)


def _marked(mark: Mark, wanted: Wanted) -> tuple[Any, SenderId]:
    """As the database compares: times as times, ranks as numbers, names byte by byte."""
    match wanted.sort_by:
        case SortBy.CREATED:
            return "", mark.id
        case SortBy.MODIFIED:
            return datetime.fromisoformat(mark.key or ""), mark.id
        case SortBy.NAME:
            return (mark.key or "").encode(), mark.id
        case SortBy.STATUS:
            return int(mark.key or ""), mark.id


def _is_told(event: Event, wanted: EventsWanted) -> bool:
    before, after = event.before.get("status"), event.after.get("status")
    moved = event.type == "sender.status" and before != after and after in wanted.statuses
    return event.type in wanted.types or moved


def _as_read(told: Event) -> Event:
    """What was stored as JSON is read as JSON."""
    return Event(told.type, from_json(to_json(told.before)), from_json(to_json(told.after)))
