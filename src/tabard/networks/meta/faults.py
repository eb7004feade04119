"""What a refusal by Meta means for us: one table, (operation, code, wording) -> what to do and what to tell.

A refusal is looked up by its subcode first and by its code then, each time in the order *wording*, *operation*,
*general*. What no row names is judged by Meta's own `is_transient` and the HTTP status. An answer that is not Graph's
own (a proxy's page, a cut-off body) is nobody's verdict: it is tried again.

Sources: Meta, Cloud API error codes; the error examples of Meta's public OpenAPI document (v23).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tabard.domain.sender import Trouble
from tabard.networks import calls
from tabard.networks.meta.wire import ErrorCode, Subcode
from tabard.ports.networks import Decision, NetworkFault


class Operation(StrEnum):
    FIND_NUMBER = "find_number"
    READ_NUMBER = "read_number"
    ADD_NUMBER = "add_number"
    REQUEST_CODE = "request_code"
    VERIFY_CODE = "verify_code"
    REGISTER = "register"
    DEREGISTER = "deregister"
    SUBSCRIBE_APP = "subscribe_app"
    PUSH_PROFILE = "push_profile"
    UPLOAD_LOGO = "upload_logo"
    SUBMIT_NAME = "submit_name"


@dataclass(frozen=True, slots=True)
class GraphError:
    """The `error` object of an answer."""

    http: int
    code: int
    subcode: int | None
    texts: tuple[str, ...]
    """The user's message, the details, the message, the title: those that are there, in this order."""
    transient: bool

    @property
    def label(self) -> str:
        return str(self.code) if self.subcode is None else f"{self.code}/{self.subcode}"


@dataclass(frozen=True, slots=True)
class Rule:
    decision: Decision
    trouble: Trouble
    after: float | None = None
    """Seconds."""
    wait_in_text: bool = False
    """Meta names the wait in words only; `after` holds where it does not."""


def _give_up(trouble: Trouble) -> Rule:
    return Rule(Decision.GIVE_UP, trouble)


_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_LONGEST_WAIT = 7 * _DAY

_PASSING = Rule(Decision.RETRY, Trouble.NETWORK_UNAVAILABLE)
_REFUSED = _give_up(Trouble.NETWORK_REFUSED)
_DENIED = _give_up(Trouble.ACCESS_DENIED)
_GONE = _give_up(Trouble.NUMBER_GONE)
_NAME_DECLINED = _give_up(Trouble.NAME_DECLINED)
_CANNOT_VERIFY = _give_up(Trouble.CANNOT_VERIFY)
_TAKEN = _give_up(Trouble.NUMBER_TAKEN)
_NOT_REGISTERED = _give_up(Trouble.NOT_REGISTERED)
_PAYMENT = _give_up(Trouble.ACCOUNT_DISABLED)
_LOCKED = _give_up(Trouble.ACCOUNT_LOCKED)
_PIN_MISMATCH = _give_up(Trouble.PIN_MISMATCH)
_TOO_MANY_CODES = Rule(Decision.WAIT, Trouble.TOO_MANY_CODES, _HOUR, wait_in_text=True)

_MESSAGE_REFUSALS = (130472, 130497, 131008, 131009, 131021, 131026, 131030, 131047, 131050, 131051, 131052, 131053)
_TEMPLATE_REFUSALS = (132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068, 132069)
_TEMPLATE_SUBCODES = (2388019, 2388024, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299)
_OTHER_REFUSALS = (300, 131055, 131062, 131063, 131064, 134011, 135000, 137000, 200000, 1752041)
_MOBILITY_REFUSALS = (2593079, 2593085, 2593107, 2593108)

