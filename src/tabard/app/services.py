"""The ports that the use cases work with, in one bag: made once by `bootstrap`, handed to every use case."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tabard.ports import AccountStore, Clock, SandboxNetwork, SenderStore, Vault


@dataclass(frozen=True, slots=True)
class Services:
    senders: SenderStore
    accounts: AccountStore
    clock: Clock
    vault: Vault
    sandbox: SandboxNetwork | None
    """None where the service runs without a sandbox."""
    stuck_after: timedelta
    """How long a sender may rest in between before the watchdog reports it."""
    wake: Callable[[], None]
    """Says that some sender is due; cheap, never waits, may be forgotten (the sweep finds what was)."""
