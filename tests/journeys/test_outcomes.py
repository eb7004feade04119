"""What a number's last four digits, and the sandbox's controls, make of a sender, as a user of Twilio's API sees it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tabard.networks.meta.emulator.outcomes import OUTCOMES
from tests.support.patience import eventually
from tests.support.service import SENDERS, Running, running

TOLD: set[str] = set()
PREFIX = "+1555010"


def outcome(digits: str) -> Callable[[Any], Any]:
    """Marks the test that tells this outcome."""

    def mark(test: Any) -> Any:
        TOLD.add(digits)
        return test

    return mark


def codes(sender: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in sender["offline_reasons"] or []]


async def offline(customer: Running, sid: str, code: str) -> dict[str, Any]:
    sender: dict[str, Any] = await customer.reaches(sid, "OFFLINE")
    assert codes(sender) == [code]
    (reason,) = sender["offline_reasons"]
    assert reason["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert reason["message"]
    return sender


async def to_code(customer: Running, number: str, **more: Any) -> str:
    sid: str = (await customer.create(number, **more))["sid"]
    await customer.reaches(sid, "PENDING_VERIFICATION")
    return sid


async def control(customer: Running, number: str, name: str, body: Any = None) -> None:
    await customer.post(f"/sandbox/v1/numbers/{number}/{name}", body)


async def texts(customer: Running, number: str) -> list[str]:
    return [m["text"] for m in (await customer.get(f"/sandbox/v1/phones/{number}/messages"))["messages"]]


class TestByTheLastFourDigits:
    @outcome("0111")
    async def test_0111_needs_no_code(self, customer: Running):
        sid = (await customer.create(f"{PREFIX}0111"))["sid"]
        sender = await customer.reaches(sid, "ONLINE")
        assert sender["properties"] == {"quality_rating": "HIGH", "messaging_limit": "1K Customers/24hr"}
        assert await texts(customer, f"{PREFIX}0111") == []

    @outcome("0112")
    async def test_0112_is_on_whatsapp_elsewhere(self, customer: Running):
        sid = (await customer.create(f"{PREFIX}0112"))["sid"]
        await offline(customer, sid, "63110")

    @outcome("0113")
    async def test_0113_meets_a_full_business_account(self, customer: Running):
        sid = (await customer.create(f"{PREFIX}0113"))["sid"]
        await offline(customer, sid, "63104")

    @outcome("0114")
    async def test_0114_has_asked_for_too_many_codes(self, customer: Running):
        sid = (await customer.create(f"{PREFIX}0114"))["sid"]
        sender = await customer.until(sid, codes)
        assert (sender["status"], codes(sender)) == ("CREATING", ["63114"])
        await customer.advance(hours=2)
        sender = await customer.fetch(sid)
        assert (sender["status"], codes(sender)) == ("CREATING", ["63114"]), "it waits on, an hour at a time"

    @outcome("0115")
    async def test_0115_has_its_name_declined_now_and_later(self, customer: Running):
        sid = await customer.online(f"{PREFIX}0115")
        sender = await customer.fetch(sid)
        assert sender["properties"]["messaging_limit"] == "250 Customers/24hr"
        assert (sender["pending_display_name"], sender["pending_display_name_status"]) == (
            "Example Parcels",
            "DECLINED",
        )
        answer = await customer.post(f"{SENDERS}/{sid}", {"profile": {"name": "Example Post"}})
        assert answer["display_name_status"] == "updating"
        sender = await customer.until(sid, lambda s: s["pending_display_name_status"] == "DECLINED")
        assert (sender["profile"]["name"], sender["pending_display_name"]) == ("Example Parcels", "Example Post")
        refused = await customer.call("POST", f"{SENDERS}/{sid}", {"profile": {"name": "Example Post"}})
        assert (refused.status, refused.body["code"]) == (400, 63124)
        assert "declined" in refused.body["message"]

    @outcome("0116")
    async def test_0116_is_banned_an_hour_after_it_went_online(self, customer: Running):
        sid = await customer.online(f"{PREFIX}0116")
        await customer.advance(minutes=50)
        assert (await customer.fetch(sid))["status"] == "ONLINE"
        await customer.advance(minutes=20)
        sender = await offline(customer, sid, "63013")
        assert "banned" in sender["offline_reasons"][0]["message"]
        await control(customer, f"{PREFIX}0116", "lift-ban")
        assert (await customer.reaches(sid, "ONLINE"))["offline_reasons"] is None

    @outcome("0117")
    async def test_0117_comes_through_although_the_first_calls_fail(self, customer: Running):
        assert await customer.online(f"{PREFIX}0117")

    @outcome("0118")
    async def test_0118_is_reached_by_a_call_only(self, customer: Running):
        number = f"{PREFIX}0118"
        sid = await to_code(customer, number)
        assert await texts(customer, number) == []
        await customer.post(f"{SENDERS}/{sid}", {"configuration": {"verification_method": "voice"}})
        await eventually(lambda: texts(customer, number))
        await customer.verify(sid, number)
        sender = await customer.reaches(sid, "ONLINE")
        assert sender["configuration"]["verification_method"] == "voice"

    @outcome("0119")
    async def test_0119_loses_its_quality_and_its_limit(self, customer: Running):
        sid = await customer.online(f"{PREFIX}0119")
        await customer.advance(hours=1, minutes=1)
        sender = await customer.until(sid, lambda s: s["properties"]["quality_rating"] == "LOW")
        assert sender["properties"] == {"quality_rating": "LOW", "messaging_limit": "250 Customers/24hr"}
        assert sender["status"] == "ONLINE", "a number of low quality may still send"

    @outcome("0120")
    async def test_0120_has_a_pin_that_nobody_knows(self, customer: Running):
        sid = await to_code(customer, f"{PREFIX}0120")
        await customer.verify(sid, f"{PREFIX}0120")
        await offline(customer, sid, "63113")

    @outcome("0121")
    async def test_0121_waits_three_days_for_its_registration(self, customer: Running):
        sid = await to_code(customer, f"{PREFIX}0121")
        await customer.verify(sid, f"{PREFIX}0121")
        sender = await customer.until(sid, codes)
        assert (sender["status"], codes(sender)) == ("VERIFYING", ["63114"])
        await customer.advance(days=2)
        assert (await customer.fetch(sid))["status"] == "VERIFYING"
        await customer.advance(days=1, hours=1)
        assert (await customer.reaches(sid, "ONLINE"))["offline_reasons"] is None

    @outcome("0122")
    async def test_0122_belongs_to_a_locked_business_account(self, customer: Running):
        sid = await to_code(customer, f"{PREFIX}0122")
        await customer.verify(sid, f"{PREFIX}0122")
        await offline(customer, sid, "63051")


def test_every_outcome_is_told_here():
    assert set(OUTCOMES) == TOLD


class TestByControl:
    NUMBER = f"{PREFIX}0001"

    async def test_a_name_is_approved_by_a_person(self, dsn: str, tmp_path: Any):
        async with slow_reviews(dsn, tmp_path) as customer:
            sid = await self.under_review(customer)
            await control(customer, self.NUMBER, "name/approve")
            sender = await customer.until(sid, lambda s: s["pending_display_name_status"] == "COMPLETED")
            assert sender["profile"]["name"] == "Example Post"
            await customer.advance(days=16)
            assert "pending_display_name" not in await customer.fetch(sid), "told for a fortnight"

    async def test_a_name_is_rejected_by_a_person(self, dsn: str, tmp_path: Any):
        async with slow_reviews(dsn, tmp_path) as customer:
            sid = await self.under_review(customer)
            second = await customer.call("POST", f"{SENDERS}/{sid}", {"profile": {"name": "Example Mail"}})
            assert (second.status, second.body["code"]) == (409, 63128)
            await control(customer, self.NUMBER, "name/reject", {"reason": "NAME_NOT_CONSISTENT"})
            sender = await customer.until(sid, lambda s: s["pending_display_name_status"] == "DECLINED")
            assert sender["profile"]["name"] == "Example Parcels"
            again = await customer.call("POST", f"{SENDERS}/{sid}", {"profile": {"name": "Example Post"}})
            assert (again.status, again.body["code"]) == (400, 63124)
            assert "NAME_NOT_CONSISTENT" in again.body["message"]
            await customer.post(f"{SENDERS}/{sid}", {"profile": {"name": "Example Mail"}})
            await customer.until(sid, lambda s: s["pending_display_name_status"] == "PENDING_REVIEW")

    async def under_review(self, customer: Running) -> str:
        sid = await customer.online(self.NUMBER)
        nothing = await customer.call("POST", f"/sandbox/v1/numbers/{self.NUMBER}/name/approve")
        assert nothing.status == 404, "there is nothing to decide"
        await customer.post(f"{SENDERS}/{sid}", {"profile": {"name": "Example Post"}})
        sender = await customer.reaches(sid, "ONLINE")
        assert sender["pending_display_name_status"] == "PENDING_REVIEW"
        return sid

    async def test_a_ban_comes_and_goes(self, customer: Running):
        sid = await customer.online(self.NUMBER)
        await control(customer, self.NUMBER, "ban")
        await offline(customer, sid, "63013")
        await control(customer, self.NUMBER, "lift-ban")
        assert (await customer.reaches(sid, "ONLINE"))["offline_reasons"] is None

    @pytest.mark.parametrize("quality", ["medium", "low", "unknown", "high"])
    async def test_quality_shows_at_the_next_look(self, customer: Running, quality: str):
        sid = await customer.online(self.NUMBER)
        await control(customer, self.NUMBER, "quality", {"quality": quality})
        await customer.advance(hours=25)
        assert (await customer.fetch(sid))["properties"]["quality_rating"] == quality.upper()

    @pytest.mark.parametrize(("limit", "text"), [(250, "250 Customers/24hr"), (100_000, "100K Customers/24hr")])
    async def test_the_limit_of_the_business_shows(self, customer: Running, limit: int, text: str):
        sid = await customer.online(self.NUMBER)
        await customer.post("/sandbox/v1/messaging-limit", {"customers_per_day": limit})
        await customer.until(sid, lambda s: s["properties"]["messaging_limit"] == text)

    async def test_no_limit_shows_too(self, customer: Running):
        sid = await customer.online(self.NUMBER)
        await customer.post("/sandbox/v1/messaging-limit", {"customers_per_day": -1})
        await customer.until(sid, lambda s: s["properties"]["messaging_limit"] == "Unlimited")

    async def test_calls_that_fail_are_made_again(self, customer: Running):
        await customer.post("/sandbox/v1/network/fail-next", {"count": 4, "status": 500, "code": 131000})
        assert await customer.online(self.NUMBER)

    async def test_calls_that_are_refused_take_the_sender_off(self, customer: Running):
        await customer.post("/sandbox/v1/network/fail-next", {"count": 1, "status": 401, "code": 190})
        sid = (await customer.create(self.NUMBER))["sid"]
        await offline(customer, sid, "63001")
        await customer.post(f"{SENDERS}/{sid}", {"configuration": {"verification_method": "sms"}})
        await customer.reaches(sid, "PENDING_VERIFICATION")

    async def test_a_number_cap_is_met_and_lifted(self, customer: Running):
        await customer.post("/sandbox/v1/number-cap", {"cap": 1})
        await customer.online(self.NUMBER)
        second = (await customer.create(f"{PREFIX}0002"))["sid"]
        await offline(customer, second, "63104")
        await customer.post("/sandbox/v1/number-cap", {"cap": None})
        await customer.post(f"{SENDERS}/{second}", {"configuration": {"verification_method": "sms"}})
        await customer.reaches(second, "PENDING_VERIFICATION")

    async def test_a_reset_leaves_nothing_but_the_credentials(self, customer: Running):
        sid = await customer.online(self.NUMBER)
        await customer.advance(days=30)
        await customer.post("/sandbox/v1/reset")
        assert (await customer.call("GET", f"{SENDERS}/{sid}")).status == 404
        assert (await customer.get(f"{SENDERS}?Channel=whatsapp"))["senders"] == []
        assert await texts(customer, self.NUMBER) == []
        now = datetime.fromisoformat((await customer.get("/sandbox/v1/clock"))["now"])
        assert abs(now - datetime.now(UTC)) < timedelta(minutes=1), "the clock is right again"
        assert await customer.online(self.NUMBER) != sid, "the number can be registered anew"

    async def test_a_deleted_number_can_be_taken_up_again(self, customer: Running):
        sid = await customer.online(self.NUMBER)
        assert (await customer.call("DELETE", f"{SENDERS}/{sid}")).status == 204
        again = (await customer.create(self.NUMBER))["sid"]
        assert again != sid
        await customer.reaches(again, "ONLINE")


def slow_reviews(dsn: str, tmp_path: Any) -> Any:
    """A service at the pace manual: a name waits until somebody decides."""
    return running(dsn, tmp_path, sandbox_pace="manual")
