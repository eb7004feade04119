"""Reconcile: take the senders whose step is due, do the next step of each, save what came of it.

A step looks at the sender and at what the network says of it, does one thing at the network, and gives the sender as it
is then. It may run at any time, any number of times, and be killed at any line, because
- what must survive is saved *before* the call that makes it matter (the PIN before the registration),
- what can't be made twice is looked up before it is made (the number),
- a save holds only if nobody else saved since the sender was read; otherwise it is dropped, and the sender, which is
  still due, is taken again.

A held sender is its worker's until it is saved or the lease ends, whoever else changes it meanwhile: so two workers are
never at the network for one sender at once, unless the first is slower than a step may be or is taken for dead.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tabard.app.services import Services
from tabard.domain.account import Actor
from tabard.domain.errors import StaleVersion
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import Sender, Trouble
from tabard.ports.networks import Decision, NetworkFault, Way
from tabard.ports.stores import Loaded
from tabard.telemetry import count_step, log
from tabard.workflows.faults import after_fault

_MOST_STEPS = 20
"""In a row without letting go: far more than any life needs, so that a mistake in a step can't spin."""


_STEP_SHARE = 0.8
"""Of the lease, that one step may take: then it is broken off, before another worker may think its holder dead."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What time it is: on the wall (for `due_at`) and for the sender's account (for what its owner sees)."""

    wall: datetime
    account: datetime


Step = Callable[[Sender, Moment], Awaitable[Sender]]


async def way_of(services: Services, sender: Sender) -> Way:
    """How the sender's account reaches its channel's network. Raises `NetworkFault`."""
    way = await services.way(sender.account_id, sender.channel)
    if way is None:
        text = f"the account has no connection to the network of {sender.channel}; see `tabard accounts connect`"
        raise NetworkFault(Decision.GIVE_UP, Trouble.ACCESS_DENIED, text)
    return way


@dataclass(frozen=True, slots=True)
class Reconcile:
    """The lane of senders."""

    services: Services
    steps: dict[Channel, Step]
    lease: timedelta
    concurrency: int = 32
    name: str = "reconcile"
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def next_due(self) -> datetime | None:
        return await self.services.senders.next_due()

    async def drain(self) -> bool:
        """Drains that run at once in one process share its places: one that finds none leaves the work to those that
        hold them, which look again whenever a place is free."""
        mine: set[asyncio.Task[None]] = set()
        worked = False
        try:
            while True:
                free = self.concurrency - len(self._running)
                if free > 0:
                    claimed = await self.services.senders.claim_due(self.services.clock.now(), self.lease, free)
                    mine |= {self._start(loaded) for loaded in claimed}
                if not mine:
                    return worked
                worked = True
                _, mine = await asyncio.wait(mine, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            for task in mine:
                task.cancel()
            raise
        except Exception:
            if mine:
                await asyncio.wait(mine)  # a claim that failed is no reason to drop the steps that run
            raise

    def _start(self, loaded: Loaded) -> asyncio.Task[None]:
        task = asyncio.create_task(self._live(loaded))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The database failed, or we did: the sender is free again when its lease ends.
            log.error("sender.dropped", error=repr(error))

    async def _live(self, loaded: Loaded) -> None:
        """Step after step, until the next one is not due yet or somebody else has changed the sender."""
        sender, offset = loaded.sender, loaded.account_now - self.services.clock.now()
        held_until = loaded.held_until
        for _ in range(_MOST_STEPS):
            after = await self._step(sender, offset)
            now = self.services.clock.now()
            goes_on = after.due_at is not None and after.due_at <= now
            try:
                sender = await self.services.senders.save_held(
                    sender, after, Actor.network(sender.channel), now, held_until=now + self.lease if goes_on else None
                )
            except StaleVersion:
                count_step("overtaken")
                await self.services.senders.release(sender.id, held_until)
                return
            if not goes_on:
                return
            held_until = now + self.lease

    async def _step(self, sender: Sender, offset: timedelta) -> Sender:
        wall = self.services.clock.now()
        try:
            async with asyncio.timeout(self.lease.total_seconds() * _STEP_SHARE):
                after = await self.steps[sender.channel](sender, Moment(wall, wall + offset))
        except TimeoutError:
            count_step(Decision.RETRY)
            log.warning("step.late", sender=str(sender.id), status=sender.status)
            fault = NetworkFault(Decision.RETRY, Trouble.NETWORK_UNAVAILABLE, "the network was too slow to answer")
        except NetworkFault as refusal:
            fault = refusal
            count_step(fault.decision)
            log.info(
                "step.refused",
                sender=str(sender.id),
                status=sender.status,
                decision=fault.decision,
                trouble=fault.trouble,
                code=fault.code,
                detail=fault.detail,
            )
        except Exception:  # noqa: BLE001 - a mistake of ours must not stop the other senders; the watchdog tells of it
            count_step("failed")
            log.exception("step.failed", sender=str(sender.id), status=sender.status)
            fault = NetworkFault(Decision.RETRY, Trouble.NETWORK_UNAVAILABLE, "an internal error has occurred")
        else:
            count_step("done")
            return after
        wall = self.services.clock.now()
        return after_fault(sender, fault, Moment(wall, wall + offset))
