"""Where Google's webhooks come in: what is answered, what is kept, and what becomes of it."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from tabard.app.accounts import SANDBOX_ACCOUNT
from tabard.domain.account import Account, AccountKind, Connection
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Link, Sender
from tabard.networks.google.listener import BODY_LIMIT, Listener, Notices
from tabard.networks.inbox import InboxLane
from tabard.ports.stores import Received
from tabard.storage.inbox import PostgresInbox
from tests.support.clock import FakeClock
from tests.support.dialect_service import Backstage
from tests.support.senders import a_sender

TOKEN, OTHER_TOKEN = "client-token-1", "client-token-2"
PARTNER = "partner-1"
AGENT = "acme_parcels_k3x9_agent"
ADDRESS = f"/ingress/google/{PARTNER}"


def connection(token: str) -> Connection:
    return Connection(PARTNER, token, "{}", token, "")


@dataclass
class Gate:
    """The listener behind an application, and the lane behind it."""

    pool: asyncpg.Pool
    clock: FakeClock = field(default_factory=FakeClock)
    woken: int = 0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.backstage = Backstage(self.clock)
        account = Account(
            SANDBOX_ACCOUNT, "a", AccountKind.SANDBOX, None, self.clock.now(), None, self.clock.now() - self.clock.now()
        )
        self.backstage.world.accounts[account.id] = account
        self.inbox = PostgresInbox(self.pool)
        listener = Listener(self.inbox, self.ways, self.clock.now, self.wake)
        transport = httpx.ASGITransport(Starlette(routes=listener.routes()))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://tabard.test")
        reader = Notices(self.backstage.services(), self.connected).read
        self.lane = InboxLane(self.clock, self.inbox, {"google": reader})

    async def ways(self, partner_id: str) -> list[Connection]:
        self.asked.append(partner_id)
        return [connection(TOKEN), connection(OTHER_TOKEN), connection("")] if partner_id == PARTNER else []

    async def connected(self, partner_id: str) -> list[tuple[Any, Connection]]:
        return [(SANDBOX_ACCOUNT, connection(TOKEN))] if partner_id == PARTNER else []

    def wake(self) -> None:
        self.woken += 1

    async def deliver(
        self, data: bytes, *, token: str = TOKEN, to: str = ADDRESS, **envelope: object
    ) -> httpx.Response:
        signature = base64.b64encode(hmac.new(token.encode(), data, hashlib.sha512).digest()).decode()
        body = {"message": {"data": base64.b64encode(data).decode(), **envelope}, "subscription": "s"}
        return await self.http.post(to, content=orjson.dumps(body), headers={"X-Goog-Signature": signature})

    async def kept(self) -> list[bytes]:
        rows = await self.pool.fetch("select network, app_id, body from network_inbox order by received_at")
        assert {(row["network"], row["app_id"]) for row in rows} <= {("google", PARTNER)}
        return [row["body"] for row in rows]

    async def open_rows(self) -> int:
        return int(await self.pool.fetchval("select count(*) from network_inbox where due_at is not null"))

    def add_sender(self, network_id: str = AGENT) -> Sender:
        sender = a_sender(Status.ONLINE, link=Link(network_id=network_id))
        sender = replace(sender, channel=Channel.RCS, address=f"{network_id}@rcs", due_at=None)
        self.backstage.world.senders[sender.id] = sender
        return sender

    def due(self, sender: Sender) -> bool:
        return self.backstage.world.senders[sender.id].due_at is not None


@pytest.fixture
async def gate(pool: asyncpg.Pool) -> AsyncIterator[Gate]:
    made = Gate(pool)
    async with made.http:
        yield made


def event(**changes: object) -> bytes:
    return orjson.dumps(
        {
            "eventId": "e-1",
            "agentId": AGENT,
            "regionId": "/v1/regions/fi-rcs",
            "oldLaunchState": "PENDING",
            "newLaunchState": "LAUNCHED",
            **changes,
        }
    )


# the handshake


@pytest.mark.parametrize("token", [TOKEN, OTHER_TOKEN])
async def test_the_secret_comes_back_for_the_right_token(gate, token):
    answer = await gate.http.post(ADDRESS, json={"clientToken": token, "secret": "<b>1234567890"})
    assert (answer.status_code, answer.text) == (200, "<b>1234567890")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert await gate.kept() == []


@pytest.mark.parametrize("token", ["", "wrong", TOKEN.upper(), TOKEN + " ", "ü"])
async def test_a_wrong_token_opens_nothing(gate, token):
    answer = await gate.http.post(ADDRESS, json={"clientToken": token, "secret": "s3cret"})
    assert answer.status_code == 401
    assert "s3cret" not in answer.text


# deliveries


async def test_what_was_signed_is_kept_and_answered(gate):
    answer = await gate.deliver(event())
    assert answer.status_code == 200
    assert await gate.kept() == [event()]
    assert gate.woken == 1


async def test_the_same_event_is_kept_once_whatever_its_envelope(gate):
    for number in range(3):
        answer = await gate.deliver(event(), messageId=str(number), publishTime=f"2026-05-04T08:00:0{number}Z")
        assert answer.status_code == 200
    await gate.deliver(event(), token=OTHER_TOKEN)
    assert await gate.kept() == [event()]
    assert gate.woken == 1
    await gate.deliver(event(eventId="e-2"))
    assert len(await gate.kept()) == 2


async def test_another_signature_is_refused(gate):
    for answer in (
        await gate.deliver(event(), token="wrong"),
        await gate.deliver(event(), token=""),
        await gate.deliver(event(), to="/ingress/google/partner-2"),
        await gate.http.post(ADDRESS, json={"message": {"data": base64.b64encode(event()).decode()}}),
    ):
        assert answer.status_code == 401
    assert await gate.kept() == []
    assert gate.woken == 0


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"message":{"data":"*"}}', b'{"clientToken":1,"secret":"x"}']
)
async def test_junk_is_refused(gate, body):
    assert (await gate.http.post(ADDRESS, content=body)).status_code == 400
    assert gate.asked == []


async def test_a_large_body_is_refused_and_not_read_to_its_end(gate):
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 65536

    answer = await gate.http.post(ADDRESS, content=endless())
    assert answer.status_code == 413
    assert read * 65536 <= BODY_LIMIT + 2 * 65536


@pytest.mark.parametrize("partner", ["%00", "a%20b", "x" * 129, "%F0%9F%98%80"])
async def test_an_odd_partner_is_nobodys(gate, partner):
    assert (await gate.deliver(event(), to=f"/ingress/google/{partner}")).status_code == 401
    assert gate.asked == []


async def test_only_post_is_taken(gate):
    assert (await gate.http.get(ADDRESS)).status_code == 405


# what becomes of it


async def test_a_launch_makes_the_agents_sender_due(gate):
    meant, other = gate.add_sender(), gate.add_sender("other_agent")
    await gate.deliver(event())
    assert await gate.lane.drain()
    assert (gate.due(meant), gate.due(other)) == (True, False)
    assert gate.backstage.woken == 1
    assert await gate.open_rows() == 0
    assert not await gate.lane.drain()


@pytest.mark.parametrize(
    "data",
    [
        orjson.dumps({"agentId": AGENT, "senderPhoneNumber": "+15550100001", "messageId": "m", "text": "hello"}),
        orjson.dumps({"agentId": AGENT, "senderPhoneNumber": "+15550100001", "eventType": "READ"}),
        orjson.dumps({"somethingNew": 1}),
    ],
)
async def test_other_events_are_kept_and_done(gate, data):
    sender = gate.add_sender()
    await gate.deliver(data)
    assert await gate.lane.drain()
    assert not gate.due(sender)
    assert await gate.open_rows() == 0
    assert await gate.kept() == [data]


async def test_what_cannot_be_read_is_kept_and_never_tried_again(gate):
    await gate.deliver(b"no json")
    with capture_logs() as logged:
        assert await gate.lane.drain()
    assert [entry["event"] for entry in logged] == ["webhook.unreadable"]
    assert (await gate.open_rows(), len(await gate.kept())) == (0, 1)


# the lane


async def test_each_network_has_its_reader_and_a_stranger_has_none(pool):
    clock, inbox, seen = FakeClock(), PostgresInbox(pool), []

    async def read(received: Received) -> None:
        seen.append((received.network, received.body))

    lane = InboxLane(clock, inbox, {"one": read, "two": read})
    for network in ("one", "two", "three"):
        await inbox.put(network, "5", network.encode(), clock.now())
    with capture_logs() as logged:
        assert await lane.drain()
    assert sorted(seen) == [("one", b"one"), ("two", b"two")]
    assert [(entry["event"], entry["network"]) for entry in logged] == [("webhook.unreadable", "three")]
    assert await lane.next_due() is None


async def test_a_reader_that_fails_is_asked_again_later_and_holds_up_nobody(pool):
    clock, inbox, seen = FakeClock(), PostgresInbox(pool), []

    async def read(received: Received) -> None:
        seen.append(received.body)
        if received.body == b"bad":
            raise RuntimeError("the database is away")

    lane = InboxLane(clock, inbox, {"google": read})
    for body in (b"bad", b"good"):
        await inbox.put("google", PARTNER, body, clock.now())
    with capture_logs() as logged:
        await lane.drain()
        assert sorted(seen) == [b"bad", b"good"]
        for _ in range(20):
            due = await lane.next_due()
            if due is None:
                break
            clock.time = due
            await lane.drain()
    assert seen.count(b"bad") == 10
    assert {entry["event"] for entry in logged} == {"webhook.failed"}
