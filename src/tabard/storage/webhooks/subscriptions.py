"""The owner's side of deliveries: subscriptions, and what became of each delivery."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import asyncpg

from tabard.domain.account import Actor
from tabard.domain.errors import Conflict, NotFound, StaleVersion, TooManySubscriptions
from tabard.domain.ids import AccountId, DeliveryId, SubscriptionId
from tabard.domain.webhooks.delivery import DeliveryState
from tabard.domain.webhooks.subscription import Subscription
from tabard.ports.webhooks import DeliveriesWanted, Health, StoredAttempt, StoredDelivery
from tabard.storage.webhooks.subscription_rows import COLUMNS, to_subscription

_INSERT = f"""
with room as (
    select a.id, $17::timestamptz + a.clock_offset as now from accounts a
    where a.id = $2 and ($18::integer is null or (
        select count(*) from subscriptions where account_id = $2 and dialect = $3) < $18)
), saved as (
    insert into subscriptions ({COLUMNS})
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, room.now, room.now from room
    returning {COLUMNS}
), lane as (
    insert into lanes (subscription_id) select id from saved
)
select * from saved
"""

_SAVE = f"""
update subscriptions s set
    url = $4, names = $5, topics = $6, channel = $7, sender_id = $8, description = $9, sealed_secret = $10,
    sealed_former = $11, former_until = $12, enabled = $13, disabled_reason = $14, failing_since = $15,
    version = s.version + 1, updated_at = $16::timestamptz + a.clock_offset
from accounts a
where s.id = $1 and s.account_id = $2 and s.version = $3 and a.id = s.account_id
returning {", ".join(f"s.{column.strip()}" for column in COLUMNS.split(","))}
"""

_DELETE = """
with gone as (
    delete from subscriptions where id = $1 and account_id = $2 and dialect = $3 returning id
), undelivered as (
    delete from deliveries where subscription_id in (select id from gone)
)
select id from gone
"""

_SHOWN = """
d.id, d.subscription_id, d.event_number, d.type, d.subject, d.state, d.attempts, d.replayed,
d.due_at + a.clock_offset as due_at, d.created_at, d.settled_at, d.last_status, d.last_failure
"""

_MATCHING = """
d.account_id = $1
and ($2::uuid is null or d.subscription_id = $2) and ($3::uuid is null or d.subject = $3)
and ($4::text is null or d.state = $4) and (cardinality($5::text[]) = 0 or d.type = any($5))
and ($6::timestamptz is null or d.created_at >= $6) and ($7::timestamptz is null or d.created_at < $7)
"""

_LIST = f"""
select {_SHOWN} from deliveries d join accounts a on a.id = d.account_id
where {_MATCHING} and ($8::bigint is null or (d.event_number, d.id) < ($8, $9::uuid))
order by d.event_number desc, d.id desc limit $10
"""

_ONE = f"""
select {_SHOWN} from deliveries d join accounts a on a.id = d.account_id where d.account_id = $1 and d.id = $2
"""

_ATTEMPTS = """
select number, started_at, duration, status, failure, detail, answer from attempts
where account_id = $1 and delivery_id = $2 order by started_at
"""

# Spread over time, so that a replay of many never stands in the way of what happens now.
_REPLAY = f"""
with chosen as (
    select d.id, row_number() over (order by d.event_number, d.id) as place from deliveries d
    where {_MATCHING} and d.state <> 'waiting' and ($8::uuid is null or d.id = $8)
)
update deliveries d set
    state = 'waiting', replayed = true, holds = false, attempts = 0, settled_at = null,
    due_at = $9::timestamptz + make_interval(secs => (c.place - 1) / $10::float8)
from chosen c where d.id = c.id
"""

_TEST = """
with told as (
    insert into events (account_id, sender_id, type, before, after, actor, occurred_at)
    select a.id, null, 'subscription.test', '{}', jsonb_build_object('id', $2::uuid), $4,
           $5::timestamptz + a.clock_offset
    from accounts a where a.id = $1
    returning number, type, occurred_at
)
insert into deliveries (id, subscription_id, account_id, subject, event_number, type, due_at, created_at)
select $3, $2, $1, $2, number, type, $5, occurred_at from told
"""

_HEALTH = """
select count(*) as attempts, count(*) filter (where failure is null) as successes,
       percentile_disc(0.95) within group (order by duration) as p95,
       w.waiting, w.oldest
from (select count(*) as waiting, min(created_at) as oldest from deliveries
      where subscription_id = $1 and state = 'waiting') w
