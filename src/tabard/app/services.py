"""The ports that the use cases work with, in one bag: made once by `bootstrap`, handed to every use case."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel
from tabard.ports.emulations import EmulatedNetwork, EmulatedRcs, EmulatedWhatsApp
from tabard.ports.networks import RcsNetwork, Way, WhatsAppNetwork
from tabard.ports.stores import AccountStore, SenderStore
from tabard.ports.world import Clock, Pictures, Vault


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The emulated networks."""

    whatsapp: EmulatedWhatsApp
    rcs: EmulatedRcs

    @property
    def networks(self) -> Mapping[str, EmulatedNetwork]:
        """By the name that connections to them go by."""
        return {"meta": self.whatsapp, "google": self.rcs}


@dataclass(frozen=True, slots=True)
class Services:
    senders: SenderStore
    accounts: AccountStore
    clock: Clock
    vault: Vault
    sandbox: Sandbox | None
    """None where the service runs without a sandbox."""
    whatsapp: WhatsAppNetwork
    rcs: RcsNetwork
    way: Callable[[AccountId, Channel], Awaitable[Way | None]]
    """The account's way into the channel's network; None if it has none."""
    pictures: Pictures
    stuck_after: timedelta
    """How long a sender may rest in between before the watchdog reports it."""
    wake: Callable[[], None]
    """Says that some sender is due; cheap, never waits, may be forgotten (the sweep finds what was)."""
