"""New senders: three forms of one body, told apart by what is in it."""

from dataclasses import replace

import pytest

from tabard.domain.account import AccountKind, Actor
from tabard.domain.errors import FileFault, FileUnusable
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.profile import Contact, Profile, Vertical
from tabard.domain.sender import Registration, Trouble
from tabard.ports.networks import Decision, NetworkFault
from tabard.ports.world import OutboundRefused
from tests.dialects.sinch.whatsapp.samples import (
    ACCOUNT_ID,
    ACTIVE,
    ADDRESS,
    PARTNER,
    PROVISIONING,
    SENDERS,
    SIGNUP,
    number,
)
from tests.support.sinch_service import NOON, assert_canonical_error


async def created(service, body):
    return await service.done("POST", SENDERS, body, status=201)


async def refused(service, body):
    """The validation errors."""
    return assert_canonical_error(await service.call("POST", SENDERS, body), 400, "invalid_input")


def partner(**details):
    return {**PARTNER, "details": {**PARTNER["details"], **details}}


# the forms


async def test_phone_provisioning(service):
    answer = await created(service, PROVISIONING)
    assert ("state" in answer, "details" in answer) == (False, False)
    assert answer["changes"] == {"status": "IN_PROGRESS", "details": {"displayName": "Example Bakery"}}
    sender = service.sender(answer["id"])
    assert (sender.channel, sender.address, sender.status) == (Channel.WHATSAPP, ADDRESS, Status.CREATING)
    assert (sender.registration, sender.due_at) == (Registration(verification_method=None), NOON)
    assert service.backstage.woken == 1
    assert await service.done("GET", f"{SENDERS}/{answer['id']}") == answer


async def test_partner_initiated(service):
    answer = await created(service, PARTNER)
    assert answer["changes"]["status"] == "IN_PROGRESS"
    sent = {name: value for name, value in PARTNER["details"].items() if name not in {"countryCode", "phoneNumber"}}
    assert answer["changes"]["details"] == sent
    assert service.sender(answer["id"]).profile == Profile(
        name="Example Bakery",
        about="Bread since this morning",
        address="1 Sample Way",
        description="Bread and cake",
        logo_url="https://example.com/logo.png",
        vertical=Vertical.RESTAURANT,
        emails=(Contact("bread@example.com", "Email"),),
        websites=(Contact("https://example.com", "Website"), Contact("https://example.org", "Website")),
    )


async def test_a_draft_is_kept_aside(service):
    answer = await created(service, {**PARTNER, "status": "DRAFT", "saveDraftOnFailure": True})
    assert answer["changes"]["status"] == "DRAFT"
    sender = service.sender(answer["id"])
    assert (sender.status, sender.due_at) == (Status.DRAFT, None)


async def test_embedded_signup_asks_the_network_what_number_it_is(service):
    found = number(verified=True, display_name="Example Cafe")
    service.backstage.whatsapp.answers = {"number": found, "find_number": found}
    answer = await created(service, {**SIGNUP, "authenticationCode": "AQ-single-use"})
    sender = service.sender(answer["id"])
    assert (sender.address, sender.profile) == (ADDRESS, Profile(name="Example Cafe"))
    assert sender.registration == Registration(business_account=ACCOUNT_ID, verification_method=None)


@pytest.mark.parametrize("body", [PROVISIONING, PARTNER])
async def test_nulls_are_as_good_as_nothing(service, body):
    nothing = dict.fromkeys(("wabaId", "phoneNumberId", "region", "metaLocalStorage", "authenticationCode"))
    details = {**body["details"], "username": None} if "username" in body["details"] else body["details"]
    assert (await created(service, {**nothing, **body, "details": details}))["changes"]["status"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("country_code", "national", "address"),
    [
        ("1", "5550100101", "+15550100101"),
        ("+1", "(555) 010-0101", "+15550100101"),
        ("44", "020 7946 0123", "+442079460123"),
        ("39", "06 1234 5678", "+390612345678"),
    ],
)
async def test_a_national_number_becomes_an_international_one(service, country_code, national, address):
    details = {**PROVISIONING["details"], "countryCode": country_code, "phoneNumber": national}
    answer = await created(service, {"details": details})
    assert service.sender(answer["id"]).address == address


