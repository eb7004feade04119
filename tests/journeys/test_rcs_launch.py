"""An RCS sender from a draft to launched carriers, in Sinch's words and in Twilio's, as one sender."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import requests
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from tabard.app.accounts import create_account
from tabard.bootstrap import service
from tabard.domain.account import AccountKind
from tabard.settings import Settings
from tests.support.patience import eventually
from tests.support.service import Running, running
from tests.support.sinch_customer import SinchCustomer, country_statuses, operators
from tests.support.twilio_sdk import sdk_senders

PHONE = "+15550100142"
THIN = {"region": "EU", "billingCategory": "CONVERSATIONAL", "useCase": "OTP"}

BRAND = {
    "name": "Example Parcels",
    "emails": [{"label": "Care", "address": "care@example.com"}, {"label": "Press", "address": "press@example.com"}],
    "phones": [{"label": "Care", "number": "+15550100123"}, {"label": "Shop", "number": "15550100124"}],
    "websites": [{"label": "Site", "url": "https://example.com"}],
    "color": "#0b3d91",
    "description": "News of your parcels",
    "bannerUrl": "https://banner.example.com/banner.png",
    "logoUrl": "https://logo.example.com/logo.png",
    "privacyPolicyUrl": "https://example.com/privacy",
    "termsOfServiceUrl": "https://example.com/terms",
}
QUESTIONNAIRE: dict[str, Any] = {
    "general": {
        "answers": {
            "optInDescription": "A box at the till",
            "triggerDescription": "A parcel is scanned",
            "interactionsDescription": "Parcel news;; Another day",
            "interactionsDescriptionMetadata": {"ignore": ";;"},
            "optOutDescription": "STOP is confirmed",
            "videoUris": ["https://example.com/demo.mp4"],
            "screenshotUris": ["https://example.com/screen.png"],
        }
    },
    "verification": {
        "answers": {
            "name": "Example Contact",
            "email": "contact@example.com",
            "title": "Head of Parcels",
            "website": "https://example.com",
        }
    },
    "gb": {
        "answers": {
            "brandIndustry": "Shopping and retail",
            "companyLegalName": "Example Parcels Limited",
            "companyRegistrationNumber": "01234567",
            "fullCompanyAddress": "1 Example Street, Example Town",
            "messagesVolume": "10K - 100K messages",
            "messagesFrequency": "Once per week",
        }
    },
    "fr": {
        "answers": {
            "fullCompanyAddress": "1 rue de l'Exemple-part-75000 Paris",
            "fullCompanyAddressMetadata": {"ignore": "-part-"},
            "siren": "123456789",
        }
    },
}


@asynccontextmanager
async def patient_customer(dsn: str, tmp_path: Path) -> AsyncIterator[SinchCustomer]:
    """Carriers take their time: only the clock hurries them."""
    async with running(dsn, tmp_path, sandbox_pace="realtime") as tabard:
        yield SinchCustomer(tabard)


async def in_test(customer: SinchCustomer, name: str = "Example Parcels", **details: Any) -> Any:
    sender = await customer.create({**THIN, "details": {"brand": {**BRAND, "name": name}, **details}})
    return await customer.reaches(sender, "IN_TEST")


async def ready(customer: SinchCustomer, countries: list[str], name: str = "Example Parcels") -> Any:
    return await in_test(customer, name, countries=countries, questionnaire=QUESTIONNAIRE)


async def decide(customer: SinchCustomer, sender: Any, **decision: Any) -> None:
    await customer.tabard.post(f"/sandbox/v1/agents/{sender['authName']}/launch", decision)


async def test_from_a_draft_to_launched_carriers(dsn, tmp_path):
    async with patient_customer(dsn, tmp_path) as customer:
        sender = await customer.create(THIN)
        assert (sender["state"], sender["hostingRegion"]) == ("DRAFT", "EUROPE")
        assert (await customer.call("POST", f"/rcs/senders/{sender['id']}/launch")).status == 409

        await customer.update(sender, {"brand": BRAND, "countries": ["GB", "FR"], "testNumbers": [PHONE]})
        sender = await customer.reaches(sender, "IN_TEST")
        assert country_statuses(sender) == {"GB": "NOT_LAUNCHED", "FR": "NOT_LAUNCHED"}
        assert set(operators(sender, "FR").values()) == {"NOT_LAUNCHED"}

        await customer.until(sender, lambda s: s["testNumberStates"][0]["state"] == "UNVERIFIED", "the invitation")
        await customer.tabard.post(f"/sandbox/v1/phones/{PHONE}/invitations/{sender['authName']}/accept")
        await customer.until(sender, lambda s: s["testNumberStates"][0]["state"] == "VERIFIED", "the answer")
        capabilities = await customer.get(f"/rcs/senders/{sender['id']}/testNumbers/%2B{PHONE[1:]}/capabilities")
        assert "RICHCARD_STANDALONE" in capabilities["features"]

        refused = await customer.call("POST", f"/rcs/senders/{sender['id']}/launch")
        missing = " ".join(refused.body["additionalInformation"]["validationErrors"])
        assert (refused.status, refused.body["errorCode"]) == (412, "launch_precondition_failed")
        for path in (
            "general.answers.optInDescription",
            "verification.answers.email",
            "gb.answers.companyLegalName",
            "fr.answers.siren",
            "general.answers.screenshotUris",
        ):
            assert f"details.questionnaire.{path}" in missing
        assert "details.brand" not in missing

        await customer.update(sender, {"questionnaire": QUESTIONNAIRE})
        sender = await customer.launch(sender)
        assert (sender["state"], country_statuses(sender)) == ("LAUNCHING", {"GB": "PENDING", "FR": "PENDING"})
        await review_of_four_weeks(customer, sender)


async def review_of_four_weeks(customer: SinchCustomer, sender: Any) -> None:
    await customer.tabard.advance(days=4)
    assert (await customer.get(f"/rcs/senders/{sender['id']}"))["state"] == "LAUNCHING"
    await decide(customer, sender, country="FR", carrier="SFR", status="rejected", remark="The logo is not the brand's")
    await decide(customer, sender, country="GB", carrier="EE", status="launched")
    sender = await customer.reaches(sender, "LAUNCHED")
    assert sender["launched"]
    await customer.until(sender, lambda s: operators(s, "FR")["SFR"] == "REJECTED", "the rejection")
    await customer.tabard.advance(days=28)
    sender = await customer.get(f"/rcs/senders/{sender['id']}")
    assert country_statuses(sender) == {"GB": "LAUNCHED", "FR": "LAUNCHED"}
    assert operators(sender, "FR")["SFR"] == "REJECTED"
    assert set(operators(sender, "GB").values()) == {"LAUNCHED"}

    comment = {"comment": "We shall send SFR another logo"}
    assert (await customer.call("POST", f"/rcs/senders/{sender['id']}/comments", comment)).status == 201
    story = await customer.activities(sender)
    types = [entry["type"] for entry in story]
    assert types[0] == "CREATED"
    assert types.index("TEST") < types.index("ACTIVE") < len(types) - 1
    remarks = [entry["comment"] for entry in story if entry["type"] == "COMMENT_ADDED"]
    assert any("SFR" in remark and "The logo is not the brand's" in remark for remark in remarks)
    assert remarks[-1] == comment["comment"]


async def test_a_launch_without_a_video_is_prepared_first(dsn, tmp_path):
    async with patient_customer(dsn, tmp_path) as customer:
        sender = await ready(customer, ["SE"])
        await customer.update(sender, {"questionnaire": {"general": {"answers": {"videoUris": None}}}})
        sender = await customer.launch(sender)
        assert sender["state"] == "PREPARING_LAUNCH"
        await customer.tabard.advance(days=1)
        assert (await customer.get(f"/rcs/senders/{sender['id']}"))["state"] == "PREPARING_LAUNCH"
        video = {"general": {"answers": {"videoUris": ["https://example.com/demo.mp4"]}}}
        await customer.update(sender, {"questionnaire": video})
        await customer.reaches(sender, "LAUNCHING")


async def test_staff_can_let_a_prepared_launch_go_on(dsn, tmp_path):
    async with patient_customer(dsn, tmp_path) as customer:
        sender = await ready(customer, ["SE"])
        await customer.update(sender, {"questionnaire": {"general": {"answers": {"videoUris": None}}}})
        sender = await customer.launch(sender)
        await customer.tabard.post(f"/sandbox/v1/agents/{sender['authName']}/prepare")
        await customer.reaches(sender, "LAUNCHING")


async def test_adding_a_country_launches_only_that(dsn, tmp_path):
    async with patient_customer(dsn, tmp_path) as customer:
        sender = await ready(customer, ["SE"])
        await customer.launch(sender)
        await customer.until(sender, lambda s: operators(s, "SE"), "carriers")
        await customer.tabard.advance(days=4)
        await decide(customer, sender, country="SE", carrier="Telia", status="launched")
        await decide(customer, sender, country="SE", carrier="Three", status="rejected", remark="No")
        await customer.reaches(sender, "LAUNCHED")
        await customer.until(sender, lambda s: operators(s, "SE")["Three"] == "REJECTED", "the rejection")
        await customer.update(sender, {"countries": ["SE", "NO"]})
        sender = await customer.get(f"/rcs/senders/{sender['id']}")
        assert country_statuses(sender)["NO"] == "NOT_LAUNCHED"
        sender = await customer.launch(sender)
        assert (sender["state"], country_statuses(sender)["NO"]) == ("LAUNCHED", "PENDING")
        sender = await customer.until(sender, lambda s: operators(s, "NO"), "its carriers")
        assert set(operators(sender, "NO").values()) == {"PENDING"}
        assert operators(sender, "SE")["Telia"] == "LAUNCHED"


async def test_a_carrier_that_suspends_turns_only_itself(dsn, tmp_path):
    async with running(dsn, tmp_path) as tabard:
        customer = SinchCustomer(tabard)
        sender = await ready(customer, ["SE", "GB"])
        await customer.launch(sender)
        everywhere = {"SE": "LAUNCHED", "GB": "LAUNCHED"}
        await customer.until(
            sender, lambda s: all(set(operators(s, c).values()) == {"LAUNCHED"} for c in everywhere), "every launch"
        )
        await decide(customer, sender, country="SE", carrier="Telia", status="suspended", remark="Too many complaints")
        sender = await customer.until(sender, lambda s: operators(s, "SE")["Telia"] == "SUSPENDED", "the suspension")
        assert (sender["state"], country_statuses(sender)) == ("LAUNCHED", everywhere)
        await decide(customer, sender, status="suspended", remark="All of us")
        sender = await customer.reaches(sender, "UNLAUNCHED")
        await decide(customer, sender, country="GB", carrier="EE", status="launched")
        sender = await customer.reaches(sender, "LAUNCHED")
        assert country_statuses(sender) == {"SE": "SUSPENDED", "GB": "LAUNCHED"}


async def test_the_same_sender_in_both_dialects(dsn, tmp_path):
    """Made by Sinch's words, it is seen by Twilio's own SDK at each step."""
    async with patient_customer(dsn, tmp_path) as customer:
        tabard, sender = customer.tabard, await customer.create(THIN)
        sid = f"XE{sender['id'].replace('-', '')}"
        with sdk_senders(tabard) as senders:
            seen = await senders.fetch(sid)
            assert (seen.status, seen.sender_id) == ("DRAFT", f"rcs:{sender['authName']}")
            await customer.update(sender, {"brand": BRAND, "countries": ["SE"], "questionnaire": QUESTIONNAIRE})
            sender = await customer.reaches(sender, "IN_TEST")
            seen = await senders.fetch(sid)
            assert (seen.status, seen.profile["name"]) == ("DRAFT", "Example Parcels")
            assert [one.sid for one in await senders.listed("rcs")] == [sid]
            device = await tabard.call("POST", f"/v2/Channels/Senders/{sid}/TestDevices", {"phone_number": PHONE})
            assert device.status == 201
            assert (await customer.get(f"/rcs/senders/{sender['id']}/testNumbers/{PHONE}"))["number"] == PHONE
            await customer.launch(sender)
            assert (await senders.fetch(sid)).status == "PENDING_VERIFICATION"
            await customer.until(sender, lambda s: set(operators(s, "SE").values()) == {"PENDING"}, "the carriers")
            await tabard.advance(days=4)
            await decide(customer, sender, country="SE", carrier="Telia", status="launched")
            await customer.reaches(sender, "LAUNCHED")
            seen = await senders.fetch(sid)
            carriers = {carrier["name"]: carrier["status"] for carrier in seen.compliance["countries"][0]["carriers"]}
            assert (seen.status, carriers["Telia"], carriers["Three"]) == ("ONLINE", "APPROVED", "CARRIER_REVIEW")


async def test_an_account_that_the_command_line_made_reaches_the_network(dsn, tmp_path):
    """The command line is reached by nobody: the address that it writes down for the emulation is not the service's."""
    async with running(dsn, tmp_path) as tabard:
        settings = Settings(data_dir=tmp_path)
        async with service(settings, dsn, "http://127.0.0.1:9") as command_line:
            secrets = await create_account(command_line.services, "Third", AccountKind.SANDBOX)
        await in_test(SinchCustomer(tabard.speaking(secrets)))
        await in_test(SinchCustomer(tabard))


