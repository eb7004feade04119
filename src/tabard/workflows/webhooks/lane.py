"""One lane, from its claim to its release: reads what is due, attempts it, and has what came of it recorded."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from tabard.domain.account import AccountKind
from tabard.domain.webhooks.delivery import Attempt, DeliveryState, Failure, Verdict, judge
from tabard.domain.webhooks.subscription import secret_context
from tabard.ports.webhooks import Batch, Delivery, DeliveryQueue, Poster, Standing, Tried, WebhookFormat
from tabard.ports.world import Clock, Vault
from tabard.telemetry import log, observe_delivery
from tabard.workflows.webhooks.ledger import Held, Ledger

AT_ONCE = 16
AHEAD = 100
"""Deliveries that a lane reads at once."""
_IN_HAND = 2 * AHEAD
"""Deliveries that a lane keeps in memory, at most, before it reads more."""
_OF_ONE = 10
"""Of them, those of one subject, so that one with many leaves room for the others."""
_FEW = 2 * AT_ONCE
"""Subjects that are queued, when it is time to read more."""
_UNWRITTEN = 4 * AT_ONCE
"""Attempts that are under way or not recorded yet, at most: so many are made again if the process dies."""
_GONE = "the receiver answered 410: it is gone"
_FAILED_TOO_LONG = "it failed for five days without one success"


class Means(Protocol):
    """What a lane works with."""

    @property
    def queue(self) -> DeliveryQueue: ...
    @property
    def poster(self) -> Poster: ...
    @property
    def formats(self) -> Mapping[str, WebhookFormat]: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def jitter(self) -> Callable[[], float]: ...


@dataclass(slots=True)
class LaneRun:
    means: Means
    ledger: Ledger
    held: Held
    places: tuple[asyncio.Semaphore, asyncio.Semaphore]
    """Of the account, and of the process."""
    _live: dict[str, deque[Delivery]] = field(default_factory=dict)
    """By subject, in order: what was read and is not under way."""
    _again: dict[str, deque[Delivery]] = field(default_factory=dict)
    """The same of replays, which come after all else."""
    _in_hand: int = 0
    """Deliveries that are queued."""
    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """By subject: what is under way or not recorded yet."""
    _reading: asyncio.Task[None] | None = None
    _posting: int = 0
    _failing: bool = field(init=False)
    _more: bool = False
    """The database may have more that is due, of subjects that are not in hand."""
    _cut_short: set[str] = field(default_factory=set)
    """Subjects in hand of which the database may have more."""
    _closed: bool = False
    _put_off: bool = False
    _error: BaseException | None = None
    _secrets: dict[bytes, bytes] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._failing = self.held.lane.failing

    async def run(self) -> bool:
        """Whether anything is to be tried again later."""
        self._take(self.held.lane.first)
        try:
            while True:
                self._news.clear()
                if self._wants_more:
                    self._reading = asyncio.create_task(self._read())
                self._start_attempts()
                if not self._busy and self._reading is None:
                    break
                await self._news.wait()
        finally:
            for task in [*self._busy.values(), *([self._reading] if self._reading else [])]:
                task.cancel()
        if self._error is not None:
            raise self._error
        await self.ledger.enter(self.held, release=True)
        return self._put_off

    def stop(self) -> None:
        self._closed = True

    def tick(self) -> None:
        """Called now and then: a lane that waits for a slow receiver must not wait with what came meanwhile."""
        if self.ledger.grows_old(self.held):
            self.ledger.enter(self.held).add_done_callback(self._renewed)
        if self._posting < self._limit:
            self._more = True
            self._news.set()

    def _renewed(self, written: asyncio.Future[Standing]) -> None:
        if written.cancelled() or written.exception() is not None or written.result() is Standing.CLOSED:
            self._closed = True

    @property
    def _limit(self) -> int:
        return 1 if self._failing else AT_ONCE

    @property
    def _goes_on(self) -> bool:
        return not self._closed and self._error is None and self._failing == self.held.lane.failing

    @property
    def _wants_more(self) -> bool:
        """Before it runs dry, but not for one or two at a time."""
        few = len(self._live) + len(self._again) <= _FEW and self._in_hand < _IN_HAND
        return self._more and few and self._goes_on and self._reading is None

    async def _read(self) -> None:
        """Beside the attempts, of subjects that are not in hand."""
        self._more = False
        now, due = self.means.clock.now(), self.means.queue.due
        subscription_id = self.held.lane.subscription.id
        subjects = self._live.keys() | self._again.keys() | self._busy.keys()
        try:
            self._take(await self.ledger.patiently(lambda: due(subscription_id, now, AHEAD, but_for=subjects)))
        except Exception as error:  # noqa: BLE001 - raised again by `run`
            self._error = error
        self._reading = None
        self._news.set()

    def _take(self, batch: Batch) -> None:
        self._more |= not batch.whole
        for delivery in batch.deliveries:
            queue = (self._again if delivery.replayed else self._live).setdefault(delivery.subject, deque())
            full = len(queue) >= _OF_ONE
            if full or not batch.whole:
                self._cut_short.add(delivery.subject)
            if not full:
                queue.append(delivery)
                self._in_hand += 1

    def _let_go_of(self, subject: str) -> None:
        """Nothing of the subject is in hand any more, unless something is queued."""
        del self._busy[subject]
        if subject in self._cut_short and subject not in self._live and subject not in self._again:
            self._cut_short.discard(subject)
            self._more = True

    def _start_attempts(self) -> None:
        for queue in (self._live, self._again):
            for subject in [subject for subject in queue if subject not in self._busy]:
                if not self._goes_on or self._posting >= self._limit or len(self._busy) >= _UNWRITTEN:
                    return
                delivery = queue[subject].popleft()
                self._in_hand -= 1
                if not queue[subject]:
                    del queue[subject]
                self._posting += 1
                self._busy[subject] = asyncio.create_task(self._deliver(delivery))

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            tried = await self._attempt(delivery)
            self._posting -= 1
            self._failing = tried.attempt.failure is not None
            self._news.set()
            standing = await self.ledger.enter(self.held, tried)
            await self._go_by(standing, tried)
        except Exception as error:  # noqa: BLE001 - raised again by `run`
            self._error = error
        self._let_go_of(delivery.subject)
        self._news.set()

    async def _go_by(self, standing: Standing, tried: Tried) -> None:
        self._put_off |= tried.verdict.state is DeliveryState.WAITING
        self._closed |= standing is Standing.CLOSED
        if tried.attempt.gone or standing is Standing.FAILED_TOO_LONG:
            reason = _GONE if tried.attempt.gone else _FAILED_TOO_LONG
            self._closed = True
            await self.means.queue.disable(self.held.lane.subscription, reason, self.means.clock.now())
        if tried.verdict.holds and not tried.delivery.replayed:
            # Its followers stay due in the database; the next read finds that they must wait.
            self._in_hand -= len(self._live.pop(tried.delivery.subject, ()))

    async def _attempt(self, delivery: Delivery) -> Tried:
        subscription = self.held.lane.subscription
        form = self.means.formats[subscription.dialect]
        of_account, of_process = self.places
        async with of_account, of_process:
            started_at = self.means.clock.now()
            try:
                body = form.body(*delivery.told(), subscription)
                if body is None:
                    settled = Verdict(DeliveryState.DELIVERED)
                    untold = Attempt(timedelta(0), detail="the dialect has no words for this event")
                    return Tried(delivery, untold, settled, started_at)
                headers = form.headers(delivery.id, body, self._live_secrets(), started_at)
                attempt = await self.means.poster.post(
                    subscription.url,
                    body,
                    headers,
                    allow_private=self.held.lane.kind is AccountKind.SANDBOX,
                    time_out=form.schedule.time_out,
                )
            except Exception:  # noqa: BLE001 - one delivery that we can't make must not hold up the others
                log.exception("delivery.failed", delivery=str(delivery.id), subscription=str(subscription.id))
                attempt = Attempt(timedelta(0), failure=Failure.INTERNAL, detail="an internal error has occurred")
        verdict = judge(attempt, delivery.attempts + 1, form.schedule, self.means.jitter())
        observe_delivery(subscription.dialect, attempt.failure or "delivered", attempt.duration.total_seconds())
        return Tried(delivery, attempt, verdict, started_at)

    def _live_secrets(self) -> Sequence[bytes]:
        subscription = self.held.lane.subscription
        context = secret_context(subscription.id)
        at = self.means.clock.now() + self.held.lane.offset
        for sealed in (live := subscription.secrets(at)):
            if sealed not in self._secrets:
                self._secrets[sealed] = self.means.vault.open(sealed, context)
        return [self._secrets[sealed] for sealed in live]