# what is refused


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "send wabaId and phoneNumberId, or details"),
        ({"region": "EU"}, "send wabaId and phoneNumberId, or details"),
        ({"wabaId": "5"}, "phoneNumberId should not be empty in an embedded signup"),
        ({"phoneNumberId": "7"}, "wabaId should not be empty in an embedded signup"),
        ({**SIGNUP, **PROVISIONING}, "details should not exist in an embedded signup"),
        ({**SIGNUP, **PARTNER}, "wabaId should not exist in a partner-initiated sender"),
        ({**PROVISIONING, "businessManager": "SINCH_UK"}, "businessManager should not exist in a phone provisioning"),
        ({**PROVISIONING, "status": "SUBMIT"}, "phoneNumberProvider should not be empty"),
        ({"phoneNumberProvider": "CUSTOMER"}, "details should not be empty in a partner-initiated sender"),
        ({"details": {}}, "details.countryCode should not be empty"),
        ({"details": {**PROVISIONING["details"], "about": "x"}}, "details.about should not exist in a phone"),
        (
            {**PARTNER, "phoneNumberProvider": "SINCH", "details": {"displayName": "A"}},
            "details.phoneNumber should not",
        ),
        ({"facebookAccessToken": "EAA", **PARTNER}, "facebookAccessToken is of a form that Sinch has given up"),
        ({"facebookCode": "AQ", "name": "A"}, "send wabaId and phoneNumberId"),
        ({**PROVISIONING, "unknown": 1}, "unknown should not exist"),
        ({"details": {**PROVISIONING["details"], "unknown": 1}}, "details.unknown should not exist"),
        ({"details": "x"}, "details must be an object"),
        ({"details": {**PROVISIONING["details"], "displayName": 5}}, "details.displayName must be a string"),
        ({"details": {**PROVISIONING["details"], "displayName": " "}}, "details.displayName is required"),
        ({"details": {**PROVISIONING["details"], "displayName": "x" * 129}}, "details.displayName must be shorter"),
        ({"details": {**PROVISIONING["details"], "displayName": "a\0"}}, "details.displayName must not contain a NUL"),
        ({"details": {**PROVISIONING["details"], "countryCode": "US"}}, "details.countryCode must be a country's"),
        ({"details": {**PROVISIONING["details"], "countryCode": 1}}, "details.countryCode must be a string"),
        ({"details": {**PROVISIONING["details"], "countryCode": "999"}}, "details."),
        ({"details": {**PROVISIONING["details"], "phoneNumber": "+15550100101"}}, "details.phoneNumber must be"),
        ({"details": {**PROVISIONING["details"], "phoneNumber": "1"}}, "details.phoneNumber must be"),
        ({"details": {**PROVISIONING["details"], "phoneNumber": "5" * 33}}, "details.phoneNumber must be shorter"),
        ({**SIGNUP, "wabaId": "../me"}, "wabaId must be an id that Meta gives"),
        ({**SIGNUP, "phoneNumberId": 7}, "phoneNumberId must be a string"),
        ({**SIGNUP, "authenticationCode": ""}, "authenticationCode must be longer"),
        ({**SIGNUP, "region": "AP"}, "region must be one of the following values: BR, EU, US"),
        ({**SIGNUP, "metaLocalStorage": "FR"}, "metaLocalStorage must be one of the following values: AE"),
        ({**SIGNUP, "businessManager": "SINCH_SEP"}, "businessManager must be one of the following"),
        ({**PARTNER, "status": "SENT"}, "status must be one of the following values: DRAFT, SUBMIT"),
        ({**PARTNER, "saveDraftOnFailure": "yes"}, "saveDraftOnFailure must be a boolean"),
        (partner(vertical="MATRIMONY"), "details.vertical must be one of the following"),
        (partner(email="nobody"), "details.email must be an email"),
        (partner(email="a" * 120 + "@example.com"), "details.email must be shorter"),
        (partner(about="x" * 140), "details.about must be shorter"),
        (partner(about=""), "details.about must be longer"),
        (partner(description="x" * 513), "details.description must be shorter"),
        (partner(address="x" * 257), "details.address must be shorter"),
        (partner(websiteOne="example.com"), "details.websiteOne must be an http"),
        (partner(websiteTwo=f"https://example.com/{'x' * 240}"), "details.websiteTwo must be shorter"),
        (partner(photoUrl="ftp://example.com/a.png"), "details.photoUrl must be an http"),
        (partner(username="bakery"), "details.username should not exist"),
    ],
)
async def test_wrong_bodies_are_refused_by_name(service, body, says):
    problems = await refused(service, body)
    assert any(says in problem for problem in problems), problems
    assert not service.world.senders


