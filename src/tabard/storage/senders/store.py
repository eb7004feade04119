"""Queries of the aggregate `sender`: the row, its events and its intent, always in one statement.

Times that a person sees are written in the account's time: wall time plus the account's `clock_offset`, added here in
SQL, so that no process can be wrong about the offset. `due_at` and `leased_until` are wall time.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from tabard.domain.account import Actor
from tabard.domain.errors import AddressTaken, IdempotencyKeyReused, NotFound, StaleVersion
from tabard.domain.event import Event, between
from tabard.domain.ids import AccountId, SenderId
from tabard.domain.lifecycle import IN_BETWEEN, Channel
from tabard.domain.sender import Sender, Trouble
from tabard.ports.stores import EventPage, EventsWanted, Found, Idempotency, Loaded, Mark, Page, StoredEvent, Wanted
from tabard.storage import events
from tabard.storage.database import to_json
from tabard.storage.senders import search as sender_search
from tabard.storage.senders.rows import CLAIMABLE, COLUMNS, changing_values, optional_json, to_sender
from tabard.storage.webhooks.outbox import OUTBOX

KEYS_KEPT_FOR = timedelta(hours=24)

_AFTER_ALL = SenderId(UUID(int=2**128 - 1))

_S_COLUMNS = ", ".join(f"s.{column.strip()}" for column in COLUMNS.split(","))

_INSERT = f"""
with saved as (
    insert into senders (id, account_id, channel, address, status, friendly_name, registration, webhook, profile,
                         link, agent, warnings, due_at, status_since, created_at, updated_at)
    select $1, a.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, t.now, t.now, t.now
    from accounts a cross join lateral (select $14::timestamptz + a.clock_offset as now) t
    where a.id = $2
    on conflict do nothing
    returning *
), told as (
    insert into events (account_id, sender_id, sender_version, type, before, after, actor, occurred_at)
    select account_id, id, version, $15, '{{}}', $16, $17, created_at from saved
    returning number, account_id, sender_id, type, occurred_at
), {OUTBOX.format(now="$14::timestamptz")}
select number, exists (select from outbox) as to_deliver from told
"""

_KEEP_ANSWER = """
insert into idempotency_keys as kept (account_id, key, fingerprint, answer, expires_at)
select a.id, $2, $3, $4, $5::timestamptz + a.clock_offset + $6 from accounts a where a.id = $1
on conflict (account_id, key) do update
set fingerprint = excluded.fingerprint, answer = excluded.answer, expires_at = excluded.expires_at
where kept.expires_at <= excluded.expires_at - $6
returning key
"""

_KEPT_ANSWER = """
select k.fingerprint, k.answer from idempotency_keys k join accounts a on a.id = k.account_id
where k.account_id = $1 and k.key = $2 and k.expires_at > $3::timestamptz + a.clock_offset
"""

_FETCH = f"select {COLUMNS} from senders where id = $1 and account_id = $2 and status <> 'deleted'"

_LOAD = f"""
select {_S_COLUMNS}, $3::timestamptz + a.clock_offset as account_now
from senders s join accounts a on a.id = s.account_id
where s.id = $1 and s.account_id = $2 and s.status <> 'deleted'
"""

_OLDER = f"""
select {COLUMNS} from senders
where account_id = $1 and channel = $2 and status <> 'deleted' and id < $3 order by id desc limit $4
"""

_NEWER = f"""
select {COLUMNS} from senders
where account_id = $1 and channel = $2 and status <> 'deleted' and id > $3 order by id limit $4
"""

_SAVE = f"""
with saved as (
    update senders s set
        status = $4, status_since = $5, friendly_name = $6, registration = $7, webhook = $8, profile = $9,
        agent = $10, draft = $11, name_change = $12, quality = $13, messaging_limit = $14, offline_reasons = $15,
        warnings = $16, link = $17, sealed_pin = $18, sealed_code = $19, due_at = $20, version = version + 1,
        leased_until = case when $24 then $25 else leased_until end,
        updated_at = $21::timestamptz + a.clock_offset
    from accounts a
    where s.id = $1 and s.account_id = $2 and s.version = $3 and a.id = s.account_id
    returning s.*
), told as (
    insert into events (account_id, sender_id, sender_version, type, before, after, actor, occurred_at)
    select s.account_id, s.id, s.version, e.type, e.before, e.after, $22, s.updated_at
    from saved s
    cross join rows from (jsonb_to_recordset($23) as (type text, before jsonb, after jsonb))
        with ordinality as e (type, before, after, place)
    order by e.place
    returning number, account_id, sender_id, type, occurred_at
), {OUTBOX.format(now="$21::timestamptz")}
select version, updated_at, exists (select from outbox) as to_deliver from saved
"""

_CLAIM = f"""
with due as (
    select s.id from senders s
    where s.due_at <= $1 and (s.leased_until is null or s.leased_until <= $1) and {CLAIMABLE}
    order by s.due_at limit $3
    for update of s skip locked
)
update senders s set leased_until = $1 + $2::interval
from due, accounts a
where s.id = due.id and a.id = s.account_id
returning {_S_COLUMNS}, $1 + a.clock_offset as account_now
"""

# Looks past the few rows that workers hold right now, so that a held row hides no other.
_NEXT_DUE = f"""
select min(greatest(due_at, leased_until)) from (
    select s.due_at, s.leased_until from senders s where s.due_at is not null and {CLAIMABLE}
    order by s.due_at limit 100) soonest
