"""One HTTP exchange with a network: an answer of bounded size in bounded time, or a `NetworkFault`.

aiohttp's exceptions carry the request with its headers, and the headers hold tokens. So they are never chained to a
fault: it is raised after they are gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from yarl import URL

from tabard.domain.sender import Trouble
from tabard.ports.networks import Decision, NetworkFault

ANSWER_LIMIT = 1024 * 1024
_LONGEST_DETAIL = 300

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    address: str
    """Without its query, and escaped as far as it must be."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes | None
    """None if it is longer than the limit."""

    @property
    def document(self) -> Document | None:
        """The JSON object that the body is; None if it is anything else."""
        try:
            document = orjson.loads(self.body) if self.body else None
        except orjson.JSONDecodeError:
            return None
        return document if isinstance(document, dict) else None


def unavailable(detail: str, *, after: float | None = None) -> NetworkFault:
    """Of a call that got no answer, or none that the network wrote."""
    return NetworkFault(Decision.RETRY, Trouble.NETWORK_UNAVAILABLE, detail, after=after)


async def exchange(
    http: aiohttp.ClientSession, network: str, request: Request, time_out: aiohttp.ClientTimeout
) -> Answer:
    """The network's name is for the faults. No redirect is followed. Raises `NetworkFault`."""
    try:
        url = URL(request.address, encoded=True)
        async with http.request(
            request.method,
            url.update_query(request.query) if request.query else url,
            data=request.body,
            headers=request.headers,
            timeout=time_out,
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await _read(response))
    except TimeoutError:
        failure = f"{network} did not answer in time"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        failure = f"{network} could not be reached ({type(error).__name__})"
    raise unavailable(failure)


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_LIMIT:
            return None
    return bytes(body)


def plain(text: str, secrets: Sequence[str]) -> str:
    """A network's text on one line and of bounded length, without secrets."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 1] + "…"
