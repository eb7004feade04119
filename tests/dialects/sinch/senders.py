"""Senders as a database would hold them, and what a caller sends to make them so."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from tabard.domain.account import AccountKind, Connection
from tabard.domain.agents.agent import Agent, Billing, BusinessContact, DataRegion, Review, Tester, TesterStatus
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.profile import Contact, Profile, UseCase
from tabard.domain.sender import Link, Registration, Sender, Webhook
from tabard.ports.networks import Way
from tests.support.sinch_service import NOON, OWNER

SENDER = SenderId(UUID("01930000-0000-7000-8000-000000000001"))
BRAND_ID = "a1d40fbd-1d2f-4f3e-9d0c-2b8e4c1f6a55"

SAMPLE: dict[str, Any] = {
    "region": "EU",
    "billingCategory": "CONVERSATIONAL",
    "useCase": "OTP",
    "details": {
        "brand": {
            "emails": [
                {"label": "label", "address": "test@test.com"},
                {"label": "label-1", "address": "test-1@test.com"},
                {"label": "label-2", "address": "test-2@test.com"},
            ],
            "phones": [
                {"label": "label", "number": "+48777777777"},
                {"label": "label-1", "number": "48888888888"},
                {"label": "label-2", "number": "+48999999999"},
            ],
            "websites": [
                {"label": "label", "url": "https://example.com"},
                {"label": "label-1", "url": "https://example-1.com"},
                {"label": "label-2", "url": "https://example-2.com"},
            ],
            "color": "#000000",
            "description": "Test description",
            "bannerUrl": "https://example-banner-url.com",
            "logoUrl": "https://example-logo-url.com",
            "privacyPolicyUrl": "https://example-private-policy-url.com",
            "termsOfServiceUrl": "https://example-terms-of-service-url.com",
            "name": "Test name",
        },
        "testNumbers": ["+48777777777"],
        "countries": ["GB", "FR"],
        "questionnaire": {
            "general": {
                "answers": {
                    "optInDescription": "By subscribing to a newsletter",
                    "triggerDescription": "User actions (e.g. after making a purchase)",
                    "interactionsDescription": "Billing or payment reminders,aef Order updates,aef "
                    "Upon package delivery",
                    "interactionsDescriptionMetadata": {"ignore": ",aef"},
                    "optOutDescription": "We have registered your opt out request",
                    "videoUris": ["https://example-video-url.com"],
                    "screenshotUris": ["https://example-screenshot-url.com"],
                }
            },
            "verification": {
                "answers": {
                    "name": "Exam Ple",
                    "email": "email@example.com",
                    "title": "Head Example",
                    "website": "https://example.com",
                }
            },
            "gb": {
                "answers": {
                    "brandIndustry": "Automotive",
                    "companyLegalName": "Example company legal name",
                    "companyRegistrationNumber": "123-123456789",
                    "fullCompanyAddress": "Skeppsbron 1 Malmö, 123 12, Sweden",
                    "messagesVolume": "10K - 100K messages",
                    "messagesFrequency": "Once per month",
                }
            },
            "fr": {
                "answers": {
                    "fullCompanyAddress": "Skeppsbron 1-split-211 20-split-Malmö",
                    "fullCompanyAddressMetadata": {"ignore": "-split-"},
                    "siren": "123456789",
                }
            },
        },
    },
}
"""The vendor's own sample of a request, as it stands in the reference of 1.2.36."""

WAY = Way(AccountKind.SANDBOX, Connection("example", "", "", "", ""))

REQUIRED = {"region": "EU", "billingCategory": "CONVERSATIONAL", "useCase": "OTP"}

DRAFT = Sender(
    id=SENDER,
    account_id=OWNER,
    channel=Channel.RCS,
    address="rcs-sender-k7mq2x4a",
    status=Status.DRAFT,
    status_since=NOON,
    friendly_name=None,
    registration=Registration(),
    webhook=Webhook(),
    profile=Profile(name="RCS Sender", accent_color="#000000", use_case=UseCase.TRANSACTIONAL),
    created_at=NOON,
    updated_at=NOON,
    agent=Agent(data_region=DataRegion.US, billing=Billing.NON_CONVERSATIONAL),
)

