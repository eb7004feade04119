"""The Twilio dialect behind its real surface, over the stores in memory, reached through ASGI without a socket."""

import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from starlette.routing import Router

from tabard.app.accounts import secret_digest
from tabard.dialects.twilio.dialect import Twilio
from tabard.dialects.twilio.mapping import sender_id
from tabard.domain.account import Account, AccountKind
from tabard.domain.ids import AccountId
from tabard.domain.sender import Sender
from tabard.http.limits import RateLimit
from tabard.http.surface import Dialect, routes, unknown_path
from tabard.ports.stores import NewCredential
from tests.support.clock import FakeClock
from tests.support.dialect_service import Backstage

BASE = "https://tabard.example.com"
SENDERS = "/v2/Channels/Senders"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TOKEN = "token-of-the-first-account"
OWNER = AccountId(UUID(int=0xA1))
STRANGER = AccountId(UUID(int=0xB2))
NUMBER = "whatsapp:+15550100101"


def account_sid(account_id: AccountId) -> str:
    return f"AC{account_id.hex}"


def basic(login: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{login}:{secret}".encode()).decode()}


class TwilioService:
    """`call` is made as the owner unless headers say otherwise."""

    def __init__(self, *, rate: float = 0.0) -> None:
        self.clock = FakeClock(NOON)
        self.backstage = Backstage(self.clock)
        self.world = self.backstage.world
        self.seconds = 0.0
        self.services = self.backstage.services()
        self.accounts = self.services.accounts
        dialect: Dialect = Twilio(lambda: self.seconds)
        limit = RateLimit(rate, lambda: self.seconds)
        app = Router(
            routes=routes(dialect, self.services, rate_limit=limit, public_url=None),
            default=unknown_path(dialect, self.services, limit),
            redirect_slashes=False,
        )
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)

    async def open(self) -> "TwilioService":
        await self.add_account(OWNER, TOKEN)
        await self.add_account(STRANGER, "token-of-a-stranger")
        return self

    async def add_account(self, account_id: AccountId, token: str, parent_id: AccountId | None = None) -> None:
        account = Account(account_id, "Test", AccountKind.SANDBOX, parent_id, NOON, None, timedelta(0))
        main = NewCredential("twilio", "main", account_sid(account_id), secret_digest(token), None)
        await self.accounts.create(account, [main])

    async def call(
        self,
        method: str,
        path: str = SENDERS,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        sent = {**basic(account_sid(OWNER), TOKEN), **(headers or {})}
        if body is not None:
            return await self.client.request(method, path, json=body, headers=sent)
        return await self.client.request(method, path, content=raw, headers=sent)

    async def create(self, **fields: object) -> dict[str, Any]:
        body = {"sender_id": NUMBER, "profile": {"name": "Example Bakery"}, **fields}
        response = await self.call("POST", body=body)
        assert response.status_code == 202, response.text
        created: dict[str, Any] = response.json()
        return created

    def put(self, sid: str, **leaves: Any) -> Sender:
        """Make the stored sender look as if its network had acted."""
        sender = replace(self.world.senders[sender_id(sid)], **leaves)
        self.world.senders[sender.id] = sender
        return sender

    @property
    def woken(self) -> int:
        return self.backstage.woken


def assert_canonical_error(response: httpx.Response, status: int, code: int, *, says: str = "") -> None:
    """The one shape that every error of this dialect has, however it came about."""
    body = response.json()
    assert list(body) == ["code", "message", "more_info", "status"]
    assert (response.status_code, body["status"], body["code"]) == (status, status, code), body
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert says in body["message"]
    assert body["message"].strip()
    assert response.headers["x-twilio-error-code"] == str(code)
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert_common_headers(response)


def assert_common_headers(response: httpx.Response) -> None:
    assert re.fullmatch(r"RQ[0-9a-f]{32}", response.headers["t-request-id"])
    assert response.headers["twilio-request-id"] == response.headers["t-request-id"]
    assert response.headers["access-control-allow-origin"] == "*"
    for name in ("methods", "headers", "credentials"):
        assert response.headers[f"access-control-allow-{name}"]
    assert "T-Request-Id" in response.headers["access-control-expose-headers"]
