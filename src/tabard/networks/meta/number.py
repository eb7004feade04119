"""A phone number in Meta's words: read into a `NumberState`, and split as Meta wants to be given it.

Every enum is open: a value that we do not know is UNKNOWN or None, never a failure.
Source: Meta, WhatsApp Business Account Phone Number reference; Messaging health status.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import phonenumbers

from tabard.domain.sender import UNLIMITED, NameReview, Quality, Trouble
from tabard.networks.meta import faults
from tabard.networks.meta.wire import CodeVerification, LimitTier, NameStatus
from tabard.networks.meta.wire import NumberStatus as MetaStatus
from tabard.ports.networks import Decision, NumberState, NumberStatus

_Word = TypeVar("_Word")

_STATUSES: Mapping[object, NumberStatus] = MappingProxyType(
    {
        MetaStatus.PENDING: NumberStatus.PENDING,
        MetaStatus.UNVERIFIED: NumberStatus.PENDING,
        MetaStatus.CONNECTED: NumberStatus.CONNECTED,
        # Of low quality, or at today's limit: connected all the same.
        MetaStatus.FLAGGED: NumberStatus.CONNECTED,
        MetaStatus.RATE_LIMITED: NumberStatus.CONNECTED,
        MetaStatus.DISCONNECTED: NumberStatus.DISCONNECTED,
        MetaStatus.RESTRICTED: NumberStatus.RESTRICTED,
        MetaStatus.BANNED: NumberStatus.BANNED,
        MetaStatus.MIGRATED: NumberStatus.MIGRATED,
        MetaStatus.DELETED: NumberStatus.DELETED,
    }
)

_QUALITIES: Mapping[object, Quality] = MappingProxyType(
    {"GREEN": Quality.HIGH, "YELLOW": Quality.MEDIUM, "RED": Quality.LOW}
)

_REVIEWS: Mapping[object, NameReview] = MappingProxyType(
    {
        NameStatus.APPROVED: NameReview.APPROVED,
        NameStatus.AVAILABLE_WITHOUT_REVIEW: NameReview.APPROVED,
        NameStatus.DECLINED: NameReview.DECLINED,
        NameStatus.EXPIRED: NameReview.EXPIRED,
        NameStatus.PENDING_REVIEW: NameReview.PENDING,
    }
)

_LOST = MappingProxyType(
    {
        NumberStatus.BANNED: Trouble.NUMBER_BANNED,
        NumberStatus.MIGRATED: Trouble.NUMBER_MIGRATED,
        NumberStatus.DELETED: Trouble.NUMBER_GONE,
    }
)

_ENTITIES: Mapping[object, Trouble] = MappingProxyType(
    {
        "PHONE_NUMBER": Trouble.NETWORK_REFUSED,
        "WABA": Trouble.ACCOUNT_DISABLED,
        "BUSINESS": Trouble.ACCOUNT_DISABLED,
    }
)
"""Of a blocked entity whose errors say nothing that we know. The app's own health is not the number's."""

_DIGITS = re.compile(r"[1-9][0-9]{1,14}")
_TIER = re.compile(r"TIER_(\d{1,9})(K?)")


def state_of(document: Mapping[str, Any]) -> NumberState | None:
    """None if the document names no number."""
    number_id = _text(document.get("id"))
    if number_id is None:
        return None
    status = _known(_STATUSES, document.get("status")) or NumberStatus.UNKNOWN
    proved = document.get("code_verification_status") == CodeVerification.VERIFIED
    return NumberState(
        id=number_id,
        address=_address(document.get("display_phone_number")),
        # A proof expires, but a number that is connected needs no other one.
        verified=proved or status is NumberStatus.CONNECTED,
        status=status,
        display_name=_text(document.get("verified_name")),
        name_review=_known(_REVIEWS, document.get("name_status")),
        pending_name=_text(document.get("new_display_name")),
        pending_name_review=_known(_REVIEWS, document.get("new_name_status")),
        quality=_known(_QUALITIES, document.get("quality_rating")) or Quality.UNKNOWN,
        messaging_limit=limit_of(document.get("whatsapp_business_manager_messaging_limit")),
        blocked_by=_LOST.get(status) or _unhealthy(document.get("health_status"), status),
    )


def limit_of(tier: object) -> int | None:
    """Customers a day."""
    if tier == LimitTier.TIER_UNLIMITED:
        return UNLIMITED
    found = _TIER.fullmatch(tier) if isinstance(tier, str) else None
    return None if found is None else int(found.group(1)) * (1000 if found.group(2) else 1)


def digits_of(address: object) -> str:
    return re.sub(r"[^0-9]", "", address) if isinstance(address, str) else ""


def _address(display: object) -> str | None:
    """What Meta shows is grouped for people: +1 555-010-0001. Everything but its digits is decoration."""
    digits = digits_of(display)
    return f"+{digits}" if _DIGITS.fullmatch(digits) else None


def split(address: str) -> tuple[str, str]:
    """The calling code and the rest of the digits.

    By prefix, which calling codes are free of, and not by `phonenumbers.parse`: that drops trunk zeros and refuses
    numbers that no country has assigned, such as those people test with; what was added must be found by its digits.
    """
    digits = digits_of(address)
    for length in (3, 2, 1):
        if int(digits[:length] or 0) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return digits[:length], digits[length:]
    return digits[:3], digits[3:]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _known(table: Mapping[object, _Word], value: object) -> _Word | None:
    return table.get(value) if isinstance(value, str) else None


def _unhealthy(health: object, status: NumberStatus) -> Trouble | None:
    for kind, codes in _blocked_entities(health):
        if kind == "PHONE_NUMBER" and status not in {NumberStatus.CONNECTED, NumberStatus.RESTRICTED}:
            continue  # a number that is not registered can't send: that is no news
        named = (faults.RULES.get(code) for code in codes)
        telling = (rule.trouble for rule in named if rule is not None and rule.decision is not Decision.RETRY)
        return next(telling, _ENTITIES[kind])
    return None


def _blocked_entities(health: object) -> Iterator[tuple[str, list[int]]]:
    entities = health.get("entities") if isinstance(health, dict) else None
    for entity in entities if isinstance(entities, list) else ():
        if not isinstance(entity, dict) or entity.get("can_send_message") != "BLOCKED":
            continue
        kind = entity.get("entity_type")
        if isinstance(kind, str) and kind in _ENTITIES:
            errors = entity.get("errors")
            rows = [row for row in errors if isinstance(row, dict)] if isinstance(errors, list) else []
            yield kind, [row["error_code"] for row in rows if isinstance(row.get("error_code"), int)]
