"""Calls to addresses that a user has named: only the public internet, and only what was looked at.

A user's URL is a way to make our server call for him. What is guaranteed, for every call through here:

1. The name is resolved once. If any of its addresses is not public (`addresses.judge`), none is called: a name with
   one good and one bad answer is an attack or a mistake, and neither should work now and then.
2. What is dialled is the very address that was judged, not the name again, so an answer that changes between look-up
   and dial changes nothing. The request's URL holds the address; `Host` and the TLS name hold what the user wrote.
   Pooled connections are kept apart by address, port and TLS name, so none is taken for another's.
3. A host that only looks like a name (`2130706433`, `0x7f.1`) goes through the same resolver, and is judged as what
   the operating system makes of it.
4. TLS is verified against the user's name. No redirect is followed, no proxy of the environment used, no cookie kept.
5. One time limit holds for the look-up, the dial and the whole answer; the answer is counted while it is read.

The session's own resolver refuses everything: a call that went around the guard would not find its way.
Private and loopback addresses open with `allow_private`; link-local, metadata and multicast ones never do.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from ssl import SSLContext
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tabard.networks.addresses import judge
from tabard.ports.world import Outbound, OutboundRefused, OutboundUnavailable

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> its addresses, the preferred one first. Raises `OSError` if there are none."""

_LONGEST_URL = 2048
_ADDRESSES_TRIED = 4


async def system_addresses(host: str, port: int) -> Sequence[str]:
    """As the operating system resolves it, odd spellings of addresses included."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class AnswerTooLarge(OutboundRefused):
    """The address answers, but with more than was asked for."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be called, with the addresses that were judged."""

    url: URL
    addresses: tuple[str, ...]

    @property
    def host_header(self) -> str:
        return self.url.host_port_subcomponent or ""

    @property
    def tls_name(self) -> str | None:
        return (self.url.raw_host or "").rstrip(".") if self.url.scheme == "https" else None

    def dialled(self, address: str) -> URL:
        return self.url.with_host(address)


class _NoResolver(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(f"{host}:{port} (family {family}) was not judged")

    async def close(self) -> None:
        pass


def guarded_session(connections: int = 100) -> aiohttp.ClientSession:
    """A session for `GuardedOutbound`. It can't resolve names, and follows nothing that the environment says."""
    connector = aiohttp.TCPConnector(resolver=_NoResolver(), use_dns_cache=False, limit=connections)
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
    )


class GuardedOutbound:
    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        resolve: Resolve = system_addresses,
        time_out: timedelta = timedelta(seconds=10),
        tls: SSLContext | None = None,
    ) -> None:
        """`http` is a `guarded_session`. Without `tls`, certificates are held against the system's authorities."""
        self._http = http
        self._resolve = resolve
        self._time_out = time_out.total_seconds()
        self._tls = tls

    async def fetch(self, url: str, *, limit: int, allow_private: bool) -> bytes:
        parsed = checked_url(url)
        if parsed.raw_user is not None or parsed.raw_password is not None:
            raise OutboundRefused("the address may not hold a user name or a password")
        async with self.call("GET", parsed, allow_private=allow_private) as response:
            if response.status // 100 == 3:
                raise OutboundRefused("the address answers with a redirect, which is not followed")
            if response.status != 200:
                raise OutboundRefused(f"the address answers with HTTP status {response.status}")
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise OutboundRefused("the address answers with a compressed document, which was not asked for")
            return await read_whole(response, limit)

    @asynccontextmanager
    async def call(
        self,
        method: str,
        url: URL,
        *,
        allow_private: bool,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request to a `checked_url`; the time limit holds until the block ends.

        Raises `OutboundRefused`, also for what goes wrong on the wire while the block reads the answer.
        """
        try:
            async with asyncio.timeout(self._time_out):
                target = await self._target(url, allow_private=allow_private)
                response = await self._dial(method, target, headers or {}, body)
                async with response:
                    yield response
        except TimeoutError:
            raise OutboundUnavailable(f"the address did not answer within {self._time_out:g} s") from None
        except aiohttp.ClientSSLError:
            raise OutboundRefused("the address has no TLS certificate that can be trusted for its name") from None
        except (aiohttp.ClientError, OSError) as error:
            raise OutboundUnavailable(f"the address can't be reached ({type(error).__name__})") from None

    async def _target(self, url: URL, *, allow_private: bool) -> Target:
        host, port = url.raw_host or "", url.port or 0
        try:
            addresses = tuple(await self._resolve(host, port))
        except (OSError, UnicodeError):
            addresses = ()
        if not addresses:
            raise OutboundRefused(f"the host {host!r} can't be resolved")
        for address in addresses:
            reason = judge(address, allow_private=allow_private)
            if reason is not None:
                raise OutboundRefused(f"the host {host!r} is not on the public internet: {reason}")
        return Target(url, tuple(str(ip_address(address)) for address in addresses[:_ADDRESSES_TRIED]))

    async def _dial(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes | None
    ) -> aiohttp.ClientResponse:
        # An address that swallows packets must leave time for the next one.
        limits = aiohttp.ClientTimeout(total=None, sock_connect=self._time_out / len(target.addresses))
        for number, address in enumerate(target.addresses, 1):
            try:
                return await self._http.request(
                    method,
                    target.dialled(address),
                    data=body,
                    headers={"Accept-Encoding": "identity", **headers, "Host": target.host_header},
                    server_hostname=target.tls_name,
                    ssl=self._tls or True,
                    allow_redirects=False,
                    timeout=limits,
                )
            except aiohttp.ClientSSLError:
                raise
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                if number == len(target.addresses):
                    raise
            except ValueError:
                raise OutboundRefused("the request can't be written: a header is not valid") from None
        raise OSError("no address")


def checked_url(text: str) -> URL:
    """An http or https address with a host, in its ASCII form. Raises `OutboundRefused`."""
    if len(text) > _LONGEST_URL or any(character <= " " or character == "\x7f" for character in text):
        raise OutboundRefused(f"the address must have at most {_LONGEST_URL} characters and no spaces")
    try:
        url = URL(text)
        usable = url.scheme in {"http", "https"} and bool(url.raw_host) and url.port
    except ValueError:
        usable = False
    if not usable:
        raise OutboundRefused("the address must be an http:// or https:// URL with a host")
    return url.with_fragment(None)


async def read_whole(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The answer's body. Raises `AnswerTooLarge` as soon as it is known to be longer than the limit."""
    body = bytearray()
    if (response.content_length or 0) > limit:
        raise AnswerTooLarge(f"the answer is larger than {limit} bytes")
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise AnswerTooLarge(f"the answer is larger than {limit} bytes")
    return bytes(body)


if TYPE_CHECKING:

    def _fulfils(guard: GuardedOutbound) -> Outbound:
        return guard
