"""Doing what is due: stages of numbers' lives, and webhooks.

Two lanes run side by side, so that a slow receiver holds up nobody's life. A stage is struck in the statement that
saves its effect, so it takes effect once, however often it is run. A webhook is struck, with the next claim, after its
receiver has said 200, so it arrives at least once; a receiver that says anything else hears it again, less and less
often, for seven days.
No account may fill the webhook lane: one whose receiver hangs leaves room for the others.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from uuid import UUID

import aiohttp
from yarl import URL

from tabard.networks.meta.emulator import events, life
from tabard.networks.meta.emulator.memory import scenes, tasks
from tabard.networks.meta.emulator.memory.scenes import Stale
from tabard.networks.meta.emulator.memory.tasks import Stage, Webhook
from tabard.networks.meta.emulator.network import CALLBACK_SECONDS, Network
from tabard.networks.meta.emulator.state import TaskKind
from tabard.networks.meta.wire import SIGNATURE_HEADER
from tabard.telemetry import log

AT_ONCE = 16
AT_ONCE_OF_ACCOUNT = 8
LEASE = timedelta(seconds=60)
"""Longer than any task takes: then whoever claimed it is dead."""

RETRIES = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 3600, 7200, 14400, 28800, 43200))
"""The pauses between attempts; the last one repeats. Meta says only that they grow."""
GIVE_UP_AFTER = timedelta(days=7)
"""In account time, counted from the event."""
GLANCE = 0.25
"""Seconds after which a drain that waits for slow receivers looks what else has become due."""
_TRIES = 50

_Running = asyncio.Task[int | None]


async def drain(network: Network) -> None:
    """Run every task that is due until none is. May run in many processes at once.

    What becomes due meanwhile is run too, even while a receiver takes its time.
    """
    stages: set[_Running] = set()
    webhooks: dict[_Running, UUID] = {}
    done: list[int] = []
    try:
        while True:
            for stage in await _due_stages(network, AT_ONCE - len(stages)):
                stages.add(asyncio.create_task(_guarded(_live(network, stage), stage.kind)))
            await _start_webhooks(network, webhooks, done)
            if not stages and not webhooks:
                return
            finished, _ = await asyncio.wait({*stages, *webhooks}, timeout=GLANCE, return_when=asyncio.FIRST_COMPLETED)
            done = [struck for task in finished if (struck := task.result()) is not None]
            stages -= finished
            webhooks = {task: account for task, account in webhooks.items() if task not in finished}
    finally:
        for task in (*stages, *webhooks):
            task.cancel()
        await asyncio.gather(*stages, *webhooks, return_exceptions=True)


async def _due_stages(network: Network, free: int) -> list[Stage]:
    return await tasks.claim_stages(network.pool, network.clock.now(), LEASE, free) if free else []


async def _start_webhooks(network: Network, running: dict[_Running, UUID], done: list[int]) -> None:
    """Start what is due and has room; `done` are struck."""
    while done or len(running) < AT_ONCE:
        counts = Counter(running.values())
        full = [account for account, count in counts.items() if count >= AT_ONCE_OF_ACCOUNT]
        busiest = max((count for count in counts.values() if count < AT_ONCE_OF_ACCOUNT), default=0)
        room = min(AT_ONCE - len(running), AT_ONCE_OF_ACCOUNT - busiest)
        claimed = await tasks.claim_webhooks(
            network.pool, network.clock.now(), LEASE, room, passing_over=full, done=done
        )
        for webhook in claimed:
            running[asyncio.create_task(_guarded(_deliver(network, webhook), "webhook"))] = webhook.account_id
        if len(claimed) < room:
            return
        done = []


async def _guarded(work: Coroutine[None, None, int | None], kind: str) -> int | None:
    """One task's failure is not another's: it is told, the lease ends, and the task runs again."""
    try:
        return await work
    except Exception:  # noqa: BLE001 - the boundary of one task
        log.exception("emulator.task_failed", network="meta", kind=kind)
        return None


async def _live(network: Network, stage: Stage) -> None:
    rule = life.DUE[TaskKind(stage.kind)]
    for _ in range(_TRIES):
        scene = await scenes.see(network.pool, network.clock.now(), stage.number_id or "", account_id=stage.account_id)
        number = scene.number if scene is not None else None
        change = rule(scene, number, stage.detail) if scene is not None and number is not None else None
        if scene is None or change is None:
            await tasks.strike(network.pool, stage.id)
            return
        try:
            await network.save(scene, change, done=stage.id)
        except Stale:
            continue
        return


async def _deliver(network: Network, webhook: Webhook) -> int | None:
    """The webhook's id if nothing is left to do for it."""
    if webhook.age > GIVE_UP_AFTER:
        return webhook.id
    body = webhook.body.encode()
    url = webhook.callback_url or network.callback_url(webhook.app_id)
    if await _post(network, url, body, events.signature(webhook.app_secret, body)):
        return webhook.id
    pause = RETRIES[min(webhook.attempts, len(RETRIES) - 1)]
    await tasks.postpone(network.pool, webhook.id, network.clock.now() + pause)
    return None


async def _post(network: Network, url: str, body: bytes, signature: str) -> bool:
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature, "User-Agent": "facebookexternalua"}
    try:
        async with (
            asyncio.timeout(CALLBACK_SECONDS),
            network.http.post(URL(url), data=body, headers=headers, allow_redirects=False) as response,
        ):
            return response.status == 200
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
        return False
