"""Between Twilio's words and ours: requests into commands, senders into answers.

Answers are plain dictionaries in the order of Twilio's samples, ready for `orjson`: they are the hot path.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from tabard.app.senders import NewSender
from tabard.dialects.twilio import wire
from tabard.dialects.twilio.compliance import agent_change, compliance_answer
from tabard.dialects.twilio.troubles import explained
from tabard.domain.change import NameOutcome, SenderChange
from tabard.domain.errors import InvalidInput, NotFound
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.profile import Contact, Profile, UseCase, Vertical
from tabard.domain.sender import (
    UNLIMITED,
    AccountType,
    NameReview,
    Quality,
    Registration,
    Sender,
    VerificationMethod,
    Webhook,
)

COLLECTION = "/v2/Channels/Senders"
_HEX = frozenset("0123456789abcdef")

STATUSES: Mapping[Status, wire.StatusWord] = {
    Status.DRAFT: "DRAFT",
    Status.CREATING: "CREATING",
    Status.PENDING_VERIFICATION: "PENDING_VERIFICATION",
    Status.VERIFYING: "VERIFYING",
    Status.TESTING: "DRAFT",
    Status.PREPARING: "TWILIO_REVIEW",
    Status.LAUNCHING: "PENDING_VERIFICATION",
    Status.ONLINE: "ONLINE",
    Status.UPDATING: "ONLINE:UPDATING",
    Status.OFFLINE: "OFFLINE",
    # Deleted by a dialect that keeps it for a while; while it lasts it works.
    Status.RETIRING: "ONLINE",
    # A deleted sender is shown to nobody; Twilio has no word for it.
    Status.DELETED: "OFFLINE",
}

VERTICALS: Mapping[wire.VerticalWord, Vertical] = {
    "Alcohol": Vertical.ALCOHOL,
    "Automotive": Vertical.AUTOMOTIVE,
    "Beauty, Spa and Salon": Vertical.BEAUTY,
    "Clothing and Apparel": Vertical.CLOTHING,
    "Education": Vertical.EDUCATION,
    "Entertainment": Vertical.ENTERTAINMENT,
    "Event Planning and Service": Vertical.EVENT_PLANNING,
    "Finance and Banking": Vertical.FINANCE,
    "Food and Grocery": Vertical.GROCERY,
    "Hotel and Lodging": Vertical.HOTEL,
    "Matrimony Service": Vertical.MATRIMONY,
    "Medical and Health": Vertical.MEDICAL,
    "Non-profit": Vertical.NON_PROFIT,
    "Online Gambling": Vertical.ONLINE_GAMBLING,
    "OTC Drugs": Vertical.OTC_DRUGS,
    "Other": Vertical.OTHER,
    "Physical Gambling": Vertical.PHYSICAL_GAMBLING,
    "Professional Services": Vertical.PROFESSIONAL_SERVICES,
    "Public Service": Vertical.GOVERNMENT,
    "Restaurant": Vertical.RESTAURANT,
    "Shopping and Retail": Vertical.RETAIL,
    "Travel and Transportation": Vertical.TRAVEL,
}
VERTICAL_WORDS: Mapping[Vertical, wire.VerticalWord] = {vertical: word for word, vertical in VERTICALS.items()}

ACCOUNT_TYPES: Mapping[wire.AccountTypeWord, AccountType] = {
    "ISV": AccountType.ISV,
    "ISVSubAccount": AccountType.ISV_SUB_ACCOUNT,
}
ACCOUNT_TYPE_WORDS: Mapping[AccountType, wire.AccountTypeWord] = {kind: word for word, kind in ACCOUNT_TYPES.items()}

NAME_REVIEWS: Mapping[NameReview, wire.PendingNameWord] = {
    NameReview.PENDING: "PENDING_REVIEW",
    NameReview.APPROVED: "APPROVED",
    NameReview.DECLINED: "DECLINED",
    NameReview.PIN_MISMATCH: "PIN_MISMATCH",
    NameReview.REGISTRATION_FAILED: "REGISTRATION_FAILED",
    NameReview.EXPIRED: "EXPIRED",
    NameReview.COMPLETED: "COMPLETED",
}

_REGISTRATION_LEAVES = {
    "waba_id": "business_account",
    "verification_method": "verification_method",
    "account_type": "account_type",
    "voice_application_sid": "voice_application",
}
TWILIO_FIELDS: Mapping[str, str] = {
    "address": "sender_id",
    "registration.code": "configuration.verification_code",
    **{f"registration.{ours}": f"configuration.{theirs}" for theirs, ours in _REGISTRATION_LEAVES.items()},
}
"""What Twilio calls the fields that the domain calls otherwise."""

_CONTACTS = {
    "emails": ("email", "Email"),
    "websites": ("website", "Website"),
    "phone_numbers": ("phone_number", "Phone"),
}
"""Each list's key in an entry, and the label of an entry that has none."""


