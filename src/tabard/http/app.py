"""The whole HTTP surface: every dialect's routes, what operators ask for, and what is mounted beside them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from tabard.app.services import Services
from tabard.http import openapi
from tabard.http.docs_page import dialect_page, docs_page
from tabard.http.limits import RateLimit
from tabard.http.surface import Dialect, routes, unknown_path
from tabard.telemetry import metrics_page

Ready = Callable[[], Awaitable[str | None]]
"""None, or what is missing."""


def build(
    dialects: Sequence[Dialect],
    services: Services,
    *,
    rate_limit: RateLimit,
    public_url: str | None,
    ready: Ready,
    mounts: Mapping[str, ASGIApp],
    more_routes: Sequence[BaseRoute] = (),
    stopping: asyncio.Event,
) -> ASGIApp:
    """The last dialect answers paths that belong to none. `stopping` is set when answers that wait must end."""
    all_routes: list[BaseRoute] = []
    for dialect in dialects:
        all_routes += routes(dialect, services, rate_limit=rate_limit, public_url=public_url, stopping=stopping)
    all_routes += [*_operator_routes(ready), *_document_routes(dialects)]
    all_routes += more_routes
    all_routes += [Mount(path, app) for path, app in mounts.items()]
    unknown = [(dialect.prefix, unknown_path(dialect, services, rate_limit)) for dialect in dialects]

    async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].lower()
        answer = next((surface for prefix, surface in unknown if path.startswith(prefix)), unknown[-1][1])
        await answer(scope, receive, send)

    return Router(routes=all_routes, default=nothing_here, redirect_slashes=False)


def build_for_operators(ready: Ready) -> ASGIApp:
    """What a process answers that serves no dialect."""
    return Router(routes=_operator_routes(ready))


def _operator_routes(ready: Ready) -> list[BaseRoute]:
    async def healthz(_: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    async def readyz(_: Request) -> Response:
        missing = await ready()
        body = {"status": "ready"} if missing is None else {"status": "not ready", "reason": missing}
        return Response(orjson.dumps(body), 200 if missing is None else 503, media_type="application/json")

    async def metrics(_: Request) -> Response:
        return Response(metrics_page(), media_type="text/plain; version=0.0.4")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def _document_routes(dialects: Sequence[Dialect]) -> list[BaseRoute]:
    documents: dict[str, bytes] = {}

    async def docs(_: Request) -> Response:
        return HTMLResponse(docs_page(dialects))

    def document_of(dialect: Dialect) -> Callable[[Request], Awaitable[Response]]:
        async def document(_: Request) -> Response:
            if dialect.name not in documents:
                documents[dialect.name] = orjson.dumps(openapi.document(dialect))
            return Response(documents[dialect.name], media_type="application/json")

        return document

    def page_of(dialect: Dialect) -> Callable[[Request], Awaitable[Response]]:
        async def page(_: Request) -> Response:
            return HTMLResponse(dialect_page(dialect))

        return page

    return [
        Route("/", docs),
        Route("/docs", docs),
        *(Route(f"/docs/{dialect.name}", page_of(dialect)) for dialect in dialects),
        *(Route(f"/openapi/{dialect.name}.json", document_of(dialect)) for dialect in dialects),
    ]
