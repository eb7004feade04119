"""WhatsApp senders of the tests, and what the network answers of them."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.profile import Contact, Profile, Vertical
from tabard.domain.sender import Link, Quality, Registration, Sender, Webhook
from tabard.ports.networks import NumberState, NumberStatus
from tests.support.sinch_service import NOON, OWNER, PROJECT

SENDERS = f"{PROJECT}/whatsapp/senders"
SENDER = SenderId(UUID("01930000-0000-7000-8000-000000000001"))
NUMBER_ID, ACCOUNT_ID = "700000000000001", "500000000000001"
ADDRESS = "+15550100101"

ACTIVE = Sender(
    id=SENDER,
    account_id=OWNER,
    channel=Channel.WHATSAPP,
    address=ADDRESS,
    status=Status.ONLINE,
    status_since=NOON,
    friendly_name="Bakery",
    registration=Registration(business_account=ACCOUNT_ID, verification_method=None),
    webhook=Webhook(),
    profile=Profile(
        name="Example Bakery",
        about="Bread since this morning",
        description="Bread and cake",
        vertical=Vertical.RESTAURANT,
        emails=(Contact("bread@example.com", "Email"),),
        websites=(Contact("https://example.com", "Website"), Contact("https://example.org", "Shop")),
        logo_url="https://example.com/logo.png",
    ),
    created_at=NOON,
    updated_at=NOON,
    quality=Quality.HIGH,
    messaging_limit=1000,
    link=Link(NUMBER_ID, registered=True),
)

PROVISIONING: dict[str, Any] = {
    "details": {"countryCode": "1", "phoneNumber": "5550100101", "displayName": "Example Bakery"}
}
SIGNUP = {"wabaId": ACCOUNT_ID, "phoneNumberId": NUMBER_ID}
PARTNER: dict[str, Any] = {
    "phoneNumberProvider": "CUSTOMER",
    "details": {
        "displayName": "Example Bakery",
        "vertical": "RESTAURANT",
        "countryCode": "1",
        "phoneNumber": "5550100101",
        "description": "Bread and cake",
        "email": "bread@example.com",
        "address": "1 Sample Way",
        "websiteOne": "https://example.com",
        "websiteTwo": "https://example.org",
        "about": "Bread since this morning",
        "photoUrl": "https://example.com/logo.png",
    },
}


def new(status=Status.CREATING, **leaves):
    """A sender that was never registered."""
    unknown = Link(NUMBER_ID) if status is not Status.DRAFT else Link()
    return replace(ACTIVE, status=status, **{"quality": None, "messaging_limit": None, "link": unknown, **leaves})


def number(**leaves):
    plain = NumberState(
        id=NUMBER_ID,
        address=ADDRESS,
        verified=False,
        status=NumberStatus.PENDING,
        display_name="Example Bakery",
        name_review=None,
        pending_name=None,
        pending_name_review=None,
        quality=Quality.UNKNOWN,
        messaging_limit=None,
        blocked_by=None,
    )
    return replace(plain, **leaves)