# identifiers


def sid(sender_id: SenderId) -> str:
    return f"XE{sender_id.hex}"


def sender_id(text: str) -> SenderId:
    """Canonical SIDs only, so that a sender has one name and one URL. Raises `NotFound`."""
    digits = text[2:]
    if not text.startswith("XE") or len(digits) != 32 or not _HEX.issuperset(digits):
        raise NotFound("not the SID of a sender")
    return SenderId(UUID(digits))


# requests


def new_sender(request: wire.CreateSender) -> NewSender:
    """Raises `InvalidInput`."""
    wanted = change(request)
    if wanted.code is not None:
        raise InvalidInput("registration.code", "belongs in an update, once the phone has received it")
    channel, address = _channel_and_address(request.sender_id)
    return NewSender(
        channel=channel,
        address=address,
        friendly_name=request.friendly_name or None,
        registration=_new_registration(channel, wanted),
        webhook=Webhook(**wanted.webhook),  # type: ignore[arg-type]
        profile=Profile(**wanted.profile),  # type: ignore[arg-type]
        agent_change=wanted.agent,
    )


def _new_registration(channel: Channel, wanted: SenderChange) -> Registration:
    """An RCS sender has none of its owner's: its business account is made for it (Twilio: no configuration)."""
    if channel is Channel.RCS:
        return Registration(verification_method=None)
    return Registration(**wanted.registration)  # type: ignore[arg-type]


def change(request: wire.UpdateSender) -> SenderChange:
    leaves = {} if request.friendly_name is None else {"friendly_name": request.friendly_name or None}
    code = request.configuration.verification_code if request.configuration else None
    return SenderChange(
        leaves=leaves,
        registration=_registration(request.configuration),
        webhook=_given(request.webhook),
        profile=_profile(request.profile),
        agent=agent_change(request.compliance),
        code=code or None,
    )


def _channel_and_address(sender_id: str) -> tuple[Channel, str]:
    prefix, colon, address = sender_id.partition(":")
    if not colon or prefix not in set(Channel):
        raise InvalidInput(
            "sender_id", "must be whatsapp: and a telephone number in E.164 form, or rcs: and the name of an agent"
        )
    return Channel(prefix), address


def _given(section: BaseModel | None) -> dict[str, Any]:
    """The leaves that the caller named; null is as good as unnamed, "" becomes None, which clears."""
    if section is None:
        return {}
    named = {name: getattr(section, name) for name in section.model_fields_set}
    return {name: None if value == "" else value for name, value in named.items() if value is not None}


def _registration(configuration: wire.Configuration | None) -> dict[str, object]:
    leaves = _given(configuration)
    leaves.pop("verification_code", None)
    if leaves.get("account_type") is not None:
        leaves["account_type"] = ACCOUNT_TYPES[leaves["account_type"]]
    if "verification_method" in leaves:
        leaves["verification_method"] = VerificationMethod(leaves["verification_method"])
    # Twilio's calling guide switches calls off with an explicit null, against the rule for every other leaf.
    if configuration is not None and "voice_application_sid" in configuration.model_fields_set:
        leaves.setdefault("voice_application_sid", None)
    return {_REGISTRATION_LEAVES[name]: value for name, value in leaves.items()}


def _profile(profile: wire.Profile | None) -> dict[str, object]:
    leaves = _given(profile)
    if leaves.get("vertical") is not None:
        leaves["vertical"] = VERTICALS[leaves["vertical"]]
    if leaves.get("use_case") is not None:
        leaves["use_case"] = UseCase(leaves["use_case"].lower())
    for name, (key, label) in _CONTACTS.items():
        if name in leaves:
            leaves[name] = tuple(Contact(getattr(entry, key), entry.label or label) for entry in leaves[name])
    return leaves


