"""What each operation does to a sender, in Twilio's words, through the real surface."""

from typing import Any

import pytest

from tabard.dialects.twilio import wire
from tabard.dialects.twilio.routes import OPERATIONS
from tabard.domain.agents.agent import Agent
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.domain.lifecycle import Status
from tabard.domain.sender import UNLIMITED, Link, NameChange, NameReview, Quality, Reason, Trouble
from tests.support.twilio_service import BASE, NOON, NUMBER, SENDERS, assert_canonical_error, assert_common_headers

PHONE = "+15550100150"
FULL: dict[str, Any] = {
    "senderId": NUMBER,
    "friendlyName": "Bakery, front desk",
    "configuration": {
        "wabaId": "155501001",
        "verificationMethod": "voice",
        "voiceApplicationSid": "AP" + "0" * 32,
        "accountType": "ISV",
    },
    "webhook": {
        "callbackUrl": "https://example.com/in",
        "callbackMethod": "PUT",
        "fallbackUrl": "https://example.com/again",
        "statusCallbackUrl": "https://example.com/status",
    },
    "profile": {
        "name": "Example Bakery",
        "about": "Bread since this morning",
        "address": "1 Example Street",
        "description": "An example of a bakery",
        "emails": "bread@example.com",
        "logoUrl": "https://example.com/logo.png",
        "vertical": "Restaurant",
        "websites": ["https://example.com"],
        "bannerUrl": "https://example.com/banner.png",
        "privacyUrl": "https://example.com/privacy",
        "termsOfServiceUrl": "https://example.com/terms",
        "accentColor": "#003366",
        "phoneNumbers": ["+15550100102"],
        "useCase": "MULTI_USE",
    },
}


async def test_full_sender_comes_back_whole(service):
    created = (await service.call("POST", body=FULL)).json()
    fetched = (await service.call("GET", f"{SENDERS}/{created['sid']}")).json()
    assert fetched == created
    for section in ("configuration", "webhook", "profile"):
        empty = [leaf for leaf, value in created[section].items() if value is None]
        assert empty == (["verification_code"] if section == "configuration" else []), section
    assert created["profile"]["emails"] == [{"email": "bread@example.com", "label": "Email"}]
    assert created["webhook"]["callback_method"] == "PUT"
    assert created["webhook"]["fallback_method"] == "POST"


async def test_spelling_of_keys_makes_no_difference(service):
    camel = (await service.call("POST", body=FULL)).json()
    service.world.senders.clear()

    def snake(value):
        return {wire._snake(key): snake(leaf) for key, leaf in value.items()} if isinstance(value, dict) else value

    answer = (await service.call("POST", body=snake(FULL))).json()
    assert answer | {"sid": None, "url": None} == camel | {"sid": None, "url": None}


