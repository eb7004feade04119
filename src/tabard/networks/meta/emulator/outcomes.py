"""What a number's last four digits make of it. The guide's table (docs/guides/sandbox.md) is held against this one."""

from dataclasses import dataclass
from datetime import timedelta

from tabard.networks.meta.wire import LimitTier


@dataclass(frozen=True, slots=True)
class Outcome:
    """What differs from a plain number. `story` is the guide's sentence."""

    story: str
    verified: bool = False
    """Is proved already when it is added."""
    in_use_elsewhere: bool = False
    cap_reached: bool = False
    codes_used_up: bool = False
    deaf_to_texts: bool = False
    """SMS codes never arrive; calls do."""
    name_declined: bool = False
    limit: LimitTier | None = None
    banned_after: timedelta | None = None
    """Counted from CONNECTED, in account time; so is `flagged_after`."""
    flagged_after: timedelta | None = None
    failing_calls: int = 0
    """So many calls that concern the number fail before the first succeeds."""
    has_unknown_pin: bool = False
    registrations_used_up: bool = False
    account_locked: bool = False


PLAIN = Outcome("a number without surprises")

OUTCOMES = {
    "0111": Outcome("is verified already when it is added: no code is needed", verified=True),
    "0112": Outcome("is on WhatsApp elsewhere: adding it is refused unless it is migrated", in_use_elsewhere=True),
    "0113": Outcome("meets a business account that has reached its number cap", cap_reached=True),
    "0114": Outcome("has asked for too many codes: each further request is refused", codes_used_up=True),
    "0115": Outcome(
        "has its display name declined, now and at every change, and is limited to 250 customers a day",
        name_declined=True,
        limit=LimitTier.TIER_250,
    ),
    "0116": Outcome("is banned an hour after it went CONNECTED", banned_after=timedelta(hours=1)),
    "0117": Outcome("fails the first three network calls with HTTP 500, code 2, then works", failing_calls=3),
    "0118": Outcome("never receives an SMS; a voice call reaches it", deaf_to_texts=True),
    "0119": Outcome(
        "drops to RED quality, and to 250 customers a day, an hour after it went CONNECTED",
        flagged_after=timedelta(hours=1),
    ),
    "0120": Outcome("has a two-step PIN that nobody knows: registering it is refused", has_unknown_pin=True),
    "0121": Outcome("has used up its registrations when it is added: wait 72 hours", registrations_used_up=True),
    "0122": Outcome("belongs to a locked business account: registering it is refused", account_locked=True),
}


def outcome_of(digits: str) -> Outcome:
    return OUTCOMES.get(digits[-4:], PLAIN)