RULES: Mapping[int, Rule] = MappingProxyType(
    {
        **dict.fromkeys(_MESSAGE_REFUSALS + _TEMPLATE_REFUSALS + _TEMPLATE_SUBCODES, _REFUSED),
        **dict.fromkeys(_OTHER_REFUSALS + _MOBILITY_REFUSALS, _REFUSED),
        **dict.fromkeys(range(200, 300), _DENIED),
        ErrorCode.AUTH_EXCEPTION: _DENIED,
        ErrorCode.UNKNOWN: _PASSING,
        ErrorCode.SERVICE_DOWN: _PASSING,
        3: _DENIED,  # the app lacks the capability
        ErrorCode.APP_RATE_LIMIT: _PASSING,
        ErrorCode.PERMISSION_MISSING: _DENIED,
        Subcode.OBJECT_MISSING: _GONE,  # the code 33, "number deleted", says the same
        ErrorCode.INVALID_PARAMETER: _REFUSED,
        104: _DENIED,  # signature or token format
        ErrorCode.TOKEN_INVALID: _DENIED,
        ErrorCode.POLICY_BLOCK: _LOCKED,
        ErrorCode.CUSTOM_RATE_LIMIT: _PASSING,
        803: _GONE,
        ErrorCode.BUSINESS_RATE_LIMIT: _PASSING,
        ErrorCode.MANAGEMENT_RATE_LIMIT: _PASSING,
        130429: _PASSING,  # throughput
        131000: _PASSING,
        131005: _DENIED,
        ErrorCode.SERVICE_UNAVAILABLE: _PASSING,
        ErrorCode.ACCOUNT_LOCKED: _LOCKED,
        131037: _NAME_DECLINED,  # it must be approved before the number may send
        131042: _PAYMENT,
        ErrorCode.CERTIFICATE: _PASSING,  # registering again is the cure
        131048: _PASSING,  # spam limit; Meta names no end
        131049: Rule(Decision.WAIT, Trouble.NETWORK_REFUSED, _DAY),
        131056: _PASSING,  # pair rate; the caller's back-off grows as Meta asks
        ErrorCode.MAINTENANCE: Rule(Decision.RETRY, Trouble.NETWORK_UNAVAILABLE, _MINUTE),
        ErrorCode.DEREGISTRATION_INCOMPLETE: _PASSING,
        ErrorCode.TEMPORARILY_UNAVAILABLE: _PASSING,
        ErrorCode.PIN_MISMATCH: _PIN_MISMATCH,
        ErrorCode.NOT_VERIFIED: _give_up(Trouble.NOT_VERIFIED),
        ErrorCode.TOO_MANY_PIN_GUESSES: Rule(Decision.WAIT, Trouble.PIN_MISMATCH, _HOUR, wait_in_text=True),
        ErrorCode.PIN_TOO_FAST: Rule(Decision.WAIT, Trouble.PIN_MISMATCH, _MINUTE, wait_in_text=True),
        ErrorCode.NOT_REGISTERED: _NOT_REGISTERED,
        ErrorCode.DELETED_RECENTLY: Rule(Decision.WAIT, Trouble.REGISTRATION_LIMIT, 5 * _MINUTE),
        ErrorCode.REGISTRATION_LIMIT: Rule(Decision.WAIT, Trouble.REGISTRATION_LIMIT, 72 * _HOUR),
        ErrorCode.REQUEST_CODE: _CANNOT_VERIFY,
        ErrorCode.VERIFY_CODE: _give_up(Trouble.CODE_REJECTED),
        141006: _PAYMENT,
        Subcode.NUMBER_CAP: _give_up(Trouble.NUMBER_CAP),
        Subcode.NOT_REGISTERED: _NOT_REGISTERED,
        2388001: _TAKEN,  # the other business account has not let go of it
        ErrorCode.NUMBER_PRESENT: _give_up(Trouble.NUMBER_PRESENT),
        Subcode.TOO_MANY_CODES: _TOO_MANY_CODES,
        Subcode.ALREADY_VERIFIED: _give_up(Trouble.ALREADY_VERIFIED),
        2388093: _CANNOT_VERIFY,
        Subcode.NUMBER_IN_USE: _TAKEN,
        2494100: _PASSING,  # maintenance
    }
)

ON_ACCOUNT = (Operation.FIND_NUMBER, Operation.ADD_NUMBER, Operation.SUBSCRIBE_APP)
"""What is asked of a business account; the rest is asked of a number or an upload."""
_MISSING = (int(Subcode.OBJECT_MISSING), 803)

BY_OPERATION: Mapping[tuple[Operation, int], Rule] = MappingProxyType(
    {
        **dict.fromkeys([(o, code) for o in ON_ACCOUNT for code in _MISSING], _give_up(Trouble.ACCOUNT_INVALID)),
        **dict.fromkeys([(Operation.UPLOAD_LOGO, code) for code in _MISSING], _DENIED),
        (Operation.REQUEST_CODE, 613): _TOO_MANY_CODES,
        (Operation.SUBMIT_NAME, 100): _NAME_DECLINED,
    }
)


@dataclass(frozen=True, slots=True)
class Wording:
    """Where Meta uses one code for several faults, its text tells them apart."""

    operation: Operation
    code: int
    pattern: re.Pattern[str]
    rule: Rule


def _wording(operation: Operation, code: int, pattern: str, rule: Rule) -> Wording:
    return Wording(operation, code, re.compile(pattern, re.IGNORECASE), rule)


