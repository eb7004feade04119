"""How long the emulated Google and its carriers take for what they do by themselves."""

from dataclasses import dataclass
from datetime import timedelta

from tabard.networks.emulation.pace import Pace
from tabard.networks.google.emulator.outcomes import Outcome
from tabard.networks.google.emulator.regions import Region

VERIFICATION = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """None is for what waits for a person."""

    pace: Pace
    step: timedelta

    def verification(self) -> timedelta | None:
        if self.pace is Pace.MANUAL:
            return None
        return VERIFICATION if self.pace is Pace.REALTIME else self.step

    def decision(self, outcome: Outcome, region: Region, spread: float) -> timedelta | None:
        """From the verification to the carrier's decision; `spread`, from 0 to 1, keeps them from falling together."""
        if self.pace is Pace.MANUAL:
            return None
        wait = region.decides_after if self.pace is Pace.REALTIME else self.step
        return (outcome.decided_after or wait) + self.step * spread / 2

    def answer(self) -> timedelta:
        """From an invitation to the answer of an owner who answers by himself, at any pace."""
        return self.step
