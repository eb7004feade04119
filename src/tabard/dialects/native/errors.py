"""Our own error body: `{"error": {"code", "message"}}`."""

import orjson
from pydantic import ValidationError

from tabard.domain import errors
from tabard.http import errors as http_errors
from tabard.http.surface import Answer

_TABLE: tuple[tuple[type[Exception], int, str], ...] = (
    (errors.InvalidInput, 400, "invalid_request"),
    (ValidationError, 400, "invalid_request"),
    (errors.Unauthenticated, 401, "unauthenticated"),
    (errors.NotFound, 404, "not_found"),
    (http_errors.RouteNotFound, 404, "not_found"),
    (http_errors.MethodNotAllowed, 405, "method_not_allowed"),
    (http_errors.BodyIncomplete, 408, "invalid_request"),
    (errors.Conflict, 409, "conflict"),
    (errors.TooManySubscriptions, 409, "conflict"),
    (http_errors.BodyTooLarge, 413, "too_large"),
    (errors.TooManyRequests, 429, "too_many_requests"),
    (errors.Busy, 503, "busy"),
    (errors.StaleVersion, 503, "busy"),
)

FAULTS = (
    (400, "invalid_request", "a field is wrong; the message names it"),
    (401, "unauthenticated", "no credentials, or unknown ones"),
    (404, "not_found", "no such thing in this account, or in its sandbox"),
    (405, "method_not_allowed", "the path takes other methods, named in Allow"),
    (408, "invalid_request", "the body did not arrive in time"),
    (409, "conflict", "not in this state, or one too many"),
    (413, "too_large", "the body is larger than 1 MiB"),
    (429, "too_many_requests", "too many requests; see Retry-After"),
    (500, "internal", "our fault"),
    (503, "busy", "not done in time, or others change the same thing without a pause; ask again"),
)


def render(error: Exception) -> Answer:
    status, code = next(((s, c) for kind, s, c in _TABLE if isinstance(error, kind)), (500, "internal"))
    body = orjson.dumps({"error": {"code": code, "message": _message(error, status)}})
    return Answer(status, body, _headers(error))


def _message(error: Exception, status: int) -> str:
    if status == 500:
        return "an internal error has occurred; it has been logged"
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        return f"{field}: {first['msg']}" if field else first["msg"]
    if isinstance(error, http_errors.RouteNotFound):
        return f"there is nothing at {error}; see /docs"
    return str(error)


def _headers(error: Exception) -> tuple[tuple[str, str], ...]:
    match error:
        case errors.Unauthenticated():
            return (("WWW-Authenticate", 'Basic realm="Tabard"'),)
        case http_errors.MethodNotAllowed():
            return (("Allow", ", ".join(error.allowed)),)
        case errors.TooManyRequests():
            return (("Retry-After", str(max(1, round(error.retry_after)))),)
        case _:
            return ()
