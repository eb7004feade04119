"""How the Graph API refuses: one exception, the HTTP status of each code, and a constructor for each refusal we know.

Sources: Meta's error code table (Cloud API, Support, Error codes) for codes, titles and statuses; the management
endpoints' subcodes and user texts as seen in the field.
"""

from dataclasses import dataclass
from datetime import timedelta

from tabard.networks.meta.wire import ErrorCode, Subcode

HTTP_STATUS = {
    0: 401,
    2: 503,
    3: 500,
    10: 403,
    190: 401,
    368: 403,
    130497: 403,
    131000: 500,
    131005: 403,
    131016: 500,
    131031: 403,
    131045: 500,
    131057: 500,
    132001: 404,
    133000: 500,
    133004: 503,
}
"""Where it is not 400; 200 to 299 answer 403 throughout."""

TRANSIENT = frozenset({1, 2, 4, 613, 80007, 80008, 130429, 131000, 131016, 131056, 131057, 133004})

TITLES = {
    0: "AuthException",
    1: "An unknown error occurred",
    2: "Service temporarily unavailable",
    4: "Application request limit reached",
    10: "Application does not have permission for this action",
    100: "Invalid parameter",
    190: "Access token has expired",
    200: "Permissions error",
    368: "Temporarily blocked for policies violations",
    613: "Calls to this api have exceeded the rate limit.",
    80007: "Rate limit issues",
    80008: "There have been too many calls to this WhatsApp Business account. Wait a bit and try again.",
    130429: "Rate limit hit",
    131000: "Something went wrong",
    131016: "Service unavailable",
    131031: "Account has been locked",
    131045: "Incorrect certificate",
    131057: "Account in maintenance mode",
    133000: "Incomplete Deregistration",
    133004: "Server Temporarily Unavailable",
    133005: "Two step verification PIN Mismatch",
    133006: "Phone number Re-Verification Needed",
    133008: "Too Many two step verification PIN Guesses",
    133009: "Two step verification PIN Guessed Too Fast",
    133010: "Phone number Not Registered",
    133015: "Please wait a few minutes before attempting to register this phone number",
    133016: "Account register deregister rate limit exceeded",
    136024: "Request code error",
    136025: "Verify code error",
    2388012: "Phone number already added",
}


@dataclass(frozen=True, slots=True)
class UserText:
    """What a client may show to a person."""

    title: str
    message: str


class GraphFault(Exception):
    """A refusal, as it goes over the wire."""

    def __init__(
        self,
        code: int,
        details: str | None = None,
        *,
        message: str | None = None,
        kind: str = "OAuthException",
        subcode: int | None = None,
        status: int | None = None,
        user: UserText | None = None,
    ) -> None:
        super().__init__(details or message or str(code))
        self.code = code
        self.details = details
        self.message = message if message is not None else f"(#{code}) {TITLES.get(code, 'Something went wrong')}"
        self.kind = kind
        self.subcode = subcode
        self.user = user
        self.status = status if status is not None else http_status(code)
        self.transient = code in TRANSIENT

    def body(self, trace: str) -> dict[str, object]:
        error: dict[str, object] = {"message": self.message, "type": self.kind, "code": int(self.code)}
        if self.details is not None:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode is not None:
            error["error_subcode"] = int(self.subcode)
        error["is_transient"] = self.transient
        if self.user is not None:
            error["error_user_title"] = self.user.title
            error["error_user_msg"] = self.user.message
        error["fbtrace_id"] = trace
        return {"error": error}


def http_status(code: int) -> int:
    return 403 if 200 <= code <= 299 else HTTP_STATUS.get(code, 400)


def invalid(details: str) -> GraphFault:
    return GraphFault(ErrorCode.INVALID_PARAMETER, details)


def missing(name: str) -> GraphFault:
    return GraphFault(
        ErrorCode.INVALID_PARAMETER,
        f"Parameter {name} is mandatory.",
        message=f"(#100) The parameter {name} is required.",
    )


def unreadable(problem: str) -> GraphFault:
    return GraphFault(ErrorCode.INVALID_PARAMETER, problem, message="(#100) The request could not be read")


def too_large(limit: int) -> GraphFault:
    return GraphFault(
        ErrorCode.INVALID_PARAMETER,
        f"A request body may have at most {limit} bytes.",
        message="(#100) Request body too large",
        status=413,
    )


def object_missing(method: str, object_id: str) -> GraphFault:
    return GraphFault(
        ErrorCode.INVALID_PARAMETER,
        message=(
            f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, cannot be loaded due "
            "to missing permissions, or does not support this operation. Please read the Graph API documentation at "
            "https://developers.facebook.com/docs/graph-api"
        ),
        kind="GraphMethodException",
        subcode=Subcode.OBJECT_MISSING,
    )


def unsupported(method: str) -> GraphFault:
    """For what the object does not do. No subcode: to clients, 33 says that the object is gone."""
    return GraphFault(
        ErrorCode.INVALID_PARAMETER,
        message=f"Unsupported {method.lower()} request. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api",
        kind="GraphMethodException",
    )


