"""The emulated Meta's tasks, for `emulation.drain`: stages of numbers' lives, and webhooks.

A receiver that says anything but 200 hears a webhook again, less and less often, for seven days.
"""

from datetime import timedelta
from functools import partial
from uuid import UUID

from tabard.networks.emulation.calls import NoAnswer, call
from tabard.networks.emulation.drain import LEASE
from tabard.networks.emulation.races import until_saved
from tabard.networks.meta.emulator import events, life
from tabard.networks.meta.emulator.memory import scenes, tasks
from tabard.networks.meta.emulator.memory.tasks import Stage, Webhook
from tabard.networks.meta.emulator.network import Network
from tabard.networks.meta.emulator.state import TaskKind
from tabard.networks.meta.wire import SIGNATURE_HEADER

AT_ONCE_OF_ACCOUNT = 8

RETRIES = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 3600, 7200, 14400, 28800, 43200))
"""The pauses between attempts; the last one repeats. Meta says only that they grow."""
GIVE_UP_AFTER = timedelta(days=7)
"""In account time, counted from the event."""


class MetaTasks:
    network = "meta"
    webhooks_of_account = AT_ONCE_OF_ACCOUNT

    def __init__(self, network: Network) -> None:
        self._network = network

    async def claim_stages(self, room: int) -> list[Stage]:
        return await tasks.claim_stages(self._network.pool, self._network.clock.now(), LEASE, room)

    async def live(self, stage: Stage) -> None:
        await until_saved(partial(self._live, stage))

    async def _live(self, stage: Stage) -> None:
        network = self._network
        scene = await scenes.see(network.pool, network.clock.now(), stage.number_id or "", account_id=stage.account_id)
        number = scene.number if scene is not None else None
        rule = life.DUE[TaskKind(stage.kind)]
        change = rule(scene, number, stage.detail) if scene is not None and number is not None else None
        if scene is None or change is None:
            await tasks.strike(network.pool, stage.id)
        else:
            await network.save(scene, change, done=stage.id)

    async def claim_webhooks(self, room: int, *, passing_over: list[UUID], done: list[int]) -> list[Webhook]:
        now = self._network.clock.now()
        return await tasks.claim_webhooks(self._network.pool, now, LEASE, room, passing_over=passing_over, done=done)

    async def deliver(self, webhook: Webhook) -> int | None:
        if webhook.age > GIVE_UP_AFTER or await self._taken(webhook):
            return webhook.id
        pause = RETRIES[min(webhook.attempts, len(RETRIES) - 1)]
        await tasks.postpone(self._network.pool, webhook.id, self._network.clock.now() + pause)
        return None

    async def _taken(self, webhook: Webhook) -> bool:
        body = webhook.body.encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: events.signature(webhook.app_secret, body),
            "User-Agent": "facebookexternalua",
        }
        url = webhook.callback_url or self._network.callback_url(webhook.app_id)
        try:
            status, _ = await call(self._network.http, "POST", url, data=body, headers=headers)
        except NoAnswer:
            return False
        return status == 200
