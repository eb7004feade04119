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
import re
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from ipaddress import ip_address
from ssl import SSLContext
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tabard.domain.webhooks.delivery import KEPT_ANSWER, Attempt, Failure
from tabard.networks.addresses import judge
from tabard.networks.lookups import Resolve, system_addresses
from tabard.ports.webhooks import Poster
from tabard.ports.world import Outbound, OutboundRefused, OutboundUnavailable

_LONGEST_URL = 2048
_ADDRESSES_TRIED = 4
_AT_ONCE_AGAIN = 1.0
"""Seconds within which a connection must fail to be tried once more at once."""
_LONGEST_HINT = timedelta(days=7)

_CAUSES: Sequence[tuple[type[Exception], Failure]] = (
    (aiohttp.ClientSSLError, Failure.TLS),
    (TimeoutError, Failure.TIMEOUT),
    (aiohttp.ClientConnectorError, Failure.REFUSED),
    (Exception, Failure.RESET),
)
"""The first row that holds what went wrong on the wire gives the cause."""


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


class _NoResolver(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(f"{host}:{port} (family {family}) was not judged")

    async def close(self) -> None:
        pass


def guarded_session() -> aiohttp.ClientSession:
    """A session for `GuardedOutbound`. It can't resolve names, and follows nothing that the environment says.

    How many calls are made at once is for the callers to bound, each for itself: in a limit of the session, calls that
    hang would stand in the way of all others.
    """
    connector = aiohttp.TCPConnector(resolver=_NoResolver(), use_dns_cache=False, limit=0)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"User-Agent": "Tabard"},
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
        async with self.call("GET", checked_url(url), allow_private=allow_private) as response:
            if response.status // 100 == 3:
                raise OutboundRefused("the address answers with a redirect, which is not followed", Failure.STATUS)
            if response.status != 200:
                raise OutboundRefused(f"the address answers with HTTP status {response.status}", Failure.STATUS)
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise OutboundRefused("the address answers with a compressed document, which was not asked for")
            return await read_whole(response, limit)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool, time_out: timedelta
    ) -> Attempt:
        now = asyncio.get_running_loop().time
        began, ends = now(), now() + time_out.total_seconds()
        attempt = await self._post(url, body, headers, allow_private=allow_private, seconds=ends - began)
        # The other side may have closed a kept connection just as we took it; or it is being started anew.
        if attempt.failure in {Failure.REFUSED, Failure.RESET} and now() < began + _AT_ONCE_AGAIN:
            attempt = await self._post(url, body, headers, allow_private=allow_private, seconds=ends - now())
        return replace(attempt, duration=timedelta(seconds=now() - began))

    async def _post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool, seconds: float
    ) -> Attempt:
        answered: aiohttp.ClientResponse | None = None
        answer = bytearray()
        try:
            async with self.call(
                "POST", checked_url(url), allow_private=allow_private, headers=headers, body=body, seconds=seconds
            ) as answered:
                await _read_into(answer, answered)
        except OutboundRefused as refusal:
            if answered is None:
                return Attempt(timedelta(0), failure=refusal.cause, detail=str(refusal))
            # It has answered: what becomes of the rest changes nothing.
        status = answered.status
        failed = status // 100 != 2
        return Attempt(
            timedelta(0),
            status=status,
            failure=Failure.STATUS if failed else None,
            detail=f"the address answers with HTTP status {status}" if failed else None,
            answer=bytes(answer),
            retry_after=retry_after(answered.headers) if failed else None,
        )

    async def problem_with(self, url: str, *, allow_private: bool) -> str | None:
        try:
            async with asyncio.timeout(self._time_out):
                await self._target(checked_url(url), allow_private=allow_private)
        except TimeoutError:
            return None
        except OutboundRefused as refusal:
            return None if refusal.cause is Failure.DNS else str(refusal)
        return None

    @asynccontextmanager
    async def call(
        self,
        method: str,
        url: URL,
        *,
        allow_private: bool,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request to a `checked_url`; the time limit holds until the block ends.

        Raises `OutboundRefused`, also for what goes wrong on the wire while the block reads the answer.
        """
        limit = self._time_out if seconds is None else seconds
        try:
            async with asyncio.timeout(limit):
                target = await self._target(url, allow_private=allow_private)
                response = await self._dial(method, target, headers or {}, body, limit)
                async with response:
                    yield response
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is one, too
            raise _refusal(error, limit) from None

    async def _target(self, url: URL, *, allow_private: bool) -> Target:
        host, port = url.raw_host or "", url.port or 0
        try:
            addresses = tuple(await self._resolve(host, port))
        except (OSError, UnicodeError):
            addresses = ()
        if not addresses:
            raise OutboundRefused(f"the host {host!r} can't be resolved", Failure.DNS)
        for address in addresses:
            reason = judge(address, allow_private=allow_private)
            if reason is not None:
                raise OutboundRefused(f"the host {host!r} is not on the public internet: {reason}")
        return Target(url, tuple([plain_address(address) for address in addresses[:_ADDRESSES_TRIED]]))

    async def _dial(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> aiohttp.ClientResponse:
        # An address that swallows packets must leave time for the next one.
        limits = aiohttp.ClientTimeout(total=None, sock_connect=seconds / len(target.addresses))
        for number, address in enumerate(target.addresses, 1):
            try:
                return await self._http.request(
                    method,
                    _dialled(target.url, address),
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


def _refusal(error: Exception, seconds: float) -> OutboundRefused:
    cause = next(cause for kind, cause in _CAUSES if isinstance(error, kind))
    if cause is Failure.TLS:
        return OutboundRefused("the address has no TLS certificate that can be trusted for its name", cause)
    if cause is Failure.TIMEOUT:
        return OutboundUnavailable(f"the address did not answer within {seconds:.3g} s", cause)
    return OutboundUnavailable(f"the address can't be reached ({type(error).__name__})", cause)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """What `Retry-After` asks for (RFC 9110, 10.2.3), within bounds; None if it can't be read.

    A date is held against the answer's own `Date`, so that clocks that differ don't matter.
    """
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return min(timedelta(seconds=int(text)), _LONGEST_HINT)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return min(wait, _LONGEST_HINT) if wait > timedelta(0) else None


async def _read_into(answer: bytearray, response: aiohttp.ClientResponse) -> None:
    """As much as is kept. What is longer costs the connection, which is cheaper than reading it."""
    async for chunk in response.content.iter_any():
        answer += chunk[: KEPT_ANSWER - len(answer)]
        if len(answer) == KEPT_ANSWER:
            response.close()
            return


@lru_cache(maxsize=4096)
def plain_address(address: str) -> str:
    """In the form that a URL takes."""
    return str(ip_address(address))


@lru_cache(maxsize=4096)
def _dialled(url: URL, address: str) -> URL:
    return url.with_host(address)


@lru_cache(maxsize=4096)
def checked_url(text: str) -> URL:
    """An http or https address with a host and without credentials, in its ASCII form. Raises `OutboundRefused`."""
    if len(text) > _LONGEST_URL or any(character <= " " or character == "\x7f" for character in text):
        raise OutboundRefused(f"the address must have at most {_LONGEST_URL} characters and no spaces")
    try:
        url = URL(text)
        usable = url.scheme in {"http", "https"} and bool(url.raw_host) and url.port
    except ValueError:
        usable = False
    if not usable:
        raise OutboundRefused("the address must be an http:// or https:// URL with a host")
    if url.raw_user is not None or url.raw_password is not None:
        raise OutboundRefused("the address may not hold a user name or a password")
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

    def _fulfils(guard: GuardedOutbound) -> tuple[Outbound, Poster]:
        return guard, guard
