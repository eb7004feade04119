"""Rows of the table `senders` to values and back."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import asyncpg

from tabard.domain.ids import AccountId, SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.profile import Contact, Profile, UseCase, Vertical
from tabard.domain.sender import (
    AccountType,
    Link,
    NameChange,
    NameReview,
    Quality,
    Reason,
    Registration,
    Sender,
    Trouble,
    VerificationMethod,
    Webhook,
)
from tabard.storage.database import from_json, to_json
from tabard.storage.senders.agent_rows import to_agent

COLUMNS = (
    "id, account_id, channel, address, status, status_since, friendly_name, registration, webhook, profile, "
    "agent, draft, name_change, quality, messaging_limit, offline_reasons, warnings, link, sealed_pin, sealed_code, "
    "version, due_at, created_at, updated_at"
)

# A number that is being deleted must be let go by the network before a new sender may take it up again. RCS senders
# that come one after another under one name are different agents.
CLAIMABLE = """
(s.status = 'deleted' or s.channel = 'rcs' or not exists (
    select from senders former
    where former.account_id = s.account_id and former.channel = s.channel and former.address = s.address
      and former.status = 'deleted' and former.due_at is not null))
"""


def changing_values(sender: Sender) -> tuple[object, ...]:
    """The columns that a save writes, in the order of the statement in `tabard.storage.senders.store`."""
    return (
        sender.status,
        sender.status_since,
        sender.friendly_name,
        to_json(sender.registration),
        to_json(sender.webhook),
        to_json(sender.profile),
        optional_json(sender.agent),
        optional_json(sender.draft),
        optional_json(sender.name_change),
        sender.quality,
        sender.messaging_limit,
        to_json(sender.offline_reasons),
        to_json(sender.warnings),
        to_json(sender.link),
        sender.sealed_pin,
        sender.sealed_code,
        sender.due_at,
    )


def optional_json(value: object) -> str | None:
    return None if value is None else to_json(value)


def to_sender(row: asyncpg.Record) -> Sender:
    return Sender(
        id=SenderId(row["id"]),
        account_id=AccountId(row["account_id"]),
        channel=Channel(row["channel"]),
        address=row["address"],
        status=Status(row["status"]),
        status_since=row["status_since"],
        friendly_name=row["friendly_name"],
        registration=_registration(row["registration"]),
        webhook=_webhook(row["webhook"]),
        profile=_profile(from_json(row["profile"])),
        agent=to_agent(row["agent"]),
        draft=None if row["draft"] is None else _profile(from_json(row["draft"])),
        name_change=_name_change(from_json(row["name_change"])),
        quality=None if row["quality"] is None else Quality(row["quality"]),
        messaging_limit=row["messaging_limit"],
        offline_reasons=_reasons(row["offline_reasons"]),
        warnings=_reasons(row["warnings"]),
        link=Link(**from_json(row["link"])),
        sealed_pin=row["sealed_pin"],
        sealed_code=row["sealed_code"],
        version=row["version"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


# An account's senders mostly share these two; values are immutable, so rows can.


@lru_cache(maxsize=1024)
def _registration(text: str) -> Registration:
    fields = from_json(text)
    account_type, method = fields["account_type"], fields["verification_method"]
    return Registration(
        business_account=fields["business_account"],
        verification_method=None if method is None else VerificationMethod(method),
        account_type=None if account_type is None else AccountType(account_type),
        voice_application=fields["voice_application"],
    )


@lru_cache(maxsize=1024)
def _webhook(text: str) -> Webhook:
    return Webhook(**from_json(text))


def _profile(fields: dict[str, Any]) -> Profile:
    for leaf in ("emails", "websites", "phone_numbers"):
        fields[leaf] = tuple([Contact(**contact) for contact in fields[leaf]])
    if fields["vertical"] is not None:
        fields["vertical"] = Vertical(fields["vertical"])
    if fields["use_case"] is not None:
        fields["use_case"] = UseCase(fields["use_case"])
    return Profile(**fields)


def _name_change(fields: dict[str, Any] | None) -> NameChange | None:
    if fields is None:
        return None
    return NameChange(
        name=fields["name"],
        review=NameReview(fields["review"]),
        since=datetime.fromisoformat(fields["since"]),
        detail=fields["detail"],
    )


def _reasons(value: str) -> tuple[Reason, ...]:
    if value == "[]":
        return ()
    return tuple(Reason(Trouble(reason["trouble"]), reason["detail"]) for reason in from_json(value))
