"""What each operation does to an RCS sender, in Sinch's words, through the real surface."""

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tabard.dialects.sinch.rcs.mapping import STATES
from tabard.dialects.sinch.rcs.routes import OPERATIONS
from tabard.domain.account import Actor
from tabard.domain.event import Event
from tabard.domain.lifecycle import Channel, Status
from tests.dialects.sinch.senders import DRAFT, IN_TEST, LAUNCHED, REQUIRED, SAMPLE, SENDER, WAY
from tests.support.sinch_service import NOON, OWNER, PROJECT, SENDERS, SinchService, assert_canonical_error

ONE = f"{SENDERS}/{SENDER}"


async def kept(service: SinchService, sender: Any) -> None:
    await service.services.senders.insert(sender, Actor("key:example"), NOON, None)


def asked(details: dict[str, Any]) -> dict[str, Any]:
    """The details of an answer as a caller would send them: without the questions."""
    plain = copy.deepcopy(details)
    for section in plain["questionnaire"].values():
        assert section.pop("questions")
    return plain


async def patched(service: SinchService, **details: Any) -> dict[str, Any]:
    return asked((await service.done("PATCH", ONE, {"details": details}))["details"])


# create


async def test_sample_comes_back_whole(service):
    created = await service.done("POST", SENDERS, SAMPLE, status=201)
    assert {name: created[name] for name in ("region", "billingCategory", "useCase")} == REQUIRED
    assert asked(created["details"]) == SAMPLE["details"]
    assert created["state"] == "IN_PROGRESS"
    assert created["hostingRegion"] == "EUROPE"
    assert await service.done("GET", f"{SENDERS}/{created['id']}") == created


async def test_what_was_fetched_can_be_sent_back(service):
    created = await service.done("POST", SENDERS, SAMPLE, status=201)
    again = await service.done("PATCH", f"{SENDERS}/{created['id']}", {"details": created["details"]})
    assert again["details"] == created["details"]


async def test_separators_do_not_reach_the_reader(service):
    created = await service.done("POST", SENDERS, SAMPLE, status=201)
    review = service.sender(created["id"]).rcs.review
    assert review.told("interactions") == "Billing or payment reminders Order updates Upon package delivery"
    assert review.told("opt_in") == "By subscribing to a newsletter"


async def test_thin_sender_is_a_draft(service):
    created = await service.done("POST", SENDERS, REQUIRED, status=201)
    assert created["state"] == "DRAFT"
    assert asked(created["details"]) == {
        "brand": {"name": "RCS Sender", "color": "#000000"},
        "questionnaire": {"general": {"answers": {}}, "verification": {"answers": {}}},
    }
    assert created["testNumberStates"] == created["countryStatus"] == []
    assert not {"launched", "supplierDetails", "brand", "conversationApiApp"} & created.keys()


@pytest.mark.parametrize(("region", "hosting"), [("EU", "EUROPE"), ("US", "NORTH_AMERICA"), ("BR", "NORTH_AMERICA")])
@pytest.mark.parametrize("billing", ["NON_CONVERSATIONAL", "BASIC_MESSAGE", "SINGLE_MESSAGE", "CONVERSATIONAL_LEGACY"])
@pytest.mark.parametrize("use_case", ["MULTIUSE", "PROMOTIONAL"])
async def test_what_is_fixed_at_birth(service, region, hosting, billing, use_case):
    body = {"region": region, "billingCategory": billing, "useCase": use_case}
    created = await service.done("POST", SENDERS, body, status=201)
    assert {name: created[name] for name in body} == body
    assert created["hostingRegion"] == hosting


async def test_name_and_token_to_speak_with(service):
    brand = {"brand": {"name": "Crème & Brûlée — the 2nd, with more"}}
    created = await service.done("POST", SENDERS, {**REQUIRED, "details": brand}, status=201)
    other = await service.done("POST", SENDERS, {**REQUIRED, "details": brand}, status=201)
    stem, _, end = created["authName"].rpartition("-")
    assert stem == "creme-brulee-the-2nd-with-more"
    assert len(end) == 8
    assert created["authName"] != other["authName"]
    assert created["authToken"] != other["authToken"]
    assert len(created["authToken"]) == 43
    assert (await service.done("GET", f"{SENDERS}/{created['id']}"))["authToken"] == created["authToken"]


