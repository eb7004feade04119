"""Drafts and submissions, dropped changes, and the goodbye of thirty days."""

from dataclasses import replace

import pytest

from tabard.domain.account import Actor
from tabard.domain.errors import FileFault, FileUnusable
from tabard.domain.lifecycle import Status
from tabard.domain.profile import Contact, Vertical
from tabard.domain.sender import NameChange, NameReview, Reason, Trouble
from tests.dialects.sinch.whatsapp.samples import ACTIVE, PARTNER, SENDER, SENDERS, new
from tests.support.sinch_service import NOON, OTHER_PROJECT, PROJECT, STRANGERS, assert_canonical_error

IT = f"{SENDERS}/{SENDER}"
REJECTED = new(Status.OFFLINE, offline_reasons=(Reason(Trouble.NUMBER_CAP, "full"),))
FAILED = new(Status.OFFLINE, offline_reasons=(Reason(Trouble.ACCESS_DENIED, "no permission"),))
BANNED = replace(ACTIVE, status=Status.OFFLINE, offline_reasons=(Reason(Trouble.NUMBER_BANNED, "banned"),))
DRAFTED = replace(ACTIVE, draft=replace(ACTIVE.profile, about="Bread since last night"))


async def stored(service, sender):
    await service.services.senders.insert(replace(sender, draft=None), Actor("test"), NOON, None)
    service.put(str(SENDER), draft=sender.draft)


async def updated(service, details, status="SUBMIT"):
    return await service.done("PATCH", IT, {"status": status, "details": details})


# updates


async def test_a_draft_is_the_default_and_changes_nothing_yet(service):
    await stored(service, ACTIVE)
    answer = await service.done("PATCH", IT, {"details": {"about": "Bread since last night"}})
    assert (answer["state"], answer["details"]["about"]) == ("ACTIVE", "Bread since this morning")
    assert answer["changes"]["status"] == "DRAFT"
    assert answer["changes"]["details"] == {**answer["details"], "about": "Bread since last night"}
    assert service.sender(str(SENDER)).due_at is None


async def test_submitting_takes_the_draft_along(service):
    await stored(service, DRAFTED)
    answer = await updated(service, {"address": "1 Sample Way"})
    assert (answer["state"], answer["changes"]["status"]) == ("ACTIVE", "IN_PROGRESS")
    assert (answer["details"]["about"], answer["details"]["address"]) == ("Bread since last night", "1 Sample Way")
    sender = service.sender(str(SENDER))
    assert (sender.status, sender.draft, sender.due_at) == (Status.UPDATING, None, NOON)


@pytest.mark.parametrize("sender", [DRAFTED, new(Status.DRAFT), REJECTED])
async def test_what_waits_can_be_submitted_as_it_is(service, sender):
    await stored(service, sender)
    answer = await service.done("PATCH", IT, {"status": "SUBMIT"})
    assert answer["changes"]["status"] == "IN_PROGRESS"


async def test_a_rejected_sender_can_be_mended(service):
    await stored(service, REJECTED)
    drafted = await updated(service, {"displayName": "Example Cafe"}, "DRAFT")
    assert ("state" in drafted, drafted["changes"]["status"]) == (False, "DRAFT")
    answer = await updated(service, {"vertical": "RESTAURANT"})
    assert ("state" in answer, answer["changes"]["status"]) == (False, "IN_PROGRESS")
    assert answer["changes"]["details"]["displayName"] == "Example Cafe"
    assert service.sender(str(SENDER)).status is Status.CREATING


async def test_a_new_name_is_reviewed_beside_the_active_one(service):
    await stored(service, ACTIVE)
    answer = await updated(service, {"displayName": "Example Cafe"})
    assert answer["details"]["displayName"] == "Example Bakery"
    assert answer["metadata"] == {"displayName": {"value": "Example Cafe", "status": "PENDING"}}


async def test_null_deletes(service):
    await stored(service, ACTIVE)
    cleared = ("description", "email", "address", "websiteOne", "websiteTwo", "about", "photoUrl")
    answer = await updated(service, dict.fromkeys(cleared))
    assert answer["details"] == {"displayName": "Example Bakery", "vertical": "RESTAURANT"}


