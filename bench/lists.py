"""Lists of RCS senders: every order and filter, in a project of 50,000 and in a small one, one request at a time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import orjson

from bench import agents, dataset, processes
from bench.processes import BenchFailed
from bench.programs.http import Connection, request
from bench.scope import Advance, Row, Scope, Section
from tabard.app.services import Services
from tabard.dialects.sinch import paging
from tabard.domain.account import AccountKind, Principal
from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel
from tabard.ports.stores import SortBy, Wanted
from tabard.storage.vault import AesVault, read_master_key

_PAGE_SIZE = 50
_WARM_UP = 2
_MARK_MS = 50
_MASTER_KEY = "00" * 32
_SMALL = 500
"""The number of a project that has as many as most."""

_ORDERS = {
    "CREATED": (SortBy.CREATED, "id"),
    "MODIFIED": (SortBy.MODIFIED, "updated_at"),
    "NAME": (SortBy.NAME, """lower(profile->>'name') collate "C\""""),
    "STATE": (SortBy.STATUS, "life_order(status)"),
}


@dataclass(frozen=True)
class Case:
    """What is asked for. `where` counts it by the rows themselves."""

    what: str
    query: dict[str, str]
    where: str = "true"
    arguments: tuple[object, ...] = ()


async def measure(server_dsn: str, directory: Path, scope: Scope, advance: Advance) -> list[Section]:
    """The sections of the table. Raises `BenchFailed` where a total or a page is not what the rows say."""
    advance(f"fill a database with {scope.large.senders:,} RCS senders")
    dsn = await dataset.make(server_dsn, "bench_lists")
    settings = {"TABARD_MASTER_KEY": _MASTER_KEY, "TABARD_REQUESTS_PER_SECOND": "1e6"}
    try:
        await agents.fill(dsn, scope.large)
        async with processes.tabard(
            directory, "api", DATABASE_URL=dsn, TABARD_DATA_DIR=str(directory), **settings
        ) as running:
            return [
                await _project(dsn, running.port, number, scope, advance)
                for number in (1, min(_SMALL, scope.large.accounts))
            ]
    finally:
        await dataset.drop(server_dsn, "bench_lists")


