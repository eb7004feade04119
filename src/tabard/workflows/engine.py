"""The engine: who does the waiting, and how nobody who waits is forgotten.

The parts
    A *lane* is a table with a `due_at` column and code that works off what is due (`Lane.drain`). The rows are the
    intent; they are written in the transaction of the change that wants something done.
    A *wake-up* is a PgQueuer job that carries nothing but the lane's name. Whichever worker is free takes it and
    drains the lane. Any number of workers may drain one lane at once: rows are claimed with `skip locked`.
    The *timekeeper* of each worker looks at every lane's earliest `due_at`, no later than a sweep after its last look,
    and wakes the lane when that time has come.

What is guaranteed
    A due row is worked on within one sweep as long as one worker lives. That rests on the rows and on the timekeeper
    alone: a wake-up that is lost (the process died between its commit and the enqueue, a worker died with the job in
    hand, PostgreSQL dropped a notification) costs at most the sweep. A worker that dies while it holds a row loses it
    when the lease ends.

What is only an optimisation
    Wake-ups, which make the wait 2 ms instead of a sweep. They are coalesced twice: a process enqueues at most one a
    lane every few milliseconds, and none while one is still queued. One that is *picked* does not count: its drain may
    have had its last look already, so a new one is enqueued beside it, and nothing falls between.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.models import Job, Schedule

from tabard.ports.world import Clock
from tabard.telemetry import log, observe_due

_GAP = 0.004
"""Seconds between two enqueues of one process, so that a burst of changes costs one."""
_SHORTEST_WAIT = 0.01
_RESTART_DELAY = 1.0

_QUEUED = "select exists (select from pgqueuer where entrypoint = $1 and status = 'queued')"


def _ignore(_: str | bytes | bytearray) -> None: ...


def _pass_cancellation_on() -> None:
    """For who caught a failure: a connection that is given back as its task is cancelled may fail for its own reasons,
    and the cancellation would be lost behind that failure."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Lane(Protocol):
    @property
    def name(self) -> str: ...

    async def drain(self) -> bool:
        """Work until nothing is due; whether there was anything. Safe to run at any time, several times at once."""

    async def next_due(self) -> datetime | None: ...


@dataclass(slots=True)
class Waker:
    """Says in this process that a lane has something due; the enqueue follows in the background."""

    pool: asyncpg.Pool
    _wanted: set[str] = field(default_factory=set)
    _called: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self, lane: str) -> None:
        self._wanted.add(lane)
        self._called.set()

    async def run(self) -> None:
        queries = PgQueuer(AsyncpgPoolDriver(self.pool)).qm.queries
        while True:
            await self._called.wait()
            self._called.clear()
            lanes, self._wanted = self._wanted, set()
            for lane in lanes:
                try:
                    if not await self.pool.fetchval(_QUEUED, lane):
                        await queries.enqueue(lane, None)
                except Exception as error:  # noqa: BLE001 - as for the timekeeper: nothing may end this
                    _pass_cancellation_on()
                    log.warning("wake.failed", lane=lane, error=repr(error))
            await asyncio.sleep(_GAP)


@dataclass(slots=True)
class Engine:
    """The worker's side: takes wake-ups, keeps the time, runs the schedules (cron expression → coroutine)."""

    pool: asyncpg.Pool
    clock: Clock
    waker: Waker
    lanes: Sequence[Lane]
    schedules: Mapping[str, tuple[str, Callable[[], Awaitable[None]]]]
    sweep: timedelta
    _drained: asyncio.Event = field(default_factory=asyncio.Event)
    _draining: set[asyncio.Task[bool]] = field(default_factory=set)
    _stopping: bool = False

    async def run(self) -> None:
        """Work until stopped or cancelled. A queue that fails (its database went away) is started again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_time())
            group.create_task(self._keep_queue())

    async def _keep_queue(self) -> None:
        while not self._stopping:
            driver = AsyncpgPoolDriver(self.pool)
            queue = PgQueuer(driver)
            self._register(queue)
            try:
                async with driver:  # whatever happens, its listener's connection goes back to the pool
                    # PgQueuer probes its listener as it starts, and may do so before it listens; then it would find
                    # itself deaf. Listening beforehand makes its own LISTEN immediate.
                    await driver.add_listener(queue.channel, _ignore)
                    await queue.run(
                        batch_size=max(2, len(self.lanes)),
                        # Without a notification it looks no later than this, so a lost one costs no more than a sweep.
                        dequeue_timeout=self.sweep,
                        shutdown_on_listener_failure=True,
                    )
            except Exception as error:  # noqa: BLE001 - whatever ends the queue, the service goes on without wake-ups
                _pass_cancellation_on()
                log.warning("queue.failed", error=repr(error))
            await asyncio.sleep(_RESTART_DELAY)

    def _register(self, queue: PgQueuer) -> None:
        for lane in self.lanes:

            async def drain(_: Job, lane: Lane = lane) -> None:
                await self._drain(lane)

            queue.entrypoint(lane.name, accepts_context=False)(drain)
        for name, (expression, action) in self.schedules.items():

            async def act(_: Schedule, action: Callable[[], Awaitable[None]] = action) -> None:
                await action()

            queue.schedule(name, expression, accepts_context=False)(act)

    async def _drain(self, lane: Lane) -> None:
        if self._stopping:
            return
        task = asyncio.create_task(lane.drain())
        self._draining.add(task)
        try:
            if await task:
                self._drained.set()  # there may be a new earliest time; after an idle drain there is none
        finally:
            self._draining.discard(task)

    def stop(self) -> None:
        """Begin no more work and break off what runs: PgQueuer would wait for it to its end. The rows stay due."""
        self._stopping = True
        for task in self._draining:
            task.cancel()

    async def _keep_time(self) -> None:
        while not self._stopping:
            try:
                wait = await self._look()
            except Exception as error:  # noqa: BLE001 - a lost connection shows in many ways; the guarantee rests on this
                _pass_cancellation_on()
                log.warning("sweep.failed", error=repr(error))
                wait = self.sweep
            self._drained.clear()
            # Not `wait_for`, which before Python 3.12 loses a cancellation that comes with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(max(_SHORTEST_WAIT, wait.total_seconds())):
                    await self._drained.wait()
            await asyncio.sleep(_SHORTEST_WAIT)

    async def _look(self) -> timedelta:
        """Wake the lanes whose time has come; how long until the next look."""
        wait = self.sweep
        for lane in self.lanes:
            due = await lane.next_due()
            late = self.clock.now() - due if due else timedelta(0)
            observe_due(lane.name, late.total_seconds())
            if due is not None and late >= timedelta(0):
                self.waker.wake(lane.name)
            elif due is not None:
                wait = min(wait, -late)
        return wait
