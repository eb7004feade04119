"""The Sinch dialect behind its real surface, over the stores in memory, reached through ASGI without a socket."""

import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from starlette.routing import Router

from tabard.app.accounts import secret_digest, sinch_project
from tabard.dialects.sinch.dialect import Sinch
from tabard.domain.account import Account, AccountKind
from tabard.domain.ids import AccountId, SenderId
from tabard.domain.sender import Sender
from tabard.http.limits import RateLimit
from tabard.http.surface import Dialect, routes, unknown_path
from tabard.ports.stores import NewCredential
from tests.support.clock import FakeClock
from tests.support.dialect_service import Backstage

BASE = "https://tabard.example.com"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OWNER = AccountId(UUID(int=0xA1))
STRANGER = AccountId(UUID(int=0xB2))
PROJECT = f"/v1/projects/{sinch_project(OWNER)}"
OTHER_PROJECT = f"/v1/projects/{sinch_project(STRANGER)}"
SENDERS = f"{PROJECT}/rcs/senders"
SECRET = "secret-of-the-owner"


def key_id(account_id: AccountId) -> str:
    return str(UUID(int=account_id.int + (1 << 64)))


def basic(login: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{login}:{secret}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


STRANGERS = basic(key_id(STRANGER), "secret-of-a-stranger")


class SinchService:
    """`call` is made as the owner unless headers say otherwise."""

    def __init__(self, *, rate: float = 0.0) -> None:
        self.clock = FakeClock(NOON)
        self.backstage = Backstage(self.clock)
        self.world = self.backstage.world
        self.seconds = 0.0
        self.services = self.backstage.services()
        self.accounts = self.services.accounts
        dialect: Dialect = Sinch(lambda: self.seconds)
        limit = RateLimit(rate, lambda: self.seconds)
        app = Router(
            routes=routes(dialect, self.services, rate_limit=limit, public_url=None),
            default=unknown_path(dialect, self.services, limit),
            redirect_slashes=False,
        )
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)

    async def open(self) -> "SinchService":
        await self.add_account(OWNER, SECRET)
        await self.add_account(STRANGER, "secret-of-a-stranger")
        return self

    async def add_account(
        self, account_id: AccountId, secret: str, *more: NewCredential, offset: timedelta = timedelta(0)
    ) -> None:
        account = Account(account_id, "Test", AccountKind.SANDBOX, None, NOON, None, offset)
        key = NewCredential("sinch", "key", key_id(account_id), secret_digest(secret), None)
        await self.accounts.create(account, [key, *more])

    async def call(
        self,
        method: str,
        path: str = SENDERS,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        sent = {**basic(key_id(OWNER), SECRET), **(headers or {})}
        if body is not None:
            return await self.client.request(method, path, json=body, headers=sent)
        return await self.client.request(method, path, content=raw, headers=sent)

    async def done(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        """The body of an answer that must be a good one."""
        response = await self.call(method, path, body)
        assert response.status_code == status, response.text
        assert_common(response)
        return response.json() if response.content else None

    def sender(self, id_: str) -> Sender:
        return self.world.senders[SenderId(UUID(id_))]

    def put(self, id_: str, *, agent: dict[str, Any] | None = None, **leaves: Any) -> Sender:
        """Make the stored sender look as if its network had acted."""
        sender = replace(self.sender(id_), **leaves)
        if agent is not None:
            sender = replace(sender, agent=replace(sender.rcs, **agent))
        self.world.senders[sender.id] = sender
        return sender


def assert_canonical_error(response: httpx.Response, status: int, code: str, *, says: str = "") -> list[str]:
    """The one shape that every error of this dialect has, however it came about. Gives the validation errors."""
    body = response.json()
    assert list(body)[:3] == ["errorCode", "message", "resolution"]
    assert set(body) <= {"errorCode", "message", "resolution", "additionalInformation"}
    assert (response.status_code, body["errorCode"]) == (status, code), body
    for sentence in (body["message"], body["resolution"]):
        assert sentence.strip() == sentence != ""
    assert body["resolution"].endswith(".")
    assert says in body["message"], body
    more = body.get("additionalInformation", {})
    assert more or "additionalInformation" not in body
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert_common(response)
    errors: list[str] = more.get("validationErrors", [])
    assert len(errors) == len(set(errors))
    return errors


def assert_common(response: httpx.Response) -> None:
    """Nothing of us shows, and nobody reads what came as another type."""
    assert re.fullmatch(r"\d+", response.headers.get("content-length", "0"))
