"""Whose a number is: of one account, of one worker at a time, and of the network, which may take it away."""

from uuid import UUID

from tabard.domain.ids import AccountId
from tests.support.service import SENDERS
from tests.support.workshop import Workshop

NUMBER = "+15550100001"


async def delete(shop: Workshop, sid: str) -> None:
    assert (await shop.tabard.call("DELETE", f"{SENDERS}/{sid}")).status == 204


async def test_a_number_deleted_while_it_is_registered_ends_deregistered(shop: Workshop):
    sid = (await shop.tabard.create(NUMBER))["sid"]
    await shop.pass_time(seconds=5)

    async def delete_meanwhile(call: str, _arguments: object) -> None:
        if call == "register":
            shop.network.before = None
            await delete(shop, sid)
            await shop.reconcile.drain()  # another worker, which must not step in

    shop.network.before = delete_meanwhile
    await shop.tabard.verify(sid, NUMBER)
    await shop.pass_time(seconds=30)
    assert await shop.held(NUMBER) == ["DISCONNECTED"]
    assert (await shop.stored(sid)).due_at is None


async def test_a_notice_for_the_whole_business_during_a_step_costs_no_lease(shop: Workshop):
    sid = await shop.online(NUMBER)
    sandbox = shop.tabard.parts.services.sandbox
    assert sandbox is not None
    account = (await shop.stored(sid)).account_id

    async def grow(call: str, _arguments: object) -> None:
        if call == "push_profile":
            shop.network.before = None
            await sandbox.whatsapp.set_messaging_limit(account, 10_000)
            for lane in shop.others[::-1]:
                await lane.drain()

    shop.network.before = grow
    await shop.tabard.post(f"{SENDERS}/{sid}", {"profile": {"about": "Door to door"}})
    await shop.pass_time(seconds=2)
    sender = await shop.tabard.fetch(sid)
    assert (sender["status"], sender["properties"]["messaging_limit"]) == ("ONLINE", "10K Customers/24hr")


async def test_two_accounts_with_one_business_account_do_not_take_each_other_s_number(shop: Workshop):
    theirs = await shop.online(NUMBER)
    accounts = shop.tabard.parts.services.accounts
    way = await accounts.connection((await shop.stored(theirs)).account_id, "meta")
    assert way is not None
    other = await shop.tabard.account()
    await accounts.connect(AccountId(UUID(other.login.removeprefix("AC"))), "meta", way)

    ours = (await other.create(NUMBER))["sid"]
    await shop.pass_time(seconds=5)
    refused = await other.fetch(ours)
    assert (refused["status"], refused["offline_reasons"][0]["code"]) == ("OFFLINE", "63110")
    assert (await other.call("DELETE", f"{SENDERS}/{ours}")).status == 204
    await shop.pass_time(seconds=5)
    assert await shop.held(NUMBER) == ["CONNECTED"]
    assert (await shop.tabard.fetch(theirs))["status"] == "ONLINE"


async def test_a_number_that_someone_else_deregistered_can_be_registered_anew(shop: Workshop):
    sid = await shop.online(NUMBER)
    stored = await shop.stored(sid)
    way = await shop.tabard.parts.services.way(stored.account_id, stored.channel)
    assert way is not None
    await shop.network.real.deregister(way.connection, stored.link.network_id or "")
    await shop.pass_time(hours=25)
    lost = await shop.tabard.fetch(sid)
    assert (lost["status"], lost["offline_reasons"][0]["code"]) == ("OFFLINE", "63111")
    await shop.tabard.post(f"{SENDERS}/{sid}", {"configuration": {"verification_method": "sms"}})
    await shop.pass_time(seconds=5)
    assert (await shop.tabard.fetch(sid))["status"] == "ONLINE"
    assert await shop.held(NUMBER) == ["CONNECTED"]


async def test_a_number_that_comes_back_under_another_name_passes_its_review(shop: Workshop):
    first = await shop.online(NUMBER)
    await delete(shop, first)
    await shop.work()
    again = (await shop.tabard.create(NUMBER, profile={"name": "Example Post"}))["sid"]
    await shop.work()
    before = await shop.tabard.fetch(again)
    assert (before["profile"]["name"], before["pending_display_name"]) == ("Example Parcels", "Example Post")
    await shop.pass_time(seconds=30)
    after = await shop.tabard.fetch(again)
    assert (after["status"], after["profile"]["name"]) == ("ONLINE", "Example Post")
    assert after["pending_display_name_status"] == "COMPLETED"


async def test_a_name_asked_for_before_the_number_was_online_is_put_up_as_soon_as_it_is(shop: Workshop):
    sid = (await shop.tabard.create(NUMBER))["sid"]
    await shop.pass_time(seconds=5)
    await shop.tabard.post(f"{SENDERS}/{sid}", {"profile": {"name": "Example Post"}})
    await shop.tabard.verify(sid, NUMBER)
    await shop.pass_time(seconds=30)
    assert (await shop.tabard.fetch(sid))["profile"]["name"] == "Example Post"


async def test_an_update_does_not_cut_a_wait_short_that_the_network_asked_for(shop: Workshop):
    number = "+15550100121"
    sid = (await shop.tabard.create(number))["sid"]
    await shop.pass_time(seconds=5)
    await shop.tabard.verify(sid, number)
    await shop.pass_time(seconds=5)
    waiting = await shop.stored(sid)
    await shop.tabard.post(f"{SENDERS}/{sid}", {"friendly_name": "Front desk"})
    assert (await shop.stored(sid)).due_at == waiting.due_at


async def test_a_deleted_number_that_the_network_does_not_let_go_of_is_tried_for_days(shop: Workshop):
    sid = await shop.online(NUMBER)
    sandbox = shop.tabard.parts.services.sandbox
    assert sandbox is not None
    await sandbox.whatsapp.fail_next((await shop.stored(sid)).account_id, 2, status=401, code=190)
    await delete(shop, sid)
    await shop.pass_time(hours=1)
    assert await shop.held(NUMBER) == ["CONNECTED"]
    await shop.pass_time(days=3)
    assert await shop.held(NUMBER) == ["DISCONNECTED"]
