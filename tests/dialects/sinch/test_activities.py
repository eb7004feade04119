"""What happened to a sender and to an account, in Sinch's words."""

from dataclasses import replace

import pytest

from tabard.domain.account import Actor
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.lifecycle import Status
from tabard.domain.sender import Reason, Trouble
from tests.dialects.sinch.senders import IN_TEST, LAUNCHED, REQUIRED, SAMPLE
from tests.support.sinch_service import NOON, OTHER_PROJECT, PROJECT, SENDERS, STRANGERS, SinchService

GOOGLE = Actor("network:google")


async def told(service: SinchService, sender_id: object) -> list[tuple[str, str, str | None]]:
    page = await service.done("GET", f"{SENDERS}/{sender_id}/activities")
    return [(entry["type"], entry["author"], entry.get("comment")) for entry in page["notifications"]]


async def test_life_of_a_sender(service):
    senders = service.services.senders
    created = await service.done("POST", SENDERS, REQUIRED, status=201)
    one = f"{SENDERS}/{created['id']}"
    await service.done("PATCH", one, {"details": {"countries": ["GB"], "brand": {"description": "Bread"}}})
    await service.done("POST", f"{one}/comments", {"comment": "How long will it take?"}, status=201)
    sender = service.sender(created["id"])
    for status in (Status.TESTING, Status.ONLINE, Status.UPDATING, Status.ONLINE, Status.OFFLINE):
        sender = await senders.save(sender, replace(sender, status=status), GOOGLE, NOON)
    user = "Provisioning API user"
    assert await told(service, created["id"]) == [
        ("INACTIVE", "Google", None),
        ("ACTIVE", "Google", None),
        ("TEST", "Google", None),
        ("COMMENT_ADDED", user, "How long will it take?"),
        ("EDITED", user, None),
        ("EDITED", user, None),
        ("CREATED", user, None),
    ]


async def test_why_a_sender_is_offline(service):
    await service.services.senders.insert(LAUNCHED, Actor("key:example"), NOON, None)
    reasons = (Reason(Trouble.AGENT_GONE, "the network no longer has the agent"), Reason(Trouble.NOT_LAUNCHED, ""))
    offline = replace(LAUNCHED, status=Status.OFFLINE, offline_reasons=reasons)
    await service.services.senders.save(LAUNCHED, offline, GOOGLE, NOON)
    assert (await told(service, LAUNCHED.id))[0] == ("INACTIVE", "Google", "the network no longer has the agent")


@pytest.mark.parametrize(
    ("remark", "comment"),
    [("The logo is too dark", "FR Orange: REJECTED (The logo is too dark)"), (None, "FR Orange: REJECTED")],
)
async def test_carriers_speak_for_themselves(service, remark, comment):
    await service.services.senders.insert(LAUNCHED, Actor("key:example"), NOON, None)
    *others, orange = LAUNCHED.rcs.carriers
    refused = replace(orange, status=CarrierStatus.REJECTED, remark=remark)
    after = replace(LAUNCHED, agent=replace(LAUNCHED.rcs, carriers=(*others, refused)))
    await service.services.senders.save(LAUNCHED, after, GOOGLE, NOON)
    assert (await told(service, LAUNCHED.id))[0] == ("COMMENT_ADDED", "Orange", comment)


async def test_carriers_that_are_asked(service):
    await service.services.senders.insert(IN_TEST, Actor("key:example"), NOON, None)
    await service.done("POST", f"{SENDERS}/{IN_TEST.id}/launch")
    asked = [entry for entry in await told(service, IN_TEST.id) if entry[0] == "COMMENT_ADDED"]
    user = "Provisioning API user"
    assert {comment for _, author, comment in asked if author == user} == {
        "GB EE: PENDING",
        "GB O2: PENDING",
        "FR Orange: PENDING",
    }
    assert len(asked) == 3


async def test_what_nobody_did(service):
    await service.services.senders.insert(IN_TEST, Actor("clock"), NOON, None)
    assert await told(service, IN_TEST.id) == [("CREATED", "Provisioning API", None)]


async def test_comment_is_answered_and_kept(service):
    created = await service.done("POST", SENDERS, SAMPLE, status=201)
    service.clock.advance(seconds=90)
    text = "Ça va? \N{WAVING HAND SIGN}\n" + "x" * 65_000
    comment = await service.done("POST", f"{SENDERS}/{created['id']}/comments", {"comment": text}, status=201)
    assert comment == {"type": "CREATED", "comment": text, "created": "2026-11-20T12:01:30.000Z"}
    assert (await told(service, created["id"]))[0] == ("COMMENT_ADDED", "Provisioning API user", text)
    assert (await told(service, created["id"]))[1][0] == "CREATED"


async def test_account(service):
    service.clock.advance(hours=1)
    await service.done("POST", f"{PROJECT}/rcs/comments", {"comment": "Please call us."}, status=201)
    page = await service.done("GET", f"{PROJECT}/rcs/activities")
    assert page == {
        "totalSize": 2,
        "pageSize": 50,
        "notifications": [
            {
                "type": "COMMENT_ADDED",
                "created": "2026-11-20T13:00:00.000Z",
                "author": "Provisioning API user",
                "comment": "Please call us.",
            },
            {"type": "CREATED", "created": "2026-11-20T12:00:00.000Z", "author": "Provisioning API"},
        ],
    }
    theirs = await service.call("GET", f"{OTHER_PROJECT}/rcs/activities", headers=STRANGERS)
    assert [entry["type"] for entry in theirs.json()["notifications"]] == ["CREATED"]


async def test_an_account_s_channels_are_told_apart(service):
    await service.done("POST", f"{PROJECT}/rcs/comments", {"comment": "Of RCS"}, status=201)
    page = await service.done("GET", f"{PROJECT}/whatsapp/activities")
    assert [entry["type"] for entry in page["notifications"]] == ["CREATED"]
