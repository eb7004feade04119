"""What goes wrong with RCS senders, in Sinch's words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tabard.dialects.sinch.errors import (
    Fault,
    Refusal,
    file_refusal,
    invalid_input,
    looked_up,
    refusal_of,
)
from tabard.dialects.sinch.rcs.mapping import BRAND, CONTACTS
from tabard.domain.errors import (
    FieldsFrozen,
    FileUnusable,
    InvalidInput,
    LaunchIncomplete,
    NetworkRefused,
    TesterDeclined,
    TesterUnknown,
    TooManyInvitations,
    TooManyRequests,
    TooManyTesters,
    WrongStatus,
)
from tabard.domain.sender import Trouble

_UNKNOWN_TESTER = Fault(
    404,
    "user_is_not_tester_for_agent",
    "The phone is no test number of the sender",
    "Add the number to the sender's test numbers first.",
)
_INVITATIONS = Fault(
    429,
    "rbm_too_many_requests",
    "The day's 20 invitations of test numbers are used up, or the project's request rate; then `Retry-After` says when "
    "to come again",
    "Invite fewer phones, or wait: a sender can invite 20 phones within 24 hours.",
)
_LAUNCH_INCOMPLETE = Fault(
    412,
    "launch_precondition_failed",
    "The launch lacks something; `additionalInformation.validationErrors` names all of it",
    "Set everything that validationErrors names by an update of the sender, and launch it again.",
    "The sender is not complete enough to be launched.",
)
_FROZEN = Fault(
    400,
    "fields_not_updatable",
    "While the sender is LAUNCHING or LAUNCHED only its countries and questionnaire may change; name, logo and banner "
    "can't be changed once a launch was requested",
    "Send an update with details.countries and details.questionnaire only.",
)

NO_FIELDS = Fault(
    400,
    "no_fields_to_update",
    "An update names no field",
    "Name at least one field of the sender's details that is to be changed.",
    "details names no field.",
)
INVALID_USE_CASE = Fault(
    400,
    "questionnaire_invalid_use_case",
    "There is no such use case; `validUseCases` lists all of them",
    "Ask for one of the use cases that validUseCases lists.",
)
INVALID_COUNTRY = Fault(
    400,
    "questionnaire_invalid_country",
    "RCS senders can't be launched in the country; `supportedValues` lists where they can",
    "Ask for countries that supportedValues lists.",
)

_TABLE: Mapping[type[Exception], Fault] = {
    TesterUnknown: _UNKNOWN_TESTER,
    TesterDeclined: Fault(
        404,
        "blocked_because_the_recipient_declined",
        "The phone's owner does not want to be a test number",
        "Remove the number from the test numbers, ask its owner, and add it again.",
    ),
    TooManyTesters: Fault(
        400,
        "add_test_number_invalid",
        "A sender has at most 200 test numbers",
        "Remove test numbers that are no longer needed, then add the new ones.",
    ),
    TooManyInvitations: _INVITATIONS,
    TooManyRequests: Fault(
        429,
        _INVITATIONS.code,
        _INVITATIONS.about,
        "Wait as many seconds as the header Retry-After says, then send the request again.",
        "Too many requests.",
    ),
    WrongStatus: Fault(
        409,
        "launch_invalid_agent_state",
        "The sender is not IN_TEST, LAUNCHING, LAUNCHED or UNLAUNCHED",
        "Complete the sender's details and wait until it is IN_TEST; one in PREPARING_LAUNCH needs a video.",
        "Only a sender that is IN_TEST, LAUNCHING, LAUNCHED or UNLAUNCHED can be launched.",
    ),
}

_NETWORK: Mapping[str, Fault] = {
    Trouble.TESTER_NOT_READY: Fault(
        404,
        "user_has_not_accepted_invite",
        "The phone's owner has not answered the invitation yet",
        "Have the owner accept the invitation on the phone, then ask again.",
    ),
    Trouble.PHONE_UNREACHABLE: Fault(
        404,
        "user_cannot_be_reached",
        "The phone has no RCS, or is no phone",
        "Check that the number is right and that RCS is switched on, on a phone with a connection.",
    ),
    Trouble.AGENT_GONE: Fault(
        404,
        "looking_up_the_rbm_agent",
        "The network has no agent for the sender yet",
        "Wait until the sender is IN_TEST, then ask again.",
    ),
    Trouble.TESTER_UNKNOWN: _UNKNOWN_TESTER,
    Trouble.INVITATIONS_USED_UP: _INVITATIONS,
    Trouble.ACCESS_DENIED: Fault(
        403,
        "wrong_supplier_configuration",
        "The project's connection to the network does not work",
        "Have whoever runs this service check the project's connection to RCS for Business.",
    ),
}
"""By what troubled the network when it was asked at once; anything else is an internal error."""

FAULTS: Sequence[Fault] = (
    *_TABLE.values(),
    *_NETWORK.values(),
    _LAUNCH_INCOMPLETE,
    _FROZEN,
    NO_FIELDS,
    INVALID_USE_CASE,
    INVALID_COUNTRY,
)

_CONTACT_LEAVES = {BRAND[name]: name for name in CONTACTS}
_BRAND_NAMES = {leaf: name for name, leaf in BRAND.items()}
_LEAF = re.compile(r"profile\.(\w+)(?:\[(\d+)\])?")


def explain(error: Exception, path: str) -> Refusal | None:  # noqa: ARG001 - these mean the same on every path
    match error:
        case FieldsFrozen():
            return frozen([_path(field) for field in error.fields])
        case FileUnusable():
            return file_refusal(error, _path(error.field))
        case InvalidInput():
            return invalid_input([f"{_path(error.field)} {error.problem}"])
        case LaunchIncomplete():
            return refusal_of(_LAUNCH_INCOMPLETE, error, validationErrors=list(error.missing))
        case NetworkRefused() if error.trouble in _NETWORK:
            return refusal_of(_NETWORK[error.trouble], error)
        case _:
            return looked_up(_TABLE, error)


def refused(fault: Fault, message: str = "", **additional: Any) -> Refusal:
    return Refusal(fault.status, fault.code, fault.message or message, fault.resolution, **additional)


def frozen(paths: Sequence[str]) -> Refusal:
    problems = [f"{path} can't be updated once the launch has been requested" for path in paths]
    message = f"{', '.join(paths)} can't be updated once the launch has been requested."
    return refused(_FROZEN, message, validationErrors=problems)


def _path(field: str) -> str:
    """What Sinch calls a field of ours."""
    leaf = _LEAF.fullmatch(field)
    if leaf is None or leaf[1] not in _BRAND_NAMES:
        return field
    name = f"details.brand.{_BRAND_NAMES[leaf[1]]}"
    return name if leaf[2] is None else f"{name}.{leaf[2]}.{CONTACTS[_CONTACT_LEAVES[leaf[1]]]}"