async def test_a_refused_agent_says_why(tabard: Running):
    customer = SinchCustomer(tabard)
    await tabard.post("/sandbox/v1/network/fail-next", {"network": "google", "count": 1, "status": 400})
    sender = await customer.create({**THIN, "details": {"brand": BRAND}})
    await customer.reaches(sender, "DRAFT")
    story = await customer.activities(sender)
    assert [(entry["type"], bool(entry.get("comment"))) for entry in story] == [("CREATED", False), ("EDITED", True)]


async def test_what_is_being_prepared_stays_complete(tabard: Running):
    customer = SinchCustomer(tabard)
    sender = await ready(customer, ["SE"])
    await customer.update(sender, {"questionnaire": {"general": {"answers": {"videoUris": None}}}})
    await customer.launch(sender)
    path = f"/rcs/senders/{sender['id']}"
    no_opt_in = {"questionnaire": {"general": {"answers": {"optInDescription": None}}}}
    no_legal_name = {"questionnaire": {"gb": {"answers": {"companyLegalName": None}}}}
    for details in ({"countries": None}, {"countries": ["SE", "GB"], **no_legal_name}, no_opt_in):
        refused = await customer.call("PATCH", path, {"details": details})
        assert (refused.status, refused.body["errorCode"]) == (412, "launch_precondition_failed"), details


