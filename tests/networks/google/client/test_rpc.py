"""One call to Google: what is no answer, what a list is, what must not leak or lead elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabard.domain.sender import Trouble
from tabard.networks.google.client import GoogleClient
from tabard.ports.networks import Decision, NetworkFault
from tests.networks.google.client.stand_in import (
    AGENT,
    AT_AGENT,
    BRAND,
    BUSINESS,
    PHONE,
    PROFILE,
    RCS,
    ROOT,
    Answer,
    GoogleStandIn,
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
        Answer({"error": "invalid_token"}, 400),
        Answer({"error": {"message": "no code"}}, 400),
        Answer({"error": None}, 200),
        Answer({}, 302, {"Location": "/elsewhere"}),
        Answer({}, 307, {"Location": "/elsewhere"}),
        Answer(b'{"name":"' + b"x" * (10 * 1024 * 1024) + b'"}'),
        Answer(cut=True),
    ],
)
async def test_what_google_did_not_say_is_tried_again(stand_in, client, way, answer):
    stand_in.play(answer)
    found = await fault_in(client.push_profile(way, AGENT, PROFILE, frozen=False))
    assert (found.decision, found.trouble) == (Decision.RETRY, Trouble.NETWORK_UNAVAILABLE)
    assert len(stand_in.asked) == 1, "a redirect is not followed"
    assert (found.__cause__, found.__context__) == (None, None)


async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the other side goes away."""
    await reader.read()
    writer.close()


async def test_silence_is_tried_again(stand_in, clock, way):
    silent = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with client_of(GoogleStandIn(origin=f"http://127.0.0.1:{port}"), clock, seconds=0.1) as client:
        found = await fault_in(client.has_agent(way, AGENT))
        assert (found.decision, found.detail) == (Decision.RETRY, "Google did not answer in time")
        silent.close()
    async with client_of(GoogleStandIn(origin="http://127.0.0.1:1"), clock) as client:
        found = await fault_in(client.has_agent(way, AGENT))
        assert (found.decision, found.trouble) == (Decision.RETRY, Trouble.NETWORK_UNAVAILABLE)
    assert len(stand_in.granted) == 2


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "41.500s"}


@pytest.mark.parametrize(
    ("answer", "decision", "after"),
    [
        (refusal(503, "UNAVAILABLE", "busy", RETRY_INFO), Decision.RETRY, 41.5),
        (refusal(503, "UNAVAILABLE", "busy", Retry_After="17"), Decision.RETRY, 17),
        (refusal(503, "UNAVAILABLE", "busy", RETRY_INFO, Retry_After="17"), Decision.RETRY, 41.5),
        (refusal(503, "UNAVAILABLE", "busy", Retry_After="soon"), Decision.RETRY, None),
        (refusal(503, "UNAVAILABLE", "busy", Retry_After="Wed, 01 Jan 2020 00:00:00 GMT"), Decision.RETRY, None),
        (refusal(429, "RESOURCE_EXHAUSTED", "slow down"), Decision.WAIT, 60),
        (refusal(429, "RESOURCE_EXHAUSTED", "slow down", RETRY_INFO), Decision.WAIT, 41.5),
        (refusal(429, "RESOURCE_EXHAUSTED", "slow down", Retry_After="99999999"), Decision.WAIT, 7 * 86400),
        (Answer(b"<html>", 503, {"Retry-After": "9"}), Decision.RETRY, 9),
        (refusal(400, "INVALID_ARGUMENT", "no", RETRY_INFO), Decision.GIVE_UP, None),
    ],
)
async def test_a_named_wait_is_honoured(stand_in, client, way, answer, decision, after):
    stand_in.play(answer)
    found = await fault_in(client.has_agent(way, AGENT))
    assert (found.decision, found.after) == (decision, after)


async def test_a_date_names_a_wait_too(stand_in, client, way, clock):
    date = clock.now().replace(microsecond=0)
    clock.time = date
    clock.advance(seconds=-90)
    stand_in.play(refusal(503, "UNAVAILABLE", "busy", Retry_After=date.strftime("%a, %d %b %Y %H:%M:%S GMT")))
    assert (await fault_in(client.has_agent(way, AGENT))).after == 90


# lists


async def test_a_list_is_read_page_by_page_by_its_token_only(stand_in, client, way):
    elsewhere = f"{stand_in.origin}/elsewhere"
    stand_in.play(
        {"brands": [{"name": "brands/1", "displayName": "A"}], "nextPageToken": "a b&c", "next": elsewhere},
        {"brands": [{"name": f"brands/{BRAND}", "displayName": "Acme"}], "nextPageToken": "more"},
    )
    assert await client.find_business_account(way, "Acme") == BRAND
    assert stand_in.lines == [f"GET {ROOT}/brands", f"GET {ROOT}/brands?pageToken=a+b%26c"]


async def test_a_list_without_end_is_given_up(stand_in, client, way):
    stand_in.play(*[{"brands": [], "nextPageToken": "again"}] * 9)
    found = await fault_in(client.find_business_account(way, "Acme"))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.NETWORK_REFUSED)
    assert len(stand_in.asked) == 3


@pytest.mark.parametrize("rows", [5, "x", {"a": 1}])
async def test_a_list_of_another_form_is_tried_again(stand_in, client, way, rows):
    stand_in.play({"brands": rows})
    assert (await fault_in(client.find_business_account(way, "Acme"))).decision is Decision.RETRY


