"""The ledger: what all lanes of a process have to record goes into the database together.

While one statement is on its way, what comes up meanwhile waits for the next; so the busier the lanes are, the more of
their attempts share a commit. An attempt that was made must not be made again because the database was away for a
moment: what can't be written is tried again until the leases of its lanes are about to end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from tabard.domain.ids import SubscriptionId
from tabard.ports.webhooks import ClaimedLane, DeliveryQueue, LaneReport, Standing, Tried
from tabard.ports.world import Clock
from tabard.telemetry import log

T = TypeVar("T")

_GAP = 0.003
"""Seconds between two statements, so that more attempts share one. Nobody waits for it but the next of a subject."""
_PAUSE = 0.25
_TOGETHER = 500
"""Entries that go into one statement."""


@dataclass(slots=True)
class Held:
    """A lane in its holder's hands."""

    lane: ClaimedLane
    until: datetime


@dataclass(frozen=True, slots=True)
class _Entry:
    held: Held
    tried: Tried | None
    release: bool
    written: asyncio.Future[Standing]


@dataclass(slots=True)
class Ledger:
    queue: DeliveryQueue
    clock: Clock
    lease: timedelta
    _entries: list[_Entry] = field(default_factory=list)
    _writing: asyncio.Task[None] | None = None

    def enter(self, held: Held, tried: Tried | None = None, *, release: bool = False) -> asyncio.Future[Standing]:
        """How the lane stands, once it is written. Without an attempt, the lease is renewed if it grows old."""
        entry = _Entry(held, tried, release, asyncio.get_running_loop().create_future())
        self._entries.append(entry)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return entry.written

    def grows_old(self, held: Held) -> bool:
        return held.until < self.clock.now() + self.lease / 2

    async def patiently(self, act: Callable[[], Awaitable[T]]) -> T:
        """What a statement gives, tried again while the database is away, as long as leases allow."""
        now = asyncio.get_running_loop().time
        ends = now() + self.lease.total_seconds() / 3
        while True:
            try:
                return await act()
            except Exception:
                if now() >= ends:
                    raise
            await asyncio.sleep(_PAUSE)

    async def _write(self) -> None:
        while self._entries:
            entries, self._entries = self._entries[:_TOGETHER], self._entries[_TOGETHER:]
            by_lane: dict[SubscriptionId, list[_Entry]] = {}
            for entry in entries:
                by_lane.setdefault(entry.held.lane.subscription.id, []).append(entry)
            now = self.clock.now()
            reports = [self._report(lane, now) for lane in by_lane.values()]
            outcomes = await self._record(reports, now)
            for lane, report, outcome in zip(by_lane.values(), reports, outcomes, strict=True):
                _settle(lane, report, outcome)
            await asyncio.sleep(_GAP)

    async def _record(self, reports: Sequence[LaneReport], now: datetime) -> Sequence[Standing | BaseException]:
        try:
            found = await self.queue.record(reports, now)
            return [found[report.lane.subscription.id] for report in reports]
        except Exception as error:  # noqa: BLE001 - a lost connection shows in many ways
            log.warning("deliveries.not_recorded", lanes=len(reports), error=repr(error))
        # The database is away, or something of one lane can't be written: then no other lane pays for it.
        return await asyncio.gather(*[self._record_one(report, now) for report in reports], return_exceptions=True)

    async def _record_one(self, report: LaneReport, now: datetime) -> Standing:
        found = await self.patiently(partial(self.queue.record, [report], now))
        return found[report.lane.subscription.id]

    def _report(self, entries: Sequence[_Entry], now: datetime) -> LaneReport:
        held = entries[0].held
        until = now + self.lease if self.grows_old(held) else held.until
        return LaneReport(
            held.lane,
            held.until,
            None if any(entry.release for entry in entries) else until,
            [entry.tried for entry in entries if entry.tried is not None],
        )


def _settle(entries: Sequence[_Entry], report: LaneReport, outcome: Standing | BaseException) -> None:
    if not isinstance(outcome, BaseException) and report.until is not None:
        entries[0].held.until = report.until
    for entry in entries:
        if entry.written.cancelled():
            continue
        if isinstance(outcome, BaseException):
            entry.written.set_exception(outcome)
        else:
            entry.written.set_result(outcome)
