"""Deliveries: how many a second when many wait, how soon one arrives, and how soon beside somebody else's flood.

Worker, receiver, PostgreSQL and whoever changes the senders share the machine. Every attempt is recorded.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson

from bench import dataset, processes
from bench.dataset import Size
from bench.processes import BenchFailed, Memory, Running
from bench.programs import changes, sink
from bench.scope import Advance, Row, Scope, Section
from tabard.domain.ids import SubscriptionId, new_subscription_id
from tabard.domain.webhooks.subscription import secret_context
from tabard.storage.vault import AesVault, read_master_key

RATE = 500
_MASTER_KEY = "00" * 32
_SATURATED, _P95_MS, _BESIDE_FLOOD = 5_000, 50, 3.0
_MANY = 100
_PATIENCE = 120.0
_WARM_UP = 1.0
_BESIDE_SECONDS = 4.0
"""Less than the flood lasts."""

_SUBSCRIBE = """
insert into subscriptions (id, account_id, dialect, url, names, topics, sealed_secret, created_at, updated_at)
values ($1, $2, 'native', $3, '{*}', '{sender.configuration}', $4, $5, $5)
"""

# Senders that no worker touches, each with a snapshot and an event to be told.
_PREPARE = (
    "update accounts set kind = 'sandbox'",
    "update senders set due_at = null",
    """
    insert into snapshots select id, version, account_id, to_jsonb(s) - 'sealed_pin' - 'sealed_code', created_at
    from senders s
    """,
    "update events e set sender_version = 1, type = 'sender.configuration', after = '{\"friendly_name\": \"x\"}'",
)

_WAIT = """
insert into deliveries (subscription_id, account_id, subject, event_number, type, due_at, created_at)
select s.id, s.account_id, e.sender_id, e.number, e.type, $2::timestamptz - interval '1 day' + e.n * interval '1 s', $2
from subscriptions s cross join lateral (
    select n, e.* from generate_series(1, 1 + $3 / (select count(*) from events where account_id = s.account_id)) n
    cross join lateral (select * from events where account_id = s.account_id) e
    order by n, e.number limit $3) e
