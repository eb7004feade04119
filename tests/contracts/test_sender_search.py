"""Lists in any order, as every `SenderStore` gives them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tabard.domain.account import CLOCK
from tabard.domain.lifecycle import Channel, Status
from tabard.ports.stores import SortBy, Wanted
from tests.contracts.conftest import NOW
from tests.support.senders import AGENT_PROFILE, a_sender, an_agent_sender

LIFE = (
    Status.DRAFT,
    Status.CREATING,
    Status.TESTING,
    Status.PREPARING,
    Status.LAUNCHING,
    Status.ONLINE,
    Status.UPDATING,
    Status.OFFLINE,
)
NAMES = ("delta", "Bravo", "alpha", "Charlie", "Éclair", "bravo", "zulu", None)


async def agent(stores, account, address, *, status=Status.TESTING, name="Example Cafe", modified=NOW):
    profile = replace(AGENT_PROFILE, name=name)
    sender = an_agent_sender(address=address, account_id=account, profile=profile)
    await stores.senders.insert(sender, CLOCK, NOW, None)
    before = await stores.senders.fetch(account, sender.id)
    return await stores.senders.save(before, replace(before, status=status), CLOCK, modified)


async def eight(stores, account):
    """Each with another name and status, changed in another order than they were made."""
    return [
        await agent(
            stores,
            account,
            f"agent_{number}",
            status=LIFE[number * 3 % 8],
            name=name,
            modified=NOW + timedelta(seconds=number * 5 % 8),
        )
        for number, name in enumerate(NAMES)
    ]


def wanting(**more):
    return Wanted(channel=Channel.RCS, **more)


async def pages(stores, account, wanted, limit, *, most=20):
    """Every page from the first one on."""
    found = [await stores.senders.search(account, wanted, limit=limit)]
    while not found[-1].last:
        assert len(found) < most
        found.append(await stores.senders.search(account, wanted, limit=limit, beyond=found[-1].marks[-1]))
    return found


def order_of(sort_by):
    match sort_by:
        case SortBy.CREATED:
            return lambda sender: sender.id
        case SortBy.MODIFIED:
            return lambda sender: (sender.updated_at, sender.id)
        case SortBy.NAME:
            return lambda sender: ((sender.profile.name or "").lower().encode(), sender.id)
        case SortBy.STATUS:
            return lambda sender: (LIFE.index(sender.status), sender.id)


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("sort_by", SortBy)
class TestEveryOrder:
    async def test_pages_lead_through_all_and_back(self, stores, sort_by, descending):
        account = await stores.account()
        made = await eight(stores, account)
        wanted = wanting(sort_by=sort_by, descending=descending)
        expected = sorted(made, key=order_of(sort_by), reverse=descending)
        there = await pages(stores, account, wanted, 3)
        assert [sender for page in there for sender in page.senders] == expected
        assert [(page.first, page.last, page.total) for page in there] == [
            (True, False, 8),
            (False, False, 8),
            (False, True, 8),
        ]
        back = await stores.senders.search(account, wanted, limit=3, beyond=there[2].marks[0], backwards=True)
        assert (back.senders, back.marks, back.first, back.last) == (
            there[1].senders,
            there[1].marks,
            False,
            False,
        )
        first = await stores.senders.search(account, wanted, limit=3, beyond=back.marks[0], backwards=True)
        assert (first.senders, first.first, first.last) == (there[0].senders, True, False)

    async def test_ties_neither_hide_nor_repeat_a_sender(self, stores, sort_by, descending):
        account = await stores.account()
        made = [await agent(stores, account, f"agent_{number}") for number in range(5)]
        wanted = wanting(sort_by=sort_by, descending=descending)
        there = await pages(stores, account, wanted, 2)
        assert [sender for page in there for sender in page.senders] == sorted(
            made, key=lambda sender: sender.id, reverse=descending
        )

    async def test_another_account_s_senders_never_come(self, stores, sort_by, descending):
        account, other = await stores.account(), await stores.account()
        mine = await agent(stores, account, "mine")
        theirs = await agent(stores, other, "theirs")
        wanted = wanting(sort_by=sort_by, descending=descending)
        found = await stores.senders.search(account, wanted, limit=10)
        assert (found.senders, found.total) == ((mine,), 1)
        mark = (await stores.senders.search(other, wanted, limit=10)).marks[0]
        for backwards in (False, True):
            beyond = await stores.senders.search(account, wanted, limit=10, beyond=mark, backwards=backwards)
            assert theirs not in beyond.senders
            assert beyond.total == 1
        asked = await stores.senders.search(account, replace(wanted, ids=frozenset({theirs.id})), limit=10)
        assert (asked.senders, asked.total) == ((), 0)

    async def test_an_empty_page_knows_how_many_there_are(self, stores, sort_by, descending):
        account = await stores.account()
        wanted = wanting(sort_by=sort_by, descending=descending)
        none = await stores.senders.search(account, wanted, limit=3)
        assert (none.senders, none.marks, none.total, none.first, none.last) == ((), (), 0, True, True)
        await eight(stores, account)
        end = (await pages(stores, account, wanted, 8))[-1].marks[-1]
        beyond = await stores.senders.search(account, wanted, limit=3, beyond=end)
        assert (beyond.senders, beyond.total, beyond.first, beyond.last) == ((), 8, False, True)

    async def test_a_sender_made_or_deleted_meanwhile_moves_no_other(self, stores, sort_by, descending):
        account = await stores.account()
        made = sorted(await eight(stores, account), key=order_of(sort_by), reverse=descending)
        wanted = wanting(sort_by=sort_by, descending=descending)
        mark = (await stores.senders.search(account, wanted, limit=3)).marks[-1]
        await stores.senders.save(made[2], replace(made[2], status=Status.DELETED, due_at=None), CLOCK, NOW)
        page = await stores.senders.search(account, wanted, limit=3, beyond=mark)
        assert (list(page.senders), page.total) == (made[3:6], 7)


class TestFilters:
    async def found(self, stores, account, **wanted):
        page = await stores.senders.search(account, wanting(sort_by=SortBy.NAME, descending=False, **wanted), limit=10)
        assert page.total == len(page.senders)
        return [sender.profile.name for sender in page.senders]

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("RAV", ["Bravo", "bravo"]),
            ("éc", ["Éclair"]),
            ("ÉC", ["Éclair"]),
            ("a", ["alpha", "Bravo", "bravo", "Charlie", "delta", "Éclair"]),
            ("%", []),
            ("_", []),
            ("nobody", []),
        ],
    )
    async def test_a_text_is_part_of_the_name_in_any_case_and_no_pattern(self, stores, text, names):
        account = await stores.account()
        await eight(stores, account)
        assert sorted(await self.found(stores, account, text=text)) == sorted(names)

    async def test_by_status(self, stores):
        account = await stores.account()
        made = await eight(stores, account)
        wanted = frozenset({Status.DRAFT, Status.ONLINE})
        assert set(await self.found(stores, account, statuses=wanted)) == {
            sender.profile.name for sender in made if sender.status in wanted
        }
        assert await self.found(stores, account, statuses=frozenset()) == []

    async def test_by_id(self, stores):
        account = await stores.account()
        made = await eight(stores, account)
        assert await self.found(stores, account, ids=frozenset({made[2].id, made[6].id})) == ["alpha", "zulu"]
        assert await self.found(stores, account, ids=frozenset()) == []

    async def test_all_at_once(self, stores):
        account = await stores.account()
        made = await eight(stores, account)
        bravo = made[1]
        ids, statuses = frozenset({bravo.id, made[2].id}), frozenset({bravo.status})
        assert await self.found(stores, account, text="brav", ids=ids, statuses=statuses) == ["Bravo"]

    async def test_the_other_channel_s_senders_and_deleted_ones_are_none(self, stores):
        account = await stores.account()
        await stores.senders.insert(a_sender(account_id=account), CLOCK, NOW, None)
        await agent(stores, account, "gone", status=Status.DELETED)
        assert await self.found(stores, account) == []
        numbers = await stores.senders.search(account, Wanted(channel=Channel.WHATSAPP), limit=10)
        assert [sender.address for sender in numbers.senders] == ["+15550100001"]
