"""Access tokens: bought once for all who wait, kept, renewed in time; and a key that shows nowhere."""

import asyncio
import base64
import logging
import traceback
from dataclasses import replace
from urllib.parse import parse_qs

import aiohttp
import orjson
import pytest

from tabard.domain.sender import Trouble
from tabard.networks.google.tokens import Tokens, _Token
from tabard.ports.networks import Decision, NetworkFault
from tests.networks.google.client.stand_in import (
    AGENT,
    PROFILE,
    RCS,
    Answer,
    GoogleStandIn,
    another,
    client_of,
    fault_in,
    key_file,
    private_key,
    refusal,
    standing_in,
)

EXPIRED = refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")


async def test_a_token_is_bought_with_a_signed_assertion_for_both_apis(stand_in, client, way):
    stand_in.play({"name": "x"})
    assert await client.has_agent(way, AGENT)
    form = parse_qs(stand_in.granted[0].raw.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    body = form["assertion"][0].split(".")[1]
    claims = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert claims["aud"] == "https://oauth2.googleapis.com/token", "google-auth's choice, wherever the endpoint is"
    assert claims["iss"] == "tests@tabard-tests.iam.gserviceaccount.com"
    assert claims["scope"].split() == [
        "https://www.googleapis.com/auth/businesscommunications",
        "https://www.googleapis.com/auth/rcsbusinessmessaging",
    ]
    assert stand_in.asked[0].token == "token-1"


async def test_fifty_callers_wait_for_one_token(stand_in, client, way):
    stand_in.play(*[{"name": "x"}] * 50)
    assert all(await asyncio.gather(*(client.has_agent(way, AGENT) for _ in range(50))))
    assert len(stand_in.granted) == 1
    assert {asked.token for asked in stand_in.asked} == {"token-1"}


async def test_fifty_callers_of_a_refused_key_hear_of_it_once(stand_in, client, way):
    stand_in.grants += [Answer({"error": "invalid_grant"}, 400)]
    found = await asyncio.gather(*(client.has_agent(way, AGENT) for _ in range(50)), return_exceptions=True)
    assert {fault.trouble for fault in found if isinstance(fault, NetworkFault)} == {Trouble.ACCESS_DENIED}
    assert len({id(fault) for fault in found}) == 50, "an exception of its own for each"
    assert len(stand_in.granted) == 1


async def test_fifty_callers_with_an_expired_token_wait_for_one_new_one(stand_in, client, way):
    stand_in.play({"name": "x"})
    await client.has_agent(way, AGENT)
    stand_in.play(*[EXPIRED] * 50, *[{"name": "x"}] * 50)
    assert all(await asyncio.gather(*(client.has_agent(way, AGENT) for _ in range(50))))
    assert len(stand_in.granted) == 2
    assert {asked.token for asked in stand_in.asked[51:]} == {"token-2"}


async def test_a_caller_that_goes_away_takes_the_token_from_nobody(stand_in, clock, way):
    arrived, go = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        arrived.set()
        await go.wait()

    stand_in.before_grant = wait
    async with client_of(stand_in, clock) as client:
        stand_in.play({"name": "x"})
        first = asyncio.create_task(client.has_agent(way, AGENT))
        await arrived.wait()
        second = asyncio.create_task(client.has_agent(way, AGENT))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go.set()
        assert await second
    assert len(stand_in.granted) == 1


async def test_a_token_is_kept_until_shortly_before_its_end(stand_in, client, way, clock):
    stand_in.play(*[{"name": "x"}] * 3)
    await client.has_agent(way, AGENT)
    clock.advance(minutes=54)
    await client.has_agent(way, AGENT)
    assert len(stand_in.granted) == 1
    clock.advance(minutes=1)
    await client.has_agent(way, AGENT)
    assert [asked.token for asked in stand_in.asked] == ["token-1", "token-1", "token-2"]


async def test_each_key_has_its_own_token(stand_in, client, way):
    stand_in.play(*[{"name": "x"}] * 3)
    for connection in (way, another(way), way):
        await client.has_agent(connection, AGENT)
    assert [asked.token for asked in stand_in.asked] == ["token-1", "token-2", "token-1"]


async def test_a_token_that_is_not_taken_is_asked_for_once_more(stand_in, client, way):
    stand_in.play(EXPIRED, {"name": "x"})
    assert await client.has_agent(way, AGENT)
    assert [asked.token for asked in stand_in.asked] == ["token-1", "token-2"]
    stand_in.play(EXPIRED, EXPIRED)
    found = await fault_in(client.has_agent(way, AGENT))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.ACCESS_DENIED)
    assert "service account" in found.detail
    assert len(stand_in.asked) == 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400), "Invalid JWT Signat"),
        (Answer({"error": "invalid_client"}, 401), "invalid_client"),
        (Answer({"error": "access_denied", "error_description": 5}, 403), "access_denied"),
    ],
)
async def test_a_refused_key_says_what_to_check(stand_in, client, way, answer, said):
    stand_in.grants.append(answer)
    found = await fault_in(client.has_agent(way, AGENT))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.ACCESS_DENIED)
    assert said in found.detail
    assert "clock" in found.detail
    assert stand_in.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"error": "server_error"}, 500),
        Answer({"error": "temporarily_unavailable"}, 400),
        Answer({"error": "rate_limited"}, 429),
        Answer(b"<html>bad gateway</html>", 502),
        Answer(b"<html>no such page</html>", 404),
        Answer({"error": {"code": 400}}, 400),
        Answer({}, 302, {"Location": "/elsewhere"}),
        Answer({"token": "wrong"}),
        Answer(b"not json"),
        Answer({"access_token": "t", "expires_in": "soon"}),
        Answer({"access_token": "t", "expires_in": 10**30}),
        Answer({"access_token": "t"}),
        Answer(b'{"access_token":"' + b"x" * (1024 * 1024) + b'"}'),
        Answer(cut=True),
    ],
)
async def test_a_failing_token_endpoint_is_tried_again(stand_in, client, way, answer):
    stand_in.grants += [answer]
    found = await fault_in(client.has_agent(way, AGENT))
    assert (found.decision, found.trouble) == (Decision.RETRY, Trouble.NETWORK_UNAVAILABLE)
    assert len(stand_in.granted) == 1, "and not by google-auth, which would sleep"
    stand_in.play({"name": "x"})
    assert await client.has_agent(way, AGENT), "nothing of the failure is remembered"