@pytest.mark.parametrize(
    ("details", "websites"),
    [
        ({"websiteOne": "https://example.net"}, ("https://example.net Website", "https://example.org Shop")),
        ({"websiteTwo": "https://example.net"}, ("https://example.com Website", "https://example.net Website")),
        ({"websiteOne": None}, ("https://example.org Shop",)),
        ({"websiteTwo": None}, ("https://example.com Website",)),
        ({"websiteTwo": "https://example.org"}, ("https://example.com Website", "https://example.org Shop")),
        ({"websiteOne": None, "websiteTwo": None}, ()),
        ({"websiteOne": None, "websiteTwo": "https://example.net"}, ("https://example.net Website",)),
    ],
)
async def test_one_website_is_changed_without_the_other(service, details, websites):
    await stored(service, ACTIVE)
    await updated(service, details)
    kept = service.sender(str(SENDER)).profile.websites
    assert tuple(f"{contact.value} {contact.label}" for contact in kept) == websites


async def test_the_first_website_of_none(service):
    await stored(service, replace(ACTIVE, profile=replace(ACTIVE.profile, websites=())))
    answer = await updated(service, {"websiteTwo": "https://example.org", "email": "cake@example.com"})
    assert answer["details"]["websiteOne"] == "https://example.org"
    assert service.sender(str(SENDER)).profile.emails == (Contact("cake@example.com", "Email"),)


async def test_a_vertical_of_another_dialect_stays_until_it_is_changed(service):
    await stored(service, replace(ACTIVE, profile=replace(ACTIVE.profile, vertical=Vertical.MATRIMONY)))
    assert (await updated(service, {"about": "Bread"}))["details"]["vertical"] == "OTHER"
    assert service.sender(str(SENDER)).profile.vertical is Vertical.MATRIMONY


@pytest.mark.parametrize(
    ("sender", "code"),
    [
        (new(), "sender_changes_not_updatable"),
        (new(Status.PENDING_VERIFICATION), "sender_not_updatable"),
        (new(Status.VERIFYING), "sender_not_updatable"),
        (replace(ACTIVE, status=Status.UPDATING), "sender_changes_not_updatable"),
        (FAILED, "sender_changes_not_updatable"),
        (BANNED, "sender_not_updatable"),
        (replace(ACTIVE, status=Status.RETIRING), "sender_not_updatable"),
    ],
)
@pytest.mark.parametrize("status", ["DRAFT", "SUBMIT"])
async def test_not_now(service, sender, code, status):
    await stored(service, sender)
    body = {"status": status, "details": {"about": "Bread"}}
    assert_canonical_error(await service.call("PATCH", IT, body), 409, code)


@pytest.mark.parametrize("body", [{}, {"status": "SUBMIT"}, {"details": {}}, {"status": "DRAFT", "details": None}])
async def test_nothing_to_update(service, body):
    await stored(service, ACTIVE)
    assert_canonical_error(await service.call("PATCH", IT, body), 400, "no_fields_to_update")


@pytest.mark.parametrize("change", [("Example Post", NameReview.PENDING), ("Example Cafe", NameReview.DECLINED)])
async def test_a_name_that_can_not_be_had_refuses_the_whole_update(service, change):
    name, review = change
    await stored(service, replace(ACTIVE, name_change=NameChange(name, review, NOON, "too much like another")))
    service.put(str(SENDER), name_change=NameChange(name, review, NOON, "too much like another"))
    body = {"status": "SUBMIT", "details": {"displayName": "Example Cafe", "about": "Cake"}}
    assert_canonical_error(await service.call("PATCH", IT, body), 409, "sender_display_name_update_not_allowed")
    assert service.sender(str(SENDER)).profile.about == "Bread since this morning"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"details": {"displayName": None}}, "details.displayName must be a string"),
        ({"details": {"displayName": " "}, "status": "SUBMIT"}, "details.displayName is required"),
        ({"details": {"vertical": None}}, "details.vertical must be one of"),
        ({"details": {"about": ""}}, "details.about must be longer"),
        ({"details": {"countryCode": "1"}}, "details.countryCode should not exist"),
        ({"details": {"username": "bakery"}}, "details.username should not exist"),
        ({"details": []}, "details must be an object"),
        ({"status": "SEND"}, "status must be one of the following values: DRAFT, SUBMIT"),
        ({"status": None}, "status must be one of the following values: DRAFT, SUBMIT"),
        ({"region": "EU"}, "region should not exist"),
    ],
)
async def test_wrong_updates_are_refused_by_name(service, body, says):
    await stored(service, ACTIVE)
    problems = assert_canonical_error(await service.call("PATCH", IT, body), 400, "invalid_input")
    assert any(says in problem for problem in problems), problems


