"""Reading: which fields an answer has, how parameters may come, and lists a page at a time."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tabard.networks.meta.emulator.graph.surface import OPERATIONS
from tests.support.meta_emulator import ROOT, Realm, World, emulating, refusal_in

PHONE = "15550100001"


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def realm(world: World) -> Realm:
    return await world.realm()


@pytest.mark.parametrize(
    "fields",
    [
        "status",
        "id,status",
        " status , health_status{can_send_message,entities} ",
        "status,quality_score{score}",
        "status,throughput.limit(1){level}",
    ],
)
async def test_fields_choose_what_is_shown(realm: Realm, fields: str):
    number = await realm.add(PHONE)
    shown = await realm.get(number, fields=fields)
    assert shown["status"] == "PENDING"
    assert shown["id"] == number
    assert set(shown) <= {"id", "status", "health_status", "quality_score", "throughput"}


async def test_sub_selection_leaves_the_rest_out(realm: Realm):
    number = await realm.add(PHONE)
    assert (await realm.get(number, fields="health_status{can_send_message}"))["health_status"] == {
        "can_send_message": "BLOCKED"
    }


@pytest.mark.parametrize(
    ("fields", "code"), [("nonsense", 100), ("status,", 2500), ("a{b", 2500), ("a}", 2500), ("{", 2500)]
)
async def test_fields_that_there_are_not(realm: Realm, fields: str, code: int):
    number = await realm.add(PHONE)
    answer = await realm.call("GET", number, params={"fields": fields})
    assert refusal_in(answer) == (400, code, None)
    if code == 100:
        assert answer.json()["error"]["message"] == (
            "(#100) Tried accessing nonexisting field (nonsense) on node type (WhatsAppBusinessPhoneNumber)"
        )


async def test_each_kind_of_object_can_be_read(realm: Realm):
    account = await realm.get(
        realm.waba, fields="name,currency,timezone_id,account_review_status,owner_business_info,health_status"
    )
    assert (account["currency"], account["account_review_status"]) == ("USD", "APPROVED")
    business = account["owner_business_info"]["id"]
    assert (await realm.get(business))["id"] == business
    assert (await realm.get(realm.connection.app_id))["id"] == realm.connection.app_id
    owned = await realm.get(f"{business}/owned_whatsapp_business_accounts")
    assert [entry["id"] for entry in owned["data"]] == [realm.waba]
    assert await realm.get(f"{business}/client_whatsapp_business_accounts") == {"data": []}


async def test_a_business_account_can_be_renamed(realm: Realm):
    assert (await realm.post(realm.waba, name="Acme Inc", timezone_id="42"))["id"] == realm.waba
    assert await realm.get(realm.waba, fields="name,timezone_id") == {
        "name": "Acme Inc",
        "timezone_id": "42",
        "id": realm.waba,
    }


@pytest.mark.parametrize("how", ["query", "form", "json", "multipart"])
async def test_parameters_come_in_any_way(realm: Realm, how: str):
    number = await realm.add(PHONE)
    profile = {"messaging_product": "whatsapp", "about": "Grüße", "websites": '["https://a.example/"]'}
    ways: dict[str, dict[str, Any]] = {
        "query": {"params": profile},
        "form": {"data": profile},
        "json": {"json": profile},
        "multipart": {"files": {name: (None, value) for name, value in profile.items()}},
    }
    answer = await realm.call("POST", f"{number}/whatsapp_business_profile", **ways[how])
    assert answer.json() == {"success": True}
    (shown,) = (await realm.get(f"{number}/whatsapp_business_profile"))["data"]
    assert (shown["about"], shown["websites"]) == ("Grüße", ["https://a.example/"])


async def _add_many(realm: Realm, world: World, count: int) -> list[str]:
    """Newest first, a minute apart."""
    added = []
    for number in range(count):
        added.append(await realm.add(f"1555010{2000 + number}"))
        world.clock.advance(minutes=1)
    return added[::-1]


def _ids(page: dict[str, Any]) -> list[str]:
    return [entry["id"] for entry in page["data"]]


async def test_a_list_is_walked_forth_and_back(realm: Realm, world: World):
    newest_first = await _add_many(realm, world, 5)
    headers = {"Authorization": f"Bearer {realm.connection.token}"}
    first = await realm.get(f"{realm.waba}/phone_numbers", limit=2, fields="id")
    assert _ids(first) == newest_first[:2]
    assert "previous" not in first["paging"]
    assert first["paging"]["next"].startswith(f"{ROOT}/{realm.waba}/phone_numbers?")
    second = (await world.http.get(first["paging"]["next"], headers=headers)).json()
    assert _ids(second) == newest_first[2:4]
    last = (await world.http.get(second["paging"]["next"], headers=headers)).json()
    assert _ids(last) == newest_first[4:]
    assert "next" not in last["paging"]
    back = (await world.http.get(last["paging"]["previous"], headers=headers)).json()
    assert _ids(back) == newest_first[2:4]
    start = (await world.http.get(back["paging"]["previous"], headers=headers)).json()
    assert _ids(start) == newest_first[:2]
    assert "previous" not in start["paging"]


async def test_a_list_has_25_entries_unless_told_and_never_more_than_100(realm: Realm, world: World):
    await _add_many(realm, world, 101)
    assert len((await realm.get(f"{realm.waba}/phone_numbers"))["data"]) == 25
    page = await realm.get(f"{realm.waba}/phone_numbers", limit=5000)
    assert len(page["data"]) == 100
    rest = await realm.get(f"{realm.waba}/phone_numbers", limit=100, after=page["paging"]["cursors"]["after"])
    assert len(rest["data"]) == 1


async def test_lists_are_sorted_and_filtered(realm: Realm, world: World):
    newest_first = await _add_many(realm, world, 3)
    path = f"{realm.waba}/phone_numbers"
    assert _ids(await realm.get(path, sort="creation_time.asc")) == newest_first[::-1]
    assert _ids(await realm.get(path, sort="creation_time.desc")) == newest_first
    assert _ids(await realm.get(path, sort="['last_onboarded_time_ascending']")) == newest_first[::-1]
    live = json.dumps([{"field": "account_mode", "operator": "EQUAL", "value": "LIVE"}])
    assert _ids(await realm.get(path, filtering=live)) == newest_first
    sandbox = json.dumps([{"field": "account_mode", "operator": "EQUAL", "value": "SANDBOX"}])
    assert await realm.get(path, filtering=sandbox) == {"data": []}
    tier = json.dumps([{"field": "messaging_limit_tier", "operator": "EQUAL", "value": "TIER_250"}])
    limited = await realm.add("15550100115")
    assert _ids(await realm.get(path, filtering=tier)) == [limited]


async def test_the_newest_onboarded_comes_first(realm: Realm, world: World):
    older = await realm.verified("15550100001")
    world.clock.advance(minutes=1)
    newer = await realm.add("15550100002")
    world.clock.advance(minutes=1)
    assert _ids(await realm.get(f"{realm.waba}/phone_numbers")) == [newer, older]
    await realm.register(older)
    assert _ids(await realm.get(f"{realm.waba}/phone_numbers")) == [older, newer]


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": "many"},
        {"limit": "-1"},
        {"after": "%%%"},
        {"before": "bm90aGluZw"},
        {"sort": "beauty"},
        {"filtering": "{"},
        {"filtering": '[{"field":"colour","operator":"EQUAL","value":"x"}]'},
        {"filtering": '[{"field":"account_mode","operator":"LIKE","value":"x"}]'},
        {"filtering": "[1]"},
    ],
)
async def test_a_list_refuses_what_it_cannot_do(realm: Realm, wrong: dict[str, str]):
    assert await realm.refused("GET", f"{realm.waba}/phone_numbers", **wrong) == (400, 100, None)


async def test_app_tokens_are_granted_for_the_secret(realm: Realm, world: World):
    app = {"client_id": realm.connection.app_id, "client_secret": realm.connection.app_secret}
    granted = await world.http.get(f"{ROOT}/oauth/access_token", params={**app, "grant_type": "client_credentials"})
    assert granted.json() == {"access_token": realm.app_token, "token_type": "bearer"}
    wrong = await world.http.get(f"{ROOT}/oauth/access_token", params={**app, "client_secret": "x"})
    assert refusal_in(wrong) == (400, 1, None)


async def test_a_signup_code_becomes_a_business_token_once_within_30_seconds(realm: Realm, world: World):
    app = {"client_id": realm.connection.app_id, "client_secret": realm.connection.app_secret}
    url = f"{ROOT}/oauth/access_token"
    code = await world.emulator.issue_signup_code(realm.account_id)
    token = (await world.http.get(url, params={**app, "code": code})).json()["access_token"]
    assert (await realm.call("GET", realm.waba, token=token)).status_code == 200
    assert refusal_in(await world.http.get(url, params={**app, "code": code})) == (400, 100, 36009)
    late = await world.emulator.issue_signup_code(realm.account_id)
    await realm.advance(seconds=30)
    assert refusal_in(await world.http.get(url, params={**app, "code": late})) == (400, 100, 36007)


async def test_a_token_tells_whose_it_is(realm: Realm, world: World):
    data = (await realm.get("debug_token", input_token=realm.connection.token))["data"]
    assert (data["app_id"], data["type"], data["is_valid"]) == (realm.connection.app_id, "SYSTEM_USER", True)
    targets = {entry["scope"]: entry.get("target_ids") for entry in data["granular_scopes"]}
    assert targets["whatsapp_business_management"] == [realm.waba]
    stranger = await world.realm()
    for token in ("nonsense", stranger.connection.token):
        assert (await realm.get("debug_token", input_token=token))["data"]["is_valid"] is False


async def test_every_operation_of_the_table_is_behind_the_token(realm: Realm, world: World):
    ids = {"app": realm.connection.app_id, "upload": "upload:abc", "debug_token": "debug_token"}
    for kind, method, edge in OPERATIONS:
        answer = await world.http.request(method, f"{ROOT}/{ids.get(kind, realm.waba)}/{edge}")
        assert refusal_in(answer) == (400, 104, None), (kind, method, edge)
