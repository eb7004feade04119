"""The guard: that what it dials is what it judged, and what it takes for an answer."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tabard.networks.lookups import Resolve, system_addresses
from tabard.networks.outbound import GuardedOutbound, checked_url, guarded_session
from tabard.ports.world import OutboundRefused


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.test/",
        "file:///etc/passwd",
        "//example.test/",
        "example.test",
        "http://",
        "http:///x",
        "http://exa mple.test/",
        "http://example.test/\r\nHost: x",
        "http://example.test:99999/",
        "http://example.test:x/",
        "http://a\\@b.test/",
        "http://[::1",
        "http://" + "a" * 3000,
        "",
    ],
)
def test_only_web_addresses_are_taken(url):
    with pytest.raises(OutboundRefused):
        checked_url(url)


@given(st.text())
def test_no_text_breaks_the_reading_of_an_address(text):
    for url in (text, f"http://{text}", f"https://{text}/"):
        with suppress(OutboundRefused):
            assert checked_url(url).scheme in {"http", "https"}


def test_international_names_are_called_by_their_ascii_form():
    assert checked_url("https://bücher.example:8443/ä#x").raw_host == "xn--bcher-kva.example"


# over the wire

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(
    handler: Handler, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, port, ssl_context=tls)
    try:
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def guard(
    resolve: Resolve = system_addresses, seconds: float = 5, tls: ssl.SSLContext | None = None
) -> AsyncIterator[GuardedOutbound]:
    async with guarded_session() as http:
        yield GuardedOutbound(http, resolve=resolve, time_out=timedelta(seconds=seconds), tls=tls)


def answers(*turns: Sequence[str]) -> Resolve:
    """A resolver that gives another answer at each call, and the last one from then on."""
    left = list(turns)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def saying(text: str) -> Handler:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(text=f"{text} {request.host} {request.path_qs}")

    return handler


async def refusal(outbound: GuardedOutbound, url: str, *, limit: int = 1000, allow_private: bool = True) -> str:
    with pytest.raises(OutboundRefused) as caught:
        await outbound.fetch(url, limit=limit, allow_private=allow_private)
    return str(caught.value)


async def test_what_is_dialled_is_what_was_judged():
    """The name's answer changes between look-up and dial, and after the first call too."""
    resolve = answers(["127.0.0.2"], ["127.0.0.1"], ["169.254.169.254"])
    async with (
        serving(saying("judged"), "127.0.0.2") as port,
        serving(saying("second"), "127.0.0.1", port),
        guard(resolve) as outbound,
    ):
        url = f"http://logo.test:{port}/a?b=1"
        first = await outbound.fetch(url, limit=100, allow_private=True)
        assert first == f"judged logo.test:{port} /a?b=1".encode()
        assert (await outbound.fetch(url, limit=100, allow_private=True)).startswith(b"second logo.test")
        assert "link-local" in await refusal(outbound, url)


async def test_the_name_is_looked_up_once_a_call():
    asked: list[tuple[str, int]] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    async with serving(saying("x")) as port, guard(resolve) as outbound:
        await outbound.fetch(f"http://once.test:{port}/", limit=100, allow_private=True)
    assert asked == [("once.test", port)]


@pytest.mark.parametrize("bad", ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "224.0.0.1"])
async def test_one_bad_answer_refuses_the_good_ones(bad):
    async with serving(saying("never")) as port:
        for found in (["127.0.0.1", bad], [bad, "127.0.0.1"]):
            async with guard(answers(found)) as outbound:
                assert "not on the public internet" in await refusal(outbound, f"http://mixed.test:{port}/")


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "localhost"])
async def test_loopback_in_any_spelling_is_judged_as_what_would_be_dialled(host):
    async with serving(saying("x")) as port, guard() as outbound:
        assert "loopback" in await refusal(outbound, f"http://{host}:{port}/", allow_private=False)


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "[::ffff:a9fe:a9fe]", "0", "[::]"])
async def test_metadata_and_unspecified_are_refused_in_any_spelling_even_for_a_sandbox(host):
    async with guard() as outbound:
        assert "not on the public internet" in await refusal(outbound, f"http://{host}/")


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1"])
async def test_a_sandbox_account_may_call_the_laptop(host):
    async with serving(saying("x")) as port, guard() as outbound:
        assert await outbound.fetch(f"http://{host}:{port}/", limit=100, allow_private=True)


async def test_a_dead_address_gives_way_to_the_next_good_one():
    async with serving(saying("alive"), "127.0.0.1") as port, guard(answers(["127.0.0.3", "127.0.0.1"])) as outbound:
        assert await outbound.fetch(f"http://two.test:{port}/", limit=100, allow_private=True)


async def test_a_name_without_addresses_is_refused():
    async def nothing(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    for resolve in (nothing, answers([])):
        async with guard(resolve) as outbound:
            assert "can't be resolved" in await refusal(outbound, "http://nowhere.test/")


async def test_credentials_in_the_address_are_refused():
    async with guard(answers(["127.0.0.1"])) as outbound:
        for url in ("http://user:word@a.test/", "http://user@a.test/", "http://:word@a.test/"):
            assert "password" in await refusal(outbound, url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status):
    paths = []

    async def handler(request: web.BaseRequest) -> web.Response:
        paths.append(request.path)
        return web.Response(status=status, headers={"Location": "/next"})

    async with serving(handler) as port, guard() as outbound:
        assert "redirect" in await refusal(outbound, f"http://127.0.0.1:{port}/first")
    assert paths == ["/first"]


@pytest.mark.parametrize("status", [204, 206, 404, 500])
async def test_only_a_whole_answer_is_taken(status):
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status)

    async with serving(handler) as port, guard() as outbound:
        assert str(status) in await refusal(outbound, f"http://127.0.0.1:{port}/")


