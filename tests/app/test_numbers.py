"""Step by step with a WhatsApp number: the caller waits, a worker does the step, the network says what came of it."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from tabard.app import numbers
from tabard.domain.account import Account, AccountKind, Actor, Connection, Principal
from tabard.domain.errors import (
    AddressTaken,
    Busy,
    CodeRefused,
    FileFault,
    FileUnusable,
    InvalidInput,
    NetworkRefused,
    NotFound,
    WrongStatus,
)
from tabard.domain.ids import new_sender_id
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Link, Quality, Reason, Trouble, VerificationMethod
from tabard.ports.networks import Decision, NetworkFault, NumberState, NumberStatus, Way
from tabard.ports.world import OutboundRefused
from tabard.workflows.reconcile import Reconcile
from tabard.workflows.whatsapp import WhatsAppSteps
from tests.support.clock import FakeClock
from tests.support.dialect_service import Backstage
from tests.support.patience import eventually
from tests.support.senders import NOW, a_sender

WAY = Way(AccountKind.SANDBOX, Connection("1", "secret", "token", "verify", "500000000000001"))
NUMBER_ID = "700000000000001"
ACCOUNT_ID = "500000000000001"
CODE = "123456"


def number(**leaves):
    plain = NumberState(
        id=NUMBER_ID,
        address="+15550100001",
        verified=False,
        status=NumberStatus.PENDING,
        display_name="Example Parcels",
        name_review=None,
        pending_name=None,
        pending_name_review=None,
        quality=Quality.UNKNOWN,
        messaging_limit=None,
        blocked_by=None,
    )
    return replace(plain, **leaves)


class Scene:
    """An account with one sender, a network that answers as it is told to, and a worker when a test wants one."""

    def __init__(self, sender):
        self.backstage = Backstage(FakeClock(NOW))
        self.backstage.ways[Channel.WHATSAPP] = WAY
        self.services = self.backstage.services()
        self.principal = Principal(sender.account_id, AccountKind.SANDBOX, "somebody")
        self.sender_id = sender.id
        self.backstage.world.accounts[sender.account_id] = Account(
            sender.account_id, "Test", AccountKind.SANDBOX, None, NOW, None, timedelta(0)
        )
        self.backstage.world.senders[sender.id] = replace(sender, due_at=None)

    @property
    def sender(self):
        return self.backstage.world.senders[self.sender_id]

    def answer(self, **answers):
        self.backstage.whatsapp.answers.update(answers)

    @asynccontextmanager
    async def working(self):
        steps = WhatsAppSteps(self.services, self.services.whatsapp)
        reconcile = Reconcile(self.services, {Channel.WHATSAPP: steps}, lease=timedelta(seconds=30))

        async def work():
            while True:
                await reconcile.drain()
                await asyncio.sleep(0.002)

        worker = asyncio.create_task(work())
        try:
            yield
        finally:
            worker.cancel()

    async def until(self, holds):
        async def look():
            return self.sender

        await eventually(look, holds, pause=0.002)

    async def ask(self, method=VerificationMethod.SMS):
        return await numbers.ask_for_code(self.services, self.principal, self.sender_id, method)

    async def verify(self, code=CODE):
        await numbers.verify_number(self.services, self.principal, self.sender_id, code)


def scene(status=Status.PENDING_VERIFICATION, **leaves):
    return Scene(replace(a_sender(status), **leaves))


def refusal(trouble, decision=Decision.GIVE_UP, after=None):
    return NetworkFault(decision, trouble, f"Meta says {trouble}", after=after)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(numbers, "_LONGEST_WAIT", 0.05)


# asking for a code


async def test_a_code_is_sent_by_the_way_that_was_asked_for():
    here = scene(registration=replace(a_sender().registration, verification_method=None))
    here.answer(request_code=None)
    async with here.working():
        assert (await here.ask(VerificationMethod.VOICE)).sent
    assert here.sender.registration.verification_method is VerificationMethod.VOICE
    assert here.sender.status is Status.PENDING_VERIFICATION


async def test_a_number_that_needs_no_code_is_told_so():
    here = scene()
    proved = number(verified=True, status=NumberStatus.CONNECTED)
    here.answer(request_code=refusal(Trouble.ALREADY_VERIFIED), number=proved, subscribe_app=None, push_profile=None)
    async with here.working():
        assert not (await here.ask()).sent
    assert here.sender.status is not Status.PENDING_VERIFICATION


@pytest.mark.parametrize(
    ("decision", "trouble", "status"),
    [
        (Decision.WAIT, Trouble.TOO_MANY_CODES, Status.PENDING_VERIFICATION),
        (Decision.GIVE_UP, Trouble.CANNOT_VERIFY, Status.OFFLINE),
    ],
)
async def test_a_refused_request_says_why(decision, trouble, status):
    here = scene()
    here.answer(request_code=refusal(trouble, decision, 3600))
    async with here.working():
        with pytest.raises(CodeRefused, match="Meta says") as refused:
            await here.ask()
        assert refused.value.trouble is trouble
        assert here.sender.status is status
        if decision is Decision.WAIT:
            with pytest.raises(CodeRefused):
                await here.ask()


async def test_what_was_refused_before_is_not_held_against_a_new_request():
    here = scene(offline_reasons=(Reason(Trouble.CODE_REJECTED, "that code was wrong"),))
    here.answer(request_code=refusal(Trouble.NETWORK_UNAVAILABLE, Decision.RETRY))

    async def recover():
        await here.until(lambda sender: sender.link.attempts)
        here.answer(request_code=None)
        here.backstage.clock.advance(seconds=10)

    async with here.working(), asyncio.TaskGroup() as tasks:
        tasks.create_task(recover())
        assert (await here.ask()).sent


async def test_a_network_that_does_not_answer_in_time_has_not_sent_the_code(impatient):
    here = scene()
    assert not (await here.ask()).sent
    assert here.sender.link.code_wanted


@pytest.mark.parametrize("status", [s for s in Status if s not in {Status.PENDING_VERIFICATION, Status.DELETED}])
async def test_codes_are_for_those_who_wait_for_one(status):
    here = scene(status)
    for attempt in (here.ask(), here.verify(), here.verify(None)):
        with pytest.raises(WrongStatus):
            await attempt
    assert here.backstage.woken == 0


# verifying


async def test_the_right_code_puts_the_number_online():
    here = scene()
    connected = number(status=NumberStatus.CONNECTED)
    here.answer(number=connected, verify_code=None, subscribe_app=None, push_profile=None)
    async with here.working():
        await here.verify()
    assert here.sender.status is Status.ONLINE


async def test_a_wrong_code_is_refused_and_the_next_one_is_judged_by_itself():
    here = scene()
    here.answer(number=number(), verify_code=refusal(Trouble.CODE_REJECTED))
    async with here.working():
        for _ in range(2):
            with pytest.raises(CodeRefused, match="code_rejected"):
                await here.verify()
        assert here.sender.status is Status.PENDING_VERIFICATION


async def test_an_old_refusal_is_not_held_against_the_right_code():
    here = scene(offline_reasons=(Reason(Trouble.TOO_MANY_CODES, "wait an hour"),))
    connected = number(status=NumberStatus.CONNECTED)
    here.answer(number=connected, verify_code=None, subscribe_app=None, push_profile=None)
    async with here.working():
        await here.verify()


@pytest.mark.parametrize("decision", [Decision.GIVE_UP, Decision.WAIT])
async def test_a_number_that_can_not_be_registered_says_so_at_once(decision):
    here = scene()
    pin = here.services.vault.seal(b"123456", f"pin:{here.sender.account_id}:{here.sender.address}")
    here.backstage.world.senders[here.sender_id] = replace(here.sender, sealed_pin=pin)
    here.answer(
        number=number(verified=True),
        register=refusal(Trouble.REGISTRATION_LIMIT, decision, 72 * 3600),
        verify_code=None,
    )
    async with here.working():
        with pytest.raises(CodeRefused) as refused:
            await here.verify()
    assert refused.value.trouble is Trouble.REGISTRATION_LIMIT


async def test_no_code_is_needed_for_a_number_that_the_network_has_proved():
    here = scene()
    proved = number(verified=True, status=NumberStatus.CONNECTED)
    here.answer(number=proved, subscribe_app=None, push_profile=None)
    async with here.working():
        await here.verify(None)
    assert here.sender.status is Status.ONLINE


async def test_a_number_that_is_not_proved_needs_a_code():
    here = scene()
    here.answer(number=number())
    async with here.working():
        with pytest.raises(CodeRefused, match="hand in the code") as refused:
            await here.verify(None)
    assert refused.value.trouble is Trouble.CODE_REJECTED


async def test_a_network_that_is_down_has_not_said_that_a_code_is_needed(impatient):
    here = scene()
    here.answer(number=refusal(Trouble.NETWORK_UNAVAILABLE, Decision.RETRY))
    async with here.working():
        with pytest.raises(Busy):
            await here.verify(None)


async def test_a_code_that_nobody_has_judged_in_time_goes_on_its_way(impatient):
    here = scene()
    await here.verify()
    assert here.sender.status is Status.VERIFYING
    assert here.sender.sealed_code is not None


async def test_a_code_is_six_digits():
    with pytest.raises(InvalidInput):
        await scene().verify("12345")


# looking a number up


async def looked_up(here, business_account=ACCOUNT_ID):
    return await numbers.look_up_number(here.services, here.principal, business_account, NUMBER_ID)


def elsewhere():
    """A scene whose own sender has another number."""
    return scene(link=Link("700000000000099"))


@pytest.mark.parametrize(("name", "called"), [("Acme", "Acme"), (None, "+15550100001"), (" ", "+15550100001")])
async def test_a_number_is_called_as_the_network_calls_it(name, called):
    here = elsewhere()
    here.answer(number=number(display_name=name), find_number=number())
    assert await looked_up(here) == numbers.SignedUpNumber("+15550100001", called)


@pytest.mark.parametrize(
    ("answers", "trouble"),
    [
        ({"number": None}, Trouble.NUMBER_GONE),
        ({"number": number(address=None)}, Trouble.NUMBER_GONE),
        ({"number": number(), "find_number": None}, Trouble.ACCOUNT_INVALID),
        ({"number": number(), "find_number": number(id="700000000000002")}, Trouble.ACCOUNT_INVALID),
        ({"number": number(), "find_number": refusal(Trouble.ACCOUNT_INVALID)}, Trouble.ACCOUNT_INVALID),
        ({"number": refusal(Trouble.ACCESS_DENIED)}, Trouble.ACCESS_DENIED),
        ({"number": refusal(Trouble.NETWORK_UNAVAILABLE, Decision.RETRY)}, Trouble.NETWORK_UNAVAILABLE),
    ],
)
async def test_what_the_network_says_of_ids_that_lead_nowhere(answers, trouble):
    here = elsewhere()
    here.answer(**answers)
    with pytest.raises(NetworkRefused) as refused:
        await looked_up(here)
    assert refused.value.trouble is trouble


async def test_an_account_without_a_way_can_look_nothing_up():
    here = elsewhere()
    here.backstage.ways.clear()
    with pytest.raises(NetworkRefused, match="no connection"):
        await looked_up(here)


async def test_a_number_that_a_sender_has_is_taken():
    here = scene()
    here.answer(number=number(), find_number=number())
    with pytest.raises(AddressTaken):
        await looked_up(here)


# drafts and the goodbye


def same(profile):
    return profile


def anything_goes(_):
    pass


async def test_putting_aside_wakes_nobody_for_the_sender_but_submitting_does():
    here = scene(Status.ONLINE)
    saved = await numbers.save_draft(
        here.services, here.principal, here.sender_id, lambda p: p.changed({"about": "Tracked"}), permit=anything_goes
    )
    assert saved.draft == replace(saved.profile, about="Tracked")
    assert saved.due_at is None
    sent = await numbers.submit(here.services, here.principal, here.sender_id, same, permit=anything_goes)
    assert (sent.profile.about, sent.draft, sent.due_at) == ("Tracked", None, NOW)


async def test_the_caller_may_have_rules_of_its_own():
    here = scene(Status.ONLINE)

    def never(sender):
        assert sender == here.sender
        raise WrongStatus(sender.status, "not today")

    for attempt in (
        numbers.save_draft(here.services, here.principal, here.sender_id, same, permit=never),
        numbers.submit(here.services, here.principal, here.sender_id, same, permit=never),
        numbers.discard_changes(here.services, here.principal, here.sender_id, permit=never),
    ):
        with pytest.raises(WrongStatus, match="not today"):
            await attempt


async def test_the_network_is_not_told_of_a_draft_that_goes():
    """It may hold the number for somebody else, or as the customer's own."""
    for goes in ("discard_changes", "retire_sender"):
        here = scene(Status.DRAFT, link=Link())
        more = {"permit": anything_goes} if goes == "discard_changes" else {}
        await getattr(numbers, goes)(here.services, here.principal, here.sender_id, **more)
        assert (here.sender.status, here.sender.due_at) == (Status.DELETED, None)


