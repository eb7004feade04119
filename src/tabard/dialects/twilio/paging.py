"""Pages of senders. A page is named by the row beside it, never by a count, so each costs the same.

`PageToken` is PA and the SID of the last row of the page before, or PB and the SID of the first row of the page after.
`Page` is for the client only. Clients follow the URLs as they stand, so they are absolute.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from tabard.dialects.twilio import mapping, wire
from tabard.dialects.twilio.errors import BadParameter, PageSizeTooLarge
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel
from tabard.ports.stores import Page

_DEFAULT_SIZES = {Channel.WHATSAPP: 20, Channel.RCS: 50}
_OLDER = "PA"
_NEWER = "PB"


class PageRequest(NamedTuple):
    channel: Channel
    size: int
    number: int
    token: str | None

    @property
    def older_than(self) -> SenderId | None:
        return self._row(_OLDER)

    @property
    def newer_than(self) -> SenderId | None:
        return self._row(_NEWER)

    def _row(self, direction: str) -> SenderId | None:
        if self.token is None or not self.token.startswith(direction):
            return None
        return mapping.sender_id(self.token.removeprefix(direction))


def page_request(query: Mapping[str, str]) -> PageRequest:
    """Raises `BadParameter`, `PageSizeTooLarge`."""
    try:
        asked = wire.ListQuery.model_validate(query)
    except ValidationError as error:
        name, problem = wire.first_problem(error)
        if error.errors(include_url=False)[0]["type"] == "less_than_equal" and name == "PageSize":
            raise PageSizeTooLarge("PageSize: must be at most 1000") from None
        raise BadParameter(name, problem) from None
    channel = Channel(asked.channel)
    return PageRequest(channel, asked.page_size or _DEFAULT_SIZES[channel], asked.page, asked.page_token)


def page_answer(asked: PageRequest, page: Page, base_url: str) -> dict[str, Any]:
    rows = page.senders
    newer = f"{_NEWER}{mapping.sid(rows[0].id)}" if rows and not page.first else None
    older = f"{_OLDER}{mapping.sid(rows[-1].id)}" if rows and not page.last else None
    return {
        "senders": [mapping.sender_answer(sender, base_url) for sender in rows],
        "meta": {
            "page": asked.number,
            "page_size": asked.size,
            "first_page_url": _url(asked, base_url, 0, None),
            "previous_page_url": _url(asked, base_url, max(0, asked.number - 1), newer) if newer else None,
            "url": _url(asked, base_url, asked.number, asked.token),
            "next_page_url": _url(asked, base_url, asked.number + 1, older) if older else None,
            "key": "senders",
        },
    }


def _url(asked: PageRequest, base_url: str, number: int, token: str | None) -> str:
    at = f"&PageToken={token}" if token else ""
    return f"{base_url}{mapping.COLLECTION}?PageSize={asked.size}&Page={number}{at}&Channel={asked.channel}"
