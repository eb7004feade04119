"""What the emulated network remembers, as immutable values.

A *realm* is one account's private Google: its partner, its brands and agents; nothing of it can be seen from another.
An agent is one document with all that hangs on it: verification, launch, testers, webhook. So whatever happens to it is
one change of one row. Times are account time unless their name says wall.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from tabard.networks.emulation.chaos import Chaos
from tabard.networks.google.emulator.outcomes import Outcome, outcome_of
from tabard.networks.google.wire import InviteStatus, LaunchState, VerificationState

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Realm:
    account_id: UUID
    partner_id: str
    client_token: str
    """The partner webhook's: named in its handshake, and the key of its signatures."""
    client_email: str
    key_id: str
    private_key: str
    webhook_url: str | None
    """What the partner chose; None where Tabard's own ingress holds."""
    faults_left: int
    chaos: Chaos


@dataclass(frozen=True, slots=True)
class Brand:
    id: str
    display_name: str

    @property
    def name(self) -> str:
        return f"brands/{self.id}"


@dataclass(frozen=True, slots=True)
class Verification:
    contact: Json
    state: VerificationState = VerificationState.UNVERIFIED
    due: datetime | None = None
    """When it will be decided by itself."""


@dataclass(frozen=True, slots=True)
class Launch:
    """In one region."""

    state: LaunchState
    changed_at: datetime
    comment: str | None = None
    """The carrier's words."""
    due: datetime | None = None
    """When the carrier will act by itself: decide on what is pending, suspend what is launched."""


@dataclass(frozen=True, slots=True)
class Tester:
    """One phone's invitation."""

    status: InviteStatus = InviteStatus.PENDING
    due: datetime | None = None
    """When its owner will answer by itself."""


@dataclass(frozen=True, slots=True)
class Integration:
    """The agent's own webhook."""

    id: str
    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Agent:
    id: str
    brand: Brand
    display_name: str
    details: Json
    """`rcsBusinessMessagingAgent`, as on the wire."""
    archived: bool = False
    verification: Verification | None = None
    """None until it is requested."""
    questionnaire: Json | None = None
    launches: dict[str, Launch] = field(default_factory=dict)
    """By the region's name."""
    testers: dict[str, Tester] = field(default_factory=dict)
    """By the phone's number."""
    invitations: tuple[datetime, ...] = ()
    """Of the last day."""
    integration: Integration | None = None
    version: int = 1

    @property
    def name(self) -> str:
        return f"{self.brand.name}/agents/{self.id}"

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.display_name)

    @property
    def verified_as(self) -> VerificationState:
        return VerificationState.UNVERIFIED if self.verification is None else self.verification.state

    @property
    def is_shown(self) -> bool:
        """Whether a carrier shows it, or is about to."""
        return any(launch.state in {LaunchState.PENDING, LaunchState.LAUNCHED} for launch in self.launches.values())

    @property
    def due(self) -> datetime | None:
        """When something will happen to it by itself."""
        times = [launch.due for launch in self.launches.values()] + [tester.due for tester in self.testers.values()]
        times.append(self.verification.due if self.verification is not None else None)
        return min((time for time in times if time is not None), default=None)

    def with_launch(self, region: str, launch: Launch) -> "Agent":
        return replace(self, launches={**self.launches, region: launch})


@dataclass(frozen=True, slots=True)
class Scene:
    """What one call or one task needs to know: in which realm, about which brand and agent, and when."""

    wall: datetime
    now: datetime
    realm: Realm
    brand: Brand | None = None
    agent: Agent | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """What a phone receives."""

    address: str
    sender: str
    body: str


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of an agent, and what follows from it."""

    agent: Agent
    events: tuple[Json, ...] = ()
    """What the webhook is told."""
    texts: tuple[Text, ...] = ()


_KEPT = ("details", "archived", "verification", "questionnaire", "launches", "testers", "invitations", "integration")


def to_document(agent: Agent) -> str:
    """All but the columns."""
    return orjson.dumps({name: getattr(agent, name) for name in _KEPT}).decode()


def from_document(agent_id: str, brand: Brand, display_name: str, document: str, version: int) -> Agent:
    kept: Json = orjson.loads(document)
    verification, integration = kept["verification"], kept["integration"]
    return Agent(
        id=agent_id,
        brand=brand,
        display_name=display_name,
        details=kept["details"],
        archived=kept["archived"],
        verification=None
        if verification is None
        else Verification(
            verification["contact"], VerificationState(verification["state"]), _time(verification["due"])
        ),
        questionnaire=kept["questionnaire"],
        launches={
            region: Launch(
                LaunchState(launch["state"]),
                datetime.fromisoformat(launch["changed_at"]),
                launch["comment"],
                _time(launch["due"]),
            )
            for region, launch in kept["launches"].items()
        },
        testers={
            address: Tester(InviteStatus(tester["status"]), _time(tester["due"]))
            for address, tester in kept["testers"].items()
        },
        invitations=tuple(datetime.fromisoformat(at) for at in kept["invitations"]),
        integration=None if integration is None else Integration(**integration),
        version=version,
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
