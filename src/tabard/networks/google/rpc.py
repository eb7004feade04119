"""One call to Google's APIs: a document, or a `NetworkFault`. Nothing else leaves this module.

Tokens go in the `Authorization` header only. A token that Google no longer takes is forgotten, and the call made once
more with a new one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import aiohttp
import orjson

from tabard.domain.account import Connection
from tabard.domain.sender import Trouble
from tabard.networks import calls
from tabard.networks.calls import Answer, Document, Request
from tabard.networks.google import faults
from tabard.networks.google.faults import Operation, RpcError
from tabard.networks.google.tokens import Tokens
from tabard.networks.google.wire import VERSION, RpcStatus
from tabard.ports.networks import Decision, NetworkFault
from tabard.ports.world import Clock

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Call:
    operation: Operation
    method: str
    path: str
    """Below the version, with a `{}` for each of the ids."""
    ids: tuple[str, ...] = ()
    """They come from outside, and must not choose another path."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = field(default=None, repr=False)
    messaging: bool = False
    """Of the messaging API, not of the management API."""


_ID = re.compile(r"\+?[0-9A-Za-z_][0-9A-Za-z_.@-]{0,127}")
"""Of a brand, an agent or an integration; or a phone's address."""
_NOTHING_SUCH = RpcError(404, RpcStatus.NOT_FOUND, "nothing at Google can have this id", (), None)


class Rpc:
    def __init__(
        self,
        http: aiohttp.ClientSession,
        clock: Clock,
        *,
        base_url: Callable[[Connection], tuple[str, str]],
        time_out: timedelta,
        pages: int,
    ) -> None:
        self._http = http
        self._clock = clock
        self._base_url = base_url
        self._time_out = aiohttp.ClientTimeout(total=time_out.total_seconds())
        self._pages = pages
        self._tokens = Tokens(http, clock, self._time_out)

    async def ask(self, way: Connection, call: Call) -> Document:
        """Raises `NetworkFault`."""
        if not all(_ID.fullmatch(id_) for id_ in call.ids):
            raise faults.fault_of(call.operation, _NOTHING_SUCH, (), None)
        token = await self._tokens.token(way)
        answer = await self._answer(way, call, token)
        if answer.status == 401:
            self._tokens.forget(way, token)
            token = await self._tokens.token(way)
            answer = await self._answer(way, call, token)
        document = {} if answer.status == 204 else answer.document
        error = None if document is None else faults.read_error(answer.status, document)
        after = _retry_after(answer.headers, self._clock.now())
        if error is not None:
            raise faults.fault_of(call.operation, error, (token, way.verify_token, way.app_secret), after)
        if document is None or answer.status // 100 != 2 or "error" in document:
            raise calls.unavailable(f"Google's answer was not of its usual form (HTTP {answer.status})", after=after)
        return document

    async def search(
        self, way: Connection, call: Call, rows: str, match: Callable[[Document], Found | None]
    ) -> Found | None:
        """The first match in a list of that name, page after page.

        Raises `NetworkFault`, also if the list has more pages than are looked at.
        """
        query = dict(call.query)
        for _ in range(self._pages):
            document = await self.ask(way, replace(call, query=query))
            for row in _rows(document, rows):
                found = match(row)
                if found is not None:
                    return found
            token = document.get("nextPageToken")
            if not isinstance(token, str) or not token:
                return None
            query["pageToken"] = token
        raise NetworkFault(
            Decision.GIVE_UP, Trouble.NETWORK_REFUSED, f"Google's list {rows} is longer than {self._pages} pages"
        )

    async def listed(self, way: Connection, call: Call, rows: str) -> list[Document]:
        """All rows. Raises `NetworkFault`."""
        kept: list[Document] = []

        def keep(row: Document) -> None:
            kept.append(row)

        await self.search(way, call, rows, keep)
        return kept

    async def _answer(self, way: Connection, call: Call, token: str) -> Answer:
        management, messaging = self._base_url(way)
        base = (messaging if call.messaging else management).rstrip("/")
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        body = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            body = orjson.dumps(call.body)
        address = f"{base}/{VERSION}/{call.path.format(*call.ids)}"
        request = Request(call.method, address, call.query, headers, body)
        return await calls.exchange(self._http, "Google", request, self._time_out)


def _rows(document: Document, name: str) -> list[Document]:
    """An empty list is left out of Google's JSON."""
    rows = document.get(name, [])
    if not isinstance(rows, list):
        raise calls.unavailable(f"Google's list {name} was not of its usual form")
    return [row for row in rows if isinstance(row, dict)]


def id_of(document: Document, collection: str) -> str | None:
    """The last part of `brands/{id}` or `brands/{id}/agents/{id}`; None if the name is not of that form."""
    name = document.get("name")
    parts = name.split("/") if isinstance(name, str) else []
    if parts[-2:-1] != [collection] or not _ID.fullmatch(parts[-1]):
        return None
    return parts[-1]


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds. The header has them, or a date (RFC 9110, section 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()) or None