async def test_an_answer_as_large_as_the_limit_is_taken_and_one_byte_more_is_not():
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"x" * int(request.path[1:]))

    async with serving(handler) as port, guard() as outbound:
        whole = await outbound.fetch(f"http://127.0.0.1:{port}/1000", limit=1000, allow_private=True)
        assert whole == b"x" * 1000
        assert "larger" in await refusal(outbound, f"http://127.0.0.1:{port}/1001", limit=1000)


async def test_an_announced_size_is_refused_before_anything_is_read():
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000000"})
        await response.prepare(request)
        await asyncio.sleep(60)
        return response

    async with serving(handler) as port, guard() as outbound:
        assert "larger" in await refusal(outbound, f"http://127.0.0.1:{port}/")


async def test_an_endless_answer_is_refused_while_it_is_read():
    gone = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 4096)
        except (ConnectionError, asyncio.CancelledError):
            gone.set()
            raise

    async with serving(handler) as port, guard() as outbound:
        assert "larger" in await refusal(outbound, f"http://127.0.0.1:{port}/", limit=10_000)
        await asyncio.wait_for(gone.wait(), 5)


async def test_a_compressed_answer_is_not_unfolded():
    async def handler(request: web.BaseRequest) -> web.Response:
        assert (request.headers["Accept-Encoding"], request.headers["User-Agent"]) == ("identity", "Tabard")
        return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    async with serving(handler) as port, guard() as outbound:
        assert "compressed" in await refusal(outbound, f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("begun", [False, True])
async def test_a_slow_answer_runs_out_of_time(begun):
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        if begun:
            await response.prepare(request)
        while True:
            await asyncio.sleep(0.02)
            if begun:
                await response.write(b".")

    async with serving(handler) as port, guard(seconds=0.2) as outbound:
        assert "did not answer within 0.2 s" in await refusal(outbound, f"http://127.0.0.1:{port}/")


async def test_a_slow_look_up_runs_out_of_time():
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with guard(resolve, seconds=0.1) as outbound:
        assert "did not answer" in await refusal(outbound, "http://slow.test/")


async def test_a_broken_answer_and_a_closed_port_are_refusals():
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"\x00\x01 nonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with guard() as outbound:
        assert "can't be reached" in await refusal(outbound, f"http://127.0.0.1:{port}/")
        server.close()
        await server.wait_closed()
        assert "can't be reached" in await refusal(outbound, f"http://127.0.0.1:{port}/")


async def test_the_session_itself_resolves_no_names():
    async with guarded_session() as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get("http://localhost:1/")


async def test_a_post_goes_through_the_same_guard():
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(text=f"{request.method} {request.headers['X-Mark']} {await request.text()}")

    async with serving(handler) as port, guard() as outbound:
        url = checked_url(f"http://127.0.0.1:{port}/")
        async with outbound.call("POST", url, allow_private=True, headers={"X-Mark": "m"}, body=b"hi") as response:
            assert await response.text() == "POST m hi"
        with pytest.raises(OutboundRefused, match="header"):
            async with outbound.call("POST", url, allow_private=True, headers={"X-Mark": "a\nb"}, body=b""):
                pass
        with pytest.raises(OutboundRefused, match="loopback"):
            async with outbound.call("POST", url, allow_private=False, body=b""):
                pass


async def test_no_cookie_is_kept():
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(text=str(dict(request.cookies)), headers={"Set-Cookie": "a=b; Path=/"})

    async with serving(handler) as port, guard() as outbound:
        for _ in range(2):
            assert await outbound.fetch(f"http://127.0.0.1:{port}/", limit=100, allow_private=True) == b"{}"


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "good.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("good.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "good.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def test_tls_is_verified_against_the_name_and_not_the_address(certificate: Path):
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)
    names: list[str | None] = []
    served.sni_callback = lambda _socket, name, _context: names.append(name)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with serving(saying("tls"), tls=served) as port:
        async with guard(answers(["127.0.0.1"]), tls=trusting) as outbound:
            good = f"https://good.test:{port}/"
            assert (await outbound.fetch(good, limit=100, allow_private=True)).startswith(b"tls good.test")
            # The connection just made to the same address must not serve another name.
            assert "TLS" in await refusal(outbound, f"https://other.test:{port}/")
            assert "TLS" in await refusal(outbound, f"https://127.0.0.1:{port}/")
        async with guard(answers(["127.0.0.1"])) as outbound:
            assert "TLS" in await refusal(outbound, good)
    assert names[:2] == ["good.test", "other.test"]


async def test_plain_http_on_a_tls_address_is_refused():
    async with serving(saying("plain")) as port, guard(answers(["127.0.0.1"])) as outbound:
        assert await refusal(outbound, f"https://good.test:{port}/")
