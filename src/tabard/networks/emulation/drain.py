"""Doing what is due at an emulated network: stages of its objects' lives, and webhooks.

Two lanes run side by side, so that a slow receiver holds up nobody's life. What is claimed is leased: a dead worker's
share comes free when the lease ends. A webhook is struck, with the next claim, after its receiver took it, so it
arrives at least once. No account may fill the webhook lane: one whose receiver hangs leaves room for the others.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from tabard.telemetry import log

AT_ONCE = 16
LEASE = timedelta(seconds=60)
"""Longer than any task takes: then whoever claimed it is dead."""
GLANCE = 0.25
"""Seconds after which a drain that waits for slow receivers looks what else has become due."""


class Stage(Protocol):
    @property
    def kind(self) -> str: ...


class Webhook(Protocol):
    @property
    def account_id(self) -> UUID: ...


S = TypeVar("S", bound=Stage)
W = TypeVar("W", bound=Webhook)


class Tasks(Protocol[S, W]):
    """One network's tasks. What is claimed is under `LEASE`."""

    @property
    def network(self) -> str: ...

    @property
    def webhooks_of_account(self) -> int:
        """How many webhooks of one account may be on their way at once."""

    async def claim_stages(self, room: int) -> Sequence[S]: ...

    async def live(self, stage: S) -> None:
        """Take the stage's effect and strike it, in one statement: then it takes effect once, however often run."""

    async def claim_webhooks(self, room: int, *, passing_over: list[UUID], done: list[int]) -> Sequence[W]:
        """Due ones of other accounts than these, at most `room`; strikes the `done` ones in the same statement."""

    async def deliver(self, webhook: W) -> int | None:
        """The webhook's id if nothing is left to do for it."""


_Running = asyncio.Task[int | None]


async def drain(tasks: Tasks[S, W]) -> None:
    """Run every task that is due until none is. May run in many processes at once.

    What becomes due meanwhile is run too, even while a receiver takes its time.
    """
    stages: set[_Running] = set()
    webhooks: dict[_Running, UUID] = {}
    done: list[int] = []
    try:
        while True:
            if len(stages) < AT_ONCE:
                for stage in await tasks.claim_stages(AT_ONCE - len(stages)):
                    stages.add(asyncio.create_task(_guarded(tasks.network, tasks.live(stage), stage.kind)))
            await _start_webhooks(tasks, webhooks, done)
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


async def _start_webhooks(tasks: Tasks[S, W], running: dict[_Running, UUID], done: list[int]) -> None:
    """Start what is due and has room; `done` are struck."""
    most = tasks.webhooks_of_account
    while done or len(running) < AT_ONCE:
        counts = Counter(running.values())
        full = [account for account, count in counts.items() if count >= most]
        busiest = max((count for count in counts.values() if count < most), default=0)
        room = min(AT_ONCE - len(running), most - busiest)
        claimed = await tasks.claim_webhooks(room, passing_over=full, done=done)
        for webhook in claimed:
            delivery = asyncio.create_task(_guarded(tasks.network, tasks.deliver(webhook), "webhook"))
            running[delivery] = webhook.account_id
        if len(claimed) < room:
            return
        done = []


async def _guarded(network: str, work: Coroutine[None, None, int | None], kind: str) -> int | None:
    """One task's failure is not another's: it is told, the lease ends, and the task runs again."""
    try:
        return await work
    except Exception:  # noqa: BLE001 - the boundary of one task
        log.exception("emulator.task_failed", network=network, kind=kind)
        return None