@pytest.mark.parametrize("document", [{}, {"brands": []}, {"brands": [5, None, {}, {"displayName": "Acme"}]}])
async def test_a_list_that_holds_no_match_has_none(stand_in, client, way, document):
    stand_in.play({**document, "nextPageToken": ""})
    assert await client.find_business_account(way, "Acme") is None


# ids are part of the path


@pytest.mark.parametrize(
    "id_",
    ["", "-", ".", "..", "a/b", "../x", "a?b", "a#b", "a%2Fb", "a b", "a:requestLaunch", "{}", "a\n", "x" * 200, "é"],
)
async def test_an_id_chooses_no_other_path(stand_in, client, way, id_):
    calls: list[Awaitable[object]] = [
        client.push_profile(way, id_, PROFILE, frozen=True),
        client.request_launch(way, id_, PROFILE, RCS, ["/v1/regions/fi-rcs"]),
        client.subscribe(way, id_),
        client.verdicts(way, id_),
        client.verification(way, id_),
        client.request_verification(way, id_, PROFILE, BUSINESS),
    ]
    for call in calls:
        found = await fault_in(call)
        assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.AGENT_GONE)
    for call in (client.find_agent(way, id_), client.add_agent(way, id_, PROFILE, RCS)):
        assert (await fault_in(call)).trouble is Trouble.ACCOUNT_INVALID
    assert (await fault_in(client.capabilities(way, AGENT, id_))).trouble is Trouble.PHONE_UNREACHABLE
    assert not await client.has_agent(way, id_)
    await client.remove_tester(way, AGENT, id_)
    assert stand_in.asked == []


@pytest.mark.parametrize(
    "name", [None, 5, "", "brands/", "brands/a/b", "agents/a", "brands/..", "brands/-", "x/brands/a?b"]
)
async def test_an_answer_without_a_usable_name_is_tried_again(stand_in, client, way, name):
    stand_in.play({"name": name}, {"brands": [{"name": name, "displayName": "Acme"}]})
    assert (await fault_in(client.add_business_account(way, "Acme"))).decision is Decision.RETRY
    assert await client.find_business_account(way, "Acme") is None


async def test_a_phone_and_an_agent_stand_in_the_address_as_they_are(stand_in, client, way):
    stand_in.play({"features": []}, {})
    await client.capabilities(way, "old@rbm.goog", PHONE)
    await client.has_agent(way, AGENT)
    path, _, query = stand_in.asked[0].target.partition("?")
    assert path == f"{ROOT}/phones/+15550100009/capabilities"
    assert query.endswith("&agentId=old@rbm.goog")
    assert stand_in.lines[1] == f"GET {AT_AGENT}"


# anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["name", "displayName", "brands", "agents", "regions", "testers", "integrations", "nextPageToken", "features"]
NAMES += ["verificationState", "rcsBusinessMessaging", "inviteStatus", "phoneNumber", "error"]
KNOWN = st.dictionaries(
    st.sampled_from(NAMES), JSON | st.lists(st.dictionaries(st.sampled_from(NAMES), JSON), max_size=2)
)
LAUNCHES = st.dictionaries(
    st.text(max_size=9), JSON | st.dictionaries(st.sampled_from(["launchState", "comment", "updateTime"]), JSON)
).map(lambda details: {"rcsBusinessMessaging": {"launchDetails": details}})
ERRORS = st.fixed_dictionaries(
    {
        "error": st.fixed_dictionaries(
            {"code": st.integers(0, 600)}, optional=dict.fromkeys(("status", "message", "details"), JSON)
        )
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=40) | (JSON | KNOWN | LAUNCHES | ERRORS).map(orjson.dumps),
    st.sampled_from([200, 201, 204, 400, 403, 404, 409, 429, 500]),
)
async def test_no_answer_raises_anything_but_a_fault(raw, status):
    async with standing_in() as stand_in, client_of(stand_in, FakeClock()) as client:
        for call in _everything(client, stand_in):
            stand_in.answers[:] = [Answer(raw, status)] * 20
            try:
                await call()
            except NetworkFault as fault:
                assert fault.detail  # noqa: PT017
                assert fault.decision is not Decision.WAIT or fault.after is not None  # noqa: PT017


def _everything(client: GoogleClient, stand_in: GoogleStandIn) -> list[Callable[[], Awaitable[object]]]:
    way = stand_in.way
    return [
        lambda: client.regions(way),
        lambda: client.find_business_account(way, "Acme"),
        lambda: client.add_business_account(way, "Acme"),
        lambda: client.find_agent(way, BRAND),
        lambda: client.add_agent(way, BRAND, PROFILE, RCS),
        lambda: client.has_agent(way, AGENT),
        lambda: client.push_profile(way, AGENT, PROFILE, frozen=True),
        lambda: client.subscribe(way, AGENT),
        lambda: client.verification(way, AGENT),
        lambda: client.request_verification(way, AGENT, PROFILE, BUSINESS),
        lambda: client.request_launch(way, AGENT, PROFILE, RCS, ["/v1/regions/fi-rcs"]),
        lambda: client.verdicts(way, AGENT),
        lambda: client.testers(way, AGENT),
        lambda: client.invite(way, AGENT, PHONE),
        lambda: client.remove_tester(way, AGENT, PHONE),
        lambda: client.capabilities(way, AGENT, PHONE),
        lambda: client.retire(way, AGENT),
    ]
