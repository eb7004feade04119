"""What the service makes good by itself: a lost database, a lost wake-up, and nobody there to work."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from tabard.bootstrap import working
from tabard.dialects.twilio.mapping import sid as sid_of
from tabard.domain.account import CLOCK
from tests.conftest import fresh_database
from tests.support.patience import eventually
from tests.support.senders import a_sender
from tests.support.service import SENDERS, Reply, Running, running

NUMBERS = [f"+1555010{n:04}" for n in range(1, 9)]


@dataclass(frozen=True)
class Stubborn(Running):
    """A caller that asks again when the service says that it is in trouble; keys make a create safe to repeat."""

    async def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        key = {"Idempotency-Key": str(uuid4())}

        async def ask() -> Reply:
            try:
                return await Running.call(self, method, path, body, {**key, **(headers or {})})
            except aiohttp.ClientConnectionError:
                return Reply(503, None, {})

        return await eventually(ask, lambda reply: reply.status < 500)


def stubborn(tabard: Running) -> Running:
    return Stubborn(tabard.url, tabard.parts, tabard.http)


@pytest_asyncio.fixture(loop_scope="session")
async def dsn(template: tuple[str, str]) -> AsyncIterator[str]:
    """A database of the test's own: these maltreat it."""
    async with fresh_database(template) as made:
        yield made


@asynccontextmanager
async def administrator(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    server, _, rest = dsn.partition("/test_")
    _, _, query = rest.partition("?")
    connection = await asyncpg.connect(f"{server}/postgres?{query}")
    try:
        yield connection
    finally:
        await connection.close()


def name_of(dsn: str) -> str:
    return "test_" + dsn.partition("/test_")[2].partition("?")[0]


async def cut_all(administrator: asyncpg.Connection, dsn: str) -> int:
    """End every connection to the database; how many there were."""
    cut = await administrator.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()",
        name_of(dsn),
    )
    return len(cut)


async def listeners(administrator: asyncpg.Connection, dsn: str) -> int:
    """Connections of the service that are there to be told."""
    query = "select count(*) from pg_stat_activity where query ilike 'listen%' and datname = $1"
    return int(await administrator.fetchval(query, name_of(dsn)))


@pytest.mark.timeout(150)
async def test_a_database_that_goes_away_again_and_again_costs_only_time(dsn: str, tmp_path: Path):
    async with (
        running(dsn, tmp_path, lease_seconds=1, sandbox_step_seconds=0) as tabard,
        administrator(dsn) as admin,
    ):
        customer = replace(stubborn(tabard), patience=90)
        lives = [asyncio.create_task(customer.online(number)) for number in NUMBERS]
        cuts = 0
        while not all(life.done() for life in lives):
            if cuts < 6:
                cuts += await cut_all(admin, dsn) > 0
            await asyncio.sleep(0.15)
        assert cuts >= 5
        sids = [life.result() for life in lives]
        assert len(set(sids)) == len(NUMBERS)
        held = await tabard.parts.pool.fetch("select digits from sandbox.meta_numbers order by digits")
        assert [f"+{row['digits']}" for row in held] == NUMBERS
        assert await customer.online("+15550100099"), "and then it works as before"


async def test_it_says_that_it_is_not_ready_only_while_the_database_is_away(dsn: str, tmp_path: Path):
    async with running(dsn, tmp_path) as tabard, administrator(dsn) as admin:
        name = name_of(dsn)
        assert (await tabard.call("GET", "/readyz")).status == 200
        await admin.execute(f"alter database {name} allow_connections false")
        await cut_all(admin, dsn)
        away = await eventually(lambda: tabard.call("GET", "/readyz"), lambda reply: reply.status == 503)
        assert away.body == {"status": "not ready", "reason": "the database does not answer"}
        assert (await tabard.call("GET", "/healthz")).status == 200
        await admin.execute(f"alter database {name} allow_connections true")
        await eventually(lambda: tabard.call("GET", "/readyz"), lambda reply: reply.status == 200)
        assert await stubborn(tabard).online(NUMBERS[0])


async def test_a_due_sender_of_which_nobody_was_told_is_found(tabard: Running):
    """As when the process that stored it died before it could wake anybody."""
    sender = a_sender(address=NUMBERS[0])
    now = tabard.parts.services.clock.now()
    await tabard.parts.services.senders.insert(replace(sender, due_at=now), CLOCK, now, None)
    await tabard.reaches(sid_of(sender.id), "PENDING_VERIFICATION")


async def test_notifications_that_never_arrive_cost_a_sweep_each(dsn: str, tmp_path: Path):
    async with running(dsn, tmp_path, sweep_seconds=0.2) as tabard:
        assert await tabard.online(NUMBERS[0])
        await tabard.parts.pool.execute("alter table pgqueuer disable trigger user")
        started = time.monotonic()
        assert await tabard.online(NUMBERS[1])
        assert time.monotonic() - started < 9


async def test_without_a_worker_rows_wait_and_a_worker_that_comes_later_does_them(dsn: str, tmp_path: Path):
    async with running(dsn, tmp_path, works=False, role="api") as tabard:
        sids = [(await tabard.create(number))["sid"] for number in NUMBERS]
        deleted = sids.pop()
        assert (await tabard.call("DELETE", f"{SENDERS}/{deleted}")).status == 204
        assert {(await tabard.fetch(sid))["status"] for sid in sids} == {"CREATING"}
        due = "select count(*) from senders where due_at is not null"
        assert await tabard.parts.pool.fetchval(due) == len(NUMBERS)
        async with working(tabard.parts.engine):
            for sid, number in zip(sids, NUMBERS, strict=False):
                await tabard.reaches(sid, "PENDING_VERIFICATION")
                await tabard.verify(sid, number)
            for sid in sids:
                await tabard.reaches(sid, "ONLINE")
        held = await tabard.parts.pool.fetchval("select count(*) from sandbox.meta_numbers")
        assert held == len(sids), "what was deleted before anybody worked was never added"


async def test_it_stops_when_told_although_its_database_has_just_gone(dsn: str, tmp_path: Path):
    async with running(dsn, tmp_path, works=False) as tabard, administrator(dsn) as admin:
        async with asyncio.timeout(30):
            async with working(tabard.parts.engine):
                await tabard.online(NUMBERS[0])
                assert await cut_all(admin, dsn)
                await eventually(lambda: listeners(admin, dsn), lambda left: left == 0)
