"""The account's events in one order, by cursor, with none passed over.

Events become visible when their transaction ends, not in the order of their numbers. So they are read in the order of
(transaction, number), and only as far as every transaction before is over: nothing can appear behind a cursor.
"""

from collections.abc import Sequence

import asyncpg

from tabard.domain.event import Event
from tabard.domain.ids import AccountId, SenderId
from tabard.ports.stores import StoredEvent
from tabard.ports.webhooks import Cursor, FeedEvent, FeedWanted
from tabard.storage.database import from_json

_AFTER = """
with horizon as (select pg_snapshot_xmin(pg_current_snapshot()) as transaction)
select e.transaction::text, e.number, e.type, e.before, e.after, e.actor, e.occurred_at, e.sender_id,
       h.transaction::text as horizon
from horizon h left join lateral (
    select e.* from events e left join senders s on s.id = e.sender_id
    where e.account_id = $1 and e.transaction < h.transaction and (e.transaction, e.number) > ($2::text::xid8, $3)
      and (cardinality($4::text[]) = 0 or e.type = any($4) or exists (
          select from unnest($4::text[]) prefix where prefix like '%.*' and starts_with(e.type, left(prefix, -1))))
      and ($5::uuid is null or e.sender_id = $5) and ($6::text is null or s.channel = $6)
      and ($7::timestamptz is null or e.occurred_at >= $7) and ($8::timestamptz is null or e.occurred_at < $8)
    order by e.transaction, e.number limit $9
) e on true
"""

_END = "select pg_snapshot_xmin(pg_current_snapshot())::text"


class PostgresFeed:
    """Fulfils `tabard.ports.webhooks.EventFeed`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def after(
        self, account_id: AccountId, cursor: Cursor | None, wanted: FeedWanted, limit: int
    ) -> tuple[Sequence[FeedEvent], Cursor]:
        start = cursor or Cursor(0, 0)
        rows = await self._pool.fetch(
            _AFTER,
            account_id,
            str(start.transaction),
            start.number,
            list(wanted.types),
            wanted.sender_id,
            wanted.channel,
            wanted.after,
            wanted.before,
            limit,
        )
        events = [_to_event(row) for row in rows if row["number"] is not None]
        if len(events) == limit:
            return events, events[-1].cursor
        # All before the horizon was looked through.
        horizon = Cursor(int(rows[0]["horizon"]), 0)
        return events, max(horizon, start, key=lambda place: (place.transaction, place.number))

    async def end(self) -> Cursor:
        return Cursor(int(await self._pool.fetchval(_END)), 0)


def _to_event(row: asyncpg.Record) -> FeedEvent:
    event = Event(row["type"], from_json(row["before"]), from_json(row["after"]))
    stored = StoredEvent(row["number"], event, row["actor"], row["occurred_at"])
    sender_id = None if row["sender_id"] is None else SenderId(row["sender_id"])
    return FeedEvent(stored, sender_id, Cursor(int(row["transaction"]), row["number"]))
