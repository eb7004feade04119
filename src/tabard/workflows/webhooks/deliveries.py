"""Deliveries: lanes that carry events to their subscribers, each subscription in a lane of its own.

The parts
    A delivery is a row with `due_at`, written by the statement that stored its event. A subscription with deliveries
    due is a *lane*; a worker that claims it holds it alone, under a lease, until nothing of it is due.
    Within a lane, deliveries of one subject (one sender) go one after another, others side by side, `AT_ONCE` at most.
    All lanes of one account share `AT_ONCE_OF_ACCOUNT` places in a process.
    A lane whose last attempt failed is *failing*: it makes one attempt at a time, until one succeeds, and has one of
    the few places for failing lanes. One whose standing changes is let go and claimed anew.

What is guaranteed
    Each delivery is attempted until it has succeeded, or its dialect's schedule is used up. It may be made twice: a
    worker that died after the receiver answered has recorded nothing, and its lane comes free when the lease ends.
    Deliveries of one subject arrive in order; one that fails holds back only its own subject, and only while its pause
    is short (`HOLDS_FOR`). The next of a subject goes out when what came of the last one is written.
    A slow or flooded receiver slows its own lane only. Receivers that hang use up the places of failing lanes, never
    those of sound ones.

What may be lost, and why nothing is
    A wake-up. Due lanes are read from the deliveries themselves, at the latest by the timekeeper's sweep. Between a
    lane's last look and its release a new delivery may come whose wake-up finds the lane still held: so whoever has
    released a lane looks once more, and by then either that look sees the delivery or its wake-up sees the lane free.
    A lane that stays held because a receiver is slow looks again by itself, every `_TICK`.

What is only an optimisation
    Looks are made one at a time, and rest for three times as long as they took: those that are wanted meanwhile are
    made as one, and finding lanes never takes more than a quarter of a core, however many subscriptions wait.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from tabard.domain.ids import AccountId
from tabard.ports.webhooks import ClaimedLane, DeliveryQueue, Poster, WebhookFormat
from tabard.ports.world import Clock, Vault
from tabard.telemetry import log
from tabard.workflows.webhooks.lane import AHEAD, LaneRun
from tabard.workflows.webhooks.ledger import Held, Ledger

AT_ONCE_OF_ACCOUNT = 64
AT_ONCE_OF_PROCESS = 512
LANES_AT_ONCE = 512
FAILING_AT_ONCE = 64
_TICK = 0.25
_GRACE = 5.0
"""Seconds for attempts that are under way when the process is told to stop."""


@dataclass(slots=True)
class DeliveryLanes:
    """All lanes of all subscriptions, as one lane of the engine."""

    queue: DeliveryQueue
    poster: Poster
    formats: Mapping[str, WebhookFormat]
    """By dialect."""
    vault: Vault
    clock: Clock
    lease: timedelta = timedelta(seconds=60)
    """How long a lane stays with a worker that has died; while one lives, it renews its leases."""
    jitter: Callable[[], float] = random.random
    name: str = "deliveries"
    _ledger: Ledger = field(init=False)
    _running: dict[asyncio.Task[bool], LaneRun] = field(default_factory=dict)
    _ticking: asyncio.Task[None] | None = None
    _places: "WeakValueDictionary[AccountId, asyncio.Semaphore]" = field(default_factory=WeakValueDictionary)
    _all_places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_OF_PROCESS))
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _look_wanted: bool = False
    _rests_until: float = 0

    def __post_init__(self) -> None:
        self._ledger = Ledger(self.queue, self.clock, self.lease)

    async def next_due(self) -> datetime | None:
        return await self.queue.next_due()

    async def drain(self) -> bool:
        """Start every lane that is due and free; ends when those that it has started have."""
        mine: set[asyncio.Task[bool]] = set()
        put_off = False
        try:
            while True:
                mine |= await self._claim()
                if not mine:
                    return put_off
                done, mine = await asyncio.wait(mine, return_when=asyncio.FIRST_COMPLETED)
                put_off |= any(not task.cancelled() and task.exception() is None and task.result() for task in done)
        except asyncio.CancelledError:
            await self._finish(mine)
            raise
        except Exception:
            if mine:
                await asyncio.wait(mine)  # a claim that failed is no reason to drop the lanes that run
            raise

    async def _claim(self) -> set[asyncio.Task[bool]]:
        if self._look_wanted:
            return set()  # somebody is about to look, and will see whatever we would
        self._look_wanted = True
        try:
            async with self._looking:
                await asyncio.sleep(self._rests_until - _now())
                self._look_wanted = False
                return await self._look()
        finally:
            self._look_wanted = False

    async def _look(self) -> set[asyncio.Task[bool]]:
        failing = sum(run.held.lane.failing for run in self._running.values())
        free = LANES_AT_ONCE - len(self._running) + failing, FAILING_AT_ONCE - failing
        if max(free) <= 0:
            return set()
        began = _now()
        claimed = await self.queue.claim_lanes(
            self.clock.now(), self.lease, sound=max(0, free[0]), failing=max(0, free[1]), ahead=AHEAD
        )
        self._rests_until = _now() + 3 * (_now() - began)
        return {self._start(lane) for lane in claimed}

    def _start(self, lane: ClaimedLane) -> asyncio.Task[bool]:
        account_id = lane.subscription.account_id
        places = self._places.setdefault(account_id, asyncio.Semaphore(AT_ONCE_OF_ACCOUNT))
        run = LaneRun(self, self._ledger, Held(lane, lane.held_until), (places, self._all_places))
        task = asyncio.create_task(run.run())
        self._running[task] = run
        task.add_done_callback(self._ended)
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick())
        return task

    def _ended(self, task: asyncio.Task[bool]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            # The database failed, or we did: the lane is free again when its lease ends.
            log.error("lane.dropped", error=repr(error))

    async def _tick(self) -> None:
        while self._running:
            await asyncio.sleep(_TICK)
            for run in list(self._running.values()):
                run.tick()

    async def _finish(self, mine: set[asyncio.Task[bool]]) -> None:
        """Begin nothing more; what is under way may end by itself for a while, so that it need not be made again."""
        for task in mine:
            if task in self._running:
                self._running[task].stop()
        if mine:
            _, late = await asyncio.wait(mine, timeout=_GRACE)
            for task in late:
                task.cancel()


def _now() -> float:
    return asyncio.get_running_loop().time()
