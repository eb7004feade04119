"""A loopback server in Google's place: token endpoint and both APIs. It records what it is asked and plays the answers
that it was given."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tabard.domain.account import Connection
from tabard.domain.agents.agent import Agent, BusinessContact, Review
from tabard.domain.profile import Contact, Profile, UseCase
from tabard.networks.google.client import GoogleClient
from tabard.ports.networks import NetworkFault
from tests.support.clock import FakeClock

BRAND = "0f0e7c1a-1111-4222-8333-944455566677"
AGENT = "acme_parcels_k3x9_agent"
PHONE = "+15550100009"
CALLBACK = "https://tabard.example.com/ingress/google/partner-1"
CLIENT_TOKEN = "client-token-of-the-tests"
ROOT = "/networks/google/v1"
AT_AGENT = f"{ROOT}/brands/-/agents/{AGENT}"

PROFILE = Profile(
    name="Acme Parcels",
    description="Delivery notices",
    logo_url="https://cdn.example.com/logo.png",
    banner_url="https://cdn.example.com/hero.jpg",
    privacy_url="https://example.com/privacy",
    terms_of_service_url="https://example.com/terms",
    accent_color="#0B3D91",
    phone_numbers=(Contact("+1 555 010 0001", "Support"),),
    emails=(Contact("care@example.com", "Mail"),),
    websites=(Contact("https://example.com", "Site"),),
    use_case=UseCase.TRANSACTIONAL,
)
BUSINESS = BusinessContact(
    name="Ana Example",
    email="ana@example.com",
    title="Product manager",
    website="https://www.example.com",
    partner={"company": "Relay Ltd", "name": "Ron", "email": "ops@relay.example.com"},
)
REVIEW = Review(
    opt_in="Box at ~ checkout",
    trigger="Parcel scan",
    interactions="Notices",
    opt_out="STOP",
    separators={"opt_in": "~ "},
    videos=("https://example.com/demo.mp4",),
    screenshots=("https://example.com/1.png",),
)
RCS = Agent(review=REVIEW, contact=BUSINESS)


@cache
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def key_file(token_uri: str, **more: object) -> str:
    return orjson.dumps(
        {
            "type": "service_account",
            "project_id": "tabard-tests",
            "private_key_id": "key-id-of-the-tests",
            "private_key": private_key(),
            "client_email": "tests@tabard-tests.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": token_uri,
            **more,
        }
    ).decode()


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    target: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def line(self) -> str:
        return f"{self.method} {self.target}"

    @property
    def body(self) -> Any:
        return orjson.loads(self.raw) if self.raw else None

    @property
    def token(self) -> str:
        return self.headers["Authorization"].removeprefix("Bearer ")


@dataclass(slots=True)
class Answer:
    document: object = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """The connection is closed instead of answering."""


def refusal(status: int, word: str, message: str = "What is wrong", *details: object, **headers: str) -> Answer:
    error: dict[str, object] = {"code": status, "message": message, "status": word}
    if details:
        error["details"] = list(details)
    return Answer({"error": error}, status, {name.replace("_", "-"): value for name, value in headers.items()})


NOT_FOUND = refusal(404, "NOT_FOUND")
EXISTS = refusal(409, "ALREADY_EXISTS")


@dataclass(slots=True)
class GoogleStandIn:
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    grants: list[Answer] = field(default_factory=list)
    """Answers of the token endpoint; without one it gives `token-1`, `token-2` and so on, each for an hour."""
    granted: list[Asked] = field(default_factory=list)
    before_grant: Callable[[], Awaitable[None]] | None = None
    origin: str = ""

    @property
    def base_url(self) -> str:
        return f"{self.origin}/networks/google"

    @property
    def way(self) -> Connection:
        return Connection("partner-1", CLIENT_TOKEN, key_file(f"{self.origin}/token"), CLIENT_TOKEN, "")

    def play(self, *answers: object) -> None:
        """Documents, or whole answers, in the order in which they are to be given."""
        self.answers.extend(a if isinstance(a, Answer) else Answer(a) for a in answers)

    @property
    def lines(self) -> list[str]:
        return [asked.line for asked in self.asked]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = Asked(request.method, request.raw_path, request.headers, await request.read())
        if request.path == "/token":
            answer = await self._grant(asked)
        else:
            self.asked.append(asked)
            answer = self.answers.pop(0)
        if answer.cut:
            assert request.transport is not None
            request.transport.close()
        raw = answer.document if isinstance(answer.document, bytes) else orjson.dumps(answer.document)
        return web.Response(body=raw, status=answer.status, headers=answer.headers)

    async def _grant(self, asked: Asked) -> Answer:
        self.granted.append(asked)
        token = {"access_token": f"token-{len(self.granted)}", "expires_in": 3599, "token_type": "Bearer"}
        if self.before_grant is not None:
            await self.before_grant()
        return self.grants.pop(0) if self.grants else Answer(token)


@asynccontextmanager
async def standing_in() -> AsyncIterator[GoogleStandIn]:
    google = GoogleStandIn()
    runner = web.ServerRunner(web.Server(google.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    try:
        await site.start()
        google.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield google
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client_of(
    google: GoogleStandIn,
    clock: FakeClock,
    *,
    pages: int = 3,
    seconds: float = 5,
    callback_url: str | None = CALLBACK,
) -> AsyncIterator[GoogleClient]:
    async with aiohttp.ClientSession() as http:
        yield GoogleClient(
            http,
            clock,
            base_url=lambda _way: (google.base_url, google.base_url),
            callback_url=lambda _way: callback_url,
            time_out=timedelta(seconds=seconds),
            pages=pages,
        )


async def fault_in(call: Awaitable[object]) -> NetworkFault:
    with pytest.raises(NetworkFault) as caught:
        await call
    return caught.value


def another(way: Connection) -> Connection:
    """With another key of the same service account."""
    return replace(way, token=orjson.dumps({**orjson.loads(way.token), "private_key_id": "another"}).decode())
