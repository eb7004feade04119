"""What the sandbox's user lets happen to an account's webhooks on their way."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

_LONGEST_MS = 2000


@dataclass(frozen=True, slots=True)
class Chaos:
    drops: bool
    duplicates: bool
    shuffles: bool

    def delays(self) -> list[timedelta]:
        """When each copy of a webhook sets off, counted from now; empty if it is lost."""
        copies = 0 if self.drops else 2 if self.duplicates else 1
        return [timedelta(milliseconds=secrets.randbelow(_LONGEST_MS) if self.shuffles else 0) for _ in range(copies)]
