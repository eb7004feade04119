"""How errors look in this dialect: {errorCode, message, resolution}, and additionalInformation where there is more.

One table from our errors to Sinch's, `COMMON`, holds for every resource; a family of resources (RCS, WhatsApp) has its
own words for some of them, which come first. An error stands for its subclasses too. What is in no table is an internal
error, about which the caller learns nothing. `resolution` always says what to do next.

Source: Sinch Provisioning API 1.2.36, "PAPI Error" and the codes of each operation.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from tabard.dialects.sinch.problems import problems
from tabard.domain.errors import (
    Busy,
    Conflict,
    FileFault,
    FileUnusable,
    InvalidInput,
    NetworkRefused,
    NotFound,
    StaleVersion,
    TabardError,
    TooManyRequests,
    Unauthenticated,
)
from tabard.http.errors import BodyIncomplete, BodyTooLarge, MethodNotAllowed, RouteNotFound
from tabard.http.surface import Answer


@dataclass(frozen=True, slots=True)
class Fault:
    status: int
    code: str
    about: str
    """For the documentation."""
    resolution: str
    message: str | None = None
    """What the caller reads; None for the error's own sentence."""


class Refusal(TabardError):
    """An error in this dialect's own words, for what no domain error says."""

    def __init__(self, status: int, code: str, message: str, resolution: str, **additional: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.resolution = resolution
        self.additional = additional


Explain = Callable[[Exception, str], Refusal | None]
"""A family's own words for an error on a path; None where the common ones will do."""

INVALID_INPUT = Fault(
    400,
    "invalid_input",
    "Fields are wrong; `additionalInformation.validationErrors` names every one",
    "Correct the fields that validationErrors names and send the request again.",
)

COMMON: Mapping[type[Exception], Fault] = {
    Unauthenticated: Fault(
        401,
        "unauthorized_error",
        "Missing, malformed, wrong or expired credentials, or those of another project than the path names",
        "Send the id and secret of a key of this project as Basic credentials, or an access token of /oauth2/token.",
        "The credentials are missing, wrong or expired, or not those of the project in the path.",
    ),
    NotFound: Fault(
        404,
        "sender_not_found",
        "The project has no such sender",
        "Check the sender's id: the list of senders has the ids of all that this project has.",
        "Sender not found.",
    ),
    RouteNotFound: Fault(
        404,
        "not_found",
        "No such path; paths are case-sensitive",
        "Check the path; the API document lists all that there are.",
    ),
    MethodNotAllowed: Fault(
        405,
        "method_not_allowed",
        "The path takes other methods, named in `Allow`",
        "Use one of the methods that the header Allow names.",
    ),
    BodyIncomplete: Fault(
        408, "request_timeout", "The body did not arrive in time", "Send the request again, with its whole body."
    ),
    Conflict: Fault(
        409,
        "conflict",
        "What is there already does not allow the request",
        "Fetch the resource to see how it stands, and send a request that fits.",
    ),
    BodyTooLarge: Fault(
        413, "payload_too_large", "The body is larger than 1 MiB", "Send a body of at most 1 MiB (1048576 bytes)."
    ),
    TooManyRequests: Fault(
        429,
        "too_many_requests",
        "The project's request rate is used up; `Retry-After` says when to come again",
        "Wait as many seconds as the header Retry-After says, then send the request again.",
        "Too many requests.",
    ),
    NetworkRefused: Fault(
        500,
        "internal_error",
        "The network behind this API refused or did not answer",
        "Try again later; the message says what the network said.",
    ),
    Busy: Fault(
        503,
        "service_unavailable",
        "What was asked for is under way, but was not done in time",
        "Fetch the resource to see how it stands; send the request again if it is not done.",
    ),
    StaleVersion: Fault(
        503,
        "service_unavailable",
        "Others change the same resource without a pause",
        "Send the request again.",
        "The resource is being changed by others.",
    ),
    Exception: Fault(
        500,
        "internal_error",
        "A fault of the service",
        "Try again later. If it goes on, tell whoever runs this service when it happened.",
        "An internal error has occurred.",
    ),
}

FILES: Mapping[FileFault, Fault] = {
    FileFault.NOT_FOUND: Fault(
        409,
        "file_not_found",
        "The address of a picture leads to no document",
        "Make the picture available at that address, or name another one.",
    ),
    FileFault.TOO_LARGE: Fault(
        409, "file_size_too_large", "A picture has too many bytes", "Make the file smaller, and name its address."
    ),
    FileFault.WRONG_TYPE: Fault(
        400,
        "file_invalid_mime_type",
        "A picture is of a type that is not taken",
        "Name a picture of a type that the message lists.",
    ),
    FileFault.WRONG_DIMENSIONS: Fault(
        409,
        "file_has_wrong_dimensions",
        "A picture has not the width and height that it must have",
        "Scale or crop the picture to the size that the message names.",
    ),
    FileFault.UNREADABLE: Fault(
        409,
        "file_unexpected_error",
        "A picture can't be read",
        "Check that the file opens as a picture, or name another.",
    ),
}

READING: Sequence[tuple[int, str, str]] = (
    (400, "invalid_payload", "The body is no JSON object"),
    (400, "invalid_id_format", "The id of a sender is no UUID in its canonical form"),
    (400, "invalid_filter_states", "A filter names a state that there is not; `supportedCodes` lists all of them"),
    (400, "invalid_page_size", "`pageSize` is no whole number between 1 and the most that the list allows"),
    (400, "invalid_page_token", "`pageToken` was not given out for this list, filter and order"),
)
"""What `reading` and `paging` refuse."""


def documented(*families: Sequence[Fault]) -> tuple[tuple[int, str, str], ...]:
    faults = (INVALID_INPUT, *COMMON.values(), *FILES.values(), *(fault for family in families for fault in family))
    return tuple(dict.fromkeys((*READING, *((fault.status, fault.code, fault.about) for fault in faults))))


def refusal_of(fault: Fault, error: Exception, **additional: Any) -> Refusal:
    return Refusal(fault.status, fault.code, fault.message or _sentence(str(error)), fault.resolution, **additional)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def looked_up(table: Mapping[type[Exception], Fault], error: Exception) -> Refusal | None:
    """The error in the words of the table, its nearest class's; None if the table has none of its classes."""
    fault = next((table[base] for base in type(error).__mro__ if base in table), None)
    return None if fault is None else refusal_of(fault, error)


def invalid_input(problems: Sequence[str]) -> Refusal:
    """Every problem is a sentence that begins with the path of a field."""
    more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
    message = f"{problems[0]}{more}."
    fault = INVALID_INPUT
    return Refusal(fault.status, fault.code, message, fault.resolution, validationErrors=list(problems))


def file_refusal(error: FileUnusable, field: str) -> Refusal:
    """`field` is what Sinch calls the field: the message begins with it."""
    fault = FILES[error.fault]
    return Refusal(fault.status, fault.code, f"{field}: {error.problem}", fault.resolution)


def render(error: Exception, path: str, explain: Explain) -> Answer:
    refusal = error if isinstance(error, Refusal) else explain(error, path) or _common(error)
    body: dict[str, Any] = {"errorCode": refusal.code, "message": str(refusal), "resolution": refusal.resolution}
    if refusal.additional:
        body["additionalInformation"] = refusal.additional
    return Answer(refusal.status, orjson.dumps(body), headers_of(error))


def _common(error: Exception) -> Refusal:
    match error:
        case ValidationError():
            return invalid_input(problems(error))
        case FileUnusable():
            return file_refusal(error, error.field)
        case InvalidInput():
            return invalid_input([f"{error.field} {error.problem}".strip()])
        case RouteNotFound():
            return refusal_of(COMMON[RouteNotFound], TabardError(f"There is nothing at {error}."))
        case _:
            return looked_up(COMMON, error) or refusal_of(COMMON[Exception], error)


def headers_of(error: Exception) -> tuple[tuple[str, str], ...]:
    match error:
        case Unauthenticated():
            return (("WWW-Authenticate", 'Basic realm="Provisioning API", Bearer realm="Provisioning API"'),)
        case MethodNotAllowed():
            return (("Allow", ", ".join(error.allowed)),)
        case TooManyRequests():
            return (("Retry-After", str(max(1, math.ceil(error.retry_after)))),)
        case Busy() | StaleVersion():
            return (("Retry-After", "1"),)
        case _:
            return ()
