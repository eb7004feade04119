"""The lanes' side of deliveries: who has something due, what exactly, and what came of it.

Due work is found in the deliveries themselves, by skipping from subscription to subscription in an index: there is no
second record of it that could be lost. A lane's lease keeps its subscription with one worker, which is what order rests
on. A delivery that must wait for an earlier one of its subject is pushed to the time of that one when it is found.
"""

import base64
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import asyncpg

from tabard.domain.account import CLOCK, AccountKind
from tabard.domain.event import Event
from tabard.domain.ids import DeliveryId, SubscriptionId
from tabard.domain.sender import Sender
from tabard.domain.webhooks.delivery import DeliveryState, Failure
from tabard.domain.webhooks.subscription import GIVES_UP_AFTER, Subscription
from tabard.ports.stores import StoredEvent
from tabard.ports.webhooks import Batch, ClaimedLane, Delivery, DeliveryQueue, LaneReport, Standing, Tried
from tabard.storage import events
from tabard.storage.database import from_json, to_json
from tabard.storage.senders.rows import to_sender
from tabard.storage.webhooks.subscription_rows import S_COLUMNS, to_subscription

# One step of the index a subscription, however many deliveries wait: live ones and replays have an index each.
_STEPS = """
{kind}(subscription_id, due_at) as (
    (select subscription_id, due_at from deliveries where state = 'waiting' and {which}
     order by subscription_id, due_at limit 1)
    union all
    select n.subscription_id, n.due_at from {kind} w cross join lateral (
        select subscription_id, due_at from deliveries
        where state = 'waiting' and {which} and subscription_id > w.subscription_id
        order by subscription_id, due_at limit 1) n
)
"""

_WAITING = f"""
with recursive {_STEPS.format(kind="live", which="not replayed")}, {_STEPS.format(kind="again", which="replayed")},
waiting as (
    select subscription_id, min(due_at) as due_at from (table live union all table again) w group by subscription_id
)
"""

_CLAIM = f"""
{_WAITING}, due as (
    select s.id, s.failing_since is not null as failing, w.due_at from waiting w
    join subscriptions s on s.id = w.subscription_id and s.enabled
    join lanes l on l.subscription_id = w.subscription_id
    where w.due_at <= $1 and (l.leased_until is null or l.leased_until <= $1)
), chosen as (
    (select id from due where not failing order by due_at limit $3)
    union all (select id from due where failing order by due_at limit $4)
), free as (
    select l.subscription_id from lanes l join chosen c on c.id = l.subscription_id
    where l.leased_until is null or l.leased_until <= $1
    for update of l skip locked
), held as (
    update lanes l set leased_until = $1 + $2::interval from free f where l.subscription_id = f.subscription_id
    returning l.subscription_id
)
select {S_COLUMNS}, a.kind, a.clock_offset
from held h join subscriptions s on s.id = h.subscription_id join accounts a on a.id = s.account_id
"""

_NEXT_DUE = f"""
{_WAITING}
select min(greatest(w.due_at, l.leased_until)) from waiting w
join subscriptions s on s.id = w.subscription_id and s.enabled
join lanes l on l.subscription_id = w.subscription_id
"""