@pytest.mark.parametrize("name", ["", "東京", "---"])
async def test_name_without_letters_of_ours(service, name):
    created = await service.done("POST", SENDERS, {**REQUIRED, "details": {"brand": {"name": name}}}, status=201)
    assert created["authName"].startswith("sender-")
    assert created["details"]["brand"]["name"] == name


async def test_times_are_the_account_s(service):
    await service.accounts.shift_clock(OWNER, timedelta(days=3))
    created = await service.done("POST", SENDERS, REQUIRED, status=201)
    assert created["created"] == created["modified"] == "2026-11-23T12:00:00.000Z"


async def test_create_wakes_the_workers(service):
    await service.done("POST", SENDERS, SAMPLE, status=201)
    assert service.backstage.woken == 1


# update

MERGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a text": ({"brand": {"description": "Cakes"}}, {"brand": {"description": "Cakes"}}),
    "an empty text": ({"brand": {"description": ""}}, {"brand": {"description": ""}}),
    "a list is replaced": (
        {"brand": {"emails": [{"label": "", "address": "a@example.com"}]}},
        {"brand": {"emails": [{"label": "", "address": "a@example.com"}]}},
    ),
    "emails deleted": ({"brand": {"emails": None}}, {"brand": {"emails": None}}),
    "phones deleted": ({"brand": {"phones": None}}, {"brand": {"phones": None}}),
    "websites deleted": ({"brand": {"websites": None}}, {"brand": {"websites": None}}),
    "countries": ({"countries": ["SE"]}, {"countries": ["SE"]}),
    "countries deleted": ({"countries": None}, {"countries": None}),
    "test numbers": ({"testNumbers": ["+15550100111"]}, {"testNumbers": ["+15550100111"]}),
    "test numbers deleted": ({"testNumbers": None}, {"testNumbers": None}),
    "no test numbers": ({"testNumbers": []}, {"testNumbers": None}),
}

ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("general", {"optInDescription": "By post"}),
    "text deleted": ("general", {"optInDescription": None}),
    "list": ("general", {"videoUris": ["https://example.com/other"]}),
    "list deleted": ("general", {"videoUris": None, "screenshotUris": None}),
    "separator": ("general", {"triggerDescriptionMetadata": {"ignore": "|"}}),
    "separator replaced": ("general", {"interactionsDescriptionMetadata": {"ignore": "--"}}),
    "contact": ("verification", {"name": "Kim Example", "phone": "+15550100123"}),
    "contact deleted": ("verification", {"title": None, "website": None}),
    "partner": ("verification", {"partner": {"companyName": "Example Agency", "contactName": "Kim"}}),
    "gb": ("gb", {"messagesVolume": "Very many", "campaignLength": "1 month"}),
    "gb deleted": ("gb", {"companyLegalName": None}),
    "fr separator deleted": ("fr", {"fullCompanyAddressMetadata": None}),
    "us": ("us", {"ein": "12-3456789", "messagesVolume": "0 - 10K messages"}),
    "us, later": ("us", {"ownershipType": "PUBLIC", "messagesVolume": 12.5, "directLending": False}),
}


def merged(whole: Any, change: dict[str, Any]) -> dict[str, Any]:
    result = {**(whole or {})}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value) if isinstance(value, dict) else value
    return result


@pytest.mark.parametrize("name", MERGES)
async def test_update_keeps_what_it_does_not_name(service, name):
    await kept(service, IN_TEST)
    before = asked((await service.done("GET", ONE))["details"])
    change, effect = MERGES[name]
    expected = merged(before, effect)
    assert await patched(service, **change) == expected


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers_are_merged_one_by_one(service, name):
    await kept(service, IN_TEST)
    before = asked((await service.done("GET", ONE))["details"])
    section, answers = ANSWERS[name]
    change = {"questionnaire": {section: {"answers": answers}}}
    assert await patched(service, **change) == merged(before, change)


