"""Real processes are killed, and the database is restarted, while deliveries are made: none is lost, each sender's come
in order, and few are made twice."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from tabard.app.accounts import SANDBOX_ACCOUNT, SANDBOX_TWILIO_TOKEN, twilio_sid
from tabard.app.webhooks.subscriptions import NewSubscription, create_subscription
from tabard.domain.account import CLOCK, AccountKind, Principal
from tabard.domain.event import commented
from tabard.domain.sender import Sender
from tabard.ports.stores import Loaded
from tabard.storage import embedded, schema
from tests.faults.test_many_processes import address_of
from tests.support.endpoint import Endpoint, listening
from tests.support.patience import eventually
from tests.support.processes import MASTER_KEY, Crew, crew
from tests.support.senders import a_sender
from tests.support.service import SENDERS, Running, running

OWNER = Principal(SANDBOX_ACCOUNT, AccountKind.SANDBOX, "tests")
UNRECORDED = 64
"""What a lane may have under way or not recorded yet, at most (`workflows.webhooks.lane`)."""


@asynccontextmanager
async def own_server(directory: Path) -> AsyncIterator[tuple[str, AsyncExitStack]]:
    """A PostgreSQL that a test may restart: close what is in the stack, and enter `embedded.running` again."""
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(embedded.running(directory))
        await schema.migrate(dsn)
        yield dsn, stack


async def subscribe(api: Running, url: str, *, topics: Sequence[str] = ("sender.configuration",)) -> None:
    new = NewSubscription("native", url, tuple(topics), tuple(topics))
    await create_subscription(api.parts.services, OWNER, new)


async def make_senders(api: Running, wanted: int) -> list[Sender]:
    senders = [replace(a_sender(address=f"+1555{n:07}"), due_at=None) for n in range(wanted)]
    store, now = api.parts.services.senders, api.parts.services.clock.now()
    await asyncio.gather(*(store.insert(sender, CLOCK, now, None) for sender in senders))
    return senders


async def rename_often(api: Running, sender: Sender, times: int) -> None:
    store, clock = api.parts.services.senders, api.parts.services.clock
    for number in range(times):
        sender = await store.save(sender, replace(sender, friendly_name=f"Name {number}"), CLOCK, clock.now())


@dataclass(frozen=True)
class Arrivals:
    """What came to one subscription."""

    numbers: Sequence[tuple[str, int]]
    """Sender and number of the event, in the order of arrival."""

    @classmethod
    def at(cls, endpoint: Endpoint, path: str) -> "Arrivals":
        told = [json.loads(got.body)["data"] for got in endpoint.at(path)]
        return cls([(data["sender_id"], data["number"]) for data in told])

    @property
    def twice(self) -> int:
        return len(self.numbers) - len(set(self.numbers))

    def assert_in_order(self) -> None:
        first = list(dict.fromkeys(self.numbers))
        for sender in {sender for sender, _ in first}:
            mine = [number for of, number in first if of == sender]
            assert mine == sorted(mine)


async def all_is_delivered(dsn: str, wanted: int) -> None:
    async def look() -> dict[str, int]:
        try:
            database = await asyncpg.connect(dsn)
        except (OSError, asyncpg.PostgresError):
            return {}
        rows = await database.fetch("select state, count(*) as n from deliveries group by state")
        await database.close()
        return {row["state"]: row["n"] for row in rows}

    await eventually(look, lambda states: states == {"delivered": wanted}, seconds=60, pause=0.1)


SENDERS_MADE, TIMES, SUBSCRIPTIONS = 50, 40, 5


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_ten_thousand_deliveries_survive_killed_workers_and_a_restarted_database(
    tmp_path: Path, record_property: Callable[[str, object], None]
):
    wanted = SENDERS_MADE * TIMES * SUBSCRIPTIONS
    async with own_server(tmp_path / "server") as (dsn, server), listening() as endpoint:
        endpoint.answer(delay=0.005)
        async with running(dsn, tmp_path, works=False, master_key=MASTER_KEY) as api:
            for number in range(SUBSCRIPTIONS):
                await subscribe(api, f"{endpoint.url}/{number}")
            senders = await make_senders(api, SENDERS_MADE)
            await asyncio.gather(*(rename_often(api, sender, TIMES) for sender in senders))
        async with crew(dsn, tmp_path, lease_seconds=2, sweep_seconds=0.2, database_connections=6) as workers:
            for name in ("first", "second"):
                await workers.start(name, "worker")
            for number, name in enumerate(("first", "second"), 1):
                await endpoint.got(number * wanted // 5, seconds=60)
                assert workers.kill(name)
                await workers.start(f"after {name}", "worker")
            await endpoint.got(3 * wanted // 5, seconds=60)
            await server.aclose()
            await server.enter_async_context(embedded.running(tmp_path / "server"))
            await all_is_delivered(dsn, wanted)
            await workers.dismiss()
        arrived = [Arrivals.at(endpoint, f"/{number}") for number in range(SUBSCRIPTIONS)]

    for one in arrived:
        one.assert_in_order()
        assert len(set(one.numbers)) == SENDERS_MADE * TIMES, "none is lost"
    twice = sum(one.twice for one in arrived)
    record_property("delivered_twice", twice)
    line = f"{wanted:,} deliveries, two workers killed, the database restarted: {twice} were made twice"
    print(line)  # noqa: T201 - shown by -s
    assert twice <= 2 * SUBSCRIPTIONS * UNRECORDED


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_what_an_api_has_answered_is_delivered_though_it_is_killed_at_once(dsn: str, tmp_path: Path):
    numbers = [f"+1555010{n:04}" for n in range(1, 31)]
    async with listening() as endpoint, crew(dsn, tmp_path, sweep_seconds=0.2, database_connections=6) as members:
        async with running(dsn, tmp_path, works=False, master_key=MASTER_KEY) as api:
            await subscribe(api, f"{endpoint.url}/hook", topics=["sender.created"])
        await members.start("api", "api", port=0)
        address = await address_of(members, "api")
        answered = await create_until_killed(members, address, numbers, after=20)
        await members.start("worker", "worker", sandbox_url=address)
        await endpoint.got(len(answered), seconds=60)
        told = Counter(json.loads(got.body)["data"]["address"] for got in endpoint.requests)
    assert len(answered) >= 20
    assert set(answered) <= set(told) <= set(numbers)
    assert set(told.values()) == {1}


async def create_until_killed(members: Crew, address: str, numbers: Sequence[str], *, after: int) -> list[str]:
    """The numbers of the senders whose creation was answered."""
    answered: list[str] = []
    login = {"Authorization": aiohttp.encode_basic_auth(twilio_sid(SANDBOX_ACCOUNT), SANDBOX_TWILIO_TOKEN)}

    async def create(http: aiohttp.ClientSession, number: str) -> None:
        body = {"sender_id": f"whatsapp:{number}", "profile": {"name": "Example Parcels"}}
        try:
            async with http.post(address + SENDERS, json=body, headers=login) as response:
                assert response.status == 202
        except aiohttp.ClientConnectionError:
            return
        answered.append(number)
        if len(answered) == after:
            members.kill("api")

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(create(http, number) for number in numbers))
    return answered


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_a_receiver_that_was_away_for_a_day_misses_nothing(dsn: str, tmp_path: Path):
    """A day on the account's clock. The receiver comes back at the same port."""
    async with listening() as endpoint:
        url = endpoint.url
    async with running(dsn, tmp_path) as tabard:
        await subscribe(tabard, f"{url}/hook", topics=["sender.commented"])
        services = tabard.parts.services
        for sender in await make_senders(tabard, 3):
            for number in range(4):
                remark = commented(f"Remark {number}")
                await services.senders.tell(SANDBOX_ACCOUNT, sender.id, remark, CLOCK, services.clock.now())
        await tabard.advance(days=1)
        failed = await tabard.parts.pool.fetchval("select min(attempts) from deliveries")
        assert failed >= 6
        async with listening(int(url.rpartition(":")[2])) as endpoint:
            await tabard.advance(hours=12)
            await all_is_delivered(dsn, 12)
            arrived = Arrivals.at(endpoint, "/hook")
    # In whatever order: after a long wait nobody is held back any more.
    assert len(arrived.numbers) == len(set(arrived.numbers)) == 12
    assert await still_told(dsn) == []


