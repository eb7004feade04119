"""The questions of the launch questionnaire: by section and answer, a text in our words and the answers it suggests.

Suggestions are no limits: any text is an answer. The names and suggestions are Sinch's (Provisioning API, RCS
questionnaire); links have neither question nor suggestions.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Question(NamedTuple):
    text: str
    suggested: Sequence[str] = ()


_INDUSTRIES = (
    "Automotive",
    "Beauty, spa and salon",
    "Clothing",
    "Education",
    "Entertainment",
    "Event planning and service",
    "Finance and banking",
    "Food and groceries",
    "Public service",
    "Hotel and lodging",
    "Medical and health",
    "Charity",
    "Professional services",
    "Shopping and retail",
    "Travel and transportation",
    "Restaurant",
)
_VOLUMES = ("0 - 10K messages", "10K - 100K messages", "100K - 1M messages", "1M+ messages")
_FREQUENCIES = ("Once per day", "Once per week", "Once per month", "Once per 3 months", "Once per 6 months")
_LENGTHS = (
    "1 day or less",
    "2 to 7 days",
    "8 to 21 days",
    "1 month",
    "3 months",
    "6 months",
    "Continuous / ongoing",
)
_US_INDUSTRIES = (
    "AGRICULTURE", "COMMUNICATION", "CONSTRUCTION", "EDUCATION", "ENERGY", "ENTERTAINMENT", "FINANCIAL", "GAMBLING",
    "GOVERNMENT", "HEALTHCARE", "HOSPITALITY", "HUMAN_RESOURCES", "INSURANCE", "LEGAL", "MANUFACTURING",
    "NON_GOVERNMENTAL_ORGANIZATION", "POLITICAL", "POSTAL", "PROFESSIONAL", "REAL_ESTATE", "RETAIL", "TECHNOLOGY",
    "TRANSPORTATION",
)  # fmt: skip
_PUBLIC_FORMS = ("CORPORATION",)
_PRIVATE_FORMS = ("CORPORATION", "LIMITED_LIABILITY_COMPANY", "PARTNERSHIP", "S_CORPORATION")

_LINK = Question("")
_LEGAL_NAME = Question("Under which name is the company registered?")
_ADDRESS = Question("What is the company's whole postal address?")
_INDUSTRY = Question("In which industry is the brand?", _INDUSTRIES)
_VOLUME = Question("How many messages are to be sent in a month?", _VOLUMES)

GENERAL: Mapping[str, Question] = {
    "optInDescription": Question("How do people agree to receive messages from this sender?"),
    "triggerDescription": Question("What causes a message to be sent?"),
    "interactionsDescription": Question("What will people and the sender write to each other about?"),
    "optOutDescription": Question("What are people told when they no longer want messages?"),
    "videoUris": _LINK,
    "screenshotUris": _LINK,
}

VERIFICATION: Mapping[str, Question] = {
    "name": Question("What is the name of the person at the brand who answers for the sender?"),
    "email": Question("What is the e-mail address of this person, at the brand's own domain?"),
    "title": Question("What is this person's position at the brand?"),
    "website": Question("What is the address of the brand's website?"),
}

GB: Mapping[str, Question] = {
    "brandIndustry": _INDUSTRY,
    "companyLegalName": _LEGAL_NAME,
    "companyRegistrationNumber": Question("What is the company's registration number?"),
    "fullCompanyAddress": _ADDRESS,
    "messagesVolume": _VOLUME,
    "messagesFrequency": Question("How often is one person to receive a message?", _FREQUENCIES),
    "campaignLength": Question("For how long are messages to be sent?", _LENGTHS),
}

FR: Mapping[str, Question] = {
    "fullCompanyAddress": _ADDRESS,
    "siren": Question("What is the company's SIREN, the nine digits of the French business register?"),
}

US_V1: Mapping[str, Question] = {
    "companyLegalName": _LEGAL_NAME,
    "ein": Question("What is the company's Employer Identification Number (12-3456789)?"),
    "brandIndustry": _INDUSTRY,
    "fullCompanyAddress": _ADDRESS,
    "smsCampaign": Question("Which SMS campaign of the brand is this sender to go beside, or to take the place of?"),
    "messagesVolume": _VOLUME,
}

US_V2: Mapping[str, Question] = {
    "companyLegalName": _LEGAL_NAME,
    "companyPhoneNumber": Question("What is the company's telephone number?"),
    "companyEmailAddress": Question("What is the company's e-mail address?"),
    "brandName": Question("Which brand name do people know the company by?"),
    "brandIndustry": Question("In which industry is the brand?", _US_INDUSTRIES),
    "addressLine": Question("What are the street and number of the company's address?"),
    "addressCity": Question("In which city is the company?"),
    "addressState": Question("In which state is the company?"),
    "addressCountry": Question("In which country is the company (ISO 3166-1 alpha-2)?"),
    "addressPostalCode": Question("What is the postal code of the company's address?"),
    "websiteUrl": Question("What is the address of the company's website?"),
    "contactFirstName": Question("What is the first name of the person to contact?"),
    "contactSurname": Question("What is the surname of the person to contact?"),
    "ownershipType": Question("Is the company owned publicly or privately?", ("PUBLIC", "PRIVATE")),
    "legalForm": Question("What is the company's legal form?", _PRIVATE_FORMS),
    "taxIdCountry": Question("Which country has given the company its tax number (ISO 3166-1 alpha-2)?"),
    "taxId": Question("What is the company's tax number?"),
    "stockExchange": Question("At which stock exchange is the company listed?"),
    "stockSymbol": Question("Under which symbol is the company listed?"),
    "sampleMessages": Question("What are one to five messages as people will read them?"),
    "messagesVolume": Question("How many messages are to be sent in a month?"),
    "embeddedLink": Question("Do messages contain links?"),
    "embeddedPhone": Question("Do messages contain telephone numbers?"),
    "ageGatedContent": Question("Is the content for people above a certain age only?"),
    "directLending": Question("Are messages about loans that the company gives?"),
    "optInConfirmationMessage": Question("What are people told when they have agreed to messages?"),
    "helpMessage": Question("What are people told who ask for help?"),
    "callToActionMessage": Question("Where and in which words are people asked to agree to messages?"),
}

_ONLY_PUBLIC = {"stockExchange", "stockSymbol"}
_ONLY_US = {"addressState"}


def us_v2(variant: str | None) -> Mapping[str, Question]:
    """The questions for US_PUBLIC, US_PRIVATE, NON_US_PUBLIC or NON_US_PRIVATE; all of them for none."""
    if variant is None:
        return US_V2
    public = variant.endswith("_PUBLIC")
    without = (set() if public else _ONLY_PUBLIC) | (_ONLY_US if variant.startswith("NON_US") else set())
    asked = {name: question for name, question in US_V2.items() if name not in without}
    forms = _PUBLIC_FORMS if public else _PRIVATE_FORMS
    return {**asked, "legalForm": US_V2["legalForm"]._replace(suggested=forms)}
