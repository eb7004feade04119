"""Workers are killed (SIGKILL, real processes) before and after every call of a sender's life; others take over, and
every sender goes online, once. Of an RCS sender's calls those are taken that are the first of their name: the others
only look again what carriers have decided."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tabard.domain.ids import AccountId
from tests.support.processes import MASTER_KEY, Crew, crew
from tests.support.rcs_life import PROFILE
from tests.support.relay import NetworkCall, Relay, relaying
from tests.support.service import SENDERS, Running, running

NUMBER = "+15550100001"
WORKERS_AT_ONCE = 3


@dataclass
class Doom:
    """When the worker that serves an account is to be killed: before or after the nth call of this name."""

    call: str
    nth: int
    after: bool
    met: bool = False


@dataclass
class Reaper:
    """Sees all calls, kills as the dooms of the accounts say, and sends for the next worker."""

    crew: Crew
    dooms: dict[str, Doom] = field(default_factory=dict)
    """By what tells the account, as is `calls`."""
    calls: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The names of the calls that were made."""
    account_of: Callable[[str], Awaitable[str]] | None = None
    """Whose token a call came with, where a token is not always the same."""
    relay: Relay | None = None
    hired: int = 0
    killed: int = 0

    async def watch(self, call: NetworkCall) -> None:
        account = call.token if self.account_of is None else await self.account_of(call.token)
        made = self.calls[account]
        if not call.done:
            made.append(call.name)
        doom = self.dooms.get(account)
        if doom is None or doom.met:
            return
        if (call.name, made.count(call.name), call.done) == (doom.call, doom.nth, doom.after):
            doom.met = True
            if self.crew.kill(call.worker):
                self.killed += 1
                await self.hire()

    async def hire(self) -> None:
        assert self.relay is not None
        self.hired += 1
        name = f"worker{self.hired}"
        await self.crew.start(name, "worker", sandbox_url=self.relay.address_for(name))


@asynccontextmanager
async def reaping(api: Running, dsn: str, directory: Path, *, lease_seconds: float = 1) -> AsyncIterator[Reaper]:
    async with crew(
        dsn,
        directory,
        lease_seconds=lease_seconds,
        sweep_seconds=0.2,
        sandbox_step_seconds=0,
        database_connections=6,
    ) as workers:
        reaper = Reaper(workers)
        async with relaying(api.url, reaper.watch) as reaper.relay:
            for _ in range(WORKERS_AT_ONCE):
                await reaper.hire()
            yield reaper
            await workers.dismiss()


def account_id_of(customer: Running) -> AccountId:
    return AccountId(UUID(customer.login.removeprefix("AC")))


async def token_of(customer: Running) -> str:
    way = await customer.parts.services.accounts.connection(account_id_of(customer), "meta")
    assert way is not None
    return way.token


async def live(customer: Running) -> str:
    return await replace(customer, patience=150).online(
        NUMBER, profile={"name": "Example Parcels", "about": "Tracked parcels"}
    )


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_every_sender_goes_online_wherever_its_workers_are_killed(dsn: str, tmp_path: Path):
    async with (
        running(dsn, tmp_path, works=False, master_key=MASTER_KEY, sandbox_step_seconds=0) as api,
        reaping(api, dsn, tmp_path) as reaper,
    ):
        await live(api)
        life = reaper.calls[await token_of(api)]
        nth = [life[: place + 1].count(name) for place, name in enumerate(life)]
        dooms = [Doom(name, n, after) for name, n in zip(life, nth, strict=True) for after in (False, True)]
        customers = {str(number): await api.account() for number in range(len(dooms))}
        for customer, doom in zip(customers.values(), dooms, strict=True):
            reaper.dooms[await token_of(customer)] = doom
        sids = await asyncio.gather(*(live(customer) for customer in customers.values()))

        assert len(set(sids)) == len(dooms)
        assert [doom for doom in dooms if not doom.met] == []
        assert reaper.killed >= len(life)
        await assert_each_is_there_once(api, len(dooms) + 1)


