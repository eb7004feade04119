"""Whatever comes in is answered in Google's words: unknown paths, broken bodies, strangers' objects, anything."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from tabard.networks.google.emulator.api import request
from tabard.networks.google.emulator.api.surface import NOT_EMULATED, OPERATIONS
from tests.support.google_emulator import (
    API,
    CONTACT,
    DETAILS,
    ORANGE,
    ROOT,
    Partner,
    World,
    fine,
    id_of,
    launch_of,
    receiving,
    refusal_in,
)

PHONE = "+15550100009"
METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT")


async def path_of(partner: Partner, route: str, agent: str, integration: str) -> str:
    brand = agent.split("/")[1]
    parts = {
        "brand": brand,
        "agent": id_of(agent),
        "integration": id_of(integration),
        "phone": PHONE,
        "partner": partner.connection.app_id,
    }
    return route.format(**parts, message="m")


@pytest.mark.parametrize(("method", "route"), OPERATIONS)
async def test_strangers_find_nothing(partner: Partner, world: World, method: str, route: str):
    """Each method, on another account's objects: not there, never forbidden."""
    agent = await partner.agent()
    async with receiving() as own:
        body = {"agentWebhookIntegration": {"webhookUri": own.url, "verificationToken": "t"}}
        integration = (await partner.post(f"{agent}/integrations", **body))["name"]
    stranger = await world.partner()
    path = await path_of(partner, route, agent, integration)
    names_agent = route.startswith(("testers", "phones"))
    query = {"agentId": id_of(agent)} if names_agent and method != "POST" else {}
    content = {"agentId": id_of(agent), "phoneNumber": PHONE} if names_agent else {}
    answer = await stranger.call(method, path, params=query, json=content)
    if route in {"brands", "regions"}:
        assert id_of(agent) not in answer.text
    else:
        assert refusal_in(answer) == (404, "NOT_FOUND")
    assert (await partner.get(agent))["name"] == agent
    wild = await stranger.call("GET", f"brands/-/agents/{id_of(agent)}")
    assert refusal_in(wild) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("method", "route"), OPERATIONS)
async def test_every_method_wants_a_token(world: World, method: str, route: str):
    path = route.format(brand="b", agent="a", integration="i", phone=PHONE, partner="1")
    refused = await world.http.request(method, f"{API}/{path}")
    assert refusal_in(refused) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("route", NOT_EMULATED)
async def test_what_is_not_emulated_says_so(partner: Partner, route: str):
    path = route.format(phone=PHONE, message="m")
    assert await partner.refused("GET", path) == (501, "UNIMPLEMENTED")
    assert await partner.refused("POST", path) == (501, "UNIMPLEMENTED")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "v1/nothing"),
        ("GET", "v2/brands"),
        ("PUT", "v1/brands"),
        ("GET", ""),
        ("GET", "token"),
        ("POST", "v1/brands/a/agents/b:launch"),
        ("GET", "v1/brands/a/b/c/d/e"),
    ],
)
async def test_there_are_no_other_methods(partner: Partner, world: World, method: str, path: str):
    headers = {"Authorization": f"Bearer {partner.token}"}
    refused = await world.http.request(method, f"{ROOT}/{path}", headers=headers)
    assert refusal_in(refused) == (404, "NOT_FOUND")


async def test_bodies_are_bounded(partner: Partner):
    large = json.dumps({"displayName": "x" * request.BODY_LIMIT}).encode()
    assert refusal_in(await partner.call("POST", "brands", content=large)) == (413, "INVALID_ARGUMENT")
    deep = b'{"a":' * 40 + b"1" + b"}" * 40
    for body in (deep, b"{", b"[]", b'"text"', b'{"displayName":"a\\u0000b"}', b"\xff", b'{"displayName":7}'):
        assert refusal_in(await partner.call("POST", "brands", content=body)) == (400, "INVALID_ARGUMENT")
    long = {"displayName": "Acme", "rcsBusinessMessagingAgent": {**DETAILS, "logoUri": "https://e.com/" + "x" * 5000}}
    refused = await partner.call("POST", f"{await partner.brand()}/agents", json=long)
    assert refusal_in(refused) == (400, "INVALID_ARGUMENT")


