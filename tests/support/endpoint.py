"""A subscriber's endpoint that can be told to behave badly: it keeps what it got, and fails as it is told to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.patience import eventually

_CHUNK = b"x" * 65536


@dataclass(frozen=True)
class Got:
    """One request, as it came. Names of `headers` are found in any case."""

    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Answer:
    """How to answer: at first after `delay` seconds, then by what is set, if anything is."""

    path: str | None = None
    """None: every path."""
    times: int | None = None
    """None: from now on."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0
    hang: bool = False
    """Say nothing until `Endpoint.let_go`, then answer."""
    drop: bool = False
    """Close the connection without a word."""
    size: int = 0
    """That many bytes instead of the body."""
    drip: float = 0
    """One byte in so many seconds, without end."""
    cut: bool = False
    """Announce more than comes, and close the connection."""


@dataclass
class Endpoint:
    url: str = ""
    requests: list[Got] = field(default_factory=list)
    hanging: int = 0
    """Requests that wait to be let go."""
    most_at_once: int = 0
    _answers: list[Answer] = field(default_factory=list)
    _let_go: asyncio.Event = field(default_factory=asyncio.Event)
    _at_once: int = 0

    def answer(self, **how: object) -> None:
        """Answer so, as long as no earlier telling holds: see `Answer` for the words. At first, all is answered 200."""
        self._answers.append(Answer(**how))  # type: ignore[arg-type]

    def forget(self) -> None:
        """What was told and what was received."""
        self._answers.clear()
        self.requests.clear()

    def let_go(self) -> None:
        self._let_go.set()

    def at(self, path: str) -> list[Got]:
        return [got for got in self.requests if got.path == path]

    async def got(self, wanted: int, path: str | None = None, *, seconds: float = 30) -> list[Got]:
        """The requests, once there are so many."""

        async def look() -> list[Got]:
            return self.requests if path is None else self.at(path)

        return await eventually(look, lambda seen: len(seen) >= wanted, seconds=seconds)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(Got(request.method, request.path_qs, request.headers, await request.read()))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._respond(request, self._answer_for(request.path_qs))
        finally:
            self._at_once -= 1

    def _answer_for(self, path: str) -> Answer:
        for answer in self._answers:
            if answer.path in {None, path} and answer.times != 0:
                if answer.times is not None:
                    answer.times -= 1
                return answer
        return Answer()

    async def _respond(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        await asyncio.sleep(answer.delay)
        if answer.hang:
            self.hanging += 1
            await self._let_go.wait()
            self.hanging -= 1
        if answer.drop:
            _abort(request)
            return web.Response()
        if answer.size or answer.drip or answer.cut:
            return await self._stream(request, answer)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _stream(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        if answer.cut:
            response.content_length = 1000
        await response.prepare(request)
        if answer.cut:
            await response.write(b"half an ans")
            _abort(request)
            return response
        for start in range(0, answer.size, len(_CHUNK)):
            await response.write(_CHUNK[: answer.size - start])
        while answer.drip:
            await response.write(b".")
            await asyncio.sleep(answer.drip)
        return response


def _abort(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


@asynccontextmanager
async def listening(port: int = 0) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    runner = web.ServerRunner(web.Server(endpoint.handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield endpoint
    finally:
        endpoint.let_go()
        await runner.cleanup()
