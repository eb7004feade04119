"""The guard when it posts: what it refuses, what it makes of each way a receiver can fail, and when it tries again."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import pytest_asyncio

from tabard.domain.webhooks.delivery import KEPT_ANSWER, Attempt, Failure
from tabard.networks.lookups import Lookups, Resolve
from tabard.networks.outbound import GuardedOutbound, guarded_session, retry_after
from tests.networks.test_addresses import NEVER, PRIVATE, PUBLIC
from tests.support.endpoint import Endpoint, listening

BODY = b'{"hello": "there"}'


@asynccontextmanager
async def guard(resolve: Resolve | None = None) -> AsyncIterator[GuardedOutbound]:
    async with guarded_session() as http:
        yield GuardedOutbound(http, resolve=resolve or Lookups(), time_out=timedelta(seconds=1))


@pytest_asyncio.fixture(loop_scope="session")
async def endpoint() -> AsyncIterator[Endpoint]:
    async with listening() as made:
        yield made


async def post(url: str, *, resolve: Resolve | None = None, private: bool = True, seconds: float = 0.5) -> Attempt:
    async with guard(resolve) as outbound:
        return await outbound.post(
            url, BODY, {"X-Mark": "m"}, allow_private=private, time_out=timedelta(seconds=seconds)
        )


def found(*addresses: str) -> Resolve:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def port_of(endpoint: Endpoint) -> str:
    return endpoint.url.rpartition(":")[2]


async def test_what_is_posted_is_what_arrives(endpoint: Endpoint):
    endpoint.answer(status=201, body=b"thanks")
    attempt = await post(f"{endpoint.url}/hook?a=b")
    assert (attempt.status, attempt.failure, attempt.answer, attempt.detail) == (201, None, b"thanks", None)
    assert timedelta(0) < attempt.duration < timedelta(seconds=0.5)
    [got] = endpoint.requests
    assert (got.method, got.path, got.body, got.headers["X-Mark"]) == ("POST", "/hook?a=b", BODY, "m")


# what is not called


@pytest.mark.parametrize("address", [address for address in NEVER if address not in NEVER[-3:]])
async def test_no_special_address_is_called_for_anybody(endpoint: Endpoint, address: str):
    for addresses in ([address], ["127.0.0.1", address], [address, "127.0.0.1"]):
        attempt = await post(f"http://hook.test:{port_of(endpoint)}/", resolve=found(*addresses))
        assert (attempt.failure, attempt.status) == (Failure.BLOCKED, None)
    assert endpoint.requests == []


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_private_address_is_not_called_for_a_live_account(endpoint: Endpoint, address: str):
    attempt = await post(f"http://hook.test:{port_of(endpoint)}/", resolve=found(address), private=False)
    assert attempt.failure is Failure.BLOCKED
    assert endpoint.requests == []


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://", "http://a.test:99999/", "http://u:p@a.test/", ""])
async def test_what_is_no_web_address_is_not_called(url: str):
    assert (await post(url)).failure is Failure.BLOCKED


async def test_a_name_that_moves_between_look_up_and_dial_is_dialled_as_it_was_judged(endpoint: Endpoint):
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    async with guard(resolve) as outbound:
        for failure in (None, Failure.BLOCKED):
            attempt = await outbound.post(
                f"http://hook.test:{port_of(endpoint)}/", BODY, {}, allow_private=True, time_out=timedelta(seconds=1)
            )
            assert attempt.failure is failure
    assert [got.headers["Host"] for got in endpoint.requests] == [f"hook.test:{port_of(endpoint)}"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_not_followed(endpoint: Endpoint, status: int):
    endpoint.answer(status=status, headers={"Location": "http://169.254.169.254/latest/meta-data"})
    attempt = await post(f"{endpoint.url}/")
    assert (attempt.status, attempt.failure) == (status, Failure.STATUS)
    assert len(endpoint.requests) == 1


# how it can fail


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
async def test_other_statuses_are_failures(endpoint: Endpoint, status: int):
    endpoint.answer(status=status, body=b"why", headers={"Retry-After": "7"})
    attempt = await post(f"{endpoint.url}/")
    assert (attempt.status, attempt.failure, attempt.answer) == (status, Failure.STATUS, b"why")
    assert attempt.retry_after == timedelta(seconds=7)
    assert attempt.gone is (status == 410)


async def test_a_name_that_can_t_be_resolved():
    async def nothing(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    attempt = await post("http://nowhere.test/", resolve=nothing)
    assert (attempt.failure, attempt.detail) == (Failure.DNS, "the host 'nowhere.test' can't be resolved")


async def test_a_port_where_nobody_listens_is_tried_twice():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    asked = []

    async def resolve(host: str, wanted: int) -> Sequence[str]:
        asked.append(wanted)
        return ["127.0.0.1"]

    attempt = await post(f"http://closed.test:{port}/", resolve=resolve)
    assert attempt.failure is Failure.REFUSED
    assert asked == [port, port]


async def test_a_connection_that_is_dropped_at_once_is_tried_once_more(endpoint: Endpoint):
    endpoint.answer(drop=True, times=1)
    assert (await post(f"{endpoint.url}/")).failure is None
    assert len(endpoint.requests) == 2
    endpoint.forget()
    endpoint.answer(drop=True)
    assert (await post(f"{endpoint.url}/")).failure is Failure.RESET
    assert len(endpoint.requests) == 2


async def test_a_connection_that_is_dropped_later_is_not_tried_again(endpoint: Endpoint):
    endpoint.answer(drop=True, delay=1.05)
    assert (await post(f"{endpoint.url}/", seconds=5)).failure is Failure.RESET
    assert len(endpoint.requests) == 1


async def test_a_receiver_that_says_nothing_runs_out_of_time(endpoint: Endpoint):
    endpoint.answer(hang=True)
    attempt = await post(f"{endpoint.url}/", seconds=0.2)
    assert (attempt.failure, attempt.status) == (Failure.TIMEOUT, None)
    assert timedelta(seconds=0.2) <= attempt.duration < timedelta(seconds=2)
    assert attempt.detail == "the address did not answer within 0.2 s"
    assert len(endpoint.requests) == 1


async def test_a_slow_look_up_runs_out_of_time_and_delays_no_other_name():
    async def resolve(host: str, port: int) -> Sequence[str]:
        if host == "slow.test":
            await asyncio.Event().wait()
        return ["169.254.1.1"]

    async with guard(Lookups(resolve)) as outbound:
        slow, quick = await asyncio.gather(
            *(
                outbound.post(f"http://{host}/", BODY, {}, allow_private=True, time_out=timedelta(seconds=0.2))
                for host in ("slow.test", "quick.test")
            )
        )
    assert (slow.failure, quick.failure) == (Failure.TIMEOUT, Failure.BLOCKED)


async def test_plain_http_where_tls_is_wanted_is_a_failure_of_tls(endpoint: Endpoint):
    attempt = await post(f"https://hook.test:{port_of(endpoint)}/", resolve=found("127.0.0.1"))
    assert attempt.failure is Failure.TLS


async def test_what_is_no_http_is_a_broken_connection():
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"\x00\x01 nonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert (await post(f"http://127.0.0.1:{port}/")).failure is Failure.RESET


# the answer


@pytest.mark.parametrize("status", [200, 500])
async def test_of_a_large_answer_only_the_beginning_is_read(endpoint: Endpoint, status: int):
    endpoint.answer(status=status, size=10_000_000)
    attempt = await post(f"{endpoint.url}/", seconds=5)
    assert (attempt.status, len(attempt.answer)) == (status, KEPT_ANSWER)
    assert attempt.failure is (None if status == 200 else Failure.STATUS)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("how", [{"drip": 0.05}, {"cut": True}], ids=["slow", "cut-off"])
async def test_once_it_has_answered_its_status_decides(endpoint: Endpoint, how, status):
    endpoint.answer(status=status, **how)
    attempt = await post(f"{endpoint.url}/", seconds=0.3)
    assert attempt.status == status
    assert attempt.failure is (None if status == 200 else Failure.STATUS)
    assert 0 < len(attempt.answer) < 20
    assert len(endpoint.requests) == 1


DATE = "Mon, 02 Mar 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"Retry-After": "120"}, timedelta(minutes=2)),
        ({"Retry-After": " 0 "}, timedelta(0)),
        ({"Retry-After": "999999999"}, timedelta(days=7)),
        ({"Retry-After": "Mon, 02 Mar 2026 10:02:00 GMT", "Date": DATE}, timedelta(minutes=2)),
        ({"Retry-After": "Mon, 02 Mar 2076 10:02:00 GMT", "Date": DATE}, timedelta(days=7)),
        ({"Retry-After": "Mon, 02 Mar 2026 09:00:00 GMT", "Date": DATE}, None),
        ({"Retry-After": "Mon, 02 Mar 2026 10:02:00 GMT"}, None),
        ({"Retry-After": "Mon, 99 Mar 2026 10:02:00 GMT", "Date": DATE}, None),
        ({"Retry-After": "9" * 20}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "later"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_what_a_receiver_asks_for(headers, asked):
    assert retry_after(headers) == asked


# what can be said beforehand


async def problem(url: str, resolve: Resolve | None = None, *, private: bool = False) -> str | None:
    async with guard(resolve) as outbound:
        return await outbound.problem_with(url, allow_private=private)


async def test_an_address_that_may_never_be_called_is_told_beforehand():
    assert "loopback" in str(await problem("http://127.0.0.1/"))
    assert await problem("http://127.0.0.1/", private=True) is None
    assert "link-local" in str(await problem("http://meta.test/", found("169.254.169.254"), private=True))
    assert "http" in str(await problem("gopher://example.com/"))
    assert "password" in str(await problem("http://user:word@example.com/"))
    assert "2048" in str(await problem("http://example.com/" + "a" * 3000))
    for address in PUBLIC[:3]:
        assert await problem("https://good.test/", found(address)) is None


async def test_a_name_that_can_t_be_resolved_now_may_be_later():
    async def nothing(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    assert await problem("https://later.test/", nothing) is None
    assert await problem("https://slow.test/", never) is None


# look-ups


async def test_a_name_is_looked_up_once_for_all_who_wait_for_it():
    asked = []
    go = asyncio.Event()

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        await go.wait()
        return ["192.0.2.1"]

    lookups = Lookups(resolve)
    waiting = [asyncio.create_task(lookups("hook.test", 80)) for _ in range(5)]
    impatient = asyncio.create_task(lookups("hook.test", 80))
    await asyncio.sleep(0)
    impatient.cancel()
    go.set()
    assert await asyncio.gather(*waiting) == [["192.0.2.1"]] * 5
    assert await lookups("hook.test", 80) == ["192.0.2.1"]
    assert asked == ["hook.test"]


async def test_addresses_are_not_looked_up():
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise AssertionError(host)

    for address in ("127.0.0.1", "8.8.8.8", "::1"):
        assert await Lookups(resolve)(address, 80) == (address,)