async def test_a_separator_and_a_partner_are_taken_apart(service):
    await kept(service, IN_TEST)
    for field in ("interactionsDescriptionMetadata", "optOutDescriptionMetadata"):
        general = {"general": {"answers": {field: {"ignore": "|"}}}}
        await patched(service, questionnaire=general)
    after = await patched(
        service, questionnaire={"general": {"answers": {"interactionsDescriptionMetadata": {"ignore": None}}}}
    )
    answers = after["questionnaire"]["general"]["answers"]
    assert "interactionsDescriptionMetadata" not in answers
    assert answers["optOutDescriptionMetadata"] == {"ignore": "|"}

    await patched(service, questionnaire={"verification": {"answers": {"partner": {"companyName": "Example Agency"}}}})
    after = await patched(
        service, questionnaire={"verification": {"answers": {"partner": {"contactEmailAddress": "a@example.com"}}}}
    )
    partner = {"companyName": "Example Agency", "contactEmailAddress": "a@example.com"}
    assert after["questionnaire"]["verification"]["answers"]["partner"] == partner
    after = await patched(service, questionnaire={"verification": {"answers": {"partner": None}}})
    assert "partner" not in after["questionnaire"]["verification"]["answers"]


async def test_section_of_a_country_shows_while_there_is_a_reason(service):
    await kept(service, DRAFT)
    assert (await patched(service, countries=["US"]))["questionnaire"]["us"] == {"answers": {}}
    assert "us" not in (await patched(service, countries=["SE"]))["questionnaire"]
    after = await patched(service, questionnaire={"us": {"answers": {"ein": "12-3456789"}}})
    assert after["questionnaire"]["us"] == {"answers": {"ein": "12-3456789"}}


async def test_draft_is_made_once_it_is_complete(service):
    await kept(service, DRAFT)
    brand = SAMPLE["details"]["brand"]
    updated = await service.done("PATCH", ONE, {"details": {"brand": brand}})
    assert updated["state"] == "IN_PROGRESS"


NO_FIELDS: list[dict[str, Any]] = [
    {},
    {"brand": {}},
    {"questionnaire": {}},
    {"questionnaire": {"general": {"answers": {}}}},
    {"questionnaire": {"general": {"answers": {}, "questions": {"optInDescription": {}}}}, "brand": {}},
    {"questionnaire": {"fr": {"answers": {"fullCompanyAddressMetadata": {}}}}},
]


@pytest.mark.parametrize("details", NO_FIELDS, ids=str)
async def test_update_that_names_nothing(service, details):
    await kept(service, IN_TEST)
    assert_canonical_error(await service.call("PATCH", ONE, {"details": details}), 400, "no_fields_to_update")


@pytest.mark.parametrize("status", [Status.LAUNCHING, Status.ONLINE, Status.UPDATING])
async def test_launched_sender_changes_countries_and_answers_only(service, status):
    await kept(service, replace(LAUNCHED, status=status))
    response = await service.call("PATCH", ONE, {"details": {"brand": {"description": "x"}, "countries": ["GB"]}})
    errors = assert_canonical_error(response, 400, "fields_not_updatable", says="details.brand.description")
    assert len(errors) == 1
    response = await service.call("PATCH", ONE, {"details": {"testNumbers": ["+15550100111"]}})
    assert_canonical_error(response, 400, "fields_not_updatable", says="details.testNumbers")
    after = await patched(
        service, countries=["GB"], questionnaire={"general": {"answers": {"optInDescription": "By post"}}}
    )
    assert after["countries"] == ["GB"]
    assert after["questionnaire"]["general"]["answers"]["optInDescription"] == "By post"


async def test_name_is_frozen_once_a_launch_was_requested(service):
    await kept(service, replace(LAUNCHED, status=Status.OFFLINE))
    response = await service.call(
        "PATCH", ONE, {"details": {"brand": {"name": "Other", "logoUrl": "https://example.com/x"}}}
    )
    errors = assert_canonical_error(response, 400, "fields_not_updatable")
    assert {error.partition(" ")[0] for error in errors} == {"details.brand.name", "details.brand.logoUrl"}
    await patched(service, brand={"description": "Still ours"})


# states


@pytest.mark.parametrize("status", STATES)
async def test_state_and_its_filter(service, status):
    await kept(service, replace(IN_TEST, status=status))
    shown = (await service.done("GET", ONE))["state"]
    assert shown == STATES[status]
    for word in {*STATES.values(), "UNKNOWN"}:
        found = await service.done("GET", f"{SENDERS}?filterStates={word}")
        assert [sender["id"] for sender in found["senders"]] == ([str(SENDER)] if word == shown else [])


