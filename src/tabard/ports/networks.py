"""The networks behind the channels, as the application drives them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tabard.domain.account import AccountKind, Connection
from tabard.domain.agents.agent import Agent, BusinessContact, TesterStatus
from tabard.domain.agents.launch import Region, Verdict
from tabard.domain.profile import Profile
from tabard.domain.sender import NameReview, Quality, Trouble, VerificationMethod
from tabard.ports.world import Image


class NumberStatus(StrEnum):
    PENDING = "pending"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    BANNED = "banned"
    RESTRICTED = "restricted"
    MIGRATED = "migrated"
    DELETED = "deleted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NumberState:
    """A number as its network sees it."""

    id: str
    address: str | None
    """E.164 with the plus; None where the network does not say."""
    verified: bool
    status: NumberStatus
    display_name: str | None
    name_review: NameReview | None
    pending_name: str | None
    pending_name_review: NameReview | None
    quality: Quality
    messaging_limit: int | None
    """Customers a day, `UNLIMITED` for no bound, None where the network does not say."""
    blocked_by: Trouble | None
    """What keeps the number from sending although it may be connected; None if nothing does."""


class Decision(StrEnum):
    """What to do about a network's refusal."""

    RETRY = "retry"
    """Passing: try again, `after` seconds from now if the network said so, else backing off."""
    WAIT = "wait"
    """A limit with a known end: try again `after` seconds from now; it is nobody's failure."""
    GIVE_UP = "give_up"
    """Trying again will not help."""


class NetworkFault(Exception):
    """A call that the network refused, or that never got an answer. `detail` is fit to show to the user."""

    def __init__(
        self,
        decision: Decision,
        trouble: Trouble,
        detail: str,
        *,
        after: float | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(f"{trouble}: {detail}")
        self.decision = decision
        self.trouble = trouble
        self.detail = detail
        self.after = after
        self.code = code


@dataclass(frozen=True, slots=True)
class Way:
    """How an account reaches a network."""

    kind: AccountKind
    connection: Connection


class WhatsAppNetwork(Protocol):
    """Every method raises `NetworkFault`, and is safe to repeat."""

    async def find_number(self, way: Connection, business_account: str, address: str) -> NumberState | None:
        """The number as the business account holds it, looked up by its digits; None if it does not."""

    async def number(self, way: Connection, number_id: str) -> NumberState | None:
        """None if the network no longer has it."""

    async def add_number(self, way: Connection, business_account: str, address: str, display_name: str) -> str:
        """Its id. Fault NUMBER_PRESENT if the business account has it: find it then."""

    async def request_code(self, way: Connection, number_id: str, method: VerificationMethod) -> None:
        """Fault ALREADY_VERIFIED if no code is needed."""

    async def verify_code(self, way: Connection, number_id: str, code: str) -> None:
        """Fault CODE_REJECTED if the code is wrong or too old."""

    async def register(self, way: Connection, number_id: str, pin: str) -> None: ...

    async def deregister(self, way: Connection, number_id: str) -> None:
        """Fault NOT_REGISTERED if there is nothing to undo."""

    async def subscribe_app(self, way: Connection, business_account: str) -> None: ...

    async def push_profile(self, way: Connection, number_id: str, profile: Profile, logo: Image | None) -> None: ...

    async def submit_name(self, way: Connection, number_id: str, name: str) -> None: ...


class Verification(StrEnum):
    """How far the network is with verifying the business behind an agent."""

    UNREQUESTED = "unrequested"
    UNVERIFIED = "unverified"
    PENDING = "pending"
    VERIFIED = "verified"


class RcsNetwork(Protocol):
    """Every method raises `NetworkFault`, and is safe to repeat. Agents are named by the network's id of them.

    The business account is the network's record of the business behind an agent.
    """

    async def regions(self, way: Connection) -> Sequence[Region]:
        """Where agents can be launched. A region whose country can't be told is left out."""

    async def find_business_account(self, way: Connection, name: str) -> str | None: ...

    async def add_business_account(self, way: Connection, name: str) -> str:
        """Its id."""

    async def find_agent(self, way: Connection, business_account: str) -> str | None:
        """The business account's agent; None if it has none that is in use."""

    async def add_agent(self, way: Connection, business_account: str, profile: Profile, agent: Agent) -> str:
        """Its id. The profile holds all that `tabard.domain.agents.change.missing_for_agent` asks for."""

    async def has_agent(self, way: Connection, agent_id: str) -> bool: ...

    async def push_profile(self, way: Connection, agent_id: str, profile: Profile, *, frozen: bool) -> None:
        """`frozen` leaves out what the network no longer lets change once a launch was requested."""

    async def subscribe(self, way: Connection, agent_id: str) -> None:
        """Have the network tell us of the agent. Does nothing where this service has no address to be told at."""

    async def verification(self, way: Connection, agent_id: str) -> Verification: ...

    async def request_verification(
        self, way: Connection, agent_id: str, profile: Profile, contact: BusinessContact
    ) -> None:
        """What the contact does not say is taken from the profile."""

    async def request_launch(
        self, way: Connection, agent_id: str, profile: Profile, agent: Agent, regions: Collection[str]
    ) -> None:
        """Ask the carriers of the regions, those already asked among them. Fault LAUNCH_INCOMPLETE if the network finds
        the request wanting."""

    async def verdicts(self, way: Connection, agent_id: str) -> Mapping[str, Verdict]:
        """By region; empty if no launch was requested yet."""

    async def testers(self, way: Connection, agent_id: str) -> Mapping[str, TesterStatus]:
        """By the phone's address: INVITED, ACCEPTED or DECLINED."""

    async def invite(self, way: Connection, agent_id: str, address: str) -> None:
        """Faults INVITATIONS_USED_UP, PHONE_UNREACHABLE."""

    async def remove_tester(self, way: Connection, agent_id: str, address: str) -> None:
        """Does nothing if the phone is no tester."""

    async def capabilities(self, way: Connection, agent_id: str, address: str) -> Sequence[str]:
        """What the phone can show, in the network's words. Faults TESTER_NOT_READY, PHONE_UNREACHABLE."""

    async def retire(self, way: Connection, agent_id: str) -> None:
        """Take the agent off every carrier, and put it away."""
