"""Doing what is due: stages of numbers' lives, and webhooks.

Two lanes run side by side, so that a slow receiver holds up nobody's life. A stage is struck in the very statement that
saves its effect, so it takes effect once, however often it is run. A webhook is struck after its receiver has said 200,
so it arrives at least once; a receiver that says anything else hears it again, less and less often, for seven days.
No account may fill the webhook lane: one whose receiver hangs leaves room for the others.
"""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import aiohttp
from yarl import URL

from tabard.networks.meta.emulator import events, life
from tabard.networks.meta.emulator.memory import scenes, tasks
from tabard.networks.meta.emulator.memory.scenes import Stale
from tabard.networks.meta.emulator.memory.tasks import Claimed
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
_TRIES = 50


async def drain(network: Network) -> None:
    """Run every task that is due until none is. May run in many processes at once."""
    await asyncio.gather(_drain(network, webhooks=False), _drain(network, webhooks=True))


async def _drain(network: Network, *, webhooks: bool) -> None:
    running: dict[asyncio.Task[None], UUID] = {}
    try:
        while True:
            full = [account for account, count in Counter(running.values()).items() if count >= AT_ONCE_OF_ACCOUNT]
            claimed = await tasks.claim(
                network.pool,
                network.clock.now(),
                LEASE,
                webhooks=webhooks,
                passing_over=full if webhooks else [],
                limit=AT_ONCE - len(running),
            )
            for task in claimed:
                running[asyncio.create_task(_run(network, task))] = task.account_id
            if not running:
                return
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for finished in done:
                del running[finished]
    finally:
        for task_running in running:
            task_running.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _run(network: Network, task: Claimed) -> None:
    try:
        if task.kind == TaskKind.WEBHOOK:
            await _deliver(network, task)
        else:
            await _live(network, task)
    except Exception:  # noqa: BLE001 - one task's failure is not another's; its lease will end and it runs again
        log.exception("emulator.task_failed", network="meta", kind=task.kind, task=task.id)


async def _live(network: Network, task: Claimed) -> None:
    rule = life.DUE[TaskKind(task.kind)]
    for _ in range(_TRIES):
        scene = await scenes.see(network.pool, network.clock.now(), task.number_id or "", account_id=task.account_id)
        number = scene.number if scene is not None else None
        change = rule(scene, number, task.detail) if scene is not None and number is not None else None
        if scene is None or change is None:
            await tasks.strike(network.pool, task.id)
            return
        try:
            await network.save(scene, change, done=task.id)
        except Stale:
            continue
        return


async def _deliver(network: Network, task: Claimed) -> None:
    scene = await scenes.see(network.pool, network.clock.now(), "", account_id=task.account_id)
    if scene is None or scene.now > task.made_at + GIVE_UP_AFTER:
        await tasks.strike(network.pool, task.id)
        return
    body = task.detail.encode()
    signature = events.signature(scene.realm.app_secret, body)
    if await _post(network, network.callback(scene.realm), body, signature):
        await tasks.strike(network.pool, task.id)
        return
    pause = RETRIES[min(task.attempts, len(RETRIES) - 1)]
    await tasks.postpone(network.pool, task.id, network.clock.now() + pause)


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
