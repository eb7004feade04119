"""How Google's APIs refuse: one exception, the HTTP status of each google.rpc code, a constructor for each refusal.

Sources: google.rpc (code.proto, error_details.proto), AIP-193 for the form, RFC 6749 section 5.2 for the token
endpoint.
"""

from collections.abc import Sequence
from typing import Any

from tabard.networks.google.wire import RpcStatus

HTTP_STATUS = {
    RpcStatus.INVALID_ARGUMENT: 400,
    RpcStatus.FAILED_PRECONDITION: 400,
    RpcStatus.UNAUTHENTICATED: 401,
    RpcStatus.PERMISSION_DENIED: 403,
    RpcStatus.NOT_FOUND: 404,
    RpcStatus.ALREADY_EXISTS: 409,
    RpcStatus.ABORTED: 409,
    RpcStatus.RESOURCE_EXHAUSTED: 429,
    RpcStatus.INTERNAL: 500,
    RpcStatus.UNKNOWN: 500,
    RpcStatus.UNIMPLEMENTED: 501,
    RpcStatus.UNAVAILABLE: 503,
    RpcStatus.DEADLINE_EXCEEDED: 504,
}

_BY_HTTP = {status: code for code, status in reversed(HTTP_STATUS.items())}
"""The first code of each status holds."""

DOMAIN = "businesscommunications.googleapis.com"

Violation = tuple[str, str]
"""A field's path and what is wrong with it."""


class ApiFault(Exception):
    """A refusal, as it goes over the wire."""

    def __init__(
        self,
        code: RpcStatus,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        reason: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.violations = violations
        self.reason = reason
        self.status = status or HTTP_STATUS[code]

    def body(self) -> dict[str, object]:
        details: list[dict[str, Any]] = []
        if self.violations:
            rows = [{"field": name, "description": problem} for name, problem in self.violations]
            details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": rows})
        if self.reason is not None:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            details.append({"@type": kind, "reason": self.reason, "domain": DOMAIN})
        error: dict[str, object] = {"code": self.status, "message": self.message, "status": self.code}
        if details:
            error["details"] = details
        return {"error": error}


class GrantFault(Exception):
    """A refusal of the token endpoint: RFC 6749 has a form of its own for them."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description

    def body(self) -> dict[str, object]:
        return {"error": self.error, "error_description": self.description}


def asked_for(status: int) -> ApiFault:
    """With the code that belongs to the HTTP status."""
    code = _BY_HTTP.get(status, RpcStatus.UNKNOWN if status >= 500 else RpcStatus.FAILED_PRECONDITION)
    return ApiFault(code, "This failure was asked for.", status=status)


def invalid(field: str, problem: str) -> ApiFault:
    return invalid_fields([(field, problem)])


def invalid_fields(violations: Sequence[Violation]) -> ApiFault:
    message = "; ".join(f"{field}: {problem}" if field else problem for field, problem in violations)
    return ApiFault(RpcStatus.INVALID_ARGUMENT, message, violations=violations)


def unreadable(problem: str) -> ApiFault:
    return ApiFault(RpcStatus.INVALID_ARGUMENT, f"Invalid JSON payload received. {problem}")


def too_large(problem: str) -> ApiFault:
    return ApiFault(RpcStatus.INVALID_ARGUMENT, problem, status=413)


def unknown_name(name: str, path: str) -> ApiFault:
    """As Google's JSON parser says it."""
    where = f" at '{path}'" if path else ""
    problem = f'Invalid JSON payload received. Unknown name "{name[:100]}"{where}: Cannot find field.'
    return ApiFault(RpcStatus.INVALID_ARGUMENT, problem, violations=[(path, problem)])


def unknown_query(name: str) -> ApiFault:
    problem = (
        f'Invalid JSON payload received. Unknown name "{name[:100]}": Cannot bind query parameter. '
        f"Field '{name[:100]}' could not be found in request message."
    )
    return ApiFault(RpcStatus.INVALID_ARGUMENT, problem, violations=[("", problem)])


def precondition(problem: str, reason: str) -> ApiFault:
    return ApiFault(RpcStatus.FAILED_PRECONDITION, problem, reason=reason)


def exists(problem: str) -> ApiFault:
    return ApiFault(RpcStatus.ALREADY_EXISTS, problem, reason="ALREADY_EXISTS")


def exhausted(problem: str) -> ApiFault:
    return ApiFault(RpcStatus.RESOURCE_EXHAUSTED, problem, reason="RATE_LIMIT_EXCEEDED")


def denied(problem: str) -> ApiFault:
    return ApiFault(RpcStatus.PERMISSION_DENIED, problem, reason="PERMISSION_DENIED")


def missing() -> ApiFault:
    """Not there, or another partner's: nobody can tell which."""
    return ApiFault(RpcStatus.NOT_FOUND, "Requested entity was not found.")


def no_rcs(address: str) -> ApiFault:
    return ApiFault(RpcStatus.NOT_FOUND, f"The phone {address} has no RCS.", reason="PHONE_NOT_REACHABLE")


def not_reachable(address: str) -> ApiFault:
    problem = f"The agent is not launched on the network of {address}, which is no tester that has accepted either."
    return ApiFault(RpcStatus.NOT_FOUND, problem, reason="PHONE_NOT_REACHABLE")


def method_missing() -> ApiFault:
    return ApiFault(RpcStatus.NOT_FOUND, "Method not found.")


def not_emulated() -> ApiFault:
    return ApiFault(RpcStatus.UNIMPLEMENTED, "The emulated network does not have this method.")


def unauthenticated(reason: str) -> ApiFault:
    problem = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return ApiFault(RpcStatus.UNAUTHENTICATED, problem, reason=reason)


def scope_missing() -> ApiFault:
    problem = "Request had insufficient authentication scopes."
    return ApiFault(RpcStatus.PERMISSION_DENIED, problem, reason="ACCESS_TOKEN_SCOPE_INSUFFICIENT")


def webhook_refused(field: str, problem: str) -> ApiFault:
    return invalid(field, f"The webhook could not be verified: {problem}")
