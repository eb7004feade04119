"""What may be wrong with a request for a WhatsApp sender, in Sinch's codes.

Three of Sinch's codes are written with hyphens where all others have underscores; so are they here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tabard.dialects.sinch.errors import Fault, Refusal, file_refusal, invalid_input, looked_up, refusal_of
from tabard.domain.errors import (
    AddressTaken,
    CodeRefused,
    FileUnusable,
    InvalidInput,
    NameChangePending,
    NameDeclined,
    NetworkRefused,
    TabardError,
    WrongStatus,
)
from tabard.domain.sender import Trouble

ACCOUNT_NOT_FOUND = Fault(
    404,
    "account_not_found",
    "The project is not connected to Meta, or its connection has no business account of its own",
    "Connect the project's account to a WhatsApp Business Account first.",
)
PROJECT_NOT_INITIALIZED = Fault(
    400,
    "project_not_initialized",
    "A sender can't be made before the project is connected to Meta",
    "Connect the project's account to Meta, then create the sender again.",
)
INVALID_BUSINESS_MANAGER = Fault(
    400,
    "invalid_business_manager",
    "The business manager does not serve the region",
    "Send one of the business managers that supportedValues names, or none.",
)
NO_FIELDS = Fault(
    400, "no_fields_to_update", "An update names no field, and nothing waits to be submitted", "Send details to change."
)
NOT_UPDATABLE = Fault(
    409,
    "sender_not_updatable",
    "Only an active sender, or one that was never active, can be updated",
    "Fetch the sender, and update it once its state is ACTIVE.",
)
CHANGES_NOT_UPDATABLE = Fault(
    409,
    "sender_changes_not_updatable",
    "Only changes that are DRAFT or REJECTED can be updated",
    "Wait until the changes are no longer in progress; delete them if they have failed.",
)
CHANGES_NOT_FOUND = Fault(
    404, "sender_changes_not_found", "The sender has no changes to delete", "Nothing needs to be done."
)
CHANGES_NOT_DELETABLE = Fault(
    409,
    "sender_changes_not_deletable",
    "Only changes that are DRAFT, REJECTED or ERROR can be deleted",
    "Wait until the changes are no longer in progress.",
)

_ALREADY_DELETED = Fault(
    409, "sender_already_deleted", "The sender was deleted less than 30 days ago", "Nothing needs to be done."
)
_NOT_ALLOWED_REGISTER = Fault(
    409,
    "not_allowed_register",
    "A code can be asked for only while the state is PENDING_VERIFICATION",
    "Fetch the sender, and register it while its state is PENDING_VERIFICATION.",
)
_NOT_ALLOWED_VERIFY = Fault(
    409,
    "not_allowed_verify",
    "A code is taken only while the state is PENDING_VERIFICATION; or Meta refuses to register the number",
    "Fetch the sender to see how it stands; its changes say why Meta has refused.",
)
_REQUEST_CODE_FAILED = Fault(
    400,
    "sender_request_code_failed",
    "Meta refuses to send a code to this number",
    "Try the other method, or check the number; the message says what Meta said.",
)
_TOO_MANY_REQUESTS = Fault(
    429,
    "sender-register-too-many-requests",
    "Meta sends this number no more codes for now",
    "Wait as long as the message says, then register again.",
)
_TOO_MANY_CODES = Fault(
    429,
    "too_many_invalid_verification_codes",
    "Meta takes no more codes for this number for now",
    "Wait as long as the message says, then register again for a new code.",
)
_WRONG_OTP = Fault(
    409,
    "wrong_otp",
    "Meta does not accept the code, or needs one",
    "Send the newest code that the phone received, or register again for another.",
)
_WRONG_ACCOUNT = Fault(
    409,
    "wrong_waba_id",
    "There is no such business account at Meta, or it does not hold the number",
    "Send the ids that Embedded Signup has given for this number.",
)
_WRONG_BUSINESS_MANAGER = Fault(
    409,
    "wrong_business_manager",
    "The project's connection to Meta may not use the business account",
    "Share the business account with the business that the project is connected by.",
)
_UNKNOWN_NUMBER = Fault(
    409,
    "invalid_waba_id_or_phone_number_id_for_region",
    "Meta knows no number by this id",
    "Send the ids that Embedded Signup has given for this number.",
)

_NAME_NOT_ALLOWED = Fault(
    409,
    "sender_display_name_update_not_allowed",
    "Another display name is under review, or Meta has declined this one",
    "Wait for the end of the review, or choose another display name.",
)
_USED = Fault(
    409,
    "used_phone_number_id",
    "A sender has the number already, of this project or of another one",
    "Use that sender. One that was deleted here is kept for 30 days, and holds its number until then.",
)

_BY_CLASS: Mapping[type[Exception], Fault] = MappingProxyType(
    {
        AddressTaken: _USED,
        NameChangePending: _NAME_NOT_ALLOWED,
        NameDeclined: _NAME_NOT_ALLOWED,
    }
)
_WRONG_STATUS: Mapping[str, Fault] = MappingProxyType(
    {"register": _NOT_ALLOWED_REGISTER, "verify": _NOT_ALLOWED_VERIFY}
)
"""By the end of the path. Elsewhere only one that was deleted has the wrong status."""
_REFUSED_CODES: Mapping[tuple[str, Trouble], Fault] = MappingProxyType(
    {
        ("register", Trouble.TOO_MANY_CODES): _TOO_MANY_REQUESTS,
        ("verify", Trouble.TOO_MANY_CODES): _TOO_MANY_CODES,
        ("verify", Trouble.CODE_REJECTED): _WRONG_OTP,
    }
)
_REFUSED_NUMBERS: Mapping[str, Fault] = MappingProxyType(
    {
        Trouble.ACCESS_DENIED: _WRONG_BUSINESS_MANAGER,
        Trouble.ACCOUNT_INVALID: _WRONG_ACCOUNT,
        Trouble.NUMBER_GONE: _UNKNOWN_NUMBER,
    }
)

FAULTS = (
    ACCOUNT_NOT_FOUND,
    PROJECT_NOT_INITIALIZED,
    INVALID_BUSINESS_MANAGER,
    NO_FIELDS,
    NOT_UPDATABLE,
    CHANGES_NOT_UPDATABLE,
    CHANGES_NOT_FOUND,
    CHANGES_NOT_DELETABLE,
    _ALREADY_DELETED,
    _REQUEST_CODE_FAILED,
    *_BY_CLASS.values(),
    *_WRONG_STATUS.values(),
    *_REFUSED_CODES.values(),
    *_REFUSED_NUMBERS.values(),
)

_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "address": "details.phoneNumber",
        "profile.name": "details.displayName",
        "profile.logo_url": "details.photoUrl",
        "profile.emails[0]": "details.email",
        "profile.websites[0]": "details.websiteOne",
        "profile.websites[1]": "details.websiteTwo",
    }
)
"""What Sinch calls the fields that the domain calls otherwise."""


def refused(fault: Fault, message: str, **additional: str) -> Refusal:
    return refusal_of(fault, TabardError(message), **additional)


def explain(error: Exception, path: str) -> Refusal | None:
    end = path.rpartition("/")[2]
    match error:
        case FileUnusable():
            return file_refusal(error, _field(error))
        case InvalidInput():
            return invalid_input([f"{_field(error)} {error.problem}"])
        case WrongStatus():
            return refusal_of(_WRONG_STATUS.get(end, _ALREADY_DELETED), error)
        case CodeRefused():
            other = _NOT_ALLOWED_VERIFY if end == "verify" else _REQUEST_CODE_FAILED
            return refusal_of(_REFUSED_CODES.get((end, Trouble(error.trouble)), other), error)
        case NetworkRefused() if error.trouble in _REFUSED_NUMBERS:
            return refusal_of(_REFUSED_NUMBERS[error.trouble], error)
        case _:
            return looked_up(_BY_CLASS, error)


def _field(error: InvalidInput) -> str:
    return _FIELDS.get(error.field) or error.field.replace("profile.", "details.")