async def test_sender_of_another_channel_is_not_there(service):
    await kept(service, replace(IN_TEST, channel=Channel.WHATSAPP, address="+15550100101", agent=None))
    for method, path, body in (
        ("GET", ONE, None),
        ("PATCH", ONE, {"details": {"countries": ["GB"]}}),
        ("POST", f"{ONE}/launch", None),
        ("POST", f"{ONE}/comments", {"comment": "x"}),
        ("GET", f"{ONE}/activities", None),
        ("POST", f"{ONE}/testNumbers", {"testNumbers": ["+15550100111"]}),
        ("GET", f"{ONE}/testNumbers/+15550100111", None),
        ("GET", f"{ONE}/testNumbers/+15550100111/retry", None),
        ("GET", f"{ONE}/testNumbers/+15550100111/capabilities", None),
        ("DELETE", f"{ONE}/testNumbers/+15550100111", None),
    ):
        assert_canonical_error(await service.call(method, path, body), 404, "sender_not_found")


async def test_launched_sender_whole(service):
    await kept(service, LAUNCHED)
    shown = await service.done("GET", ONE)
    assert shown["state"] == "LAUNCHED"
    assert shown["launched"] == "2026-11-20T12:00:00.000Z"
    assert shown["supplierDetails"] == {"google": {"agentId": "example-agent", "brandId": shown["brand"]["id"]}}
    assert shown["brand"]["status"] == "COMPLETED"
    assert [country["status"] for country in shown["countryStatus"]] == ["LAUNCHED", "PENDING"]
    assert shown["countryStatus"][0]["operators"][1]["remark"] == "The logo is too dark"


# what the API document says


async def test_answers_are_what_the_api_document_says(service):
    await kept(service, LAUNCHED)
    service.backstage.ways[Channel.RCS] = WAY
    service.backstage.rcs.answers["capabilities"] = ["REVOCATION"]
    service.world.events.append(
        replace(service.world.events[0], event=Event("sender.commented", {}, {"comment": "Hello"}))
    )
    number = f"{ONE}/testNumbers/+15550100111"
    sender, account = "rcssenderscontroller", "rcsaccountscontroller"
    calls: dict[str, tuple[str, str, Any]] = {
        f"{sender}_listsenders_v1": ("GET", SENDERS, None),
        f"{sender}_createsender_v1": ("POST", SENDERS, SAMPLE),
        f"{sender}_getsender_v1": ("GET", ONE, None),
        f"{sender}_updatesender_v1": ("PATCH", ONE, {"details": {"countries": ["GB", "FR", "US"]}}),
        f"{sender}_launchsender_v1": ("POST", f"{ONE}/launch", None),
        f"{sender}_listactivities_v1": ("GET", f"{ONE}/activities", None),
        f"{sender}_createsendercomment_v1": ("POST", f"{ONE}/comments", {"comment": "Hello"}),
        f"{sender}_addtestnumbers_v1": ("POST", f"{ONE}/testNumbers", {"testNumbers": ["+15550100117"]}),
        f"{sender}_gettestnumberstate_v1": ("GET", number, None),
        f"{sender}_gettestnumbercapabilities_v1": ("GET", f"{number}/capabilities", None),
        f"{sender}_retrytestnumber_v1": ("GET", f"{number}/retry", None),
        "rcsquestionnairecontroller_getquestions_v1": ("GET", f"{PROJECT}/rcs/questionnaire/OTP", None),
        f"{account}_listactivities_v1": ("GET", f"{PROJECT}/rcs/activities", None),
        f"{account}_createcomment_v1": ("POST", f"{PROJECT}/rcs/comments", {"comment": "Hello"}),
    }
    documented = {operation.name: (operation.answer, operation.status) for operation in OPERATIONS if operation.answer}
    assert calls.keys() == documented.keys()
    for name, (method, path, body) in calls.items():
        model, status = documented[name]
        answer = await service.done(method, path, body, status=status)
        assert model.model_validate(answer).model_dump(by_alias=True, exclude_unset=True) == answer, name
