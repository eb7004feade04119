"""What becomes of a sender that the network refuses: it tries again, waits for the limit's end, or gives up with a
reason, and it comes back once the cause is gone."""

from datetime import timedelta

import pytest

from tabard.app.accounts import SANDBOX_ACCOUNT
from tabard.domain.sender import Quality
from tabard.ports.emulations import EmulatedWhatsApp
from tests.support.service import SENDERS
from tests.support.workshop import Workshop

NUMBER = "+15550100001"


def network_of(shop: Workshop) -> EmulatedWhatsApp:
    sandbox = shop.tabard.parts.services.sandbox
    assert sandbox is not None
    return sandbox.whatsapp


async def seen(shop: Workshop, sid: str) -> tuple[str, list[str]]:
    """Status, and the codes of the reasons."""
    sender = await shop.tabard.fetch(sid)
    return sender["status"], [reason["code"] for reason in sender["offline_reasons"] or []]


async def code_awaited(shop: Workshop, number: str) -> str:
    sid: str = (await shop.tabard.create(number))["sid"]
    await shop.pass_time(seconds=5)
    assert await seen(shop, sid) == ("PENDING_VERIFICATION", [])
    return sid


async def ask_for_a_code(shop: Workshop, sid: str) -> None:
    await shop.tabard.post(f"{SENDERS}/{sid}", {"configuration": {"verification_method": "sms"}})


class TestTheyWait:
    async def test_three_days_until_the_number_may_be_registered_again(self, shop: Workshop):
        sid = await code_awaited(shop, "+15550100121")
        await shop.tabard.verify(sid, "+15550100121")
        await shop.pass_time(seconds=5)
        assert await seen(shop, sid) == ("VERIFYING", ["63114"])
        await shop.pass_time(hours=71)
        assert await seen(shop, sid) == ("VERIFYING", ["63114"])
        await shop.pass_time(hours=2)
        assert await seen(shop, sid) == ("ONLINE", [])

    async def test_an_hour_after_too_many_codes(self, shop: Workshop):
        sid = await code_awaited(shop, NUMBER)
        for _ in range(9):
            await ask_for_a_code(shop, sid)
            await shop.work()
        await ask_for_a_code(shop, sid)
        await shop.work()
        assert await seen(shop, sid) == ("PENDING_VERIFICATION", ["63114"])
        before = await shop.tabard.code(NUMBER)
        await shop.pass_time(hours=1, minutes=1)
        assert await seen(shop, sid) == ("PENDING_VERIFICATION", [])
        assert await shop.tabard.code(NUMBER) != before
        await shop.tabard.verify(sid, NUMBER)
        await shop.pass_time(seconds=5)
        assert await seen(shop, sid) == ("ONLINE", [])

    async def test_until_then_the_last_code_may_still_be_typed_in(self, shop: Workshop):
        sid = await code_awaited(shop, NUMBER)
        for _ in range(10):
            await ask_for_a_code(shop, sid)
            await shop.work()
        assert await seen(shop, sid) == ("PENDING_VERIFICATION", ["63114"])
        await shop.tabard.verify(sid, NUMBER)
        await shop.pass_time(seconds=5)
        assert await seen(shop, sid) == ("ONLINE", [])

    async def test_and_a_wait_is_told_but_is_no_failed_try(self, shop: Workshop):
        sid = await code_awaited(shop, "+15550100121")
        await shop.tabard.verify(sid, "+15550100121")
        await shop.pass_time(seconds=5)
        stored = await shop.stored(sid)
        assert stored.link.attempts == 0
        assert stored.due_at is not None
        assert stored.due_at - shop.clock.now() > timedelta(hours=71)