"""

_RELEASE = "update senders set leased_until = null where id = $1 and leased_until = $2"

_IS_HELD = """
select exists (
    select from senders
    where channel = $1 and link->>'network_id' = $2 and status <> 'deleted' and id is distinct from $3)
"""

_STUCK = f"""
select {_S_COLUMNS}, $1::timestamptz + a.clock_offset as account_now
from senders s join accounts a on a.id = s.account_id
where s.status = any($2) and s.status in ('creating', 'verifying', 'updating')
  and s.status_since < $1::timestamptz + a.clock_offset - $3::interval
  and not s.warnings @> $4::jsonb
order by s.status_since limit $5
"""

# The version moves too: a worker that looked at the network before the notice came must not overwrite this.
_TOUCH = """
update senders set due_at = $5, version = version + 1
where account_id = any($1) and channel = $3 and status in ('online', 'updating', 'offline')
  and (registration->>'business_account' = $4
       or registration->>'business_account' is null and account_id = any($2))
"""

_OF_NUMBER = f"""
select {_S_COLUMNS}, $4::timestamptz + a.clock_offset as account_now
from senders s join accounts a on a.id = s.account_id
where s.account_id = any($1) and s.channel = $2 and s.status <> 'deleted'
  and ($3::text is not null and s.address = $3 or $5::text is not null and s.link->>'network_id' = $5)
