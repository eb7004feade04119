"""Meta's webhooks, read: is it Meta's, and which number or business account does it speak of?

A notice is a hint that something changed at the network, not the truth: the caller asks Meta what holds now. So the
reading is open to new fields, events and values, and strict only about the envelope.
Source: Meta, Webhooks (signatures, payloads, fields of `whatsapp_business_account`).
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import orjson

from tabard.networks.meta.number import digits_of
from tabard.networks.meta.wire import WEBHOOK_OBJECT

CHANGES_LIMIT = 1000
"""What Meta puts into one delivery at the most."""
_DETAILS_LIMIT = 100
_DEPTH_LIMIT = 5


class DeliveryMalformed(ValueError):
    pass


class NoticeKind(StrEnum):
    QUALITY = "quality"
    NAME = "name"
    ACCOUNT = "account"
    ALERT = "alert"
    REVIEW = "review"
    CAPABILITY = "capability"
    SECURITY = "security"
    MESSAGES = "messages"
    UNKNOWN = "unknown"


_KINDS: Mapping[str, NoticeKind] = MappingProxyType(
    {
        "phone_number_quality_update": NoticeKind.QUALITY,
        "phone_number_name_update": NoticeKind.NAME,
        "account_update": NoticeKind.ACCOUNT,
        "account_alerts": NoticeKind.ALERT,
        "account_review_update": NoticeKind.REVIEW,
        "business_capability_update": NoticeKind.CAPABILITY,
        "security": NoticeKind.SECURITY,
        "messages": NoticeKind.MESSAGES,
    }
)


@dataclass(frozen=True, slots=True)
class Notice:
    business_account: str
    digits: str | None
    """Of the number meant: account and number events name it so, and not by its id."""
    number_id: str | None
    kind: NoticeKind
    detail: dict[str, str] = field(default_factory=dict)
    """The leaves of the value by dotted path, as text; of messages nothing, of an unknown field only its name."""


def signature_valid(secret: str, body: bytes, header: str | None) -> bool:
    """Whether the header signs the body exactly as it came; re-written JSON would no longer match."""
    if not secret or header is None:
        return False
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), header.encode(errors="surrogateescape"))


def read(body: bytes) -> tuple[Notice, ...]:
    """The notices of one delivery. Raises `DeliveryMalformed` if its envelope is not Meta's."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DeliveryMalformed(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("object") != WEBHOOK_OBJECT:
        raise DeliveryMalformed(f"the body is not a webhook of {WEBHOOK_OBJECT}")
    notices: list[Notice] = []
    for entry in _list(document, "entry", "the body"):
        account = _identifier(entry.get("id"))
        if account is None:
            raise DeliveryMalformed("an entry has no id")
        changes = _list(entry, "changes", "an entry")
        if len(notices) + len(changes) > CHANGES_LIMIT:
            raise DeliveryMalformed(f"the body holds more than {CHANGES_LIMIT} changes")
        notices.extend(_notice(account, change) for change in changes)
    return tuple(notices)


def _list(parent: Mapping[str, Any], name: str, what: str) -> list[Mapping[str, Any]]:
    rows = parent.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DeliveryMalformed(f"{what} has no list of objects {name!r}")
    return rows


def _identifier(value: object) -> str | None:
    """Ids are strings; old deliveries and hand-made ones have numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _plain(value) if isinstance(value, str) and value else None


def _notice(account: str, change: Mapping[str, Any]) -> Notice:
    name = change.get("field")
    if not isinstance(name, str):
        raise DeliveryMalformed("a change has no field name")
    kind = _KINDS.get(name, NoticeKind.UNKNOWN)
    if kind is NoticeKind.UNKNOWN:
        return Notice(account, None, None, kind, {"field": _plain(name)})
    value = change.get("value")
    if not isinstance(value, dict):
        raise DeliveryMalformed(f"the value of a change of {name!r} is not an object")
    if kind is NoticeKind.MESSAGES:
        number = _object(value.get("metadata"))
        return Notice(account, _digits(number), _identifier(number.get("phone_number_id")), kind)
    number_id = _identifier(value.get("entity_id")) if value.get("entity_type") == "PHONE_NUMBER" else None
    return Notice(_concerned(account, kind, value), _digits(value), number_id, kind, dict(_leaves(value)))


def _concerned(account: str, kind: NoticeKind, value: Mapping[str, Any]) -> str:
    """PARTNER_* events are addressed to the partner's own business and name the business account inside."""
    event = value.get("event")
    if kind is NoticeKind.ACCOUNT and isinstance(event, str) and event.startswith("PARTNER_"):
        return _identifier(_object(value.get("waba_info")).get("waba_id")) or account
    return account


def _digits(value: Mapping[str, Any]) -> str | None:
    return digits_of(value.get("display_phone_number") or value.get("phone_number")) or None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _leaves(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for number, (path, leaf) in enumerate(_walk("", value, _DEPTH_LIMIT)):
        if number == _DETAILS_LIMIT:
            return
        yield _plain(path), _as_text(leaf)


def _walk(path: str, value: object, depth: int) -> Iterator[tuple[str, object]]:
    if not isinstance(value, dict | list):
        if value is not None:
            yield path, value
    elif depth:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _walk(f"{path}.{key}" if path else str(key), inner, depth - 1)


def _as_text(leaf: object) -> str:
    if isinstance(leaf, bool):
        return "true" if leaf else "false"
    return _plain(str(leaf))


def _plain(text: str) -> str:
    """PostgreSQL keeps no NUL."""
    return text.replace("\0", "")
