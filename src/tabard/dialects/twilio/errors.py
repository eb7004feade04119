"""How errors look in this dialect: {code, message, more_info, status}, and the code again as a header.

One table from our errors to Twilio's; an error stands for its subclasses too, and what is not in the table is an
internal error, about which the caller learns nothing. Sources: Twilio's error dictionary (200xx for the platform,
631xx for senders); the body is the one that all classic Twilio APIs share.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from tabard.dialects.twilio.mapping import TWILIO_FIELDS
from tabard.dialects.twilio.troubles import MORE_INFO
from tabard.domain.errors import (
    AddressTaken,
    Busy,
    FieldsFrozen,
    FileUnusable,
    IdempotencyKeyReused,
    InvalidInput,
    NameChangePending,
    NameDeclined,
    NotFound,
    StaleVersion,
    TabardError,
    TesterDeclined,
    TooManyInvitations,
    TooManyRequests,
    TooManyTesters,
    Unauthenticated,
)
from tabard.http.errors import BodyIncomplete, BodyTooLarge, MethodNotAllowed, RouteNotFound
from tabard.http.surface import Answer


class BadParameter(TabardError):
    """A query parameter or header is wrong."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")


class PageSizeTooLarge(TabardError):
    pass


class Fault(NamedTuple):
    status: int
    code: int
    about: str
    """For the documentation."""
    message: str | None = None
    """What the caller reads; None for the error's own sentence."""


FAULTS: Mapping[type[Exception], Fault] = {
    Unauthenticated: Fault(401, 20003, "Missing, malformed or wrong credentials"),
    NotFound: Fault(404, 20404, "No such sender in the caller's account, or a SID that is none"),
    RouteNotFound: Fault(404, 20404, "No such path; paths are case-sensitive"),
    MethodNotAllowed: Fault(405, 20004, "The path takes other methods, named in `Allow`"),
    BadParameter: Fault(400, 20001, "A query parameter or header is missing or wrong"),
    PageSizeTooLarge: Fault(400, 20007, "`PageSize` is larger than 1000"),
    InvalidInput: Fault(400, 63100, "The body is not a JSON object, or the field that the message names is wrong"),
    AddressTaken: Fault(
        409, 63100, "The account has a sender with this `sender_id`", "sender_id provided already exists"
    ),
    FieldsFrozen: Fault(400, 63100, "What the message names is fixed once an RCS sender's launch was requested"),
    FileUnusable: Fault(400, 63100, "A picture is not as it must be, or (for a live account) can't be fetched"),
    TooManyTesters: Fault(400, 63100, "An RCS sender has at most 200 test devices"),
    TooManyInvitations: Fault(429, 20429, "Twenty test devices a day can be invited"),
    # Ours says to remove it first, for which Twilio has no call.
    TesterDeclined: Fault(
        409, 20409, "The owner of this test device has declined", "The owner of this test device has declined"
    ),
    IdempotencyKeyReused: Fault(409, 20409, "The idempotency key came before with another request"),
    NameDeclined: Fault(400, 63124, "The network has declined this display name"),
    NameChangePending: Fault(409, 63128, "Another display name change is not finished yet"),
    BodyTooLarge: Fault(413, 20413, "The body is larger than 1 MiB"),
    BodyIncomplete: Fault(408, 20001, "The body did not arrive in time"),
    TooManyRequests: Fault(
        429, 20429, "The account's request rate is used up; `Retry-After` says when to come again", "Too Many Requests"
    ),
    Busy: Fault(503, 20503, "What was asked for is under way, but was not done in time"),
    StaleVersion: Fault(
        503, 20503, "Others change the same sender without a pause", "The sender is being changed by others; try again"
    ),
    Exception: Fault(500, 20500, "A fault of the service", "An internal server error has occurred"),
}


def fault_of(error: type[Exception]) -> Fault:
    return next(FAULTS[base] for base in error.__mro__ if base in FAULTS)


def render(error: Exception, path: str) -> Answer:
    fault = fault_of(type(error))
    code = str(fault.code)
    body = {
        "code": fault.code,
        "message": fault.message or _message(error, path),
        "more_info": f"{MORE_INFO}{code}",
        "status": fault.status,
    }
    return Answer(fault.status, orjson.dumps(body), (("X-Twilio-Error-Code", code), *_headers(error)))


def _message(error: Exception, path: str) -> str:
    match error:
        case NotFound() | RouteNotFound():
            return f"The requested resource {path} was not found"
        case NameDeclined() | NameChangePending():
            return f"profile.name: {error}"
        case InvalidInput() if error.field in TWILIO_FIELDS:
            return f"{TWILIO_FIELDS[error.field]}: {error.problem}"
        case _:
            return str(error)


def _headers(error: Exception) -> tuple[tuple[str, str], ...]:
    match error:
        case Unauthenticated():
            return (("WWW-Authenticate", 'Basic realm="Twilio API"'),)
        case MethodNotAllowed():
            return (("Allow", ", ".join(error.allowed)),)
        case TooManyRequests():
            return (("Retry-After", str(max(1, math.ceil(error.retry_after)))),)
        case StaleVersion():
            return (("Retry-After", "1"),)
        case _:
            return ()
