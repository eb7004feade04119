"""The account's events in one order, by cursor, with none passed over.

Events become visible when their transaction ends, not in the order of their numbers. So they are read in the order of
(transaction, number), and only as far as every transaction before is over: nothing can appear behind a cursor.
"""

from collections.abc import Sequence
from dataclasses import replace

import asyncpg

from tabard.domain.errors import InvalidInput
from tabard.domain.event import Event
from tabard.domain.ids import AccountId, SenderId
from tabard.ports.stores import StoredEvent
from tabard.ports.webhooks import Cursor, FeedEvent, FeedWanted
from tabard.storage.database import from_json
from tabard.storage.senders.rows import to_sender

WINDOW = 10_000
"""Events that one statement looks through: what fits a filter may be rare, and no statement may take long for that."""

# The limit of `passed` comes from a subquery, so that the planner can't know it: whatever it believes of the number of
# rows, it then walks along the index, and never sorts all that an account has.
# A remark at a channel of the account names it in its type, and has no sender.
_AFTER = """
with horizon as (
    select pg_snapshot_xmin(pg_current_snapshot()) as transaction
), passed as materialized (
    select e.* from horizon h cross join lateral (
        select * from events
        where account_id = $1 and transaction < h.transaction and (transaction, number) > ($2::text::xid8, $3)
        order by transaction, number limit (select $10::bigint)
    ) e
), found as (
    select * from passed e
    where (cardinality($4::text[]) = 0 or e.type = any($4) or exists (
              select from unnest($4::text[]) prefix where prefix like '%.*' and starts_with(e.type, left(prefix, -1))))
      and ($5::uuid is null or e.sender_id = $5)
      and ($6::text is null or e.type = 'account.commented.' || $6 or exists (
              select from senders s where s.id = e.sender_id and s.channel = $6))
      and ($7::timestamptz is null or e.occurred_at >= $7) and ($8::timestamptz is null or e.occurred_at < $8)
    order by e.transaction, e.number limit $9
), last as (
    select transaction, number from passed order by transaction desc, number desc limit 1
)
select e.transaction::text as event_transaction, e.number as event_number, e.type as event_type,
       e.before as event_before, e.after as event_after, e.actor as event_actor, e.occurred_at as event_at,
       e.sender_id as event_sender, h.transaction::text as horizon, (select count(*) from passed) as passed,
       l.transaction::text as last_transaction, l.number as last_number, s.*
from horizon h left join last l on true left join found e on true
left join senders s on $11 and s.id = e.sender_id and s.account_id = $1
order by e.transaction, e.number
"""

_ALL = FeedWanted()

_END = "select pg_snapshot_xmin(pg_current_snapshot())::text"


class PostgresFeed:
    """Fulfils `tabard.ports.webhooks.EventFeed`."""

    def __init__(self, pool: asyncpg.Pool, window: int = WINDOW) -> None:
        self._pool = pool
        self._window = window

    async def after(
        self, account_id: AccountId, cursor: Cursor | None, wanted: FeedWanted, limit: int
    ) -> tuple[Sequence[FeedEvent], Cursor]:
        start, found = cursor or Cursor(0, 0), list[FeedEvent]()
        while True:
            window = limit - len(found) if replace(wanted, with_sender=False) == _ALL else self._window
            rows = await self._look(account_id, start, wanted, limit - len(found), window)
            horizon = Cursor(int(rows[0]["horizon"]), 0)
            if start.transaction > horizon.transaction:
                raise InvalidInput("cursor", "lies ahead of all events: it was not given here")
            found += [_to_event(row) for row in rows if row["event_number"] is not None]
            if len(found) == limit:
                return found, found[-1].cursor
            if rows[0]["passed"] < window:
                # All before the horizon was looked through.
                return found, max(horizon, start, key=lambda place: (place.transaction, place.number))
            start = Cursor(int(rows[0]["last_transaction"]), rows[0]["last_number"])

    async def _look(
        self, account_id: AccountId, start: Cursor, wanted: FeedWanted, limit: int, window: int
    ) -> Sequence[asyncpg.Record]:
        rows: Sequence[asyncpg.Record] = await self._pool.fetch(
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
            window,
            wanted.with_sender,
        )
        return rows

    async def end(self) -> Cursor:
        return Cursor(int(await self._pool.fetchval(_END)), 0)


def _to_event(row: asyncpg.Record) -> FeedEvent:
    event = Event(row["event_type"], from_json(row["event_before"]), from_json(row["event_after"]))
    return FeedEvent(
        StoredEvent(row["event_number"], event, row["event_actor"], row["event_at"]),
        None if row["event_sender"] is None else SenderId(row["event_sender"]),
        Cursor(int(row["event_transaction"]), row["event_number"]),
        None if row["id"] is None else to_sender(row),
    )
