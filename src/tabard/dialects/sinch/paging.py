"""Pages of a list: `pageToken` and `pageSize` in, `totalSize`, `pageSize`, `nextPageToken` and `previousPageToken` out.

A page is named by the row beside it, never by a count, so each costs the same. A token holds that row's place, the way
to go from there, and a mark that only this service can make, of the place and of the list: the account, what is listed,
filter and order. So a token is good for the very list that it was given out for, and what it says needs no other check.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import orjson
from pydantic import Field

from tabard.app import senders as sender_app
from tabard.app.services import Services
from tabard.dialects.sinch.errors import Refusal
from tabard.dialects.sinch.reading import Query
from tabard.domain.account import Principal
from tabard.domain.ids import SenderId
from tabard.domain.sender import Sender
from tabard.http.surface import Call
from tabard.ports.stores import Mark, Wanted

_DEFAULT_SIZE = 50
_LARGEST_SIZE = 100
_MARK_BYTES = 16
_DIGITS = 6


class PageQuery(Query):
    """The parameters of every list. `pageSize` is read by `page_size`, for an error of its own."""

    page_token: str | None = None
    """`nextPageToken` or `previousPageToken` of an answer to the same query."""
    page_size: Annotated[int, Field(ge=1, le=_LARGEST_SIZE)] | None = None
    """50 where it is absent."""


class Place(NamedTuple):
    """A row of a list: the value that the list is sorted by (None where the id alone sorts it), and its id."""

    key: str | None
    id: str | int


class Asked(NamedTuple):
    """Which page of which list."""

    size: int
    list: bytes
    """What is listed, for whom, and in what order: tokens are good for nothing else."""
    key: bytes
    beyond: Place | None
    backwards: bool


def asked_page(services: Services, principal: Principal, query: Mapping[str, str], listed: Sequence[Any]) -> Asked:
    """`listed` says which list it is, as JSON. Raises `Refusal`: invalid_page_size, invalid_page_token."""
    size = page_size(query)
    name = orjson.dumps([str(principal.account_id), *listed])
    key = services.vault.derive("sinch page tokens")
    token = query.get("pageToken")
    if not token:
        return Asked(size, name, key, None, backwards=False)
    backwards, *place = _read(token, key, name)
    return Asked(size, name, key, Place(*place), backwards)


def page_size(query: Mapping[str, str], largest: int = _LARGEST_SIZE, default: int = _DEFAULT_SIZE) -> int:
    """Raises `Refusal` (invalid_page_size)."""
    text = query.get("pageSize")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < _DIGITS and 1 <= int(text) <= largest):
        raise Refusal(
            400,
            "invalid_page_size",
            f"pageSize must be a whole number from 1 to {largest}.",
            f"Send a pageSize from 1 to {largest}, or none for {default}.",
        )
    return int(text)


def page_answer(
    asked: Asked, key: str, rows: Sequence[Any], *, total: int, before: Place | None, after: Place | None
) -> dict[str, Any]:
    """The body of an answer. `before` is the first row's place where rows lie before it, `after` the last one's."""
    answer: dict[str, Any] = {"totalSize": total, "pageSize": asked.size, key: rows}
    if before is not None:
        answer["previousPageToken"] = _token(asked, before, backwards=True)
    if after is not None:
        answer["nextPageToken"] = _token(asked, after, backwards=False)
    return answer


async def sender_list(
    services: Services, call: Call, wanted: Wanted, write: Callable[[Sender], dict[str, Any]]
) -> dict[str, Any]:
    """The body of an answer that lists senders. Raises `Refusal`: invalid_page_size, invalid_page_token."""
    asked = asked_page(services, call.principal, call.query, _listed(wanted))
    beyond = None if asked.beyond is None else Mark(asked.beyond.key, SenderId(UUID(str(asked.beyond.id))))
    found = await sender_app.search_senders(
        services, call.principal, wanted, limit=asked.size, beyond=beyond, backwards=asked.backwards
    )
    places = [Place(mark.key, str(mark.id)) for mark in found.marks]
    return page_answer(
        asked,
        "senders",
        [write(sender) for sender in found.senders],
        total=found.total,
        before=places[0] if places and not found.first else None,
        after=places[-1] if places and not found.last else None,
    )


def _listed(wanted: Wanted) -> list[Any]:
    ids = None if wanted.ids is None else sorted(str(sender_id) for sender_id in wanted.ids)
    statuses = None if wanted.statuses is None else sorted(wanted.statuses)
    return ["senders", wanted.channel, statuses, ids, wanted.text, wanted.sort_by, wanted.descending]


def _token(asked: Asked, place: Place, *, backwards: bool) -> str:
    text = orjson.dumps([backwards, *place])
    return base64.urlsafe_b64encode(_mark(asked.key, asked.list, text) + text).decode().rstrip("=")


def _read(token: str, key: bytes, name: bytes) -> list[Any]:
    refusal = Refusal(
        400,
        "invalid_page_token",
        "pageToken is not a token of this list, with this filter and this order.",
        "Send nextPageToken or previousPageToken of an answer to the same query, or none for the first page.",
    )
    try:
        raw = base64.b64decode(f"{token}{'=' * (-len(token) % 4)}", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise refusal from None
    mark, text = raw[:_MARK_BYTES], raw[_MARK_BYTES:]
    if not hmac.compare_digest(mark, _mark(key, name, text)):
        raise refusal
    read: list[Any] = orjson.loads(text)
    return read


def _mark(key: bytes, name: bytes, text: bytes) -> bytes:
    return hmac.digest(key, name + b"\n" + text, "sha256")[:_MARK_BYTES]