_AMOUNT = r"(\d{1,5}|an?|one)\s*(second|sec|minute|min|hour|hr|day)s?\b"
_WAIT = re.compile(
    rf"\b(?:in|after|for|wait)\s+(?:about\s+|at\s+least\s+|another\s+|up\s+to\s+)?((?:{_AMOUNT}(?:[\s,]|and)*)+)",
    re.IGNORECASE,
)
_AMOUNTS = re.compile(_AMOUNT, re.IGNORECASE)
_SECONDS = {"sec": 1.0, "min": _MINUTE, "hou": _HOUR, "hr": _HOUR, "day": _DAY}

_VERIFIED_ALREADY = r"already\b.{0,40}\bverified|verified already"

WORDINGS = (
    _wording(Operation.REQUEST_CODE, 2388091, r"\b(?:not|n't) eligible|ineligible", _CANNOT_VERIFY),
    _wording(Operation.REQUEST_CODE, 136024, _VERIFIED_ALREADY, _give_up(Trouble.ALREADY_VERIFIED)),
    _wording(Operation.REQUEST_CODE, 136024, _WAIT.pattern, _TOO_MANY_CODES),
    _wording(Operation.REQUEST_CODE, 100, _VERIFIED_ALREADY, _give_up(Trouble.ALREADY_VERIFIED)),
    _wording(Operation.VERIFY_CODE, 100, r"\bcode\b", _give_up(Trouble.CODE_REJECTED)),
    _wording(Operation.ADD_NUMBER, 100, r"\balready\b|\bin use\b|\banother\b", _TAKEN),
    _wording(Operation.ADD_NUMBER, 100, r"verified_name|display name", _NAME_DECLINED),
    _wording(Operation.REGISTER, 131031, r"\bpin\b|two.?step", _PIN_MISMATCH),
)


def read_error(http: int, document: Mapping[str, Any]) -> GraphError | None:
    """The error in an answer; None if the answer holds none in Graph's shape."""
    error = document.get("error")
    if not isinstance(error, dict):
        return None
    code, subcode = _whole(error.get("code")), _whole(error.get("error_subcode"))
    if code is None:
        return None
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    candidates = (error.get("error_user_msg"), details, error.get("message"), error.get("error_user_title"))
    texts = tuple(text.strip() for text in candidates if isinstance(text, str) and text.strip())
    return GraphError(http, code, subcode, texts, error.get("is_transient") is True)


def _whole(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def rule_for(operation: Operation, error: GraphError) -> Rule:
    for key in (error.subcode, error.code):
        rule = None if key is None else _named_rule(operation, key, error.texts)
        if rule is not None:
            return _PASSING if error.transient and rule is _REFUSED else rule
    passing = error.transient or error.http == 429 or error.http >= 500
    return _PASSING if passing else _REFUSED


def _named_rule(operation: Operation, key: int, texts: tuple[str, ...]) -> Rule | None:
    for wording in WORDINGS:
        if (wording.operation, wording.code) == (operation, key) and any(map(wording.pattern.search, texts)):
            return wording.rule
    return BY_OPERATION.get((operation, key)) or RULES.get(key)


def wait_named_in(texts: Sequence[str]) -> float | None:
    """Seconds that a text such as "try again in 1 hour 5 minutes" asks for."""
    for text in texts:
        found = _WAIT.search(text)
        if found is not None:
            amounts = _AMOUNTS.findall(found.group(1))
            seconds = sum((float(n) if n.isdigit() else 1.0) * _SECONDS[unit.lower()[:3]] for n, unit in amounts)
            return min(seconds, _LONGEST_WAIT)
    return None


def fault_of(operation: Operation, error: GraphError, secrets: Sequence[str], after: float | None) -> NetworkFault:
    """The fault to raise. `after` is the wait in seconds that the answer's headers name; secrets are blotted out."""
    rule = rule_for(operation, error)
    wait = rule.after
    if rule.wait_in_text:
        wait = wait_named_in(error.texts) or wait
    elif rule.decision is Decision.RETRY and after:
        wait = after
    text = plain(error.texts[0], secrets) if error.texts else "no reason given"
    detail = f"{text} (Meta error {error.label})"
    return NetworkFault(rule.decision, rule.trouble, detail, after=wait, code=error.label)


_TOKEN = re.compile(r"EAA[0-9A-Za-z]{12,}")  # what Meta's access tokens look like; code 190 may quote one
_CODE_PREFIX = re.compile(r"^\(#\d+\)\s*")


def plain(text: str, secrets: Sequence[str]) -> str:
    """The text on one line and of bounded length, without secrets."""
    return calls.plain(_TOKEN.sub("***", _CODE_PREFIX.sub("", text)), secrets)
