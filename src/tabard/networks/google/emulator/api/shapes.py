"""The messages that clients may send, as data: which fields there are, and of what kind.

Read as Google reads JSON (the ProtoJSON format): a field may be named in camel case or in snake case, null is as good
as nothing, and an unknown name is refused. What is read has camel case throughout.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tabard.networks.google.emulator import faults
from tabard.networks.google.wire import BillingCategory, HostingRegion, LaunchState, UseCase, VerificationState

Json = dict[str, Any]
TEXT_LENGTH = 4096


class Scalar(StrEnum):
    TEXT = "string"
    FLAG = "bool"
    ANY = "any"
    """Written by Google only: taken in any form, and left aside."""


@dataclass(frozen=True, slots=True)
class ListOf:
    item: "Kind"


@dataclass(frozen=True, slots=True)
class MapOf:
    """Keys are the client's own."""

    item: "Kind"


Kind = Scalar | type[StrEnum] | ListOf | MapOf | Mapping[str, "Kind"]
Message = Mapping[str, Kind]

_T, _ANY = Scalar.TEXT, Scalar.ANY

BRAND: Message = {"name": _ANY, "displayName": _T}

_WEB: Message = {"uri": _T, "label": _T}

AGENT_DETAILS: Message = {
    "description": _T,
    "logoUri": _T,
    "heroUri": _T,
    "color": _T,
    "phoneNumbers": ListOf({"phoneNumber": {"number": _T}, "label": _T}),
    "emails": ListOf({"address": _T, "label": _T}),
    "websites": ListOf(_WEB),
    "privacy": _WEB,
    "termsConditions": _WEB,
    "billingConfig": {"billingCategory": BillingCategory},
    "agentUseCase": UseCase,
    "hostingRegion": HostingRegion,
    "indiaPrincipalEntityId": _T,
    "partner": _ANY,
    "launchDetails": _ANY,
}

AGENT: Message = {
    "name": _ANY,
    "brandName": _ANY,
    "displayName": _T,
    "isArchived": Scalar.FLAG,
    "rcsBusinessMessagingAgent": AGENT_DETAILS,
}

CONTACT: Message = {
    "partnerName": _T,
    "partnerEmailAddress": _T,
    "brandContactName": _T,
    "brandContactEmailAddress": _T,
    "brandWebsiteUrl": _T,
}

REQUEST_VERIFICATION: Message = {"agentVerificationContact": CONTACT, "agentVerificationToken": _ANY}

VERIFICATION: Message = {
    "name": _ANY,
    "verificationState": VerificationState,
    "agentVerificationContact": CONTACT,
    "agentVerificationTokens": _ANY,
}

LAUNCH: Message = {
    "name": _ANY,
    "rcsBusinessMessaging": {
        "questionnaire": {
            "contacts": ListOf({"name": _T, "title": _T, "email": _T}),
            "optinDescription": _T,
            "triggerDescription": _T,
            "interactionsDescription": _T,
            "optoutDescription": _T,
            "agentAccessInstructions": _T,
            "videoUris": ListOf(_T),
            "screenshotUris": ListOf(_T),
        },
        "launchDetails": MapOf(
            {
                "launchState": LaunchState,
                "comment": _T,
                "updateTime": _ANY,
                "isHidden": _ANY,
                "agentLaunchPartyDesignation": _ANY,
            }
        ),
        "launchRegion": _ANY,
    },
}

REQUEST_LAUNCH: Message = {"agentLaunch": LAUNCH}

INTEGRATION: Message = {
    "name": _ANY,
    "status": _ANY,
    "agentWebhookIntegration": {"webhookUri": _T, "verificationToken": _T},
}

TESTER: Message = {"name": _ANY, "inviteStatus": _ANY, "agentId": _T, "phoneNumber": _T}

PARTNER: Message = {
    "name": _ANY,
    "displayName": _ANY,
    "company": _ANY,
    "productCapabilities": ListOf({"product": _T, "rcsBusinessMessagingCapability": {"webhookUrl": _T}}),
}


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: "_" + found[1].lower(), name)


def read(kind: Kind, value: object, path: str = "") -> Any:
    """The value, checked. `path` is where it stands, in snake case, as Google's errors have it. Raises `ApiFault`."""
    match kind:
        case Scalar():
            return _scalar(kind, value, path)
        case ListOf(item):
            if not isinstance(value, list):
                raise _unfit(path, value)
            return [read(item, inner, f"{path}[{place}]") for place, inner in enumerate(value)]
        case MapOf(item):
            if not isinstance(value, dict):
                raise _unfit(path, value)
            return {key: read(item, inner or {}, f'{path}["{key[:100]}"]') for key, inner in value.items()}
        case Mapping():
            return _message(kind, value, path)
    if not isinstance(value, str) or value not in set(kind):
        raise _unfit(path, value)
    return value


def _message(kind: Message, value: object, path: str) -> Json:
    if not isinstance(value, dict):
        raise _unfit(path, value)
    message = {}
    for name, inner in value.items():
        known = camel(name)
        if known not in kind:
            raise faults.unknown_name(name, path)
        below = kind[known]
        if inner is not None and below is not Scalar.ANY:
            message[known] = read(below, inner, f"{path}.{snake(known)}" if path else snake(known))
    return message


def _scalar(kind: Scalar, value: object, path: str) -> object:
    if kind is Scalar.TEXT and isinstance(value, str):
        if len(value) > TEXT_LENGTH:
            raise faults.invalid(path, f"may have at most {TEXT_LENGTH} characters.")
        return value
    if kind is Scalar.FLAG and isinstance(value, bool):
        return value
    raise _unfit(path, value)


def _unfit(path: str, value: object) -> faults.ApiFault:
    shown = f'"{value[:100]}"' if isinstance(value, str) else type(value).__name__
    return faults.invalid(path, f"Invalid value at '{path}': {shown}")


# update masks (google.protobuf.FieldMask)


def read_mask(kind: Message, text: str | None, body: Json) -> list[list[str]]:
    """The paths to change, in camel case; without a mask, all fields that the body has (AIP-134). Raises `ApiFault`."""
    if not text:
        return [[name] for name in body]
    if text.strip() == "*":
        return [[name] for name, below in kind.items() if below is not Scalar.ANY]
    paths = []
    for written in text.split(","):
        path = [camel(part) for part in written.strip().split(".")]
        below: Kind = kind
        for name in path:
            if isinstance(below, MapOf):
                break
            if not isinstance(below, Mapping) or name not in below:
                raise faults.invalid("update_mask", f"Invalid field path: {written[:100]}")
            below = below[name]
        paths.append(path)
    return paths


def merged(before: Json, body: Json, paths: list[list[str]]) -> Json:
    """What becomes of a message: each path has the body's value, whole; what the body has not is cleared."""
    after = dict(before)
    for path in paths:
        head, *rest = path
        if rest:
            after[head] = merged(after.get(head) or {}, body.get(head) or {}, [rest])
        elif head in body:
            after[head] = body[head]
        else:
            after.pop(head, None)
    return after
