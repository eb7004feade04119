"""How fast an emulated network does what it does by itself. What the stages are, each network says."""

from enum import StrEnum


class Pace(StrEnum):
    INSTANT = "instant"
    """Every stage takes one short step."""
    REALTIME = "realtime"
    """Every stage takes about as long as at the real network; moving the account's clock shortens it."""
    MANUAL = "manual"
    """As instant, but a review waits until somebody decides."""
