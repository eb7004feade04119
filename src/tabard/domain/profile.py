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

    @property
    def leaves(self) -> tuple[str, ...]:
        return tuple(field.name for field in fields(self))

    def changed(self, changes: dict[str, object]) -> "Profile":
        """The profile with the given leaves replaced; a leaf set to None (or an empty tuple) is cleared."""
        unknown = changes.keys() - set(self.leaves)
        if unknown:
            raise KeyError(f"no such profile leaf: {sorted(unknown)}")
        return replace(self, **changes)  # type: ignore[arg-type]


WHATSAPP_TEXT_LIMITS = {"name": 255, "about": 139, "address": 256, "description": 512}
"""Characters. Meta's business profile page; the name's 255 is Twilio's (error 63124)."""

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_WEB_URL = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)


RCS_TEXT_LIMITS = {"name": 40, "description": 100}
"""Characters. Google's guide to agents."""
RCS_MOST_CONTACTS = 3
"""Of each kind: Google takes three websites, Sinch three of each."""
READABLE_CONTRAST = 4.5
"""Of the accent colour against white, at least (Google's guide to agents; WCAG 2.1, contrast ratio)."""

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_PHONE = re.compile(r"(?=.*\d)\+?[\d\s]{3,20}")


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
    _check_emails(profile.emails)
    if len(profile.websites) > 2:
        raise InvalidInput("profile.websites", f"must be at most 2, has {len(profile.websites)}")
    _check_websites(profile.websites)
    _check_url("logo_url", profile.logo_url)


def check_rcs_profile(profile: Profile) -> None:
    """Hold the profile against RCS's limits. Raises `InvalidInput` naming the first field that breaks one.

    Source: Google, RCS for Business agents (name 40, description 100, three websites, a colour as #RRGGBB). The
    colour's contrast is not judged here: see `readable_color`.
    """
    for field, limit in RCS_TEXT_LIMITS.items():
        text = getattr(profile, field)
        if text is not None and len(text) > limit:
            raise InvalidInput(f"profile.{field}", f"must be at most {limit} characters, has {len(text)}")
        if text and not text.strip():
            raise InvalidInput(f"profile.{field}", "must not be blank")
    for field in ("emails", "websites", "phone_numbers"):
        contacts: tuple[Contact, ...] = getattr(profile, field)
        if len(contacts) > RCS_MOST_CONTACTS:
            raise InvalidInput(f"profile.{field}", f"must be at most {RCS_MOST_CONTACTS}, has {len(contacts)}")
    _check_emails(profile.emails)
    _check_websites(profile.websites)
    for number, phone in enumerate(profile.phone_numbers):
        if not _PHONE.fullmatch(phone.value):
            raise InvalidInput(f"profile.phone_numbers[{number}]", "must be a telephone number")
    for field in ("logo_url", "banner_url", "privacy_url", "terms_of_service_url"):
        _check_url(field, getattr(profile, field))
    if profile.accent_color is not None and not _COLOR.fullmatch(profile.accent_color):
        raise InvalidInput("profile.accent_color", "must be a colour written as #RRGGBB")


def contrast_with_white(color: str) -> float:
    """Of a colour written as #RRGGBB: 1 for white itself, 21 for black (WCAG 2.1, relative luminance)."""
    shares = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def readable_color(color: str) -> str:
    """The colour itself where text in it can be read on white, else the nearest darker shade of it that can."""
    if contrast_with_white(color) >= READABLE_CONTRAST:
        return color
    parts = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
    shades = ("#" + "".join(f"{part * share // 255:02x}" for part in parts) for share in range(254, -1, -1))
    return next(shade for shade in shades if contrast_with_white(shade) >= READABLE_CONTRAST)


def _check_emails(emails: tuple[Contact, ...]) -> None:
    for number, email in enumerate(emails):
        if len(email.value) > 128 or not _EMAIL.fullmatch(email.value):
            raise InvalidInput(f"profile.emails[{number}]", "must be an e-mail address of at most 128 characters")


def _check_websites(websites: tuple[Contact, ...]) -> None:
    for number, website in enumerate(websites):
        if len(website.value) > 256 or not is_web_url(website.value):
            raise InvalidInput(
                f"profile.websites[{number}]",
                "must start with http:// or https:// and have at most 256 characters",
            )


def _check_url(field: str, url: str | None) -> None:
    if url is not None and (len(url) > 2048 or not is_web_url(url)):
        raise InvalidInput(f"profile.{field}", "must be an http:// or https:// address of at most 2048 characters")