# Beside the first that are due, whatever is due before them in their subjects: a delivery that was held back may be due
# later than one that came after it. Fresh ones come first: replays, however many, never stand in their way.
_DUE = """
with first as (
    select d.* from unnest($1::uuid[]) as lane(id) cross join lateral (
        (select * from deliveries where subscription_id = lane.id and state = 'waiting' and not replayed
           and due_at <= $2 and subject <> all($4) order by due_at, event_number limit $3)
        union all
        (select * from deliveries where subscription_id = lane.id and state = 'waiting' and replayed
           and due_at <= $2 and subject <> all($4) order by due_at, event_number limit $3)
        limit $3
    ) d
), candidate as (
    select * from first
    union
    select e.* from first f join deliveries e on e.subscription_id = f.subscription_id and e.state = 'waiting'
        and e.subject = f.subject and e.event_number < f.event_number
    where not f.replayed and not e.replayed and e.due_at <= $2
), held_back as (
    select c.id, b.until from candidate c cross join lateral (
        select max(e.due_at) as until from deliveries e
        where e.subscription_id = c.subscription_id and e.state = 'waiting' and e.subject = c.subject
          and e.event_number < c.event_number and e.holds and not e.replayed and e.due_at > $2 and not c.replayed) b
    where b.until is not null
), pushed as (
    update deliveries d set due_at = h.until from held_back h where d.id = h.id
)
select c.subscription_id, c.id as delivery_id, c.subject, c.attempts, c.replayed, h.id is not null as held_back,
       e.number as event_number, e.type as event_type, e.before as event_before, e.after as event_after,
       e.actor as event_actor, e.occurred_at as event_at, s.*
from candidate c
left join held_back h on h.id = c.id
join events e on e.number = c.event_number
left join snapshots p on p.sender_id = e.sender_id and p.version = e.sender_version
left join lateral jsonb_populate_record(null::senders, p.sender) s on p.sender is not null
order by c.subscription_id, c.replayed, c.event_number
"""

# What was recorded before, or by another who held the lane later, is left as it is.
_RECORD = """
with report as (
    select r.*, $3::timestamptz + a.clock_offset as account_now
    from jsonb_to_recordset($1) as r (id uuid, account_id uuid, version integer, held_until timestamptz,
                                      until timestamptz, succeeded boolean, failed boolean)
    join accounts a on a.id = r.account_id
), tried as (
    select * from jsonb_to_recordset($2) as (
        lane uuid, id uuid, number integer, started_at timestamptz, seconds float8, status integer, failure text,
        detail text, answer text, state text, pause float8, holds boolean)
), settled as (
    update deliveries d set
        state = t.state, attempts = t.number, holds = t.holds, last_status = t.status, last_failure = t.failure,
        due_at = case when t.state = 'waiting' then $3 + make_interval(secs => t.pause) end,
        settled_at = case when t.state <> 'waiting' then r.account_now end
    from tried t join report r on r.id = t.lane
    where d.id = t.id and d.state = 'waiting' and d.attempts = t.number - 1
    returning d.id, d.subscription_id, d.account_id
), logged as (
    insert into attempts (delivery_id, subscription_id, account_id, number, started_at, duration, status, failure,
                          detail, answer)
    select s.id, s.subscription_id, s.account_id, t.number, t.started_at, make_interval(secs => t.seconds), t.status,
           t.failure, t.detail, decode(t.answer, 'base64')
    from settled s join tried t using (id)
), held as (
    update lanes l set leased_until = r.until from report r
    where l.subscription_id = r.id and l.leased_until = r.held_until and r.until is distinct from r.held_until
), health as (
    update subscriptions s set failing_since = case when r.succeeded then null else r.account_now end
    from report r
    where s.id = r.id and (r.succeeded and s.failing_since is not null
                           or r.failed and not r.succeeded and s.failing_since is null)
)
select s.id, s.enabled and s.version = r.version and l.leased_until = r.held_until as open,
       r.failed and not r.succeeded and s.failing_since <= r.account_now - $4::interval as too_long
from report r join subscriptions s on s.id = r.id join lanes l on l.subscription_id = r.id
"""

_DISABLE = """
update subscriptions s set enabled = false, disabled_reason = $3, version = s.version + 1,
                           updated_at = $4::timestamptz + a.clock_offset
from accounts a where s.id = $1 and s.version = $2 and s.enabled and a.id = s.account_id
returning s.id
"""


