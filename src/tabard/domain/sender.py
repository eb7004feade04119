"""The sender: one identity on one channel, as an immutable value.

Every change makes a new value; `tabard.domain.event.between` derives the events from the pair, so no change can
forget to tell. Status moves only through `Sender.signalled`, that is, through the lifecycle table.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tabard.domain import lifecycle
from tabard.domain.agents.agent import Agent
from tabard.domain.errors import InvalidInput, NotFound
from tabard.domain.ids import AccountId, SenderId
from tabard.domain.lifecycle import Channel, Signal, Status
from tabard.domain.profile import Profile

UNLIMITED = -1
"""As a messaging limit: any number of customers a day."""


class VerificationMethod(StrEnum):
    SMS = "sms"
    VOICE = "voice"


class AccountType(StrEnum):
    """Whose business account the number is in, for resellers."""

    ISV = "isv"
    ISV_SUB_ACCOUNT = "isv_sub_account"


class Quality(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNKNOWN = "unknown"


class Trouble(StrEnum):
    """Why a sender is offline, or what is worth a warning. Dialects map these to their own codes."""

    ACCESS_DENIED = "access_denied"
    ACCOUNT_BANNED = "account_banned"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_INVALID = "account_invalid"
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_ALERT = "account_alert"
    AGENT_GONE = "agent_gone"
    ALREADY_VERIFIED = "already_verified"
    CODE_REJECTED = "code_rejected"
    BANNER_UNUSABLE = "banner_unusable"
    CANNOT_VERIFY = "cannot_verify"
    COLOR_UNREADABLE = "color_unreadable"
    INVITATIONS_USED_UP = "invitations_used_up"
    LAUNCH_INCOMPLETE = "launch_incomplete"
    LOGO_UNUSABLE = "logo_unusable"
    NAME_DECLINED = "name_declined"
    NETWORK_REFUSED = "network_refused"
    NETWORK_UNAVAILABLE = "network_unavailable"
    NOT_LAUNCHED = "not_launched"
    NOT_REGISTERED = "not_registered"
    NOT_VERIFIED = "not_verified"
    NUMBER_BANNED = "number_banned"
    NUMBER_CAP = "number_cap"
    NUMBER_GONE = "number_gone"
    NUMBER_MIGRATED = "number_migrated"
    NUMBER_PRESENT = "number_present"
    NUMBER_TAKEN = "number_taken"
    PIN_MISMATCH = "pin_mismatch"
    REGISTRATION_LIMIT = "registration_limit"
    PHONE_UNREACHABLE = "phone_unreachable"
    STUCK = "stuck"
    TESTER_UNKNOWN = "tester_unknown"
    TESTER_NOT_READY = "tester_not_ready"
    TOO_MANY_CODES = "too_many_codes"


@dataclass(frozen=True, slots=True)
class Reason:
    trouble: Trouble
    detail: str


@dataclass(frozen=True, slots=True)
class Registration:
    """How the sender is to be proved and whose it is at the network."""

    business_account: str | None = None
    """The network's account that holds the sender; None stands for the connection's own."""
    verification_method: VerificationMethod | None = VerificationMethod.SMS
    """None: nobody has asked for a one-time code yet."""
    account_type: AccountType | None = None
    voice_application: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the sender's messages and their statuses are to be told. Methods are POST or PUT."""

    callback_url: str | None = None
    callback_method: str | None = None
    fallback_url: str | None = None
    fallback_method: str | None = None
    status_callback_url: str | None = None
    status_callback_method: str | None = None


class NameReview(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    PIN_MISMATCH = "pin_mismatch"
    REGISTRATION_FAILED = "registration_failed"
    EXPIRED = "expired"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class NameChange:
    """A display name on its way: reviewed by the network, then taken up by registering again."""

    name: str
    review: NameReview
    since: datetime
    detail: str | None = None

    @property
    def in_flight(self) -> bool:
        return self.review in {NameReview.PENDING, NameReview.APPROVED}


@dataclass(frozen=True, slots=True)
class Link:
    """The sender's object at the network, and how far we are with it."""

    network_id: str | None = None
    """The network's own id of it: of a number, of an agent."""
    registered: bool = False
    profile_digest: str | None = None
    """Digest of the profile that the network was last given; differs from the wanted one while a push is due."""
    code_wanted: bool = False
    """The user has asked for a code that the network was not asked for yet."""
    attempts: int = 0
    """Failed tries in a row of the step that is due."""


@dataclass(frozen=True, slots=True)
class Sender:
    id: SenderId
    account_id: AccountId
    channel: Channel
    address: str
    """E.164 with the plus for a number, the agent's id for RCS."""
    status: Status
    status_since: datetime
    friendly_name: str | None
    registration: Registration
    webhook: Webhook
    profile: Profile
    created_at: datetime
    updated_at: datetime
    agent: Agent | None = None
    """Of every RCS sender, and of no other."""
    draft: Profile | None = None
    """The profile as its owner wants it, put aside until it is submitted."""
    name_change: NameChange | None = None
    quality: Quality | None = None
    messaging_limit: int | None = None
    """Customers a day; `UNLIMITED` for no bound."""
    offline_reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    link: Link = field(default_factory=Link)
    sealed_pin: bytes | None = None
    sealed_code: bytes | None = None
    version: int = 1
    due_at: datetime | None = None
    """Wall time at which the next step is due; None when nothing is."""

    def signalled(self, signal: Signal, at: datetime) -> "Sender":
        """The sender after the signal, at the account's time. Raises `IllegalSignal`."""
        status = lifecycle.advance(self.channel, self.status, signal)
        if status is self.status:
            return self
        return replace(self.without_warning(Trouble.STUCK), status=status, status_since=at)

    def accepts(self, signal: Signal) -> bool:
        return lifecycle.accepts(self.channel, self.status, signal)

    @property
    def rcs(self) -> Agent:
        """What an RCS sender has beyond its profile. Raises `NotFound` for a sender of another channel."""
        if self.agent is None:
            raise NotFound(f"{self.id} is no RCS sender")
        return self.agent

    def due(self, at: datetime) -> "Sender":
        return replace(self, due_at=at)

    def linked(self, **changes: object) -> "Sender":
        return replace(self, link=replace(self.link, **changes))  # type: ignore[arg-type]

    def warned(self, trouble: Trouble, detail: str) -> "Sender":
        """The sender with the warning; one of each kind is kept, the newest."""
        reason = Reason(trouble, detail)
        if reason in self.warnings:
            return self
        return replace(self, warnings=(*self.without_warning(trouble).warnings, reason))

    def without_warning(self, trouble: Trouble) -> "Sender":
        if all(warning.trouble is not trouble for warning in self.warnings):
            return self
        return replace(self, warnings=tuple(w for w in self.warnings if w.trouble is not trouble))

    def offline(self, signal: Signal, reason: Reason, at: datetime) -> "Sender":
        """The sender taken offline for the reason. `signal` is BLOCKED or GAVE_UP."""
        return replace(self.signalled(signal, at), offline_reasons=(reason,), sealed_code=None)


NAME_REPORTED_FOR = timedelta(days=14)
"""How long a completed name change is still shown, and how long an approved one may wait (Twilio, error 63128)."""


def wanted_name(sender: Sender) -> str:
    """The display name that the network is to know the number by. Raises `InvalidInput` where there is none."""
    name = sender.profile.name
    if name is None or not name.strip():
        raise InvalidInput("profile.name", "is required for a WhatsApp sender")
    return name
