"""The emulated network's parts in one bag, made once by `service` and handed to every call and every task."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import asyncpg
from yarl import URL

from tabard.networks.emulation.calls import NoAnswer, call
from tabard.networks.emulation.pace import Pace
from tabard.networks.meta.emulator import faults, pace
from tabard.networks.meta.emulator.memory import scenes
from tabard.networks.meta.emulator.pace import Stage
from tabard.networks.meta.emulator.state import Change, Notice, Realm, Scene, Waba
from tabard.ports.world import Clock


@dataclass(frozen=True, slots=True)
class Network:
    pool: asyncpg.Pool
    clock: Clock
    pace: Pace
    step: timedelta
    public_url: str
    callback_url: Callable[[str], str]
    wake: Callable[[], None]
    http: aiohttp.ClientSession

    def duration(self, stage: Stage) -> timedelta | None:
        return pace.duration(self.pace, self.step, stage)

    def callback(self, realm: Realm) -> str:
        """Where the app hears of everything but messages: as it chose, or at Tabard's own ingress."""
        return realm.callback_url or self.callback_url(realm.app_id)

    async def save(self, scene: Scene, change: Change, done: int | None = None) -> None:
        """Raises `Stale`."""
        if await scenes.save(self.pool, scene, change, done):
            self.wake()

    async def tell(self, scene: Scene, waba: Waba, notice: Notice) -> None:
        if await scenes.tell(self.pool, scene, waba, notice):
            self.wake()

    async def check_callback(self, url: str, verify_token: str) -> None:
        """Meta's own check of an address before it is taken. Raises `GraphFault`."""
        challenge = str(secrets.randbelow(10**10))
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
        try:
            target = URL(url).update_query(query)
            status, answer = await call(self.http, "GET", target, read=len(challenge) + 1)
        except (NoAnswer, ValueError) as error:
            cause = str(error) if isinstance(error, NoAnswer) else "ValueError"
            raise faults.callback_refused(f"The address did not answer ({cause}).") from None
        if status != 200:
            raise faults.callback_refused(f"HTTP Status Code = {status}")
        if answer.decode("utf-8", "replace").strip() != challenge:
            raise faults.callback_refused("The response was not the challenge.")
