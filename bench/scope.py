"""How much is measured, what comes out, and the marks that it is held against."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.dataset import LARGE, QUICK_LARGE, Size


@dataclass(frozen=True)
class Scope:
    large: Size
    deep_page: int
    """In the largest account, at five senders a page."""
    rounds: int
    round_seconds: float
    life_seconds: float
    life_accounts: int
    boots: int
    deliveries: int
    """That wait at first, to be made as fast as can be."""
    delivery_seconds: float
    flood: int
    list_requests: int
    """Of each kind of list, in a round."""


FULL = Scope(
    large=LARGE,
    deep_page=10_000,
    rounds=5,
    round_seconds=2.0,
    life_seconds=12.0,
    life_accounts=10,
    boots=3,
    deliveries=50_000,
    delivery_seconds=10.0,
    flood=100_000,
    list_requests=20,
)
QUICK = Scope(
    large=QUICK_LARGE,
    deep_page=1_000,
    rounds=2,
    round_seconds=0.5,
    life_seconds=3.0,
    life_accounts=3,
    boots=1,
    deliveries=20_000,
    delivery_seconds=3.0,
    flood=60_000,
    list_requests=5,
)


@dataclass(frozen=True)
class Row:
    """One line of the table. Where there is a mark, `met` says whether it was reached."""

    what: str
    figure: str
    compared: str = ""
    mark: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Section:
    title: str
    rows: Sequence[Row]


Advance = Callable[[str], None]
"""Called at the begin of each step with what it is."""


def at_least(what: str, figure: str, ratio: float, mark: float, of: str) -> Row:
    return Row(what, figure, f"{ratio:.2f} {of}", f"≥ {mark:g}", ratio >= mark)


def at_most(what: str, figure: str, ratio: float, mark: float, of: str) -> Row:
    return Row(what, figure, f"{ratio:.2f} {of}", f"≤ {mark:g}", ratio <= mark)
