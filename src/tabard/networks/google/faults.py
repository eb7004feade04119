"""What a refusal by Google means for us: one table, (operation, google.rpc status) -> what to do and what to tell.

A refusal is looked up by operation and status first, by its status then. A status that we do not know is judged by the
HTTP status of the answer. What Google says about a wait (RetryInfo, Retry-After) takes the place of the table's own. An
answer that is not in Google's form (a proxy's page, a cut-off body) is nobody's verdict: it is tried again.

Sources: google.rpc (code.proto, error_details.proto); Google, RCS for Business: errors, test devices, capabilities.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tabard.domain.sender import Trouble
from tabard.networks import calls
from tabard.networks.google.wire import RpcStatus
from tabard.ports.networks import Decision, NetworkFault


class Operation(StrEnum):
    FIND_BRAND = "find_brand"
    ADD_BRAND = "add_brand"
    FIND_AGENT = "find_agent"
    ADD_AGENT = "add_agent"
    READ_AGENT = "read_agent"
    PUSH_PROFILE = "push_profile"
    SUBSCRIBE = "subscribe"
    READ_VERIFICATION = "read_verification"
    REQUEST_VERIFICATION = "request_verification"
    READ_LAUNCH = "read_launch"
    REQUEST_LAUNCH = "request_launch"
    READ_REGIONS = "read_regions"
    LIST_TESTERS = "list_testers"
    READ_TESTER = "read_tester"
    INVITE = "invite"
    REMOVE_TESTER = "remove_tester"
    CAPABILITIES = "capabilities"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class RpcError:
    """The `error` object of an answer."""

    http: int
    status: str
    """As Google wrote it, or else what belongs to the HTTP status."""
    message: str
    violations: tuple[str, ...]
    """`field: what is wrong with it`, or either of the two."""
    after: float | None
    """Seconds to wait, as far as the details say."""


@dataclass(frozen=True, slots=True)
class Rule:
    decision: Decision
    trouble: Trouble
    after: float | None = None
    """Seconds."""


def _give_up(trouble: Trouble) -> Rule:
    return Rule(Decision.GIVE_UP, trouble)


_MINUTE, _DAY = 60.0, 86400.0
_LONGEST_WAIT = 7 * _DAY

_PASSING = Rule(Decision.RETRY, Trouble.NETWORK_UNAVAILABLE)
_LOOK_AGAIN = _PASSING
"""Another call was first: the caller's next look finds what is there."""
_REFUSED = _give_up(Trouble.NETWORK_REFUSED)
_DENIED = _give_up(Trouble.ACCESS_DENIED)
_AGENT_GONE = _give_up(Trouble.AGENT_GONE)
_NO_BRAND = _give_up(Trouble.ACCOUNT_INVALID)
_UNREACHABLE = _give_up(Trouble.PHONE_UNREACHABLE)
_NOT_READY = _give_up(Trouble.TESTER_NOT_READY)
_INCOMPLETE = _give_up(Trouble.LAUNCH_INCOMPLETE)

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "CANCELLED": _PASSING,
        RpcStatus.UNKNOWN: _PASSING,
        RpcStatus.INVALID_ARGUMENT: _REFUSED,
        RpcStatus.DEADLINE_EXCEEDED: _PASSING,
        RpcStatus.NOT_FOUND: _AGENT_GONE,
        RpcStatus.ALREADY_EXISTS: _LOOK_AGAIN,
        RpcStatus.PERMISSION_DENIED: _DENIED,
        RpcStatus.UNAUTHENTICATED: _DENIED,
        RpcStatus.RESOURCE_EXHAUSTED: Rule(Decision.WAIT, Trouble.NETWORK_UNAVAILABLE, _MINUTE),
        RpcStatus.FAILED_PRECONDITION: _REFUSED,
        RpcStatus.ABORTED: _PASSING,
        "OUT_OF_RANGE": _REFUSED,
        RpcStatus.UNIMPLEMENTED: _REFUSED,
        RpcStatus.INTERNAL: _PASSING,
        RpcStatus.UNAVAILABLE: _PASSING,
        "DATA_LOSS": _PASSING,
    }
)

