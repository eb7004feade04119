"""Meta's words: the shapes that the Graph API, its webhooks, our client and our emulator have in common.

Sources: Meta's Cloud API and Business Management API reference (v25), its public OpenAPI document (v23).
"""

from enum import IntEnum, StrEnum

DEFAULT_VERSION = "v25.0"
USAGE_HEADER = "x-business-use-case-usage"
SIGNATURE_HEADER = "X-Hub-Signature-256"
WEBHOOK_OBJECT = "whatsapp_business_account"


class ErrorCode(IntEnum):
    AUTH_EXCEPTION = 0
    UNKNOWN = 1
    SERVICE_DOWN = 2
    APP_RATE_LIMIT = 4
    PERMISSION_MISSING = 10
    INVALID_PARAMETER = 100
    TOKEN_INVALID = 190
    PERMISSION = 200
    POLICY_BLOCK = 368
    CUSTOM_RATE_LIMIT = 613
    BUSINESS_RATE_LIMIT = 80007
    MANAGEMENT_RATE_LIMIT = 80008
    SERVICE_UNAVAILABLE = 131016
    ACCOUNT_LOCKED = 131031
    CERTIFICATE = 131045
    MAINTENANCE = 131057
    DEREGISTRATION_INCOMPLETE = 133000
    TEMPORARILY_UNAVAILABLE = 133004
    PIN_MISMATCH = 133005
    NOT_VERIFIED = 133006
    TOO_MANY_PIN_GUESSES = 133008
    PIN_TOO_FAST = 133009
    NOT_REGISTERED = 133010
    DELETED_RECENTLY = 133015
    REGISTRATION_LIMIT = 133016
    REQUEST_CODE = 136024
    VERIFY_CODE = 136025
    NUMBER_PRESENT = 2388012


class Subcode(IntEnum):
    OBJECT_MISSING = 33
    NUMBER_CAP = 1349175
    NUMBER_IN_USE = 2388103
    """Our choice for a number that is on WhatsApp elsewhere: Meta documents the code (100) but no subcode."""
    TOO_MANY_CODES = 2388091
    NOT_REGISTERED = 2207051
    ALREADY_VERIFIED = 2388092
    """Our choice, to tell it from the other causes of 136024; the client also reads the text."""


class NumberStatus(StrEnum):
    PENDING = "PENDING"
    CONNECTED = "CONNECTED"
    DISCONNECTED = "DISCONNECTED"
    RESTRICTED = "RESTRICTED"
    RATE_LIMITED = "RATE_LIMITED"
    FLAGGED = "FLAGGED"
    BANNED = "BANNED"
    MIGRATED = "MIGRATED"
    DELETED = "DELETED"
    UNVERIFIED = "UNVERIFIED"
    UNKNOWN = "UNKNOWN"


class CodeVerification(StrEnum):
    NOT_VERIFIED = "NOT_VERIFIED"
    VERIFIED = "VERIFIED"
    EXPIRED = "EXPIRED"


class NameStatus(StrEnum):
    APPROVED = "APPROVED"
    AVAILABLE_WITHOUT_REVIEW = "AVAILABLE_WITHOUT_REVIEW"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    PENDING_REVIEW = "PENDING_REVIEW"
    NONE = "NONE"


class LimitTier(StrEnum):
    TIER_50 = "TIER_50"
    TIER_250 = "TIER_250"
    TIER_1K = "TIER_1K"
    TIER_2K = "TIER_2K"
    TIER_10K = "TIER_10K"
    TIER_100K = "TIER_100K"
    TIER_UNLIMITED = "TIER_UNLIMITED"
    UNTIERED = "UNTIERED"


NUMBER_FIELDS = (
    "id",
    "display_phone_number",
    "verified_name",
    "code_verification_status",
    "status",
    "quality_rating",
    "name_status",
    "new_name_status",
    "new_display_name",
    "whatsapp_business_manager_messaging_limit",
    "health_status",
)
"""What our client asks of a number; Meta advises never to rely on the default set."""
