"""Who may call: a key of the project, or a token that such a key was exchanged for."""

from base64 import b64encode
from uuid import UUID

import pytest

from tabard.app.accounts import secret_digest
from tabard.dialects.sinch.auth import TOKEN_PREFIX
from tabard.domain.ids import AccountId
from tabard.ports.stores import NewCredential
from tests.support.sinch_service import (
    NOON,
    OTHER_PROJECT,
    OWNER,
    PROJECT,
    SECRET,
    SENDERS,
    STRANGERS,
    SinchService,
    assert_canonical_error,
    basic,
    bearer,
    key_id,
)

TOKEN = "/oauth2/token"
GRANT = "grant_type=client_credentials"
OTHERS = AccountId(UUID(int=0xC3))
TWILIO_SID, TWILIO_TOKEN = f"AC{OTHERS.hex}", "token-of-the-third-account"
ZAVU_KEY = "zv_test_0123456789abcdef"

WRONG = {
    "nothing": {"Authorization": ""},
    "secret": basic(key_id(OWNER), "wrong"),
    "empty secret": basic(key_id(OWNER), ""),
    "key": basic(key_id(AccountId(UUID(int=9))), SECRET),
    "kind of key": basic("admin", SECRET),
    "NUL": basic(key_id(OWNER) + "\0", SECRET),
    "no colon": {"Authorization": "Basic " + b64encode(b"nothing").decode()},
    "not base64": {"Authorization": "Basic $$$"},
    "secret as a bearer": bearer(SECRET),
    "a token that never was": bearer(TOKEN_PREFIX + "x" * 43),
    "a token that is none": bearer(TOKEN_PREFIX),
    "another dialect's key": basic(TWILIO_SID, TWILIO_TOKEN),
    "another dialect's bearer": bearer(ZAVU_KEY),
    "a token of an old kind": {"Authorization": "Digest x"},
}


async def issued(service: SinchService, form: str = GRANT, headers: dict[str, str] | None = None):
    """Exactly the credentials that are given here."""
    return await service.client.request("POST", TOKEN, content=form.encode(), headers=headers or {})


async def token_of(service: SinchService) -> str:
    response = await issued(service, headers=basic(key_id(OWNER), SECRET))
    assert response.status_code == 200, response.text
    token: str = response.json()["access_token"]
    return token


@pytest.fixture
async def with_third(service):
    """An account that is known by credentials of other dialects too."""
    await service.add_account(
        OTHERS,
        "secret-of-the-third",
        NewCredential("twilio", "main", TWILIO_SID, secret_digest(TWILIO_TOKEN), None),
        NewCredential("zavu", "key", ZAVU_KEY[:11], secret_digest(ZAVU_KEY), None),
    )
    return service


@pytest.mark.parametrize("name", WRONG)
async def test_wrong_credentials(with_third, name):
    for path in (SENDERS, f"/v1/projects/{OTHERS}/rcs/senders"):
        response = await with_third.call("GET", path, headers=WRONG[name])
        assert_canonical_error(response, 401, "unauthorized_error")
        assert response.headers["www-authenticate"].startswith("Basic ")


async def test_without_credentials(service):
    assert_canonical_error(await service.client.get(SENDERS), 401, "unauthorized_error")


@pytest.mark.parametrize("project", ["", "1", PROJECT.upper().rpartition("/")[2], OTHER_PROJECT.rpartition("/")[2]])
async def test_wrong_project(service, project):
    response = await service.call("GET", f"/v1/projects/{project}/rcs/senders")
    if project:
        assert_canonical_error(response, 401, "unauthorized_error")
    else:
        assert_canonical_error(response, 404, "not_found")


async def test_both_ways_in(service):
    assert (await service.call("GET")).status_code == 200
    token = await token_of(service)
    assert (await service.client.get(SENDERS, headers=bearer(token))).status_code == 200
    elsewhere = await service.client.get(f"{OTHER_PROJECT}/rcs/senders", headers=bearer(token))
    assert_canonical_error(elsewhere, 401, "unauthorized_error")
    as_secret = await service.client.get(SENDERS, headers=basic(key_id(OWNER), token))
    assert_canonical_error(as_secret, 401, "unauthorized_error")


async def test_token_ends_after_an_hour(service):
    token = await token_of(service)
    service.clock.advance(minutes=59)
    assert (await service.client.get(SENDERS, headers=bearer(token))).status_code == 200
    service.clock.advance(minutes=1)
    service.seconds += 3600
    assert_canonical_error(await service.client.get(SENDERS, headers=bearer(token)), 401, "unauthorized_error")


async def test_revoked_key_takes_its_tokens_along(service):
    token = await token_of(service)
    fresh = NewCredential("sinch", "key", key_id(OWNER), secret_digest("another"), None)
    await service.accounts.replace_credentials(OWNER, [fresh], NOON)
    for headers in (bearer(token), basic(key_id(OWNER), SECRET)):
        assert_canonical_error(await service.client.get(SENDERS, headers=headers), 401, "unauthorized_error")
    assert (await service.client.get(SENDERS, headers=basic(key_id(OWNER), "another"))).status_code == 200


