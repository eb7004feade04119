"""The way of every request: authenticate → limit → read → use case → render; and the one place where errors end.

A dialect is a table of operations plus three things only it knows: how its callers prove themselves, how its errors
look, and which headers all its answers carry. Routes, OpenAPI documents, coverage pages and the authorisation tests are
made from that table. Handlers hold no `try`: whatever they raise reaches `Surface.__call__`, which asks the dialect to
render it; what nobody expected becomes the dialect's own "internal error", is logged, and tells the caller nothing.

An operation that *waits* may keep its caller for long, and may answer bit by bit. It is told by `Call.ended` when
nobody waits for it any more: the caller has gone away, or the process is about to stop.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl

from pydantic import BaseModel
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from tabard.app.services import Services
from tabard.domain.account import Principal
from tabard.http.errors import BodyIncomplete, BodyTooLarge, MethodNotAllowed, RouteNotFound
from tabard.http.limits import RateLimit
from tabard.telemetry import log, observe_request

BODY_LIMIT = 1024 * 1024
_DISCARDED = 32 * 1024 * 1024
"""How much of a body that is too large is read and thrown away, so that the client hears the answer."""
_BODY_SECONDS = 30.0

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request."""

    principal: Principal
    path: Mapping[str, str]
    query: Mapping[str, str]
    """Of a name that comes more than once, the last value."""
    query_pairs: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    base_url: str
    """Scheme and authority as the client wrote them, or the configured public address."""
    ended: asyncio.Event
    """Set when nobody waits for the answer any more. Of the caller's leaving only an operation that waits hears."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    stream: AsyncGenerator[bytes, None] | None = None
    """Sent bit by bit in place of a body; the headers must say what it is."""


Handler = Callable[[Services, Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of a dialect's table. `name` is the vendor's own, `path` has its placeholders in braces."""

    name: str
    method: str
    path: str
    handler: Handler
    summary: str
    status: int
    request: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    media_type: str = "application/json"
    """Of the request's body."""
    waits: bool = False
    """It may keep its caller for long. Only for a GET: the caller's leaving shows where a body would come."""


@dataclass(frozen=True, slots=True)
class Documentation:
    """What a dialect's pages say beyond its table of operations."""

    version: str
    """Of the vendor's API."""
    security: Mapping[str, Mapping[str, str]]
    """OpenAPI security schemes; any one of them will do."""
    error: type[BaseModel]
    """The body of every error."""
    faults: Sequence[tuple[int, str, str]] = ()
    """HTTP status, code, when."""
    path_patterns: Mapping[str, str] = field(default_factory=dict)
    """Regular expressions of path parameters, by name."""
    tables: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """More codes worth a table, by heading."""
    not_offered: Mapping[str, str] = field(default_factory=dict)
    """What the vendor has and this service has not, with what happens instead."""


