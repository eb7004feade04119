"""What an RCS sender has beyond its profile: where its data lie, who tests it, what its reviewers are told, its launch.

What reviewers are told is kept in our words as far as the network asks for it (`Review`, `BusinessContact`); what only
one country's reviewers ask for is kept as it was given (`local_answers`), for people to read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tabard.domain.agents import launch
from tabard.domain.agents.launch import Carrier, CarrierStatus, Country
from tabard.domain.errors import TesterDeclined, TesterUnknown, TooManyInvitations, TooManyTesters

MOST_TESTERS = 200
MOST_INVITATIONS_A_DAY = 20
"""Both per agent (Google, test devices)."""
_DAY = timedelta(days=1)


class DataRegion(StrEnum):
    BR = "br"
    EU = "eu"
    US = "us"


class Hosting(StrEnum):
    """Where the network keeps the agent; permanent."""

    EUROPE = "europe"
    NORTH_AMERICA = "north_america"
    ASIA_PACIFIC = "asia_pacific"


HOSTING = {DataRegion.BR: Hosting.NORTH_AMERICA, DataRegion.EU: Hosting.EUROPE, DataRegion.US: Hosting.NORTH_AMERICA}


class Billing(StrEnum):
    CONVERSATIONAL = "conversational"
    CONVERSATIONAL_LEGACY = "conversational_legacy"
    NON_CONVERSATIONAL = "non_conversational"
    SINGLE_MESSAGE = "single_message"
    BASIC_MESSAGE = "basic_message"


class TesterStatus(StrEnum):
    WAITING = "waiting"
    """To be invited."""
    INVITED = "invited"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    """The network can't invite the phone: it has no RCS, or is no phone."""
    LEAVING = "leaving"
    """Removed by its owner; the network is still to be told."""


@dataclass(frozen=True, slots=True)
class Tester:
    address: str
    """E.164 with the plus."""
    status: TesterStatus
    since: datetime
    anew: bool = False
    """Whatever the network knows of the phone is from before, and is to be forgotten before it is invited."""


@dataclass(frozen=True, slots=True)
class Review:
    """What the people who review a launch are told."""

    opt_in: str | None = None
    trigger: str | None = None
    interactions: str | None = None
    opt_out: str | None = None
    separators: Mapping[str, str] = field(default_factory=dict)
    """By the name of a text: what separates its parts, and means nothing to the reader."""
    videos: tuple[str, ...] = ()
    screenshots: tuple[str, ...] = ()

    def told(self, text: str) -> str | None:
        """The text as its reader is to have it."""
        value: str | None = getattr(self, text)
        separator = self.separators.get(text)
        return value.replace(separator, "") if value and separator else value


@dataclass(frozen=True, slots=True)
class BusinessContact:
    """Whom the network asks whether the business stands behind the agent."""

    name: str | None = None
    email: str | None = None
    title: str | None = None
    website: str | None = None
    phone: str | None = None
    partner: Mapping[str, str] | None = None
    """`company`, `name` and `email` of the reseller, where there is one."""


