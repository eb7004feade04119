"""The life of a number in the emulated network, as any Graph client drives it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from tests.support.meta_emulator import PIN, ROOT, Realm, World, emulating

PHONE = "15550100001"
FIELDS = "status,code_verification_status,name_status,quality_rating,is_pin_enabled"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def realm(world: World) -> Realm:
    return await world.realm()


async def upload(realm: Realm, data: bytes, media_type: str = "image/png") -> str:
    session = await realm.post(
        f"{realm.connection.app_id}/uploads", file_name="logo.png", file_length=len(data), file_type=media_type
    )
    answer = await realm.call(
        "POST",
        session["id"],
        token=realm.connection.token,
        content=data,
        headers={"Authorization": f"OAuth {realm.connection.token}", "file_offset": "0"},
    )
    return str(answer.json()["h"])


async def test_a_number_goes_from_added_to_connected(realm: Realm, world: World):
    number = await realm.add(PHONE)
    assert await realm.get(number, fields=FIELDS) == {
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
    assert await realm.get(number, fields=FIELDS) == {
        "id": number,
        "status": "CONNECTED",
        "code_verification_status": "VERIFIED",
        "name_status": "AVAILABLE_WITHOUT_REVIEW",
        "quality_rating": "GREEN",
        "is_pin_enabled": True,
    }


async def test_a_connected_number_shows_the_default_fields_and_its_health(realm: Realm):
    number = await realm.connected(PHONE)
    shown = await realm.get(number)
    assert shown["webhook_configuration"].keys() == {"application"}
    del shown["webhook_configuration"]
    assert shown == {
        "verified_name": "Acme",
        "code_verification_status": "VERIFIED",
        "display_phone_number": "+1 555-010-0001",
        "quality_rating": "GREEN",
        "platform_type": "CLOUD_API",
        "throughput": {"level": "STANDARD"},
        "last_onboarded_time": "2026-03-02T10:00:01+0000",
        "id": number,
    }
    health = await realm.field_of(number, "health_status")
    assert health["can_send_message"] == "AVAILABLE"
    assert [entity["entity_type"] for entity in health["entities"]] == ["PHONE_NUMBER", "WABA", "BUSINESS", "APP"]


async def test_a_step_of_no_length_happens_within_the_call(pool: asyncpg.Pool):
    async with emulating(pool, step=timedelta(0)) as world:
        realm = await world.realm()
        number = await realm.verified(PHONE)
        await realm.post(f"{number}/register", messaging_product="whatsapp", pin=PIN)
        assert await realm.field_of(number, "status") == "CONNECTED"
        assert await world.emulator.next_task_due() is None


async def test_texts_and_calls_carry_the_code(realm: Realm, world: World):
    number = await realm.add(PHONE)
    await realm.post(f"{number}/request_code", code_method="SMS", language="en")
    await realm.post(f"{number}/request_code", code_method="VOICE", language="de_DE")
    text, call = await world.emulator.inbox(realm.account_id, f"+{PHONE}")
    assert text.sender == "WhatsApp"
    assert text.text.startswith("WhatsApp code ")
    assert len(text.text) == len("WhatsApp code 123-830")
    spoken = await realm.code_of(PHONE)
    assert call.text.count(f"{spoken[:3]}-{spoken[3:]}") == 3
    assert await world.emulator.inbox(realm.account_id, "+15550109999") == []


async def test_a_number_is_taken_off_and_put_on_again(realm: Realm):
    number = await realm.connected(PHONE)
    assert await realm.post(f"{number}/deregister") == {"success": True}
    assert await realm.field_of(number, "status") == "DISCONNECTED"
    assert await realm.refused("POST", f"{number}/deregister") == (400, 133010, None)
    await realm.register(number)
    assert await realm.field_of(number, "status") == "CONNECTED"


async def test_deregistering_stops_a_registration_on_its_way(realm: Realm, world: World):
    number = await realm.verified(PHONE)
    await realm.post(f"{number}/register", messaging_product="whatsapp", pin=PIN)
    await realm.post(f"{number}/deregister")
    await world.settle()
    assert await realm.field_of(number, "status") == "DISCONNECTED"


async def test_a_new_name_shows_after_review_and_another_registration(realm: Realm, world: World):
    number = await realm.connected(PHONE, subscribe=True)
    names = "verified_name,name_status,new_display_name,new_name_status"
    await realm.post(number, new_display_name="Acme Parcels", messaging_product="whatsapp")
    await realm.post(number, new_display_name="Acme Parcels")
    assert (await realm.get(number, fields=names))["new_name_status"] == "PENDING_REVIEW"
    assert await realm.refused("POST", number, new_display_name="Another") == (400, 100, None)
    await world.settle()
    assert await realm.get(number, fields=names) == {
        "id": number,
        "verified_name": "Acme",
        "name_status": "APPROVED",
        "new_display_name": "Acme Parcels",
        "new_name_status": "APPROVED",
    }
    await realm.register(number)
    assert await realm.get(number, fields=names) == {
        "id": number,
        "verified_name": "Acme Parcels",
        "name_status": "APPROVED",
        "new_name_status": "NONE",
    }
    assert world.receiver.values("phone_number_name_update") == [
        {
            "display_phone_number": PHONE,
            "decision": "APPROVED",
            "requested_verified_name": "Acme Parcels",
            "rejection_reason": None,
        }
    ]


async def test_the_pin_can_be_changed_and_then_holds(realm: Realm, world: World):
    number = await realm.connected(PHONE, subscribe=True)
    await realm.post(number, pin="111111")
    assert await realm.refused("POST", f"{number}/register", messaging_product="whatsapp", pin=PIN) == (
        400,
        133005,
        None,
    )
    await realm.register(number, "111111")
    assert world.receiver.values("security") == [{"display_phone_number": PHONE, "event": "PIN_CHANGED"}]


async def test_the_profile_keeps_what_is_not_given_and_clears_what_is_empty(realm: Realm):
    number = await realm.connected(PHONE)
    profile = f"{number}/whatsapp_business_profile"
    given = {
        "about": "Parcels, tracked",
        "address": "1 Sample Way",
        "description": "Delivery notices",
        "email": "care@acme.example",
        "websites": ["https://acme.example/"],
        "vertical": "RETAIL",
    }
    assert await realm.post(profile, messaging_product="whatsapp", **given) == {"success": True}
    assert await realm.get(profile) == {"data": [{**given, "messaging_product": "whatsapp"}]}
    await realm.post(profile, messaging_product="whatsapp", address="", websites=[], about="Here")
    assert await realm.get(profile, fields="about,address,websites") == {
        "data": [{"about": "Here", "messaging_product": "whatsapp"}]
    }


async def test_a_picture_is_uploaded_in_two_steps_and_shown(realm: Realm, world: World):
    number = await realm.connected(PHONE)
    handle = await upload(realm, PNG)
    profile = f"{number}/whatsapp_business_profile"
    await realm.post(profile, messaging_product="whatsapp", profile_picture_handle=handle)
    url = (await realm.get(profile, fields="profile_picture_url"))["data"][0]["profile_picture_url"]
    picture = await world.http.get(url)
    assert (picture.status_code, picture.headers["content-type"], picture.content) == (200, "image/png", PNG)
    assert await realm.refused(
        "POST", profile, messaging_product="whatsapp", profile_picture_handle="4:bm90aGluZw==:none"
    ) == (400, 100, None)


async def test_an_upload_that_broke_off_goes_on_where_it_stopped(realm: Realm, world: World):
    session = (
        await realm.post(
            f"{realm.connection.app_id}/uploads", file_name="l.png", file_length=len(PNG), file_type="image/png"
        )
    )["id"]
    half = await realm.call("POST", session, content=PNG[:1000], headers={"file_offset": "0"})
    assert half.json() == {"id": session, "file_offset": 1000}
    assert (await realm.call("GET", session)).json() == {"id": session, "file_offset": 1000}
    wrong = await realm.call("POST", session, content=PNG, headers={"file_offset": "0"})
    assert wrong.json()["error"]["code"] == 100
    quoted = session.replace("?", "%3F").replace("=", "%3D")
    rest = await world.http.post(
        f"{ROOT}/{quoted}",
        content=PNG[1000:],
        headers={"Authorization": f"OAuth {realm.connection.token}", "file_offset": "1000"},
    )
    assert rest.json().keys() == {"h"}
    unsigned = await realm.call("GET", session.partition("?")[0])
    assert unsigned.json()["error"]["error_subcode"] == 33


async def test_an_app_subscribes_and_unsubscribes(realm: Realm):
    path = f"{realm.waba}/subscribed_apps"
    assert await realm.get(path) == {"data": []}
    assert await realm.post(path) == {"success": True}
    (entry,) = (await realm.get(path))["data"]
    assert entry["whatsapp_business_api_data"]["id"] == realm.connection.app_id
    assert (await realm.call("DELETE", path)).json() == {"success": True}
    assert await realm.get(path) == {"data": []}


async def test_a_number_moves_to_another_business_account(realm: Realm, world: World):
    source = await realm.connected(PHONE, "Acme")
    other = await world.emulator.add_business_account(realm.account_id, "Other")
    number = {"cc": "1", "phone_number": "5550100001"}
    assert await realm.refused("POST", f"{other}/phone_numbers", verified_name="Acme", **number) == (400, 100, 2388103)
    moved = (await realm.post(f"{other}/phone_numbers", migrate_phone_number=True, **number))["id"]
    await realm.post(f"{moved}/request_code", code_method="SMS", language="en_US")
    await realm.post(f"{moved}/verify_code", code=await realm.code_of(PHONE))
    assert await realm.field_of(source, "status") == "CONNECTED"
    await realm.register(moved)
    assert await realm.field_of(source, "status") == "MIGRATED"
    assert (await realm.get(moved, fields="status,verified_name")) == {
        "status": "CONNECTED",
        "verified_name": "Acme",
        "id": moved,
    }


async def test_a_preverified_number_is_proved_once_and_claimed(realm: Realm, world: World):
    business = (await realm.get(realm.waba, fields="owner_business_info"))["owner_business_info"]["id"]
    pooled = (await realm.post(f"{business}/add_phone_numbers", phone_number=f"+{PHONE}"))["id"]
    await realm.post(f"{pooled}/request_code", code_method="SMS", language="en_US")
    await realm.post(f"{pooled}/verify_code", code=await realm.code_of(PHONE))
    listed = await realm.get(f"{business}/preverified_numbers", code_verification_status="VERIFIED")
    assert listed["data"] == [{"phone_number": f"+{PHONE}", "code_verification_status": "VERIFIED", "id": pooled}]
    claimed = (await realm.post(f"{realm.waba}/phone_numbers", preverified_id=pooled, verified_name="Acme"))["id"]
    assert await realm.get(claimed, fields="code_verification_status,is_preverified_number") == {
        "code_verification_status": "VERIFIED",
        "is_preverified_number": True,
        "id": claimed,
    }
    assert await realm.get(f"{business}/preverified_numbers") == {"data": []}


async def test_a_preverified_number_expires_and_can_be_removed(realm: Realm):
    business = (await realm.get(realm.waba, fields="owner_business_info"))["owner_business_info"]["id"]
    pooled = (await realm.post(f"{business}/add_phone_numbers", phone_number=f"+{PHONE}"))["id"]
    await realm.post(f"{pooled}/request_code", code_method="SMS", language="en_US")
    await realm.post(f"{pooled}/verify_code", code=await realm.code_of(PHONE))
    await realm.advance(days=90)
    assert (await realm.get(pooled))["code_verification_status"] == "EXPIRED"
    assert (await realm.call("DELETE", pooled)).json() == {"success": True}
    assert await realm.refused("GET", pooled) == (400, 100, 33)