async def test_queries_have_known_names(partner: Partner):
    refused = await partner.call("GET", "brands", params={"colour": "red"})
    assert refusal_in(refused) == (400, "INVALID_ARGUMENT")
    assert 'Unknown name "colour"' in refused.json()["error"]["message"]
    assert (
        fine(await partner.call("GET", "brands", params={"alt": "json", "prettyPrint": "true", "$.xgafv": "2"})) == {}
    )
    assert await partner.refused("GET", "brands", pageToken="\0") == (400, "INVALID_ARGUMENT")


async def test_brands_of_all_kinds_are_for_reading(partner: Partner):
    body = {"displayName": "Acme", "rcsBusinessMessagingAgent": DETAILS}
    assert await partner.refused("POST", "brands/-/agents", **body) == (404, "NOT_FOUND")
    for method in ("GET", "DELETE"):
        assert await partner.refused(method, "brands/-") == (404, "NOT_FOUND")


async def test_the_app_has_a_lifespan_and_speaks_http_only(world: World):
    sent: list[Message] = []
    inbox: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        return inbox.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await world.emulator.app({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(RuntimeError):
        await world.emulator.app({"type": "websocket"}, receive, send)


# anything at all

text = st.text(max_size=30) | st.sampled_from(
    [ORANGE, PHONE, "LAUNCH_STATE_LAUNCHED", "#000000", "https://example.com"]
)
scalar = text | st.integers() | st.floats() | st.booleans() | st.none()
names = st.sampled_from(
    [*DETAILS, *CONTACT, "displayName", "rcsBusinessMessagingAgent", "agentLaunch", "launchDetails"]
)
value = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | text, inner, max_size=4),
    max_leaves=8,
)
likely = st.sampled_from(
    [
        {"displayName": "Acme", "rcsBusinessMessagingAgent": DETAILS},
        {"agentVerificationContact": CONTACT},
        launch_of(ORANGE),
        launch_of(ORANGE)["agentLaunch"],
        {"agentWebhookIntegration": {"webhookUri": "http://127.0.0.1:1/", "verificationToken": "t"}},
        {"phoneNumber": PHONE},
        {"productCapabilities": [{}]},
        {"verificationState": "VERIFICATION_STATE_UNVERIFIED"},
    ]
)


@st.composite
def bodies(draw: st.DrawFn) -> Any:
    """A body as it should be, with something else in some place of it; or anything."""
    if draw(st.booleans()):
        return draw(value)
    body = json.loads(json.dumps(draw(likely)))
    place = body
    while isinstance(place, dict) and place:
        name = draw(st.sampled_from(sorted(place)))
        if draw(st.booleans()) or not isinstance(place[name], dict):
            place[name] = draw(value)
            break
        place = place[name]
    return body


fuzzed = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(response: Any) -> None:
    assert response.status_code < 500 or response.json()["error"]["status"] == "UNIMPLEMENTED", response.text
    if response.status_code >= 400:
        refusal_in(response)


@pytest.fixture
async def agent(partner: Partner) -> str:
    agent = await partner.put_up("Acme", ORANGE)
    await partner.invite(agent, PHONE)
    return agent


@fuzzed
@given(data=st.data())
async def test_any_body_gets_googles_answer(partner: Partner, agent: str, data: st.DataObject):
    route = data.draw(st.sampled_from(sorted({path for _, path in OPERATIONS})))
    path = await path_of(partner, route, agent, "i")
    mask = data.draw(st.none() | st.lists(names | text, max_size=3).map(",".join))
    params = {"agentId": id_of(agent)} if route.startswith("testers/") else {}
    if mask is not None:
        params["updateMask"] = mask.encode("utf-8", "replace").decode()
    method = data.draw(st.sampled_from(METHODS))
    content = json.dumps(data.draw(bodies())).encode()
    check(await partner.call(method, path, params=params, content=content))


@fuzzed
@given(path=st.text(max_size=40), query=st.binary(max_size=60), body=st.binary(max_size=60))
async def test_any_request_line_gets_googles_answer(
    partner: Partner, world: World, path: str, query: bytes, body: bytes
):
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    for target in (path, f"v1/{path}", f"v1/brands/{path}", f"v1/testers/{path}", "token"):
        scope = {
            "type": "http",
            "method": "POST" if target == "token" else "GET",
            "path": f"/{target}",
            "root_path": "",
            "query_string": query,
            "headers": [(b"authorization", f"Bearer {partner.token}".encode()), (b"content-length", b"1")],
        }
        await world.emulator.app(scope, receive, send)
    statuses = [message["status"] for message in sent if "status" in message]
    assert [status for status in statuses if status >= 500 and status != 501] == []
