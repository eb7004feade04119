"""The lanes' side of deliveries: who has something due, what exactly, and what came of it.

Due work is found in the deliveries themselves, by skipping from subscription to subscription in an index: there is no
second record of it that could be lost. A lane's lease keeps its subscription with one worker, which is what order rests
on. A delivery that must wait for an earlier one of its subject is pushed to the time of that one when it is found.
"""

import base64
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import asyncpg

from tabard.domain.account import CLOCK, AccountKind
from tabard.domain.event import Event
from tabard.domain.ids import DeliveryId, SubscriptionId
from tabard.domain.webhooks.delivery import DeliveryState
from tabard.domain.webhooks.subscription import GIVES_UP_AFTER
from tabard.ports.stores import StoredEvent
from tabard.ports.webhooks import ClaimedLane, Delivery, Tried
from tabard.storage import events
from tabard.storage.database import from_json, to_json
from tabard.storage.sender_rows import to_sender
from tabard.storage.webhooks.subscription_rows import S_COLUMNS, to_subscription

_WAITING = """
with recursive waiting as (
    (select subscription_id, due_at from deliveries where state = 'waiting' order by subscription_id, due_at limit 1)
    union all
    select n.subscription_id, n.due_at from waiting w cross join lateral (
        select subscription_id, due_at from deliveries
        where state = 'waiting' and subscription_id > w.subscription_id
        order by subscription_id, due_at limit 1) n
)
"""

_CLAIM = f"""
{_WAITING}, free as (
    select l.subscription_id from waiting w
    join subscriptions s on s.id = w.subscription_id and s.enabled
    join lanes l on l.subscription_id = w.subscription_id
    where w.due_at <= $1 and (l.leased_until is null or l.leased_until <= $1)
    order by w.due_at limit $3
    for update of l skip locked
), held as (
    update lanes l set leased_until = $1 + $2::interval from free f where l.subscription_id = f.subscription_id
    returning l.subscription_id
)
select {S_COLUMNS}, a.kind, $1 + a.clock_offset as account_now
from held h join subscriptions s on s.id = h.subscription_id join accounts a on a.id = s.account_id
"""

_NEXT_DUE = f"""
{_WAITING}
select min(greatest(w.due_at, l.leased_until)) from waiting w
join subscriptions s on s.id = w.subscription_id and s.enabled
join lanes l on l.subscription_id = w.subscription_id
"""

_DUE = """
with candidate as (
    select id, subject, event_number, attempts, replayed, due_at from deliveries
    where subscription_id = $1 and state = 'waiting' and due_at <= $2 and id <> all($4)
    order by replayed, due_at, event_number limit $3
), held_back as (
    select c.id, b.until from candidate c cross join lateral (
        select max(e.due_at) as until from deliveries e
        where e.subscription_id = $1 and e.state = 'waiting' and e.subject = c.subject
          and e.event_number < c.event_number and e.holds and e.due_at > $2 and not c.replayed) b
    where b.until is not null
), pushed as (
    update deliveries d set due_at = h.until from held_back h where d.id = h.id
)
select c.id as delivery_id, c.subject, c.attempts, c.replayed, h.id is not null as held_back,
       e.number as event_number, e.type as event_type, e.before as event_before, e.after as event_after,
       e.actor as event_actor, e.occurred_at as event_at, s.*
from candidate c
left join held_back h on h.id = c.id
join events e on e.number = c.event_number
left join snapshots p on p.sender_id = e.sender_id and p.version = e.sender_version
left join lateral jsonb_populate_record(null::senders, p.sender) s on p.sender is not null
order by c.replayed, c.due_at, c.event_number
"""

