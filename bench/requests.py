"""Requests: create, fetch and list, Tabard against a bare handler, in a small database and in a large one.

All four servers run all the time; rounds of a few seconds go round among them, so that whatever else the machine does
hits all alike, and medians are compared.
"""

import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

from bench import dataset, processes
from bench.processes import Memory, Running
from bench.programs.load import CREATE_PATH, Plan
from bench.scope import Advance, Row, Scope, Section, at_least, at_most

CONNECTIONS = 32
_WARM_UP = 0.3
_TARGETS = 20_000
_MASTER_KEY = "00" * 32
_MARKS = {"create": 0.6, "fetch": 0.65, "list 20": None}
_STEADY = 1.2
"""Most that a request may take in the large database, as a multiple of the small one."""


@dataclass(frozen=True)
class Measured:
    rate: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    """Of the service's processes, PostgreSQL's not among them, for one answer."""

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s, p50 {self.p50_ms:.1f} ms, p95 {self.p95_ms:.1f} ms, CPU {self.cpu_ms:.2f} ms"


@dataclass(frozen=True)
class Side:
    """A server on a database, and what it is asked."""

    server: Running
    plans: dict[str, Plan]


async def measure(server_dsn: str, directory: Path, scope: Scope, advance: Advance) -> tuple[list[Section], Memory]:
    """The sections of the table, and the memory of the API process after its load."""
    async with AsyncExitStack() as stack:
        sides: dict[tuple[str, str], Side] = {}
        for size_name, size in (("small", dataset.SMALL), ("large", scope.large)):
            advance(f"fill a database with {size.senders:,} senders")
            dsn = await dataset.make(server_dsn, f"bench_{size_name}", size)
            stack.push_async_callback(dataset.drop, server_dsn, f"bench_{size_name}")
            ours = await stack.enter_async_context(
                processes.tabard(
                    directory,
                    "api",
                    DATABASE_URL=dsn,
                    TABARD_DATA_DIR=str(directory),
                    TABARD_MASTER_KEY=_MASTER_KEY,
                    TABARD_REQUESTS_PER_SECOND="1e6",
                )
            )
            theirs = await stack.enter_async_context(processes.bare(directory, dsn))
            targets = await dataset.targets(dsn, _TARGETS)
            sides["tabard", size_name] = Side(ours, _plans(ours.port, scope, targets))
            sides["bare", size_name] = Side(theirs, _bare_plans(theirs.port, scope, targets))
        depth = await _depth(dsn, sides["tabard", "large"], scope, advance)
        found = {
            name: await _rounds(name, list(sides.items()), scope, advance) for name in ("fetch", "list 20", "create")
        }
        memory = processes.memory_of(sides["tabard", "large"].server.pid)
    sections = [_section(name, found[name], scope) for name in ("create", "fetch", "list 20")]
    return [*sections, depth], memory


def _plans(port: int, scope: Scope, targets: Sequence[dataset.Target]) -> dict[str, Plan]:
    accounts = {target.account_id: dataset.authorization(target.account_id) for target in targets}
    first_page = f"{CREATE_PATH}?Channel=whatsapp&PageSize=20"
    fetch = [(f"{CREATE_PATH}/XE{t.sender_id.hex}", accounts[t.account_id]) for t in targets]
    plan = Plan(port, CONNECTIONS, scope.round_seconds, _WARM_UP, 200, fetch)
    return {
        "fetch": plan,
        "list 20": replace(plan, calls=[(first_page, login) for login in accounts.values()]),
        "create": replace(
            plan,
            calls=[(CREATE_PATH, login) for login in accounts.values()],
            status=202,
            create=True,
            first_number=5_000_000_000,
        ),
    }


def _bare_plans(port: int, scope: Scope, targets: Sequence[dataset.Target]) -> dict[str, Plan]:
    accounts = list({target.account_id: f"/{target.account_id}" for target in targets}.values())
    fetch = [(f"/{t.account_id}/XE{t.sender_id.hex}", None) for t in targets]
    plan = Plan(port, CONNECTIONS, scope.round_seconds, _WARM_UP, 200, fetch)
    return {
        "fetch": plan,
        "list 20": replace(plan, calls=[(path, None) for path in accounts]),
        "create": replace(
            plan, calls=[(path, None) for path in accounts], status=202, create=True, first_number=7_000_000_000
        ),
    }


