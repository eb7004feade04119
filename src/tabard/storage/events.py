"""Queries of events: read page by page, and told where no sender changes."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from tabard.domain.account import Actor
from tabard.domain.event import Event
from tabard.domain.ids import AccountId, SenderId
from tabard.ports.stores import EventPage, EventsWanted, StoredEvent
from tabard.storage.database import from_json, to_json
from tabard.storage.webhooks.outbox import OUTBOX

_TELL = f"""
with saved as (
    select * from senders where id = $2 and account_id = $1
), told as (
    insert into events (account_id, sender_id, sender_version, type, before, after, actor, occurred_at)
    select a.id, $2, (select version from saved), $3, $4, $5, $6, $7::timestamptz + a.clock_offset
    from accounts a where a.id = $1
    returning number, account_id, sender_id, type, occurred_at
), {OUTBOX.format(now="$7::timestamptz")}, of_account as (
    insert into deliveries (subscription_id, account_id, subject, event_number, type, due_at, created_at)
    select s.id, t.account_id, t.account_id, t.number, t.type, $7, t.occurred_at
    from told t join subscriptions s on s.account_id = t.account_id
    where t.sender_id is null and s.enabled and s.sender_id is null and s.topics && array['*', t.type]
      and (s.channel is null or t.type = 'account.commented.' || s.channel)
    returning id
)
select number, occurred_at, exists (select from outbox) or exists (select from of_account) as to_deliver from told
"""

_MATCHING = """
from events where account_id = $1 and sender_id {subject}
  and (type = any($3)
       or type = 'sender.status' and before->>'status' <> after->>'status' and after->>'status' = any($4))
"""

_PAGE = """
select total.count as total, page.* from (select count(*) {matching}) total left join lateral (
    select number, type, before, after, actor, occurred_at {matching} and number {sign} $5
    order by number {direction} limit $6
) page on true
"""

_OF_SENDER = _MATCHING.format(subject="= $2")
_OF_ACCOUNT = _MATCHING.format(subject="is null and $2::uuid is null")
_STATEMENTS = {
    (mine, newer): _PAGE.format(
        matching=_OF_SENDER if mine else _OF_ACCOUNT,
        sign=">" if newer else "<",
        direction="asc" if newer else "desc",
    )
    for mine in (True, False)
    for newer in (True, False)
}

_NEWEST = """
select number, type, before, after, actor, occurred_at from events
where account_id = $1 and sender_id = $2 order by number desc limit $3
"""

_AFTER_ALL = 2**63 - 1


async def tell(
    pool: asyncpg.Pool, account_id: AccountId, sender_id: SenderId | None, event: Event, actor: Actor, now: datetime
) -> tuple[StoredEvent, bool]:
    """The event as stored, and whether it is to be delivered to anybody."""
    row = await pool.fetchrow(
        _TELL, account_id, sender_id, event.type, to_json(event.before), to_json(event.after), actor.name, now
    )
    return StoredEvent(row["number"], event, actor.name, row["occurred_at"]), row["to_deliver"]


async def newest(pool: asyncpg.Pool, account_id: AccountId, sender_id: SenderId, limit: int) -> Sequence[StoredEvent]:
    return [_to_event(row) for row in await pool.fetch(_NEWEST, account_id, sender_id, limit)]


async def page(
    pool: asyncpg.Pool,
    account_id: AccountId,
    sender_id: SenderId | None,
    wanted: EventsWanted,
    *,
    limit: int,
    older_than: int | None,
    newer_than: int | None,
) -> EventPage:
    newer = newer_than is not None
    rows = await pool.fetch(
        _STATEMENTS[sender_id is not None, newer],
        account_id,
        sender_id,
        list(wanted.types),
        list(wanted.statuses),
        newer_than if newer_than is not None else older_than or _AFTER_ALL,
        limit + 1,
    )
    shown = [row for row in rows if row["number"] is not None]
    more, shown = len(shown) > limit, shown[:limit]
    if newer:
        shown.reverse()
    events = tuple([_to_event(row) for row in shown])
    if newer:
        return EventPage(events, rows[0]["total"], first=not more, last=False)
    return EventPage(events, rows[0]["total"], first=older_than is None, last=not more)


def _to_event(row: asyncpg.Record) -> StoredEvent:
    event = Event(row["type"], from_json(row["before"]), from_json(row["after"]))
    return StoredEvent(row["number"], event, row["actor"], row["occurred_at"])
