"""The composition root: settings → parts → a running service. Nothing else chooses who fulfils a port."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import aiohttp
import asyncpg
from starlette.types import ASGIApp

from tabard.app.accounts import ensure_sandbox_account
from tabard.app.services import Services
from tabard.app.watchdog import report_stuck
from tabard.dialects.native.dialect import Native
from tabard.dialects.twilio.dialect import Twilio
from tabard.domain.account import AccountKind, Connection
from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import Sender, Trouble
from tabard.http import app as http_app
from tabard.http.limits import RateLimit
from tabard.networks.logo import LogoUnusable, load_logo
from tabard.networks.meta.client import MetaClient
from tabard.networks.meta.emulator.pace import Pace
from tabard.networks.meta.emulator.service import MetaEmulator
from tabard.networks.meta.listener import NETWORK, InboxLane, Listener
from tabard.networks.outbound import GuardedOutbound, guarded_session
from tabard.ports import Clock, Decision, Image, NetworkFault, Outbound, Vault
from tabard.settings import Settings
from tabard.storage import embedded, schema
from tabard.storage.accounts import PostgresAccounts
from tabard.storage.database import open_pool
from tabard.storage.inbox import PostgresInbox
from tabard.storage.senders import PostgresSenders
from tabard.storage.vault import AesVault, MasterKeyUnusable, kept_master_key, read_master_key, require_same_key
from tabard.workflows.engine import Engine, Waker
from tabard.workflows.reconcile import Reconcile
from tabard.workflows.whatsapp import Way, WhatsAppSteps

_WAY_KEPT_SECONDS = 5.0
_INBOX_KEPT_FOR = timedelta(days=30)


class WallClock:
    """Fulfils `tabard.ports.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that somebody runs: the HTTP surface, and the engine where this process works too."""

    services: Services
    asgi: ASGIApp
    waker: Waker
    engine: Engine
    pool: asyncpg.Pool


@asynccontextmanager
async def database(settings: Settings, *, join: bool = False) -> AsyncIterator[str]:
    """The DSN of the database: the configured one, or the embedded one, started and migrated.

    A short command may join the embedded one that a running service has started; a service may not: it would lose its
    database when the other one stops. Raises `EmbeddedDatabaseError`.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    running = await embedded.running_elsewhere(settings.data_dir) if join else None
    if running is not None:
        yield running
        return
    if not (settings.data_dir / "postgres").exists():
        # The first boot: while PostgreSQL makes its files, the other core gets ready to migrate.
        asyncio.get_running_loop().run_in_executor(None, schema.load_migrations)
    async with embedded.running(settings.data_dir) as dsn:
        await schema.migrate(dsn)
        yield dsn


def vault_of(settings: Settings) -> Vault:
    """Raises `MasterKeyUnusable`."""
    if settings.master_key is not None:
        return AesVault(read_master_key(settings.master_key.get_secret_value()))
    if settings.production:
        raise MasterKeyUnusable("TABARD_PRODUCTION=1 needs TABARD_MASTER_KEY; make one with `openssl rand -base64 32`")
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return AesVault(kept_master_key(settings.data_dir / "master.key"))


@asynccontextmanager
async def service(settings: Settings, dsn: str, own_url: str, *, clock: Clock | None = None) -> AsyncIterator[Service]:
    """Everything put together on a migrated database. `own_url` is where this process can be reached."""
    async with AsyncExitStack() as stack:
        pool, light = await _pools(settings, dsn, stack)
        await schema.require_current(pool)
        vault = vault_of(settings)
        await require_same_key(pool, vault)
        http = await stack.enter_async_context(_http_session())
        guarded = await stack.enter_async_context(guarded_session())
        outbound = GuardedOutbound(guarded)
        clock, sandbox_url = clock or WallClock(), settings.sandbox_url or own_url
        parts = _Parts(settings, pool, light, http, outbound, vault, clock=clock, sandbox_url=sandbox_url)
        if parts.services.sandbox is not None:
            await ensure_sandbox_account(parts.services)
        stack.push_async_callback(_cancelled, asyncio.create_task(parts.waker.run()))
        yield Service(parts.services, parts.asgi(), parts.waker, parts.engine(), pool)


@asynccontextmanager
async def working(engine: Engine) -> AsyncIterator[None]:
    """Run the engine during the block."""
    task = asyncio.create_task(engine.run())
    try:
        yield
    finally:
        engine.stop()
        await _cancelled(task)


@dataclass(frozen=True, slots=True)
class EmulatorLane:
    """What the emulated network does by itself, as a lane."""

    emulator: MetaEmulator
    name: str = "meta-emulator"

    async def drain(self) -> bool:
        await self.emulator.drain()
        return True

    async def next_due(self) -> datetime | None:
        return await self.emulator.next_task_due()


class _Parts:
    """One object a port, in the order in which they need each other."""

    def __init__(
        self,
        settings: Settings,
        pool: asyncpg.Pool,
        light: asyncpg.Pool,
        http: aiohttp.ClientSession,
        outbound: Outbound,
        vault: Vault,
        *,
        clock: Clock,
        sandbox_url: str,
    ) -> None:
        self.settings, self.pool, self.clock, self.outbound = settings, pool, clock, outbound
        # Wake-ups may be lost, and what the emulated network remembers matters only to senders saved afterwards.
        self.light = light
        self.waker = Waker(light)
        self.sandbox_graph = f"{sandbox_url}/networks/meta"
        self.emulator = None if settings.production else self._emulator(http, sandbox_url)
        self.inbox = PostgresInbox(pool)
        self.services = Services(
            senders=PostgresSenders(pool),
            accounts=PostgresAccounts(pool, vault, sandbox=not settings.production),
            clock=clock,
            vault=vault,
            sandbox=self.emulator,
            stuck_after=timedelta(seconds=settings.stuck_seconds),
            wake=partial(self.waker.wake, "reconcile"),
        )
        self.meta = MetaClient(
            http,
            clock,
            base_url=lambda way: way.base_url or settings.meta_url,
            version=settings.meta_version,
            time_out=timedelta(seconds=settings.meta_timeout_seconds),
        )
        self._ways: dict[AccountId, tuple[Way | None, float]] = {}

    def _emulator(self, http: aiohttp.ClientSession, sandbox_url: str) -> MetaEmulator:
        return MetaEmulator(
            self.light,
            self.clock,
            pace=Pace(self.settings.sandbox_pace),
            step=timedelta(seconds=self.settings.sandbox_step_seconds),
            public_url=self.sandbox_graph,
            callback_url=lambda app_id: f"{sandbox_url}/ingress/meta/{app_id}",
            wake=partial(self.waker.wake, "meta-emulator"),
            http=http,
        )

    def asgi(self) -> ASGIApp:
        if self.settings.role == "worker":
            return http_app.build_for_operators(self.missing)
        listener = Listener(self.inbox, self.ways, self.clock.now, partial(self.waker.wake, "inbox"))
        mounts = {} if self.emulator is None else {"/networks/meta": self.emulator.app}
        return http_app.build(
            [Twilio(time.monotonic), Native()],
            self.services,
            rate_limit=RateLimit(self.settings.requests_per_second, time.monotonic),
            public_url=self.settings.public_url,
            ready=self.missing,
            mounts=mounts,
            more_routes=listener.routes(),
        )

    def engine(self) -> Engine:
        steps = WhatsAppSteps(self.services, self.meta, self.way_of, self.logo)
        reconcile = Reconcile(self.services, {Channel.WHATSAPP: steps}, self.settings.lease)
        inbox = InboxLane(self.services, self.inbox, self.connected)
        return Engine(
            self.light,
            self.clock,
            self.waker,
            [reconcile, inbox, *([EmulatorLane(self.emulator)] if self.emulator else [])],
            {
                "watchdog": ("* * * * *", self.watch),
                "housekeeping": ("17 * * * *", self.keep_house),
            },
            timedelta(seconds=self.settings.sweep_seconds),
        )

    async def missing(self) -> str | None:
        """What keeps the service from being ready."""
        try:
            await schema.require_current(self.pool)
        except schema.SchemaBehind as behind:
            return str(behind)
        except Exception:  # noqa: BLE001 - a lost connection shows in many ways
            return "the database does not answer"
        return None

    async def watch(self) -> None:
        await report_stuck(self.services)

    async def keep_house(self) -> None:
        now = self.clock.now()
        await self.services.senders.forget_expired_keys(now)
        await self.inbox.forget(now - _INBOX_KEPT_FOR)
        await schema.trim_queue_log(self.pool)

    async def way_of(self, sender: Sender) -> Way | None:
        """Remembered for a few seconds: a batch of one account's senders asks once."""
        kept = self._ways.get(sender.account_id)
        if kept is not None and time.monotonic() < kept[1]:
            return kept[0]
        if len(self._ways) > 1000:
            self._ways.clear()
        account = await self.services.accounts.account(sender.account_id)
        connection = await self.services.accounts.connection(sender.account_id, NETWORK)
        if account.kind is AccountKind.LIVE:
            connection = connection or self.default_connection()
        elif self.emulator is None:
            connection = None
        elif connection is not None:
            connection = replace(connection, base_url=self.sandbox_graph)
        way = None if connection is None else Way(account.kind, connection)
        self._ways[sender.account_id] = (way, time.monotonic() + _WAY_KEPT_SECONDS)
        return way

    def default_connection(self) -> Connection | None:
        """The way into Meta of live accounts that have none of their own."""
        settings = self.settings
        if settings.meta_app_id is None or settings.meta_token is None:
            return None
        return Connection(
            app_id=settings.meta_app_id,
            app_secret=settings.meta_app_secret.get_secret_value() if settings.meta_app_secret else "",
            token=settings.meta_token.get_secret_value(),
            verify_token=settings.meta_verify_token.get_secret_value() if settings.meta_verify_token else "",
            business_account=settings.meta_business_account or "",
        )

    async def ways(self, app_id: str) -> list[Connection]:
        """How accounts speak through the app, as far as its webhooks' secrets go."""
        default = self.default_connection()
        own = [way for _, way in await self.services.accounts.connected_by(NETWORK, app_id)]
        return [*own, default] if default is not None and default.app_id == app_id else own

    async def connected(self, app_id: str) -> list[tuple[AccountId, Connection]]:
        ways = list(await self.services.accounts.connected_by(NETWORK, app_id))
        default = self.default_connection()
        if default is not None and default.app_id == app_id:
            ways += [(account_id, default) for account_id in await self.services.accounts.unconnected(NETWORK)]
        return ways

    async def logo(self, url: str, allow_private: bool) -> Image:
        try:
            return await load_logo(self.outbound, url, allow_private)
        except LogoUnusable as fault:
            text = f"profile.logo_url: {fault}"
            raise NetworkFault(Decision.GIVE_UP, Trouble.LOGO_UNUSABLE, text) from None


@asynccontextmanager
async def _http_session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=200, keepalive_timeout=30)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def _pools(settings: Settings, dsn: str, stack: AsyncExitStack) -> tuple[asyncpg.Pool, asyncpg.Pool]:
    """For what must be on disk when a statement returns, and for what need not be."""
    light_size = max(2, settings.database_connections // 3)
    name = f"tabard {settings.role}"
    pool = await open_pool(dsn, size=settings.database_connections - light_size, name=name)
    stack.push_async_callback(_close, pool)
    light = await open_pool(dsn, size=light_size, name=name, waits_for_disk=False)
    stack.push_async_callback(_close, light)
    return pool, light


async def _close(pool: asyncpg.Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), 5)
    except TimeoutError:
        pool.terminate()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