async def test_every_problem_is_told(service):
    problems = await refused(service, {"details": {"displayName": "", "phoneNumber": "x"}, "region": "AP"})
    assert [problem.split(" ")[0] for problem in problems] == ["details.displayName", "details.phoneNumber", "region"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"\xff"])
async def test_bodies_that_are_no_object(service, raw):
    assert_canonical_error(await service.call("POST", SENDERS, raw=raw), 400, "invalid_payload")


@pytest.mark.parametrize(
    ("region", "manager", "fits"),
    [
        ("BR", "SINCH_BR", True),
        ("BR", "SINCH_MX", True),
        ("BR", "SINCH_UK", False),
        ("EU", "SINCH_UK", True),
        ("EU", "SINCH_BR", False),
        ("EU", "SINCH_MX", False),
        ("US", "SINCH_BR", True),
        ("US", "SINCH_MX", True),
        ("US", "SINCH_UK", True),
        (None, "SINCH_BR", True),
    ],
)
async def test_a_business_manager_serves_its_regions(service, region, manager, fits):
    response = await service.call("POST", SENDERS, {**PARTNER, "region": region, "businessManager": manager})
    if fits:
        assert response.status_code == 201
        return
    assert_canonical_error(response, 400, "invalid_business_manager", says=manager)
    supported = response.json()["additionalInformation"]["supportedValues"]
    assert manager not in supported.split(", ")


@pytest.mark.parametrize("body", [SIGNUP, PROVISIONING, PARTNER])
async def test_a_project_must_be_connected_first(service, body):
    service.backstage.ways.clear()
    assert_canonical_error(await service.call("POST", SENDERS, body), 400, "project_not_initialized")


@pytest.mark.parametrize(
    ("answers", "status", "code"),
    [
        ({"number": None}, 409, "invalid_waba_id_or_phone_number_id_for_region"),
        ({"number": number(), "find_number": None}, 409, "wrong_waba_id"),
        (
            {"number": NetworkFault(Decision.GIVE_UP, Trouble.ACCESS_DENIED, "no permission")},
            409,
            "wrong_business_manager",
        ),
        (
            {"number": number(), "find_number": NetworkFault(Decision.GIVE_UP, Trouble.ACCOUNT_INVALID, "none")},
            409,
            "wrong_waba_id",
        ),
        ({"number": NetworkFault(Decision.RETRY, Trouble.NETWORK_UNAVAILABLE, "it is down")}, 500, "internal_error"),
    ],
)
async def test_ids_that_lead_nowhere(service, answers, status, code):
    service.backstage.whatsapp.answers = answers
    assert_canonical_error(await service.call("POST", SENDERS, SIGNUP), status, code)
    assert not service.world.senders


async def test_a_number_that_is_taken(service):
    await service.services.senders.insert(ACTIVE, Actor("test"), NOON, None)
    service.backstage.whatsapp.answers = {"number": number(), "find_number": number()}
    for body in (SIGNUP, PROVISIONING, PARTNER):
        assert_canonical_error(await service.call("POST", SENDERS, body), 409, "used_phone_number_id")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (FileFault.NOT_FOUND, 409, "file_not_found"),
        (FileFault.TOO_LARGE, 409, "file_size_too_large"),
        (FileFault.WRONG_TYPE, 400, "file_invalid_mime_type"),
        (FileFault.WRONG_DIMENSIONS, 409, "file_has_wrong_dimensions"),
        (FileFault.UNREADABLE, 409, "file_unexpected_error"),
    ],
)
async def test_a_photo_that_can_not_be_used(service, fault, status, code):
    url = PARTNER["details"]["photoUrl"]
    service.backstage.pictures.faults[url] = FileUnusable("profile.logo_url", fault, "is not as it must be")
    response = await service.call("POST", SENDERS, PARTNER)
    assert_canonical_error(response, status, code, says="details.photoUrl: is not as it must be")


async def test_a_photo_that_can_not_be_had_stops_a_live_account_only(service):
    service.backstage.pictures.faults[PARTNER["details"]["photoUrl"]] = OutboundRefused("there is nothing")
    account = next(iter(service.world.accounts.values()))
    service.world.accounts[account.id] = replace(account, kind=AccountKind.LIVE)
    assert_canonical_error(await service.call("POST", SENDERS, PARTNER), 409, "file_not_found", says="nothing")
    service.world.accounts[account.id] = account
    service.seconds += 10
    assert (await created(service, PARTNER))["changes"]["details"]["photoUrl"] == PARTNER["details"]["photoUrl"]
