"""A relay between workers and the emulated network, which sees every call and can act at either side of it."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

_EDGE = re.compile(r"\d+|[a-z0-9_]+_agent\b")
"""A path that ends with an id names the number, or the agent, itself."""
_PASSED_ON = ("Authorization", "Content-Type", "X-Goog-Signature", "X-Hub-Signature-256", "file_offset")


@dataclass(frozen=True)
class NetworkCall:
    """A worker's call, as it passes by. `done` is false on the way there and true on the way back."""

    worker: str
    token: str
    name: str
    done: bool


@dataclass
class Relay:
    """Each worker has an address of its own here, so that it is known who calls."""

    target: str
    watch: Callable[[NetworkCall], Awaitable[None]]
    http: aiohttp.ClientSession
    url: str = ""

    def address_for(self, worker: str) -> str:
        return f"{self.url}/{worker}"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        _, worker, path = request.rel_url.raw_path_qs.split("/", 2)
        body = await request.read()
        is_call = path.startswith("networks/")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        name = f"{request.method} {_EDGE.sub('it', request.path.rsplit('/', 1)[-1])}"
        if is_call:
            await self.watch(NetworkCall(worker, token, name, done=False))
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        async with self.http.request(request.method, f"{self.target}/{path}", data=body, headers=headers) as response:
            answer = web.Response(
                status=response.status, body=await response.read(), content_type=response.content_type
            )
        if is_call:
            await self.watch(NetworkCall(worker, token, name, done=True))
        return answer


@asynccontextmanager
async def relaying(target: str, watch: Callable[[NetworkCall], Awaitable[None]]) -> AsyncIterator[Relay]:
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        relay = Relay(target, watch, http)
        runner = web.ServerRunner(web.Server(relay.handle), shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            relay.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield relay
        finally:
            await runner.cleanup()
