"""What the emulated network tells the app, how it signs it, and how long it keeps trying."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain.sender import UNLIMITED, Quality
from tabard.networks.emulation.drain import AT_ONCE
from tabard.networks.meta.emulator import events
from tabard.networks.meta.emulator.state import Notice
from tests.support.meta_emulator import ROOT, Realm, World, emulating, receiving, refusal_in

PHONE = "15550100001"


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def realm(world: World) -> Realm:
    return await world.realm()


def test_the_signature_is_over_the_raw_bytes():
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    assert (
        events.signature("test-app-secret", body)
        == "sha256=c84a394cc475525991e78ff16e430b02e47f953877d2af0ade26956ce6f384dc"
    )


@given(st.text())
def test_bodies_are_written_as_meta_writes_them(text: str):
    body = events.serialize("5", datetime(2026, 3, 2, tzinfo=UTC), Notice("account_update", {"event": text}))
    assert body.isascii()
    assert body.count("/") == body.count("\\/")
    assert json.loads(body)["entry"][0]["changes"][0]["value"]["event"] == text


def test_what_is_beyond_ascii_is_escaped_in_lower_case():
    body = events.serialize("5", datetime(2026, 3, 2, tzinfo=UTC), Notice("x", {"a": "É/é"}))
    assert '"\\u00c9\\/\\u00e9"' in body


async def test_a_webhook_is_signed_with_the_app_secret(realm: Realm, world: World):
    await realm.connected(PHONE, subscribe=True)
    (received,) = world.receiver.received
    assert received.headers["x-hub-signature-256"] == events.signature(realm.connection.app_secret, received.body)
    assert received.headers["content-type"] == "application/json"
    assert received.entry["id"] == realm.waba
    assert received.entry["time"] == int(world.clock.now().timestamp())
    assert json.loads(received.body)["object"] == "whatsapp_business_account"
    assert received.change[1] == {
        "display_phone_number": PHONE,
        "event": "ONBOARDING",
        "current_limit": "TIER_1K",
        "max_daily_conversations_per_business": "TIER_1K",
    }


async def test_an_app_that_has_not_subscribed_hears_nothing(realm: Realm, world: World):
    await realm.connected(PHONE)
    await realm.post(f"{realm.waba}/subscribed_apps")
    assert (await realm.call("DELETE", f"{realm.waba}/subscribed_apps")).status_code == 200
    await world.emulator.ban(realm.account_id, f"+{PHONE}")
    await world.settle()
    assert world.receiver.received == []


async def test_an_app_chooses_its_callback_and_fields(realm: Realm, world: World):
    async with receiving() as own:
        own.verify_token = "let-me-in"
        subscription = {
            "object": "whatsapp_business_account",
            "callback_url": own.url,
            "verify_token": "let-me-in",
            "fields": "account_update,messages",
            "access_token": realm.app_token,
        }
        wrong = await world.http.post(
            f"{ROOT}/{realm.connection.app_id}/subscriptions", params={**subscription, "verify_token": "guess"}
        )
        assert refusal_in(wrong) == (400, 2200, None)
        url = f"{ROOT}/{realm.connection.app_id}/subscriptions"
        assert (await world.http.post(url, params=subscription)).json() == {"success": True}
        (listed,) = (await realm.call("GET", f"{realm.connection.app_id}/subscriptions", token=realm.app_token)).json()[
            "data"
        ]
        assert listed["callback_url"] == own.url
        assert [field["name"] for field in listed["fields"]] == ["account_update", "messages"]
        await realm.connected(PHONE, subscribe=True)
        await world.emulator.ban(realm.account_id, f"+{PHONE}")
        await world.settle()
        assert [field for field, _ in own.changes] == ["account_update"]
        assert world.receiver.received == []
        dropped = await realm.call("DELETE", f"{realm.connection.app_id}/subscriptions", token=realm.app_token)
        assert dropped.json() == {"success": True}
        await world.emulator.lift_ban(realm.account_id, f"+{PHONE}")
        await world.settle()
        assert len(own.changes) == 1


async def test_a_subscription_needs_an_app_token_and_known_fields(realm: Realm):
    path = f"{realm.connection.app_id}/subscriptions"
    body = {
        "object": "whatsapp_business_account",
        "callback_url": "http://127.0.0.1:1/",
        "verify_token": "t",
        "fields": ["messages"],
    }
    assert await realm.refused("POST", path, **body) == (400, 15, None)
    for wrong in ({"object": "page"}, {"fields": ["gossip"]}, {"callback_url": None}):
        answer = await realm.call("POST", path, token=realm.app_token, json={**body, **wrong})
        assert refusal_in(answer) == (400, 100, None)
    for url in ("http://127.0.0.1:1/", "nonsense", "ftp://a.example/"):
        answer = await realm.call("POST", path, token=realm.app_token, json={**body, "callback_url": url})
        assert refusal_in(answer) == (400, 2200, None)


async def test_overrides_are_checked_shown_and_hold_for_messages_alone(realm: Realm, world: World):
    number = await realm.connected(PHONE, subscribe=True)
    heard = len(world.receiver.received)
    async with receiving() as own:
        own.verify_token = "let-me-in"
        override = {"override_callback_uri": own.url, "verify_token": "let-me-in"}
        refused = {"override_callback_uri": own.url, "verify_token": "guess"}
        assert await realm.refused("POST", f"{realm.waba}/subscribed_apps", **refused) == (400, 2200, None)
        await realm.post(f"{realm.waba}/subscribed_apps", **override)
        await realm.post(number, webhook_configuration=override)
        configuration = await realm.field_of(number, "webhook_configuration")
        assert configuration["whatsapp_business_account"] == configuration["phone_number"] == own.url
        (entry,) = (await realm.get(f"{realm.waba}/subscribed_apps"))["data"]
        assert entry["override_callback_uri"] == own.url
        await world.emulator.ban(realm.account_id, f"+{PHONE}")
        await world.settle()
        assert own.received == []
        assert len(world.receiver.received) == heard + 1
    await realm.post(number, webhook_configuration={"override_callback_uri": ""})
    await realm.post(f"{realm.waba}/subscribed_apps")
    assert (await realm.field_of(number, "webhook_configuration")).keys() == {"application"}


async def test_bans_quality_and_limits_are_told(realm: Realm, world: World):
    await realm.connected(PHONE, subscribe=True)
    world.receiver.received.clear()
    emulator, account, address = world.emulator, realm.account_id, f"+{PHONE}"
    await emulator.ban(account, address)
    await emulator.lift_ban(account, address)
    await emulator.set_quality(account, address, Quality.MEDIUM)
    await emulator.set_quality(account, address, Quality.LOW)
    await emulator.set_quality(account, address, Quality.HIGH)
    await emulator.set_messaging_limit(account, 10_000)
    await emulator.set_messaging_limit(account, UNLIMITED)
    await emulator.set_number_cap(account, 25)
    await world.settle()
    states = [value["ban_info"]["waba_ban_state"] for value in world.receiver.values("account_update")]
    assert sorted(states) == ["DISABLE", "REINSTATE"]
    assert sorted(value["event"] for value in world.receiver.values("phone_number_quality_update")) == [
        "FLAGGED",
        "UNFLAGGED",
    ]
    assert world.receiver.values("business_capability_update") == [
        {"max_daily_conversations_per_business": 10_000},
        {"max_daily_conversations_per_business": -1},
        {"max_daily_conversations_per_business": -1, "max_phone_numbers_per_waba": 25},
    ]


async def test_a_failed_webhook_comes_again_less_and_less_often(realm: Realm, world: World):
    world.receiver.failures = 3
    await realm.connected(PHONE, subscribe=True)
    assert len(world.receiver.received) == 1
    for pause, heard in ((5, 2), (15, 3), (60, 4)):
        due = await world.emulator.next_due(realm.account_id)
        assert due is not None
        assert due - world.clock.now() == timedelta(seconds=pause)
        world.clock.time = due
        await world.emulator.drain()
        assert len(world.receiver.received) == heard
    assert await world.emulator.next_due(realm.account_id) is None
    assert len({received.body for received in world.receiver.received}) == 1


async def test_after_seven_days_a_webhook_is_given_up(realm: Realm, world: World):
    world.receiver.failures = 1000
    await realm.connected(PHONE, subscribe=True)
    heard = 0
    for _ in range(13):
        await realm.advance(hours=12)
        assert len(world.receiver.received) > heard
        heard = len(world.receiver.received)
    await realm.advance(hours=13)
    assert len(world.receiver.received) == heard
    assert await world.emulator.next_due(realm.account_id) is None


async def test_a_receiver_that_hangs_holds_up_nobody(realm: Realm, world: World):
    release = asyncio.Event()

    async def hang(_: web.BaseRequest) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    runner = web.ServerRunner(web.Server(hang), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await world.pool.execute(
            "update sandbox.meta_realms set callback_url = $2 where account_id = $1",
            realm.account_id,
            f"http://127.0.0.1:{runner.addresses[0][1]}/",
        )
        await realm.post(f"{realm.waba}/subscribed_apps")
        for number in range(AT_ONCE + 4):
            phone = f"1555010{1000 + number}"
            await realm.post(f"{await realm.verified(phone)}/register", messaging_product="whatsapp", pin="123456")
        other = await world.realm()
        await other.post(f"{other.waba}/subscribed_apps")
        await other.post(f"{await other.verified(PHONE)}/register", messaging_product="whatsapp", pin="123456")
        world.clock.advance(seconds=1)
        draining = asyncio.create_task(world.emulator.drain())
        async with asyncio.timeout(5):
            await world.receiver.heard.wait()
        release.set()
        await draining
    finally:
        await runner.cleanup()
    statuses = await realm.get(f"{realm.waba}/phone_numbers", fields="status", limit=100)
    assert {entry["status"] for entry in statuses["data"]} == {"CONNECTED"}


@pytest.mark.parametrize(("chaos", "copies"), [("drop", 0), ("duplicate", 2), ("shuffle", 1)])
async def test_webhooks_can_be_lost_doubled_and_delayed(realm: Realm, world: World, chaos: str, copies: int):
    await world.emulator.set_webhook_chaos(realm.account_id, **{chaos: True})
    await realm.connected(PHONE, subscribe=True)
    world.clock.advance(seconds=2)
    await world.emulator.drain()
    assert len(world.receiver.received) == copies


async def test_new_work_wakes_the_worker(realm: Realm, world: World):
    number = await realm.verified(PHONE)
    assert world.wakes == []
    await realm.post(f"{number}/register", messaging_product="whatsapp", pin="123456")
    assert len(world.wakes) == 1
