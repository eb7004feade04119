"""RCS senders in Twilio's words: drafts that fill up, countries that submit them, pictures, and test devices."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tabard.domain.account import AccountKind
from tabard.domain.agents.agent import Agent
from tabard.domain.agents.agent import Tester as Phone
from tabard.domain.agents.agent import TesterStatus as PhoneStatus
from tabard.domain.errors import FileFault, FileUnusable
from tabard.domain.lifecycle import Status
from tabard.domain.sender import Trouble
from tabard.ports.world import OutboundRefused
from tests.support.twilio_service import NOON, SENDERS, STRANGER, account_sid, assert_canonical_error, basic

CAFE = "rcs:example_cafe"
LOGO, BANNER = "https://example.com/logo.png", "https://example.com/banner.png"
PROFILE: dict[str, Any] = {
    "name": "Example Cafe",
    "description": "Coffee and cake",
    "accent_color": "#ffffff",
    "logo_url": LOGO,
    "banner_url": BANNER,
    "privacy_url": "https://example.com/privacy",
    "terms_of_service_url": "https://example.com/terms",
    "phone_numbers": [{"phone_number": "+15550100123", "label": "Front desk"}],
}


async def cafe(service, **fields):
    return await service.create(sender_id=CAFE, **{"profile": PROFILE, **fields})


async def update(service, sid, **body):
    return await service.call("POST", f"{SENDERS}/{sid}", body)


def stored(service):
    (sender,) = service.world.senders.values()
    return sender


async def test_a_thin_draft_fills_up_until_it_is_made(service):
    sid = (await service.create(sender_id=CAFE, profile={}))["sid"]
    statuses = []
    for leaf, value in PROFILE.items():
        statuses.append((await update(service, sid, profile={leaf: value})).json()["status"])
    assert statuses == ["DRAFT"] * 7 + ["CREATING"]


async def test_twilio_s_own_colour_is_taken_with_a_warning(service):
    created = await cafe(service)
    assert (created["status"], created["profile"]["accent_color"]) == ("CREATING", "#ffffff")
    (warning,) = stored(service).warnings
    assert warning.trouble is Trouble.COLOR_UNREADABLE
    assert "#767676" in warning.detail
    await update(service, created["sid"], profile={"accent_color": "#0b3d91"})
    assert stored(service).warnings == ()


@pytest.mark.parametrize(("leaf", "url"), [("logo_url", LOGO), ("banner_url", BANNER)])
class TestPictures:
    async def test_one_that_is_wrong_is_refused_by_its_field(self, service, leaf, url):
        wrong = FileUnusable(f"profile.{leaf}", FileFault.WRONG_DIMENSIONS, "must be 224 x 224 pixels, is 640 x 480")
        service.backstage.pictures.faults[url] = wrong
        refused = await service.call("POST", body={"sender_id": CAFE, "profile": PROFILE})
        assert_canonical_error(refused, 400, 63100, says=f"profile.{leaf}: must be 224 x 224")
        assert not service.world.senders
        sid = (await cafe(service, profile={"name": "Example Cafe"}))["sid"]
        assert_canonical_error(
            await update(service, sid, profile={leaf: url, "description": "Soup"}), 400, 63100, says=f"profile.{leaf}"
        )
        assert stored(service).profile.description is None

    async def test_one_that_can_not_be_had_is_a_warning_in_a_sandbox_until_another_is_there(self, service, leaf, url):
        service.backstage.pictures.faults[url] = OutboundRefused("nobody answers")
        sid = (await cafe(service, profile={**PROFILE, "accent_color": "#000000"}))["sid"]
        (warning,) = stored(service).warnings
        assert warning.detail == f"profile.{leaf}: nobody answers"
        await update(service, sid, profile={"description": "Soup"})
        assert stored(service).warnings == (warning,), "a change elsewhere says nothing of it"
        await update(service, sid, profile={leaf: "https://example.com/better.png"})
        assert stored(service).warnings == ()

    async def test_and_is_refused_for_a_live_account(self, service, leaf, url):
        service.backstage.pictures.faults[url] = OutboundRefused("nobody answers")
        for account in service.world.accounts.values():
            service.world.accounts[account.id] = replace(account, kind=AccountKind.LIVE)
        refused = await service.call("POST", body={"sender_id": CAFE, "profile": PROFILE})
        assert_canonical_error(refused, 400, 63100, says=f"profile.{leaf}: nobody answers")

    async def test_the_same_again_is_not_fetched_again(self, service, leaf, url):
        sid = (await cafe(service))["sid"]
        service.backstage.pictures.faults[url] = AssertionError("fetched again")
        assert (await update(service, sid, profile=PROFILE)).status_code == 202


class TestCountries:
    async def test_naming_them_submits_the_sender(self, service):
        sid = (await cafe(service))["sid"]
        await update(service, sid, compliance={"countries": [{"country": "SE"}, {"country": "UK"}]})
        agent = stored(service).rcs
        assert (agent.countries, agent.launch_wanted) == (("SE", "GB"), True)
        assert stored(service).due_at == NOON

    async def test_registrations_stay_until_they_are_named(self, service):
        sid = (await cafe(service))["sid"]
        first = {"registration_sid": "BU1", "countries": [{"country": "SE", "registration_sid": "BU2"}]}
        await update(service, sid, compliance=first)
        await update(service, sid, compliance={"registration_sid": "BU3"})
        answer = (await update(service, sid, compliance={"countries": [{"country": "SE"}, {"country": "US"}]})).json()
        shown = answer["compliance"]
        assert shown["registration_sid"] == "BU3"
        assert [(c["country"], c["registration_sid"]) for c in shown["countries"]] == [("SE", "BU3"), ("US", "BU3")]

    async def test_other_updates_do_not_touch_them(self, service):
        sid = (await cafe(service, compliance={"countries": [{"country": "SE"}]}))["sid"]
        await update(service, sid, profile={"description": "Soup"}, compliance=None)
        assert stored(service).rcs.countries == ("SE",)

    async def test_what_is_frozen_is_named_and_nothing_of_the_update_holds(self, service):
        sid = (await cafe(service))["sid"]
        service.put(sid, status=Status.LAUNCHING, agent=Agent(countries=("SE",), asked_countries=("SE",)))
        change = {"name": "Example Bistro", "use_case": "OTP", "description": "Soup"}
        refused = await update(service, sid, profile=change, friendly_name="Desk")
        assert_canonical_error(refused, 400, 63100, says="profile.name: name, use_case can't be changed")
        assert (stored(service).profile.description, stored(service).friendly_name) == ("Coffee and cake", None)


class TestDevices:
    async def add(self, service, sid, phone, **more):
        return await service.call("POST", f"{SENDERS}/{sid}/TestDevices", {"phone_number": phone}, **more)

    async def test_one_is_a_due_sender_and_a_wake_up(self, service):
        sid = (await cafe(service))["sid"]
        service.put(sid, due_at=None)
        woken = service.woken
        added = await self.add(service, sid, "+15550100150")
        assert (added.status_code, added.json()) == (201, {"phone_number": "+15550100150", "status": "PENDING"})
        assert (stored(service).due_at, service.woken) == (NOON, woken + 1)

    async def test_the_twenty_first_of_a_day_has_to_wait(self, service):
        sid = (await cafe(service))["sid"]
        for number in range(20):
            assert (await self.add(service, sid, f"+155501001{number:02}")).status_code == 201
        refused = await self.add(service, sid, "+15550100199")
        assert_canonical_error(refused, 429, 20429, says="20 phones a day can be invited, 0 of them are left")
        phones = (replace(tester, status=PhoneStatus.ACCEPTED) for tester in stored(service).rcs.testers)
        service.put(sid, agent=Agent(testers=tuple(phones), invitations=(NOON,) * 20))
        assert (await self.add(service, sid, "+15550100199")).status_code == 429
        service.clock.advance(days=1)
        assert (await self.add(service, sid, "+15550100199")).status_code == 201

    async def test_the_two_hundred_and_first_is_one_too_many(self, service):
        sid = (await cafe(service))["sid"]
        phones = (Phone(f"+155502{number:05}", PhoneStatus.ACCEPTED, NOON - timedelta(days=9)) for number in range(200))
        service.put(sid, agent=Agent(testers=tuple(phones)))
        assert_canonical_error(await self.add(service, sid, "+15550100199"), 400, 63100, says="at most 200")

    async def test_pages_lead_through_all(self, service):
        sid = (await cafe(service))["sid"]
        numbers = [f"+155501001{number:02}" for number in range(7)]
        for number in numbers:
            await self.add(service, sid, number)
        url: str | None = f"{SENDERS}/{sid}/TestDevices?PageSize=3"
        listed = []
        while url is not None:
            page = (await service.call("GET", url)).json()
            listed += [device["phone_number"] for device in page["phone_numbers"]]
            url = page["meta"]["next_page_url"]
        assert listed == numbers
        assert page["meta"]["previous_page_url"].endswith("PageSize=3&Page=1")

    @pytest.mark.parametrize(
        ("query", "code", "says"),
        [
            ("PageSize=0", 20001, "PageSize"),
            ("PageSize=1001", 20007, "PageSize: must be at most 1000"),
            ("PageSize=ten", 20001, "PageSize: must be a whole number"),
            ("Page=-1", 20001, "Page"),
        ],
    )
    async def test_wrong_query(self, service, query, code, says):
        sid = (await cafe(service))["sid"]
        assert_canonical_error(await service.call("GET", f"{SENDERS}/{sid}/TestDevices?{query}"), 400, code, says=says)

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_those_of_another_account_or_of_a_number_are_not_found(self, service, method):
        sid = (await cafe(service))["sid"]
        body = {"phone_number": "+15550100150"} if method == "POST" else None
        stranger = basic(account_sid(STRANGER), "token-of-a-stranger")
        path = f"{SENDERS}/{sid}/TestDevices"
        assert_canonical_error(await service.call(method, path, body, headers=stranger), 404, 20404)
        number = f"{SENDERS}/{(await service.create())['sid']}/TestDevices"
        assert_canonical_error(await service.call(method, number, body), 404, 20404)
        assert stored_testers(service, sid) == ()


def stored_testers(service, sid):
    return next(s.rcs.testers for s in service.world.senders.values() if s.agent is not None)


async def test_lists_of_the_channels_are_apart(service):
    made = [(await service.create(sender_id=f"rcs:cafe_{number}", profile=PROFILE))["sid"] for number in range(3)]
    await service.create()
    page = (await service.call("GET", f"{SENDERS}?Channel=rcs&PageSize=2")).json()
    assert [sender["sid"] for sender in page["senders"]] == sorted(made, reverse=True)[:2]
    rest = (await service.call("GET", page["meta"]["next_page_url"])).json()
    assert [sender["sid"] for sender in rest["senders"]] == sorted(made, reverse=True)[2:]
    assert "Channel=rcs" in rest["meta"]["url"]


async def test_a_deleted_one_is_gone_and_its_name_is_free(service):
    sid = (await cafe(service))["sid"]
    assert (await service.call("DELETE", f"{SENDERS}/{sid}")).status_code == 204
    assert_canonical_error(await service.call("GET", f"{SENDERS}/{sid}/TestDevices"), 404, 20404)
    assert (await cafe(service))["sid"] != sid