async def test_a_silent_token_endpoint_is_given_the_same_time(stand_in, clock, way):
    never = asyncio.Event()

    async def wait() -> None:
        await never.wait()

    stand_in.before_grant = wait
    async with client_of(stand_in, clock, seconds=0.1) as client:
        found = await fault_in(client.has_agent(way, AGENT))
    assert (found.decision, found.detail) == (Decision.RETRY, "Google did not answer in time")
    never.set()


@pytest.mark.parametrize(
    "change",
    [
        {"private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
        {"private_key": 5},
        {"private_key": None},
        {"client_email": None},
        {"token_uri": None},
    ],
)
async def test_a_key_that_cannot_be_used_is_denied_without_a_call(stand_in, client, way, change):
    document = {k: v for k, v in {**orjson.loads(way.token), **change}.items() if v is not None}
    found = await fault_in(client.has_agent(replace(way, token=orjson.dumps(document).decode()), AGENT))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.ACCESS_DENIED)
    assert "key" in found.detail
    assert stand_in.granted == []


@pytest.mark.parametrize("token", ["", "x", "[]", "5", "{}", "null", "\ud800"])
async def test_what_is_no_key_file_is_denied(client, way, token):
    found = await fault_in(client.has_agent(replace(way, token=token), AGENT))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.ACCESS_DENIED)


async def test_an_address_that_is_none_is_tried_again(client, way):
    for token_uri in ("nonsense", "http://127.0.0.1:1/token", "http://127.0.0.1:99999/"):
        found = await fault_in(client.has_agent(replace(way, token=key_file(token_uri)), AGENT))
        assert found.decision is Decision.RETRY


# secrets


async def test_neither_key_nor_token_shows_anywhere(stand_in, client, way, clock, caplog):
    caplog.set_level(logging.DEBUG)
    pem = private_key()
    quoted = f"bad key {pem} or assertion eyJhbGciOi.eyJpc3Mi.c2ln or ya29.abc-def_1 or token-2 or {way.verify_token}"
    stand_in.grants.append(Answer({"error": "invalid_grant", "error_description": quoted}, 400))
    faults = [await fault_in(client.has_agent(way, AGENT))]
    stand_in.play(refusal(400, "INVALID_ARGUMENT", quoted))
    faults.append(await fault_in(client.request_launch(way, AGENT, PROFILE, RCS, ["/v1/regions/fi-rcs"])))
    stand_in.grants.append(Answer(cut=True))
    faults.append(await fault_in(client.has_agent(another(way), AGENT)))
    broken = replace(way, token=way.token.replace("MII", "MIJ"))
    faults.append(await fault_in(client.has_agent(broken, AGENT)))
    text = "\n".join("".join([repr(f), str(f), f.detail, *traceback.format_exception(f)]) for f in faults)
    text += caplog.text + repr(way) + repr(client)
    for secret in (pem[100:140], "PRIVATE KEY", "eyJpc3Mi", "ya29"):
        assert secret not in text
    assert not any(secret in faults[1].detail for secret in (way.verify_token, "token-2"))
    assert all((f.__cause__, f.__context__) == (None, None) for f in faults)


async def test_what_is_kept_holds_no_key_and_prints_no_token(clock):
    async with standing_in() as google, aiohttp.ClientSession() as http:
        tokens = Tokens(http, clock, aiohttp.ClientTimeout(total=5))
        assert await tokens.token(google.way) == "token-1"
        assert "token-1" not in repr(tokens._kept)
        assert "PRIVATE KEY" not in repr(tokens.__dict__)
        assert isinstance(next(iter(tokens._kept.values())), _Token)
        tokens.forget(google.way, "an older one")
        assert await tokens.token(google.way) == "token-1"
        tokens.forget(google.way, "token-1")
        assert await tokens.token(google.way) == "token-2"
        assert isinstance(google, GoogleStandIn)
