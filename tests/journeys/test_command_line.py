"""`tabard events tail` and `tabard listen`, as a developer has them beside his own program."""

import asyncio
import json
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from tabard.commands.client import ServiceClient, ServiceGone, ServiceRefused, Told
from tabard.commands.events import deliver
from tests.support.receiver import receiving
from tests.support.service import Running

EVENT = {
    "number": 1,
    "type": "sender.online",
    "occurred_at": "2026-03-02T10:00:00+00:00",
    "actor": "clock",
    "sender_id": None,
    "before": {},
    "after": {"status": "online"},
}


@asynccontextmanager
async def started(customer: Running, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, told to stop as by Ctrl-C at the end; it must end well then."""
    login = ("--url", customer.url, "--user", customer.login, "--secret", customer.secret)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tabard", *words, *login),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONUNBUFFERED": "1"},
    )
    try:
        async with asyncio.timeout(40):
            yield process
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def line(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    async with asyncio.timeout(20):
        return (await stream.readline()).decode().rstrip()


async def test_tail_shows_what_was_and_what_comes(customer: Running):
    await customer.create("+15550100001")
    async with started(customer, "events", "tail", "--from-start", "--type", "sender.created", "--json") as tail:
        assert json.loads(await line(tail.stdout))["sender"]["address"] == "+15550100001"
        await customer.create("+15550100002")
        assert json.loads(await line(tail.stdout))["after"]["address"] == "+15550100002"


async def test_tail_is_for_people_too(customer: Running):
    sid = (await customer.create("+15550100001"))["sid"]
    async with started(customer, "events", "tail", "--from-start", "--sender", sid) as tail:
        shown = await line(tail.stdout)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d  sender.created  \+15550100001  key:AC", shown)
    assert "status: creating" in shown


async def test_listen_delivers_to_a_program_beside_it(customer: Running):
    async with receiving() as program:
        program.will(204, 500)
        url = f"{program.url}/hook"
        async with started(customer, "listen", "--forward-to", url, "--type", "sender.created") as listening:
            secret = (await line(listening.stderr)).rpartition(" ")[2]
            await create_until_heard(customer, program.hits)
            assert re.search(r"sender\.created  \+15550100\d{3}  204  \d+ ms$", await line(listening.stdout))
            await customer.create("+15550100999")
            assert re.search(r"sender\.created  \+15550100\d{3}  500  \d+ ms$", await line(listening.stdout))
            await program.until(lambda hits: hits[-1].json["data"]["address"] == "+15550100999")
        for hit in program.hits:
            Webhook(secret).verify(hit.body, hit.headers)
        assert program.hits[-1].json["data"]["sender"]["address"] == "+15550100999"
        assert {hit.path for hit in program.hits} == {"/hook"}


async def create_until_heard(customer: Running, heard: Sequence[object]) -> None:
    """It begins with what is new, at a time that nobody tells: so there is something new until it has heard."""
    for number in range(100, 900):
        await customer.create(f"+15550100{number}")
        for _ in range(20):
            if heard:
                return
            await customer.get("/sandbox/v1/clock")
    raise AssertionError("nothing was delivered")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("listen", "--forward-to", "localhost:3000"), "--forward-to"),
        (("listen", "--forward-to", "http://127.0.0.1:9/", "--signing-secret", "abc"), "--signing-secret"),
        (("events", "tail", "--type", "sender.unknown"), "sender.online"),
        (("events", "tail", "--sender", "someone"), "sender_id"),
    ],
)
async def test_what_is_wrong_is_said(customer: Running, words: tuple[str, ...], told: str):
    login = ("--url", customer.url, "--user", customer.login, "--secret", customer.secret)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tabard", *words, *login),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    async with asyncio.timeout(40):
        _, err = await process.communicate()
    assert process.returncode == 1
    assert told in err.decode()


# one delivery to the program


async def test_a_program_that_is_starting_is_tried_again(capsys: pytest.CaptureFixture[str]):
    pauses: list[float] = []
    port = free_port()
    await asyncio.to_thread(deliver, f"http://127.0.0.1:{port}/", dict(EVENT), bytes(24), pause=pauses.append)
    assert pauses == [0.5, 1.0, 2.0]
    assert capsys.readouterr().out.count("refused") == 4


async def test_a_redirect_is_not_followed(capsys: pytest.CaptureFixture[str]):
    async with receiving() as program:
        program.will(302, headers={"Location": f"{program.url}/elsewhere"})
        await asyncio.to_thread(deliver, program.url, dict(EVENT), bytes(24))
    assert [hit.path for hit in program.hits] == ["/"]
    assert "302" in capsys.readouterr().out


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


# following


@dataclass
class Flaky:
    """A service whose streams end after their first event."""

    url: str = ""
    last_ids: list[str | None] = field(default_factory=list)
    statuses: Iterator[int] = field(default_factory=lambda: iter(()))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        status = next(self.statuses, 200)
        if status != 200:
            return web.json_response({"error": {"code": "busy", "message": "told so"}}, status=status)
        self.last_ids.append(request.headers.get("Last-Event-ID"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        number = len(self.last_ids)
        await response.write(
            f": hello\nretry: 5\n\nid: place-{number}\ndata: {number}\n\nid: beyond-{number}\n\n".encode()
        )
        if number % 2:
            assert request.transport is not None
            request.transport.abort()
        return response


@asynccontextmanager
async def flaky(*statuses: int) -> AsyncIterator[Flaky]:
    service = Flaky(statuses=iter(statuses))
    app = web.Application()
    app.router.add_get("/{path:.*}", service.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield service
    await runner.cleanup()


def taken(url: str, number: int, pauses: list[float]) -> list[Told]:
    following = ServiceClient(url, "user", "secret").follow("/tabard/v1/events", pause=pauses.append)
    return list(islice(following, number))


async def test_a_lost_stream_is_taken_up_after_what_was_seen():
    pauses: list[float] = []
    async with flaky() as service:
        told = await asyncio.to_thread(taken, service.url, 4, pauses)
    assert [one.data for one in told] == [1, 2, 3, 4]
    assert service.last_ids[0] is None
    for number, last_id in enumerate(service.last_ids[1:], 1):
        assert last_id in {f"place-{number}", f"beyond-{number}"}
    assert pauses == [1.0] * 3


async def test_a_service_that_is_away_for_a_while_is_waited_for():
    async with flaky(200, 503, 429) as service:
        told = await asyncio.to_thread(taken, service.url, 2, [])
    assert [one.data for one in told] == [1, 2]


async def test_who_is_refused_does_not_try_again():
    async with flaky(200, 401) as service:
        with pytest.raises(ServiceRefused, match="told so"):
            await asyncio.to_thread(taken, service.url, 2, [])


async def test_nobody_there_at_first_is_said():
    with pytest.raises(ServiceGone, match="tabard serve"):
        await asyncio.to_thread(taken, f"http://127.0.0.1:{free_port()}", 1, [])
