"""Google's webhooks, read: is it Google's, and which agent does it speak of?

The signature covers the data inside the envelope and nothing else of it. So what was signed is all that is kept and
read: the same event in another envelope is the same event, and the envelope's words are nobody's.

A notice is a hint that something changed at the network, not the truth: the caller asks Google what holds now. The
reading is open to new fields and values.
Source: Google, RCS for Business: webhooks (handshake, signatures), receive messages, receive events.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

TOKEN_LIMIT = 1000
"""Characters of a handshake's words."""


class DeliveryMalformed(ValueError):
    pass


class NoticeKind(StrEnum):
    LAUNCH = "launch"
    """A carrier, Google or the partner changed an agent's launch in one region."""
    MESSAGE = "message"
    """From a user."""
    USER_EVENT = "user_event"
    """Delivered, read, typing, subscribed or unsubscribed."""
    SERVER_EVENT = "server_event"
    """A message's time to live has run out."""


@dataclass(frozen=True, slots=True)
class Notice:
    kind: NoticeKind
    agent_id: str
    region: str | None = None
    before: str | None = None
    """The launch's state, in Google's word without a prefix."""
    after: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Handshake:
    """Google asks whether the address is ours: the secret is to come back if the token is right."""

    client_token: str
    secret: str


@dataclass(frozen=True, slots=True)
class Delivery:
    data: bytes
    """What was signed."""


def open_body(body: bytes) -> Handshake | Delivery | None:
    """None if the body is neither."""
    document = _object(body)
    token, secret = document.get("clientToken"), document.get("secret")
    if isinstance(token, str) and isinstance(secret, str):
        return Handshake(token, secret) if len(token) <= TOKEN_LIMIT and len(secret) <= TOKEN_LIMIT else None
    message = document.get("message")
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, str):
        return None
    try:
        return Delivery(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        return None


def signature_valid(client_token: str, data: bytes, header: str | None) -> bool:
    """Whether the header signs the data: base64 of HMAC-SHA512, with the token as the key."""
    if not client_token or header is None:
        return False
    expected = base64.b64encode(hmac.new(client_token.encode(), data, hashlib.sha512).digest())
    return hmac.compare_digest(expected, header.encode(errors="surrogateescape"))


def read(data: bytes) -> Notice | None:
    """The notice in what was signed; None if it is of no kind that we know. Raises `DeliveryMalformed`."""
    document = _object(data)
    if not document:
        raise DeliveryMalformed("the data are not a JSON object")
    kind = _kind(document)
    if kind is None:
        return None
    agent_id = _text(document, "agentId")
    if agent_id is None:
        raise DeliveryMalformed(f"the {kind} names no agent")
    if kind is not NoticeKind.LAUNCH:
        return Notice(kind, agent_id)
    words = [_text(document, name) for name in ("regionId", "oldLaunchState", "newLaunchState", "comment")]
    return Notice(kind, agent_id, *words)


def _kind(document: Mapping[str, Any]) -> NoticeKind | None:
    """By the fields that only this kind has: the envelope's word for it is not signed, nor are its values published."""
    if "newLaunchState" in document:
        return NoticeKind.LAUNCH
    if "senderPhoneNumber" in document:
        return NoticeKind.USER_EVENT if "eventType" in document else NoticeKind.MESSAGE
    return NoticeKind.SERVER_EVENT if "eventType" in document and "phoneNumber" in document else None


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _text(document: Mapping[str, Any], name: str) -> str | None:
    """PostgreSQL keeps no NUL."""
    value = document.get(name)
    return value.replace("\0", "") or None if isinstance(value, str) else None
