"""What the sandbox's user can do to the emulated network, and what two callers at once can not."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tabard.domain.errors import InvalidInput, NotFound
from tabard.domain.ids import new_account_id
from tabard.domain.sender import Quality
from tests.support.meta_emulator import PIN, Realm, World, emulating, refusal_in

PHONE = "15550100001"
ADDRESS = f"+{PHONE}"


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def realm(world: World) -> Realm:
    return await world.realm()


async def test_opening_an_account_again_gives_the_same(realm: Realm, world: World):
    again = await asyncio.gather(*(world.emulator.open_account(realm.account_id) for _ in range(5)))
    assert all(connection == realm.connection for connection in again)
    assert realm.connection.base_url is None
    other = await world.realm()
    ours, theirs = dataclasses.asdict(realm.connection), dataclasses.asdict(other.connection)
    assert all(ours[name] != theirs[name] for name in ours if name != "base_url")


async def test_two_workers_may_open_an_account_at_once(world: World):
    account_id = new_account_id()
    await world.pool.execute(
        "insert into accounts (id, name, kind, created_at) values ($1, 'test', 'sandbox', $2)",
        account_id,
        world.clock.now(),
    )
    opened = await asyncio.gather(*(world.emulator.open_account(account_id) for _ in range(8)))
    assert len({connection.token for connection in opened}) == 1


async def test_ids_look_like_metas(realm: Realm):
    number = await realm.add(PHONE)
    for name in (number, realm.waba, realm.connection.app_id):
        assert name.isdigit()
        assert 15 <= len(name) <= 17


async def test_a_number_that_is_not_there_is_not_found(realm: Realm, world: World):
    emulator, account = world.emulator, realm.account_id
    for act in (
        emulator.ban(account, ADDRESS),
        emulator.lift_ban(account, ADDRESS),
        emulator.set_quality(account, ADDRESS, Quality.LOW),
        emulator.decide_name(account, ADDRESS, approved=True, reason=None),
    ):
        with pytest.raises(NotFound):
            await act
    await realm.add(PHONE)
    stranger = await world.realm()
    with pytest.raises(NotFound):
        await emulator.ban(stranger.account_id, ADDRESS)
    with pytest.raises(NotFound):
        await emulator.decide_name(account, ADDRESS, approved=True, reason=None)


async def test_an_account_without_a_realm_has_nothing(world: World):
    nobody = new_account_id()
    assert await world.emulator.inbox(nobody, ADDRESS) == []
    assert await world.emulator.next_due(nobody) is None
    await world.emulator.reset(nobody)
    with pytest.raises(NotFound):
        await world.emulator.set_messaging_limit(nobody, 250)
    with pytest.raises(NotFound):
        await world.emulator.fail_next(nobody, 1, status=500, code=2)


async def test_a_signed_up_number_is_proved_but_not_registered(realm: Realm, world: World):
    waba, number = await world.emulator.sign_up(realm.account_id, ADDRESS, "Acme")
    assert waba == realm.waba
    shown = await realm.get(number, fields="display_phone_number,verified_name,code_verification_status,status")
    assert (shown["verified_name"], shown["code_verification_status"], shown["status"]) == (
        "Acme",
        "VERIFIED",
        "PENDING",
    )
    assert "".join(c for c in shown["display_phone_number"] if c.isdigit()) == PHONE
    await realm.register(number)
    assert await realm.field_of(number, "status") == "CONNECTED"


async def test_signing_up_again_gives_the_same_number(realm: Realm, world: World):
    signed_up = [world.emulator.sign_up(realm.account_id, ADDRESS, name) for name in ("Acme", "Acme Parcels")]
    first, second = await asyncio.gather(*signed_up)
    assert first == second
    await realm.register(first[1])
    assert await world.emulator.sign_up(realm.account_id, ADDRESS, "Acme") == first
    assert await realm.field_of(first[1], "status") == "CONNECTED"


async def test_signing_up_proves_a_number_that_was_added_before(realm: Realm, world: World):
    number = await realm.add(PHONE)
    await realm.post(f"{number}/request_code", code_method="SMS", language="en_US")
    assert await world.emulator.sign_up(realm.account_id, ADDRESS, "Another") == (realm.waba, number)
    shown = await realm.get(number, fields="verified_name,code_verification_status")
    assert (shown["verified_name"], shown["code_verification_status"]) == ("Acme", "VERIFIED")
    assert await realm.refused("POST", f"{number}/verify_code", code=await realm.code_of(PHONE)) == (400, 136025, None)


async def test_a_signed_up_number_stays_in_its_business_account(realm: Realm, world: World):
    other = await world.emulator.add_business_account(realm.account_id, "Client", shared=True)
    body = {"cc": "1", "phone_number": PHONE[1:], "verified_name": "Acme"}
    number = (await realm.post(f"{other}/phone_numbers", **body))["id"]
    assert await world.emulator.sign_up(realm.account_id, ADDRESS, "Acme") == (other, number)


async def test_a_person_decides_a_name(realm: Realm, world: World):
    number = await realm.connected(PHONE)
    await realm.post(number, new_display_name="Acme Parcels")
    await world.emulator.decide_name(realm.account_id, ADDRESS, approved=False, reason=None)
    assert await realm.field_of(number, "new_name_status") == "DECLINED"
    await world.settle()
    assert await realm.field_of(number, "new_name_status") == "DECLINED", "the review's own task has no say any more"


async def test_a_ban_keeps_what_was_and_gives_it_back(realm: Realm, world: World):
    number = await realm.connected(PHONE)
    await world.emulator.ban(realm.account_id, ADDRESS)
    await world.emulator.ban(realm.account_id, ADDRESS)
    assert await realm.field_of(number, "status") == "BANNED"
    body = {"messaging_product": "whatsapp", "pin": PIN}
    assert await realm.refused("POST", f"{number}/register", **body) == (403, 131031, None)
    await world.emulator.lift_ban(realm.account_id, ADDRESS)
    assert await realm.field_of(number, "status") == "CONNECTED"


async def test_the_messaging_limit_is_the_businesss(realm: Realm, world: World):
    number = await realm.connected(PHONE)
    field = "whatsapp_business_manager_messaging_limit"
    assert await realm.field_of(number, field) == "TIER_1K"
    await world.emulator.set_messaging_limit(realm.account_id, 100_000)
    assert await realm.field_of(number, field) == "TIER_100K"
    assert await realm.field_of(realm.waba, field) == "TIER_100K"
    with pytest.raises(InvalidInput):
        await world.emulator.set_messaging_limit(realm.account_id, 123)


async def test_the_next_calls_fail_as_chosen(realm: Realm, world: World):
    stranger = await world.realm()
    await world.emulator.fail_next(realm.account_id, 2, status=400, code=80007)
    for _ in range(2):
        answer = await realm.call("GET", realm.waba)
        assert refusal_in(answer) == (400, 80007, None)
        assert answer.json()["error"]["is_transient"] is True
        assert (await stranger.call("GET", stranger.waba)).status_code == 200
    assert (await realm.call("GET", realm.waba)).status_code == 200


async def test_a_reset_forgets_all_but_the_connection(realm: Realm, world: World):
    number = await realm.connected("15550100116", subscribe=True)
    await world.emulator.fail_next(realm.account_id, 5, status=500, code=1)
    await world.emulator.set_number_cap(realm.account_id, 1)
    await world.emulator.set_messaging_limit(realm.account_id, 50)
    await world.emulator.reset(realm.account_id)
    assert await world.emulator.next_due(realm.account_id) is None
    assert await world.emulator.inbox(realm.account_id, "+15550100116") == []
    assert await realm.refused("GET", number) == (400, 100, 33)
    assert await world.emulator.open_account(realm.account_id) == realm.connection
    await realm.connected("15550100116")
    await realm.connected(PHONE)


async def test_a_closed_account_leaves_nothing_behind(realm: Realm, world: World):
    await realm.connected("15550100116", subscribe=True)
    await realm.post(f"{realm.connection.app_id}/uploads", file_name="l.png", file_length=10, file_type="image/png")
    await world.emulator.issue_signup_code(realm.account_id)
    await world.pool.execute("delete from accounts where id = $1", realm.account_id)
    tables = await world.pool.fetch(
        "select tablename from pg_tables where schemaname = 'sandbox' and tablename like 'meta%'"
    )
    assert len(tables) == 9
    for (table,) in tables:
        assert await world.pool.fetchval(f"select count(*) from sandbox.{table}") == 0, table


# at once


async def test_two_adds_at_once_make_one_number(realm: Realm):
    body = {"cc": "1", "phone_number": PHONE[1:], "verified_name": "Acme"}
    answers = await asyncio.gather(*(realm.call("POST", f"{realm.waba}/phone_numbers", json=body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9
    refused = {refusal_in(answer) for answer in answers if answer.status_code != 200}
    assert refused == {(400, 2388012, None)}
    assert len((await realm.get(f"{realm.waba}/phone_numbers"))["data"]) == 1


async def test_two_business_accounts_cannot_both_have_a_number(realm: Realm, world: World):
    other = await world.emulator.add_business_account(realm.account_id, "Other")
    body = {"cc": "1", "phone_number": PHONE[1:], "verified_name": "Acme"}
    answers = await asyncio.gather(
        *(realm.call("POST", f"{waba}/phone_numbers", json=body) for waba in (realm.waba, other) * 4)
    )
    assert sum(answer.status_code == 200 for answer in answers) == 1


async def test_the_cap_holds_against_many_at_once(realm: Realm, world: World):
    await world.emulator.set_number_cap(realm.account_id, 3)
    bodies = [{"cc": "1", "phone_number": f"555010{1000 + n}", "verified_name": "Acme"} for n in range(12)]
    answers = await asyncio.gather(*(realm.call("POST", f"{realm.waba}/phone_numbers", json=body) for body in bodies))
    assert sum(answer.status_code == 200 for answer in answers) == 3
    assert {refusal_in(answer) for answer in answers if answer.status_code != 200} == {(403, 200, 1349175)}


async def test_a_code_is_used_once_however_many_try(realm: Realm):
    number = await realm.add(PHONE)
    await realm.post(f"{number}/request_code", code_method="SMS", language="en_US")
    code = await realm.code_of(PHONE)
    answers = await asyncio.gather(
        *(realm.call("POST", f"{number}/verify_code", json={"code": code}) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


async def test_guesses_at_once_are_all_counted(realm: Realm):
    number = await realm.connected(PHONE)
    body = {"messaging_product": "whatsapp", "pin": "000000"}
    answers = await asyncio.gather(*(realm.call("POST", f"{number}/register", json=body) for _ in range(9)))
    codes = sorted(answer.json()["error"]["code"] for answer in answers)
    assert codes == [133005] * 5 + [133008] * 4


async def test_failures_asked_for_are_met_exactly_that_often(realm: Realm, world: World):
    await world.emulator.fail_next(realm.account_id, 4, status=500, code=1)
    answers = await asyncio.gather(*(realm.call("GET", realm.waba) for _ in range(12)))
    assert sum(answer.status_code == 500 for answer in answers) == 4


async def test_several_workers_do_each_task_once(realm: Realm, world: World):
    await realm.post(f"{realm.waba}/subscribed_apps")
    for number in range(20):
        made = await realm.verified(f"1555010{1000 + number}")
        await realm.post(f"{made}/register", messaging_product="whatsapp", pin=PIN)
    world.clock.advance(seconds=1)
    await asyncio.gather(*(world.emulator.drain() for _ in range(4)))
    await world.emulator.drain()
    assert len(world.receiver.received) == 20
    assert len({value["display_phone_number"] for _, value in world.receiver.changes}) == 20
    assert await world.emulator.next_task_due() is None


async def test_the_tasks_of_a_worker_that_died_are_done_by_another(realm: Realm, world: World):
    number = await realm.verified(PHONE)
    await realm.post(f"{number}/register", messaging_product="whatsapp", pin=PIN)
    world.clock.advance(seconds=1)
    await world.pool.execute("update sandbox.meta_tasks set leased_until = $1", world.clock.now().replace(second=30))
    await world.emulator.drain()
    assert await realm.field_of(number, "status") == "PENDING"
    due = await world.emulator.next_task_due()
    assert due == world.clock.now().replace(second=30)
    world.clock.time = due
    await world.emulator.drain()
    assert await realm.field_of(number, "status") == "CONNECTED"
