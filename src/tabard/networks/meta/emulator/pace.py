"""How long the emulated Meta takes for what it does by itself."""

from datetime import timedelta
from enum import StrEnum

from tabard.networks.emulation.pace import Pace


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
