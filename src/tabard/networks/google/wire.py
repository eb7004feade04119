"""Google's RCS for Business on the wire: the words that our client and our emulator share.

Two APIs, one sign-in. Fields are named as in Google's JSON. Sources: Google's RCS for Business guides and the discovery
documents of the Business Communications API (management) and of the RCS Business Messaging API, both v1.
"""

from enum import StrEnum

MANAGEMENT_URL = "https://businesscommunications.googleapis.com"
MESSAGING_URL = "https://rcsbusinessmessaging.googleapis.com"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
MANAGEMENT_SCOPE = "https://www.googleapis.com/auth/businesscommunications"
MESSAGING_SCOPE = "https://www.googleapis.com/auth/rcsbusinessmessaging"
VERSION = "v1"

SIGNATURE_HEADER = "X-Goog-Signature"
WEBHOOK_TYPE_HEADER = "X-Goog-Webhook-Type"
LAUNCH_EVENT = "agent_launch_event"
"""`attributes.type` of the envelope of an AgentLaunchEvent."""
PRODUCT = "RCS_BUSINESS_MESSAGING"
ANY_BRAND = "-"
"""In place of a brand's id: whichever brand the agent has."""


class RpcStatus(StrEnum):
    """google.rpc.Code, as `error.status` has it."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    ABORTED = "ABORTED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNKNOWN = "UNKNOWN"
    INTERNAL = "INTERNAL"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"


class VerificationState(StrEnum):
    UNSPECIFIED = "VERIFICATION_STATE_UNSPECIFIED"
    UNVERIFIED = "VERIFICATION_STATE_UNVERIFIED"
    PENDING = "VERIFICATION_STATE_PENDING"
    VERIFIED = "VERIFICATION_STATE_VERIFIED"


class LaunchState(StrEnum):
    """Webhooks say these without the prefix."""

    UNSPECIFIED = "LAUNCH_STATE_UNSPECIFIED"
    UNLAUNCHED = "LAUNCH_STATE_UNLAUNCHED"
    PENDING = "LAUNCH_STATE_PENDING"
    LAUNCHED = "LAUNCH_STATE_LAUNCHED"
    REJECTED = "LAUNCH_STATE_REJECTED"
    SUSPENDED = "LAUNCH_STATE_SUSPENDED"

    @property
    def short(self) -> str:
        return self.removeprefix("LAUNCH_STATE_")


class InviteStatus(StrEnum):
    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"


class ActingParty(StrEnum):
    """Who changed a launch. Google publishes the field without its values."""

    PARTNER = "PARTNER"
    CARRIER = "CARRIER"
    GOOGLE = "GOOGLE"


class ManagementType(StrEnum):
    GOOGLE_MANAGED = "GOOGLE_MANAGED"
    CARRIER_MANAGED = "CARRIER_MANAGED"


class HostingRegion(StrEnum):
    UNSPECIFIED = "HOSTING_REGION_UNSPECIFIED"
    NORTH_AMERICA = "NORTH_AMERICA"
    EUROPE = "EUROPE"
    ASIA_PACIFIC = "ASIA_PACIFIC"


class UseCase(StrEnum):
    UNSPECIFIED = "AGENT_USE_CASE_UNSPECIFIED"
    OTP = "OTP"
    TRANSACTIONAL = "TRANSACTIONAL"
    PROMOTIONAL = "PROMOTIONAL"
    MULTI_USE = "MULTI_USE"


class BillingCategory(StrEnum):
    UNSPECIFIED = "BILLING_CATEGORY_UNSPECIFIED"
    CONVERSATIONAL_LEGACY = "CONVERSATIONAL_LEGACY"
    CONVERSATIONAL = "CONVERSATIONAL"
    SINGLE_MESSAGE = "SINGLE_MESSAGE"
    BASIC_MESSAGE = "BASIC_MESSAGE"
    NON_CONVERSATIONAL = "NON_CONVERSATIONAL"


FEATURES = (
    "RICHCARD_STANDALONE",
    "RICHCARD_CAROUSEL",
    "ACTION_CREATE_CALENDAR_EVENT",
    "ACTION_DIAL",
    "ACTION_OPEN_URL",
    "ACTION_SHARE_LOCATION",
    "ACTION_VIEW_LOCATION",
    "ACTION_OPEN_URL_IN_WEBVIEW",
    "PDF_IN_RICH_CARDS",
)
"""What a phone may say that it can show."""
