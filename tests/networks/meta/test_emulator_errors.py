"""What the emulated network refuses, and in which words: HTTP status, code, subcode, and the order of the checks."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.support.meta_emulator import HOST, PIN, ROOT, Realm, World, emulating, refusal_in

PHONE = "15550100001"
NOBODY = "7999999999999999"
FULL_WIDTH = "\uff11\uff12\uff13\uff14\uff15\uff16"
"""Digits to Python, but not to Meta."""


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def realm(world: World) -> Realm:
    return await world.realm()


def golden(code: int, message: str, **more: Any) -> dict[str, Any]:
    return {"message": message, "type": "OAuthException", "code": code, "is_transient": False, **more}


def error_in(response: Any) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    del error["fbtrace_id"]
    return error


async def test_without_a_good_token_nothing_is_told(realm: Realm, world: World):
    bare = await world.http.get(f"{ROOT}/{realm.waba}")
    assert refusal_in(bare) == (400, 104, None)
    wrong = await realm.call("GET", realm.waba, token="EAAnot-a-token")
    assert wrong.status_code == 401
    assert error_in(wrong) == golden(190, "Invalid OAuth access token - Cannot parse access token")
    assert "invalid_token" in wrong.headers["www-authenticate"]


@pytest.mark.parametrize("how", ["Bearer", "OAuth", "parameter"])
async def test_a_token_may_come_in_three_ways(realm: Realm, world: World, how: str):
    token = realm.connection.token
    headers = {} if how == "parameter" else {"Authorization": f"{how} {token}"}
    params = {"access_token": token} if how == "parameter" else {}
    answer = await world.http.get(f"{ROOT}/{realm.waba}", headers=headers, params=params)
    assert answer.status_code == 200


async def test_an_unknown_object_is_a_refusal_not_a_404(realm: Realm):
    for method, path in (("GET", NOBODY), ("POST", f"{NOBODY}/register"), ("DELETE", NOBODY)):
        assert await realm.refused(method, path) == (400, 100, 33)
    error = error_in(await realm.call("GET", NOBODY))
    assert error["type"] == "GraphMethodException"
    assert error["message"].startswith(f"Unsupported get request. Object with ID '{NOBODY}' does not exist")


async def test_another_realm_sees_nothing_of_this_one(realm: Realm, world: World):
    number = await realm.connected(PHONE)
    stranger = await world.realm()
    for path in (number, realm.waba, realm.connection.app_id, f"{realm.waba}/phone_numbers"):
        assert await stranger.refused("GET", path) == (400, 100, 33)
    assert await stranger.refused("POST", f"{number}/register", messaging_product="whatsapp", pin=PIN) == (
        400,
        100,
        33,
    )
    assert await stranger.add(PHONE) != number, "each realm is a world of its own"


async def test_scopes_are_asked_for_before_anything_else(realm: Realm, world: World):
    number = await realm.add(PHONE)
    messaging = await world.emulator.issue_token(realm.account_id, ["whatsapp_business_messaging"])
    assert refusal_in(await realm.call("GET", number, token=messaging)) == (403, 200, None)
    assert refusal_in(await realm.call("GET", number, token=realm.app_token)) == (403, 10, None)
    business = (await realm.get(realm.waba, fields="owner_business_info"))["owner_business_info"]["id"]
    management = await world.emulator.issue_token(realm.account_id, ["whatsapp_business_management"])
    pool = await realm.call("GET", f"{business}/preverified_numbers", token=management)
    assert refusal_in(pool) == (403, 200, None)


async def test_a_proof_of_the_app_secret_must_be_right_when_given(realm: Realm):
    token, secret = realm.connection.token, realm.connection.app_secret
    proof = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    assert (await realm.call("GET", realm.waba, params={"appsecret_proof": proof})).status_code == 200
    assert await realm.refused("GET", realm.waba, appsecret_proof="0" * 64) == (400, 100, None)


async def test_edges_and_methods_that_there_are_not(realm: Realm):
    number = await realm.add(PHONE)
    assert error_in(await realm.call("GET", f"{number}/nonsense")) == golden(
        100, "(#100) Tried accessing nonexisting field (nonsense) on node type (WhatsAppBusinessPhoneNumber)"
    )
    assert await realm.refused("POST", f"{number}/nonsense") == (400, 100, None)
    assert await realm.refused("POST", f"{number}/messages") == (400, 100, None)
    assert await realm.refused("PUT", number) == (400, 100, None)


async def test_a_number_cannot_be_deleted_through_the_api(realm: Realm):
    number = await realm.add(PHONE)
    error = error_in(await realm.call("DELETE", number))
    assert (error["code"], error.get("error_subcode"), error["type"]) == (100, None, "GraphMethodException")
    assert await realm.field_of(number, "status") == "PENDING"


@pytest.mark.parametrize("path", ["v99.0/1", "v25.0", "v25.0/1/2/3", ""])
async def test_paths_that_no_graph_has(realm: Realm, world: World, path: str):
    answer = await world.http.get(f"{HOST}/networks/meta/{path}", params={"access_token": realm.connection.token})
    assert refusal_in(answer) == (400, 2500, None)


async def test_the_version_may_be_left_out_and_shows_in_the_answer(realm: Realm, world: World):
    headers = {"Authorization": f"Bearer {realm.connection.token}"}
    bare = await world.http.get(f"{HOST}/networks/meta/{realm.waba}", headers=headers)
    assert (bare.status_code, bare.headers["facebook-api-version"]) == (200, "v25.0")
    older = await world.http.get(f"{HOST}/networks/meta/v21.0/{realm.waba}/", headers=headers)
    assert (older.status_code, older.headers["facebook-api-version"]) == (200, "v21.0")
    usage = older.headers["x-business-use-case-usage"]
    assert f'"{realm.waba}"' in usage
    assert "whatsapp_business_management" in usage
    assert older.headers["x-fb-request-id"]
    assert older.headers["x-fb-trace-id"]


ADD = {"cc": "1", "phone_number": "5550100009", "verified_name": "Acme"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"cc": None},
        {"cc": "x1"},
        {"cc": "1234"},
        {"phone_number": None},
        {"phone_number": "abc"},
        {"phone_number": "5" * 20},
        {"phone_number": ["5550100009"]},
        {"verified_name": None},
        {"verified_name": "A"},
        {"verified_name": "A" * 76},
        {"migrate_phone_number": "perhaps"},
        {"preverified_id": "1"},
    ],
)
async def test_adding_needs_a_number_and_a_name(realm: Realm, wrong: dict[str, Any]):
    assert await realm.refused("POST", f"{realm.waba}/phone_numbers", **{**ADD, **wrong}) == (400, 100, None)


@pytest.mark.parametrize(
    ("cc", "number", "shown"),
    [
        ("1", "5550100009", "+1 555-010-0009"),
        ("1", "15550100009", "+1 555-010-0009"),
        ("+1", "+1 (555) 010-0009", "+1 555-010-0009"),
        ("49", "15155501000", "+49 1515 5501000"),
        ("49", "4915155501000", "+49 1515 5501000"),
        ("44", "7700900123", "+44 7700 900123"),
        ("44", "447700900123", "+44 7700 900123"),
        ("7", "7011234567", "+7 701 123 4567"),
    ],
)
async def test_a_number_may_be_written_with_or_without_its_calling_code(realm: Realm, cc: str, number: str, shown: str):
    answer = await realm.post(f"{realm.waba}/phone_numbers", cc=cc, phone_number=number, verified_name="Acme")
    assert await realm.field_of(answer["id"], "display_phone_number") == shown


async def test_a_number_is_in_a_business_account_once(realm: Realm):
    await realm.add(PHONE)
    again = await realm.call(
        "POST", f"{realm.waba}/phone_numbers", json={"cc": "1", "phone_number": PHONE[1:], "verified_name": "Acme"}
    )
    assert again.status_code == 400
    assert error_in(again) == golden(
        2388012,
        "(#2388012) Phone number already added",
        error_data={
            "messaging_product": "whatsapp",
            "details": "The phone number is already in this WhatsApp Business account.",
        },
        error_user_title="Phone number already added",
        error_user_msg="This WhatsApp Business account has this phone number already.",
    )


async def test_the_cap_is_looked_at_before_the_duplicate(realm: Realm, world: World):
    await realm.add(PHONE)
    await world.emulator.set_number_cap(realm.account_id, 1)
    for digits in (PHONE, "15550100002"):
        wanted = {"cc": "1", "phone_number": digits[1:], "verified_name": "Acme"}
        assert await realm.refused("POST", f"{realm.waba}/phone_numbers", **wanted) == (403, 200, 1349175)
    await world.emulator.set_number_cap(realm.account_id, None)
    await realm.add("15550100002")


@pytest.mark.parametrize(
    "wrong", [{"code_method": None}, {"code_method": "PIGEON"}, {"language": None}, {"language": "Klingon!"}]
)
async def test_asking_for_a_code_needs_a_way_and_a_language(realm: Realm, wrong: dict[str, Any]):
    number = await realm.add(PHONE)
    body = {"code_method": "SMS", "language": "en_US", **wrong}
    assert await realm.refused("POST", f"{number}/request_code", **body) == (400, 100, None)


async def test_a_verified_number_gets_no_code(realm: Realm):
    number = await realm.verified(PHONE)
    asked = await realm.call("POST", f"{number}/request_code", params={"code_method": "SMS", "language": "en_US"})
    assert refusal_in(asked) == (400, 136024, 2388092)
    assert "already verified" in asked.json()["error"]["error_data"]["details"]
    assert await realm.refused("POST", f"{number}/request_code", code_method="X", language="en") == (400, 100, None)


@pytest.mark.parametrize("code", [None, "12345", "1234567", "123-456", "abcdef", FULL_WIDTH])
async def test_a_code_has_six_digits(realm: Realm, code: str | None):
    number = await realm.add(PHONE)
    assert await realm.refused("POST", f"{number}/verify_code", code=code) == (400, 100, None)


async def test_a_code_is_good_once_and_only_if_right(realm: Realm):
    number = await realm.add(PHONE)
    assert await realm.refused("POST", f"{number}/verify_code", code="123456") == (400, 136025, None)
    await realm.post(f"{number}/request_code", code_method="SMS", language="en_US")
    code = await realm.code_of(PHONE)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert await realm.refused("POST", f"{number}/verify_code", code=wrong) == (400, 136025, None)
    await realm.post(f"{number}/verify_code", code=code)
    assert await realm.refused("POST", f"{number}/verify_code", code=code) == (400, 136025, None)


async def test_five_wrong_guesses_spoil_a_code(realm: Realm):
    number = await realm.add(PHONE)
    await realm.post(f"{number}/request_code", code_method="SMS", language="en_US")
    code = await realm.code_of(PHONE)
    for guess in range(1, 6):
        wrong = f"{(int(code) + guess) % 10**6:06}"
        assert await realm.refused("POST", f"{number}/verify_code", code=wrong) == (400, 136025, None)
    assert await realm.refused("POST", f"{number}/verify_code", code=code) == (400, 136025, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"messaging_product": None},
        {"messaging_product": "pigeon"},
        {"pin": None},
        {"pin": "12345"},
        {"pin": FULL_WIDTH},
        {"data_localization_region": "XX"},
    ],
)
async def test_registering_needs_a_product_and_a_pin(realm: Realm, wrong: dict[str, Any]):
    number = await realm.verified(PHONE)
    body = {"messaging_product": "whatsapp", "pin": PIN, **wrong}
    assert await realm.refused("POST", f"{number}/register", **body) == (400, 100, None)


async def test_an_unproved_number_cannot_register(realm: Realm):
    number = await realm.add(PHONE)
    asked = await realm.call("POST", f"{number}/register", json={"messaging_product": "whatsapp", "pin": PIN})
    assert asked.status_code == 400
    assert error_in(asked) == golden(
        133006,
        "(#133006) Phone number Re-Verification Needed",
        error_data={
            "messaging_product": "whatsapp",
            "details": "The phone number must be verified before it can be registered.",
        },
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"messaging_product": None},
        {"about": ""},
        {"about": "x" * 140},
        {"address": "x" * 257},
        {"description": "x" * 513},
        {"email": "nobody"},
        {"email": "a" * 125 + "@b.example"},
        {"websites": ["https://a.example", "https://b.example", "https://c.example"]},
        {"websites": ["ftp://a.example"]},
        {"websites": [{"url": "https://a.example"}]},
        {"websites": ["https://a.example/" + "x" * 256]},
        {"vertical": "NOT_A_BIZ"},
        {"vertical": "PIRACY"},
    ],
)
async def test_the_profile_has_bounds(realm: Realm, wrong: dict[str, Any]):
    number = await realm.add(PHONE)
    body = {"messaging_product": "whatsapp", "about": "Here", **wrong}
    assert await realm.refused("POST", f"{number}/whatsapp_business_profile", **body) == (400, 100, None)
    assert await realm.get(f"{number}/whatsapp_business_profile") == {"data": [{"messaging_product": "whatsapp"}]}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pin": "12"},
        {"new_display_name": "A"},
        {"new_display_name": "A" * 76},
        {"search_visibility": "GLOWING"},
        {"webhook_configuration": "nothing"},
        {"webhook_configuration": {"override_callback_uri": "https://a.example"}},
        {"webhook_configuration": {"override_callback_uri": "https://a.example/" + "x" * 200, "verify_token": "t"}},
    ],
)
async def test_settings_are_checked(realm: Realm, settings: dict[str, Any]):
    number = await realm.add(PHONE)
    assert await realm.refused("POST", number, **settings) == (400, 100, None)


@pytest.mark.parametrize(
    "upload",
    [
        {"file_type": "text/plain", "file_length": 10},
        {"file_length": 10},
        {"file_type": "image/png"},
        {"file_type": "image/png", "file_length": 0},
        {"file_type": "image/png", "file_length": 10**9},
    ],
)
async def test_an_upload_is_announced_with_its_type_and_length(realm: Realm, upload: dict[str, Any]):
    assert await realm.refused("POST", f"{realm.connection.app_id}/uploads", **upload) == (400, 100, None)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'"text"', "application/json", 400),
        (b'{"pin":"\\u0000"}', "application/json", 400),
        (b'{"pin":"\xff"}', "application/json", 400),
        (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", "application/json", 400),
        (b'{"a":' + b"[" * 100_000, "application/json", 400),
        (b"pin=%00", "application/x-www-form-urlencoded", 400),
        (b"x" * (16 * 1024 * 1024 + 1), "application/json", 413),
    ],
    ids=["cut", "list", "text", "nul", "not-utf8", "deep", "deeper", "form-nul", "huge"],
)
async def test_a_body_that_cannot_be_read(realm: Realm, body: bytes, content_type: str, status: int):
    number = await realm.add(PHONE)
    answer = await realm.call("POST", number, content=body, headers={"Content-Type": content_type})
    assert refusal_in(answer) == (status, 100, None)