class Dialect(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def operations(self) -> Sequence[Operation]: ...
    @property
    def prefix(self) -> str | tuple[str, ...]:
        """Every path that starts with it, or with one of them (in any case) is answered in this dialect, known or
        not."""

    @property
    def documentation(self) -> Documentation: ...

    async def authenticate(self, services: Services, headers: Mapping[str, str], path: Mapping[str, str]) -> Principal:
        """Who calls; `path` has the path's parameters. Raises `Unauthenticated`."""

    def render(self, error: Exception, path: str) -> Answer: ...

    def common_headers(self) -> tuple[tuple[str, str], ...]:
        """Headers for every answer; called once for each."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request of an operation that waits."""

    ended: asyncio.Event
    place: ExitStack
    """Holds, until the answer is sent, the account's place among those that wait."""


@dataclass(slots=True)
class Surface:
    """One path of a dialect, as an ASGI application."""

    dialect: Dialect
    services: Services
    rate_limit: RateLimit
    public_url: str | None
    stopping: asyncio.Event
    operations: dict[str, Operation] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = self.operations.get(scope["method"])
        if operation is None or not operation.waits:
            await self._serve(operation, scope, receive, send, None)
            return
        with ExitStack() as place:
            async with _watched(receive, self.stopping) as ended:
                await self._serve(operation, scope, receive, send, _Waiting(ended, place))

    async def _serve(
        self, operation: Operation | None, scope: Scope, receive: Receive, send: Send, waiting: _Waiting | None
    ) -> None:
        started = time.perf_counter()
        try:
            if operation is None and scope["method"] == "OPTIONS" and self.operations:
                answer = Answer(204, headers=(("Allow", ", ".join((*self.operations, "OPTIONS"))),))
            else:
                answer = await self._answer(operation, scope, receive, waiting)
        except Exception as error:  # noqa: BLE001 - the boundary: nothing may pass it unrendered
            answer = self.dialect.render(error, scope["path"])
            if answer.status >= 500:
                log.exception("request.failed", dialect=self.dialect.name, path=scope["path"], method=scope["method"])
        await _send(send, answer, self.dialect.common_headers())
        observe_request(
            self.dialect.name, operation.name if operation else "none", answer.status, time.perf_counter() - started
        )
        if answer.stream is not None:
            await self._send_on(answer.stream, scope, send)

    async def _answer(
        self, operation: Operation | None, scope: Scope, receive: Receive, waiting: _Waiting | None
    ) -> Answer:
        if not self.operations:
            raise RouteNotFound(scope["path"])
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        principal = await self.dialect.authenticate(self.services, headers, scope.get("path_params", {}))
        if operation is None:
            raise MethodNotAllowed(scope["method"], tuple(self.operations))
        self.rate_limit.take(principal.account_id)
        body = await _read_body(headers, receive) if scope["method"] not in {"GET", "DELETE"} else b""
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        base_url = self.public_url or _base_url(scope, headers)
        ended = self.stopping
        if waiting is not None:
            waiting.place.enter_context(self.rate_limit.waiting(principal.account_id))
            ended = waiting.ended
        call = Call(principal, scope["path_params"], dict(pairs), pairs, headers, body, base_url, ended)
        return await operation.handler(self.services, call)

    async def _send_on(self, stream: AsyncGenerator[bytes, None], scope: Scope, send: Send) -> None:
        """The rest of an answer that comes bit by bit. What fails now can only end it."""
        try:
            async with aclosing(stream):
                async for part in stream:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        except Exception:  # noqa: BLE001 - the boundary, as above
            log.exception("request.failed", dialect=self.dialect.name, path=scope["path"], method=scope["method"])
        await send({"type": "http.response.body", "body": b""})


def routes(
    dialect: Dialect,
    services: Services,
    *,
    rate_limit: RateLimit,
    public_url: str | None,
    stopping: asyncio.Event,
) -> Sequence[BaseRoute]:
    """One route a path, and a last one that answers every other path under the dialect's prefix with its own 404."""
    surfaces: dict[str, Surface] = {}
    for operation in dialect.operations:
        surface = surfaces.setdefault(operation.path, Surface(dialect, services, rate_limit, public_url, stopping))
        surface.operations[operation.method] = operation
    return [Route(path, surface) for path, surface in surfaces.items()]


def unknown_path(dialect: Dialect, services: Services, rate_limit: RateLimit) -> Surface:
    """Answers in the dialect that there is nothing here."""
    return Surface(dialect, services, rate_limit, None, asyncio.Event())


@asynccontextmanager
async def _watched(receive: Receive, stopping: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """Set when the client goes away or the process stops; for a request whose body nobody reads."""
    ended = asyncio.Event()

    async def client_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def watch() -> None:
        looks = {asyncio.create_task(client_gone()), asyncio.create_task(stopping.wait())}
        try:
            await asyncio.wait(looks, return_when=asyncio.FIRST_COMPLETED)
            ended.set()
        finally:
            for look in looks:
                look.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield ended
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _base_url(scope: Scope, headers: Mapping[str, str]) -> str:
    host = headers.get("host", "")
    if not _HOST.fullmatch(host):
        server = scope.get("server") or ("127.0.0.1", 80)
        host = f"{server[0]}:{server[1]}"
    return f"{scope['scheme']}://{host}"


async def _read_body(headers: Mapping[str, str], receive: Receive) -> bytes:
    """The whole body. One that is too large is read to its end (within bounds) before it is refused."""
    declared = headers.get("content-length", "0")
    too_large = declared.isdigit() and int(declared) > BODY_LIMIT
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyIncomplete("the client closed the connection before its request was complete")
                chunk = message.get("body", b"")
                size += len(chunk)
                too_large = too_large or size > BODY_LIMIT
                if too_large:
                    chunks.clear()
                else:
                    chunks.append(chunk)
                if size > _DISCARDED or not message.get("more_body", False):
                    break
    except TimeoutError:
        raise BodyIncomplete(f"the request body did not arrive within {_BODY_SECONDS:.0f} seconds") from None
    if too_large:
        raise BodyTooLarge(BODY_LIMIT)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _send(send: Send, answer: Answer, common: tuple[tuple[str, str], ...]) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (*common, *answer.headers)]
    if answer.body:
        headers.append((b"content-type", b"application/json; charset=utf-8"))
    if answer.stream is None and answer.status not in {204, 304}:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.stream is None:
        await send({"type": "http.response.body", "body": answer.body})