BY_OPERATION: Mapping[tuple[Operation, str], Rule] = MappingProxyType(
    {
        (Operation.FIND_BRAND, RpcStatus.NOT_FOUND): _REFUSED,
        (Operation.ADD_BRAND, RpcStatus.NOT_FOUND): _REFUSED,
        (Operation.FIND_AGENT, RpcStatus.NOT_FOUND): _NO_BRAND,
        (Operation.ADD_AGENT, RpcStatus.NOT_FOUND): _NO_BRAND,
        (Operation.READ_REGIONS, RpcStatus.NOT_FOUND): _REFUSED,
        (Operation.REQUEST_VERIFICATION, RpcStatus.INVALID_ARGUMENT): _INCOMPLETE,
        (Operation.REQUEST_LAUNCH, RpcStatus.INVALID_ARGUMENT): _INCOMPLETE,
        (Operation.REQUEST_LAUNCH, RpcStatus.FAILED_PRECONDITION): _INCOMPLETE,
        # 20 invitations a day, which Google counts without saying when the day began.
        (Operation.INVITE, RpcStatus.RESOURCE_EXHAUSTED): Rule(Decision.WAIT, Trouble.INVITATIONS_USED_UP, _DAY),
        # A number that is no phone's is a wrong argument; one that has no RCS is not found.
        (Operation.INVITE, RpcStatus.INVALID_ARGUMENT): _UNREACHABLE,
        (Operation.INVITE, RpcStatus.FAILED_PRECONDITION): _UNREACHABLE,
        (Operation.INVITE, RpcStatus.NOT_FOUND): _UNREACHABLE,
        (Operation.CAPABILITIES, RpcStatus.INVALID_ARGUMENT): _UNREACHABLE,
        (Operation.CAPABILITIES, RpcStatus.NOT_FOUND): _UNREACHABLE,
        # Older words of Google for an agent that is not launched where the phone is, which has not accepted either.
        (Operation.CAPABILITIES, RpcStatus.PERMISSION_DENIED): _NOT_READY,
        (Operation.CAPABILITIES, RpcStatus.FAILED_PRECONDITION): _NOT_READY,
    }
)

_OF_HTTP: Mapping[int, str] = MappingProxyType(
    {
        400: RpcStatus.INVALID_ARGUMENT,
        401: RpcStatus.UNAUTHENTICATED,
        403: RpcStatus.PERMISSION_DENIED,
        404: RpcStatus.NOT_FOUND,
        408: RpcStatus.DEADLINE_EXCEEDED,
        409: RpcStatus.ABORTED,
        429: RpcStatus.RESOURCE_EXHAUSTED,
        499: "CANCELLED",
        501: RpcStatus.UNIMPLEMENTED,
    }
)


def read_error(http: int, document: Mapping[str, Any]) -> RpcError | None:
    """The error in an answer; None if the answer holds none in Google's form."""
    error = document.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        return None
    named = error.get("status")
    if not isinstance(named, str) or named not in RULES:
        named = _OF_HTTP.get(http, RpcStatus.UNAVAILABLE if http >= 500 else RpcStatus.INVALID_ARGUMENT)
    message = error.get("message")
    rows = error.get("details")
    details = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    violations = tuple(_violations(details))
    return RpcError(http, str(named), message if isinstance(message, str) else "", violations, _delay(details))


def _of_type(details: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [row for row in details if str(row.get("@type", "")).endswith(f"google.rpc.{name}")]


def _violations(details: Sequence[Mapping[str, Any]]) -> list[str]:
    told = []
    for row in _of_type(details, "BadRequest"):
        found = row.get("fieldViolations")
        for violation in found if isinstance(found, list) else ():
            if isinstance(violation, dict):
                parts = (violation.get("field"), violation.get("description"))
                told.append(": ".join(part for part in parts if isinstance(part, str) and part))
    return [text for text in told if text]


_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")


def _delay(details: Sequence[Mapping[str, Any]]) -> float | None:
    """RetryInfo's delay, written as a protobuf duration such as `1.5s`."""
    for row in _of_type(details, "RetryInfo"):
        found = _DURATION.fullmatch(str(row.get("retryDelay")))
        if found is not None:
            return float(found[1])
    return None


def rule_for(operation: Operation, error: RpcError) -> Rule:
    return BY_OPERATION.get((operation, error.status)) or RULES[error.status]


def fault_of(operation: Operation, error: RpcError, secrets: Sequence[str], after: float | None) -> NetworkFault:
    """The fault to raise. `after` is the wait in seconds that the answer's headers name; secrets are blotted out."""
    rule = rule_for(operation, error)
    wait = rule.after
    if rule.decision is not Decision.GIVE_UP:
        hint = error.after or after
        wait = min(hint, _LONGEST_WAIT) if hint else rule.after
    detail = f"{_text(error, secrets)} (Google error {error.status})"
    if rule is _DENIED:
        detail += "; check that the service account may use RCS for Business, and that it belongs to this partner"
    return NetworkFault(rule.decision, rule.trouble, detail, after=wait, code=error.status)


def _text(error: RpcError, secrets: Sequence[str]) -> str:
    """Google often says the violations in the message too: then once is enough."""
    said = [text for text in error.violations if text.rpartition(": ")[2] not in error.message]
    return plain("; ".join(filter(None, (error.message, *said))), secrets) or "no reason given"


_TOKEN = re.compile(
    r"ya29\.[\w.-]+|eyJ[\w-]+\.[\w-]+\.[\w-]+|-----BEGIN[^-]*PRIVATE KEY-----.*?(?:-----END[^-]*-----|$)",
    re.DOTALL,
)
"""What access tokens, signed assertions and keys look like."""


def plain(text: str, secrets: Sequence[str]) -> str:
    return calls.plain(_TOKEN.sub("***", text), secrets)
