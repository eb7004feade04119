"""Lists of senders in any order: pages by key, so that a page costs the same wherever it lies.

A page is told from the place of its neighbour's last row, `Mark`: the value that the list is sorted by, as text, and the
id, which makes it unique. The statements differ in their order alone, which no parameter can give; they are put together
once, from the parts below.
"""

from functools import cache
from typing import NamedTuple

import asyncpg

from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel
from tabard.ports.stores import Found, Mark, SortBy, Wanted
from tabard.storage.senders.rows import COLUMNS, to_sender


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
  and ($4::text is null or position($4 in lower(coalesce(profile->>'name', ''))) > 0)
"""

# The total stands beside each row, so that an empty page has it too and one round trip is enough.
_PAGE = """
select total.count as total, page.* from (select count(*) {matching}) total left join lateral (
    select {columns}, ({key})::text as mark {matching} and ($6::uuid is null or {place}) order by {order} limit $7
) page on true
"""


async def search(
    pool: asyncpg.Pool, account_id: AccountId, wanted: Wanted, *, limit: int, beyond: Mark | None, backwards: bool
) -> Found:
    rows = await pool.fetch(
        _statement(wanted.channel, wanted.sort_by, wanted.descending is not backwards),
        account_id,
        None if wanted.statuses is None else list(wanted.statuses),
        None if wanted.ids is None else list(wanted.ids),
        None if wanted.text is None else wanted.text.lower(),
        None if beyond is None else beyond.key,
        None if beyond is None else beyond.id,
        limit + 1,
    )
    shown = [row for row in rows if row["id"] is not None]
    more, shown = len(shown) > limit, shown[:limit]
    if backwards:
        shown.reverse()
    by_id = wanted.sort_by is SortBy.CREATED
    senders = tuple([to_sender(row) for row in shown])
    marks = tuple([Mark(None if by_id else row["mark"], row["id"]) for row in shown])
    total = rows[0]["total"]
    if backwards:
        return Found(senders, marks, total, first=not more, last=False)
    return Found(senders, marks, total, first=beyond is None, last=not more)


@cache
def _statement(channel: Channel, sort_by: SortBy, descending: bool) -> str:
    key = _KEYS.get(sort_by)
    direction, sign = ("desc", "<") if descending else ("asc", ">")
    matching = _MATCHING.format(channel=channel.value)
    if key is None:
        place, order = f"($5::text is null and id {sign} $6)", f"id {direction}"
    else:
        place = f"({key.column}, id) {sign} ($5::text::{key.type}, $6)"
        order = f"{key.column} {direction}, id {direction}"
    column = "id" if key is None else key.column
    return _PAGE.format(matching=matching, columns=COLUMNS, key=column, place=place, order=order)
