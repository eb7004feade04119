"""A world with an emulated Google in it: accounts, a client of the least kind, and a receiver for webhooks."""

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import httpx
from aiohttp import web
from google.auth import crypt, jwt
from starlette.applications import Starlette
from starlette.routing import Mount

from tabard.domain.account import Connection
from tabard.domain.ids import AccountId, new_account_id
from tabard.networks.emulation.pace import Pace
from tabard.networks.google.emulator.service import GoogleEmulator
from tabard.networks.google.wire import MANAGEMENT_SCOPE, MESSAGING_SCOPE
from tests.support.clock import FakeClock

ROOT = "http://emulator.test/networks/google"
API = f"{ROOT}/v1"

DETAILS = {
    "description": "Delivery notices from Acme",
    "logoUri": "https://cdn.example.com/logo224.png",
    "heroUri": "https://cdn.example.com/hero1440x448.jpg",
    "color": "#0B3D91",
    "phoneNumbers": [{"phoneNumber": {"number": "+15550100001"}, "label": "Support"}],
    "emails": [{"address": "care@example.com", "label": "Mail"}],
    "websites": [{"uri": "https://example.com", "label": "Site"}],
    "privacy": {"uri": "https://example.com/privacy", "label": "Privacy"},
    "termsConditions": {"uri": "https://example.com/terms", "label": "Terms"},
    "billingConfig": {"billingCategory": "NON_CONVERSATIONAL"},
    "agentUseCase": "TRANSACTIONAL",
    "hostingRegion": "EUROPE",
}
CONTACT = {
    "partnerName": "Relay Ltd",
    "partnerEmailAddress": "ops@relay.example.com",
    "brandContactName": "Ana Sousa",
    "brandContactEmailAddress": "ana@example.com",
    "brandWebsiteUrl": "https://example.com",
}
QUESTIONNAIRE = {
    "contacts": [{"name": "Ana", "title": "PM", "email": "ana@example.com"}],
    "triggerDescription": "Parcel scan",
    "interactionsDescription": "Notices, rescheduling",
    "optoutDescription": "Confirmation after STOP",
    "agentAccessInstructions": "Text START from a test number",
}
ORANGE, SFR, FREE = (f"/v1/regions/{carrier}-france" for carrier in ("orange", "sfr", "free"))
"""The first of France's carriers, the second, and one that Google manages."""
EE = "/v1/regions/ee-united-kingdom"


@dataclass(frozen=True, slots=True)
class Received:
    body: bytes
    headers: dict[str, str]

    @property
    def envelope(self) -> dict[str, Any]:
        envelope: dict[str, Any] = json.loads(self.body)
        return envelope

    @property
    def data(self) -> bytes:
        return base64.b64decode(self.envelope["message"]["data"])

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.data)
        return event


