"""A launch: from which states, with what, and what it becomes."""

from dataclasses import replace
from typing import Any

import pytest

from tabard.domain.account import Actor
from tabard.domain.agents.agent import Agent, BusinessContact, Review
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.domain.lifecycle import Status
from tabard.domain.profile import Profile
from tabard.domain.sender import Sender
from tests.dialects.sinch.senders import IN_TEST, LAUNCHED, SENDER
from tests.support.sinch_service import NOON, SENDERS, SinchService, assert_canonical_error

LAUNCH = f"{SENDERS}/{SENDER}/launch"

GENERAL = ("optInDescription", "triggerDescription", "interactionsDescription", "optOutDescription", "screenshotUris")
BRAND = ("name", "logoUrl", "bannerUrl", "privacyPolicyUrl", "termsOfServiceUrl")
VERIFICATION = ("name", "email", "title", "website")
GB = (
    "brandIndustry",
    "companyLegalName",
    "companyRegistrationNumber",
    "fullCompanyAddress",
    "messagesVolume",
    "messagesFrequency",
)
FR = ("fullCompanyAddress", "siren")


async def kept(service: SinchService, sender: Sender, **agent: Any) -> None:
    sender = replace(sender, agent=replace(sender.rcs, **agent))
    await service.services.senders.insert(sender, Actor("key:example"), NOON, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Status.TESTING, "LAUNCHING"),
        (Status.LAUNCHING, "LAUNCHING"),
        (Status.ONLINE, "LAUNCHED"),
        (Status.UPDATING, "LAUNCHED"),
        (Status.OFFLINE, "LAUNCHING"),
    ],
)
@pytest.mark.parametrize("raw", [None, b"", b"{}", b'{"anything": 1}'])
async def test_launch(service, before, after, raw):
    await kept(service, replace(IN_TEST, status=before))
    response = await service.call("POST", LAUNCH, raw=raw)
    assert (response.status_code, response.json()["state"]) == (200, after)
    countries = response.json()["countryStatus"]
    assert [(country["country"], country["status"]) for country in countries] == [("GB", "PENDING"), ("FR", "PENDING")]


@pytest.mark.parametrize("status", [Status.TESTING, Status.OFFLINE])
async def test_without_a_video_it_is_prepared(service, status):
    await kept(service, replace(IN_TEST, status=status), review=replace(IN_TEST.rcs.review, videos=()))
    launched = await service.done("POST", LAUNCH)
    assert launched["state"] == "PREPARING_LAUNCH"
    assert_canonical_error(await service.call("POST", LAUNCH), 409, "launch_invalid_agent_state")
    general = {"answers": {"videoUris": ["https://example.com/video"]}}
    updated = await service.done("PATCH", f"{SENDERS}/{SENDER}", {"details": {"questionnaire": {"general": general}}})
    assert updated["state"] in {"PREPARING_LAUNCH", "LAUNCHING"}
    assert not service.sender(str(SENDER)).rcs.waits_for_video


@pytest.mark.parametrize("status", [Status.DRAFT, Status.CREATING, Status.PREPARING])
async def test_state_comes_before_completeness(service, status):
    await kept(service, replace(IN_TEST, status=status), countries=(), review=Review())
    assert_canonical_error(await service.call("POST", LAUNCH), 409, "launch_invalid_agent_state", says="IN_TEST")


def paths(errors: list[str]) -> list[str]:
    assert all(error.endswith(" should not be empty") for error in errors)
    return [error.removesuffix(" should not be empty") for error in errors]


async def missing(service: SinchService) -> list[str]:
    response = await service.call("POST", LAUNCH)
    errors = assert_canonical_error(response, 412, "launch_precondition_failed")
    assert (await service.done("GET", f"{SENDERS}/{SENDER}"))["state"] == "IN_TEST"
    return paths(errors)


async def test_everything_that_is_missing_is_listed(service):
    bare = replace(
        IN_TEST, profile=Profile(use_case=IN_TEST.profile.use_case), agent=Agent(countries=("FR", "GB", "US"))
    )
    await kept(service, bare)
    answers = "details.questionnaire"
    assert await missing(service) == [
        *(f"details.brand.{name}" for name in BRAND),
        "details.brand.phones or details.brand.emails",
        *(f"{answers}.general.answers.{name}" for name in GENERAL),
        *(f"{answers}.verification.answers.{name}" for name in VERIFICATION),
        *(f"{answers}.gb.answers.{name}" for name in GB),
        *(f"{answers}.fr.answers.{name}" for name in FR),
    ]


async def test_without_countries(service):
    await kept(service, IN_TEST, countries=(), local_answers={})
    assert await missing(service) == ["details.countries"]


@pytest.mark.parametrize(
    ("countries", "sections"), [(["SE"], []), (["US"], []), (["GB"], ["gb"] * 6), (["FR"], ["fr"] * 2)]
)
async def test_answers_for_a_country(service, countries, sections):
    """The United States' are not asked for at 1.2.36."""
    await kept(service, IN_TEST, countries=tuple(countries), local_answers={}, contact=BusinessContact("Kim"))
    found = [path.split(".")[2] for path in await missing(service)]
    assert found == ["verification"] * 3 + sections


@pytest.mark.parametrize("leaf", ["phone_numbers", "emails"])
async def test_a_phone_or_an_email_is_enough(service, leaf):
    await kept(service, replace(IN_TEST, profile=IN_TEST.profile.changed({leaf: ()})))
    assert (await service.done("POST", LAUNCH))["state"] == "LAUNCHING"


async def test_launching_again_asks_in_new_countries(service):
    await kept(service, LAUNCHED, carriers=(*LAUNCHED.rcs.carriers, Carrier("telia_se", "SE", "Telia")))
    await service.done("PATCH", f"{SENDERS}/{SENDER}", {"details": {"countries": ["GB", "FR", "SE"]}})
    launched = await service.done("POST", LAUNCH)
    assert launched["state"] == "LAUNCHED"
    statuses = {country["country"]: country["operators"][0]["status"] for country in launched["countryStatus"]}
    assert statuses == {"GB": "LAUNCHED", "FR": "PENDING", "SE": "PENDING"}
    assert service.sender(str(SENDER)).rcs.carriers[1].status is CarrierStatus.PENDING, "who said no is asked again"
