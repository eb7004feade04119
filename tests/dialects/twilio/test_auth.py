"""Who may call, and how long a credential is remembered."""

from base64 import b64encode
from uuid import UUID

import pytest

from tabard.domain.ids import AccountId
from tests.support.twilio_service import (
    NOON,
    OWNER,
    SENDERS,
    TOKEN,
    account_sid,
    assert_canonical_error,
    basic,
)

LIST = f"{SENDERS}?Channel=whatsapp"
CHILD = AccountId(UUID(int=0xC3))

WRONG = {
    "token": (basic(account_sid(OWNER), "wrong"), "Authenticate"),
    "empty token": (basic(account_sid(OWNER), ""), "Authenticate"),
    "login": (basic(account_sid(CHILD), TOKEN), "Authenticate"),
    "kind of login": (basic("admin", TOKEN), "Authentication Error - invalid username"),
    "NUL": (basic(account_sid(OWNER) + "\0", TOKEN), "Authenticate"),
    "no colon": ({"Authorization": "Basic " + b64encode(b"nothing").decode()}, "Authenticate"),
    "not base64": ({"Authorization": "Basic $$$"}, "Authenticate"),
    "not UTF-8": ({"Authorization": "Basic " + b64encode(b"\xff:\xff").decode()}, "Authenticate"),
    "bearer": ({"Authorization": f"Bearer {TOKEN}"}, "Authenticate"),
    "empty": ({"Authorization": ""}, "Authentication Error - No credentials provided"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_wrong_credentials(service, name):
    headers, says = WRONG[name]
    response = await service.call("GET", LIST, headers=headers)
    assert_canonical_error(response, 401, 20003)
    assert response.json()["message"] == says
    assert response.headers["www-authenticate"] == 'Basic realm="Twilio API"'


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", SENDERS), ("GET", LIST), *((m, f"{SENDERS}/XE1") for m in ("GET", "POST", "PATCH", "DELETE", "PUT"))],
)
async def test_nothing_works_without_credentials(service, method, path):
    response = await service.client.request(method, path)
    assert_canonical_error(response, 401, 20003, says="Authentication Error - No credentials provided")


async def test_sub_account_with_the_token_of_its_parent(service):
    await service.add_account(CHILD, "token-of-the-child", parent_id=OWNER)
    for token in ("token-of-the-child", TOKEN):
        response = await service.call("GET", LIST, headers=basic(account_sid(CHILD), token))
        assert response.status_code == 200
    parent = await service.call("GET", LIST, headers=basic(account_sid(OWNER), "token-of-the-child"))
    assert_canonical_error(parent, 401, 20003)


async def test_credential_is_remembered_for_a_moment(service):
    assert (await service.call("GET", LIST)).status_code == 200
    await service.accounts.close(OWNER, NOON)
    service.seconds = 4.9
    assert (await service.call("GET", LIST)).status_code == 200
    service.seconds = 5.0
    assert_canonical_error(await service.call("GET", LIST), 401, 20003)


async def test_failure_is_not_remembered(service):
    headers = basic(account_sid(CHILD), "token-of-the-child")
    assert_canonical_error(await service.call("GET", LIST, headers=headers), 401, 20003)
    await service.add_account(CHILD, "token-of-the-child")
    assert (await service.call("GET", LIST, headers=headers)).status_code == 200