@dataclass(slots=True)
class Receiver:
    """A webhook: answers Google's check, keeps what it is told, fails as often as it is asked to, hangs while held."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    checks: list[dict[str, str]] = field(default_factory=list)
    answer: str = "{secret}"
    """What it says to a check."""
    failures: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        received = Received(await request.read(), {k.lower(): v for k, v in request.headers.items()})
        if "secret" in received.envelope:
            self.checks.append({**received.envelope, "type": received.headers["x-goog-webhook-type"]})
            return web.Response(text=self.answer.replace("{secret}", received.envelope["secret"]))
        self.received.append(received)
        self.heard.set()
        await self.free.wait()
        if self.failures > 0:
            self.failures -= 1
            return web.Response(status=500)
        return web.Response()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [received.event for received in self.received]

    @property
    def moves(self) -> list[tuple[str, str, str]]:
        """Region, old and new state of every event."""
        return [(event["regionId"], event["oldLaunchState"], event["newLaunchState"]) for event in self.events]


@dataclass(slots=True)
class Partner:
    """One account's view of the emulated network."""

    world: "World"
    account_id: AccountId
    connection: Connection
    token: str = ""

    @property
    def key_file(self) -> dict[str, str]:
        key_file: dict[str, str] = json.loads(self.connection.token)
        return key_file

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.world.clock.now().timestamp())
        claims = {
            "iss": self.key_file["client_email"],
            "scope": f"{MANAGEMENT_SCOPE} {MESSAGING_SCOPE}",
            "aud": self.key_file["token_uri"],
            "iat": now,
            "exp": now + 3600,
        }
        return claims | changes

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        signer = crypt.RSASigner.from_service_account_info(self.key_file)
        return str(jwt.encode(signer, claims, header), "ascii")

    async def sign_in(self, **claims: Any) -> httpx.Response:
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": self.signed(self.claims(**claims)),
        }
        response = await self.world.http.post(self.key_file["token_uri"], data=form)
        if response.status_code == 200:
            self.token = response.json()["access_token"]
        return response

    async def call(self, method: str, path: str, *, token: str | None = None, **arguments: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token}", **arguments.pop("headers", {})}
        return await self.world.http.request(method, f"{API}/{path}", headers=headers, **arguments)

    async def get(self, path: str, **query: Any) -> Any:
        return fine(await self.call("GET", path, params=query))

    async def post(self, path: str, **body: Any) -> Any:
        return fine(await self.call("POST", path, json=body))

    async def patch(self, path: str, mask: str, **body: Any) -> Any:
        return fine(await self.call("PATCH", path, params={"updateMask": mask}, json=body))

    async def delete(self, path: str, **query: Any) -> Any:
        return fine(await self.call("DELETE", path, params=query))

    async def refused(self, method: str, path: str, **body: Any) -> tuple[int, str]:
        """HTTP status and google.rpc code of a refusal."""
        if method in {"GET", "DELETE"}:
            return refusal_in(await self.call(method, path, params=body))
        return refusal_in(await self.call(method, path, json=body))

    # the way to a launched agent

    async def brand(self, name: str = "Acme Parcels") -> str:
        return str((await self.post("brands", displayName=name))["name"])

    async def agent(self, name: str = "Acme Parcels", brand: str | None = None, **changes: Any) -> str:
        brand = brand or await self.brand()
        body = {"displayName": name, "rcsBusinessMessagingAgent": {**deepcopy(DETAILS), **changes}}
        return str((await self.post(f"{brand}/agents", **body))["name"])

    async def put_up(self, name: str = "Acme Parcels", *regions: str) -> str:
        """An agent whose verification and launch are requested."""
        agent = await self.agent(name)
        await self.post(f"{agent}:requestVerification", agentVerificationContact=CONTACT)
        await self.request_launch(agent, *regions)
        return agent

    async def request_launch(self, agent: str, *regions: str) -> Any:
        return await self.post(f"{agent}:requestLaunch", **launch_of(*(regions or (ORANGE,))))

    async def launched(self, name: str = "Acme Parcels", *regions: str) -> str:
        agent = await self.put_up(name, *regions)
        await self.world.settle()
        return agent

    async def states(self, agent: str) -> dict[str, str]:
        """Of the launch, by region, without prefix."""
        launch = await self.get(f"{agent}/launch")
        details = launch["rcsBusinessMessaging"].get("launchDetails", {})
        return {region: row["launchState"].removeprefix("LAUNCH_STATE_") for region, row in details.items()}

    async def state(self, agent: str, region: str = ORANGE) -> str:
        return (await self.states(agent))[region]

    async def verified_as(self, agent: str) -> str:
        state: str = (await self.get(f"{agent}/verification"))["verificationState"]
        return state.removeprefix("VERIFICATION_STATE_")

    async def invite(self, agent: str, address: str) -> Any:
        return await self.post("testers", agentId=id_of(agent), phoneNumber=address)

    async def capabilities(self, agent: str, address: str) -> httpx.Response:
        query = {"requestId": str(uuid.uuid4()), "agentId": id_of(agent)}
        return await self.call("GET", f"phones/{address}/capabilities", params=query)

    async def advance(self, **delta: float) -> None:
        """Move the account's clock as the service does: the offset, then the tasks."""
        by = timedelta(**delta)
        await self.world.pool.execute(
            "update accounts set clock_offset = clock_offset + $2 where id = $1", self.account_id, by
        )
        await self.world.emulator.shift(self.account_id, by)
        await self.world.settle()

    async def next_due(self) -> timedelta | None:
        due = await self.world.emulator.next_due(self.account_id)
        return None if due is None else due - self.world.clock.now()


