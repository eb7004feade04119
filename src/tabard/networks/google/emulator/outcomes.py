"""What the last word of an agent's display name, and the last four digits of a tester's number, make of them.

The guide's tables (docs/guides/sandbox-google.md) are held against these.
"""

from dataclasses import dataclass
from datetime import timedelta

REJECTION = "The use case does not meet our guidelines."
SUSPENSION = "Suspended after complaints about unwanted messages."
REFUSAL = "The business behind the agent could not be verified."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What differs from a plain agent. `story` is the guide's sentence."""

    story: str
    rejected: bool = False
    first_carrier_only: bool = False
    suspended_after: timedelta | None = None
    """Counted from the launch, in account time."""
    unverified: bool = False
    decided_after: timedelta | None = None
    """In account time, counted from the verification, in place of what the pace says."""
    failing_calls: int = 0
    """So many calls that concern the agent fail before the first succeeds."""

    def rejects(self, *, first: bool) -> bool:
        """Whether a carrier rejects; `first` for a country's first."""
        return self.rejected or (self.first_carrier_only and not first)


PLAIN = Outcome("an agent without surprises")

OUTCOMES = {
    "Rejected": Outcome("is rejected by every carrier", rejected=True),
    "Partly": Outcome(
        "is launched by the first carrier of each country and rejected by the others", first_carrier_only=True
    ),
    "Suspended": Outcome("is launched, and suspended by the carrier a day later", suspended_after=timedelta(days=1)),
    "Unverified": Outcome("fails the verification of its business, which rejects the launch too", unverified=True),
    "Slow": Outcome(
        "is decided upon 28 days after its verification, even at an instant pace", decided_after=timedelta(days=28)
    ),
    "Failing": Outcome("fails the first three calls that name it with HTTP 503, then works", failing_calls=3),
}


def outcome_of(display_name: str) -> Outcome:
    words = display_name.split()
    return OUTCOMES.get(words[-1], PLAIN) if words else PLAIN


@dataclass(frozen=True, slots=True)
class Owner:
    """What a phone's owner does about invitations; with neither, they wait for an answer."""

    story: str
    accepts: bool | None = None
    has_rcs: bool = True


WAITING = Owner("waits for its owner to answer")

OWNERS = {
    "0201": Owner("accepts an invitation by itself", accepts=True),
    "0202": Owner("declines an invitation by itself", accepts=False),
    "0203": Owner("has no RCS: it cannot be invited, and has no capabilities", has_rcs=False),
}


def owner_of(address: str) -> Owner:
    return OWNERS.get(address[-4:], WAITING)