"""

_FORMER_PIN = """
select sealed_pin from senders
where account_id = $1 and channel = $2 and address = $3 and status = 'deleted' and sealed_pin is not null
order by id desc limit 1
"""

_FORGET_KEYS = """
delete from idempotency_keys k using accounts a
where a.id = k.account_id and k.expires_at <= $1::timestamptz + a.clock_offset
"""


class PostgresSenders:
    """Fulfils `tabard.ports.SenderStore`."""

    def __init__(self, pool: asyncpg.Pool, wake_lanes: Callable[[], None] = lambda: None) -> None:
        """`wake_lanes` is called after a change that somebody subscribes to."""
        self._pool = pool
        self._wake_lanes = wake_lanes

    def _tell_lanes(self, row: asyncpg.Record) -> None:
        if row["to_deliver"]:
            self._wake_lanes()

    async def insert(self, sender: Sender, actor: Actor, now: datetime, idempotency: Idempotency | None) -> None:
        created = between(None, sender)[0]
        values = (
            sender.id,
            sender.account_id,
            sender.channel,
            sender.address,
            sender.status,
            sender.friendly_name,
            to_json(sender.registration),
            to_json(sender.webhook),
            to_json(sender.profile),
            to_json(sender.link),
            optional_json(sender.agent),
            to_json(sender.warnings),
            sender.due_at,
            now,
            created.type,
            to_json(created.after),
            actor.name,
        )
        if idempotency is None:
            inserted = await self._pool.fetchrow(_INSERT, *values)
        else:
            async with self._pool.acquire() as connection, connection.transaction():
                inserted = await connection.fetchrow(_INSERT, *values)
                if inserted is not None:
                    await _keep_answer(connection, sender.account_id, idempotency, now)
        if inserted is None:
            raise AddressTaken(f"the account has a sender {sender.address} already")
        self._tell_lanes(inserted)

    async def answer_for(self, account_id: AccountId, key: str, fingerprint: bytes, now: datetime) -> bytes | None:
        row = await self._pool.fetchrow(_KEPT_ANSWER, account_id, key, now)
        if row is None:
            return None
        if row["fingerprint"] != fingerprint:
            raise IdempotencyKeyReused(f"the idempotency key {key!r} came with another request before")
        answer: bytes = row["answer"]
        return answer

    async def fetch(self, account_id: AccountId, sender_id: SenderId) -> Sender:
        row = await self._pool.fetchrow(_FETCH, sender_id, account_id)
        if row is None:
            raise NotFound(f"no sender {sender_id}")
        return to_sender(row)

    async def load(self, account_id: AccountId, sender_id: SenderId, now: datetime) -> Loaded:
        row = await self._pool.fetchrow(_LOAD, sender_id, account_id, now)
        if row is None:
            raise NotFound(f"no sender {sender_id}")
        return Loaded(to_sender(row), row["account_now"])

    async def page(
        self,
        account_id: AccountId,
        channel: Channel,
        *,
        limit: int,
        older_than: SenderId | None = None,
        newer_than: SenderId | None = None,
    ) -> Page:
        if newer_than is not None:
            rows = await self._pool.fetch(_NEWER, account_id, channel, newer_than, limit + 1)
            senders = tuple(to_sender(row) for row in reversed(rows[:limit]))
            return Page(senders, first=len(rows) <= limit, last=False)
        rows = await self._pool.fetch(_OLDER, account_id, channel, older_than or _AFTER_ALL, limit + 1)
        senders = tuple(to_sender(row) for row in rows[:limit])
        return Page(senders, first=older_than is None, last=len(rows) <= limit)

    async def search(
        self,
        account_id: AccountId,
        wanted: Wanted,
        *,
        limit: int,
        beyond: Mark | None = None,
        backwards: bool = False,
    ) -> Found:
        return await sender_search.search(
            self._pool, account_id, wanted, limit=limit, beyond=beyond, backwards=backwards
        )

    async def save(self, before: Sender, after: Sender, actor: Actor, now: datetime) -> Sender:
        return await self._save(before, after, actor, now, False, None)

    async def save_held(
        self, before: Sender, after: Sender, actor: Actor, now: datetime, *, held_until: datetime | None
    ) -> Sender:
        return await self._save(before, after, actor, now, True, held_until)

    async def release(self, sender_id: SenderId, held_until: datetime | None) -> None:
        await self._pool.execute(_RELEASE, sender_id, held_until)

    async def is_held(self, channel: Channel, network_id: str, *, but_for: SenderId | None = None) -> bool:
        return bool(await self._pool.fetchval(_IS_HELD, channel, network_id, but_for))

    async def _save(
        self, before: Sender, after: Sender, actor: Actor, now: datetime, by_holder: bool, held_until: datetime | None
    ) -> Sender:
        told = between(before, after)
        row = await self._pool.fetchrow(
            _SAVE,
            before.id,
            before.account_id,
            before.version,
            *changing_values(after),
            now,
            actor.name,
            to_json(told),  # one value: for arrays asyncpg would look up their type, on every connection
            by_holder,
            held_until,
        )
        if row is None:
            raise StaleVersion(f"sender {before.id} is no longer at version {before.version}")
        self._tell_lanes(row)
        return replace(after, version=row["version"], updated_at=row["updated_at"])

    async def claim_due(self, now: datetime, lease: timedelta, limit: int) -> Sequence[Loaded]:
        rows = await self._pool.fetch(_CLAIM, now, lease, limit)
        return [Loaded(to_sender(row), row["account_now"], now + lease) for row in rows]

    async def next_due(self) -> datetime | None:
        due: datetime | None = await self._pool.fetchval(_NEXT_DUE)
        return due

    async def stuck(self, now: datetime, longer_than: timedelta, limit: int) -> Sequence[Loaded]:
        marked = to_json([{"trouble": Trouble.STUCK}])
        rows = await self._pool.fetch(_STUCK, now, list(IN_BETWEEN), longer_than, marked, limit)
        return [Loaded(to_sender(row), row["account_now"]) for row in rows]

    async def touch(
        self,
        accounts: Sequence[AccountId],
        owners: Sequence[AccountId],
        channel: Channel,
        business_account: str,
        now: datetime,
    ) -> None:
        await self._pool.execute(_TOUCH, list(accounts), list(owners), channel, business_account, now)

    async def of_number(
        self,
        accounts: Sequence[AccountId],
        channel: Channel,
        now: datetime,
        *,
        address: str | None = None,
        network_id: str | None = None,
    ) -> Sequence[Loaded]:
        rows = await self._pool.fetch(_OF_NUMBER, list(accounts), channel, address, now, network_id)
        return [Loaded(to_sender(row), row["account_now"]) for row in rows]

    async def events(self, sender: Sender, limit: int) -> Sequence[StoredEvent]:
        return await events.newest(self._pool, sender.account_id, sender.id, limit)

    async def tell(
        self, account_id: AccountId, sender_id: SenderId | None, event: Event, actor: Actor, now: datetime
    ) -> StoredEvent:
        stored, to_deliver = await events.tell(self._pool, account_id, sender_id, event, actor, now)
        if to_deliver:
            self._wake_lanes()
        return stored

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
        return await events.page(
            self._pool, account_id, sender_id, wanted, limit=limit, older_than=older_than, newer_than=newer_than
        )

    async def former_pin(self, sender: Sender) -> bytes | None:
        pin: bytes | None = await self._pool.fetchval(_FORMER_PIN, sender.account_id, sender.channel, sender.address)
        return pin

    async def forget_expired_keys(self, now: datetime) -> None:
        await self._pool.execute(_FORGET_KEYS, now)


async def _keep_answer(
    connection: asyncpg.Connection, account_id: AccountId, idempotency: Idempotency, now: datetime
) -> None:
    kept = await connection.fetchval(
        _KEEP_ANSWER, account_id, idempotency.key, idempotency.fingerprint, idempotency.answer, now, KEYS_KEPT_FOR
    )
    if kept is None:
        raise IdempotencyKeyReused(f"the idempotency key {idempotency.key!r} came with another request just now")
