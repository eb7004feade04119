"""What a launch asks for: every answer that is missing, by its path.

The list is that of Sinch's launch operation (1.2.36, launch_precondition_failed), with what its own client asks for
beside it: the brand's name, screenshots, the contact's title, and the registration number, address and frequency for
Great Britain. A video may come later: the sender waits for it in PREPARING_LAUNCH. The United States' answers are not
asked for: 1.2.36 does not enforce them.
"""

from collections.abc import Iterator, Mapping, Sequence

from tabard.dialects.sinch.rcs.mapping import BRAND, GENERAL
from tabard.domain.agents.agent import Agent
from tabard.domain.profile import Profile
from tabard.domain.sender import Sender

_BRAND = ("name", "logoUrl", "bannerUrl", "privacyPolicyUrl", "termsOfServiceUrl")
_GENERAL = ("optInDescription", "triggerDescription", "interactionsDescription", "optOutDescription", "screenshotUris")
_VERIFICATION = ("name", "email", "title", "website")
_LOCAL: Mapping[str, tuple[str, ...]] = {
    "GB": (
        "brandIndustry",
        "companyLegalName",
        "companyRegistrationNumber",
        "fullCompanyAddress",
        "messagesVolume",
        "messagesFrequency",
    ),
    "FR": ("fullCompanyAddress", "siren"),
}


def missing(sender: Sender) -> Sequence[str]:
    """One sentence for each thing that is missing; none where the sender can be launched."""
    paths = [*_of_brand(sender.profile), *_of_questionnaire(sender.rcs)]
    if not sender.rcs.countries:
        paths.insert(0, "details.countries")
    return [f"{path} should not be empty" for path in paths]


def _of_brand(profile: Profile) -> Iterator[str]:
    yield from (f"details.brand.{name}" for name in _BRAND if not getattr(profile, BRAND[name]))
    if not profile.phone_numbers and not profile.emails:
        yield "details.brand.phones or details.brand.emails"


def _of_questionnaire(agent: Agent) -> Iterator[str]:
    sections: dict[str, list[str]] = {
        "general": [name for name in _GENERAL if not getattr(agent.review, GENERAL[name])],
        "verification": [name for name in _VERIFICATION if not getattr(agent.contact, name)],
    }
    for country, names in _LOCAL.items():
        if country in agent.countries:
            local = agent.local_answers.get(country, {})
            sections[country.lower()] = [name for name in names if not local.get(name)]
    for section, lacking in sections.items():
        yield from (f"details.questionnaire.{section}.answers.{name}" for name in lacking)
