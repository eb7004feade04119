"""The rules of time, on the account's clock: nothing here waits."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from tabard.networks.emulation.pace import Pace
from tests.support.meta_emulator import PIN, Realm, World, emulating, refusal_in

PHONE = "15550100001"
REGISTER = {"messaging_product": "whatsapp", "pin": PIN}
SMS = {"code_method": "SMS", "language": "en_US"}


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def realm(world: World) -> Realm:
    return await world.realm()


async def test_a_code_lives_ten_minutes(realm: Realm):
    number = await realm.add(PHONE)
    await realm.post(f"{number}/request_code", **SMS)
    await realm.advance(minutes=9, seconds=58)
    await realm.post(f"{number}/verify_code", code=await realm.code_of(PHONE))


async def test_a_code_is_dead_after_ten_minutes(realm: Realm):
    number = await realm.add(PHONE)
    await realm.post(f"{number}/request_code", **SMS)
    await realm.advance(minutes=10)
    late = await realm.call("POST", f"{number}/verify_code", json={"code": await realm.code_of(PHONE)})
    assert refusal_in(late) == (400, 136025, None)
    assert late.json()["error"]["error_user_title"] == "Code Expired"


async def test_ten_codes_an_hour_and_the_wait_is_told(realm: Realm):
    number = await realm.add(PHONE)
    for _ in range(10):
        await realm.post(f"{number}/request_code", **SMS)
        await realm.advance(minutes=1)
    asked = await realm.call("POST", f"{number}/request_code", json=SMS)
    assert refusal_in(asked) == (400, 136024, 2388091)
    assert "50 minutes" in asked.json()["error"]["error_user_msg"]
    await realm.advance(minutes=50)
    await realm.post(f"{number}/request_code", **SMS)


async def test_ten_registrations_in_72_hours(realm: Realm):
    number = await realm.verified(PHONE)
    for _ in range(5):
        await realm.register(number)
        await realm.post(f"{number}/deregister")
        await realm.advance(hours=1)
    assert await realm.refused("POST", f"{number}/register", **REGISTER) == (400, 133016, None)
    await realm.advance(hours=66)
    assert await realm.refused("POST", f"{number}/register", **REGISTER) == (400, 133016, None)
    await realm.advance(hours=1)
    await realm.register(number)


async def test_five_wrong_pins_lock_for_an_hour(realm: Realm):
    number = await realm.connected(PHONE)
    wrong = {**REGISTER, "pin": "000000"}
    for _ in range(5):
        assert await realm.refused("POST", f"{number}/register", **wrong) == (400, 133005, None)
    locked = await realm.call("POST", f"{number}/register", json=REGISTER)
    assert refusal_in(locked) == (400, 133008, None)
    assert "60 minutes" in locked.json()["error"]["error_data"]["details"]
    await realm.advance(hours=1)
    await realm.register(number)


async def test_moving_one_clock_leaves_the_others(realm: Realm, world: World):
    other = await world.realm()
    numbers = {owner.account_id: await owner.connected("15550100116") for owner in (realm, other)}
    await realm.advance(hours=2)
    assert await realm.field_of(numbers[realm.account_id], "status") == "BANNED"
    assert await other.field_of(numbers[other.account_id], "status") == "CONNECTED"
    due = await world.emulator.next_due(other.account_id)
    assert due is not None
    assert timedelta(minutes=59) < due - world.clock.now() <= timedelta(hours=1)
    assert await world.emulator.next_due(realm.account_id) is None


async def test_at_real_pace_things_take_their_time(pool: asyncpg.Pool):
    async with emulating(pool, pace=Pace.REALTIME) as world:
        realm = await world.realm()
        number = await realm.add(PHONE)
        await realm.post(f"{number}/request_code", **SMS)
        assert await world.emulator.inbox(realm.account_id, f"+{PHONE}") == []
        await realm.advance(seconds=3)
        await realm.post(f"{number}/verify_code", code=await realm.code_of(PHONE))
        await realm.post(f"{number}/register", **REGISTER)
        await realm.advance(seconds=3)
        assert await realm.field_of(number, "status") == "PENDING"
        await realm.advance(seconds=1)
        assert await realm.field_of(number, "status") == "CONNECTED"
        await realm.post(number, new_display_name="Acme Parcels")
        await realm.advance(hours=23)
        assert await realm.field_of(number, "new_name_status") == "PENDING_REVIEW"
        await realm.advance(hours=1)
        assert await realm.field_of(number, "new_name_status") == "APPROVED"


async def test_at_manual_pace_a_name_waits_for_a_person(pool: asyncpg.Pool):
    async with emulating(pool, pace=Pace.MANUAL) as world:
        realm = await world.realm()
        number = await realm.connected(PHONE, subscribe=True)
        await realm.post(number, new_display_name="Acme Parcels")
        await realm.advance(days=30)
        assert await realm.field_of(number, "new_name_status") == "PENDING_REVIEW"
        await world.emulator.decide_name(
            realm.account_id, f"+{PHONE}", approved=False, reason="NAME_FORMAT_UNACCEPTABLE"
        )
        assert await realm.field_of(number, "new_name_status") == "DECLINED"
        await world.settle()
        (told,) = world.receiver.values("phone_number_name_update")
        assert told["rejection_reason"] == "NAME_FORMAT_UNACCEPTABLE"
