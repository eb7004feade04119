"""One call to Graph: what is no answer, what must not leak, what the usage headers forbid."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabard.domain.sender import Trouble
from tabard.networks.meta import faults, number
from tabard.networks.meta.client import MetaClient
from tabard.ports.networks import Decision, NetworkFault
from tests.networks.meta.stand_in import (
    ACCOUNT,
    ID,
    LOGO,
    NUMBER,
    PROFILE,
    TOKEN,
    WAY,
    Answer,
    MetaStandIn,
    client_of,
    fault_in,
    refusal,
    standing_in,
)
from tests.support.clock import FakeClock


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"<html>bad gateway</html>", 502),
        Answer(b"", 500),
        Answer(b"<html>ok</html>", 200),
        Answer(b"not found", 404),
        Answer([], 200),
        Answer({"error": "invalid_token"}, 401),
        Answer({"error": {"message": "no code"}}, 400),
        Answer({"error": None}, 200),
        Answer({"success": False}),
        Answer({}, 302, {"Location": "/elsewhere"}),
        Answer(b'{"id":"' + b"x" * (1024 * 1024) + b'"}'),
        Answer(cut=True),
    ],
)
async def test_what_graph_did_not_say_is_tried_again(stand_in, meta_client, answer):
    stand_in.play(answer)
    found = await fault_in(meta_client.deregister(WAY, ID))
    assert (found.decision, found.trouble) == (Decision.RETRY, Trouble.NETWORK_UNAVAILABLE)
    assert len(stand_in.asked) == 1


@pytest.mark.parametrize("document", [{}, {"id": 5}, {"id": ""}])
async def test_an_answer_without_the_id_is_tried_again(stand_in, meta_client, document):
    stand_in.play(document, document, {"data": 5})
    for call in (meta_client.number(WAY, ID), meta_client.add_number(WAY, ACCOUNT, "+15550100001", "A")):
        assert (await fault_in(call)).decision is Decision.RETRY
    assert (await fault_in(meta_client.find_number(WAY, ACCOUNT, "+15550100001"))).decision is Decision.RETRY


async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the other side goes away."""
    await reader.read()
    writer.close()


async def test_silence_is_tried_again(fake_clock):
    silent = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    stand_in = MetaStandIn(base_url=f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}")
    async with client_of(stand_in, fake_clock, seconds=0.1) as meta_client:
        found = await fault_in(meta_client.deregister(WAY, ID))
        assert (found.decision, found.detail) == (Decision.RETRY, "Meta did not answer in time")
        silent.close()
    async with client_of(MetaStandIn(base_url="http://127.0.0.1:1"), fake_clock) as meta_client:
        found = await fault_in(meta_client.deregister(WAY, ID))
        assert (found.decision, found.trouble) == (Decision.RETRY, Trouble.NETWORK_UNAVAILABLE)


# secrets


def quoting(code: int, key: str, text: str) -> Answer:
    return Answer({"error": {"code": code, key: text}}, 400)


def told(fault: NetworkFault) -> str:
    return "\n".join([repr(fault), str(fault), fault.detail, *traceback.format_exception(fault)])


@pytest.mark.parametrize("key", ["message", "error_user_msg", "error_user_title"])
async def test_no_secret_shows_in_a_fault_although_meta_quotes_it(stand_in, meta_client, key, caplog):
    caplog.set_level(logging.DEBUG)
    quoted = f"Malformed {TOKEN} {WAY.app_secret} {WAY.verify_token} 582914 582-914"
    calls: list[Callable[[], Awaitable[None]]] = [
        lambda: meta_client.register(WAY, ID, "582914"),
        lambda: meta_client.verify_code(WAY, ID, "582914"),
    ]
    for call in calls:
        stand_in.play(quoting(190, key, quoted))
        text = told(await fault_in(call()))
        for secret in (TOKEN, WAY.app_secret, WAY.verify_token, "582914"):
            assert secret not in text
            assert secret not in caplog.text
    stand_in.play(refusal(136025, error_data={"details": "582-914 is wrong"}))
    assert "582-914" not in told(await fault_in(meta_client.verify_code(WAY, ID, "582914")))