class TestTheyGiveUp:
    async def test_where_the_business_holds_as_many_numbers_as_it_may(self, shop: Workshop):
        await network_of(shop).set_number_cap(SANDBOX_ACCOUNT, 0)
        sid = (await shop.tabard.create(NUMBER))["sid"]
        await shop.pass_time(seconds=5)
        assert await seen(shop, sid) == ("OFFLINE", ["63104"])
        assert await shop.held(NUMBER) == []
        await network_of(shop).set_number_cap(SANDBOX_ACCOUNT, 2)
        await ask_for_a_code(shop, sid)
        await shop.pass_time(seconds=5)
        assert await seen(shop, sid) == ("PENDING_VERIFICATION", [])

    async def test_where_somebody_else_has_set_a_pin(self, shop: Workshop):
        sid = await code_awaited(shop, "+15550100120")
        await shop.tabard.verify(sid, "+15550100120")
        await shop.pass_time(days=3)
        assert await seen(shop, sid) == ("OFFLINE", ["63113"])
        assert shop.network.calls.count("register") == 1, "a wrong PIN is not guessed again"

    async def test_after_more_than_a_day_of_failures_in_a_row(self, shop: Workshop):
        await network_of(shop).fail_next(SANDBOX_ACCOUNT, 10_000, status=503, code=2)
        sid = (await shop.tabard.create(NUMBER))["sid"]
        await shop.pass_time(hours=23)
        assert await seen(shop, sid) == ("CREATING", [])
        await shop.pass_time(hours=8)
        assert await seen(shop, sid) == ("OFFLINE", ["63012"])
        await network_of(shop).fail_next(SANDBOX_ACCOUNT, 0, status=503, code=2)
        await ask_for_a_code(shop, sid)
        await shop.pass_time(seconds=5)
        assert await seen(shop, sid) == ("PENDING_VERIFICATION", [])

    async def test_an_update_that_is_refused_leaves_the_sender_online_with_a_warning(self, shop: Workshop):
        sid = await shop.online(NUMBER)
        await network_of(shop).fail_next(SANDBOX_ACCOUNT, 1, status=400, code=100)
        await shop.tabard.post(f"{SENDERS}/{sid}", {"profile": {"about": "Door to door"}})
        await shop.pass_time(seconds=5)
        assert await seen(shop, sid) == ("ONLINE", [])
        assert "sender.warning" in await shop.events(sid)

    async def test_a_taken_up_name_whose_registration_is_refused_says_so(self, shop: Workshop):
        sid = await shop.online(NUMBER)
        await shop.tabard.parts.pool.execute("update sandbox.meta_numbers set pin_hash = 'someone else''s'")
        await shop.tabard.post(f"{SENDERS}/{sid}", {"profile": {"name": "Example Post"}})
        await shop.pass_time(minutes=5)
        sender = await shop.tabard.fetch(sid)
        assert (sender["status"], sender["pending_display_name_status"]) == ("ONLINE", "PIN_MISMATCH")
        await shop.pass_time(days=2)
        assert shop.network.calls.count("register") == 2, "once to go online, once for the name"


class TestTheyComeBack:
    @pytest.mark.parametrize("told", [True, False], ids=["at once when told", "within a day when not told"])
    async def test_when_a_ban_is_lifted(self, shop: Workshop, told: bool):
        sandbox = network_of(shop)
        sid = await shop.online(NUMBER)
        if not told:
            await shop.tabard.parts.pool.execute("update sandbox.meta_realms set drops_webhooks = true")
        patience = {"seconds": 5} if told else {"hours": 25}
        await sandbox.ban(SANDBOX_ACCOUNT, NUMBER)
        await shop.pass_time(**patience)
        assert await seen(shop, sid) == ("OFFLINE", ["63013"])
        await sandbox.lift_ban(SANDBOX_ACCOUNT, NUMBER)
        await shop.pass_time(**patience)
        assert await seen(shop, sid) == ("ONLINE", [])
        told_of = await shop.events(sid)
        assert (told_of.count("sender.offline"), told_of.count("sender.online")) == (1, 2)

    async def test_after_the_first_calls_have_failed(self, shop: Workshop):
        assert await shop.online("+15550100117")
        assert await shop.held("+15550100117") == ["CONNECTED"]

    async def test_when_they_are_looked_at_every_day(self, shop: Workshop):
        sid = await shop.online(NUMBER)
        await shop.tabard.parts.pool.execute("update sandbox.meta_realms set drops_webhooks = true")
        await network_of(shop).set_quality(SANDBOX_ACCOUNT, NUMBER, Quality.LOW)
        await network_of(shop).set_messaging_limit(SANDBOX_ACCOUNT, 250)
        await shop.pass_time(hours=25)
        sender = await shop.tabard.fetch(sid)
        assert sender["properties"] == {"quality_rating": "LOW", "messaging_limit": "250 Customers/24hr"}
