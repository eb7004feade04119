"""What a sender shows of the business behind it, and the limits that its channel puts on that."""

import re
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from tabard.domain.errors import InvalidInput


class Vertical(StrEnum):
    """The business's trade; each dialect and network has its own spelling."""

    ALCOHOL = "alcohol"
    AUTOMOTIVE = "automotive"
    BEAUTY = "beauty"
    CLOTHING = "clothing"
    EDUCATION = "education"
    ENTERTAINMENT = "entertainment"
    EVENT_PLANNING = "event_planning"
    FINANCE = "finance"
    GOVERNMENT = "government"
    GROCERY = "grocery"
    HOTEL = "hotel"
    MATRIMONY = "matrimony"
    MEDICAL = "medical"
    NON_PROFIT = "non_profit"
    ONLINE_GAMBLING = "online_gambling"
    OTC_DRUGS = "otc_drugs"
    OTHER = "other"
    PHYSICAL_GAMBLING = "physical_gambling"
    PROFESSIONAL_SERVICES = "professional_services"
    RESTAURANT = "restaurant"
    RETAIL = "retail"
    TRAVEL = "travel"


class UseCase(StrEnum):
    PROMOTIONAL = "promotional"
    TRANSACTIONAL = "transactional"
    OTP = "otp"
    MULTI_USE = "multi_use"


@dataclass(frozen=True, slots=True)
class Contact:
    """One e-mail address, website or telephone number, with the label that a handset may show."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Profile:
    name: str | None = None
    about: str | None = None
    address: str | None = None
    description: str | None = None
    logo_url: str | None = None
    vertical: Vertical | None = None
    emails: tuple[Contact, ...] = ()
    websites: tuple[Contact, ...] = ()
    banner_url: str | None = None
    privacy_url: str | None = None
    terms_of_service_url: str | None = None
    accent_color: str | None = None
    phone_numbers: tuple[Contact, ...] = ()
    use_case: UseCase | None = None

    def changed(self, changes: dict[str, object]) -> "Profile":
        """The profile with the given leaves replaced; a leaf set to None (or an empty tuple) is cleared."""
        unknown = changes.keys() - {field.name for field in fields(self)}
        if unknown:
            raise KeyError(f"no such profile leaf: {sorted(unknown)}")
        return replace(self, **changes)  # type: ignore[arg-type]


WHATSAPP_TEXT_LIMITS = {"name": 255, "about": 139, "address": 256, "description": 512}
"""Characters. Meta's business profile page; the name's 255 is Twilio's (error 63124)."""

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_WEB_URL = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)


def is_web_url(text: str) -> bool:
    return _WEB_URL.fullmatch(text) is not None


def check_whatsapp_profile(profile: Profile) -> None:
    """Hold the profile against WhatsApp's limits. Raises `InvalidInput` naming the first field that breaks one.

    Source: Meta, Business profiles (about 139, address 256, description 512, e-mail 128, two websites of 256).
    """
    for field, limit in WHATSAPP_TEXT_LIMITS.items():
        text = getattr(profile, field)
        if text is not None and len(text) > limit:
            raise InvalidInput(f"profile.{field}", f"must be at most {limit} characters, has {len(text)}")
    for number, email in enumerate(profile.emails):
        if len(email.value) > 128 or not _EMAIL.fullmatch(email.value):
            raise InvalidInput(f"profile.emails[{number}]", "must be an e-mail address of at most 128 characters")
    if len(profile.websites) > 2:
        raise InvalidInput("profile.websites", f"must be at most 2, has {len(profile.websites)}")
    for number, website in enumerate(profile.websites):
        if len(website.value) > 256 or not is_web_url(website.value):
            raise InvalidInput(
                f"profile.websites[{number}]",
                "must start with http:// or https:// and have at most 256 characters",
            )
    if profile.logo_url is not None and (len(profile.logo_url) > 2048 or not is_web_url(profile.logo_url)):
        raise InvalidInput("profile.logo_url", "must be an http:// or https:// address of at most 2048 characters")