@dataclass(slots=True)
class World:
    pool: asyncpg.Pool
    clock: FakeClock
    receiver: Receiver
    emulator: GoogleEmulator
    http: httpx.AsyncClient
    wakes: list[None] = field(default_factory=list)

    async def account(self) -> AccountId:
        account_id = new_account_id()
        await self.pool.execute(
            "insert into accounts (id, name, kind, created_at) values ($1, 'test', 'sandbox', $2)",
            account_id,
            self.clock.now(),
        )
        return account_id

    async def partner(self) -> Partner:
        """A new account, opened and signed in."""
        account_id = await self.account()
        partner = Partner(self, account_id, await self.emulator.open_account(account_id))
        fine(await partner.sign_in())
        return partner

    async def settle(self) -> None:
        """Let the network finish what takes it a moment: two seconds pass, and all that is due meanwhile happens."""
        for _ in range(4):
            self.clock.advance(seconds=0.5)
            await self.emulator.drain()


def id_of(agent: str) -> str:
    return agent.rpartition("/")[2]


def launch_of(*regions: str, **changes: Any) -> dict[str, Any]:
    questionnaire = {**QUESTIONNAIRE, **changes}
    details: dict[str, Any] = {region: {} for region in regions}
    return {"agentLaunch": {"rcsBusinessMessaging": {"questionnaire": questionnaire, "launchDetails": details}}}


def fine(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()


def refusal_in(response: httpx.Response) -> tuple[int, str]:
    assert response.status_code >= 400, response.text
    error = response.json()["error"]
    assert error.keys() <= {"code", "message", "status", "details"}
    assert error["code"] == response.status_code
    assert error["message"]
    assert all(detail["@type"].startswith("type.googleapis.com/google.rpc.") for detail in error.get("details", ()))
    return response.status_code, error["status"]


def violations_in(response: httpx.Response) -> set[str]:
    """The fields that a refusal names."""
    assert refusal_in(response) == (400, "INVALID_ARGUMENT")
    rows = [row for detail in response.json()["error"]["details"] for row in detail.get("fieldViolations", ())]
    assert all(row["description"] for row in rows)
    return {row["field"] for row in rows}


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    receiver.free.set()
    runner = web.ServerRunner(web.Server(receiver.handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
        yield receiver
    finally:
        receiver.free.set()
        await runner.cleanup()


@asynccontextmanager
async def emulating(
    pool: asyncpg.Pool,
    *,
    pace: Pace = Pace.INSTANT,
    step: timedelta = timedelta(milliseconds=200),
    start: datetime | None = None,
    public_url: str = ROOT,
) -> AsyncIterator[World]:
    async with receiving() as receiver, aiohttp.ClientSession() as outgoing:
        clock = FakeClock() if start is None else FakeClock(start)
        wakes: list[None] = []
        emulator = GoogleEmulator(
            pool,
            clock,
            pace=pace,
            step=step,
            public_url=public_url,
            callback_url=lambda partner_id: f"{receiver.url}/{partner_id}",
            wake=lambda: wakes.append(None),
            http=outgoing,
        )
        mounted = Starlette(routes=[Mount("/networks/google", app=emulator.app)])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(mounted)) as http:
            yield World(pool, clock, receiver, emulator, http, wakes)
