"""Access tokens for service accounts: bought with a signed assertion, kept until shortly before they end.

google-auth reads the key, signs and reads the answer. It does that in a thread, because signing takes a processor's
time and the library blocks; the one HTTP call goes back to the event loop, to our own session with our own time limit.
All who need the same account's token wait for one call. Keys are told apart by their digest; nothing here keeps one.

Source: Google, OAuth 2.0 for server-to-server applications.
"""

import asyncio
import concurrent.futures
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
from google.auth import transport
from google.oauth2.service_account import Credentials

from tabard.domain.account import Connection
from tabard.domain.sender import Trouble
from tabard.networks import calls
from tabard.networks.calls import Answer, Request
from tabard.networks.google import faults
from tabard.networks.google.wire import MANAGEMENT_SCOPE, MESSAGING_SCOPE
from tabard.ports.networks import Decision, NetworkFault
from tabard.ports.world import Clock

MARGIN = timedelta(minutes=5)
"""So long before its end a token is no longer used."""

_SCOPES = (MANAGEMENT_SCOPE, MESSAGING_SCOPE)
_THREADS = 4
_KEPT = 4096
_PASSING = {"internal_failure", "server_error", "temporarily_unavailable"}
"""What the endpoint calls its own failures (RFC 6749, section 4.1.2.1); other words are about the key."""
_READ_KEY: Callable[..., Any] = Credentials.from_service_account_info
"""google-auth's own types leave it open."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    good_until: datetime


class Tokens:
    def __init__(self, http: aiohttp.ClientSession, clock: Clock, time_out: aiohttp.ClientTimeout) -> None:
        self._http = http
        self._clock = clock
        self._time_out = time_out
        self._kept: OrderedDict[bytes, _Token] = OrderedDict()
        self._asked: dict[bytes, asyncio.Task[_Token | NetworkFault]] = {}
        # Threads of its own: the loop's default ones look up host names, which the call that they wait for needs.
        self._threads = ThreadPoolExecutor(_THREADS, "service-accounts")

    async def token(self, way: Connection) -> str:
        """Raises `NetworkFault`."""
        key = digest(way.token)
        kept = self._kept.get(key)
        if kept is not None and self._clock.now() < kept.good_until:
            return kept.text
        asked = self._asked.get(key)
        if asked is None:
            # An emulation's own address may have changed since it wrote its key file.
            endpoint = None if way.base_url is None else f"{way.base_url.rstrip('/')}/token"
            asked = self._asked[key] = asyncio.create_task(self._ask(key, way.token, endpoint))
        outcome = await asyncio.shield(asked)  # one caller that goes away must not take it from the others
        if isinstance(outcome, NetworkFault):
            raise _again(outcome)
        return outcome.text

    def forget(self, way: Connection, token: str) -> None:
        """Google no longer takes the token. One that came after it stays."""
        key = digest(way.token)
        kept = self._kept.get(key)
        if kept is not None and kept.text == token:
            del self._kept[key]

    async def _ask(self, key: bytes, key_file: str, address: str | None) -> _Token | NetworkFault:
        loop = asyncio.get_running_loop()
        endpoint = _Endpoint(self._http, self._time_out, loop, address)
        try:
            outcome = await loop.run_in_executor(self._threads, _bought, key_file, endpoint)
            if isinstance(outcome, _Token):
                self._kept[key] = outcome
                self._kept.move_to_end(key)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return outcome
        finally:
            del self._asked[key]


def digest(key_file: str) -> bytes:
    """What tells keys apart without being one."""
    return hashlib.sha256(key_file.encode(errors="surrogatepass")).digest()


def _again(fault: NetworkFault) -> NetworkFault:
    """The same for another caller: an exception that is raised twice would grow two tracebacks."""
    return NetworkFault(fault.decision, fault.trouble, fault.detail, after=fault.after, code=fault.code)


def _bought(key_file: str, endpoint: "_Endpoint") -> _Token | NetworkFault:
    """Runs in a thread."""
    try:
        info = orjson.loads(key_file)
        credentials = _READ_KEY(info, scopes=_SCOPES)
    except Exception:  # noqa: BLE001 - google-auth and cryptography fail in many ways, and their texts may quote the key
        return _denied("the connection's token is not the JSON file of a service account's key; check that it is whole")
    try:
        credentials.refresh(endpoint)
        return _Token(str(credentials.token), credentials.expiry.replace(tzinfo=UTC) - MARGIN)
    except NetworkFault as fault:
        return fault
    except Exception as error:  # noqa: BLE001 - as above
        return calls.unavailable(f"Google's token endpoint gave no token ({type(error).__name__})")


class _Endpoint(transport.Request):
    """The call that google-auth makes from its thread, made on the event loop."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        time_out: aiohttp.ClientTimeout,
        loop: asyncio.AbstractEventLoop,
        address: str | None,
    ) -> None:
        """Without an address it is where the key file says."""
        self._http = http
        self._address = address
        self._time_out = time_out
        self._loop = loop

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - ours holds
        **_more: Any,
    ) -> transport.Response:
        """Raises `NetworkFault` unless the answer is good: google-auth would sleep and try again."""
        request = Request(method, self._address or url, {}, headers or {}, body)
        call = asyncio.run_coroutine_threadsafe(
            calls.exchange(self._http, "Google", request, self._time_out), self._loop
        )
        try:
            answer = call.result((self._time_out.total or 0) + 5)
        except (concurrent.futures.CancelledError, TimeoutError):  # the loop is going down
            raise calls.unavailable("the service is stopping") from None
        if answer.status != 200:
            raise _refusal(answer)
        return _Response(answer)


class _Response(transport.Response):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._answer.headers

    @property
    def data(self) -> bytes:
        return self._answer.body or b""


def _refusal(answer: Answer) -> NetworkFault:
    document = answer.document or {}
    error, description = document.get("error"), document.get("error_description")
    passing = answer.status in {408, 429} or answer.status >= 500 or error in _PASSING
    if passing or answer.status // 100 != 4 or not isinstance(error, str):
        return calls.unavailable(f"Google's token endpoint answered with HTTP status {answer.status}")
    said = f"{error}: {description}" if isinstance(description, str) and description else error
    return _denied(
        f"Google refuses the service account's key ({faults.plain(said, ())}); check that the key and its service "
        "account are neither deleted nor disabled, and that this machine's clock is right"
    )


def _denied(detail: str) -> NetworkFault:
    return NetworkFault(Decision.GIVE_UP, Trouble.ACCESS_DENIED, detail)
