"""What every `SenderStore` does."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from tabard.domain.account import CLOCK, Actor
from tabard.domain.agents.agent import Agent, Billing, BusinessContact, DataRegion, Review
from tabard.domain.agents.agent import Tester as Phone
from tabard.domain.agents.agent import TesterStatus as PhoneStatus
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.domain.errors import AddressTaken, IdempotencyKeyReused, NotFound, StaleVersion
from tabard.domain.ids import SenderId, new_account_id, new_sender_id
from tabard.domain.lifecycle import Channel, Signal, Status
from tabard.domain.profile import Contact, Profile, UseCase, Vertical
from tabard.domain.sender import (
    AccountType,
    NameChange,
    NameReview,
    Quality,
    Reason,
    Registration,
    Trouble,
    VerificationMethod,
    Webhook,
)
from tabard.ports.stores import Idempotency
from tests.contracts.conftest import NOW
from tests.support.senders import AGENT_PROFILE, a_sender, an_agent_sender

KEY = Actor("key:SK1")
LEASE = timedelta(seconds=30)


async def stored(stores, account_id, *, address="+15550100001", status=Status.CREATING, **fields):
    sender = replace(a_sender(address=address, account_id=account_id), **fields)
    await stores.senders.insert(sender, KEY, NOW, None)
    if status is Status.CREATING:
        return await stores.senders.fetch(account_id, sender.id)
    before = await stores.senders.fetch(account_id, sender.id)
    return await stores.senders.save(before, replace(before, status=status, status_since=NOW), KEY, NOW)


async def test_a_sender_comes_back_as_it_was_saved(stores):
    account = await stores.account()
    before = await stored(stores, account)
    full = replace(
        before,
        status=Status.ONLINE,
        friendly_name="Front desk",
        registration=Registration("500000000000001", VerificationMethod.VOICE, AccountType.ISV, "AP1"),
        webhook=Webhook("https://example.com/a", "POST", "https://example.com/b", "PUT", None, None),
        profile=Profile(
            name="Example Parcels",
            about="Grüße 👋",
            vertical=Vertical.TRAVEL,
            emails=(Contact("care@example.com", "Email"),),
            websites=(Contact("https://example.com", "Website"),),
            use_case=UseCase.OTP,
        ),
        name_change=NameChange("Example Post", NameReview.DECLINED, NOW, "too plain"),
        quality=Quality.HIGH,
        messaging_limit=-1,
        offline_reasons=(Reason(Trouble.NUMBER_BANNED, "banned"),),
        warnings=(Reason(Trouble.LOGO_UNUSABLE, "no logo"),),
        sealed_pin=b"\x01pin",
        sealed_code=b"\x01code",
        due_at=NOW + timedelta(hours=1),
    ).linked(network_id="7", registered=True, profile_digest="d", code_wanted=True, attempts=2)
    saved = await stores.senders.save(before, full, KEY, NOW)
    assert await stores.senders.fetch(account, before.id) == saved
    assert replace(saved, version=full.version, updated_at=full.updated_at) == full


FULL_AGENT = Agent(
    data_region=DataRegion.EU,
    billing=Billing.CONVERSATIONAL,
    countries=("SE", "FR"),
    asked_countries=("SE",),
    carriers=(
        Carrier("r1", "SE", "Telia", CarrierStatus.REJECTED, "no opt-in", NOW, asked=True),
        Carrier("r2", "FR", "Orange"),
    ),
    testers=(
        Phone("+15550100101", PhoneStatus.ACCEPTED, NOW),
        Phone("+15550100102", PhoneStatus.WAITING, NOW + timedelta(microseconds=1), anew=True),
    ),
    invitations=(NOW, NOW + timedelta(hours=1)),
    review=Review(
        "At the till", "An order", "News;;Dates", None, {"interactions": ";;"}, ("https://v",), ("https://s",)
    ),
    contact=BusinessContact("Ana", "ana@example.com", "Head", None, "+15550100103", {"company": "Relay"}),
    local_answers={"FR": {"siren": "123456789", "volume": 5, "samples": ["a", "b"], "ages": False}},
    compliance={"": "BU1", "FR": "BU2"},
    launch_wanted=True,
    waits_for_video=True,
    verified=True,
    launched_at=NOW,
)


@pytest.mark.parametrize("agent", [Agent(), FULL_AGENT], ids=["plain", "full"])
async def test_an_agent_comes_back_as_it_was_stored(stores, agent):
    account = await stores.account()
    sender = an_agent_sender(account_id=account, agent=agent)
    await stores.senders.insert(sender, KEY, NOW, None)
    before = await stores.senders.fetch(account, sender.id)
    assert before.agent == agent
    saved = await stores.senders.save(before, replace(before, agent=FULL_AGENT), KEY, NOW)
    assert saved.agent == FULL_AGENT
    assert await stores.senders.fetch(account, sender.id) == saved
    (claimed,) = await stores.senders.claim_due(NOW, LEASE, 1)
    assert claimed.sender == saved


async def test_a_draft_is_kept_beside_the_profile_until_it_is_submitted(stores):
    account = await stores.account()
    before = await stored(stores, account)
    assert before.draft is None
    drafted = await stores.senders.save(before, replace(before, draft=AGENT_PROFILE), KEY, NOW)
    assert await stores.senders.fetch(account, before.id) == drafted
    assert (drafted.draft, drafted.profile) == (AGENT_PROFILE, before.profile)
    submitted = await stores.senders.save(drafted, replace(drafted, draft=None), KEY, NOW)
    assert (await stores.senders.fetch(account, before.id)).draft is submitted.draft is None


async def test_an_address_is_taken_once_in_an_account_until_it_is_deleted(stores):
    account, other = await stores.account(), await stores.account()
    first = await stored(stores, account)
    await stored(stores, other)
    with pytest.raises(AddressTaken):
        await stored(stores, account)
    await stores.senders.save(first, replace(first, status=Status.DELETED, due_at=None), KEY, NOW)
    await stored(stores, account)


async def test_another_account_s_sender_is_not_found(stores):
    account, other = await stores.account(), await stores.account()
    sender = await stored(stores, account)
    for read in (stores.senders.fetch(other, sender.id), stores.senders.load(other, sender.id, NOW)):
        with pytest.raises(NotFound):
            await read
    with pytest.raises(StaleVersion):
        await stores.senders.save(replace(sender, account_id=other), replace(sender, account_id=other), KEY, NOW)


async def test_a_deleted_sender_is_not_found(stores):
    account = await stores.account()
    sender = await stored(stores, account, status=Status.DELETED)
    with pytest.raises(NotFound):
        await stores.senders.fetch(account, sender.id)
    with pytest.raises(NotFound):
        await stores.senders.load(account, sender.id, NOW)


async def test_of_two_who_change_the_same_version_one_must_load_again(stores):
    account = await stores.account()
    sender = await stored(stores, account)
    await stores.senders.save(sender, replace(sender, friendly_name="first"), KEY, NOW)
    with pytest.raises(StaleVersion):
        await stores.senders.save(sender, replace(sender, friendly_name="second"), KEY, NOW)
    assert (await stores.senders.fetch(account, sender.id)).friendly_name == "first"


class TestPages:
    async def ids(self, stores, account, **window):
        page = await stores.senders.page(account, Channel.WHATSAPP, **window)
        return [sender.id for sender in page.senders], page.first, page.last

    async def test_they_are_newest_first_and_know_their_ends(self, stores):
        account = await stores.account()
        await stored(stores, await stores.account())
        made = [(await stored(stores, account, address=f"+1555010000{n}")).id for n in range(5)]
        newest = sorted(made, reverse=True)
        assert await self.ids(stores, account, limit=2) == (newest[:2], True, False)
        assert await self.ids(stores, account, limit=2, older_than=newest[1]) == (newest[2:4], False, False)
        assert await self.ids(stores, account, limit=2, older_than=newest[3]) == (newest[4:], False, True)
        assert await self.ids(stores, account, limit=2, newer_than=newest[4]) == (newest[2:4], False, False)
        assert await self.ids(stores, account, limit=2, newer_than=newest[2]) == (newest[:2], True, False)

    async def test_a_sender_made_meanwhile_moves_none(self, stores):
        account = await stores.account()
        made = sorted([(await stored(stores, account, address=f"+1555010000{n}")).id for n in range(4)], reverse=True)
        await stored(stores, account, address="+15550100099", id=SenderId(UUID(int=2**128 - 2)))
        assert (await self.ids(stores, account, limit=2, older_than=made[1]))[0] == made[2:]

    async def test_there_may_be_none(self, stores):
        assert await self.ids(stores, await stores.account(), limit=20) == ([], True, True)


class TestIdempotency:
    async def insert(self, stores, account, key, *, address="+15550100001", fingerprint=b"f"):
        sender = a_sender(address=address, account_id=account)
        await stores.senders.insert(sender, KEY, NOW, Idempotency(key, fingerprint, str(sender.id).encode()))
        return sender

    async def test_the_first_answer_is_kept_for_a_day(self, stores):
        account = await stores.account()
        sender = await self.insert(stores, account, "k")
        almost = NOW + timedelta(hours=23, minutes=59)
        assert await stores.senders.answer_for(account, "k", b"f", almost) == str(sender.id).encode()
        assert await stores.senders.answer_for(account, "k", b"f", NOW + timedelta(hours=24)) is None

    async def test_another_request_with_the_key_is_refused(self, stores):
        account = await stores.account()
        await self.insert(stores, account, "k")
        with pytest.raises(IdempotencyKeyReused):
            await stores.senders.answer_for(account, "k", b"other", NOW)

    async def test_a_key_is_its_account_s_own(self, stores):
        account, other = await stores.account(), await stores.account()
        await self.insert(stores, account, "k")
        assert await stores.senders.answer_for(other, "k", b"f", NOW) is None

    async def test_a_refused_sender_leaves_no_key(self, stores):
        account = await stores.account()
        await stored(stores, account)
        with pytest.raises(AddressTaken):
            await self.insert(stores, account, "k")
        assert await stores.senders.answer_for(account, "k", b"f", NOW) is None

    async def test_of_two_at_once_with_one_key_only_one_sender_is_stored(self, stores):
        account = await stores.account()
        await self.insert(stores, account, "k")
        with pytest.raises(IdempotencyKeyReused):
            await self.insert(stores, account, "k", address="+15550100002", fingerprint=b"g")
        page = await stores.senders.page(account, Channel.WHATSAPP, limit=10)
        assert [sender.address for sender in page.senders] == ["+15550100001"]

    async def test_expired_keys_are_forgotten_and_free(self, stores):
        account = await stores.account()
        await self.insert(stores, account, "k")
        later = NOW + timedelta(hours=25)
        await stores.senders.forget_expired_keys(later)
        sender = a_sender(address="+15550100002", account_id=account)
        await stores.senders.insert(sender, KEY, later, Idempotency("k", b"g", b"answer"))
        assert await stores.senders.answer_for(account, "k", b"g", later) == b"answer"


class TestDue:
    async def claim(self, stores, now=NOW, limit=10):
        return [loaded.sender for loaded in await stores.senders.claim_due(now, LEASE, limit)]

    async def test_what_is_due_is_claimed_once_until_the_lease_ends(self, stores):
        sender = await stored(stores, await stores.account())
        assert await self.claim(stores) == [sender]
        assert await self.claim(stores) == []
        assert await stores.senders.next_due() == NOW + LEASE
        assert await self.claim(stores, NOW + LEASE) == [sender]

    async def test_what_is_not_due_yet_waits(self, stores):
        due = NOW + timedelta(seconds=5)
        sender = await stored(stores, await stores.account(), due_at=due)
        assert await self.claim(stores) == []
        assert await stores.senders.next_due() == due
        assert await self.claim(stores, due) == [sender]

    async def test_the_holder_lets_go_when_it_saves_unless_it_holds_on(self, stores):
        sender = await stored(stores, await stores.account())
        await self.claim(stores)
        held = await stores.senders.save_held(sender, sender, CLOCK, NOW, held_until=NOW + LEASE)
        assert await self.claim(stores) == []
        freed = await stores.senders.save_held(held, held, CLOCK, NOW, held_until=None)
        assert await self.claim(stores) == [freed]

    async def test_somebody_else_s_change_leaves_the_sender_with_its_holder_until_that_lets_go(self, stores):
        sender = await stored(stores, await stores.account())
        (claimed,) = await stores.senders.claim_due(NOW, LEASE, 1)
        changed = await stores.senders.save(sender, sender, KEY, NOW)
        assert await self.claim(stores) == []
        with pytest.raises(StaleVersion):
            await stores.senders.save_held(sender, sender, CLOCK, NOW, held_until=None)
        await stores.senders.release(sender.id, NOW)
        assert await self.claim(stores) == [], "another hold is not its to end"
        await stores.senders.release(sender.id, claimed.held_until)
        assert await self.claim(stores) == [changed]

    async def test_the_longest_due_come_first(self, stores):
        account = await stores.account()
        late = await stored(stores, account, address="+15550100001", due_at=NOW - timedelta(seconds=1))
        later = await stored(stores, account, address="+15550100002", due_at=NOW - timedelta(seconds=9))
        assert await self.claim(stores, limit=1) == [later]
        assert await self.claim(stores, limit=1) == [late]

    async def test_a_number_waits_until_its_former_sender_is_taken_down(self, stores):
        account = await stores.account()
        former = await stored(stores, account, status=Status.DELETED)
        sender = await stored(stores, account)
        assert [claimed.id for claimed in await self.claim(stores)] == [former.id]
        assert await stores.senders.next_due() == NOW + LEASE, "the waiting one is nobody's business yet"
        await stores.senders.save(former, replace(former, due_at=NOW + timedelta(hours=72)), CLOCK, NOW)
        assert not await stores.accounts.has_due(account, NOW)
        assert await stores.accounts.next_due(account) == NOW + timedelta(hours=72)
        former = replace(former, version=former.version + 1)
        await stores.senders.save(former, replace(former, due_at=None), CLOCK, NOW)
        assert await self.claim(stores) == [sender]

    async def test_an_agent_does_not_wait_for_its_former_namesake(self, stores):
        """It is another one at the network, and the former may have to wait for its carriers for weeks."""
        account = await stores.account()
        sender = an_agent_sender(account_id=account)
        await stores.senders.insert(sender, KEY, NOW, None)
        former = await stores.senders.fetch(account, sender.id)
        later = NOW + timedelta(days=9)
        await stores.senders.save(former, replace(former, status=Status.DELETED, due_at=later), CLOCK, NOW)
        again = an_agent_sender(account_id=account)
        await stores.senders.insert(again, KEY, NOW, None)
        assert [sender.id for sender in await self.claim(stores)] == [again.id]

    async def test_nothing_due_is_none(self, stores):
        await stored(stores, await stores.account(), due_at=None)
        assert await stores.senders.next_due() is None


async def test_the_account_s_clock_shows_in_its_times_and_in_nobody_else_s(stores):
    account, other = await stores.account(), await stores.account()
    early = await stored(stores, account, address="+15550100001", due_at=NOW + timedelta(days=3))
    theirs = await stored(stores, other, due_at=NOW + timedelta(days=3))
    await stores.accounts.shift_clock(account, timedelta(days=3))
    assert (await stores.senders.load(account, early.id, NOW)).account_now == NOW + timedelta(days=3)
    assert (await stores.senders.fetch(account, early.id)).due_at == NOW
    assert (await stores.senders.fetch(other, theirs.id)).due_at == NOW + timedelta(days=3)
    late = await stored(stores, account, address="+15550100002")
    assert late.created_at == late.status_since == NOW + timedelta(days=3)


async def test_a_former_pin_is_found_for_the_same_number_of_the_same_account(stores):
    account, other = await stores.account(), await stores.account()
    former = await stored(stores, account)
    await stores.senders.save(former, replace(former, status=Status.DELETED, sealed_pin=b"pin", due_at=None), KEY, NOW)
    again = await stored(stores, account)
    assert await stores.senders.former_pin(again) == b"pin"
    assert await stores.senders.former_pin(await stored(stores, other)) is None


async def test_a_touch_makes_the_senders_of_the_business_account_due_and_overtakes_their_worker(stores):
    account = await stores.account()
    later = NOW + timedelta(hours=9)
    own = await stored(stores, account, address="+15550100001", status=Status.ONLINE, due_at=later)
    named = Registration(business_account="5002")
    elsewhere = await stored(
        stores, account, address="+15550100002", status=Status.ONLINE, due_at=later, registration=named
    )
    await stores.senders.touch([account], [account], Channel.WHATSAPP, "5001", NOW)
    assert (await stores.senders.fetch(account, own.id)).due_at == NOW
    assert (await stores.senders.fetch(account, elsewhere.id)).due_at == later
    with pytest.raises(StaleVersion):
        await stores.senders.save(own, own, CLOCK, NOW)
    await stores.senders.touch([account], [], Channel.WHATSAPP, "5002", NOW)
    assert (await stores.senders.fetch(account, elsewhere.id)).due_at == NOW


async def test_a_sender_is_found_by_its_address_and_by_its_number_at_the_network(stores):
    account = await stores.account()
    sender = await stored(stores, account)
    sender = await stores.senders.save(sender, sender.linked(network_id="7001"), CLOCK, NOW)

    async def found(*, account=account, **by):
        return [loaded.sender for loaded in await stores.senders.of_number([account], Channel.WHATSAPP, NOW, **by)]

    assert await found(address=sender.address) == [sender]
    assert await found(network_id="7001") == [sender]
    assert await found(address="+15550100009") == await found(network_id="7002") == await found() == []
    assert await found(account=new_account_id(), address=sender.address) == []


async def test_a_number_that_another_living_sender_has_is_known_across_accounts(stores):
    theirs = await stored(stores, await stores.account())
    theirs = await stores.senders.save(theirs, theirs.linked(network_id="7001"), CLOCK, NOW)
    ours = await stored(stores, await stores.account())
    assert await stores.senders.is_held(Channel.WHATSAPP, "7001", but_for=ours.id)
    assert not await stores.senders.is_held(Channel.WHATSAPP, "7002", but_for=ours.id)
    assert not await stores.senders.is_held(Channel.WHATSAPP, "7001", but_for=theirs.id)
    await stores.senders.save(theirs, replace(theirs, status=Status.DELETED, due_at=None), CLOCK, NOW)
    assert not await stores.senders.is_held(Channel.WHATSAPP, "7001", but_for=ours.id)


async def test_an_agent_that_a_living_sender_has_is_held_for_its_channel_only(stores):
    account = await stores.account()
    sender = an_agent_sender(account_id=account)
    await stores.senders.insert(sender, KEY, NOW, None)
    assert await stores.senders.is_held(Channel.RCS, "example_agent")
    assert not await stores.senders.is_held(Channel.RCS, "example_agent", but_for=sender.id)
    assert not await stores.senders.is_held(Channel.WHATSAPP, "example_agent")


async def test_who_rests_too_long_in_between_is_stuck_until_reported(stores):
    account = await stores.account()
    sender = await stored(stores, account, status=Status.VERIFYING)
    await stored(stores, account, address="+15550100002", status=Status.ONLINE)
    hour = timedelta(hours=1)
    assert await stores.senders.stuck(NOW + hour, hour, 10) == []
    (loaded,) = await stores.senders.stuck(NOW + hour + timedelta(seconds=1), hour, 10)
    assert loaded.sender == sender
    await stores.senders.save(sender, sender.warned(Trouble.STUCK, "verifying for an hour"), CLOCK, NOW)
    assert await stores.senders.stuck(NOW + timedelta(hours=2), hour, 10) == []


async def test_an_unknown_sender_is_not_found(stores):
    with pytest.raises(NotFound):
        await stores.senders.fetch(await stores.account(), new_sender_id())


async def test_the_status_since_which_it_holds_is_kept(stores):
    account = await stores.account()
    sender = await stored(stores, account)
    later = NOW + timedelta(minutes=5)
    moved = await stores.senders.save(sender, sender.signalled(Signal.CODE_SENT, later), CLOCK, later)
    assert (await stores.senders.fetch(account, sender.id)).status_since == later
    assert moved.updated_at == later


async def test_its_events_are_told_newest_first_with_who_and_when(stores):
    account = await stores.account()
    sender = await stored(stores, account)
    await stored(stores, account, address="+15550100002")
    later = NOW + timedelta(minutes=5)
    await stores.senders.save(sender, sender.signalled(Signal.CODE_SENT, later), CLOCK, later)
    told = await stores.senders.events(sender, 10)
    assert [(t.event.type, t.actor, t.occurred_at) for t in told] == [
        ("sender.status", "clock", later),
        ("sender.created", "key:SK1", NOW),
    ]
    assert told[0].number > told[1].number
    assert told[0].event.after["status"] == "pending_verification"
    assert len(await stores.senders.events(sender, 1)) == 1
