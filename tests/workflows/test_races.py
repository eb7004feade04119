"""Workers, callers and mistakes beside each other: who loses a race begins again, who dies holds nothing for long, who
is stuck is reported once, and nobody's mistake stops another sender."""

from structlog.testing import capture_logs

from tabard.domain.lifecycle import Status
from tabard.domain.sender import Trouble
from tabard.ports.networks import Decision, NetworkFault
from tests.support.service import SENDERS
from tests.support.workshop import Workshop

NUMBER = "+15550100001"
OTHER = "+15550100002"


async def test_a_change_during_a_step_is_kept_and_the_step_begins_again(shop: Workshop):
    sid = (await shop.tabard.create(NUMBER))["sid"]
    await shop.pass_time(seconds=5)

    async def rename_shop(call: str, _arguments: object) -> None:
        if call == "register" and shop.network.calls.count("register") == 1:
            await shop.tabard.post(f"{SENDERS}/{sid}", {"friendly_name": "Front desk"})

    shop.network.before = rename_shop
    await shop.tabard.verify(sid, NUMBER)
    await shop.pass_time(seconds=5)
    sender = await shop.tabard.fetch(sid)
    assert (sender["status"], sender["friendly_name"]) == ("ONLINE", "Front desk")
    assert await shop.held(NUMBER) == ["CONNECTED"]
    told = await shop.events(sid)
    assert (told.count("sender.online"), told.count("sender.configuration")) == (1, 1)


async def test_a_profile_that_changes_while_it_is_pushed_is_pushed_again(shop: Workshop):
    sid = await shop.online(NUMBER)
    shop.network.plan({})

    async def change_again(call: str, _arguments: object) -> None:
        if call == "push_profile" and shop.network.calls.count("push_profile") == 1:
            await shop.tabard.post(f"{SENDERS}/{sid}", {"profile": {"about": "the second"}})

    shop.network.before = change_again
    await shop.tabard.post(f"{SENDERS}/{sid}", {"profile": {"about": "the first"}})
    await shop.pass_time(seconds=5)
    assert (await shop.tabard.fetch(sid))["status"] == "ONLINE"
    about = await shop.tabard.parts.pool.fetchval("select profile->>'about' from sandbox.meta_numbers")
    assert about == "the second"


async def test_a_webhook_that_comes_during_a_look_is_not_overlooked(shop: Workshop):
    """The network changes its mind after it was asked and before the answer is saved, and says so by webhook."""
    sid = await shop.online(NUMBER)
    sandbox = shop.tabard.parts.services.sandbox
    assert sandbox is not None
    account = (await shop.stored(sid)).account_id

    async def ban_now(call: str, _arguments: object) -> None:
        if call == "push_profile":
            await sandbox.whatsapp.ban(account, NUMBER)
            for lane in shop.others[::-1]:
                await lane.drain()

    shop.network.before = ban_now
    await shop.tabard.post(f"{SENDERS}/{sid}", {"profile": {"about": "Door to door"}})
    await shop.work()
    sender = await shop.tabard.fetch(sid)
    assert (sender["status"], [reason["code"] for reason in sender["offline_reasons"]]) == ("OFFLINE", ["63013"])


async def test_a_worker_that_died_holds_a_sender_only_until_its_lease_ends(shop: Workshop):
    sid = (await shop.tabard.create(NUMBER))["sid"]
    lease = shop.reconcile.lease
    (held,) = await shop.tabard.parts.services.senders.claim_due(shop.clock.now(), lease, 10)
    assert held.sender.address == NUMBER
    await shop.pass_time(seconds=lease.total_seconds() - 1)
    assert (await shop.tabard.fetch(sid))["status"] == "CREATING"
    assert shop.network.calls == []
    await shop.pass_time(seconds=1)
    assert (await shop.tabard.fetch(sid))["status"] == "PENDING_VERIFICATION"


async def test_of_two_workers_with_one_sender_only_one_saves(shop: Workshop):
    """The first was only slow: when its lease ends, a second one steps in, and both go on."""
    sid = (await shop.tabard.create(NUMBER))["sid"]

    async def lose_the_lease(call: str, _arguments: object) -> None:
        if call == "add_number" and shop.network.calls.count("add_number") == 1:
            shop.clock.advance(seconds=shop.reconcile.lease.total_seconds())
            await shop.reconcile.drain()

    shop.network.before = lose_the_lease
    await shop.pass_time(minutes=5)
    assert shop.network.calls.count("add_number") == 2, "both have tried"
    assert (await shop.tabard.fetch(sid))["status"] == "PENDING_VERIFICATION"
    assert await shop.held(NUMBER) == ["PENDING"]
    await shop.tabard.verify(sid, NUMBER)
    await shop.pass_time(seconds=5)
    assert (await shop.tabard.fetch(sid))["status"] == "ONLINE"


async def test_a_mistake_in_one_step_stops_nobody_else_and_is_tried_again(shop: Workshop):
    first = (await shop.tabard.create(NUMBER))["sid"]
    second = (await shop.tabard.create(OTHER))["sid"]

    async def stumble(call: str, arguments: tuple[object, ...]) -> None:
        if call == "add_number" and arguments[2] == NUMBER and shop.network.calls.count("add_number") < 5:
            raise ZeroDivisionError("a mistake of ours")

    shop.network.before = stumble
    with capture_logs() as logs:
        await shop.work()
    assert (await shop.tabard.fetch(first))["status"] == "CREATING"
    assert (await shop.tabard.fetch(second))["status"] == "PENDING_VERIFICATION"
    assert [line["sender"] for line in logs if line["event"] == "step.failed"] == [str((await shop.stored(first)).id)]
    await shop.pass_time(minutes=1)
    assert (await shop.tabard.fetch(first))["status"] == "PENDING_VERIFICATION"


async def test_who_is_stuck_is_reported_once_and_the_warning_goes_when_it_gets_on(shop: Workshop):
    sid = (await shop.tabard.create(NUMBER))["sid"]

    async def never(_call: str, _arguments: object) -> None:
        raise NetworkFault(Decision.RETRY, Trouble.NETWORK_UNAVAILABLE, "the line is down")

    shop.network.before = never
    await shop.pass_time(minutes=59)
    assert await shop.watch() == 0
    await shop.pass_time(minutes=2)
    assert await shop.watch() == 1
    assert await shop.watch() == 0, "once is enough"
    await shop.pass_time(hours=2)
    assert await shop.watch() == 0
    (warning,) = (await shop.stored(sid)).warnings
    assert warning.trouble is Trouble.STUCK
    assert "failed tries in a row, the next step is planned" in warning.detail
    assert (await shop.events(sid)).count("sender.warning") == 1

    shop.network.before = None
    await shop.pass_time(minutes=16)
    stored = await shop.stored(sid)
    assert (stored.status, stored.warnings) == (Status.PENDING_VERIFICATION, ())
    assert (await shop.events(sid)).count("sender.warning") == 2


async def test_the_watchdog_plans_a_step_for_a_sender_whose_intent_was_lost(shop: Workshop):
    sid = (await shop.tabard.create(NUMBER))["sid"]
    await shop.tabard.parts.pool.execute("update senders set due_at = null")
    await shop.pass_time(hours=2)
    assert (await shop.tabard.fetch(sid))["status"] == "CREATING"
    assert await shop.watch() == 1
    await shop.pass_time(seconds=5)
    assert (await shop.tabard.fetch(sid))["status"] == "PENDING_VERIFICATION"
