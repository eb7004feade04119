"""A service whose engine stands still: the test does the work itself, lane by lane or step by step, and time passes
only when the test lets it. PostgreSQL, the emulated network and the HTTP between them are real."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, cast

from tabard.app.watchdog import report_stuck
from tabard.dialects.twilio.mapping import sender_id
from tabard.domain.account import Actor
from tabard.domain.errors import StaleVersion
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import Sender, Trouble
from tabard.ports.networks import Decision, NetworkFault, RcsNetwork, WhatsAppNetwork
from tabard.ports.stores import Loaded
from tabard.storage.senders.rows import COLUMNS, to_sender
from tabard.workflows.engine import Lane
from tabard.workflows.rcs import RcsSteps
from tabard.workflows.reconcile import Moment, Reconcile, Step
from tabard.workflows.whatsapp import WhatsAppSteps
from tests.support.clock import FakeClock
from tests.support.service import Running, running

_MOST_ROUNDS = 200


class Mishap(Enum):
    """What befalls one call of the network."""

    FAILED = "failed before it reached the network"
    ANSWER_LOST = "done, but its answer was lost"
    DIED = "not made: the worker died"
    DIED_AFTER = "done, but the worker died before it could say so"

    @property
    def reaches_network(self) -> bool:
        return self in {Mishap.ANSWER_LOST, Mishap.DIED_AFTER}

    def befall(self) -> None:
        if self in {Mishap.FAILED, Mishap.ANSWER_LOST}:
            raise NetworkFault(Decision.RETRY, Trouble.NETWORK_UNAVAILABLE, "the line is down")
        raise asyncio.CancelledError


Before = Callable[[str, tuple[Any, ...]], Awaitable[None]]


@dataclass
class TroubledNetwork:
    """Fulfils `WhatsAppNetwork` or `RcsNetwork`: the real client, with mishaps that a test plans around its calls."""

    real: Any
    calls: list[str] = field(default_factory=list)
    mishaps: dict[int, Mishap] = field(default_factory=dict)
    """By the number of the call, counted from 0."""
    mishaps_by_name: dict[str, Mishap] = field(default_factory=dict)
    """Of the next call of each name."""
    before: Before | None = None
    """Runs before each call, with its name and arguments."""

    def plan(self, mishaps: dict[int, Mishap]) -> None:
        self.calls, self.mishaps, self.mishaps_by_name = [], dict(mishaps), {}

    def befall_next(self, name: str, mishap: Mishap) -> None:
        self.plan({})
        self.mishaps_by_name[name] = mishap

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **named: Any) -> Any:
            mishap = self.mishaps.pop(len(self.calls), None) or self.mishaps_by_name.pop(name, None)
            self.calls.append(name)
            if self.before is not None:
                await self.before(name, (*arguments, *named.values()))
            if mishap is not None and not mishap.reaches_network:
                mishap.befall()
            answer = await getattr(self.real, name)(*arguments, **named)
            if mishap is not None:
                mishap.befall()
            return answer

        return call


@dataclass
class Workshop:
    tabard: Running
    clock: FakeClock
    network: TroubledNetwork
    """Behind WhatsApp."""
    rcs: TroubledNetwork
    reconcile: Reconcile
    others: list[Lane]
    """The lanes of the emulated networks and of their webhooks."""

    async def work(self) -> None:
        """Do whatever is due now, until nothing is."""
        for _ in range(_MOST_ROUNDS):
            lanes = [lane for lane in [self.reconcile, *self.others] if await self._is_due(lane)]
            if not lanes:
                return
            for lane in lanes:
                await lane.drain()
        raise AssertionError("work without end: something is due again and again")

    async def pass_time(self, **delta: float) -> None:
        """Let time pass from one thing that is due to the next, and do each when its time has come."""
        end = self.clock.now() + timedelta(**delta)
        for _ in range(_MOST_ROUNDS):
            await self.work()
            due = [time for lane in [self.reconcile, *self.others] if (time := await lane.next_due()) is not None]
            if not due or min(due) > end:
                self.clock.time = end
                return
            self.clock.time = max(self.clock.time, min(due))
        raise AssertionError("time does not pass: something is due again and again")

    async def repeat_each_step(self, *, network_moves_on: bool) -> None:
        """Do what is due, each step twice from the same stored sender: the first run's result is thrown away."""
        for _ in range(_MOST_ROUNDS):
            claimed = await self.tabard.parts.services.senders.claim_due(self.clock.now(), self.reconcile.lease, 10)
            for loaded in claimed:
                step = self.reconcile.steps[loaded.sender.channel]
                await step(loaded.sender, Moment(self.clock.now(), loaded.account_now))
                if network_moves_on:
                    await self._let_network_act()
                after = await step(loaded.sender, Moment(self.clock.now(), self.clock.now()))
                await self._saved(loaded, after)
            if not claimed:
                await self._let_network_act()
                if not await self._is_due(self.reconcile):
                    return
        raise AssertionError("work without end: a step is due again and again")

    async def _saved(self, loaded: Loaded, after: Sender) -> None:
        """Unless a webhook was first: then the sender is due, and taken again."""
        senders, actor = self.tabard.parts.services.senders, Actor.network(after.channel)
        try:
            await senders.save_held(loaded.sender, after, actor, self.clock.now(), held_until=None)
        except StaleVersion:
            await senders.release(loaded.sender.id, loaded.held_until)

    async def _let_network_act(self) -> None:
        self.clock.advance(seconds=1)
        for lane in self.others:
            await lane.drain()

    async def _is_due(self, lane: Lane) -> bool:
        due = await lane.next_due()
        return due is not None and due <= self.clock.now()

    async def stored(self, sid: str) -> Sender:
        """The sender as it lies in the database, deleted or not."""
        row = await self.tabard.parts.pool.fetchrow(f"select {COLUMNS} from senders where id = $1", sender_id(sid))
        assert row is not None, f"no row of {sid}"
        return to_sender(row)

    async def watch(self) -> int:
        return await report_stuck(self.tabard.parts.services)

    async def online(self, number: str, **more: Any) -> str:
        """The SID of a new sender that has gone online."""
        sid: str = (await self.tabard.create(number, **more))["sid"]
        await self.pass_time(seconds=5)
        await self.tabard.verify(sid, number)
        await self.pass_time(seconds=5)
        assert (await self.tabard.fetch(sid))["status"] == "ONLINE"
        return sid

    async def events(self, sid: str) -> list[str]:
        rows = await self.tabard.parts.pool.fetch(
            "select type from events where sender_id = $1 order by number", sender_id(sid)
        )
        return [row["type"] for row in rows]

    async def held(self, number: str) -> list[str]:
        """The status of each entry that the network has of the number."""
        rows = await self.tabard.parts.pool.fetch(
            "select connection from sandbox.meta_numbers where digits = $1", number.removeprefix("+")
        )
        return [row["connection"] for row in rows]


@asynccontextmanager
async def workshop(dsn: str, data_dir: Path, **settings: Any) -> AsyncIterator[Workshop]:
    clock = FakeClock()
    async with running(dsn, data_dir, clock=clock, works=False, **settings) as tabard:
        lane, *others = tabard.parts.engine.lanes
        reconcile = cast("Reconcile", lane)
        services = tabard.parts.services
        whatsapp, rcs = TroubledNetwork(services.whatsapp), TroubledNetwork(services.rcs)
        steps: dict[Channel, Step] = {
            Channel.WHATSAPP: WhatsAppSteps(services, cast("WhatsAppNetwork", whatsapp)),
            Channel.RCS: RcsSteps(services, cast("RcsNetwork", rcs)),
        }
        yield Workshop(tabard, clock, whatsapp, rcs, replace(reconcile, steps=steps), others)
