"""Lists of senders in any order: pages by key, so that a page costs the same wherever it lies.

A page is told from the place of its neighbour's last row, `Mark`: the value that the list is sorted by, as text, and
the id, which makes it unique. The statements differ in their order, in whether they have a place to begin at, and in
what they filter by: put together once each, from the parts below. None has a condition of the kind "not asked for, or
so": PostgreSQL would plan it for any value at once, think it rare, and sort all that the account has.
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
    SortBy.NAME: _Key("{name}", "text"),
    SortBy.STATUS: _Key("life_order(status)", "integer"),
}

_NAMES = {Channel.RCS: "lowered_name", Channel.WHATSAPP: """lower(coalesce(profile->>'name', '')) collate "C\""""}
"""Numbers have no column for it: nobody lists them by name, and none of them pays for those who might."""

# What was not asked for leaves no trace but its parameter, which is tested once and not for each row.
_FILTERS = {
    "statuses": ("$2::text[] is null", "status = any($2)"),
    "ids": ("$3::uuid[] is null", "id = any($3)"),
    "text": ("$4::text is null", "position((select lower($4)) in {name}) > 0"),
}

# All that lists are filtered and sorted by stands in indexes: rows, ten times as long and all over the table, are read
# for the page alone. What is filtered is gone through once, for the total and for the page. The total stands beside
# each row, so that an empty page has it too.
_PAGE = """
with matching as {once} (
    select id as listed_id, {key} as key from senders
    where account_id = $1 and channel = '{channel}' and status <> 'deleted' and {filters}
)
select total.count as total, page.* from (select count(*) from matching) total left join lateral (
    select {columns}, key::text as mark
    from (select * from matching {place} order by {order} limit $5) listed join senders on id = listed_id
    order by {order}
) page on true
"""


async def search(
    pool: asyncpg.Pool, account_id: AccountId, wanted: Wanted, *, limit: int, beyond: Mark | None, backwards: bool
) -> Found:
    by_id = wanted.sort_by is SortBy.CREATED
    filters = frozenset(name for name in _FILTERS if getattr(wanted, name) is not None)
    place = () if beyond is None else (beyond.id,) if by_id else (beyond.id, beyond.key)
    rows = await pool.fetch(
        _statement(wanted.channel, filters, wanted.sort_by, wanted.descending is not backwards, beyond is not None),
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
def _statement(channel: Channel, filters: frozenset[str], sort_by: SortBy, descending: bool, beyond: bool) -> str:
    key, name = _KEYS.get(sort_by), _NAMES[channel]
    direction, sign = ("desc", "<") if descending else ("asc", ">")
    if key is None:
        column, order, place = "id", f"listed_id {direction}", f"where listed_id {sign} $6"
    else:
        column, order = key.column.format(name=name), f"key {direction}, listed_id {direction}"
        place = f"where (key, listed_id) {sign} ($7::text::{key.type}, $6)"
    conditions = " and ".join(_FILTERS[filter_][filter_ in filters] for filter_ in _FILTERS)
    return _PAGE.format(
        once="materialized" if filters else "not materialized",
        key=column,
        channel=channel.value,
        filters=conditions.format(name=name),
        columns=COLUMNS,
        place=place if beyond else "",
        order=order,
    )
