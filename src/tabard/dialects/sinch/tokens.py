"""POST /oauth2/token: a project's key is exchanged for an access token of an hour (RFC 6749, client credentials).

The key's id and secret come as Basic credentials or in the form, never both. Errors here are RFC 6749's, not the ones
of the rest of this API. The tokens mean nothing by themselves: only their digests are kept.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal
from urllib.parse import parse_qsl
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict

from tabard.app.accounts import basic_credentials, secret_digest
from tabard.app.services import Services
from tabard.dialects.sinch.auth import TOKEN_PREFIX, key_credential
from tabard.dialects.sinch.errors import headers_of
from tabard.dialects.sinch.writing import answered
from tabard.domain.account import AccountKind, Principal
from tabard.domain.errors import TabardError, TooManyRequests, Unauthenticated
from tabard.domain.ids import AccountId
from tabard.http.errors import BodyIncomplete, BodyTooLarge, MethodNotAllowed
from tabard.http.surface import Answer, Call, Operation
from tabard.ports.stores import NewCredential

PATH = "/oauth2/token"
LIFETIME = timedelta(hours=1)

ANYBODY = Principal(AccountId(UUID(int=0)), AccountKind.LIVE, "anybody")
"""Who asks for a token without Basic credentials, until the form is read. It owns nothing, and has one rate for all."""


class TokenRequest(BaseModel):
    """A form, `application/x-www-form-urlencoded`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    grant_type: Literal["client_credentials"]
    client_id: str | None = None
    """The key's id, where it does not come as Basic credentials."""
    client_secret: str | None = None
    """The key's secret, likewise."""


class TokenAnswer(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, defer_build=True)

    access_token: str
    """Send it as `Authorization: Bearer`."""
    token_type: Literal["Bearer"]
    expires_in: int
    """Seconds."""
    scope: Literal[""]


class Refused(TabardError):
    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


async def authenticate(services: Services, headers: Mapping[str, str]) -> Principal:
    """Whose key the Basic credentials are; anybody without any. Raises `Unauthenticated`."""
    header = headers.get("authorization")
    if header is None:
        return ANYBODY
    given = basic_credentials(header)
    if given is None:
        raise Unauthenticated("send the key's id and secret as Basic credentials")
    return await _owner(services, *given)


async def issue_token(services: Services, call: Call) -> Answer:
    form = _form(call.body)
    principal = await _asker(services, call.principal, form)
    if "grant_type" not in form:
        raise Refused("invalid_request", "grant_type is missing")
    if form["grant_type"] != "client_credentials":
        raise Refused("unsupported_grant_type", "grant_type must be client_credentials")
    token = f"{TOKEN_PREFIX}{secrets.token_urlsafe(32)}"
    now = services.clock.now()
    stored = NewCredential("sinch", "token", principal.login, secret_digest(token), None, now + LIFETIME)
    await services.accounts.issue_token(principal.account_id, stored, now)
    answer = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(LIFETIME.total_seconds()),
        "scope": "",
    }
    return Answer(200, orjson.dumps(answer), (("Cache-Control", "no-store"),))


async def _asker(services: Services, principal: Principal, form: Mapping[str, str]) -> Principal:
    if principal is not ANYBODY:
        if "client_secret" in form:
            raise Refused("invalid_request", "the key must come as Basic credentials or in the form, not both")
        return principal
    if "client_id" not in form or "client_secret" not in form:
        raise Unauthenticated("send the key's id and secret as Basic credentials, or as client_id and client_secret")
    return await _owner(services, form["client_id"], form["client_secret"])


async def _owner(services: Services, key_id: str, secret: str) -> Principal:
    login, digest = key_credential(key_id, secret)
    principal = await services.accounts.principal(login, digest, services.clock.now())
    if principal is None:
        raise Unauthenticated("the key's id or its secret is wrong")
    return principal


def _form(body: bytes) -> dict[str, str]:
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    form = dict(pairs)
    if len(form) < len(pairs):
        raise Refused("invalid_request", "a parameter comes more than once")
    return form


_STATUSES: Mapping[type[Exception], tuple[int, str]] = {
    Unauthenticated: (401, "invalid_client"),
    MethodNotAllowed: (405, "invalid_request"),
    BodyIncomplete: (408, "invalid_request"),
    BodyTooLarge: (413, "invalid_request"),
    TooManyRequests: (429, "temporarily_unavailable"),
}


def render(error: Exception) -> Answer:
    if isinstance(error, Refused):
        return answered(400, {"error": error.code, "error_description": str(error)})
    status, code = _STATUSES.get(type(error), (500, "server_error"))
    description = str(error) if status != 500 else "an internal error has occurred"
    body = {"error": code, "error_description": description}
    return Answer(status, orjson.dumps(body), headers_of(error))


OPERATIONS: Sequence[Operation] = (
    Operation(
        name="oauth2_token",
        method="POST",
        path=PATH,
        handler=issue_token,
        summary="Exchange a key for an access token of an hour. The body is a form, not JSON; errors are RFC 6749's.",
        status=200,
        request=TokenRequest,
        answer=TokenAnswer,
        media_type="application/x-www-form-urlencoded",
    ),
)