async def test_a_decision_for_a_country_is_taken_by_all_that_may(tabard: Running):
    customer = SinchCustomer(tabard)
    sender = await ready(customer, ["GB"], "Example Partly")
    await customer.launch(sender)
    await customer.until(
        sender, lambda s: sorted(set(operators(s, "GB").values())) == ["LAUNCHED", "REJECTED"], "the verdicts"
    )
    await decide(customer, sender, country="GB", status="suspended")
    await customer.reaches(sender, "UNLAUNCHED")


async def test_a_sender_made_and_submitted_by_twilio(tabard: Running):
    """Its words alone, and Twilio's own sample colour, on which white could not be read."""
    profile = {
        "name": "Example Cafe",
        "description": "Coffee to go",
        "accent_color": "#ffffff",
        "logo_url": "https://logo.example.com/logo.png",
        "banner_url": "https://banner.example.com/banner.png",
        "privacy_url": "https://example.com/privacy",
        "terms_of_service_url": "https://example.com/terms",
        "emails": [{"email": "care@example.com", "label": "Care"}],
    }
    made = await tabard.post("/v2/Channels/Senders", {"sender_id": "rcs:example_cafe", "profile": profile})
    assert made["status"] == "CREATING"
    await tabard.reaches(made["sid"], "DRAFT")
    compliance = {"registration_sid": "BUexample", "countries": [{"country": "US"}, {"country": "UK"}]}
    reply = await tabard.call("PATCH", f"/v2/Channels/Senders/{made['sid']}", {"compliance": compliance})
    assert [country["status"] for country in reply.body["compliance"]["countries"]] == ["PENDING_VERIFICATION"] * 2
    seen = await tabard.reaches(made["sid"], "ONLINE")
    assert {country["registration_sid"] for country in seen["compliance"]["countries"]} == {"BUexample"}
    shown = await tabard.get("/sandbox/v1/agents/example_cafe")
    assert "color_unreadable" in [warning["trouble"] for warning in shown["warnings"]]
    statuses = [told["after"]["status"] for told in reversed(shown["events"]) if told["type"] == "sender.status"]
    assert statuses == ["testing", "preparing", "launching", "online"]


