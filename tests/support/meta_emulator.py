"""A world with an emulated Meta in it: accounts, a Graph client of the least kind, and a receiver for webhooks."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import asyncpg
import httpx
from aiohttp import web
from starlette.applications import Starlette
from starlette.routing import Mount

from tabard.domain.account import Connection
from tabard.domain.ids import AccountId, new_account_id
from tabard.networks.emulation.pace import Pace
from tabard.networks.meta.emulator.service import MetaEmulator
from tests.support.clock import FakeClock

HOST = "http://emulator.test"
ROOT = f"{HOST}/networks/meta/v25.0"
PIN = "482913"


@dataclass(frozen=True, slots=True)
class Received:
    body: bytes
    headers: dict[str, str]

    @property
    def entry(self) -> dict[str, Any]:
        entry: dict[str, Any] = json.loads(self.body)["entry"][0]
        return entry

    @property
    def change(self) -> tuple[str, dict[str, Any]]:
        change = self.entry["changes"][0]
        return change["field"], change["value"]


@dataclass(slots=True)
class Receiver:
    """An app's callback: answers Meta's check, keeps what it is told, fails as often as it is asked to."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    failures: int = 0
    verify_token: str = ""
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            right = request.query.get("hub.verify_token") == self.verify_token
            return web.Response(text=request.query["hub.challenge"] if right else "no", status=200 if right else 403)
        self.received.append(Received(await request.read(), {k.lower(): v for k, v in request.headers.items()}))
        self.heard.set()
        if self.failures > 0:
            self.failures -= 1
            return web.Response(status=500)
        return web.Response()

    @property
    def changes(self) -> list[tuple[str, dict[str, Any]]]:
        return [received.change for received in self.received]

    def values(self, name: str) -> list[dict[str, Any]]:
        return [value for changed, value in self.changes if changed == name]


@dataclass(slots=True)
class Realm:
    """One account's view of the emulated network."""

    world: "World"
    account_id: AccountId
    connection: Connection

    async def call(self, method: str, path: str, *, token: str | None = None, **arguments: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.connection.token}", **arguments.pop("headers", {})}
        return await self.world.http.request(method, f"{ROOT}/{path}", headers=headers, **arguments)

    async def get(self, path: str, **query: Any) -> Any:
        return self._fine(await self.call("GET", path, params=query))

    async def post(self, path: str, **body: Any) -> Any:
        return self._fine(await self.call("POST", path, json=body))

    async def refused(self, method: str, path: str, **body: Any) -> tuple[int, int, int | None]:
        """HTTP status, code and subcode of a refusal."""
        if method == "GET":
            return refusal_in(await self.call(method, path, params=body))
        return refusal_in(await self.call(method, path, json=body))

    @property
    def waba(self) -> str:
        return self.connection.business_account

    @property
    def app_token(self) -> str:
        return f"{self.connection.app_id}|{self.connection.app_secret}"

    async def add(self, digits: str, name: str = "Acme", **body: Any) -> str:
        answer = await self.post(
            f"{self.waba}/phone_numbers", cc=digits[:1], phone_number=digits[1:], verified_name=name, **body
        )
        return str(answer["id"])

    async def code_of(self, digits: str) -> str:
        texts = await self.world.emulator.inbox(self.account_id, f"+{digits}")
        found = re.findall(r"(\d{3})-(\d{3})", texts[-1].text)
        return "".join(found[-1])

    async def verified(self, digits: str, name: str = "Acme") -> str:
        number = await self.add(digits, name)
        await self.post(f"{number}/request_code", code_method="SMS", language="en_US")
        await self.post(f"{number}/verify_code", code=await self.code_of(digits))
        return number

    async def connected(self, digits: str, name: str = "Acme", *, subscribe: bool = False) -> str:
        if subscribe:
            await self.post(f"{self.waba}/subscribed_apps")
        number = await self.verified(digits, name)
        await self.register(number)
        return number

    async def register(self, number: str, pin: str = PIN) -> None:
        await self.post(f"{number}/register", messaging_product="whatsapp", pin=pin)
        await self.world.settle()

    async def field_of(self, number: str, name: str) -> Any:
        return (await self.get(number, fields=name)).get(name)

    async def advance(self, **delta: float) -> None:
        """Move the account's clock as the service does: the offset, then the tasks."""
        by = timedelta(**delta)
        await self.world.pool.execute(
            "update accounts set clock_offset = clock_offset + $2 where id = $1", self.account_id, by
        )
        await self.world.emulator.shift(self.account_id, by)
        await self.world.settle()

    @staticmethod
    def _fine(response: httpx.Response) -> Any:
        assert response.status_code == 200, response.text
        return response.json()


@dataclass(slots=True)
class World:
    pool: asyncpg.Pool
    clock: FakeClock
    receiver: Receiver
    outgoing: aiohttp.ClientSession
    emulator: MetaEmulator
    http: httpx.AsyncClient
    wakes: list[None] = field(default_factory=list)

    async def realm(self) -> Realm:
        """A new account, opened."""
        account_id = new_account_id()
        await self.pool.execute(
            "insert into accounts (id, name, kind, created_at) values ($1, 'test', 'sandbox', $2)",
            account_id,
            self.clock.now(),
        )
        return Realm(self, account_id, await self.emulator.open_account(account_id))

    async def settle(self) -> None:
        """Let the network finish what takes it a moment: a second passes, all that is due then happens."""
        self.clock.advance(seconds=1)
        await self.emulator.drain()


def refusal_in(response: httpx.Response) -> tuple[int, int, int | None]:
    assert response.status_code >= 400, response.text
    error = response.json()["error"]
    assert error["message"]
    assert error["type"] in {"OAuthException", "GraphMethodException"}
    assert error["fbtrace_id"] == response.headers["x-fb-trace-id"]
    assert isinstance(error["is_transient"], bool)
    return response.status_code, error["code"], error.get("error_subcode")


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def emulating(
    pool: asyncpg.Pool, *, pace: Pace = Pace.INSTANT, step: timedelta = timedelta(milliseconds=200)
) -> AsyncIterator[World]:
    async with receiving() as receiver, aiohttp.ClientSession() as outgoing:
        clock = FakeClock()
        wakes: list[None] = []
        emulator = MetaEmulator(
            pool,
            clock,
            pace=pace,
            step=step,
            public_url=f"{HOST}/networks/meta",
            callback_url=lambda app_id: f"{receiver.url}/{app_id}",
            wake=lambda: wakes.append(None),
            http=outgoing,
        )
        mounted = Starlette(routes=[Mount("/networks/meta", app=emulator.app)])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(mounted)) as http:
            yield World(pool, clock, receiver, outgoing, emulator, http, wakes)