async def still_told(dsn: str) -> list[str]:
    database = await asyncpg.connect(dsn)
    rows = await database.fetch("select url from subscriptions where not enabled or failing_since is not null")
    await database.close()
    return [row["url"] for row in rows]


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_ninety_nine_receivers_are_served_while_one_hangs(dsn: str, tmp_path: Path):
    """By counts: all that the others are to get arrives while the hung one has not let go of its first requests."""
    async with listening() as endpoint, running(dsn, tmp_path) as tabard:
        endpoint.answer(path="/hung", hang=True)
        for number in range(99):
            await subscribe(tabard, f"{endpoint.url}/{number}")
        await subscribe(tabard, f"{endpoint.url}/hung")
        senders = await make_senders(tabard, 20)
        for _ in range(2):
            senders = [await renamed(tabard, sender) for sender in senders]
            await endpoint.got(16, "/hung")
        await endpoint.got(99 * 40 + 16, seconds=60)
        assert endpoint.hanging == 16
        assert Counter(got.path for got in endpoint.requests) == {**{f"/{n}": 40 for n in range(99)}, "/hung": 16}
        endpoint.let_go()
        await all_is_delivered(dsn, 100 * 40)


async def renamed(tabard: Running, sender: Sender) -> Sender:
    services = tabard.parts.services
    stored = await services.senders.load(sender.account_id, sender.id, services.clock.now())
    assert isinstance(stored, Loaded)
    after = replace(stored.sender, friendly_name=f"{stored.sender.friendly_name}+")
    return await services.senders.save(stored.sender, after, CLOCK, services.clock.now())
