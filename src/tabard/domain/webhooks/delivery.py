"""One event for one subscription, and what an attempt to deliver it makes of it.

A delivery that failed is tried again by its dialect's schedule. While the wait is short it *holds* its subject: later
deliveries of the same sender wait behind it, so that they arrive in order. When the wait grows long it steps aside.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

HOLDS_FOR = timedelta(minutes=1)
"""A longer wait than this holds nobody back."""
_HINT_AT_LEAST = timedelta(hours=1)
"""How far a `Retry-After` may always stretch a wait; beyond that, to twice the schedule's."""

KEPT_ANSWER = 16 * 1024
"""Bytes of an answer that are kept."""


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Out of attempts; kept, and replayed on demand."""


class Failure(StrEnum):
    """Why an attempt failed."""

    DNS = "dns"
    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    TLS = "tls"
    BLOCKED = "blocked"
    """The address is not on the public internet."""
    STATUS = "status"
    """It answered, but not with a success."""
    INTERNAL = "internal"
    """A fault of ours: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP try. `failure` is None for a success."""

    duration: timedelta
    status: int | None = None
    failure: Failure | None = None
    detail: str | None = None
    answer: bytes = b""
    """The first `KEPT_ANSWER` bytes."""
    retry_after: timedelta | None = None
    """What the receiver asked for."""

    @property
    def gone(self) -> bool:
        """The receiver never wants to hear of us again (HTTP 410; Standard Webhooks, operational considerations)."""
        return self.status == 410


@dataclass(frozen=True, slots=True)
class Schedule:
    """A dialect's pauses between attempts; after the last one a delivery has failed for good."""

    pauses: tuple[timedelta, ...]
    time_out: timedelta = timedelta(seconds=15)
    """For the whole of an attempt."""

    def pause(self, attempts: int, hint: timedelta | None, jitter: float) -> timedelta | None:
        """After so many attempts, all failed; None if that was the last. A `jitter` of 0 to 1 takes up to a fifth off.

        A hint can make the pause longer, but not without bound, and never shorter.
        """
        if attempts > len(self.pauses):
            return None
        base = self.pauses[attempts - 1]
        pause = base * (1 - jitter / 5)
        if hint is None:
            return pause
        return max(pause, min(hint, max(2 * base, _HINT_AT_LEAST)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery after an attempt."""

    state: DeliveryState
    pause: timedelta | None = None
    holds: bool = False


def judge(attempt: Attempt, attempts: int, schedule: Schedule, jitter: float) -> Verdict:
    """`attempts` counts this one too."""
    if attempt.failure is None:
        return Verdict(DeliveryState.DELIVERED)
    pause = None if attempt.gone else schedule.pause(attempts, attempt.retry_after, jitter)
    if pause is None:
        return Verdict(DeliveryState.FAILED)
    return Verdict(DeliveryState.WAITING, pause, holds=pause <= HOLDS_FOR)
