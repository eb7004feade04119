"""One process of the service: open the database, listen, work, and leave in good order when told to."""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack

import uvicorn

from tabard.bootstrap import Service, database, service, working
from tabard.settings import Settings
from tabard.telemetry import log

Greet = Callable[[Settings, str], None]


class CannotListen(Exception):
    pass


def run(settings: Settings, greet: Greet) -> None:
    """Serve until SIGINT or SIGTERM."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, greet))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - there is none on some platforms
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _serve(settings: Settings, greet: Greet) -> None:
    async with AsyncExitStack() as stack:
        listening = None if settings.role == "worker" else _listen(settings)
        port = settings.port if listening is None else listening.getsockname()[1]
        url = f"http://{_reachable(settings.host)}:{port}"
        dsn = await stack.enter_async_context(database(settings))
        parts = await stack.enter_async_context(service(settings, dsn, url))
        if settings.role != "api":
            await stack.enter_async_context(working(parts.engine))
        if listening is None:
            await _work_until_told(settings)
        else:
            await _answer_until_told(settings, parts, listening, lambda: greet(settings, url))


async def _answer_until_told(
    settings: Settings, parts: Service, listening: socket.socket, ready: Callable[[], None]
) -> None:
    config = uvicorn.Config(
        parts.asgi,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=5,
        backlog=2048,
    )
    server = _Server(config, ready)
    log.info("service.starting", role=settings.role)
    await server.serve(sockets=[listening])
    log.info("service.stopped", role=settings.role)


class _Server(uvicorn.Server):
    """Greets once it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


async def _work_until_told(settings: Settings) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    log.info("service.starting", role=settings.role)
    await told.wait()
    log.info("service.stopped", role=settings.role)


def _listen(settings: Settings) -> socket.socket:
    """Bound before anything else: the port is known then, and taken before a database is started for nothing."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; "
            "choose another with --port (or TABARD_PORT)"
        ) from None
    return listening


def _reachable(host: str) -> str:
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
