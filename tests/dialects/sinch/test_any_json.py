"""Whatever comes, the caller gets an answer that says what is wrong, never a fault of the service."""

import json
from typing import Any
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabard.dialects.sinch.rcs import wire
from tabard.dialects.sinch.reading import Request
from tabard.domain.account import Actor
from tests.dialects.sinch.senders import IN_TEST, SENDER
from tests.support.sinch_service import NOON, PROJECT, SENDERS, assert_canonical_error

ONE = f"{SENDERS}/{SENDER}"
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | ANY_TEXT
    | st.sampled_from(
        ["", "EU", "OTP", "GB", "+15550100101", "a@example.com", "https://example.com", "#003366", "123456789"]
    )
)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3), max_leaves=8
)


def objects(model: type[Request], **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = [str(field.alias) for field in model.model_fields.values()]
    return st.fixed_dictionaries({}, optional={name: known.get(name, ANY_JSON) for name in names}) | ANY_JSON


def section(model: type[Request]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"answers": objects(model)}) | ANY_JSON


DETAILS = objects(
    wire.RcsDetails,
    brand=objects(wire.Brand),
    questionnaire=objects(
        wire.Questionnaire,
        general=section(wire.GeneralAnswers),
        verification=section(wire.VerificationAnswers),
        gb=section(wire.GbAnswers),
        fr=section(wire.FrAnswers),
        us=section(wire.UsAnswers),
    ),
)
NEW = st.fixed_dictionaries(
    {"region": st.just("EU"), "billingCategory": st.just("CONVERSATIONAL"), "useCase": st.just("OTP")},
    optional={"details": DETAILS},
)

# The service keeps what one example leaves behind: the next one meets it, which is as good.
on_one_service = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_understood(response: httpx.Response) -> None:
    if response.status_code not in {200, 201}:
        assert response.status_code < 500, response.text
        assert_canonical_error(response, response.status_code, response.json()["errorCode"])


@on_one_service
@given(body=NEW | ANY_JSON)
async def test_any_json_to_create(service, body):
    assert_understood(await service.call("POST", raw=json.dumps(body).encode()))


@on_one_service
@given(details=DETAILS)
async def test_any_json_to_update(service, details):
    service.world.senders.clear()
    await service.services.senders.insert(IN_TEST, Actor("key:example"), NOON, None)
    assert_understood(await service.call("PATCH", ONE, raw=json.dumps({"details": details}).encode()))
    assert (await service.call("GET", ONE)).status_code == 200


@on_one_service
@given(body=st.binary(max_size=64))
async def test_any_bytes(service, body):
    for path in (SENDERS, f"{ONE}/comments", f"{ONE}/testNumbers", "/oauth2/token"):
        assert (await service.call("POST", path, raw=body)).status_code < 500


@on_one_service
@given(
    query=st.dictionaries(
        st.sampled_from(
            [
                "pageToken",
                "pageSize",
                "filterSenderIds",
                "filterStates",
                "search",
                "filterSenderName",
                "sortColumn",
                "sortDirection",
                "countries",
                "usQuestionnaireVersion",
                "order",
            ]
        ),
        ANY_TEXT,
    )
)
async def test_any_query(service, query):
    query = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    for path in (SENDERS, f"{PROJECT}/rcs/activities", f"{PROJECT}/rcs/questionnaire/OTP"):
        assert_understood(await service.call("GET", f"{path}?{httpx.QueryParams(query)}"))


@on_one_service
@given(name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda name: name not in {".", ".."}))
async def test_any_path(service, name):
    for path in (SENDERS, f"{ONE}/testNumbers", f"{PROJECT}/rcs/questionnaire"):
        response = await service.call("GET", f"{path}/{quote(name, safe='')}")
        assert response.status_code in {400, 404, 405}
        assert_canonical_error(response, response.status_code, response.json()["errorCode"])
