"""Senders for tests, made by words rather than by fields."""

from dataclasses import replace
from datetime import UTC, datetime

from tabard.app.accounts import SANDBOX_ACCOUNT
from tabard.domain.agents.agent import Agent
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.domain.ids import AccountId, new_sender_id
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.profile import Contact, Profile
from tabard.domain.sender import Link, Registration, Sender, Webhook

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

AGENT_PROFILE = Profile(
    name="Example Cafe",
    description="Coffee and cake",
    logo_url="https://example.com/logo.png",
    banner_url="https://example.com/banner.png",
    privacy_url="https://example.com/privacy",
    terms_of_service_url="https://example.com/terms",
    accent_color="#0b3d91",
    emails=(Contact("care@example.com", "Email"),),
    websites=(Contact("https://example.com", "Website"),),
)
"""All that an RCS network asks of an agent."""


def a_sender(
    status: Status = Status.CREATING,
    *,
    address: str = "+15550100001",
    account_id: AccountId = SANDBOX_ACCOUNT,
    profile: Profile | None = None,
    link: Link | None = None,
) -> Sender:
    linked = Link() if status is Status.CREATING else Link(network_id="700000000000001")
    if status in {Status.ONLINE, Status.UPDATING}:
        linked = Link(network_id="700000000000001", registered=True)
    return Sender(
        id=new_sender_id(),
        account_id=account_id,
        channel=Channel.WHATSAPP,
        address=address,
        status=status,
        status_since=NOW,
        friendly_name=None,
        registration=Registration(),
        webhook=Webhook(),
        profile=profile or Profile(name="Example Parcels"),
        created_at=NOW,
        updated_at=NOW,
        link=link or linked,
        due_at=NOW,
    )


def an_agent_sender(
    status: Status = Status.TESTING,
    *,
    address: str = "example_cafe",
    account_id: AccountId = SANDBOX_ACCOUNT,
    profile: Profile = AGENT_PROFILE,
    agent: Agent | None = None,
) -> Sender:
    """An RCS sender."""
    made = Link() if status in {Status.DRAFT, Status.CREATING} else Link(network_id="example_agent")
    sender = a_sender(status, address=address, account_id=account_id, profile=profile, link=made)
    return replace(sender, channel=Channel.RCS, agent=agent or Agent())


def carrier(name: str, country: str, status: CarrierStatus = CarrierStatus.NOT_LAUNCHED, **more: object) -> Carrier:
    """One that was asked, unless nobody ever did or the words say otherwise."""
    asked = bool(more.pop("asked", status is not CarrierStatus.NOT_LAUNCHED))
    region = f"{name.lower()}-{country.lower()}"
    return replace(Carrier(region, country, name, status, asked=asked), **more)  # type: ignore[arg-type]
