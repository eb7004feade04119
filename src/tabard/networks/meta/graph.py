"""One call to the Graph API: a document, or a `NetworkFault`. Nothing else leaves this module.

Tokens go in the `Authorization` header only.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

import aiohttp
import orjson

from tabard.domain.account import Connection
from tabard.domain.sender import Trouble
from tabard.networks import calls
from tabard.networks.calls import Document, Request
from tabard.networks.meta import faults
from tabard.networks.meta.faults import GraphError, Operation
from tabard.networks.meta.usage import UsageGate
from tabard.ports.networks import Decision, NetworkFault
from tabard.ports.world import Clock

PAGE_SIZE = 100

_SUBJECT = re.compile(r"[0-9A-Za-z_-]{1,64}|upload:(?!.*\.\.)[!-\"$-~]{1,2048}")
"""Ids are opaque, but part of the path: an account's own text must not choose another one."""
_NOTHING_SUCH = GraphError(400, 100, 33, ("no object at Meta can have this id",), transient=False)

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Call:
    operation: Operation
    method: str
    subject: str
    """The id of the object called; the first part of the path."""
    edge: str = ""
    """The rest of the path."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not show in a fault although Meta may quote it."""


class Graph:
    def __init__(
        self,
        http: aiohttp.ClientSession,
        clock: Clock,
        *,
        base_url: Callable[[Connection], str],
        version: str,
        time_out: timedelta,
    ) -> None:
        self._http = http
        self._base_url = base_url
        self._version = version
        self._time_out = aiohttp.ClientTimeout(total=time_out.total_seconds())
        self._gate = UsageGate(clock)

    async def ask(self, way: Connection, call: Call) -> Document:
        """Raises `NetworkFault`."""
        if not _SUBJECT.fullmatch(call.subject):
            raise faults.fault_of(call.operation, _NOTHING_SUCH, (), None)
        business_account = call.subject if call.operation in faults.ON_ACCOUNT else way.business_account
        self._gate.check(way.token, call.subject, business_account)
        answer = await calls.exchange(self._http, "Meta", self._request(way, call), self._time_out)
        after = self._gate.note(way.token, call.subject, answer.headers)
        document = answer.document
        error = None if document is None else faults.read_error(answer.status, document)
        if error is not None:
            secrets = (way.token, way.app_secret, way.verify_token, *call.secrets)
            raise faults.fault_of(call.operation, error, secrets, after)
        if document is None or answer.status // 100 != 2 or "error" in document:
            raise calls.unavailable(f"Meta's answer was not of its usual form (HTTP {answer.status})", after=after)
        if document.get("success") is False:
            raise calls.unavailable("Meta reported no success and gave no reason", after=after)
        return document

    async def search(
        self, way: Connection, call: Call, match: Callable[[Document], Found | None], pages: int
    ) -> Found | None:
        """The first match in a list, page after page. Raises `NetworkFault`, also if the list has more pages."""
        after: dict[str, str] = {}
        for _ in range(pages):
            query = {**call.query, "limit": str(PAGE_SIZE), **after}
            document = await self.ask(way, replace(call, query=query))
            for row in _rows(document):
                found = match(row)
                if found is not None:
                    return found
            cursor = _next_cursor(document)
            if cursor is None:
                return None
            after = {"after": cursor}
        raise NetworkFault(
            Decision.GIVE_UP, Trouble.NETWORK_REFUSED, f"Meta's list is longer than {pages * PAGE_SIZE} entries"
        )

    def _request(self, way: Connection, call: Call) -> Request:
        # The address goes as it is: an upload's id holds a colon and a query, which must reach Meta unchanged.
        address = f"{self._base_url(way).rstrip('/')}/{self._version}/{call.subject}"
        body = orjson.dumps(call.body) if isinstance(call.body, Mapping) else call.body
        return Request(
            call.method, f"{address}/{call.edge}" if call.edge else address, call.query, _headers(way, call), body
        )


def _headers(way: Connection, call: Call) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {way.token}", "Accept": "application/json", **call.headers}
    if isinstance(call.body, Mapping):
        headers["Content-Type"] = "application/json"
    return headers


def _rows(document: Document) -> list[Document]:
    data = document.get("data")
    if not isinstance(data, list):
        raise calls.unavailable("Meta's list was not of its usual form")
    return [row for row in data if isinstance(row, dict)]


def _next_cursor(document: Document) -> str | None:
    """`next` is missing on the last page. Its address is not followed: it may name another host."""
    paging = document.get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return None
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return after if isinstance(after, str) and after else None
