"""A page of RCS senders is read off an index in its order, wherever it lies: nothing is sorted, nothing skipped.

A filtered list is counted and sorted by what an index holds: no row is read but those of the page.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tabard.domain.ids import AccountId, SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.ports.stores import Mark, SortBy, Wanted
from tabard.storage.senders import search as sender_search

ACCOUNT = AccountId(UUID(int=0xA1))
INDEXES = {
    SortBy.CREATED: "senders_listed",
    SortBy.MODIFIED: "agents_by_change",
    SortBy.NAME: "agents_by_name",
    SortBy.STATUS: "agents_by_status",
}
KEYS = {
    SortBy.CREATED: "id",
    SortBy.MODIFIED: "updated_at",
    SortBy.NAME: "lowered_name",
    SortBy.STATUS: "life_order(status)",
}

_ACCOUNTS = """
insert into accounts (id, name, kind, created_at)
select ('00000000-0000-0000-0000-0000000000a' || n)::uuid, 'test', 'sandbox', now() from generate_series(1, 3) n
"""
_SENDERS = """
insert into senders (id, account_id, channel, address, status, status_since, registration, webhook, profile, link,
                     created_at, updated_at)
select md5(a.id::text || c.channel || n)::uuid, a.id, c.channel, 'agent_' || n,
       (array['draft', 'testing', 'launching', 'online', 'offline'])[1 + n % 5], now(), '{}', '{}',
       jsonb_build_object('name', 'Agent ' || n % 50), '{}', now(), now() + n % 100 * interval '1 second'
from accounts a, (values ('rcs'), ('whatsapp')) c (channel), generate_series(1, 2000) n
"""


class Explaining:
    """In place of a pool: what would be fetched is explained."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.plan: dict[str, Any] = {}

    async def fetch(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        """As a prepared statement: only such a one has a generic plan."""
        values = ", ".join(_literal(value) for value in arguments)
        await self._connection.execute(f"prepare listed as {statement}")
        explained = await self._connection.fetchval(f"explain (format json) execute listed({values})")
        await self._connection.execute("deallocate listed")
        self.plan = json.loads(explained)[0]["Plan"]
        return [{"id": None, "total": 0}]


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"'{{{','.join(map(str, value))}}}'"
    return "null" if value is None else f"'{value}'"


@pytest_asyncio.fixture(loop_scope="session")
async def database(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    async with pool.acquire() as connection:
        await connection.execute(_ACCOUNTS)
        await connection.execute(_SENDERS)
        await connection.execute("vacuum analyze senders")
        yield connection
        await connection.execute("reset plan_cache_mode")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_each_page_comes_from_its_index_in_order(database: asyncpg.Connection, mode: str):
    await database.execute(f"set plan_cache_mode = {mode}")
    for sort_by, key in KEYS.items():
        amid = await database.fetchrow(
            f"select id, {key}::text as key from senders where account_id = $1 and channel = 'rcs' "
            f"order by {key}, id offset 1000 limit 1",
            ACCOUNT,
        )
        mark = Mark(None if sort_by is SortBy.CREATED else amid["key"], SenderId(amid["id"]))
        for descending, beyond, backwards in [
            (True, None, False),
            (False, None, False),
            (True, mark, False),
            (False, mark, False),
            (True, mark, True),
        ]:
            wanted = Wanted(channel=Channel.RCS, sort_by=sort_by, descending=descending)
            explaining = Explaining(database)
            await sender_search.search(
                explaining,
                ACCOUNT,
                wanted,
                limit=50,
                beyond=beyond,
                backwards=backwards,
            )
            case = (sort_by, descending, beyond, backwards, json.dumps(explaining.plan, indent=1))
            (limit,) = [node for node in nodes(explaining.plan) if node["Node Type"] == "Limit"]
            assert not [node for node in nodes(limit) if "Sort" in node["Node Type"]], case
            (scan,) = [node for node in nodes(limit) if "Relation Name" in node]
            assert scan["Index Name"] == INDEXES[sort_by], case
            if beyond is not None:
                assert re.search(r"\bid\b", scan["Index Cond"]), case


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("sort_by", SortBy)
@pytest.mark.parametrize(
    "filters",
    [
        {"text": "agent 7"},
        {"statuses": frozenset({Status.LAUNCHING})},
        {"statuses": frozenset({Status.DRAFT, Status.ONLINE}), "text": "no such words"},
    ],
    ids=["text", "status", "both"],
)
async def test_filters_are_tried_on_what_an_index_holds(
    database: asyncpg.Connection, filters: dict[str, Any], sort_by: SortBy, mode: str
):
    await database.execute(f"set plan_cache_mode = {mode}")
    explaining = Explaining(database)
    wanted = Wanted(channel=Channel.RCS, sort_by=sort_by, **filters)
    await sender_search.search(explaining, ACCOUNT, wanted, limit=50, beyond=None, backwards=False)
    (matching,) = [node for node in nodes(explaining.plan) if node.get("Subplan Name") == "CTE matching"]
    (scan,) = [node for node in nodes(matching) if "Relation Name" in node]
    assert scan["Node Type"] == "Index Only Scan", json.dumps(explaining.plan, indent=1)
