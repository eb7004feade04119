"""What a number's last four digits make of it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tabard.networks.meta.emulator.outcomes import OUTCOMES, PLAIN, outcome_of
from tests.support.meta_emulator import PIN, Realm, World, emulating, refusal_in

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "sandbox.md"


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def realm(world: World) -> Realm:
    return await world.realm()


def phone(ending: str) -> str:
    return f"1555010{ending}"


async def refused_to_add(realm: Realm, ending: str) -> tuple[int, int, int | None]:
    body = {"cc": "1", "phone_number": phone(ending)[1:], "verified_name": "Acme"}
    return await realm.refused("POST", f"{realm.waba}/phone_numbers", **body)


def test_the_guide_has_the_same_table():
    rows = dict(re.findall(r"^\| `(\d{4})` \| (.+?) \|$", GUIDE.read_text(), re.MULTILINE))
    assert rows == {ending: outcome.story for ending, outcome in OUTCOMES.items()}


def test_any_other_number_is_plain():
    assert outcome_of("15550100001") is PLAIN
    assert outcome_of("4915155500116") is OUTCOMES["0116"]


async def test_0111_is_verified_when_added(realm: Realm):
    number = await realm.add(phone("0111"))
    assert await realm.field_of(number, "code_verification_status") == "VERIFIED"
    await realm.register(number)
    assert await realm.field_of(number, "status") == "CONNECTED"


async def test_0112_is_on_whatsapp_elsewhere(realm: Realm):
    assert await refused_to_add(realm, "0112") == (400, 100, 2388103)
    assert await realm.add(phone("0112"), migrate_phone_number=True)


async def test_0113_meets_the_number_cap(realm: Realm):
    assert await refused_to_add(realm, "0113") == (403, 200, 1349175)


async def test_0114_has_asked_for_too_many_codes(realm: Realm):
    number = await realm.add(phone("0114"))
    asked = await realm.call("POST", f"{number}/request_code", json={"code_method": "SMS", "language": "en_US"})
    assert refusal_in(asked) == (400, 136024, 2388091)
    assert "60 minutes" in asked.json()["error"]["error_user_msg"]


async def test_0115_has_every_name_declined(realm: Realm, world: World):
    number = await realm.connected(phone("0115"), subscribe=True)
    fields = "name_status,new_name_status,verified_name,whatsapp_business_manager_messaging_limit,health_status"
    shown = await realm.get(number, fields=fields)
    assert (shown["name_status"], shown["whatsapp_business_manager_messaging_limit"]) == ("DECLINED", "TIER_250")
    assert shown["health_status"]["can_send_message"] == "LIMITED"
    await realm.post(number, new_display_name="Acme Parcels")
    await world.settle()
    shown = await realm.get(number, fields=fields)
    assert (shown["new_name_status"], shown["verified_name"]) == ("DECLINED", "Acme")
    (told,) = world.receiver.values("phone_number_name_update")
    assert (told["decision"], told["rejection_reason"]) == ("REJECTED", "NAME_NOT_CONSISTENT")


async def test_0116_is_banned_an_hour_after_connecting(realm: Realm, world: World):
    number = await realm.connected(phone("0116"), subscribe=True)
    await realm.advance(minutes=59)
    assert await realm.field_of(number, "status") == "CONNECTED"
    await realm.advance(minutes=1)
    shown = await realm.get(number, fields="status,health_status")
    assert (shown["status"], shown["health_status"]["can_send_message"]) == ("BANNED", "BLOCKED")
    (told,) = world.receiver.values("account_update")
    assert told == {
        "phone_number": phone("0116"),
        "event": "DISABLED_UPDATE",
        "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "March 2, 2026"},
    }
    other = await realm.connected("15550100001")
    assert await realm.field_of(other, "status") == "CONNECTED", "the ban is the number's, not the account's"


async def test_0117_fails_three_calls_and_works_then(realm: Realm):
    body = {"cc": "1", "phone_number": phone("0117")[1:], "verified_name": "Acme"}
    for _ in range(3):
        answer = await realm.call("POST", f"{realm.waba}/phone_numbers", json=body)
        assert refusal_in(answer) == (500, 2, None)
        assert answer.json()["error"]["is_transient"] is True
    number = await realm.connected(phone("0117"))
    assert await realm.field_of(number, "status") == "CONNECTED"


async def test_0118_hears_calls_but_no_texts(realm: Realm, world: World):
    number = await realm.add(phone("0118"))
    await realm.post(f"{number}/request_code", code_method="SMS", language="en_US")
    assert await world.emulator.inbox(realm.account_id, f"+{phone('0118')}") == []
    await realm.post(f"{number}/request_code", code_method="VOICE", language="en_US")
    await realm.post(f"{number}/verify_code", code=await realm.code_of(phone("0118")))
    assert await realm.field_of(number, "code_verification_status") == "VERIFIED"


async def test_0119_turns_red_an_hour_after_connecting(realm: Realm, world: World):
    number = await realm.connected(phone("0119"), subscribe=True)
    await realm.advance(hours=1)
    shown = await realm.get(number, fields="quality_rating,status,whatsapp_business_manager_messaging_limit")
    assert (shown["quality_rating"], shown["status"]) == ("RED", "CONNECTED")
    assert shown["whatsapp_business_manager_messaging_limit"] == "TIER_250"
    told = world.receiver.values("phone_number_quality_update")
    first, *rest = [(value["event"], value["current_limit"]) for value in told]
    assert first == ("ONBOARDING", "TIER_1K")
    assert set(rest) == {("FLAGGED", "TIER_1K"), ("DOWNGRADE", "TIER_250")}, "sent side by side, as Meta does"


async def test_0120_has_a_pin_that_nobody_knows(realm: Realm):
    number = await realm.verified(phone("0120"))
    assert await realm.field_of(number, "is_pin_enabled") is True
    body = {"messaging_product": "whatsapp", "pin": PIN}
    assert await realm.refused("POST", f"{number}/register", **body) == (400, 133005, None)


async def test_0121_must_wait_72_hours(realm: Realm):
    number = await realm.verified(phone("0121"))
    body = {"messaging_product": "whatsapp", "pin": PIN}
    assert await realm.refused("POST", f"{number}/register", **body) == (400, 133016, None)
    await realm.advance(hours=71, minutes=59)
    assert await realm.refused("POST", f"{number}/register", **body) == (400, 133016, None)
    await realm.advance(minutes=1)
    await realm.register(number)
    assert await realm.field_of(number, "status") == "CONNECTED"


async def test_0122_is_in_a_locked_account(realm: Realm):
    number = await realm.verified(phone("0122"))
    body = {"messaging_product": "whatsapp", "pin": PIN}
    assert await realm.refused("POST", f"{number}/register", **body) == (403, 131031, None)