IN_TEST = replace(
    DRAFT,
    address="example-bakery-k7mq2x4a",
    status=Status.TESTING,
    registration=Registration(business_account=BRAND_ID),
    profile=Profile(
        name="Example Bakery",
        description="Bread since this morning",
        logo_url="https://example.com/logo.png",
        banner_url="https://example.com/banner.png",
        privacy_url="https://example.com/privacy",
        terms_of_service_url="https://example.com/terms",
        accent_color="#003366",
        emails=(Contact("bread@example.com", "Orders"),),
        phone_numbers=(Contact("+15550100101", "Shop"),),
        websites=(Contact("https://example.com", "Home"),),
        use_case=UseCase.TRANSACTIONAL,
    ),
    agent=Agent(
        data_region=DataRegion.EU,
        billing=Billing.CONVERSATIONAL,
        countries=("GB", "FR"),
        carriers=(
            Carrier("ee_uk", "GB", "EE"),
            Carrier("o2_uk", "GB", "O2"),
            Carrier("orange_fr", "FR", "Orange"),
        ),
        testers=(
            Tester("+15550100111", TesterStatus.ACCEPTED, NOON),
            Tester("+15550100112", TesterStatus.INVITED, NOON),
            Tester("+15550100113", TesterStatus.DECLINED, NOON),
            Tester("+15550100114", TesterStatus.UNREACHABLE, NOON),
            Tester("+15550100115", TesterStatus.WAITING, NOON),
            Tester("+15550100116", TesterStatus.LEAVING, NOON),
        ),
        review=Review(
            opt_in="A box is ticked at the checkout",
            trigger="An order",
            interactions="Orders; deliveries",
            opt_out="You will hear no more from us",
            separators={"interactions": ";"},
            videos=("https://example.com/video",),
            screenshots=("https://example.com/screenshot",),
        ),
        contact=BusinessContact("Robin Example", "robin@example.com", "Baker", "https://example.com"),
        local_answers={
            "GB": {
                "brandIndustry": "Restaurant",
                "companyLegalName": "Example Bakery Ltd",
                "companyRegistrationNumber": "01234567",
                "fullCompanyAddress": "1 Example Street, London",
                "messagesVolume": "0 - 10K messages",
                "messagesFrequency": "Once per week",
            },
            "FR": {
                "fullCompanyAddress": "1 rue Exemple|75001 Paris",
                "fullCompanyAddressMetadata": {"ignore": "|"},
                "siren": "123456789",
            },
        },
    ),
    link=Link("example-agent"),
)


def _with(sender: Sender, **agent: Any) -> Sender:
    return replace(sender, agent=replace(sender.rcs, **agent))


LAUNCHED = replace(
    _with(
        IN_TEST,
        asked_countries=("GB", "FR"),
        carriers=(
            Carrier("ee_uk", "GB", "EE", CarrierStatus.LAUNCHED, None, NOON, asked=True),
            Carrier("o2_uk", "GB", "O2", CarrierStatus.REJECTED, "The logo is too dark", NOON, asked=True),
            Carrier("orange_fr", "FR", "Orange", CarrierStatus.PENDING, None, NOON, asked=True),
        ),
        verified=True,
        launched_at=NOON,
    ),
    status=Status.ONLINE,
)

STATES: dict[str, Sender | None] = {
    "nothing": None,
    "draft": DRAFT,
    "in test": IN_TEST,
    "in test without a video": _with(IN_TEST, review=replace(IN_TEST.rcs.review, videos=())),
    "in test with little": _with(
        replace(IN_TEST, profile=replace(IN_TEST.profile, phone_numbers=(), emails=())),
        review=Review(),
        contact=BusinessContact(),
        local_answers={},
    ),
    "launched": LAUNCHED,
}
"""What a request may meet."""