Key = tuple[str, str]
"""Server and database."""


async def _rounds(name: str, sides: list[tuple[Key, Side]], scope: Scope, advance: Advance) -> dict[Key, Measured]:
    results: dict[Key, list[Measured]] = {key: [] for key, _ in sides}
    first_numbers = {key: side.plans[name].first_number for key, side in sides}
    for number in range(scope.rounds):
        for key, side in sides:
            advance(f"{name}, round {number + 1} of {scope.rounds}: {key[0]}, {key[1]} database")
            found, first_numbers[key] = await _round(
                side.server, replace(side.plans[name], first_number=first_numbers[key])
            )
            results[key].append(found)
    return {key: _median(rounds) for key, rounds in results.items()}


async def _round(server: Running, plan: Plan) -> tuple[Measured, int]:
    """And the first number that was not used."""
    before = processes.cpu_seconds(server.pid)
    result = orjson.loads(await processes.run_program("bench.programs.load", orjson.dumps(asdict(plan))))
    return measured([server], before, result), result["next_number"]


def measured(servers: Sequence[Running], cpu_before: float, result: dict[str, float]) -> Measured:
    cpu = sum(processes.cpu_seconds(server.pid) for server in servers) - cpu_before
    return Measured(result["rate"], result["p50_ms"], result["p95_ms"], cpu / result["answers"] * 1000)


def _median(rounds: Sequence[Measured]) -> Measured:
    return Measured(
        statistics.median(r.rate for r in rounds),
        statistics.median(r.p50_ms for r in rounds),
        statistics.median(r.p95_ms for r in rounds),
        statistics.median(r.cpu_ms for r in rounds),
    )


def _section(name: str, found: dict[Key, Measured], scope: Scope) -> Section:
    rows = []
    for size_name, size in (("small", dataset.SMALL), ("large", scope.large)):
        ours, bare = found["tabard", size_name], found["bare", size_name]
        mark, ratio = _MARKS[name], ours.rate / bare.rate
        what = f"{name} at {size.senders:,} senders"
        row = (
            Row(what, str(ours), f"{ratio:.2f} of bare")
            if mark is None
            else at_least(what, str(ours), ratio, mark, "of bare")
        )
        rows += [row, Row(f"the bare handler at {size.senders:,} senders", str(bare))]
    slower = found["tabard", "small"].rate / found["tabard", "large"].rate
    bare_slower = found["bare", "small"].rate / found["bare", "large"].rate
    what = f"{name}: time at {scope.large.senders:,} by time at {dataset.SMALL.senders:,}"
    rows.append(at_most(what, f"bare handler {bare_slower:.2f}", slower, _STEADY, "times"))
    return Section(f"{name}, {CONNECTIONS} connections, one API process", rows)


async def _depth(dsn: str, side: Side, scope: Scope, advance: Advance) -> Section:
    """The first page and a deep one of the largest account."""
    row = await dataset.row_before_page(dsn, scope.deep_page, 5)
    login = dataset.authorization(row.account_id)
    path = f"{CREATE_PATH}?Channel=whatsapp&PageSize=5"
    first = replace(side.plans["fetch"], calls=[(path, login)])
    deep = replace(first, calls=[(f"{path}&Page={scope.deep_page - 1}&PageToken=PAXE{row.sender_id.hex}", login)])
    results: dict[str, list[Measured]] = {"first": [], "deep": []}
    for number in range(scope.rounds):
        for name, plan in (("first", first), ("deep", deep)):
            advance(f"list, round {number + 1} of {scope.rounds}: {name} page")
            results[name].append((await _round(side.server, plan))[0])
    first_page, deep_page = _median(results["first"]), _median(results["deep"])
    title = f"list, 5 a page, an account of {scope.large.largest:,} among {scope.large.senders:,} senders"
    return Section(
        title,
        [
            Row("page 1", str(first_page)),
            at_most(
                f"page {scope.deep_page:,}",
                str(deep_page),
                first_page.rate / deep_page.rate,
                _STEADY,
                "times page 1",
            ),
        ],
    )
