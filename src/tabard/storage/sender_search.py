"""Lists of senders in any order: pages by key, so that a page costs the same wherever it lies.

A page is told from the place of its neighbour's last row, `Mark`: the value that the list is sorted by, as text, and
the id, which makes it unique. The statements differ in their order and in whether they have a place to begin at, which
no parameter can give; they are put together once, from the parts below.
"""

from functools import cache
from typing import NamedTuple

import asyncpg

from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel
from tabard.ports import Found, Mark, SortBy, Wanted
from tabard.storage.sender_rows import COLUMNS, to_sender


class _Key(NamedTuple):
    column: str
    """As it is indexed (migration 0003)."""
    type: str


_KEYS = {
    SortBy.MODIFIED: _Key("updated_at", "timestamptz"),
    SortBy.NAME: _Key("""lower(coalesce(profile->>'name', '')) collate "C\"""", "text"),
    SortBy.STATUS: _Key("life_order(status)", "integer"),
}

_MATCHING = """
from senders
where account_id = $1 and channel = '{channel}' and status <> 'deleted'
  and ($2::text[] is null or status = any($2)) and ($3::uuid[] is null or id = any($3))
  and ($4::text is null or position(lower($4) in lower(coalesce(profile->>'name', ''))) > 0)
"""

# The total stands beside each row, so that an empty page has it too and one round trip is enough.
_PAGE = """
select total.count as total, page.* from (select count(*) {matching}) total left join lateral (
    select {columns}, ({key})::text as mark {matching} {place} order by {order} limit $5
) page on true
"""


async def search(
    pool: asyncpg.Pool, account_id: AccountId, wanted: Wanted, *, limit: int, beyond: Mark | None, backwards: bool
) -> Found:
    by_id = wanted.sort_by is SortBy.CREATED
    place = () if beyond is None else (beyond.id,) if by_id else (beyond.id, beyond.key)
    rows = await pool.fetch(
        _statement(wanted.channel, wanted.sort_by, wanted.descending is not backwards, beyond is not None),
        account_id,
        None if wanted.statuses is None else list(wanted.statuses),
        None if wanted.ids is None else list(wanted.ids),
        wanted.text,
        limit + 1,
        *place,
    )
    shown = [row for row in rows if row["id"] is not None]
    more, shown = len(shown) > limit, shown[:limit]
    if backwards:
        shown.reverse()
    senders = tuple([to_sender(row) for row in shown])
    marks = tuple([Mark(None if by_id else row["mark"], row["id"]) for row in shown])
    total = rows[0]["total"]
    if backwards:
        return Found(senders, marks, total, first=not more, last=False)
    return Found(senders, marks, total, first=beyond is None, last=not more)


@cache
def _statement(channel: Channel, sort_by: SortBy, descending: bool, beyond: bool) -> str:
    """Where a page begins is a condition of its own, never one of "or": so the index leads straight there."""
    key = _KEYS.get(sort_by)
    direction, sign = ("desc", "<") if descending else ("asc", ">")
    if key is None:
        column, order, place = "id", f"id {direction}", f"id {sign} $6"
    else:
        column, order = key.column, f"{key.column} {direction}, id {direction}"
        place = f"({key.column}, id) {sign} ($7::text::{key.type}, $6)"
    return _PAGE.format(
        matching=_MATCHING.format(channel=channel.value),
        columns=COLUMNS,
        key=column,
        place=f"and {place}" if beyond else "",
        order=order,
    )
