"""Where an RCS agent may be seen: its launch, country by country and carrier by carrier.

A carrier decides for itself; a country's status follows from its carriers', the agent's from its countries'. Nothing
else sets them. The words are those of Google's launch states, with NOT_LAUNCHED for a carrier that was never asked.
"""

from collections.abc import Iterable, Mapping, Set
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

STANDING = frozenset({CarrierStatus.PENDING, CarrierStatus.LAUNCHED, CarrierStatus.SUSPENDED})
"""In which a request stands, so that it is not to be made again."""

_ANSWERS = STANDING | {CarrierStatus.REJECTED}
"""Which no carrier has that was never asked."""


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
    """The network has taken our request to launch there."""

    @property
    def to_be_asked(self) -> bool:
        return self.status is CarrierStatus.PENDING and not self.asked


@dataclass(frozen=True, slots=True)
class Country:
    code: str
    status: CarrierStatus
    carriers: tuple[Carrier, ...]


def status_of(statuses: Iterable[CarrierStatus]) -> CarrierStatus:
    """The status of a whole: launched if any part is, else waiting if any part is, and so on down."""
    present = set(statuses)
    return next((status for status in _STRONGEST_FIRST if status in present), CarrierStatus.NOT_LAUNCHED)


def requested(
    carriers: Iterable[Carrier], countries: Iterable[str], at: datetime, *, askable: Set[CarrierStatus] = ASKABLE
) -> tuple[Carrier, ...]:
    """The carriers with those of the countries to be asked that have not been, or have said no."""
    wanted = set(countries)
    return tuple(
        replace(carrier, status=CarrierStatus.PENDING, remark=None, changed_at=at, asked=False)
        if carrier.country in wanted and carrier.status in askable
        else carrier
        for carrier in carriers
    )


def called_off(carriers: Iterable[Carrier], countries: Iterable[str]) -> tuple[Carrier, ...]:
    """The carriers without those requests in other countries that the network was not told of yet."""
    wanted = set(countries)
    return tuple(
        replace(carrier, status=CarrierStatus.NOT_LAUNCHED, changed_at=None)
        if carrier.to_be_asked and carrier.country not in wanted
        else carrier
        for carrier in carriers
    )


def heard(carriers: Iterable[Carrier], verdicts: Mapping[str, Verdict]) -> tuple[Carrier, ...]:
    """The carriers as the network tells of them. One that is still to be asked stays so, unless the network knows of
    the request already: any other verdict is from before it."""

    def after(carrier: Carrier) -> Carrier:
        verdict = verdicts.get(carrier.region)
        if verdict is None or (carrier.to_be_asked and verdict.status not in STANDING):
            return carrier
        asked = carrier.asked or verdict.status in _ANSWERS
        if (verdict.status, verdict.remark) == (carrier.status, carrier.remark):
            return replace(carrier, asked=asked)
        return replace(
            carrier, status=verdict.status, remark=verdict.remark, changed_at=verdict.changed_at, asked=asked
        )

    return tuple(after(carrier) for carrier in carriers)


def known(carriers: Iterable[Carrier], regions: Iterable[Region], countries: Iterable[str]) -> tuple[Carrier, ...]:
    """The carriers, and after them those of the countries that the network has and we did not know of."""
    there = tuple(carriers)
    have, wanted = {carrier.region for carrier in there}, set(countries)
    new = [region for region in regions if region.country in wanted and region.id not in have]
    return (*there, *(Carrier(region.id, region.country, region.carrier) for region in new))
