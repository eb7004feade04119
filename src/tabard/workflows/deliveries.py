"""Deliveries: lanes that carry events to their subscribers, each subscription in a lane of its own.

The parts
    A delivery is a row with `due_at`, written by the statement that stored its event. A subscription with deliveries due
    is a *lane*; a worker that claims it holds it alone, under a lease, until nothing of it is due.
    Within a lane, deliveries of one subject (one sender) go one after another, others side by side, `AT_ONCE` at most.
    All lanes of one account share `AT_ONCE_OF_ACCOUNT` places in a process.

What is guaranteed
    Each delivery is attempted until it has succeeded, or its dialect's schedule is used up. It may be made twice: a
    worker that died after the receiver answered has recorded nothing, and its lane comes free when the lease ends.
    Deliveries of one subject arrive in order; one that fails holds back only its own subject, and only while its pause
    is short (`HOLDS_FOR`).
    A slow or flooded receiver slows its own lane only: other lanes have their own places.

What may be lost, and why nothing is
    A wake-up. Due lanes are read from the deliveries themselves, at the latest by the timekeeper's sweep. Between a
    lane's last look and its release a new delivery may come whose wake-up finds the lane still held: so whoever has
    released a lane looks once more, and by then either that look sees the delivery or its wake-up sees the lane free.
"""

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tabard.domain.account import AccountKind
from tabard.domain.ids import AccountId
from tabard.domain.webhooks.delivery import Attempt, DeliveryState, Verdict, judge
from tabard.domain.webhooks.subscription import secret_context
from tabard.ports import Clock, Vault
from tabard.ports.webhooks import ClaimedLane, Delivery, DeliveryQueue, Poster, Tried, WebhookFormat
from tabard.telemetry import log, observe_delivery

AT_ONCE = 16
AT_ONCE_OF_ACCOUNT = 64
LANES_AT_ONCE = 128
LEASE = timedelta(seconds=40)
"""Longer than any attempt takes: then whoever held the lane is dead."""
_AHEAD = 200
"""Deliveries that a lane reads at once."""


@dataclass(frozen=True, slots=True)
class DeliveryLanes:
    """All lanes of all subscriptions, as one lane of the engine."""

    queue: DeliveryQueue
    poster: Poster
    formats: Mapping[str, WebhookFormat]
    """By dialect."""
    vault: Vault
    clock: Clock
    name: str = "deliveries"
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _accounts: dict[AccountId, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(AT_ONCE_OF_ACCOUNT))
    )

    async def next_due(self) -> datetime | None:
        return await self.queue.next_due()

    async def drain(self) -> bool:
        """Start every lane that is due and free; ends when those that it has started have."""
        mine: set[asyncio.Task[None]] = set()
        worked = False
        try:
            while True:
                places = LANES_AT_ONCE - len(self._running)
                if places > 0:
                    claimed = await self.queue.claim_lanes(self.clock.now(), LEASE, places)
                    mine |= {self._start(lane) for lane in claimed}
                if not mine:
                    return worked
                worked = True
                _, mine = await asyncio.wait(mine, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in mine:
                task.cancel()

    def _start(self, lane: ClaimedLane) -> asyncio.Task[None]:
        run = LaneRun(self, lane, self._accounts[lane.subscription.account_id])
        task = asyncio.create_task(run.run())
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The database failed, or we did: the lane is free again when its lease ends.
            log.error("lane.dropped", error=repr(error))


@dataclass(slots=True)
class LaneRun:
    """One lane, from its claim to its release."""

    lanes: DeliveryLanes
    lane: ClaimedLane
    places_of_account: asyncio.Semaphore
    _queued: dict[str, deque[Delivery]] = field(default_factory=dict)
    """By subject, in order, what was read and is not under way."""
    _under_way: dict[asyncio.Task[Tried], Delivery] = field(default_factory=dict)

    async def run(self) -> None:
        subscription = self.lane.subscription
        try:
            while await self._read() or self._under_way:
                if not await self._work():
                    return
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.shield(self.lanes.queue.release_lane(subscription.id))

    async def _read(self) -> bool:
        """Take in what is due, if there is room; whether anything is to be done."""
        known = [d.id for waiting in self._queued.values() for d in waiting]
        known += [delivery.id for delivery in self._under_way.values()]
        if len(known) < _AHEAD // 2:
            now = self.lanes.clock.now()
            for delivery in await self.lanes.queue.due(
                self.lane.subscription.id, now, _AHEAD - len(known), but_for=known
            ):
                self._queued.setdefault(delivery.subject, deque()).append(delivery)
        return bool(self._queued)

    async def _work(self) -> bool:
        """Attempt what may be attempted, and record what has come of it; False if the lane is closed."""
        self._start_attempts()
        done, _ = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        tried = [task.result() for task in done]
        for task in done:
            del self._under_way[task]
        for one in tried:
            if one.verdict.holds:
                # Its followers stay due in the database; the next read finds that they must wait.
                self._queued.pop(one.delivery.subject, None)
        return await self.lanes.queue.record(self.lane, tried, self.lanes.clock.now(), LEASE)

    def _start_attempts(self) -> None:
        busy = {delivery.subject for delivery in self._under_way.values()}
        for subject in [subject for subject in self._queued if subject not in busy]:
            if len(self._under_way) >= AT_ONCE:
                return
            delivery = self._queued[subject].popleft()
            if not self._queued[subject]:
                del self._queued[subject]
            self._under_way[asyncio.create_task(self._attempt(delivery))] = delivery

    async def _attempt(self, delivery: Delivery) -> Tried:
        subscription, lanes = self.lane.subscription, self.lanes
        form = lanes.formats[subscription.dialect]
        async with self.places_of_account:
            started_at = lanes.clock.now()
            body = form.body(delivery.event, delivery.sender, subscription)
            if body is None:
                settled = Verdict(DeliveryState.DELIVERED)
                untold = Attempt(timedelta(0), detail="the dialect has no words for this event")
                return Tried(delivery, untold, settled, started_at)
            context = secret_context(subscription.id)
            secrets = [lanes.vault.open(sealed, context) for sealed in subscription.secrets(self.lane.account_now)]
            attempt = await lanes.poster.post(
                subscription.url,
                body,
                form.headers(delivery.id, body, secrets, started_at),
                allow_private=self.lane.kind is AccountKind.SANDBOX,
                time_out=form.schedule.time_out,
            )
        verdict = judge(attempt, delivery.attempts + 1, form.schedule, random.random())  # noqa: S311 - spreads load
        observe_delivery(subscription.dialect, attempt.failure or "delivered", attempt.duration.total_seconds())
        return Tried(delivery, attempt, verdict, started_at)
