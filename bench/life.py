"""Lives: create → code → ONLINE in the sandbox at pace 0, in one process and in two."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import orjson

from bench import dataset, processes
from bench.processes import Memory, Running
from bench.programs.lives import Plan
from bench.requests import Measured, measured
from bench.scope import Advance, Row, Scope, Section

IN_FLIGHT = 48
_MARK = 200
_WARM_UP = 3.0


async def measure(server_dsn: str, directory: Path, scope: Scope, advance: Advance) -> tuple[Section, Memory]:
    """The section of the table, and the memory of the one process after its load."""
    rows, memory, first_number = [], Memory(0, 0), 6_000_000_000
    advance("lives: accounts")
    dsn = await dataset.make(server_dsn, "bench_lives")
    try:
        settings = {
            "DATABASE_URL": dsn,
            "TABARD_DATA_DIR": str(directory / "lives"),
            "TABARD_SANDBOX_STEP_SECONDS": "0",
            "TABARD_REQUESTS_PER_SECOND": "1e6",
        }
        logins = await _accounts(scope.life_accounts, settings)
        for processes_of, what in ((_one, "API and workers in one process"), (_two, "API and worker as two processes")):
            advance(f"lives: {what}")
            async with processes_of(directory, settings) as running:
                found, first_number = await _drive(
                    running, Plan(running[0].port, dsn, logins, IN_FLIGHT, scope.life_seconds, _WARM_UP, first_number)
                )
                memory = processes.memory_of(running[0].pid) if len(running) == 1 else memory
            rows.append(Row(what, str(found), "", f"≥ {_MARK}/s", found.rate >= _MARK))
    finally:
        await dataset.drop(server_dsn, "bench_lives")
    title = f"a sender's life at pace 0: create, code, ONLINE; {IN_FLIGHT} in flight, {len(logins)} accounts"
    return Section(title, rows), memory


async def _accounts(wanted: int, settings: dict[str, str]) -> Sequence[str]:
    """Their `Authorization` headers. The first is made alone: it makes the data directory's key, too."""
    first = await _account(0, settings)
    logins = [first]
    for number in range(1, wanted, 3):
        numbers = range(number, min(number + 3, wanted))
        logins += await asyncio.gather(*(_account(n, settings) for n in numbers))
    return logins


async def _account(number: int, settings: dict[str, str]) -> str:
    made = orjson.loads(await processes.run_tabard("accounts", "create", f"Bench {number}", "--json", **settings))
    return dataset.basic(made["twilio_account_sid"], made["twilio_auth_token"])


@asynccontextmanager
async def _one(directory: Path, settings: dict[str, str]) -> AsyncIterator[Sequence[Running]]:
    async with processes.tabard(directory, "all", **settings) as running:
        yield [running]


@asynccontextmanager
async def _two(directory: Path, settings: dict[str, str]) -> AsyncIterator[Sequence[Running]]:
    async with processes.tabard(directory, "api", **settings) as api:
        at = f"http://127.0.0.1:{api.port}"
        async with processes.tabard(directory, "worker", **settings, TABARD_SANDBOX_URL=at) as worker:
            yield [api, worker]


async def _drive(running: Sequence[Running], plan: Plan) -> tuple[Measured, int]:
    """And the first number that was not used."""
    before = sum(processes.cpu_seconds(process.pid) for process in running)
    result = orjson.loads(await processes.run_program("bench.programs.lives", orjson.dumps(asdict(plan))))
    return measured(running, before, result), result["next_number"]
