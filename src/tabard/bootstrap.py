"""The composition root: settings → parts → a running service. Nothing else chooses who fulfils a port."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import aiohttp
import asyncpg
from starlette.types import ASGIApp

from tabard.app.accounts import ensure_sandbox_account
from tabard.app.services import Sandbox, Services
from tabard.app.watchdog import report_stuck
from tabard.dialects.native.dialect import Native
from tabard.dialects.native.webhooks import NativeFormat
from tabard.dialects.sinch.dialect import Sinch
from tabard.dialects.sinch.webhooks.form import SinchFormat
from tabard.dialects.twilio.dialect import Twilio
from tabard.domain.lifecycle import Channel
from tabard.http import app as http_app
from tabard.http.limits import RateLimit
from tabard.networks.emulation.pace import Pace
from tabard.networks.google import listener as google_listener
from tabard.networks.google.client import GoogleClient
from tabard.networks.google.emulator.service import GoogleEmulator
from tabard.networks.inbox import InboxLane, Reader
from tabard.networks.lookups import Lookups
from tabard.networks.meta import listener as meta_listener
from tabard.networks.meta.client import MetaClient
from tabard.networks.meta.emulator.service import MetaEmulator
from tabard.networks.outbound import GuardedOutbound, guarded_session
from tabard.networks.pictures import GuardedPictures
from tabard.ports.networks import RcsNetwork, WhatsAppNetwork
from tabard.ports.world import Clock, Vault
from tabard.settings import Settings
from tabard.storage import embedded, schema
from tabard.storage.accounts import PostgresAccounts
from tabard.storage.database import open_pool
from tabard.storage.inbox import PostgresInbox
from tabard.storage.senders.store import PostgresSenders
from tabard.storage.vault import AesVault, MasterKeyUnusable, kept_master_key, read_master_key, require_same_key
from tabard.storage.webhooks import retention
from tabard.storage.webhooks.feed import PostgresFeed
from tabard.storage.webhooks.queue import PostgresDeliveries
from tabard.storage.webhooks.subscriptions import PostgresSubscriptions
from tabard.ways import Ways
from tabard.workflows.engine import Engine, Waker
from tabard.workflows.rcs import RcsSteps
from tabard.workflows.reconcile import Reconcile, Step
from tabard.workflows.webhooks.deliveries import DeliveryLanes
from tabard.workflows.whatsapp import WhatsAppSteps

E = TypeVar("E", MetaEmulator, GoogleEmulator)

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
    stopping: asyncio.Event
    """To be set before the surface is told to end: answers that wait then end by themselves."""


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
        outbound = GuardedOutbound(guarded, resolve=Lookups())
        clock, sandbox_url = clock or WallClock(), settings.sandbox_url or own_url
        await retention.prepare(pool, clock.now())
        parts = _Parts(settings, pool, light, http, outbound, vault, clock=clock, sandbox_url=sandbox_url)
        if parts.services.sandbox is not None:
            await ensure_sandbox_account(parts.services)
        stack.push_async_callback(_cancelled, asyncio.create_task(parts.waker.run()))
        yield Service(parts.services, parts.asgi(), parts.waker, parts.engine(), pool, parts.stopping)


@asynccontextmanager
async def working(engine: Engine) -> AsyncIterator[None]:
    """Run the engine during the block."""
    task = asyncio.create_task(engine.run())
    try:
        yield
    finally:
        await engine.stop()
        await _cancelled(task)


@dataclass(frozen=True, slots=True)
class EmulatorLane:
    """What an emulated network does by itself, as a lane."""

    emulator: MetaEmulator | GoogleEmulator
    name: str

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
        outbound: GuardedOutbound,
        vault: Vault,
        *,
        clock: Clock,
        sandbox_url: str,
    ) -> None:
        self.settings, self.pool, self.clock, self.outbound = settings, pool, clock, outbound
        # Wake-ups may be lost, and what the emulated network remembers matters only to senders saved afterwards.
        self.light = light
        self.stopping = asyncio.Event()
        self.waker = Waker(light)
        self.wake_lanes = partial(self.waker.wake, "deliveries")
        self.http, self.sandbox_url = http, sandbox_url
        self.emulators: dict[str, MetaEmulator | GoogleEmulator] = {}
        sandbox = None if settings.production else self._sandbox()
        self.inbox = PostgresInbox(pool)
        accounts = PostgresAccounts(pool, vault, sandbox=not settings.production)
        self.ways = Ways(accounts, settings, {name: self._emulation_url(name) for name in self.emulators})
        self.services = Services(
            senders=PostgresSenders(pool, self.wake_lanes),
            accounts=accounts,
            clock=clock,
            vault=vault,
            sandbox=sandbox,
            whatsapp=self._meta(),
            rcs=self._google(),
            way=self.ways.way,
            pictures=GuardedPictures(outbound),
            outbound=outbound,
            subscriptions=PostgresSubscriptions(pool),
            feed=PostgresFeed(pool),
            stuck_after=timedelta(seconds=settings.stuck_seconds),
            wake=partial(self.waker.wake, "reconcile"),
            wake_lanes=self.wake_lanes,
        )

    def _meta(self) -> WhatsAppNetwork:
        return MetaClient(
            self.http,
            self.clock,
            base_url=lambda way: way.base_url or self.settings.meta_url,
            version=self.settings.meta_version,
            time_out=timedelta(seconds=self.settings.meta_timeout_seconds),
        )

    def _google(self) -> RcsNetwork:
        urls = (self.settings.google_management_url, self.settings.google_messaging_url)
        return GoogleClient(
            self.http,
            self.clock,
            base_url=lambda way: (way.base_url, way.base_url) if way.base_url else urls,
            callback_url=lambda way: self._ingress_url("google", way.app_id, live=way.base_url is None),
            time_out=timedelta(seconds=self.settings.google_timeout_seconds),
        )

    def _ingress_url(self, network: str, app_id: str, *, live: bool) -> str | None:
        """Where the network is to tell us: an emulated one wherever we are, a real one only where it can reach us."""
        base = self.settings.public_url if live else self.sandbox_url
        return None if base is None else f"{base}/ingress/{network}/{app_id}"

    def _emulation_url(self, network: str) -> str:
        return f"{self.sandbox_url}/networks/{network}"

    def _sandbox(self) -> Sandbox:
        meta, google = self._emulator(MetaEmulator, "meta"), self._emulator(GoogleEmulator, "google")
        self.emulators = {"meta": meta, "google": google}
        return Sandbox(meta, google)

    def _emulator(self, kind: type[E], network: str) -> E:
        return kind(
            self.light,
            self.clock,
            pace=Pace(self.settings.sandbox_pace),
            step=timedelta(seconds=self.settings.sandbox_step_seconds),
            public_url=self._emulation_url(network),
            callback_url=lambda app_id: f"{self.sandbox_url}/ingress/{network}/{app_id}",
            wake=partial(self.waker.wake, f"{network}-emulator"),
            http=self.http,
        )

    def asgi(self) -> ASGIApp:
        if self.settings.role == "worker":
            return http_app.build_for_operators(self.missing)
        awake = partial(self.waker.wake, "inbox")
        meta = meta_listener.Listener(self.inbox, partial(self.ways.speaking, "meta"), self.clock.now, awake)
        google = google_listener.Listener(self.inbox, partial(self.ways.speaking, "google"), self.clock.now, awake)
        return http_app.build(
            [Twilio(time.monotonic), Sinch(time.monotonic), Native()],
            self.services,
            rate_limit=RateLimit(self.settings.requests_per_second, time.monotonic),
            public_url=self.settings.public_url,
            ready=self.missing,
            mounts={f"/networks/{name}": emulator.app for name, emulator in self.emulators.items()},
            more_routes=[*meta.routes(), *google.routes()],
            stopping=self.stopping,
        )

    def engine(self) -> Engine:
        services, ways = self.services, self.ways
        steps: dict[Channel, Step] = {
            Channel.WHATSAPP: WhatsAppSteps(services, services.whatsapp),
            Channel.RCS: RcsSteps(services, services.rcs),
        }
        readers: dict[str, Reader] = {
            "meta": meta_listener.Notices(services, partial(ways.connected, "meta")).read,
            "google": google_listener.Notices(services, partial(ways.connected, "google")).read,
        }
        deliveries = DeliveryLanes(
            PostgresDeliveries(self.pool),
            self.outbound,
            {"native": NativeFormat(), "sinch": SinchFormat()},
            services.vault,
            self.clock,
            lease=self.settings.lease,
        )
        emulated = [EmulatorLane(emulator, f"{name}-emulator") for name, emulator in self.emulators.items()]
        return Engine(
            self.light,
            self.clock,
            self.waker,
            [
                Reconcile(services, steps, self.settings.lease),
                deliveries,
                InboxLane(self.clock, self.inbox, readers),
                *emulated,
            ],
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
        await self.services.accounts.forget_expired_tokens(now)
        await self.inbox.forget(now - _INBOX_KEPT_FOR)
        await schema.trim_queue_log(self.pool)
        await retention.forget(self.pool, now, timedelta(days=self.settings.deliveries_kept_days))


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
