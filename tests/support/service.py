"""A whole service in this process, on a loopback port: API, workers and emulated networks."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn

from tabard.app.accounts import (
    SANDBOX_ACCOUNT,
    SANDBOX_SINCH_KEY,
    SANDBOX_SINCH_PROJECT,
    SANDBOX_TWILIO_TOKEN,
    Secrets,
    create_account,
    twilio_sid,
)
from tabard.bootstrap import Service, service, working
from tabard.domain.account import AccountKind
from tabard.ports.world import Clock
from tabard.settings import Settings

SENDERS = "/v2/Channels/Senders"
_PATIENCE = 30.0


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Running:
    """A running service, and one account's way to talk to it."""

    url: str
    parts: Service
    http: aiohttp.ClientSession
    login: str = twilio_sid(SANDBOX_ACCOUNT)
    secret: str = SANDBOX_TWILIO_TOKEN
    sinch_project: str = SANDBOX_SINCH_PROJECT
    sinch_key: tuple[str, str] = SANDBOX_SINCH_KEY
    patience: float = _PATIENCE
    """Seconds to wait for what must come about."""

    async def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        sinch = path.startswith(("/v1/projects/", "/oauth2/"))
        login = self.sinch_key if sinch else (self.login, self.secret)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        async with self.http.request(
            method,
            self.url + path,
            data=data,
            headers={
                "Authorization": aiohttp.encode_basic_auth(*login),
                "Content-Type": "application/json",
                **(headers or {}),
            },
        ) as response:
            text = await response.read()
            return Reply(response.status, json.loads(text) if text else None, dict(response.headers))

    async def get(self, path: str) -> Any:
        reply = await self.call("GET", path)
        assert reply.status == 200, reply
        return reply.body

    async def post(self, path: str, body: Any = None) -> Any:
        reply = await self.call("POST", path, {} if body is None else body)
        assert reply.status in {200, 202, 204}, reply
        return reply.body

    async def create(self, number: str, **more: Any) -> Any:
        profile = {"name": "Example Parcels", **more.pop("profile", {})}
        return await self.post(SENDERS, {"sender_id": f"whatsapp:{number}", "profile": profile, **more})

    async def fetch(self, sid: str) -> Any:
        return await self.get(f"{SENDERS}/{sid}")

    async def code(self, number: str) -> str:
        """The newest one-time code on the phone, as a person would read it."""
        messages = (await self.get(f"/sandbox/v1/phones/{number}/messages"))["messages"]
        text: str = messages[-1]["text"]
        return "".join(c for c in text if c.isdigit())[:6]

    async def verify(self, sid: str, number: str) -> Any:
        return await self.post(f"{SENDERS}/{sid}", {"configuration": {"verification_code": await self.code(number)}})

    async def online(self, number: str, **more: Any) -> str:
        """The SID of a new sender that has gone online."""
        sid: str = (await self.create(number, **more))["sid"]
        await self.reaches(sid, "PENDING_VERIFICATION")
        await self.verify(sid, number)
        await self.reaches(sid, "ONLINE")
        return sid

    async def reaches(self, sid: str, status: str) -> Any:
        return await self.until(sid, lambda sender: sender["status"] == status, status)

    async def until(self, sid: str, holds: Callable[[dict[str, Any]], Any], what: str = "it") -> Any:
        """Poll, within bounds."""
        deadline = asyncio.get_running_loop().time() + self.patience
        while True:
            sender = await self.fetch(sid)
            if holds(sender):
                return sender
            assert asyncio.get_running_loop().time() < deadline, f"never saw {what}: {sender}"
            await asyncio.sleep(0.02)

    async def advance(self, **delta: float) -> None:
        seconds = sum(delta[unit] * size for unit, size in _UNITS.items() if unit in delta)
        await self.post("/sandbox/v1/clock/advance", {"seconds": seconds})

    async def account(self, name: str = "Another") -> "Running":
        """The same service as another sandbox account sees it."""
        return self.speaking(await create_account(self.parts.services, name, AccountKind.SANDBOX))

    def speaking(self, secrets: Secrets) -> "Running":
        """The same service as the account with these secrets sees it."""
        return replace(
            self,
            login=secrets.twilio_sid,
            secret=secrets.twilio_token,
            sinch_project=secrets.sinch_project,
            sinch_key=secrets.sinch_key,
        )


_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


@asynccontextmanager
async def running(
    dsn: str, data_dir: Path, *, clock: Clock | None = None, works: bool = True, **settings: Any
) -> AsyncIterator[Running]:
    quick: dict[str, Any] = {"sandbox_step_seconds": 0.01, "sweep_seconds": 0.2, "database_connections": 20}
    chosen = Settings(data_dir=data_dir, **{**quick, **settings})
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        parts = await stack.enter_async_context(service(chosen, dsn, url, clock=clock))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        await stack.enter_async_context(answering(parts, listening))
        if works:
            await stack.enter_async_context(working(parts.engine))
        yield Running(url, parts, http)


@asynccontextmanager
async def answering(parts: Service, listening: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(parts.asgi, loop="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    ticking = asyncio.create_task(server.main_loop())
    try:
        yield
    finally:
        server.should_exit = True
        await ticking
        await server.shutdown(sockets=[listening])
