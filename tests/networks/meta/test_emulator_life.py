"""The life of a number in the emulated network, as any Graph client drives it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.support.meta_emulator import PIN, Realm, World, emulating

PHONE = "15550100001"


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def realm(world: World) -> Realm:
    return await world.realm()


async def test_a_number_goes_from_added_to_connected(realm: Realm, world: World):
    number = await realm.add(PHONE)
    fields = "status,code_verification_status,name_status,quality_rating,is_pin_enabled"
    assert await realm.get(number, fields=fields) == {
        "id": number,
        "status": "PENDING",
        "code_verification_status": "NOT_VERIFIED",
        "name_status": "AVAILABLE_WITHOUT_REVIEW",
        "quality_rating": "UNKNOWN",
        "is_pin_enabled": False,
    }
    await realm.post(f"{number}/request_code", code_method="SMS", language="en_US")
    await realm.post(f"{number}/verify_code", code=await realm.code_of(PHONE))
    await realm.post(f"{number}/register", messaging_product="whatsapp", pin=PIN)
    assert await realm.field_of(number, "status") == "PENDING"
    await world.settle()
    assert await realm.get(number, fields=fields) == {
        "id": number,
        "status": "CONNECTED",
        "code_verification_status": "VERIFIED",
        "name_status": "AVAILABLE_WITHOUT_REVIEW",
        "quality_rating": "GREEN",
        "is_pin_enabled": True,
    }
