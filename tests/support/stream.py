"""Server-sent events, as a client reads them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.service import Running


@dataclass(frozen=True)
class Sent:
    id: str
    type: str
    data: Any
    """None for a block that only moves the place to come back to."""


async def blocks(response: aiohttp.ClientResponse) -> AsyncIterator[Sent]:
    last_id, type_, data = "", "", []
    async for raw in response.content:
        name, _, value = raw.decode().rstrip("\n").partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            last_id = value
        elif name == "event":
            type_ = value
        elif name == "data":
            data.append(value)
        elif not name and not value:
            yield Sent(last_id, type_, json.loads("\n".join(data)) if data else None)
            type_, data = "", []


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[Sent]:
    async for sent in blocks(response):
        if sent.data is not None:
            yield sent


@asynccontextmanager
async def streaming(
    tabard: Running, path: str, last_event_id: str | None = None
) -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {
        "Authorization": aiohttp.encode_basic_auth(tabard.login, tabard.secret),
        "Accept": "text/event-stream",
        **({} if last_event_id is None else {"Last-Event-ID": last_event_id}),
    }
    async with tabard.http.get(tabard.url + path, headers=headers) as response:
        yield response
