"""The emulated Meta: a Graph API to be mounted, a drain to be run, and what the sandbox's user can do to it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp
import asyncpg

from tabard.domain.account import Connection
from tabard.domain.errors import InvalidInput, NotFound
from tabard.domain.ids import AccountId
from tabard.domain.sender import Quality
from tabard.networks.emulation.drain import drain
from tabard.networks.emulation.pace import Pace
from tabard.networks.emulation.races import until_saved
from tabard.networks.meta.emulator import events, life
from tabard.networks.meta.emulator.graph.numbers import new_number
from tabard.networks.meta.emulator.graph.surface import Surface
from tabard.networks.meta.emulator.memory import numbers, realms, scenes
from tabard.networks.meta.emulator.memory import tasks as task_memory
from tabard.networks.meta.emulator.network import Network
from tabard.networks.meta.emulator.state import TIERS, Change, Number, Scene
from tabard.networks.meta.emulator.tasks import MetaTasks
from tabard.ports.emulations import EmulatedWhatsApp, PhoneMessage
from tabard.ports.world import Clock

SIGNUP_CODE_LIFE = timedelta(seconds=30)
_COLOURS = {Quality.HIGH: "GREEN", Quality.MEDIUM: "YELLOW", Quality.LOW: "RED", Quality.UNKNOWN: "UNKNOWN"}


class MetaEmulator:
    """`public_url` is where clients reach `app`, mount path included; `callback_url` tells, for an app, where Tabard
    takes its webhooks; `wake` is called after a task was added, so that somebody calls `drain` soon."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: Clock,
        *,
        pace: Pace,
        step: timedelta,
        public_url: str,
        callback_url: Callable[[str], str],
        wake: Callable[[], None],
        http: aiohttp.ClientSession,
    ) -> None:
        self._network = Network(pool, clock, pace, step, public_url, callback_url, wake, http)
        self._pool = pool
        self.app = Surface(self._network)

    async def drain(self) -> None:
        """Run every task that is due, until none is."""
        await drain(MetaTasks(self._network))

    async def next_task_due(self) -> datetime | None:
        """Wall time, across accounts."""
        return await task_memory.next_due(self._pool)

    # the sandbox's controls (tabard.ports.EmulatedWhatsApp)

    async def open_account(self, account_id: AccountId) -> Connection:
        app_id, app_secret, verify_token, waba_id = await realms.open_realm(
            self._pool, account_id, self._network.clock.now()
        )
        return Connection(app_id, app_secret, realms.system_token(app_secret), verify_token, waba_id)

    async def reset(self, account_id: AccountId) -> None:
        await realms.reset(self._pool, account_id)

    async def shift(self, account_id: AccountId, by: timedelta) -> None:
        await task_memory.shift(self._pool, account_id, by)
        self._network.wake()

    async def next_due(self, account_id: AccountId) -> datetime | None:
        return await task_memory.next_due(self._pool, account_id)

    async def inbox(self, account_id: AccountId, address: str) -> Sequence[PhoneMessage]:
        received = await realms.texts(self._pool, account_id, _digits(address))
        return [PhoneMessage(text.sender, text.body, at) for text, at in received]

    async def sign_up(self, account_id: AccountId, address: str, display_name: str) -> tuple[str, str]:
        """What the last digits say of adding a number, and the number cap, hold for the API alone."""
        scene = await self._scene(account_id, "")
        scene = await self._scene(account_id, scene.realm.waba_id)
        await numbers.add(self._pool, scene, new_number(scene, _digits(address), display_name))
        await self._change(account_id, address, life.proved)
        number = (await numbers.holders(self._pool, account_id, _digits(address)))[0]
        return number.waba_id or scene.realm.waba_id, number.id

    async def decide_name(self, account_id: AccountId, address: str, *, approved: bool, reason: str | None) -> None:
        def decide(_scene: Scene, number: Number) -> Change:
            change = life.name_decided(number, approved=approved, reason=reason)
            if change is None:
                raise NotFound(f"no display name of {address} is in review")
            return change

        await self._change(account_id, address, decide)

    async def ban(self, account_id: AccountId, address: str) -> None:
        await self._change(account_id, address, life.banned)

    async def lift_ban(self, account_id: AccountId, address: str) -> None:
        await self._change(account_id, address, life.reinstated)

    async def set_quality(self, account_id: AccountId, address: str, quality: Quality) -> None:
        await self._change(account_id, address, lambda scene, number: life.rated(scene, number, _COLOURS[quality]))

    async def set_messaging_limit(self, account_id: AccountId, limit: int) -> None:
        if limit not in TIERS.values():
            steps = ", ".join(str(step) for step in TIERS.values())
            raise InvalidInput("messaging_limit", f"must be one of Meta's steps: {steps}")
        _check_found(await realms.set_limit(self._pool, account_id, limit))
        await self._tell_capability(account_id)

    async def set_number_cap(self, account_id: AccountId, cap: int | None) -> None:
        _check_found(await realms.set_cap(self._pool, account_id, cap))
        await self._tell_capability(account_id)

    async def fail_next(self, account_id: AccountId, count: int, *, status: int, code: int) -> None:
        _check_found(await realms.set_faults(self._pool, account_id, count, status, code))

    # controls beyond the port, for people who drive the emulator with other clients

    async def add_business_account(self, account_id: AccountId, name: str, *, shared: bool = False) -> str:
        """Another WhatsApp Business Account in the account's realm: its own, or a client's shared with it."""
        scene = await self._scene(account_id, "")
        return await realms.add_waba(self._pool, account_id, name, shared=shared, at=scene.now)

    async def issue_token(self, account_id: AccountId, scopes: Sequence[str]) -> str:
        scene = await self._scene(account_id, "")
        return await realms.add_token(self._pool, account_id, list(scopes), scene.now)

    async def issue_signup_code(self, account_id: AccountId) -> str:
        """What Embedded Signup hands to the browser: good once, for 30 seconds, for a business token."""
        scene = await self._scene(account_id, "")
        scopes = [realms.MANAGEMENT, realms.MESSAGING]
        return await realms.add_signup_code(self._pool, account_id, scopes, scene.now + SIGNUP_CODE_LIFE)

    async def set_webhook_chaos(
        self, account_id: AccountId, *, drop: bool = False, duplicate: bool = False, shuffle: bool = False
    ) -> None:
        """From now on lose the account's webhooks, send each twice, or delay each by up to two seconds."""
        _check_found(await realms.set_chaos(self._pool, account_id, drop=drop, duplicate=duplicate, shuffle=shuffle))

    async def _scene(self, account_id: AccountId, object_id: str) -> Scene:
        scene = await scenes.see(self._pool, self._network.clock.now(), object_id, account_id=account_id)
        if scene is None:
            raise NotFound("the account has no emulated WhatsApp business")
        return scene

    async def _change(
        self, account_id: AccountId, address: str, rule: Callable[[Scene, Number], Change | None]
    ) -> None:
        async def attempt() -> None:
            number_id = await numbers.find(self._pool, account_id, _digits(address))
            scene = await self._scene(account_id, number_id) if number_id is not None else None
            if scene is None or scene.number is None:
                raise NotFound(f"the emulated WhatsApp business does not hold {address}")
            change = rule(scene, scene.number)
            if change is not None:
                await self._network.save(scene, change)

        await until_saved(attempt)

    async def _tell_capability(self, account_id: AccountId) -> None:
        scene = await self._scene(account_id, "")
        for waba in await realms.wabas(self._pool, account_id):
            await self._network.tell(scene, waba, events.capability_changed(scene.realm))


if TYPE_CHECKING:
    _: type[EmulatedWhatsApp] = MetaEmulator


def _digits(address: str) -> str:
    return address.removeprefix("+")


def _check_found(found: bool) -> None:
    if not found:
        raise NotFound("the account has no emulated WhatsApp business")
