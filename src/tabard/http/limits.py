"""Request rates: one token bucket an account, kept in each process (N processes allow N times the rate)."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tabard.domain.errors import TooManyRequests
from tabard.domain.ids import AccountId

MOST_WAITING = 100
"""Requests of one account that may wait for something at the same time."""
_KEPT = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimit:
    """`rate` requests a second with a burst of one second's worth; a rate of 0 is no limit."""

    def __init__(self, rate: float, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = max(rate, 1.0)
        self._monotonic = monotonic
        self._buckets: OrderedDict[AccountId, _Bucket] = OrderedDict()
        self._waiting: Counter[AccountId] = Counter()

    def take(self, account_id: AccountId) -> None:
        """Raises `TooManyRequests` with the seconds until the next request is welcome."""
        if self._rate <= 0:
            return
        now = self._monotonic()
        bucket = self._buckets.get(account_id)
        if bucket is None:
            bucket = self._buckets[account_id] = _Bucket(self._burst, now)
            if len(self._buckets) > _KEPT:
                self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.filled_at) * self._rate)
        bucket.filled_at = now
        if bucket.tokens < 1.0:
            raise TooManyRequests((1.0 - bucket.tokens) / self._rate)
        bucket.tokens -= 1.0
        self._buckets.move_to_end(account_id)

    @contextmanager
    def waiting(self, account_id: AccountId) -> Iterator[None]:
        """A place for one request that waits. Raises `TooManyRequests` where all are taken."""
        if self._waiting[account_id] >= MOST_WAITING:
            raise TooManyRequests(1.0)
        self._waiting[account_id] += 1
        try:
            yield
        finally:
            self._waiting[account_id] -= 1
            if not self._waiting[account_id]:
                del self._waiting[account_id]