# answers


def status_word(sender: Sender) -> wire.StatusWord:
    if sender.status is Status.RETIRING and not sender.link.registered:
        return "OFFLINE"
    return STATUSES[sender.status]


def sender_answer(sender: Sender, base_url: str) -> dict[str, Any]:
    """The whole object: null where there is nothing, but the three keys of a name change only where there is one."""
    name = sid(sender.id)
    answer: dict[str, Any] = {
        "sid": name,
        "status": status_word(sender),
        "sender_id": f"{sender.channel}:{sender.address}",
        "friendly_name": sender.friendly_name,
        "configuration": _configuration_answer(sender.registration) if sender.channel is Channel.WHATSAPP else None,
        "webhook": _webhook_answer(sender.webhook),
        "profile": _profile_answer(sender.profile),
    }
    if sender.name_change is not None:
        answer["pending_display_name"] = sender.name_change.name
        answer["pending_display_name_status"] = NAME_REVIEWS[sender.name_change.review]
        answer["pending_display_name_status_date"] = f"{sender.name_change.since:%Y-%m-%dT%H:%M:%SZ}"
    answer["properties"] = _properties_answer(sender)
    answer["offline_reasons"] = [explained(reason) for reason in sender.offline_reasons] or None
    answer["compliance"] = None if sender.agent is None else compliance_answer(sender.agent, sender.status)
    answer["url"] = f"{base_url}{COLLECTION}/{name}"
    return answer


def update_answer(
    sender: Sender, base_url: str, request: wire.UpdateSender, outcome: NameOutcome | None
) -> dict[str, Any]:
    answer = sender_answer(sender, base_url)
    named = request.profile is not None and request.profile.name is not None
    if named and sender.channel is Channel.WHATSAPP:
        # Without an outcome the name was taken at once: it goes to review together with the number.
        answer["display_name_status"] = (outcome or NameOutcome.UPDATING).value
    return answer


def messaging_limit(customers: int | None) -> str:
    if customers is None:
        return "Unavailable"
    if customers == UNLIMITED:
        return "Unlimited"
    thousands, rest = divmod(customers, 1000)
    return f"{customers} Customers/24hr" if rest or not thousands else f"{thousands}K Customers/24hr"


def _configuration_answer(registration: Registration) -> dict[str, Any]:
    kind = registration.account_type
    return {
        "waba_id": registration.business_account,
        "verification_method": registration.verification_method,
        "verification_code": None,
        "voice_application_sid": registration.voice_application,
        "account_type": ACCOUNT_TYPE_WORDS[kind] if kind is not None else None,
    }


def _webhook_answer(webhook: Webhook) -> dict[str, Any]:
    return {
        "callback_url": webhook.callback_url,
        "callback_method": webhook.callback_method,
        "fallback_url": webhook.fallback_url,
        "fallback_method": webhook.fallback_method,
        "status_callback_url": webhook.status_callback_url,
        "status_callback_method": webhook.status_callback_method,
    }


def _profile_answer(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "about": profile.about,
        "address": profile.address,
        "description": profile.description,
        "emails": [{"email": entry.value, "label": entry.label} for entry in profile.emails] or None,
        "logo_url": profile.logo_url,
        "vertical": VERTICAL_WORDS[profile.vertical] if profile.vertical is not None else None,
        "websites": [{"website": entry.value, "label": entry.label} for entry in profile.websites] or None,
        "banner_url": profile.banner_url,
        "privacy_url": profile.privacy_url,
        "terms_of_service_url": profile.terms_of_service_url,
        "accent_color": profile.accent_color,
        "phone_numbers": [{"phone_number": entry.value, "label": entry.label} for entry in profile.phone_numbers]
        or None,
        "use_case": profile.use_case.upper() if profile.use_case is not None else None,
    }


def _properties_answer(sender: Sender) -> dict[str, Any] | None:
    if sender.quality is None and sender.messaging_limit is None:
        return None
    return {
        "quality_rating": (sender.quality or Quality.UNKNOWN).upper(),
        "messaging_limit": messaging_limit(sender.messaging_limit),
    }