async def assert_each_is_there_once(api: Running, senders: int) -> None:
    pool = api.parts.pool
    held = await pool.fetch("select account_id, connection, cardinality(registrations) as n from sandbox.meta_numbers")
    assert len(held) == len({row["account_id"] for row in held}) == senders
    assert {row["connection"] for row in held} == {"CONNECTED"}
    assert max(row["n"] for row in held) <= 5, "few of the ten registrations that three days allow"
    told = await pool.fetch(
        "select type, count(*), count(distinct sender_id) as senders from events "
        "where type in ('sender.created', 'sender.online', 'sender.offline') group by type order by type"
    )
    assert [tuple(row) for row in told] == [("sender.created", senders, senders), ("sender.online", senders, senders)]


async def launch(customer: Running) -> str:
    patient = replace(customer, patience=150)
    sender = {"sender_id": "rcs:example_cafe", "profile": PROFILE, "compliance": {"countries": [{"country": "SE"}]}}
    sid: str = (await patient.post(SENDERS, sender))["sid"]
    await patient.until(sid, launched_everywhere, "it launched everywhere")
    return sid


def launched_everywhere(sender: dict[str, Any]) -> bool:
    carriers = [carrier for country in sender["compliance"]["countries"] for carrier in country["carriers"]]
    return sender["status"] == "ONLINE" and {carrier["status"] for carrier in carriers} == {"APPROVED"}


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_every_agent_is_launched_once_wherever_its_workers_are_killed(dsn: str, tmp_path: Path):
    async with (
        running(dsn, tmp_path, works=False, master_key=MASTER_KEY, sandbox_step_seconds=0) as api,
        # A worker that has just begun must buy an access token for each account: that takes its time on a busy machine.
        reaping(api, dsn, tmp_path, lease_seconds=4) as reaper,
    ):

        async def account_of(token: str) -> str:
            """Access tokens are bought by each worker for itself."""
            digest = sha256(token.encode()).digest()
            owner = await api.parts.pool.fetchval(
                "select account_id from sandbox.google_tokens where digest = $1", digest
            )
            return str(owner)

        reaper.account_of = account_of
        await launch(api)
        life = dict.fromkeys(reaper.calls[str(account_id_of(api))])
        assert {"POST brands", "POST agents", "POST it:requestVerification", "POST it:requestLaunch"} <= set(life)
        writes = [name for name in life if not name.startswith("GET")]
        # After a read nothing has changed: whoever dies there dies before the next call.
        dooms = [*(Doom(name, 1, after=False) for name in life), *(Doom(name, 1, after=True) for name in writes)]
        customers = {str(number): await api.account() for number in range(len(dooms))}
        for customer, doom in zip(customers.values(), dooms, strict=True):
            reaper.dooms[str(account_id_of(customer))] = doom
        sids = await asyncio.gather(*(launch(customer) for customer in customers.values()))

        assert len(set(sids)) == len(dooms)
        assert [doom for doom in dooms if not doom.met] == []
        assert reaper.killed >= len(life)
        await assert_each_is_launched_once(api.parts.pool, len(dooms) + 1)


async def assert_each_is_launched_once(pool: asyncpg.Pool, senders: int) -> None:
    for table in ("brands", "agents"):
        rows = await pool.fetch(f"select account_id from sandbox.google_{table}")
        assert len(rows) == len({row["account_id"] for row in rows}) == senders, table
    states = await pool.fetch(
        "select l.value->>'state' as state, count(*) from sandbox.google_agents, jsonb_each(document->'launches') l "
        "group by 1"
    )
    assert [tuple(row) for row in states] == [("LAUNCH_STATE_LAUNCHED", 4 * senders)]
    told = await pool.fetch(
        "select type, count(*), count(distinct sender_id) as senders from events "
        "where type in ('sender.created', 'sender.testing', 'sender.online', 'sender.offline') group by 1 order by 1"
    )
    assert [tuple(row) for row in told] == [
        (type_, senders, senders) for type_ in ("sender.created", "sender.online", "sender.testing")
    ]
    carriers = await pool.fetchval("select count(*) from events where type = 'sender.carrier'")
    assert carriers == 2 * 4 * senders, "each was asked and has launched, once"
