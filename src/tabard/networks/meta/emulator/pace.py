"""How long the emulated network takes for what it does by itself."""

from datetime import timedelta
from enum import StrEnum


class Pace(StrEnum):
    INSTANT = "instant"
    """Every stage takes one short step."""
    REALTIME = "realtime"
    """Every stage takes about as long as at Meta; moving the account's clock shortens it."""
    MANUAL = "manual"
    """As instant, but a display name waits until somebody decides."""


class Stage(StrEnum):
    TEXT = "text"
    """A code on its way to the phone."""
    CONNECT = "connect"
    """From the registration to CONNECTED."""
    NAME_REVIEW = "name_review"


REALTIME = {
    Stage.TEXT: timedelta(seconds=3),
    Stage.CONNECT: timedelta(seconds=5),
    Stage.NAME_REVIEW: timedelta(hours=24),
}


def duration(pace: Pace, step: timedelta, stage: Stage) -> timedelta | None:
    """None where the stage waits for a person. Zero means: within the call that starts it."""
    if pace is Pace.REALTIME:
        return REALTIME[stage]
    if stage is Stage.TEXT:
        return timedelta(0)
    if pace is Pace.MANUAL and stage is Stage.NAME_REVIEW:
        return None
    return step
