"""Where an RCS agent may be seen: its launch, country by country and carrier by carrier.

A carrier decides for itself; a country's status follows from its carriers', the agent's from its countries'. Nothing
else sets them. The words are those of Google's launch states, with NOT_LAUNCHED for a carrier that was never asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class CarrierStatus(StrEnum):
    NOT_LAUNCHED = "not_launched"
    PENDING = "pending"
    LAUNCHED = "launched"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    UNLAUNCHED = "unlaunched"


_STRONGEST_FIRST = (
    CarrierStatus.LAUNCHED,
    CarrierStatus.PENDING,
    CarrierStatus.SUSPENDED,
    CarrierStatus.REJECTED,
    CarrierStatus.UNLAUNCHED,
    CarrierStatus.NOT_LAUNCHED,
)

ASKABLE = frozenset({CarrierStatus.NOT_LAUNCHED, CarrierStatus.REJECTED, CarrierStatus.UNLAUNCHED})
"""From which a launch may be requested, for the first time or again (Google, launch states)."""


@dataclass(frozen=True, slots=True)
class Region:
    """One carrier of one country, as the network names the two."""

    id: str
    country: str
    """ISO 3166-1 alpha-2."""
    carrier: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the network says of one region of a launch."""

    status: CarrierStatus
    remark: str | None
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Carrier:
    region: str
    country: str
    name: str
    status: CarrierStatus = CarrierStatus.NOT_LAUNCHED
    remark: str | None = None
    """The carrier's own words on its decision."""
    changed_at: datetime | None = None
    asked: bool = False
    """The network has taken our request to launch there; one that is PENDING and was not asked is still to be."""


@dataclass(frozen=True, slots=True)
class Country:
    code: str
    status: CarrierStatus
    carriers: tuple[Carrier, ...]


def status_of(statuses: Iterable[CarrierStatus]) -> CarrierStatus:
    """The status of a whole: launched if any part is, else waiting if any part is, and so on down."""
    present = set(statuses)
    return next((status for status in _STRONGEST_FIRST if status in present), CarrierStatus.NOT_LAUNCHED)


def requested(carriers: Iterable[Carrier], countries: Iterable[str], at: datetime) -> tuple[Carrier, ...]:
    """The carriers with those of the countries to be asked that have not been, or have said no."""
    wanted = set(countries)

    def to_be_asked(carrier: Carrier) -> bool:
        return carrier.country in wanted and carrier.status in ASKABLE

    return tuple(
        replace(carrier, status=CarrierStatus.PENDING, remark=None, changed_at=at, asked=False)
        if to_be_asked(carrier)
        else carrier
        for carrier in carriers
    )


def heard(carriers: Iterable[Carrier], verdicts: Mapping[str, Verdict]) -> tuple[Carrier, ...]:
    """The carriers as the network tells of them. One whose request it has not taken yet stays as it is."""

    def after(carrier: Carrier) -> Carrier:
        verdict = verdicts.get(carrier.region)
        if verdict is None or (carrier.status is CarrierStatus.PENDING and not carrier.asked):
            return carrier
        if (verdict.status, verdict.remark) == (carrier.status, carrier.remark):
            return carrier
        return replace(carrier, status=verdict.status, remark=verdict.remark, changed_at=verdict.changed_at, asked=True)

    return tuple(after(carrier) for carrier in carriers)


def known(carriers: Iterable[Carrier], regions: Iterable[Region], countries: Iterable[str]) -> tuple[Carrier, ...]:
    """The carriers, and after them those of the countries that the network has and we did not know of."""
    there = tuple(carriers)
    have, wanted = {carrier.region for carrier in there}, set(countries)
    new = [region for region in regions if region.country in wanted and region.id not in have]
    return (*there, *(Carrier(region.id, region.country, region.carrier) for region in new))
