"""Somebody's endpoint for webhooks: it remembers what comes, and answers as it is told to."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Hit:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    url: str = ""
    hits: list[Hit] = field(default_factory=list)
    answers: deque[web.Response | Callable[[Hit], web.Response]] = field(default_factory=deque)
    """What to answer next; after the last, 200."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, nothing is answered."""
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.gate.set()

    def will(self, *statuses: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Answer the next requests so."""
        self.answers.extend(web.Response(status=status, body=body, headers=headers) for status in statuses)

    async def heard(self, number: int, *, seconds: float = 30) -> list[Hit]:
        """The requests, once there are so many."""
        async with asyncio.timeout(seconds), self._came:
            await self._came.wait_for(lambda: len(self.hits) >= number)
        return list(self.hits)

    async def until(self, holds: Callable[[list[Hit]], Any], *, seconds: float = 30) -> list[Hit]:
        async with asyncio.timeout(seconds), self._came:
            await self._came.wait_for(lambda: holds(self.hits))
        return list(self.hits)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        hit = Hit(request.method, request.path_qs, headers, await request.read())
        async with self._came:
            self.hits.append(hit)
            self._came.notify_all()
        await self.gate.wait()
        if not self.answers:
            return web.Response(status=200)
        answer = self.answers.popleft()
        return answer if isinstance(answer, web.Response) else answer(hit)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        receiver.gate.set()
        await runner.cleanup()