@dataclass(frozen=True, slots=True)
class Agent:
    data_region: DataRegion = DataRegion.US
    billing: Billing = Billing.NON_CONVERSATIONAL
    countries: tuple[str, ...] = ()
    """Where the owner wants to be seen, ISO 3166-1 alpha-2."""
    asked_countries: tuple[str, ...] = ()
    """Where a launch was ever requested."""
    carriers: tuple[Carrier, ...] = ()
    testers: tuple[Tester, ...] = ()
    invitations: tuple[datetime, ...] = ()
    """When a phone was invited, within the last day."""
    review: Review = field(default_factory=Review)
    contact: BusinessContact = field(default_factory=BusinessContact)
    local_answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By country: what its reviewers ask for, in the asker's own words."""
    compliance: Mapping[str, str] = field(default_factory=dict)
    """Ids of registrations kept elsewhere: by country, and one for all under ""."""
    launch_wanted: bool = False
    """To be launched as soon as nothing holds that back."""
    waits_for_video: bool = False
    """The launch is held back until the reviewers can be shown one."""
    verified: bool = False
    """The network has verified the business."""
    launched_at: datetime | None = None
    """When a carrier last launched it."""

    @property
    def hosting(self) -> Hosting:
        return HOSTING[self.data_region]

    @property
    def shown_countries(self) -> tuple[Country, ...]:
        """The countries that are wanted or were ever asked, each with its carriers; in the order of the wish."""
        asked = (carrier.country for carrier in self.carriers if carrier.asked)
        codes = dict.fromkeys((*self.countries, *self.asked_countries, *asked))
        return tuple(self._country(code) for code in codes)

    def _country(self, code: str) -> Country:
        carriers = tuple(carrier for carrier in self.carriers if carrier.country == code)
        if not carriers and code in self.asked_countries:
            return Country(code, CarrierStatus.PENDING, ())
        return Country(code, launch.status_of(carrier.status for carrier in carriers), carriers)

    @property
    def launch_status(self) -> CarrierStatus:
        return launch.status_of(country.status for country in self.shown_countries)

    def wanting(self, countries: Iterable[str]) -> "Agent":
        """The agent with exactly these countries wanted. Where a launch stands at the network it goes on standing."""
        wanted = tuple(dict.fromkeys(countries))
        carriers = launch.called_off(self.carriers, wanted)
        stands = {carrier.country for carrier in carriers if carrier.asked}
        asked = tuple(code for code in self.asked_countries if code in wanted or code in stands)
        return replace(self, countries=wanted, carriers=carriers, asked_countries=asked)

    def called_off(self) -> "Agent":
        """The agent without those requests to launch that the network has not taken."""
        carriers = launch.called_off(self.carriers, ())
        stands = {carrier.country for carrier in carriers if carrier.asked}
        asked = tuple(code for code in self.asked_countries if code in stands)
        return replace(self, carriers=carriers, asked_countries=asked)

    def launch_requested(self, at: datetime) -> "Agent":
        """Every wanted country is to be launched; where it is or is being launched already, nothing changes."""
        asked = tuple(dict.fromkeys((*self.asked_countries, *self.countries)))
        return replace(self, asked_countries=asked, carriers=launch.requested(self.carriers, self.countries, at))

    # testers

    @property
    def shown_testers(self) -> tuple[Tester, ...]:
        return tuple(tester for tester in self.testers if tester.status is not TesterStatus.LEAVING)

    def tester(self, address: str) -> Tester:
        """Raises `TesterUnknown`."""
        for tester in self.shown_testers:
            if tester.address == address:
                return tester
        raise TesterUnknown(f"{address} is no test number of this sender")

    def with_testers(self, addresses: Iterable[str], at: datetime) -> "Agent":
        """The agent with exactly these testers: new ones wait to be invited, the others are to leave.

        Raises `TooManyTesters`.
        """
        wanted = dict.fromkeys(addresses)
        kept = [t for t in self.testers if t.address in wanted and t.status is not TesterStatus.LEAVING]
        have = {tester.address for tester in kept}
        new = [self._waiting(address, at) for address in wanted if address not in have]
        gone = [replace(t, status=TesterStatus.LEAVING) for t in self.testers if t.address not in wanted]
        return self._with((*kept, *new, *gone))

    def invited_again(self, addresses: Iterable[str], at: datetime, *, at_once: bool) -> "Agent":
        """The agent with these phones to be invited, known ones anew.

        `at_once` asks for today's invitations: the caller is told when there are not enough left. Raises
        `TooManyTesters`, `TooManyInvitations`, `TesterDeclined`.
        """
        wanted = tuple(dict.fromkeys(addresses))
        for tester in self.testers:
            if tester.address in wanted and tester.status is TesterStatus.DECLINED:
                raise TesterDeclined(f"{tester.address} has declined to be a test number; remove it before adding it")
        if at_once:
            waiting = sum(t.status is TesterStatus.WAITING and t.address not in wanted for t in self.testers)
            left = MOST_INVITATIONS_A_DAY - len(self.recent_invitations(at)) - waiting
            if len(wanted) > left:
                raise TooManyInvitations(
                    f"{MOST_INVITATIONS_A_DAY} phones a day can be invited, {max(0, left)} of them are left for now"
                )
        others = [tester for tester in self.testers if tester.address not in wanted]
        return self._with((*others, *(self._waiting(address, at) for address in wanted)))

    def without_tester(self, address: str) -> "Agent":
        """Raises `TesterUnknown`."""
        leaving = replace(self.tester(address), status=TesterStatus.LEAVING)
        return self._with(leaving if tester.address == address else tester for tester in self.testers)

    def recent_invitations(self, at: datetime) -> tuple[datetime, ...]:
        return tuple(time for time in self.invitations if at - time < _DAY)

    def invited(self, address: str, at: datetime) -> "Agent":
        """The network has taken an invitation of ours."""
        agent = replace(self, invitations=(*self.recent_invitations(at), at))
        return agent.tester_is(address, TesterStatus.INVITED, at)

    def tester_is(self, address: str, status: TesterStatus, at: datetime) -> "Agent":
        testers = tuple(
            replace(t, status=status, since=at) if t.address == address and t.status is not status else t
            for t in self.testers
        )
        return replace(self, testers=testers)

    def forgotten(self, address: str) -> "Agent":
        """The network no longer knows the phone, which waits to be invited."""
        testers = tuple(replace(t, anew=False) if t.address == address else t for t in self.testers)
        return replace(self, testers=testers)

    def let_go(self, address: str) -> "Agent":
        """The network no longer has the phone."""
        return replace(self, testers=tuple(tester for tester in self.testers if tester.address != address))

    def _waiting(self, address: str, at: datetime) -> Tester:
        before = next((tester for tester in self.testers if tester.address == address), None)
        if before is not None and before.status is TesterStatus.WAITING:
            return before
        return Tester(address, TesterStatus.WAITING, at, anew=before is not None)

    def _with(self, testers: Iterable[Tester]) -> "Agent":
        agent = replace(self, testers=tuple(testers))
        if len(agent.shown_testers) > MOST_TESTERS:
            raise TooManyTesters(f"an agent has at most {MOST_TESTERS} test numbers")
        return agent