where s.id = any($1)
"""


async def measure(server_dsn: str, directory: Path, scope: Scope, advance: Advance) -> tuple[Section, Memory]:
    """The section of the table, and the memory of the worker after its load."""
    rows = []
    memory = Memory(0, 0)
    for subscriptions in (_MANY, 1):
        advance(f"deliveries: {scope.deliveries:,} wait, {subscriptions} subscriptions")
        async with _Bench.made(server_dsn, directory, Size(senders=4_000, accounts=40)) as bench:
            row, memory = await _saturated(bench, subscriptions, scope.deliveries)
            rows.append(row)
    advance(f"deliveries: {RATE} changes a second")
    async with _Bench.made(server_dsn, directory, Size(senders=2_000, accounts=40)) as bench:
        rows.append(await _paced(bench, scope))
    advance("deliveries: beside a flood")
    async with _Bench.made(server_dsn, directory, Size(senders=2_000, accounts=2)) as bench:
        rows += await _beside_a_flood(bench, scope)
    return Section("webhook deliveries, one worker, every attempt recorded", rows), memory


@dataclass(frozen=True)
class _Bench:
    dsn: str
    directory: Path
    database: asyncpg.Connection

    @classmethod
    @asynccontextmanager
    async def made(cls, server_dsn: str, directory: Path, size: Size) -> AsyncIterator["_Bench"]:
        dsn = await dataset.make(server_dsn, "bench_deliveries", size)
        try:
            database = await asyncpg.connect(dsn)
            for statement in _PREPARE:
                await database.execute(statement)
            yield cls(dsn, directory, database)
            await database.close()
        finally:
            await dataset.drop(server_dsn, "bench_deliveries")

    async def subscribe(self, account: int, port: int) -> SubscriptionId:
        new_id, vault = new_subscription_id(), AesVault(read_master_key(_MASTER_KEY))
        account_id = UUID(f"00000000-0000-7000-8000-{account:012x}")
        sealed = vault.seal(b"a secret of 24 bytes....", secret_context(new_id))
        url, now = f"http://127.0.0.1:{port}/hook", datetime.now(UTC)
        await self.database.execute(_SUBSCRIBE, new_id, account_id, url, sealed, now)
        await self.database.execute("insert into lanes (subscription_id) values ($1)", new_id)
        return new_id

    async def let_wait(self, subscriptions: list[SubscriptionId], each: int) -> None:
        await self.database.execute(_WAIT, subscriptions, datetime.now(UTC), each)
        await self.database.execute("vacuum analyze")
        await self.database.execute("checkpoint")

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Running]:
        settings = {
            "DATABASE_URL": self.dsn,
            "TABARD_DATA_DIR": str(self.directory),
            "TABARD_MASTER_KEY": _MASTER_KEY,
            "TABARD_LOG_LEVEL": "info",
        }
        async with processes.tabard(self.directory, "worker", **settings) as running:
            yield running

    async def changed(self, port: int, account: int | None, rate: float, seconds: float) -> dict[str, float]:
        """Change senders of the account, or of all, at that rate."""
        account_id = None if account is None else UUID(f"00000000-0000-7000-8000-{account:012x}")
        rows = await self.database.fetch(
            "select account_id, id from senders where $1::uuid is null or account_id = $1 limit 1000", account_id
        )
        senders = [(str(row["account_id"]), str(row["id"])) for row in rows]
        plan = changes.Plan(self.dsn, port, rate, seconds, _WARM_UP, senders)
        found: dict[str, float] = orjson.loads(
            await processes.run_program("bench.programs.changes", orjson.dumps(asdict(plan)))
        )
        if found["arrived"] < found["wanted"]:
            raise BenchFailed(f"{found['wanted'] - found['arrived']} deliveries did not arrive")
        return found


async def _saturated(bench: _Bench, subscriptions: int, wanted: int) -> tuple[Row, Memory]:
    port = processes.free_port()
    lanes = [await bench.subscribe(1 + number % 40, port) for number in range(subscriptions)]
    await bench.let_wait(lanes, wanted // subscriptions)
    plan = sink.Plan(port, wanted)
    receiving = asyncio.create_task(processes.run_program("bench.programs.sink", orjson.dumps(asdict(plan))))
    async with bench.worker() as worker:
        before = processes.cpu_seconds(worker.pid)
        result = orjson.loads(await asyncio.wait_for(receiving, _PATIENCE))
        cpu = processes.cpu_seconds(worker.pid) - before
        memory = processes.memory_of(worker.pid)
        recorded = await _recorded(bench, wanted)
    rate = wanted / result["seconds"]
    what = f"{wanted:,} waiting, {subscriptions} subscription{'s' if subscriptions > 1 else ''}"
    figure = f"{rate:,.0f}/s, CPU {cpu / wanted * 1000:.2f} ms each"
    if subscriptions > 1:
        return Row(what, figure, f"{recorded:,} attempts", f"≥ {_SATURATED:,}/s", rate >= _SATURATED), memory
    return Row(what, figure, f"{recorded:,} attempts"), memory


async def _recorded(bench: _Bench, wanted: int) -> int:
    for _ in range(200):
        found: int = await bench.database.fetchval("select count(*) from attempts")
        if found >= wanted:
            return found
        await asyncio.sleep(0.05)
    raise BenchFailed(f"only {found} of {wanted} attempts were recorded")


async def _paced(bench: _Bench, scope: Scope) -> Row:
    port = processes.free_port()
    for account in range(1, 41):
        await bench.subscribe(account, port)
    async with bench.worker():
        found = await bench.changed(port, None, RATE, scope.delivery_seconds)
    figure = f"p50 {found['p50_ms']:.1f} ms, p95 {found['p95_ms']:.1f} ms"
    return Row(
        f"commit to arrival at {RATE}/s, 40 accounts",
        figure,
        f"worst {found['worst_ms']:.0f} ms",
        f"p95 ≤ {_P95_MS} ms",
        found["p95_ms"] <= _P95_MS,
    )


async def _beside_a_flood(bench: _Bench, scope: Scope) -> list[Row]:
    """Another account's few deliveries, at first alone, then beside one account's many."""
    port, flood_port = processes.free_port(), processes.free_port()
    flooded = await bench.subscribe(1, flood_port)
    await bench.subscribe(2, port)
    async with bench.worker():
        alone = await bench.changed(port, 2, 20, _BESIDE_SECONDS)
    await bench.let_wait([flooded], scope.flood)
    plan = sink.Plan(flood_port, scope.flood)
    flooding = asyncio.create_task(processes.run_program("bench.programs.sink", orjson.dumps(asdict(plan))))
    try:
        async with bench.worker():
            beside = await bench.changed(port, 2, 20, _BESIDE_SECONDS)
            left = await bench.database.fetchval("select count(*) from deliveries where state = 'waiting'")
    finally:
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
    if left == 0:
        raise BenchFailed("the flood was over before the measurement")
    ratio = beside["p50_ms"] / alone["p50_ms"]
    return [
        Row("another account alone, 20/s", f"p50 {alone['p50_ms']:.1f} ms, p95 {alone['p95_ms']:.1f} ms"),
        Row(
            f"beside {scope.flood:,} of one account",
            f"p50 {beside['p50_ms']:.1f} ms, p95 {beside['p95_ms']:.1f} ms, {left:,} still waiting",
            f"{ratio:.2f} times alone",
            f"≤ {_BESIDE_FLOOD:g}",
            ratio <= _BESIDE_FLOOD,
        ),
    ]