async def test_an_exception_of_the_transport_is_not_chained(fake_clock):
    """aiohttp's exceptions show the request, its Authorization header included."""

    async def nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00nonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    stand_in = MetaStandIn(base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with client_of(stand_in, fake_clock) as meta_client:
        found = await fault_in(meta_client.register(WAY, ID, "582914"))
    server.close()
    assert (found.__cause__, found.__context__) == (None, None)


async def test_a_redirect_does_not_carry_the_token_away(stand_in, meta_client):
    stand_in.play(Answer({}, 307, {"Location": f"{stand_in.base_url}/elsewhere"}))
    await fault_in(meta_client.deregister(WAY, ID))
    assert len(stand_in.asked) == 1


# usage


def usage(business: str = ACCOUNT, regain: object = 0, **counters: object) -> dict[str, str]:
    row = {"type": "whatsapp_business_management", "estimated_time_to_regain_access": regain, **counters}
    return {"x-business-use-case-usage": orjson.dumps({business: [row]}).decode()}


async def test_a_used_up_allowance_is_not_called_upon_until_it_is_back(stand_in, meta_client, fake_clock):
    stand_in.play(Answer(NUMBER, headers=usage(regain=7)))
    assert await meta_client.number(WAY, ID)
    fake_clock.advance(seconds=60)
    for call in (
        meta_client.number(WAY, ID),
        meta_client.find_number(WAY, ACCOUNT, "+1"),
        meta_client.deregister(WAY, "9"),
    ):
        found = await fault_in(call)
        assert (found.decision, found.trouble, found.after) == (Decision.WAIT, Trouble.NETWORK_UNAVAILABLE, 360)
    assert len(stand_in.asked) == 1
    fake_clock.advance(seconds=360)
    stand_in.play(NUMBER)
    assert await meta_client.number(WAY, ID)


async def test_a_full_counter_closes_for_a_while_of_our_own(stand_in, meta_client, fake_clock):
    stand_in.play(Answer(NUMBER, headers=usage(call_count=3, total_cputime=100, total_time=1)))
    assert await meta_client.number(WAY, ID)
    found = await fault_in(meta_client.number(WAY, ID))
    assert (found.decision, found.after) == (Decision.RETRY, 300)


async def test_a_refused_call_is_told_when_the_allowance_is_back(stand_in, meta_client):
    stand_in.play(Answer(refusal(80007).document, 400, usage(call_count=100, regain=11)))
    found = await fault_in(meta_client.number(WAY, ID))
    assert (found.decision, found.after, found.code) == (Decision.RETRY, 660, "80007")


async def test_another_business_account_and_another_token_go_on(stand_in, meta_client, fake_clock):
    other = replace(WAY, token="EAAanother")
    elsewhere = "500000000000002"
    stand_in.play(Answer(NUMBER, headers=usage(elsewhere, regain=5)), NUMBER, NUMBER, {"data": []})
    assert await meta_client.number(WAY, ID)
    assert await meta_client.number(WAY, "8"), "a number of the connection's own account"
    assert await meta_client.number(other, ID)
    assert await meta_client.find_number(WAY, ACCOUNT, "+1") is None
    assert (await fault_in(meta_client.number(WAY, ID))).after == 300, "the header told whose number it is"
    assert (await fault_in(meta_client.find_number(WAY, elsewhere, "+1"))).after == 300
    stand_in.play(Answer({"data": []}, headers=usage(ACCOUNT, regain=5)), {"data": []})
    assert await meta_client.find_number(WAY, ACCOUNT, "+1") is None
    assert await meta_client.find_number(WAY, "500000000000003", "+1") is None


async def test_a_used_up_app_closes_everything_of_its_token(stand_in, meta_client):
    header = {"x-app-usage": '{"call_count":101,"total_cputime":1,"total_time":1}'}
    stand_in.play(Answer(NUMBER, headers=header))
    assert await meta_client.number(WAY, ID)
    assert (await fault_in(meta_client.find_number(WAY, "5", "+1"))).after == 300


@pytest.mark.parametrize(
    "header", ["", "x", "[]", "5", '{"5":5}', '{"5":[5]}', '{"5":[{"call_count":"x"}]}', '{"5":[{"call_count":true}]}']
)
async def test_a_senseless_usage_header_is_ignored(stand_in, meta_client, header):
    stand_in.play(Answer(NUMBER, headers={"x-business-use-case-usage": header, "x-app-usage": header}), NUMBER)
    assert await meta_client.number(WAY, ID)
    assert await meta_client.number(WAY, ID)


# anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.dictionaries(
    st.sampled_from(["error", "id", "data", "paging", "success", "h", "file_offset", *NUMBER, "health_status"]), JSON
)
ERRORS = st.fixed_dictionaries(
    {"error": st.fixed_dictionaries({"code": st.integers(0, 2**40)}, optional={"error_subcode": JSON, "message": JSON})}
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=40) | (JSON | KNOWN | ERRORS).map(orjson.dumps),
    st.sampled_from([200, 201, 204, 400, 404, 429, 500]),
)
async def test_no_answer_raises_anything_but_a_fault(raw, status):
    async with standing_in() as stand_in, aiohttp.ClientSession() as http:
        meta_client = MetaClient(
            http, FakeClock(), base_url=lambda _way: stand_in.base_url, version="v25.0", time_out=timedelta(seconds=5)
        )
        for call in (
            meta_client.number(WAY, ID),
            meta_client.find_number(WAY, ACCOUNT, "+15550100001"),
            meta_client.add_number(WAY, ACCOUNT, "+15550100001", "A"),
            meta_client.subscribe_app(WAY, ACCOUNT),
            meta_client.push_profile(WAY, ID, PROFILE, LOGO),
            meta_client.register(WAY, ID, "482913"),
        ):
            stand_in.answers[:] = [Answer(raw, status)] * 120
            try:
                await call
            except NetworkFault as fault:
                assert fault.detail  # noqa: PT017
                assert fault.decision is not Decision.WAIT or fault.after is not None  # noqa: PT017


@given(KNOWN, JSON)
def test_no_number_breaks_the_reading(document, value):
    for row in (document, dict.fromkeys(NUMBER, value), {**NUMBER, "health_status": value}):
        number.state_of(row)


def test_the_fault_table_is_reached_from_the_client():
    assert {operation.value for operation in faults.Operation} == {
        *("find_number", "read_number", "add_number", "request_code", "verify_code", "register", "deregister"),
        *("subscribe_app", "push_profile", "upload_logo", "submit_name"),
    }
