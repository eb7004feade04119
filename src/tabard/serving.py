"""One process of the service: open the database, listen, work, and leave in good order when told to."""

import asyncio
import gc
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager

import uvicorn

from tabard.bootstrap import Service, database, service, working
from tabard.settings import Settings
from tabard.telemetry import log

Greet = Callable[[Settings, str], None]

_OPEN_FILES = 16_384


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
    told = _told_to_stop()
    async with AsyncExitStack() as stack:
        worker = settings.role == "worker"
        port = settings.worker_port if worker else settings.port
        listening = None if port is None else _listen(settings.host, port)
        answered = settings.port if worker or listening is None else listening.getsockname()[1]
        url = f"http://{_reachable(settings.host)}:{answered}"
        dsn = await stack.enter_async_context(database(settings))
        parts = await stack.enter_async_context(service(settings, dsn, url))
        _settle_in()
        if settings.role != "api":
            await stack.enter_async_context(working(parts.engine))
        log.info("service.started", role=settings.role)
        if listening is None:
            await told.wait()
        else:
            await _answer(parts, listening, told, lambda: None if worker else greet(settings, url))
    log.info("service.stopped", role=settings.role)


def _settle_in() -> None:
    """What has been loaded stays, so the collector of garbage need not look at it again; and it looks at the rest less
    often than in a short script: its default takes half of the time when some thousand requests are under way. Each
    of those is an open file, too."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _told_to_stop() -> asyncio.Event:
    """Set by SIGINT and SIGTERM, so that all is left in order: requests answered, steps saved, the database stopped."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


async def _answer(parts: Service, listening: socket.socket, told: asyncio.Event, ready: Callable[[], None]) -> None:
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
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    stopping = asyncio.create_task(told.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    parts.stopping.set()
    server.should_exit = True
    stopping.cancel()
    await serving


class _Server(uvicorn.Server):
    """Greets once it answers, and leaves the signals to us: uvicorn would raise them again when it has stopped, and end
    the process before the database is."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _listen(host: str, port: int) -> socket.socket:
    """Bound before anything else: the port is known then, and taken before a database is started for nothing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio switches Nagle's delay off only where it sees that.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port (or TABARD_PORT)"
        ) from None
    return listening


def _reachable(host: str) -> str:
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