def unknown_field(name: str, node_type: str) -> GraphFault:
    return GraphFault(
        ErrorCode.INVALID_PARAMETER,
        message=f"(#100) Tried accessing nonexisting field ({name}) on node type ({node_type})",
    )


def unknown_path(path: str) -> GraphFault:
    return GraphFault(2500, message=f"Unknown path components: {path}")


def token_missing() -> GraphFault:
    return GraphFault(104, message="An access token is required to request this resource.")


def token_invalid() -> GraphFault:
    return GraphFault(ErrorCode.TOKEN_INVALID, message="Invalid OAuth access token - Cannot parse access token")


def token_expired() -> GraphFault:
    return GraphFault(
        ErrorCode.TOKEN_INVALID, message="Error validating access token: Session has expired.", subcode=463
    )


def proof_invalid() -> GraphFault:
    return GraphFault(
        ErrorCode.INVALID_PARAMETER,
        message="Invalid appsecret_proof provided in the API argument",
        kind="GraphMethodException",
    )


def app_token_needed() -> GraphFault:
    return GraphFault(15, message="(#15) This method must be called with an app access_token.")


def permission_missing(scope: str) -> GraphFault:
    return GraphFault(
        ErrorCode.PERMISSION,
        f"The access token lacks the permission {scope}.",
        message="(#200) You do not have the necessary permissions required to perform this action.",
    )


def app_permission_missing() -> GraphFault:
    return GraphFault(ErrorCode.PERMISSION_MISSING, "An app access token may not do this.")


def number_cap() -> GraphFault:
    return GraphFault(
        ErrorCode.PERMISSION,
        "The business has as many phone numbers as it may have.",
        subcode=Subcode.NUMBER_CAP,
        user=UserText("Phone number limit reached", "This business can't add any more phone numbers."),
    )


def number_present() -> GraphFault:
    return GraphFault(
        ErrorCode.NUMBER_PRESENT,
        "The phone number is already in this WhatsApp Business account.",
        user=UserText("Phone number already added", "This WhatsApp Business account has this phone number already."),
    )


def number_in_use() -> GraphFault:
    return GraphFault(
        ErrorCode.INVALID_PARAMETER,
        "The phone number is registered with WhatsApp elsewhere. Delete it there first, or migrate it.",
        subcode=Subcode.NUMBER_IN_USE,
        user=UserText("Number is in use", "This phone number is registered to an existing WhatsApp account."),
    )


def already_verified() -> GraphFault:
    return GraphFault(
        ErrorCode.REQUEST_CODE,
        "The phone number is already verified.",
        subcode=Subcode.ALREADY_VERIFIED,
        user=UserText("Phone number already verified", "You have already verified ownership of this phone number."),
    )


def too_many_codes(wait: timedelta) -> GraphFault:
    spell = _spell(wait)
    return GraphFault(
        ErrorCode.REQUEST_CODE,
        f"Too many codes were requested for the phone number. Try again in {spell}.",
        subcode=Subcode.TOO_MANY_CODES,
        user=UserText("Can't send code", f"You have asked for too many codes. Please try again in {spell}."),
    )


def code_wrong() -> GraphFault:
    return GraphFault(
        ErrorCode.VERIFY_CODE,
        "The code does not match the one that was sent.",
        user=UserText("Invalid Code", "The code you entered is incorrect. Check it, or request a new one."),
    )


def code_expired() -> GraphFault:
    return GraphFault(
        ErrorCode.VERIFY_CODE,
        "There is no valid code for the phone number: it has expired, was used, or was never requested.",
        user=UserText("Code Expired", "Your code has expired. Please request a new one."),
    )


def account_locked() -> GraphFault:
    return GraphFault(
        ErrorCode.ACCOUNT_LOCKED,
        "The WhatsApp Business account is restricted or disabled for a violation of a platform policy.",
    )


def registration_limit() -> GraphFault:
    return GraphFault(
        ErrorCode.REGISTRATION_LIMIT,
        "The phone number was registered and deregistered too often. It is blocked for 72 hours.",
    )


def not_verified() -> GraphFault:
    return GraphFault(ErrorCode.NOT_VERIFIED, "The phone number must be verified before it can be registered.")


def pin_guesses(wait: timedelta) -> GraphFault:
    return GraphFault(ErrorCode.TOO_MANY_PIN_GUESSES, f"Too many wrong PINs. Try again in {_spell(wait)}.")


def pin_mismatch() -> GraphFault:
    return GraphFault(
        ErrorCode.PIN_MISMATCH, "The PIN given differs from the phone number's two-step verification PIN."
    )


def not_registered() -> GraphFault:
    return GraphFault(ErrorCode.NOT_REGISTERED, "The phone number is not registered on the WhatsApp Business platform.")


def callback_refused(problem: str) -> GraphFault:
    return GraphFault(
        2200, message=f"(#2200) Callback verification failed with the following errors: {problem}", status=400
    )


def _spell(wait: timedelta) -> str:
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    return f"{minutes} minutes" if minutes > 1 else "1 minute"
