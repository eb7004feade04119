"""The emulated Google's tasks, for `emulation.drain`: agents for which something is due, and webhooks.

One webhook of a partner is on its way at a time, in the order of its queue. A receiver that says anything but 200 hears
it again, less and less often, and what is behind it waits.
"""

import base64
from datetime import timedelta
from functools import partial
from uuid import UUID

import orjson

from tabard.networks.emulation.calls import NoAnswer, call
from tabard.networks.emulation.drain import LEASE
from tabard.networks.emulation.races import until_saved
from tabard.networks.google.emulator import events, life
from tabard.networks.google.emulator.memory import agents, webhooks
from tabard.networks.google.emulator.memory.agents import DueAgent
from tabard.networks.google.emulator.memory.webhooks import Webhook
from tabard.networks.google.emulator.network import Network
from tabard.networks.google.wire import SIGNATURE_HEADER, WEBHOOK_TYPE_HEADER

RETRIES = tuple(timedelta(seconds=seconds) for seconds in (10, 20, 40, 80, 160, 320, 600))
"""The pauses between attempts; the last one repeats. Google says only that they grow to 600 seconds."""
GIVE_UP_AFTER = timedelta(days=7)
"""In account time, counted from the event."""


class GoogleTasks:
    network = "google"
    webhooks_of_account = 1

    def __init__(self, network: Network) -> None:
        self._network = network

    async def claim_stages(self, room: int) -> list[DueAgent]:
        now = self._network.clock.now()
        return await agents.claim_due(self._network.pool, now, now + LEASE, room)

    async def live(self, stage: DueAgent) -> None:
        await until_saved(partial(self._live, stage))

    async def _live(self, stage: DueAgent) -> None:
        seen = await self._network.see(stage.account_id, stage.agent_id)
        if seen is not None:
            scene, agent = seen
            await self._network.save(scene, life.advance(agent, scene.now, self._network.rhythm))

    async def claim_webhooks(self, room: int, *, passing_over: list[UUID], done: list[int]) -> list[Webhook]:
        now = self._network.clock.now()
        return await webhooks.claim(self._network.pool, now, now + LEASE, room, passing_over=passing_over, done=done)

    async def deliver(self, webhook: Webhook) -> int | None:
        if webhook.age > GIVE_UP_AFTER or await self._taken(webhook):
            return webhook.id
        pause = RETRIES[min(webhook.attempts, len(RETRIES) - 1)]
        await webhooks.postpone(self._network.pool, webhook.id, self._network.clock.now() + pause)
        return None

    async def _taken(self, webhook: Webhook) -> bool:
        data = base64.b64decode(orjson.loads(webhook.body)["message"]["data"])
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: events.signature(webhook.client_token, data),
            WEBHOOK_TYPE_HEADER: "agent_callback",
        }
        url = webhook.url or self._network.callback_url(webhook.partner_id)
        try:
            status, _ = await call(self._network.http, "POST", url, data=webhook.body.encode(), headers=headers)
        except NoAnswer:
            return False
        return status == 200
