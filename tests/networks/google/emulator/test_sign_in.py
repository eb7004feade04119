"""Service accounts and their tokens: by Google's own library over real HTTP, and by hand where that never errs."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import google.auth.transport.requests
import pytest
import uvicorn
from google.oauth2 import service_account
from starlette.applications import Starlette
from starlette.routing import Mount

from tabard.networks.google.wire import MANAGEMENT_SCOPE, MESSAGING_SCOPE, TOKEN_URL
from tests.support.google_emulator import Partner, World, emulating, refusal_in

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@asynccontextmanager
async def listening(world: World, taken: socket.socket) -> AsyncIterator[None]:
    app = Starlette(routes=[Mount("/networks/google", app=world.emulator.app)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve([taken]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def test_googles_own_library_signs_in_unmodified(pool: asyncpg.Pool):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/networks/google"
        async with emulating(pool, start=datetime.now(UTC), public_url=url) as world, listening(world, taken):
            connection = await world.emulator.open_account(await world.account())
            credentials = service_account.Credentials.from_service_account_info(
                json.loads(connection.token), scopes=[MANAGEMENT_SCOPE, MESSAGING_SCOPE]
            )

            def brands() -> Any:
                with google.auth.transport.requests.AuthorizedSession(credentials) as session:
                    made = session.post(f"{url}/v1/brands", json={"displayName": "Acme"})
                    return made.json(), session.get(f"{url}/v1/brands").json()

            made, listed = await asyncio.to_thread(brands)
            assert listed == {"brands": [made]}
            assert credentials.expiry is not None


async def test_an_account_is_opened_once(world: World):
    account = await world.account()
    opened = await asyncio.gather(*(world.emulator.open_account(account) for _ in range(3)))
    assert opened[0] == opened[1] == opened[2] == await world.emulator.open_account(account)
    other = await world.emulator.open_account(await world.account())
    assert other.app_id != opened[0].app_id
    assert opened[0].app_secret == opened[0].verify_token
    assert opened[0].app_id.isdigit()


async def test_a_token_is_good_for_an_hour_of_wall_time(partner: Partner, world: World):
    answer = await partner.sign_in()
    assert answer.json() == {"access_token": partner.token, "expires_in": 3599, "token_type": "Bearer"}
    await partner.advance(days=30)
    assert await partner.get("brands") == {}
    world.clock.advance(minutes=60)
    refused = await partner.call("GET", "brands")
    assert refusal_in(refused) == (401, "UNAUTHENTICATED")
    assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_both_audiences_are_googles(partner: Partner):
    assert (await partner.sign_in(aud=TOKEN_URL)).status_code == 200


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "nobody@example.com"}, "invalid_grant"),
        ({"aud": "https://example.com/token"}, "invalid_grant"),
        ({"exp": 0}, "invalid_grant"),
        ({"iat": None}, "invalid_grant"),
        ({"iat": 10**30}, "invalid_grant"),
        ({"iat": "now"}, "invalid_grant"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "https://www.googleapis.com/auth/drive"}, "invalid_scope"),
    ],
)
async def test_what_an_assertion_must_say(partner: Partner, claims: dict[str, Any], error: str):
    refused = await partner.sign_in(**claims)
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert refused.json().keys() == {"error", "error_description"}


async def test_an_assertion_lives_an_hour_at_most(partner: Partner):
    issued = partner.claims()["iat"]
    refused = await partner.sign_in(exp=issued + 3601)
    assert refused.json()["error"] == "invalid_grant"


async def test_nobody_signs_for_another(partner: Partner, world: World):
    other = await world.partner()
    forged = other.signed(partner.claims(), kid=partner.key_file["private_key_id"])
    form = {"grant_type": GRANT, "assertion": forged}
    refused = await world.http.post(partner.key_file["token_uri"], data=form)
    assert refused.json() == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": GRANT}, "invalid_request"),
        ({"grant_type": GRANT, "assertion": "a.b"}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": "é.é.é"}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": "W10.W10.W10"}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": "eyJhbGciOiJub25lIn0.e30."}, "invalid_grant"),
    ],
)
async def test_a_grant_that_is_none(partner: Partner, world: World, form: dict[str, str], error: str):
    refused = await world.http.post(partner.key_file["token_uri"], data=form)
    assert (refused.status_code, refused.json()["error"]) == (400, error)


async def test_each_api_wants_its_scope(partner: Partner):
    await partner.sign_in(scope=MESSAGING_SCOPE)
    assert await partner.refused("GET", "brands") == (403, "PERMISSION_DENIED")
    await partner.sign_in(scope=MANAGEMENT_SCOPE)
    assert await partner.refused("GET", "phones/+15550100001/capabilities") == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer ya29.nobody", "Basic eDp5"])
async def test_without_a_token_nothing_is_seen(partner: Partner, authorization: str):
    refused = await partner.call("GET", "brands", headers={"Authorization": authorization})
    assert refusal_in(refused) == (401, "UNAUTHENTICATED")