async def _project(dsn: str, port: int, number: int, scope: Scope, advance: Advance) -> Section:
    """Rounds go round among the lists, so that whatever else the machine does hits all alike."""
    account = AccountId(dataset.account_id(number))
    database = await asyncpg.connect(dsn)
    holds = await database.fetchval("select count(*) from senders where account_id = $1", account)
    cases = await _cases(database, account, holds // 2)
    totals = [await _total(database, account, case) for case in cases]
    await database.close()
    connection = await Connection.open(port)
    took: list[list[float]] = [[] for _ in cases]
    for turn in range(scope.rounds):
        advance(f"lists of a project of {holds:,}, round {turn + 1} of {scope.rounds}")
        for case, total, seconds in zip(cases, totals, took, strict=True):
            seconds.extend(await _ask(connection, account, case, total, scope.list_requests))
    connection.close()
    size = scope.large
    return Section(
        f"RCS senders, {_PAGE_SIZE} a page, one request at a time: a project of {holds:,} among {size.senders:,} "
        f"senders of {size.accounts:,} projects",
        [_row(case, total, sorted(seconds)) for case, total, seconds in zip(cases, totals, took, strict=True)],
    )


async def _total(database: asyncpg.Connection, account: AccountId, case: Case) -> int:
    total: int = await database.fetchval(
        f"select count(*) from senders where account_id = $1 and channel = 'rcs' and status <> 'deleted' "
        f"and {case.where}",
        account,
        *case.arguments,
    )
    return total


async def _cases(database: asyncpg.Connection, account: AccountId, middle: int) -> Sequence[Case]:
    cases = []
    for column, (sort_by, key) in _ORDERS.items():
        for direction in ("ASC", "DESC"):
            query = {"sortColumn": column, "sortDirection": direction}
            row = await database.fetchrow(
                f"select id, ({key})::text as key from senders where account_id = $1 order by {key}, id "
                f"offset $2 limit 1",
                account,
                middle,
            )
            place = paging.Place(None if sort_by is SortBy.CREATED else row["key"], str(row["id"]))
            wanted = Wanted(Channel.RCS, sort_by=sort_by, descending=direction == "DESC")
            words = f"by {column}, {direction}"
            cases.append(Case(f"{words}: first page", query))
            cases.append(Case(f"{words}: in the middle", {**query, "pageToken": _token(account, wanted, place)}))
    ids = await database.fetch(
        "select id from senders where account_id = $1 order by md5(id::text) limit $2", account, _PAGE_SIZE
    )
    return [*cases, *_filtered([row["id"] for row in ids])]


def _filtered(ids: Sequence[UUID]) -> Sequence[Case]:
    rare, common = {"filterStates": "PREPARING_LAUNCH"}, {"filterStates": "LAUNCHED"}
    is_common, named = "status in ('online', 'updating')", "strpos(lower(profile->>'name'), $2) > 0"
    by_name, by_state = {"sortColumn": "NAME", "sortDirection": "ASC"}, {"sortColumn": "STATE"}
    both = f"{is_common} and {named}"
    return [
        Case("filterStates: 1 in 1,000", rare, "status = 'preparing'"),
        Case("filterStates: 6 in 10", common, is_common),
        Case("filterStates: 1 in 1,000, by NAME", {**rare, **by_name}, "status = 'preparing'"),
        Case("search: a word of 1 in 1,000", {"search": agents.RARE.title()}, named, (agents.RARE,)),
        Case("search: a word of 1 in 10", {"search": agents.COMMON}, named, (agents.COMMON,)),
        Case("search: no hit", {"search": agents.ABSENT}, named, (agents.ABSENT,)),
        Case(
            "search, filterStates, by NAME: 1 in 1,600",
            {"search": agents.RARE, **common, **by_name},
            both,
            (agents.RARE,),
        ),
        Case(
            "search, filterStates, by STATE: 1 in 16", {"search": agents.COMMON, **common, **by_state}, both,
            (agents.COMMON,),
        ),
        Case(
            f"filterSenderIds: {len(ids)}", {"filterSenderIds": ",".join(map(str, ids))}, "id = any($2)", (list(ids),)
        ),
    ]  # fmt: skip


def _token(account: AccountId, wanted: Wanted, place: paging.Place) -> str:
    """As the service itself would have given it out on the page before: a walk there would take hundreds of pages."""
    services = cast("Services", SimpleNamespace(vault=AesVault(read_master_key(_MASTER_KEY))))
    principal = Principal(account, AccountKind.LIVE, str(account))
    asked = paging.asked_page(services, principal, {}, paging._listed(wanted))  # noqa: SLF001 - what tokens are for
    token: str = paging.page_answer(asked, "", (), total=0, before=None, after=place)["nextPageToken"]
    return token


async def _ask(connection: Connection, account: AccountId, case: Case, total: int, requests: int) -> list[float]:
    """How many seconds each request took; a few come before, which are not counted."""
    asked = urlencode({**case.query, "pageSize": str(_PAGE_SIZE)})
    login = dataset.basic(str(account), f"bench-{account}")
    sent = request("GET", f"/v1/projects/{account}/rcs/senders?{asked}", login)
    took = []
    for _ in range(_WARM_UP + requests):
        begun = time.perf_counter()
        reply = await connection.call(sent)
        took.append(time.perf_counter() - begun)
        _check(case, reply.status, reply.body, total)
    return took[_WARM_UP:]


def _row(case: Case, total: int, took: Sequence[float]) -> Row:
    p50, p95 = took[len(took) // 2] * 1000, took[len(took) * 95 // 100] * 1000
    figure = f"p50 {p50:.1f} ms, p95 {p95:.1f} ms"
    return Row(case.what, figure, f"totalSize {total:,}", f"p95 ≤ {_MARK_MS} ms", p95 <= _MARK_MS)


def _check(case: Case, status: int, body: bytes, total: int) -> None:
    answer: dict[str, Any] = orjson.loads(body)
    if status != 200 or answer["totalSize"] != total:
        raise BenchFailed(f"{case.what}: {total:,} are wanted, HTTP {status} has {answer.get('totalSize', body)}")
    shown = len(answer["senders"])
    if shown != min(total, _PAGE_SIZE):
        raise BenchFailed(f"{case.what}: {shown} senders on a page, of {total:,}")
