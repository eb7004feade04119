"""Two processes that answer and two that work, on one database: nobody is lost, nobody is done twice."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from pydantic import SecretStr

from tabard.app.accounts import Secrets, create_account
from tabard.bootstrap import service
from tabard.domain.account import AccountKind
from tabard.settings import Settings
from tests.support.patience import eventually
from tests.support.processes import MASTER_KEY, Crew, crew
from tests.support.service import SENDERS

CUSTOMERS, SENDERS_OF_EACH = 5, 100
SENDERS_MADE = CUSTOMERS * SENDERS_OF_EACH
CALLERS = 4
NUMBERS = [f"+1555011{n:04}" for n in range(1000, 1000 + SENDERS_OF_EACH)]
"""The same for each customer. None of them ends as a chosen outcome does."""
PATIENCE = 150.0


async def address_of(members: Crew, name: str) -> str:
    said = await eventually(
        lambda: asyncio.to_thread(members.said, name), lambda text: "answers on" in text, seconds=60
    )
    found = re.search(r"answers on\s+(http://[0-9.:]+)", said)
    assert found is not None
    return found[1]


class Customer:
    """Calls one API process and then the other, turn by turn."""

    def __init__(self, http: aiohttp.ClientSession, addresses: Sequence[str], secrets: Secrets) -> None:
        self._http, self._addresses, self._turn = http, addresses, 0
        self._login = {"Authorization": aiohttp.encode_basic_auth(secrets.twilio_sid, secrets.twilio_token)}
        self._room = asyncio.Semaphore(CALLERS)

    async def call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        self._turn += 1
        address = self._addresses[self._turn % len(self._addresses)] + path
        async with self._room, self._http.request(method, address, json=body, headers=self._login) as response:
            assert response.status in {200, 202}, await response.text()
            answer: dict[str, object] = await response.json()
            return answer

    async def create(self, number: str) -> str:
        body = {"sender_id": f"whatsapp:{number}", "profile": {"name": "Example Parcels"}}
        return str((await self.call("POST", SENDERS, body))["sid"])

    async def verify(self, number: str, sid: str) -> None:
        messages = (await self.call("GET", f"/sandbox/v1/phones/{number}/messages"))["messages"]
        assert isinstance(messages, list)
        code = re.sub(r"\D", "", messages[-1]["text"])[:6]
        await self.call("POST", f"{SENDERS}/{sid}", {"configuration": {"verification_code": code}})

    async def with_status(self, status: str) -> set[str]:
        """The SIDs of all that have the status."""
        listed = await self.call("GET", f"{SENDERS}?Channel=whatsapp&PageSize=1000")
        senders = listed["senders"]
        assert isinstance(senders, list)
        return {sender["sid"] for sender in senders if sender["status"] == status}


async def go_online(customer: Customer) -> set[str]:
    sids = dict(zip(NUMBERS, await asyncio.gather(*(customer.create(number) for number in NUMBERS)), strict=True))
    left = {sid: number for number, sid in sids.items()}

    async def verify_who_waits() -> dict[str, str]:
        ready = await customer.with_status("PENDING_VERIFICATION") & left.keys()
        await asyncio.gather(*(customer.verify(left.pop(sid), sid) for sid in ready))
        return left

    try:
        await eventually(verify_who_waits, lambda left: not left, seconds=PATIENCE, pause=0.3)
    except AssertionError:
        listed = await customer.call("GET", f"{SENDERS}?Channel=whatsapp&PageSize=1000")
        raise RuntimeError(repr(Counter((s["status"], repr(s["offline_reasons"])) for s in listed["senders"]))) from None
    everybody = set(sids.values())
    return await eventually(
        lambda: customer.with_status("ONLINE"), lambda there: there == everybody, seconds=PATIENCE, pause=0.3
    )


async def accounts(dsn: str, directory: Path) -> list[Secrets]:
    settings = Settings(data_dir=directory, master_key=SecretStr(MASTER_KEY))
    async with service(settings, dsn, "http://127.0.0.1:9") as parts:
        return [await create_account(parts.services, f"{n}", AccountKind.SANDBOX) for n in range(CUSTOMERS)]


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_five_hundred_senders_go_online_once_each(dsn: str, tmp_path: Path):
    async with crew(dsn, tmp_path, sandbox_step_seconds=0.05, database_connections=10) as members:
        for name in ("api1", "api2"):
            await members.start(name, "api", port=0)
        customers = await accounts(dsn, tmp_path)
        addresses = [await address_of(members, name) for name in ("api1", "api2")]
        for name, address in zip(("worker1", "worker2"), addresses, strict=True):
            await members.start(name, "worker", sandbox_url=address)
        async with aiohttp.ClientSession() as http:
            online = await asyncio.gather(*(go_online(Customer(http, addresses, each)) for each in customers))
        assert len(set().union(*online)) == SENDERS_MADE
        await assert_all_is_told(dsn)
        await members.dismiss()
        assert "Traceback" not in "".join(members.said(name) for name in members.members)


async def assert_all_is_told(dsn: str) -> None:
    database = await asyncpg.connect(dsn)
    try:
        held = await database.fetch("select digits, connection, cardinality(registrations) n from sandbox.meta_numbers")
        assert Counter(f"+{row['digits']}" for row in held) == dict.fromkeys(NUMBERS, CUSTOMERS)
        assert {(row["connection"], row["n"]) for row in held} == {("CONNECTED", 1)}
        codes = await database.fetchval("select count(*) from sandbox.meta_texts")
        assert codes == SENDERS_MADE, "one code for each"
        told = await database.fetch(
            "select array_agg(after->>'status' order by number) filter (where type = 'sender.status') as way, "
            "count(*) filter (where type = 'sender.created') as created, "
            "count(*) filter (where type = 'sender.online') as online from events group by sender_id"
        )
        assert len(told) == SENDERS_MADE
        ways = {(*row["way"], row["created"], row["online"]) for row in told}
        assert ways == {("pending_verification", "verifying", "online", 1, 1)}
        due = "select count(*) from senders where due_at <= now()"
        await eventually(lambda: database.fetchval(due), lambda left: left == 0)
    finally:
        await database.close()
