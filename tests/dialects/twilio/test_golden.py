"""Documented requests with the answers to them, byte for byte.

Each file in `golden/` holds the stored sender that a request meets (`given`, one of `STATES`), the request, and the
answer. After a wanted change, `UPDATE_GOLDEN=1 pytest tests/dialects/twilio/test_golden.py` writes the answers anew:
then the difference is what to review.
"""

import os
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from tabard.domain.account import Actor
from tabard.domain.agents.agent import Agent
from tabard.domain.agents.agent import Tester as Phone
from tabard.domain.agents.agent import TesterStatus as PhoneStatus
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.profile import Contact, Profile, UseCase, Vertical
from tabard.domain.sender import (
    Link,
    NameChange,
    NameReview,
    Quality,
    Reason,
    Registration,
    Sender,
    Trouble,
    Webhook,
)
from tests.support.twilio_service import NOON, OWNER

GOLDEN = Path(__file__).parent / "golden"
SENDER = SenderId(UUID("01930000-0000-7000-8000-000000000001"))
NEW_SID = "XE<new>"

ONLINE = Sender(
    id=SENDER,
    account_id=OWNER,
    channel=Channel.WHATSAPP,
    address="+15550100101",
    status=Status.ONLINE,
    status_since=NOON,
    friendly_name="Bakery",
    registration=Registration(business_account="155501001"),
    webhook=Webhook("https://example.com/in", "POST"),
    profile=Profile(
        name="Example Bakery",
        about="Bread since this morning",
        vertical=Vertical.RESTAURANT,
        emails=(Contact("bread@example.com", "Email"),),
        websites=(Contact("https://example.com", "Website"), Contact("https://example.org", "Shop")),
    ),
    created_at=NOON,
    updated_at=NOON,
    quality=Quality.HIGH,
    messaging_limit=1000,
    link=Link("1", registered=True),
)

TESTED = replace(
    ONLINE,
    channel=Channel.RCS,
    address="example_cafe",
    status=Status.TESTING,
    friendly_name=None,
    registration=Registration(business_account="brand", verification_method=None),
    profile=Profile(
        name="Example Cafe",
        description="Coffee and cake",
        logo_url="https://example.com/logo.png",
        banner_url="https://example.com/banner.png",
        privacy_url="https://example.com/privacy",
        terms_of_service_url="https://example.com/terms",
        accent_color="#0b3d91",
        emails=(Contact("care@example.com", "Email"),),
        phone_numbers=(Contact("+15550100123", "Phone"),),
        use_case=UseCase.TRANSACTIONAL,
    ),
    quality=None,
    messaging_limit=None,
    link=Link("example_agent"),
    agent=Agent(
        testers=(
            Phone("+15550100141", PhoneStatus.ACCEPTED, NOON),
            Phone("+15550100142", PhoneStatus.INVITED, NOON),
            Phone("+15550100143", PhoneStatus.DECLINED, NOON),
            Phone("+15550100144", PhoneStatus.UNREACHABLE, NOON),
            Phone("+15550100145", PhoneStatus.LEAVING, NOON),
        )
    ),
)
"""An RCS sender."""


def launched_by(*statuses: CarrierStatus) -> Agent:
    """With carriers in the United States and one in Sweden, each as told; a country nobody serves beside them."""
    names = (("US", "Google Fi"), ("US", "Verizon"), ("US", "AT&T"), ("SE", "Telia"))
    carriers = tuple(
        Carrier(f"r{n}", country, name, status, "no opt-in" if status is CarrierStatus.REJECTED else None, NOON, True)
        for n, ((country, name), status) in enumerate(zip(names, statuses, strict=True))
    )
    wanted = ("US", "SE", "JP")
    return Agent(countries=wanted, asked_countries=wanted, carriers=carriers, compliance={"": "BUall", "SE": "BUse"})


_, PENDING, BY_CARRIER, REFUSED, SUSPENDED, TAKEN_DOWN = CarrierStatus

STATES = {
    "nothing": None,
    "rcs draft": replace(TESTED, status=Status.DRAFT, profile=Profile(name="Example Cafe"), link=Link(), agent=Agent()),
    "rcs draft refused": replace(
        TESTED,
        status=Status.DRAFT,
        link=Link(),
        agent=Agent(),
        offline_reasons=(Reason(Trouble.NETWORK_REFUSED, "the description may not contain HTML"),),
    ),
    "rcs creating": replace(TESTED, status=Status.CREATING, link=Link(), agent=Agent()),
    "rcs tested": TESTED,
    "rcs prepared": replace(TESTED, status=Status.PREPARING, agent=launched_by(*[CarrierStatus.NOT_LAUNCHED] * 4)),
    "rcs launching": replace(TESTED, status=Status.LAUNCHING, agent=launched_by(PENDING, REFUSED, PENDING, PENDING)),
    "rcs online": replace(TESTED, status=Status.ONLINE, agent=launched_by(BY_CARRIER, REFUSED, SUSPENDED, TAKEN_DOWN)),
    "rcs updating": replace(TESTED, status=Status.UPDATING, agent=launched_by(*[BY_CARRIER] * 4)),
    "rcs offline": replace(
        TESTED,
        status=Status.OFFLINE,
        agent=launched_by(*[SUSPENDED] * 4),
        offline_reasons=(Reason(Trouble.NOT_LAUNCHED, "no carrier has the agent launched"),),
    ),
    "online": ONLINE,
    "waiting for a code": replace(
        ONLINE, status=Status.PENDING_VERIFICATION, quality=None, messaging_limit=None, link=Link("1")
    ),
    "offline": replace(
        ONLINE,
        status=Status.OFFLINE,
        offline_reasons=(Reason(Trouble.ACCOUNT_BANNED, ""), Reason(Trouble.NUMBER_GONE, "asked for 1")),
    ),
    "new name declined": replace(
        ONLINE, name_change=NameChange("Example Cafe", NameReview.DECLINED, NOON, "too much like another")
    ),
}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
async def test_golden(service, path):
    case = orjson.loads(path.read_bytes())
    state = STATES[case["given"]]
    if state is not None:
        await service.services.senders.insert(state, Actor("test"), NOON, None)
    request = case["request"]
    response = await service.call(
        request["method"], request["path"], request.get("body"), headers=request.get("headers")
    )
    text = response.content
    for sender in service.world.senders.values():
        if sender.id != SENDER:
            text = text.replace(f"XE{sender.id.hex}".encode(), NEW_SID.encode())
    answer = {"status": response.status_code, "body": orjson.loads(text) if text else None}
    if os.environ.get("UPDATE_GOLDEN"):
        case["answer"] = answer
        path.write_bytes(orjson.dumps(case, option=orjson.OPT_INDENT_2) + b"\n")
    expected = case["answer"]["body"]
    assert response.status_code == case["answer"]["status"]
    assert text == (orjson.dumps(expected) if expected is not None else b"")


def test_every_state_is_met():
    met = {orjson.loads(path.read_bytes())["given"] for path in GOLDEN.glob("*.json")}
    assert met == set(STATES)