async def test_a_registration_that_failed_is_taken_down_with_its_changes():
    here = scene(Status.OFFLINE, link=Link(NUMBER_ID))
    await numbers.discard_changes(here.services, here.principal, here.sender_id, permit=anything_goes)
    assert (here.sender.status, here.sender.due_at) == (Status.DELETED, NOW)


async def test_a_retired_sender_goes_after_thirty_days():
    here = scene(Status.ONLINE)
    here.answer(number=None)
    async with here.working():
        await numbers.retire_sender(here.services, here.principal, here.sender_id)
        await here.until(lambda sender: sender.due_at != NOW)
        assert (here.sender.status, here.sender.due_at) == (Status.RETIRING, NOW + timedelta(days=30))
        with pytest.raises(WrongStatus):
            await numbers.retire_sender(here.services, here.principal, here.sender_id)
        here.backstage.clock.advance(days=30)
        await here.until(lambda sender: sender.status is Status.DELETED)


async def test_other_channels_and_other_accounts_have_no_such_sender():
    here = scene(Status.ONLINE, channel=Channel.RCS)
    stranger = scene(Status.ONLINE)
    await stranger.services.senders.insert(
        replace(a_sender(), id=new_sender_id(), account_id=stranger.principal.account_id, address="+15550100002"),
        Actor("test"),
        NOW,
        None,
    )
    for services, principal, sender_id in (
        (here.services, here.principal, here.sender_id),
        (stranger.services, replace(stranger.principal, account_id=new_sender_id()), stranger.sender_id),
    ):
        for attempt in (
            numbers.save_draft(services, principal, sender_id, same, permit=anything_goes),
            numbers.submit(services, principal, sender_id, same, permit=anything_goes),
            numbers.discard_changes(services, principal, sender_id, permit=anything_goes),
            numbers.retire_sender(services, principal, sender_id),
            numbers.ask_for_code(services, principal, sender_id, VerificationMethod.SMS),
            numbers.verify_number(services, principal, sender_id, CODE),
        ):
            with pytest.raises(NotFound):
                await attempt


# the photo


async def test_a_photo_is_looked_at_before_it_is_stored():
    here = scene()
    url, gone = "https://example.com/photo.png", "https://example.com/gone.png"
    here.backstage.pictures.faults = {
        url: FileUnusable("profile.logo_url", FileFault.TOO_LARGE, "is too large"),
        gone: OutboundRefused("there is nothing"),
    }
    with pytest.raises(FileUnusable, match="too large"):
        await numbers.check_photo(here.services, here.principal, url)
    await numbers.check_photo(here.services, here.principal, gone)
    with pytest.raises(FileUnusable, match="nothing") as refused:
        await numbers.check_photo(here.services, replace(here.principal, kind=AccountKind.LIVE), gone)
    assert refused.value.fault is FileFault.NOT_FOUND
