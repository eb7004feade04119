"""A loopback server in Meta's place: it records what it is asked and plays the answers that it was given."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from tabard.domain.account import Connection
from tabard.domain.profile import Contact, Profile, Vertical
from tabard.domain.sender import NameReview, Quality
from tabard.networks.meta.client import MetaClient
from tabard.ports.networks import NetworkFault, NumberState, NumberStatus
from tabard.ports.world import Image
from tests.support.clock import FakeClock

TOKEN = "EAAsandboxTokenOfTheTests0123456789"
WAY = Connection(
    app_id="100000000000001",
    app_secret="app-secret-of-the-tests",
    token=TOKEN,
    verify_token="verify-token-of-the-tests",
    business_account="500000000000001",
)
SUCCESS = {"success": True}
ID = "700000000000001"
ACCOUNT = WAY.business_account
ROOT = "/networks/meta/v25.0"
FIELDS = (
    "id,display_phone_number,verified_name,code_verification_status,status,quality_rating,name_status,new_name_status,"
    "new_display_name,whatsapp_business_manager_messaging_limit,health_status"
)
NUMBER = {
    "id": ID,
    "display_phone_number": "+1 555-010-0001",
    "verified_name": "Acme",
    "code_verification_status": "VERIFIED",
    "status": "CONNECTED",
    "quality_rating": "GREEN",
    "name_status": "APPROVED",
    "new_name_status": "PENDING_REVIEW",
    "new_display_name": "Acme Parcels",
    "whatsapp_business_manager_messaging_limit": "TIER_1K",
}
STATE = NumberState(
    id=ID,
    address="+15550100001",
    verified=True,
    status=NumberStatus.CONNECTED,
    display_name="Acme",
    name_review=NameReview.APPROVED,
    pending_name="Acme Parcels",
    pending_name_review=NameReview.PENDING,
    quality=Quality.HIGH,
    messaging_limit=1000,
    blocked_by=None,
)
PROFILE = Profile(
    name="Acme",
    about="Parcels, tracked",
    address="1 Sample Way",
    description="Delivery notices",
    vertical=Vertical.RETAIL,
    emails=(Contact("care@acme.example", "Care"), Contact("other@acme.example", "Other")),
    websites=tuple(Contact(f"https://{n}.acme.example/", n) for n in ("a", "b", "c")),
)
LOGO = Image(b"\x89PNG" + bytes(range(256)) * 4, "image/png")


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


@dataclass(slots=True)
class Answer:
    document: object = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """The connection is closed instead of answering."""


@dataclass(slots=True)
class MetaStandIn:
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    base_url: str = ""

    def play(self, *answers: object) -> None:
        """Documents, or whole answers, in the order in which they are to be given."""
        self.answers.extend(a if isinstance(a, Answer) else Answer(a) for a in answers)

    @property
    def lines(self) -> list[str]:
        return [asked.line for asked in self.asked]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(Asked(request.method, request.raw_path, request.headers, await request.read()))
        answer = self.answers.pop(0)
        if answer.cut:
            assert request.transport is not None
            request.transport.close()
        raw = answer.document if isinstance(answer.document, bytes) else orjson.dumps(answer.document)
        return web.Response(body=raw, status=answer.status, headers=answer.headers)


def refusal(code: int, subcode: int | None = None, *, status: int = 400, **more: object) -> Answer:
    error = {
        "message": f"(#{code}) What is wrong",
        "type": "OAuthException",
        "code": code,
        "is_transient": False,
        "fbtrace_id": "AbCdEfGh123",
        **more,
    }
    if subcode is not None:
        error["error_subcode"] = subcode
    return Answer({"error": error}, status)


@asynccontextmanager
async def standing_in() -> AsyncIterator[MetaStandIn]:
    meta = MetaStandIn()
    runner = web.ServerRunner(web.Server(meta.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    try:
        await site.start()
        meta.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/networks/meta"
        yield meta
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client_of(
    meta: MetaStandIn, clock: FakeClock, *, pages: int = 3, seconds: float = 5
) -> AsyncIterator[MetaClient]:
    async with aiohttp.ClientSession() as http:
        yield MetaClient(
            http,
            clock,
            base_url=lambda _way: meta.base_url,
            version="v25.0",
            time_out=timedelta(seconds=seconds),
            pages=pages,
        )


async def fault_in(call: Awaitable[object]) -> NetworkFault:
    with pytest.raises(NetworkFault) as caught:
        await call
    return caught.value
