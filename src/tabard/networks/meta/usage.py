"""Meta's usage headers, honoured: a business account whose allowance is used up is not called until it is back.

Only an optimisation, kept in this process and bounded: after a restart the first call learns the same again. Graph
does not say beforehand which business account a number belongs to, but the header of each answer does, and is kept.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import orjson

from tabard.domain.sender import Trouble
from tabard.networks.meta.wire import USAGE_HEADER
from tabard.ports.networks import Decision, NetworkFault
from tabard.ports.world import Clock

APP_USAGE_HEADER = "x-app-usage"
_COUNTERS = ("call_count", "total_cputime", "total_time")
_REGAIN = "estimated_time_to_regain_access"
_UNNAMED_WAIT = 5.0
_LONGEST_WAIT = 24 * 60.0
_WHOLE_APP = ""

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class _Closed:
    until: datetime
    end_named: bool


class UsageGate:
    def __init__(self, clock: Clock, size: int = 4096) -> None:
        self._clock = clock
        self._size = size
        self._closed: OrderedDict[tuple[bytes, str], _Closed] = OrderedDict()
        self._owners: OrderedDict[tuple[bytes, str], str] = OrderedDict()

    def check(self, token: str, subject: str, business_account: str) -> None:
        """Raises `NetworkFault` while the subject's business account, or the given one if it is unknown, is closed."""
        key = _digest(token)
        now = self._clock.now()
        for business in (_WHOLE_APP, self._owners.get((key, subject), business_account)):
            closed = self._closed.get((key, business))
            if closed is None:
                continue
            if closed.until <= now:
                del self._closed[key, business]
                continue
            raise NetworkFault(
                Decision.WAIT if closed.end_named else Decision.RETRY,
                Trouble.NETWORK_UNAVAILABLE,
                "Meta's call allowance for this business account is used up",
                after=(closed.until - now).total_seconds(),
            )

    def note(self, token: str, subject: str, headers: Mapping[str, str]) -> float | None:
        """Learn from an answer's headers. Gives the longest wait in seconds that they ask for."""
        key = _digest(token)
        usage = _object(headers.get(USAGE_HEADER))
        if len(usage) == 1:
            self._keep(self._owners, (key, subject), next(iter(usage)))
        rows = [(str(business), row) for business, entries in usage.items() for row in _rows(entries)]
        rows.append((_WHOLE_APP, _object(headers.get(APP_USAGE_HEADER))))
        waits = []
        for business, row in rows:
            wait = _wait(row)
            if wait is not None:
                self._close(key, business, *wait)
                waits.append(wait[0] * 60)
        return max(waits, default=None)

    def _close(self, key: bytes, business: str, minutes: float, end_named: bool) -> None:
        closed = _Closed(self._clock.now() + timedelta(minutes=minutes), end_named)
        before = self._closed.get((key, business))
        if before is None or before.until < closed.until:
            self._keep(self._closed, (key, business), closed)

    def _keep(self, kept: OrderedDict[tuple[bytes, str], _Kept], key: tuple[bytes, str], value: _Kept) -> None:
        kept[key] = value
        kept.move_to_end(key)
        if len(kept) > self._size:
            kept.popitem(last=False)


def _digest(token: str) -> bytes:
    """Tokens are not kept: a digest tells them apart as well."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()[:16]


def _object(header: str | None) -> dict[str, object]:
    try:
        document = orjson.loads(header) if header else None
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _rows(entries: object) -> Iterator[dict[str, object]]:
    if isinstance(entries, list):
        yield from (entry for entry in entries if isinstance(entry, dict))


def _wait(row: Mapping[str, object]) -> tuple[float, bool] | None:
    """Minutes to wait, and whether Meta named them; None while there is allowance left."""
    regain = _number(row.get(_REGAIN))
    if regain > 0:
        return min(regain, _LONGEST_WAIT), True
    if any(_number(row.get(counter)) >= 100 for counter in _COUNTERS):
        return _UNNAMED_WAIT, False
    return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