@asynccontextmanager
async def decided_by_hand(dsn: str, tmp_path: Path) -> AsyncIterator[SinchCustomer]:
    async with running(dsn, tmp_path, sandbox_pace="manual") as tabard:
        yield SinchCustomer(tabard)


async def test_a_business_that_is_not_verified_is_launched_nowhere(dsn, tmp_path):
    async with decided_by_hand(dsn, tmp_path) as customer:
        sender = await ready(customer, ["SE"])
        await customer.launch(sender)
        await customer.until(sender, lambda s: set(operators(s, "SE").values()) == {"PENDING"}, "the carriers")
        agent = f"/sandbox/v1/agents/{sender['authName']}"
        await eventually(
            lambda: customer.tabard.call("POST", f"{agent}/verification/reject"), lambda r: r.status == 204
        )
        sender = await customer.reaches(sender, "UNLAUNCHED")
        assert set(operators(sender, "SE").values()) == {"REJECTED"}


async def test_a_person_decides_everything(dsn, tmp_path):
    async with decided_by_hand(dsn, tmp_path) as customer:
        sender = await in_test(customer, countries=["SE"], questionnaire=QUESTIONNAIRE, testNumbers=[PHONE])
        await customer.until(sender, lambda s: s["testNumberStates"][0]["state"] == "UNVERIFIED", "the invitation")
        await customer.tabard.post(f"/sandbox/v1/phones/{PHONE}/invitations/{sender['authName']}/decline")
        await customer.until(sender, lambda s: s["testNumberStates"][0]["state"] == "DECLINED", "the answer")
        again = await customer.call("POST", f"/rcs/senders/{sender['id']}/testNumbers", {"testNumbers": [PHONE]})
        assert (again.status, again.body["errorCode"]) == (404, "blocked_because_the_recipient_declined")
        await customer.launch(sender)
        agent = f"/sandbox/v1/agents/{sender['authName']}"
        await eventually(
            lambda: customer.tabard.call("POST", f"{agent}/verification/approve"), lambda r: r.status == 204
        )
        await decide(customer, sender, status="launched")
        await customer.reaches(sender, "LAUNCHED")


async def test_another_client_is_given_the_key(tabard: Running):
    key = await tabard.get("/sandbox/v1/network/google/key-file")
    assert key["token_uri"] == f"{tabard.url}/networks/google/token"
    assert await asyncio.to_thread(_token_for, key)


def _token_for(key: dict[str, str]) -> str:
    scope = "https://www.googleapis.com/auth/businesscommunications"
    credentials = service_account.Credentials.from_service_account_info(key, scopes=[scope])
    with requests.Session() as session:
        credentials.refresh(Request(session))
    return str(credentials.token)
