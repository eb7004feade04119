"""A profile as Google's agent, field by field, and what of it may still be changed.

Source: Google, RCS for Business: agents (fields and limits), edit agents.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from tabard.domain.agents.agent import Agent, Billing, Hosting
from tabard.domain.profile import Contact, Profile, UseCase, readable_color
from tabard.networks.google import wire

NAME_LIMIT = 100
"""Of a brand."""

_BLACK = "#000000"
_DETAILS = "rcs_business_messaging_agent"

HOSTING: Mapping[Hosting, wire.HostingRegion] = MappingProxyType(
    {
        Hosting.NORTH_AMERICA: wire.HostingRegion.NORTH_AMERICA,
        Hosting.EUROPE: wire.HostingRegion.EUROPE,
        Hosting.ASIA_PACIFIC: wire.HostingRegion.ASIA_PACIFIC,
    }
)
BILLING: Mapping[Billing, wire.BillingCategory] = MappingProxyType(
    {
        Billing.CONVERSATIONAL: wire.BillingCategory.CONVERSATIONAL,
        Billing.CONVERSATIONAL_LEGACY: wire.BillingCategory.CONVERSATIONAL_LEGACY,
        Billing.NON_CONVERSATIONAL: wire.BillingCategory.NON_CONVERSATIONAL,
        Billing.SINGLE_MESSAGE: wire.BillingCategory.SINGLE_MESSAGE,
        Billing.BASIC_MESSAGE: wire.BillingCategory.BASIC_MESSAGE,
    }
)
USE_CASES: Mapping[UseCase, wire.UseCase] = MappingProxyType(
    {
        UseCase.PROMOTIONAL: wire.UseCase.PROMOTIONAL,
        UseCase.TRANSACTIONAL: wire.UseCase.TRANSACTIONAL,
        UseCase.OTP: wire.UseCase.OTP,
        UseCase.MULTI_USE: wire.UseCase.MULTI_USE,
    }
)


def new_agent(profile: Profile, agent: Agent) -> dict[str, object]:
    """The whole agent, to be added."""
    details = {field: value for _, field, value in _details(profile, frozen=False)}
    details["billingConfig"] = {"billingCategory": BILLING[agent.billing]}
    details["hostingRegion"] = HOSTING[agent.hosting]
    return {"displayName": profile.name, "rcsBusinessMessagingAgent": details}


def change(profile: Profile, *, frozen: bool) -> tuple[str, dict[str, object]]:
    """The update mask, and the part of the agent that it names.

    `frozen` leaves out what is fixed once verification is asked for. Where the data lie is fixed from the start, how
    messages are billed is Google's to change.
    """
    rows = list(_details(profile, frozen=frozen))
    mask = [f"{_DETAILS}.{path}" for path, _, _ in rows]
    body: dict[str, object] = {"rcsBusinessMessagingAgent": {field: value for _, field, value in rows}}
    if not frozen and profile.name:
        mask.insert(0, "display_name")
        body["displayName"] = profile.name
    return ",".join(mask), body


def _details(profile: Profile, *, frozen: bool) -> Iterator[tuple[str, str, object]]:
    """Path in a mask, name in JSON, value. A single value that is not there is left alone; a list is always whole."""
    if profile.description:
        yield "description", "description", profile.description
    yield "color", "color", readable_color(profile.accent_color or _BLACK)
    yield "phone_numbers", "phoneNumbers", [_phone(contact) for contact in profile.phone_numbers]
    yield "emails", "emails", [{"address": c.value, "label": c.label or "E-mail"} for c in profile.emails]
    yield "websites", "websites", [{"uri": c.value, "label": c.label or "Website"} for c in profile.websites]
    if profile.privacy_url:
        yield "privacy", "privacy", {"uri": profile.privacy_url, "label": "Privacy policy"}
    if profile.terms_of_service_url:
        yield "terms_conditions", "termsConditions", {"uri": profile.terms_of_service_url, "label": "Terms of service"}
    if frozen:
        return
    if profile.logo_url:
        yield "logo_uri", "logoUri", profile.logo_url
    if profile.banner_url:
        yield "hero_uri", "heroUri", profile.banner_url
    yield "agent_use_case", "agentUseCase", USE_CASES[profile.use_case or UseCase.MULTI_USE]


def _phone(contact: Contact) -> dict[str, object]:
    number = "".join(contact.value.split())
    return {"phoneNumber": {"number": number}, "label": contact.label or "Phone"}
