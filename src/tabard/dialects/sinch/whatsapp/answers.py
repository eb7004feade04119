"""A WhatsApp sender as Sinch shows it: plain dictionaries, ready for `orjson`."""

import base64
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import phonenumbers

from tabard.app.services import Services
from tabard.dialects.sinch.whatsapp import states, wire
from tabard.dialects.sinch.whatsapp.mapping import VERTICALS
from tabard.dialects.sinch.writing import given, moment
from tabard.domain.ids import SenderId
from tabard.domain.profile import Profile, Vertical
from tabard.domain.sender import UNLIMITED, NameChange, NameReview, Quality, Reason, Sender, Trouble

Write = Callable[[Sender], dict[str, Any]]

PLACE: Mapping[str, Any] = MappingProxyType(
    {
        "region": "US",
        "metaLocalStorage": "US",
        "cloudApi": True,
        "businessManager": "UNRECOGNIZED",
        "compatibleRegions": ["br", "eu", "us"],
    }
)
"""Fields that every sender must have, and that mean nothing here: the project's own connection to Meta serves them all.

The United States are where Meta keeps what it is not asked to keep elsewhere (Meta, Cloud API local storage).
"""

# Sinch has no word for a matrimony service.
VERTICAL_WORDS: Mapping[Vertical, wire.VerticalWord] = MappingProxyType(
    {Vertical.MATRIMONY: "OTHER", **{vertical: word for word, vertical in VERTICALS.items()}}
)

_QUALITIES: Mapping[Quality, wire.QualityWord] = MappingProxyType(
    {Quality.HIGH: "GREEN", Quality.MEDIUM: "YELLOW", Quality.LOW: "RED", Quality.UNKNOWN: "UNKNOWN"}
)

_LIMITS: Mapping[int, wire.LimitWord] = MappingProxyType(
    {
        50: "TIER_50",
        250: "TIER_250",
        1_000: "TIER_1K",
        2_000: "TIER_2K",
        10_000: "TIER_10K",
        100_000: "TIER_100K",
        UNLIMITED: "TIER_UNLIMITED",
    }
)

_NAME_REVIEWS: Mapping[NameReview, wire.NameWord] = MappingProxyType(
    {
        NameReview.PENDING: "PENDING",
        NameReview.APPROVED: "APPROVED",
        NameReview.COMPLETED: "APPROVED",
        NameReview.DECLINED: "REJECTED",
        NameReview.EXPIRED: "EXPIRED",
        NameReview.PIN_MISMATCH: "DEFERRED",
        NameReview.REGISTRATION_FAILED: "DEFERRED",
    }
)

_BANS = frozenset({Trouble.ACCOUNT_BANNED, Trouble.ACCOUNT_DISABLED})


def writer(services: Services) -> Write:
    """What writes senders of this service."""

    def write(sender: Sender) -> dict[str, Any]:
        return _sender_answer(sender, bearer_token(services, sender.id))

    return write


def without_token(sender: Sender) -> dict[str, Any]:
    """For the sender's webhooks: what is kept of a delivery keeps no token."""
    return _sender_answer(sender, None)


def bearer_token(services: Services, sender_id: SenderId) -> str:
    """The sender's own for ever: made again each time, kept nowhere."""
    return base64.urlsafe_b64encode(services.vault.derive(f"whatsapp-token:{sender_id}")).decode().rstrip("=")


def account_answer(business_account: str) -> dict[str, Any]:
    return {
        "state": "ONBOARDED",
        "isEmbeddedSignup": True,
        "businessManager": PLACE["businessManager"],
        "wabaId": business_account,
        "compatibleRegions": PLACE["compatibleRegions"],
    }


def _sender_answer(sender: Sender, token: str | None) -> dict[str, Any]:
    calling_code, national = _split(sender.address)
    return given(
        id=str(sender.id),
        **PLACE,
        state=states.state_of(sender),
        changes=_changes_answer(sender),
        details=_details_answer(sender.profile) if states.was_registered(sender) else None,
        metadata=None if sender.name_change is None else {"displayName": _name_answer(sender.name_change)},
        qualityRating=None if sender.quality is None else _QUALITIES[sender.quality],
        dailyLimit=None if sender.messaging_limit is None else _LIMITS.get(sender.messaging_limit, "UNRECOGNIZED"),
        bearerToken=token,
        created=moment(sender.created_at),
        modified=moment(sender.updated_at),
        countryCode=calling_code,
        phoneNumber=national,
        numberProvider="CUSTOMER",
        **_ban(sender),
    )


def _split(address: str) -> tuple[str, str]:
    """By prefix, which calling codes are free of: numbers that people test with are in no country's plan."""
    digits = address.removeprefix("+")
    codes = (digits[:length] for length in (1, 2, 3))
    calling_code = next((code for code in codes if int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), "")
    return calling_code, digits.removeprefix(calling_code)


def _ban(sender: Sender) -> dict[str, str]:
    if all(reason.trouble not in _BANS for reason in sender.offline_reasons):
        return {}
    return {"wabaBanState": "DISABLE", "wabaBanDate": moment(sender.status_since)}


def _changes_answer(sender: Sender) -> dict[str, Any] | None:
    status = states.changes_of(sender)
    if status is None:
        return None
    # Also while they are in progress: then it says what Meta has them wait for.
    reason = None if status == "DRAFT" else states.reason_of(sender)
    return given(
        status=status,
        details=_details_answer(sender.draft or sender.profile),
        errorReason=None if reason is None else _told(reason),
        errorCode=None if reason is None else states.failure_of(reason).code,
    )


def _told(reason: Reason) -> str:
    return reason.detail or reason.trouble.replace("_", " ")


def _details_answer(profile: Profile) -> dict[str, Any]:
    websites = [website.value for website in profile.websites]
    return given(
        displayName=profile.name,
        description=profile.description,
        vertical=None if profile.vertical is None else VERTICAL_WORDS[profile.vertical],
        email=profile.emails[0].value if profile.emails else None,
        address=profile.address,
        websiteOne=websites[0] if websites else None,
        websiteTwo=websites[1] if len(websites) > 1 else None,
        about=profile.about,
        photoUrl=profile.logo_url,
    )


def _name_answer(change: NameChange) -> dict[str, Any]:
    return given(value=change.name, status=_NAME_REVIEWS[change.review], rejectionReason=change.detail)
