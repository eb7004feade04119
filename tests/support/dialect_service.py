"""What any dialect stands on in its tests: the use cases over the stores in memory, and nobody behind them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from tabard.app.services import Services
from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel
from tabard.ports.networks import RcsNetwork, Way, WhatsAppNetwork
from tabard.ports.world import Image, Picture
from tabard.storage.vault import AesVault
from tests.support.clock import FakeClock
from tests.support.memory import MemorySenders, World
from tests.support.memory_accounts import MemoryAccounts


@dataclass
class StandInNetwork:
    """Answers the calls that a test has given it answers for; an answer may be an exception to raise."""

    answers: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        async def call(*_: Any, **__: Any) -> Any:
            if name not in self.answers:
                raise AssertionError(f"nobody expected the network to be asked for {name}")
            if isinstance(self.answers[name], Exception):
                raise self.answers[name]
            return self.answers[name]

        return call


@dataclass
class StandInPictures:
    """Every picture is as it should be, but for those that a test says otherwise of, by their address."""

    faults: dict[str, Exception] = field(default_factory=dict)

    async def load(self, url: str, picture: Picture, *, field: str, allow_private: bool) -> Image:
        if url in self.faults:
            raise self.faults[url]
        return Image(b"picture", "image/png")


@dataclass
class Backstage:
    """The parts behind a dialect that a test may reach into."""

    clock: FakeClock
    world: World = field(default_factory=World)
    woken: int = 0
    whatsapp: StandInNetwork = field(default_factory=StandInNetwork)
    rcs: StandInNetwork = field(default_factory=StandInNetwork)
    pictures: StandInPictures = field(default_factory=StandInPictures)
    ways: dict[Channel, Way] = field(default_factory=dict)

    def services(self) -> Services:
        return Services(
            senders=MemorySenders(self.world),
            accounts=MemoryAccounts(self.world),
            clock=self.clock,
            vault=AesVault(bytes(32)),
            sandbox=None,
            whatsapp=cast("WhatsAppNetwork", self.whatsapp),
            rcs=cast("RcsNetwork", self.rcs),
            way=self._way,
            pictures=self.pictures,
            stuck_after=timedelta(hours=1),
            wake=self._wake,
        )

    async def _way(self, _: AccountId, channel: Channel) -> Way | None:
        return self.ways.get(channel)

    def _wake(self) -> None:
        self.woken += 1
