"""What the sandbox can do with emulated networks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tabard.domain.account import Connection
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.ids import AccountId
from tabard.domain.sender import Quality


@dataclass(frozen=True, slots=True)
class PhoneMessage:
    """What a sandbox phone received: a text, or the words of a call."""

    sender: str
    text: str
    received_at: datetime


class EmulatedNetwork(Protocol):
    """What the sandbox can do with any emulated network, always on behalf of one account."""

    async def open_account(self, account_id: AccountId) -> Connection:
        """Give the account a world of its own and a way into it; the same again if it has one."""

    async def reset(self, account_id: AccountId) -> None:
        """Forget the account's senders, inboxes, chosen faults and tasks; its connection stays valid."""

    async def shift(self, account_id: AccountId, by: timedelta) -> None:
        """Bring every task of the account that waits for a time nearer by this much."""

    async def next_due(self, account_id: AccountId) -> datetime | None:
        """The wall time at which the network will next do something for the account by itself."""

    async def inbox(self, account_id: AccountId, address: str) -> Sequence[PhoneMessage]:
        """What the network sent to the phone, newest last; empty if nothing. Never raises `NotFound`."""

    async def fail_next(self, account_id: AccountId, count: int, *, status: int, code: int) -> None:
        """Answer the account's next `count` network calls with this HTTP status and, where the network has such, its
        error code."""


class EmulatedWhatsApp(EmulatedNetwork, Protocol):
    """Methods that name a number raise `NotFound` if the account's emulated business account does not hold it."""

    async def sign_up(self, account_id: AccountId, address: str, display_name: str) -> tuple[str, str]:
        """Add a number that is proved already, as a client does in Meta's Embedded Signup; its business account and its
        id. The same again if it is there. Never raises `NotFound`."""

    async def decide_name(self, account_id: AccountId, address: str, *, approved: bool, reason: str | None) -> None:
        """Decide the review of the number's display name. Raises `NotFound` if none is open."""

    async def ban(self, account_id: AccountId, address: str) -> None: ...

    async def lift_ban(self, account_id: AccountId, address: str) -> None: ...

    async def set_quality(self, account_id: AccountId, address: str, quality: Quality) -> None: ...

    async def set_messaging_limit(self, account_id: AccountId, limit: int) -> None:
        """Customers a day for the whole business; `UNLIMITED` for no bound."""

    async def set_number_cap(self, account_id: AccountId, cap: int | None) -> None: ...


class EmulatedRcs(EmulatedNetwork, Protocol):
    """Methods that name an agent, by its id at the network, raise `NotFound` if the account has no such agent."""

    async def decide_verification(self, account_id: AccountId, agent_id: str, *, verified: bool) -> None:
        """Decide the verification of the business behind the agent. Raises `NotFound` if none is open."""

    async def decide_launch(
        self,
        account_id: AccountId,
        agent_id: str,
        regions: Collection[str] | None,
        status: CarrierStatus,
        comment: str | None,
    ) -> None:
        """Let every carrier decide to which the decision is open, of the regions or, without them, of all; at once.

        Status is LAUNCHED, REJECTED, SUSPENDED or UNLAUNCHED. Raises `NotFound` if no launch was requested there,
        `Conflict` if the decision is open to none of them.
        """

    async def answer_invitation(self, account_id: AccountId, agent_id: str, address: str, *, accepted: bool) -> None:
        """Answer, as the phone's owner, the invitation to test the agent. Raises `NotFound` if there is none."""