_RECORD = """
with tried as (
    select * from jsonb_to_recordset($1) as (
        id uuid, number integer, started_at timestamptz, seconds float8, status integer, failure text, detail text,
        answer text, state text, pause float8, holds boolean)
), logged as (
    insert into attempts (delivery_id, subscription_id, account_id, number, started_at, duration, status, failure,
                          detail, answer)
    select id, $4, $8, number, started_at, make_interval(secs => seconds), status, failure, detail,
           decode(answer, 'base64')
    from tried
), settled as (
    update deliveries d set
        state = t.state, attempts = t.number, holds = t.holds, last_status = t.status, last_failure = t.failure,
        due_at = case when t.state = 'waiting' then $2 + make_interval(secs => t.pause) end,
        settled_at = case when t.state <> 'waiting' then $7::timestamptz end
    from tried t where d.id = t.id
), held as (
    update lanes set leased_until = $2 + $3::interval where subscription_id = $4
), health as (
    update subscriptions set
        failing_since = case when $5 then null else coalesce(failing_since, $7) end,
        enabled = enabled and not ($6 or not $5 and failing_since is not null and failing_since <= $7 - $9::interval),
        disabled_reason = case
            when not enabled then disabled_reason
            when $6 then 'the receiver answered 410: it is gone'
            when not $5 and failing_since <= $7 - $9::interval then 'it failed for days without one success'
        end
    where id = $4 and ($6 or ($5 and failing_since is not null) or (not $5 and (
        failing_since is null or failing_since <= $7 - $9::interval)))
    returning enabled
)
select s.enabled as was, coalesce((select enabled from health), s.enabled) as enabled from subscriptions s where s.id = $4
"""


class PostgresDeliveries:
    """Fulfils `tabard.ports.webhooks.DeliveryQueue`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def claim_lanes(self, now: datetime, lease: timedelta, limit: int) -> Sequence[ClaimedLane]:
        rows = await self._pool.fetch(_CLAIM, now, lease, limit)
        return [ClaimedLane(to_subscription(row), AccountKind(row["kind"]), row["account_now"]) for row in rows]

    async def due(
        self, subscription_id: SubscriptionId, now: datetime, limit: int, *, but_for: Collection[DeliveryId]
    ) -> Sequence[Delivery]:
        while True:
            rows = await self._pool.fetch(_DUE, subscription_id, now, limit, list(but_for))
            free = [_to_delivery(row) for row in rows if not row["held_back"]]
            if free or not rows:
                return free

    async def record(self, lane: ClaimedLane, tried: Sequence[Tried], now: datetime, lease: timedelta) -> bool:
        subscription = lane.subscription
        succeeded = any(one.attempt.failure is None for one in tried)
        gone = any(one.attempt.gone for one in tried)
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                _RECORD,
                to_json([_logged(one) for one in tried]),
                now,
                lease,
                subscription.id,
                succeeded,
                gone,
                lane.account_now,
                subscription.account_id,
                GIVES_UP_AFTER,
            )
            if row is None:
                return False
            if row["was"] and not row["enabled"]:
                event = Event("subscription.disabled", {}, {"id": str(subscription.id), "url": subscription.url})
                await events.tell(connection, subscription.account_id, None, event, CLOCK, now)
        return bool(row["enabled"])

    async def release_lane(self, subscription_id: SubscriptionId) -> None:
        await self._pool.execute("update lanes set leased_until = null where subscription_id = $1", subscription_id)

    async def next_due(self) -> datetime | None:
        due: datetime | None = await self._pool.fetchval(_NEXT_DUE)
        return due


def _logged(one: Tried) -> dict[str, object]:
    attempt, verdict = one.attempt, one.verdict
    waiting = verdict.state is DeliveryState.WAITING
    return {
        "id": one.delivery.id,
        "number": one.delivery.attempts + 1,
        "started_at": one.started_at,
        "seconds": attempt.duration.total_seconds(),
        "status": attempt.status,
        "failure": attempt.failure,
        "detail": attempt.detail,
        "answer": base64.b64encode(attempt.answer).decode() if attempt.answer else None,
        "state": verdict.state,
        "pause": verdict.pause.total_seconds() if waiting and verdict.pause else None,
        "holds": verdict.holds,
    }


def _to_delivery(row: asyncpg.Record) -> Delivery:
    event = Event(row["event_type"], from_json(row["event_before"]), from_json(row["event_after"]))
    return Delivery(
        id=DeliveryId(row["delivery_id"]),
        subject=str(row["subject"]),
        event=StoredEvent(row["event_number"], event, row["event_actor"], row["event_at"]),
        sender=None if row["id"] is None else to_sender(row),
        attempts=row["attempts"],
        replayed=row["replayed"],
    )
