"""Events page by page, and those that change no sender, as every `SenderStore` keeps them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tabard.domain import event
from tabard.domain.account import CLOCK, Actor
from tabard.domain.lifecycle import Channel, Status
from tabard.ports.stores import EventsWanted
from tests.contracts.conftest import NOW
from tests.support.senders import an_agent_sender

KEY = Actor("key:SK1")
REMARKS = EventsWanted(["sender.commented"])


async def agent(stores, account, address="example_cafe"):
    sender = an_agent_sender(Status.DRAFT, address=address, account_id=account)
    await stores.senders.insert(sender, KEY, NOW, None)
    return await stores.senders.fetch(account, sender.id)


async def remark(stores, account, sender, text, at=NOW):
    told = event.commented(text) if sender else event.account_commented(Channel.RCS, text)
    return await stores.senders.tell(account, None if sender is None else sender.id, told, KEY, at)


def texts(page):
    return [stored.event.after["comment"] for stored in page.events]


async def test_a_remark_is_told_in_the_account_s_time_and_changes_no_sender(stores):
    account = await stores.account()
    sender = await agent(stores, account)
    await stores.accounts.shift_clock(account, timedelta(days=3))
    told = await remark(stores, account, sender, "looks good")
    assert (told.actor, told.occurred_at) == ("key:SK1", NOW + timedelta(days=3))
    (kept,) = (await stores.senders.event_page(account, sender.id, REMARKS, limit=10)).events
    assert kept == told
    assert (await stores.senders.fetch(account, sender.id)).version == sender.version


async def test_a_remark_on_the_account_is_none_on_its_senders(stores):
    account = await stores.account()
    sender = await agent(stores, account)
    await remark(stores, account, None, "all of them")
    wanted = EventsWanted(["sender.commented", "account.commented.rcs"])
    assert texts(await stores.senders.event_page(account, None, wanted, limit=10)) == ["all of them"]
    assert texts(await stores.senders.event_page(account, sender.id, wanted, limit=10)) == []
    other = EventsWanted(["account.commented.whatsapp"])
    assert texts(await stores.senders.event_page(account, None, other, limit=10)) == []


class TestPages:
    @pytest.fixture(params=["of a sender", "of the account"])
    async def subject(self, request, stores):
        """An account, its sender or nobody, and seven remarks on that."""
        account = await stores.account()
        sender = await agent(stores, account) if request.param == "of a sender" else None
        for number in range(7):
            await remark(stores, account, sender, f"remark {number}", NOW + timedelta(seconds=number))
        return account, sender

    async def page(self, stores, subject, **window):
        account, sender = subject
        wanted = EventsWanted(["sender.commented", "account.commented.rcs"])
        return await stores.senders.event_page(account, sender and sender.id, wanted, limit=3, **window)

    async def test_they_lead_through_all_newest_first_and_back(self, stores, subject):
        first = await self.page(stores, subject)
        second = await self.page(stores, subject, older_than=first.events[-1].number)
        third = await self.page(stores, subject, older_than=second.events[-1].number)
        said = [texts(page) for page in (first, second, third)]
        assert [text for page in said for text in page] == [f"remark {number}" for number in range(6, -1, -1)]
        assert [(page.first, page.last, page.total) for page in (first, second, third)] == [
            (True, False, 7),
            (False, False, 7),
            (False, True, 7),
        ]
        back = await self.page(stores, subject, newer_than=third.events[0].number)
        assert (back.events, back.first, back.last) == (second.events, False, False)
        assert (await self.page(stores, subject, newer_than=second.events[0].number)).first

    async def test_an_empty_page_knows_how_many_there_are(self, stores, subject):
        oldest = (await self.page(stores, subject)).events[-1].number - 4
        beyond = await self.page(stores, subject, older_than=oldest)
        assert (beyond.events, beyond.total, beyond.last) == ((), 7, True)

    async def test_a_stranger_sees_none(self, stores, subject):
        stranger = await stores.account()
        page = await self.page(stores, (stranger, subject[1]))
        assert (page.events, page.total, page.first, page.last) == ((), 0, True, True)


async def test_changes_of_status_are_wanted_by_the_status_they_lead_to(stores):
    account = await stores.account()
    sender = await agent(stores, account)
    for status in (Status.CREATING, Status.TESTING, Status.LAUNCHING, Status.ONLINE, Status.UPDATING, Status.ONLINE):
        sender = await stores.senders.save(sender, replace(sender, status=status), CLOCK, NOW)
    await stores.senders.save(sender, replace(sender, friendly_name="Front desk"), CLOCK, NOW)

    async def told(types, statuses=()):
        page = await stores.senders.event_page(account, sender.id, EventsWanted(types, statuses), limit=10)
        assert page.total == len(page.events)
        return [(stored.event.type, stored.event.after.get("status")) for stored in page.events]

    assert await told([], [Status.TESTING]) == [("sender.status", "testing")]
    assert await told([], [Status.ONLINE]) == [("sender.status", "online")] * 2
    assert await told(["sender.created"], [Status.LAUNCHING]) == [
        ("sender.status", "launching"),
        ("sender.created", "draft"),
    ]
    assert await told([]) == []


async def test_a_reason_that_changes_while_the_status_stays_is_no_change_of_status(stores):
    account = await stores.account()
    sender = await agent(stores, account)
    offline = await stores.senders.save(sender, replace(sender, status=Status.OFFLINE), CLOCK, NOW)
    await stores.senders.save(offline, offline.warned("stuck", "again"), CLOCK, NOW)
    page = await stores.senders.event_page(account, sender.id, EventsWanted([], [Status.OFFLINE]), limit=10)
    assert page.total == 1