async def test_create_is_a_due_sender_and_a_wake_up(service):
    created = await service.create()
    assert created["status"] == "CREATING"
    assert created["properties"] is None
    assert created["url"] == f"{BASE}{SENDERS}/{created['sid']}"
    sender = next(iter(service.world.senders.values()))
    assert sender.due_at == NOON
    assert service.woken == 1


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=utf-8", "image/png", None])
async def test_content_type_does_not_matter(service, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    raw = b'\xef\xbb\xbf{"sender_id": "whatsapp:+15550100101", "profile": {"name": "E"}, "webhook": {}}'
    response = await service.call("POST", raw=raw, headers=headers)
    assert response.status_code == 202
    assert_common_headers(response)


async def test_url_is_on_the_address_that_the_client_used(service):
    sid = (await service.create())["sid"]
    url = f"http://127.0.0.1:8600{SENDERS}/{sid}"
    assert (await service.call("GET", url)).json()["url"] == url


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_update_keeps_what_it_does_not_name(service, method):
    created = (await service.call("POST", body=FULL)).json()
    service.put(created["sid"], status=Status.ONLINE, link=Link("1", registered=True))
    body = {"profile": {"description": "Now with cakes", "about": ""}, "webhook": {"fallback_url": ""}}
    response = await service.call(method, f"{SENDERS}/{created['sid']}", body)
    assert response.status_code == 202
    updated = response.json()
    assert updated["status"] == "ONLINE:UPDATING"
    assert "display_name_status" not in updated
    expected = {**created, "status": "ONLINE:UPDATING"}
    expected["profile"] = {**created["profile"], "description": "Now with cakes", "about": None}
    expected["webhook"] = {**created["webhook"], "fallback_url": None}
    assert updated == expected


async def test_code_and_new_code(service):
    sid = (await service.create())["sid"]
    refused = Reason(Trouble.CODE_REJECTED, "")
    service.put(sid, status=Status.PENDING_VERIFICATION, link=Link("1"), offline_reasons=(refused,))
    waiting = (await service.call("GET", f"{SENDERS}/{sid}")).json()
    assert waiting["status"] == "PENDING_VERIFICATION"
    assert [reason["code"] for reason in waiting["offline_reasons"]] == ["63113"]
    asked = await service.call("POST", f"{SENDERS}/{sid}", {"configuration": {"verification_method": "voice"}})
    assert asked.json()["status"] == "PENDING_VERIFICATION"
    assert asked.json()["configuration"]["verification_method"] == "voice"
    given = await service.call("POST", f"{SENDERS}/{sid}", {"configuration": {"verification_code": "123 456"}})
    assert given.json()["status"] == "VERIFYING"
    assert given.json()["offline_reasons"] is None
    assert given.json()["configuration"]["verification_code"] is None
    assert "123" not in given.text.replace(sid, "")


@pytest.mark.parametrize(
    ("link", "name", "outcome"),
    [
        (Link(), "Example Cafe", "updating"),
        (Link("1"), "Example Cafe", "updating"),
        (Link("1"), "Example Bakery", "no_change"),
    ],
)
async def test_outcome_of_a_display_name(service, link, name, outcome):
    sid = (await service.create())["sid"]
    service.put(sid, link=link)
    updated = (await service.call("POST", f"{SENDERS}/{sid}", {"profile": {"name": name}})).json()
    assert list(updated)[-1] == "display_name_status"
    assert updated["display_name_status"] == outcome
    assert "display_name_status" not in (await service.call("GET", f"{SENDERS}/{sid}")).json()


async def test_name_that_fails_beside_other_fields(service):
    sid = (await service.create())["sid"]
    service.put(sid, link=Link("1"), name_change=NameChange("Example Cafe", NameReview.PENDING, NOON))
    body = {"profile": {"name": "Example Bistro", "about": "Soup"}}
    updated = (await service.call("POST", f"{SENDERS}/{sid}", body)).json()
    assert updated["display_name_status"] == "error"
    assert updated["profile"]["about"] == "Soup"
    again = (await service.call("POST", f"{SENDERS}/{sid}", {"profile": {"name": "Example Cafe"}})).json()
    assert again["display_name_status"] == "pending_review"
    assert again["pending_display_name"] == "Example Cafe"
    assert again["pending_display_name_status"] == "PENDING_REVIEW"
    assert again["pending_display_name_status_date"] == "2026-11-20T12:00:00Z"


async def test_properties(service):
    sid = (await service.create())["sid"]
    service.put(sid, quality=Quality.HIGH, messaging_limit=UNLIMITED)
    both = (await service.call("GET", f"{SENDERS}/{sid}")).json()
    assert both["properties"] == {"quality_rating": "HIGH", "messaging_limit": "Unlimited"}
    service.put(sid, quality=None, messaging_limit=250)
    one = (await service.call("GET", f"{SENDERS}/{sid}")).json()
    assert one["properties"] == {"quality_rating": "UNKNOWN", "messaging_limit": "250 Customers/24hr"}


async def test_delete_is_final_for_the_owner(service):
    sid = (await service.create())["sid"]
    deleted = await service.call("DELETE", f"{SENDERS}/{sid}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert_common_headers(deleted)
    for method, body in (("GET", None), ("POST", {}), ("PATCH", {}), ("DELETE", None)):
        assert_canonical_error(await service.call(method, f"{SENDERS}/{sid}", body), 404, 20404)
    assert (await service.call("GET", f"{SENDERS}?Channel=whatsapp")).json()["senders"] == []
    assert (await service.create())["sid"] != sid


async def test_repeated_create_gets_the_first_answer(service):
    headers = {"Idempotency-Key": "order 17"}
    first = await service.call("POST", body=FULL, headers=headers)
    service.put(first.json()["sid"], status=Status.ONLINE)
    spelt = {**FULL, "webhook": {"callback_url": FULL["webhook"]["callbackUrl"], **FULL["webhook"]}, "extra": [1]}
    del spelt["webhook"]["callbackUrl"]
    for body in (FULL, spelt):
        again = await service.call("POST", body=body, headers=headers)
        assert (again.status_code, again.content) == (202, first.content)
    assert len(service.world.senders) == 1
    service.clock.advance(hours=25)
    assert_canonical_error(await service.call("POST", body=FULL, headers=headers), 409, 63100)


async def test_answers_are_what_the_api_document_says(service):
    created = (await service.call("POST", body=FULL)).json()
    path = f"{SENDERS}/{created['sid']}"
    service.put(
        created["sid"],
        link=Link("1"),
        name_change=NameChange("Example Cafe", NameReview.COMPLETED, NOON),
        quality=Quality.LOW,
        offline_reasons=tuple(Reason(trouble, "because") for trouble in Trouble),
    )
    answers = {
        "CreateChannelsSender": created,
        "FetchChannelsSender": (await service.call("GET", path)).json(),
        "ListChannelsSender": (await service.call("GET", f"{SENDERS}?Channel=whatsapp")).json(),
        "UpdateChannelsSender": (await service.call("POST", path, {"profile": {"name": "Example Cafe"}})).json(),
        "PatchChannelsSender": (await service.call("PATCH", path, {})).json(),
    }
    rcs = await service.create(sender_id="rcs:example_cafe", compliance={"countries": [{"country": "SE"}]})
    devices = f"{SENDERS}/{rcs['sid']}/TestDevices"
    carrier = Carrier("r1", "SE", "Telia", CarrierStatus.PENDING)
    service.put(rcs["sid"], agent=Agent(countries=("SE",), carriers=(carrier,)))
    answers |= {
        "CreateChannelsSenderTestDevice": (await service.call("POST", devices, {"phone_number": PHONE})).json(),
        "ListChannelsSenderTestDevices": (await service.call("GET", devices)).json(),
    }
    shown = (await service.call("GET", f"{SENDERS}/{rcs['sid']}")).json()
    assert wire.SenderAnswer.model_validate(shown).model_dump(exclude_unset=True) == shown
    models = {operation.name: operation.answer for operation in OPERATIONS if operation.answer}
    assert answers.keys() == models.keys()
    for name, answer in answers.items():
        assert models[name].model_validate(answer).model_dump(exclude_unset=True) == answer
