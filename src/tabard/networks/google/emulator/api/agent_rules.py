"""What an agent must be: the fields that it needs, their limits, and which of them are fixed when.

Source: Google's guides on creating agents, on agent information and on launching. Each rule finds what is wrong and
goes on, so that a client hears of all at once.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from tabard.networks.google.emulator.faults import Violation
from tabard.networks.google.emulator.state import Agent, Json
from tabard.networks.google.wire import HostingRegion, UseCase, VerificationState

NAME_LENGTH = 40
DESCRIPTION_LENGTH = 100
WEBSITES = 3
LEAST_CONTRAST = 4.5
"""Against white."""
DETAILS = "rcs_business_messaging_agent"

FORBIDDEN_IN_DESCRIPTION = {
    "HTML or scripts": r"<[a-z!/][^>]*>|javascript:",
    "JSON": r"[{\[]\s*\"[^\"]*\"\s*[:,\]}]",
    "template syntax": r"\{\{|\}\}|\$\{|<%|%>|\{%",
    "encoded characters": r"%(?:2e|2f|5c|25)",
    "paths of an operating system": r"\.\./|\b[a-z]:\\|(?:^|\s)/(?:etc|bin|usr|var|tmp|home|root)/",
    "commands": r"(?:^|[;&|`]\s*)(?:rm|cat|ls|curl|wget|chmod|sudo|bash|sh)\s+[-/~.]|\$\(",
}
"""What Google's guide forbids, as far as one can tell it by looking."""

EMERGENCY_NUMBERS = frozenset(
    {"000", "100", "101", "102", "108", "110", "112", "113", "117", "118", "119", "911", "999"}
)

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LOCAL = re.compile(r"[0-9]{3,15}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")


def is_address(text: object) -> bool:
    """A phone's number in E.164 form."""
    return isinstance(text, str) and _E164.fullmatch(text) is not None


def is_email(text: object) -> bool:
    return isinstance(text, str) and _EMAIL.fullmatch(text) is not None


def is_web_address(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in text


def contrast_with_white(colour: str) -> float:
    """By WCAG 2: relative luminance of sRGB, (L1 + 0.05) / (L2 + 0.05)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def violations(agent: Agent) -> list[Violation]:
    found = list(_name(agent))
    for rule in RULES:
        found += [(f"{DETAILS}.{field}", problem) for field, problem in rule(agent.details)]
    return found


def violations_of_change(before: Agent, after: Agent) -> list[Violation]:
    """What may no longer be changed."""
    found = []
    if after.details.get("hostingRegion") != before.details.get("hostingRegion"):
        found.append((f"{DETAILS}.hosting_region", "is permanent."))
    if before.verified_as in {VerificationState.PENDING, VerificationState.VERIFIED}:
        problem = "is fixed once the agent is put up for verification."
        if after.display_name != before.display_name:
            found.append(("display_name", problem))
        for name, field in (("logoUri", "logo_uri"), ("heroUri", "hero_uri")):
            if after.details.get(name) != before.details.get(name):
                found.append((f"{DETAILS}.{field}", problem))
    return found


def can_be_asked_back(agent: Agent) -> bool:
    """Whether a user can reach the business, which a launch needs: by a phone or an e-mail, with a label."""
    contacts = [*agent.details.get("phoneNumbers", ()), *agent.details.get("emails", ())]
    return any(contact.get("label") for contact in contacts)


def with_defaults(details: Json) -> Json:
    use_case = details.get("agentUseCase", UseCase.UNSPECIFIED)
    return {**details, "agentUseCase": UseCase.PROMOTIONAL if use_case == UseCase.UNSPECIFIED else use_case}


def _name(agent: Agent) -> Iterator[Violation]:
    yield from _text("display_name", agent.display_name, NAME_LENGTH)


def _text(field: str, value: Any, most: int) -> Iterator[Violation]:
    if not value or not value.strip():
        yield field, "is required."
    elif len(value) > most:
        yield field, f"may have at most {most} characters."


def _label(field: str, entry: Json) -> Iterator[Violation]:
    if not entry.get("label"):
        yield f"{field}.label", "is required."


def _description(details: Json) -> Iterator[Violation]:
    text = details.get("description")
    yield from _text("description", text, DESCRIPTION_LENGTH)
    for what, pattern in FORBIDDEN_IN_DESCRIPTION.items():
        if text and re.search(pattern, text, re.IGNORECASE):
            yield "description", f"may not contain {what}."


def _images(details: Json) -> Iterator[Violation]:
    for name, field in (("logoUri", "logo_uri"), ("heroUri", "hero_uri")):
        if not is_web_address(details.get(name)):
            yield field, "is required: the public address of an image."


def _colour(details: Json) -> Iterator[Violation]:
    colour = details.get("color", "")
    if not _COLOUR.fullmatch(colour):
        yield "color", "is required, as #RRGGBB."
    elif contrast_with_white(colour) < LEAST_CONTRAST:
        yield "color", f"must have a contrast of at least {LEAST_CONTRAST}:1 with white."


def _phones(details: Json) -> Iterator[Violation]:
    for place, entry in enumerate(details.get("phoneNumbers", ())):
        number = (entry.get("phoneNumber") or {}).get("number", "")
        if number in EMERGENCY_NUMBERS:
            yield f"phone_numbers[{place}].phone_number.number", "may not be an emergency number."
        elif not is_address(number) and not _LOCAL.fullmatch(number):
            yield f"phone_numbers[{place}].phone_number.number", "must be in E.164 form, or local without a plus sign."
        yield from _label(f"phone_numbers[{place}]", entry)


def _emails(details: Json) -> Iterator[Violation]:
    for place, entry in enumerate(details.get("emails", ())):
        if not is_email(entry.get("address")):
            yield f"emails[{place}].address", "must be an e-mail address."
        yield from _label(f"emails[{place}]", entry)


def _websites(details: Json) -> Iterator[Violation]:
    websites = details.get("websites", ())
    if len(websites) > WEBSITES:
        yield "websites", f"may have at most {WEBSITES} entries."
    for place, entry in enumerate(websites):
        if not is_web_address(entry.get("uri")):
            yield f"websites[{place}].uri", "must be an http or https address."


def _contacts(details: Json) -> Iterator[Violation]:
    if not any(details.get(name) for name in ("phoneNumbers", "emails", "websites")):
        yield "", "needs a phone number, an e-mail address or a website."


def _policies(details: Json) -> Iterator[Violation]:
    for name, field in (("privacy", "privacy"), ("termsConditions", "terms_conditions")):
        if not is_web_address((details.get(name) or {}).get("uri")):
            yield f"{field}.uri", "is required: an http or https address."


def _hosting(details: Json) -> Iterator[Violation]:
    if details.get("hostingRegion", HostingRegion.UNSPECIFIED) == HostingRegion.UNSPECIFIED:
        yield "hosting_region", "is required."


RULES: tuple[Callable[[Json], Iterator[Violation]], ...] = (
    _description,
    _images,
    _colour,
    _phones,
    _emails,
    _websites,
    _contacts,
    _policies,
    _hosting,
)