class PostgresDeliveries:
    """Fulfils `tabard.ports.webhooks.DeliveryQueue`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def claim_lanes(
        self, now: datetime, lease: timedelta, *, sound: int, failing: int, ahead: int
    ) -> Sequence[ClaimedLane]:
        # One transaction: a lane whose deliveries can't be read is not held in vain.
        async with self._pool.acquire() as connection, connection.transaction():
            lanes = await connection.fetch(_CLAIM, now, lease, sound, failing)
            if not lanes:
                return ()
            rows = await connection.fetch(_DUE, [lane["id"] for lane in lanes], now, ahead, [])
        first = {lane: _batch(list(group), ahead) for lane, group in groupby(rows, lambda row: row["subscription_id"])}
        return [
            ClaimedLane(
                to_subscription(lane),
                AccountKind(lane["kind"]),
                lane["clock_offset"],
                now + lease,
                first.get(lane["id"], Batch((), whole=True)),
            )
            for lane in lanes
        ]

    async def due(
        self, subscription_id: SubscriptionId, now: datetime, limit: int, *, but_for: Collection[str]
    ) -> Batch:
        while True:
            rows = await self._pool.fetch(_DUE, [subscription_id], now, limit, list(but_for))
            batch = _batch(rows, limit)
            if batch.deliveries or batch.whole:
                return batch

    async def record(self, reports: Sequence[LaneReport], now: datetime) -> Mapping[SubscriptionId, Standing]:
        told = to_json([_report(report) for report in reports])
        tried = to_json([_tried(report, one) for report in reports for one in report.tried])
        rows = await self._pool.fetch(_RECORD, told, tried, now, GIVES_UP_AFTER)
        standings = dict.fromkeys((report.lane.subscription.id for report in reports), Standing.CLOSED)
        for row in rows:
            if row["open"]:
                standings[SubscriptionId(row["id"])] = Standing.FAILED_TOO_LONG if row["too_long"] else Standing.OPEN
        return standings

    async def disable(self, subscription: Subscription, reason: str, now: datetime) -> None:
        told = {"id": str(subscription.id), "url": subscription.url, "reason": reason}
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(_DISABLE, subscription.id, subscription.version, reason, now) is not None:
                event = Event("subscription.disabled", {}, told)
                await events.tell(connection, subscription.account_id, None, event, CLOCK, now)

    async def next_due(self) -> datetime | None:
        due: datetime | None = await self._pool.fetchval(_NEXT_DUE)
        return due


def _report(report: LaneReport) -> dict[str, Any]:
    subscription = report.lane.subscription
    # A fault of ours says nothing of the receiver.
    outcomes = {one.attempt.failure for one in report.tried} - {Failure.INTERNAL}
    return {
        "id": subscription.id,
        "account_id": subscription.account_id,
        "version": subscription.version,
        "held_until": report.held_until,
        "until": report.until,
        "succeeded": None in outcomes,
        "failed": bool(outcomes - {None}),
    }


def _tried(report: LaneReport, one: Tried) -> dict[str, Any]:
    attempt, verdict = one.attempt, one.verdict
    waiting = verdict.state is DeliveryState.WAITING
    return {
        "lane": report.lane.subscription.id,
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


def _batch(rows: Sequence[asyncpg.Record], limit: int) -> Batch:
    return Batch([_to_delivery(row) for row in rows if not row["held_back"]], whole=len(rows) < limit)


def _to_delivery(row: asyncpg.Record) -> Delivery:
    return Delivery(
        id=DeliveryId(row["delivery_id"]),
        subject=str(row["subject"]),
        attempts=row["attempts"],
        replayed=row["replayed"],
        told=partial(_told, row),
    )


def _told(row: asyncpg.Record) -> tuple[StoredEvent, Sender | None]:
    event = Event(row["event_type"], from_json(row["event_before"]), from_json(row["event_after"]))
    stored = StoredEvent(row["event_number"], event, row["event_actor"], row["event_at"])
    return stored, None if row["id"] is None else to_sender(row)


if TYPE_CHECKING:

    def _fulfils(queue: PostgresDeliveries) -> DeliveryQueue:
        return queue