async def test_credential_is_remembered_for_a_moment(service):
    assert (await service.call("GET")).status_code == 200
    await service.accounts.close(OWNER, NOON)
    service.seconds = 4.9
    assert (await service.call("GET")).status_code == 200
    service.seconds = 5.0
    assert_canonical_error(await service.call("GET"), 401, "unauthorized_error")


# the token endpoint


async def test_tokens_are_all_different_and_only_their_digests_are_kept(service):
    tokens = {await token_of(service) for _ in range(3)}
    assert len(tokens) == 3
    assert all(token not in str(service.world.credentials) for token in tokens)


async def test_answer_of_the_token_endpoint(service):
    response = await issued(service, headers=basic(key_id(OWNER), SECRET))
    assert list(response.json()) == ["access_token", "token_type", "expires_in", "scope"]
    assert response.headers["cache-control"] == "no-store"


async def test_key_in_the_form(service):
    form = f"{GRANT}&client_id={key_id(OWNER)}&client_secret={SECRET}"
    response = await issued(service, form)
    assert response.status_code == 200
    token = response.json()["access_token"]
    assert (await service.client.get(SENDERS, headers=bearer(token))).status_code == 200


REFUSED = {
    "no credentials": (GRANT, {}, 401, "invalid_client"),
    "wrong secret": (GRANT, basic(key_id(OWNER), "wrong"), 401, "invalid_client"),
    "bearer": (GRANT, bearer("x"), 401, "invalid_client"),
    "wrong secret in the form": (f"{GRANT}&client_id={key_id(OWNER)}&client_secret=x", {}, 401, "invalid_client"),
    "no secret in the form": (f"{GRANT}&client_id={key_id(OWNER)}", {}, 401, "invalid_client"),
    "a name that is none": (f"{GRANT}&client_id=%00&client_secret=x", {}, 401, "invalid_client"),
    "twice": (f"{GRANT}&client_secret={SECRET}", basic(key_id(OWNER), SECRET), 400, "invalid_request"),
    "repeated": (f"{GRANT}&{GRANT}", basic(key_id(OWNER), SECRET), 400, "invalid_request"),
    "no grant": ("", basic(key_id(OWNER), SECRET), 400, "invalid_request"),
    "JSON": ('{"grant_type": "client_credentials"}', basic(key_id(OWNER), SECRET), 400, "invalid_request"),
    "another grant": ("grant_type=password", basic(key_id(OWNER), SECRET), 400, "unsupported_grant_type"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_token(service, name):
    form, headers, status, code = REFUSED[name]
    response = await issued(service, form, headers)
    assert response.status_code == status
    assert list(response.json()) == ["error", "error_description"]
    assert response.json()["error"] == code
    assert response.json()["error_description"]
    assert ("www-authenticate" in response.headers) == (status == 401)


async def test_token_endpoint_in_other_ways(service):
    wrong_method = await service.client.get(TOKEN)
    assert (wrong_method.status_code, wrong_method.json()["error"]) == (405, "invalid_request")
    assert wrong_method.headers["allow"] == "POST"
    too_large = await issued(service, "x" * 2_000_000, basic(key_id(OWNER), SECRET))
    assert (too_large.status_code, too_large.json()["error"]) == (413, "invalid_request")


async def test_a_flood_without_credentials_holds_nobody_else_up():
    service = await SinchService(rate=1.0).open()
    assert (await issued(service)).status_code == 401
    flooded = await issued(service)
    assert (flooded.status_code, flooded.json()["error"]) == (429, "temporarily_unavailable")
    assert int(flooded.headers["retry-after"]) >= 1
    assert (await issued(service, headers=basic(key_id(OWNER), SECRET))).status_code == 200


async def test_fault_of_the_service_tells_nothing(service, monkeypatch, capsys):
    async def broken(*_args, **_kwargs):
        raise RuntimeError("the database password is swordfish")

    monkeypatch.setattr(service.services.accounts, "issue_token", broken)
    response = await issued(service, headers=basic(key_id(OWNER), SECRET))
    assert (response.status_code, response.json()["error"]) == (500, "server_error")
    assert "swordfish" not in response.text
    assert "request.failed" in "".join(capsys.readouterr())


async def test_stranger_sees_nothing_of_the_owner(service):
    created = await service.done(
        "POST", SENDERS, {"region": "EU", "billingCategory": "CONVERSATIONAL", "useCase": "OTP"}, status=201
    )
    theirs = f"{OTHER_PROJECT}/rcs/senders"
    response = await service.call("GET", f"{theirs}/{created['id']}", headers=STRANGERS)
    assert_canonical_error(response, 404, "sender_not_found")
    assert (await service.call("GET", theirs, headers=STRANGERS)).json()["senders"] == []
