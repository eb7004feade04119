"""Whatever comes, the caller gets an answer that says what is wrong, never a fault of the service."""

import json
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabard.dialects.twilio import wire
from tests.support.twilio_service import NUMBER, SENDERS, assert_canonical_error

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | ANY_TEXT
    | st.sampled_from(
        ["", "POST", "sms", "voice", "ISV", "Other", "a@example.com", "https://example.com", "123456", NUMBER]
    )
)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3), max_leaves=8
)


def section(model):
    return st.fixed_dictionaries({}, optional=dict.fromkeys(model.model_fields, ANY_JSON)) | ANY_JSON


BODIES = (
    st.fixed_dictionaries(
        {},
        optional={
            "sender_id": st.just(NUMBER) | ANY_JSON,
            "friendly_name": ANY_JSON,
            "configuration": section(wire.Configuration),
            "webhook": section(wire.Webhook),
            "profile": section(wire.Profile),
        },
    )
    | ANY_JSON
)

# The service keeps what one example leaves behind: the next one meets it, which is as good.
on_one_service = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_understood(response: httpx.Response) -> None:
    if response.status_code != 202:
        assert response.status_code < 500, response.text
        assert_canonical_error(response, response.status_code, response.json()["code"])


@on_one_service
@given(body=BODIES)
async def test_any_json_to_create(service, body):
    assert_understood(await service.call("POST", raw=json.dumps(body).encode()))


@on_one_service
@given(body=BODIES)
async def test_any_json_to_update(service, body):
    service.world.senders.clear()
    sid = (await service.create())["sid"]
    assert_understood(await service.call("PATCH", f"{SENDERS}/{sid}", raw=json.dumps(body).encode()))


@on_one_service
@given(body=st.binary(max_size=64))
async def test_any_bytes_to_create(service, body):
    assert_understood(await service.call("POST", raw=body))


@on_one_service
@given(query=st.dictionaries(st.sampled_from(["Channel", "PageSize", "Page", "PageToken", "Order"]), ANY_TEXT))
async def test_any_query(service, query):
    query = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    response = await service.call("GET", f"{SENDERS}?{httpx.QueryParams(query)}")
    if response.status_code != 200:
        assert_canonical_error(response, 400, response.json()["code"])


@on_one_service
@given(name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda name: name not in {".", ".."}))
async def test_any_path(service, name):
    response = await service.call("GET", f"{SENDERS}/{quote(name, safe='')}")
    assert_canonical_error(response, 404, 20404)
