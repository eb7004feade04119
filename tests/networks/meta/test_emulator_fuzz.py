"""Whatever comes in, the emulated Graph answers in its own words, and never with an error of its own making."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from tabard.networks.meta.emulator.graph.surface import OPERATIONS
from tests.support.meta_emulator import Realm, World, emulating, refusal_in

PHONE = "15550100001"
EDGES = sorted({edge for _, _, edge in OPERATIONS} | {"messages", "settings"})
METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH")
NAMES = (
    *(
        "cc",
        "phone_number",
        "verified_name",
        "migrate_phone_number",
        "preverified_id",
        "code_method",
        "language",
        "code",
    ),
    *("messaging_product", "pin", "data_localization_region", "new_display_name", "webhook_configuration", "about"),
    *("search_visibility", "address", "description", "email", "websites", "vertical", "profile_picture_handle"),
    *("file_name", "file_length", "file_type", "object", "callback_url", "verify_token", "fields", "limit", "after"),
    *("override_callback_uri", "before", "sort", "filtering", "input_token", "appsecret_proof", "timezone_id", "name"),
)

text = st.text(max_size=40) | st.sampled_from(
    ["whatsapp", "SMS", "en_US", "1", "true", "5550100007", "image/png", "[", "{"]
)
scalar = text | st.integers() | st.floats() | st.booleans() | st.none()
value = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=6
)
likely = st.fixed_dictionaries(
    {},
    optional={
        "cc": st.sampled_from(["1", "49", "999"]),
        "phone_number": st.from_regex(r"[0-9+ ()-]{1,18}", fullmatch=True),
        "verified_name": st.text(min_size=1, max_size=80),
        "code_method": st.sampled_from(["SMS", "VOICE", "IVR"]),
        "language": st.just("en_US"),
        "code": st.from_regex(r"[0-9]{6}", fullmatch=True),
        "messaging_product": st.just("whatsapp"),
        "pin": st.from_regex(r"[0-9]{6}", fullmatch=True),
        "new_display_name": st.text(min_size=1, max_size=80),
        "about": st.text(max_size=150),
        "websites": st.lists(st.text(max_size=20), max_size=3),
        "limit": st.integers(),
        "fields": st.text(alphabet="abcdefghi_,{}.()", max_size=30),
        "file_length": st.integers(),
        "file_type": st.just("image/png"),
    },
)
parameters = likely | st.dictionaries(st.sampled_from(NAMES) | text, value, max_size=6)


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def realm(world: World) -> Realm:
    return await world.realm()


@pytest.fixture
async def targets(realm: Realm) -> list[str]:
    number = await realm.connected(PHONE)
    business = (await realm.get(realm.waba, fields="owner_business_info"))["owner_business_info"]["id"]
    pooled = (await realm.post(f"{business}/add_phone_numbers", phone_number="+15550100002"))["id"]
    return [number, pooled, realm.waba, business, realm.connection.app_id, "debug_token", "upload:x", "oauth", "é%00/"]


fuzzed = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(response: Any) -> None:
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        refusal_in(response)


@fuzzed
@given(data=st.data())
async def test_any_parameters_get_a_graph_answer(realm: Realm, targets: list[str], data: st.DataObject):
    target = data.draw(st.sampled_from(targets))
    edge = data.draw(st.sampled_from(EDGES))
    method = data.draw(st.sampled_from(METHODS))
    given_parameters = data.draw(parameters)
    token = data.draw(st.sampled_from([realm.connection.token, realm.app_token]))
    way = data.draw(st.sampled_from(["json", "form", "query"]))
    arguments: dict[str, Any] = {}
    if way == "json":
        arguments = {"content": json.dumps(given_parameters).encode(), "headers": {"Content-Type": "application/json"}}
    else:
        flat = {name: str(item) for name, item in given_parameters.items()}
        flat = {
            name.encode("utf-8", "replace").decode(): item.encode("utf-8", "replace").decode()
            for name, item in flat.items()
        }
        arguments = {"data" if way == "form" and method in {"POST", "PUT", "PATCH"} else "params": flat}
    check(await realm.call(method, f"{target}/{edge}", token=token, **arguments))


@fuzzed
@given(
    body=st.binary(max_size=300), kind=st.sampled_from(["application/json", "", "text/plain", "multipart/form-data"])
)
async def test_any_bytes_get_a_graph_answer(realm: Realm, targets: list[str], body: bytes, kind: str):
    headers = {"Content-Type": f"{kind}; boundary=x" if "multipart" in kind else kind}
    check(await realm.call("POST", f"{targets[0]}/register", content=body, headers=headers))
    check(await realm.call("POST", targets[0], content=b"--x\r\n" + body + b"\r\n--x--", headers=headers))


@fuzzed
@given(
    path=st.text(max_size=40),
    query=st.binary(max_size=60),
    headers=st.lists(st.tuples(st.sampled_from([b"authorization", b"host", b"content-type"]), st.binary(max_size=40))),
)
async def test_any_request_line_gets_a_graph_answer(
    world: World, path: str, query: bytes, headers: list[tuple[bytes, bytes]]
):
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/v25.0/{path}",
        "root_path": "",
        "scheme": "http",
        "query_string": query,
        "headers": headers,
    }
    await world.emulator.app(scope, receive, send)
    assert sent[0]["status"] < 500
    assert b'"fbtrace_id"' in sent[1]["body"]