left join attempts t on t.subscription_id = $1 and t.started_at >= $2
group by w.waiting, w.oldest
"""


class PostgresSubscriptions:
    """Fulfils `tabard.ports.webhooks.SubscriptionStore`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def insert(self, subscription: Subscription, most: int | None, now: datetime) -> Subscription:
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                # One after another: two that come at once must not both find the last place free.
                await connection.execute("select from accounts where id = $1 for update", subscription.account_id)
                values = _values(subscription)
                row = await connection.fetchrow(_INSERT, subscription.id, *values, subscription.version, now, most)
        except asyncpg.UniqueViolationError:
            raise Conflict("there is a subscription for this target already") from None
        if row is None:
            raise TooManySubscriptions(f"an account has at most {most} subscriptions: delete one that is not needed")
        return to_subscription(row)

    async def fetch(self, account_id: AccountId, dialect: str, subscription_id: SubscriptionId) -> Subscription:
        row = await self._pool.fetchrow(
            f"select {COLUMNS} from subscriptions where id = $1 and account_id = $2 and dialect = $3",
            subscription_id,
            account_id,
            dialect,
        )
        if row is None:
            raise NotFound(f"no subscription {subscription_id}")
        return to_subscription(row)

    async def listed(self, account_id: AccountId, dialect: str) -> Sequence[Subscription]:
        rows = await self._pool.fetch(
            f"select {COLUMNS} from subscriptions where account_id = $1 and dialect = $2 order by id",
            account_id,
            dialect,
        )
        return [to_subscription(row) for row in rows]

    async def save(self, subscription: Subscription, now: datetime) -> Subscription:
        _, _, *changing = _values(subscription)
        try:
            row = await self._pool.fetchrow(
                _SAVE, subscription.id, subscription.account_id, subscription.version, *changing, now
            )
        except asyncpg.UniqueViolationError:
            raise Conflict("there is a subscription for this target already") from None
        if row is None:
            raise StaleVersion(f"subscription {subscription.id} is no longer at version {subscription.version}")
        return to_subscription(row)

    async def delete(self, account_id: AccountId, dialect: str, subscription_id: SubscriptionId) -> None:
        if await self._pool.fetchval(_DELETE, subscription_id, account_id, dialect) is None:
            raise NotFound(f"no subscription {subscription_id}")

    async def deliveries(
        self, account_id: AccountId, wanted: DeliveriesWanted, *, limit: int, older_than: tuple[int, DeliveryId] | None
    ) -> Sequence[StoredDelivery]:
        number, delivery_id = older_than or (None, None)
        rows = await self._pool.fetch(_LIST, account_id, *_matching(wanted), number, delivery_id, limit)
        return [_to_stored(row) for row in rows]

    async def delivery(self, account_id: AccountId, delivery_id: DeliveryId) -> StoredDelivery:
        row = await self._pool.fetchrow(_ONE, account_id, delivery_id)
        if row is None:
            raise NotFound(f"no delivery {delivery_id}")
        return _to_stored(row)

    async def attempts(self, account_id: AccountId, delivery_id: DeliveryId) -> Sequence[StoredAttempt]:
        rows = await self._pool.fetch(_ATTEMPTS, account_id, delivery_id)
        return [
            StoredAttempt(
                row["number"],
                row["started_at"],
                row["duration"],
                row["status"],
                row["failure"],
                row["detail"],
                row["answer"] or b"",
            )
            for row in rows
        ]

    async def replay(
        self, account_id: AccountId, wanted: DeliveriesWanted, now: datetime, *, one: DeliveryId | None, rate: float
    ) -> int:
        status = await self._pool.execute(_REPLAY, account_id, *_matching(wanted), one, now, rate)
        return int(status.rpartition(" ")[2])

    async def test(self, subscription: Subscription, actor: Actor, now: datetime) -> DeliveryId:
        delivery_id = DeliveryId(uuid4())
        await self._pool.execute(_TEST, subscription.account_id, subscription.id, delivery_id, actor.name, now)
        return delivery_id

    async def health(self, subscription: Subscription, now: datetime, over: timedelta) -> Health:
        row = await self._pool.fetchrow(_HEALTH, subscription.id, now - over)
        return Health(
            attempts=row["attempts"] if row["p95"] is not None else 0,
            successes=row["successes"] if row["p95"] is not None else 0,
            p95=row["p95"],
            waiting=row["waiting"],
            oldest_waiting=row["oldest"],
            failing_since=subscription.failing_since,
        )


def _values(subscription: Subscription) -> tuple[object, ...]:
    return (
        subscription.account_id,
        subscription.dialect,
        subscription.url,
        list(subscription.names),
        list(subscription.topics),
        subscription.channel,
        subscription.sender_id,
        subscription.description,
        subscription.sealed_secret,
        subscription.sealed_former,
        subscription.former_until,
        subscription.enabled,
        subscription.disabled_reason,
        subscription.failing_since,
    )


def _matching(wanted: DeliveriesWanted) -> tuple[object, ...]:
    return (
        wanted.subscription_id,
        wanted.sender_id,
        wanted.state,
        list(wanted.types),
        wanted.after,
        wanted.before,
    )


def _to_stored(row: asyncpg.Record) -> StoredDelivery:
    fields = dict(row)
    fields["id"] = DeliveryId(fields["id"])
    fields["subject"] = str(fields["subject"])
    return replace(StoredDelivery(**fields), state=DeliveryState(row["state"]))