async def test_a_new_photo_is_looked_at(service):
    await stored(service, ACTIVE)
    url = "https://example.com/huge.png"
    service.backstage.pictures.faults[url] = FileUnusable("profile.logo_url", FileFault.TOO_LARGE, "is too large")
    response = await service.call("PATCH", IT, {"details": {"photoUrl": url}})
    assert_canonical_error(response, 409, "file_size_too_large", says="details.photoUrl")


# changes


async def test_a_draft_is_dropped(service):
    await stored(service, DRAFTED)
    assert await service.done("DELETE", f"{IT}/changes", status=204) is None
    answer = await service.done("GET", IT)
    assert ("changes" in answer, answer["details"]["about"]) == (False, "Bread since this morning")


@pytest.mark.parametrize("sender", [new(Status.DRAFT), REJECTED, FAILED])
async def test_a_sender_that_was_never_active_is_gone_with_its_changes(service, sender):
    await stored(service, sender)
    await service.done("DELETE", f"{IT}/changes", status=204)
    assert_canonical_error(await service.call("GET", IT), 404, "sender_not_found")
    assert (await service.done("GET", SENDERS))["senders"] == []


@pytest.mark.parametrize("sender", [ACTIVE, BANNED, replace(ACTIVE, status=Status.RETIRING)])
async def test_no_changes_to_drop(service, sender):
    await stored(service, sender)
    assert_canonical_error(await service.call("DELETE", f"{IT}/changes"), 404, "sender_changes_not_found")


@pytest.mark.parametrize("sender", [new(), new(Status.VERIFYING), replace(ACTIVE, status=Status.UPDATING)])
async def test_changes_on_their_way_are_not_dropped(service, sender):
    await stored(service, sender)
    assert_canonical_error(await service.call("DELETE", f"{IT}/changes"), 409, "sender_changes_not_deletable")


# deleting


@pytest.mark.parametrize("sender", [ACTIVE, DRAFTED, BANNED, REJECTED, new(Status.PENDING_VERIFICATION)])
async def test_a_deleted_sender_is_inactive_for_a_while(service, sender):
    await stored(service, sender)
    await service.done("DELETE", IT, status=204)
    answer = await service.done("GET", IT)
    assert (answer["state"], "changes" in answer) == ("INACTIVE", False)
    assert_canonical_error(await service.call("DELETE", IT), 409, "sender_already_deleted")


async def test_a_draft_is_gone_at_once(service):
    answer = await service.done("POST", SENDERS, {**PARTNER, "status": "DRAFT"}, status=201)
    await service.done("DELETE", f"{SENDERS}/{answer['id']}", status=204)
    assert_canonical_error(await service.call("GET", f"{SENDERS}/{answer['id']}"), 404, "sender_not_found")
    assert service.sender(answer["id"]).due_at is None


# whose it is

PATHS = (
    ("GET", "", None),
    ("PATCH", "", {"details": {"about": "Not theirs"}}),
    ("DELETE", "", None),
    ("DELETE", "/changes", None),
    ("GET", "/activities", None),
    ("POST", "/comments", {"comment": "Not theirs"}),
    ("POST", "/register", {"method": "SMS"}),
    ("POST", "/verify", {"code": "123456"}),
)


@pytest.mark.parametrize(("method", "end", "body"), PATHS)
async def test_a_stranger_finds_nothing(service, method, end, body):
    await stored(service, DRAFTED)
    theirs = IT.replace(PROJECT, OTHER_PROJECT) + end
    assert_canonical_error(await service.call(method, theirs, body, headers=STRANGERS), 404, "sender_not_found")
    assert_canonical_error(await service.call(method, IT + end, body, headers=STRANGERS), 401, "unauthorized_error")


@pytest.mark.parametrize(("method", "end", "body"), PATHS)
async def test_an_id_is_a_uuid(service, method, end, body):
    response = await service.call(method, f"{SENDERS}/{SENDER.hex}{end}", body)
    assert_canonical_error(response, 400, "invalid_id_format")


@pytest.mark.parametrize(("method", "end", "body"), PATHS)
async def test_an_rcs_sender_is_none(service, method, end, body):
    rcs = {"region": "EU", "billingCategory": "CONVERSATIONAL", "useCase": "OTP"}
    made = await service.done("POST", f"{PROJECT}/rcs/senders", rcs, status=201)
    assert_canonical_error(await service.call(method, f"{SENDERS}/{made['id']}{end}", body), 404, "sender_not_found")
