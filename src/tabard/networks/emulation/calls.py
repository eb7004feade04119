"""Calling a client's own address, to check it or to tell it something: bounded in time and in what is read."""

import asyncio
from typing import Any

import aiohttp
from yarl import URL

SECONDS = 10.0
"""How long a client may take to answer a check or a webhook."""


class NoAnswer(Exception):
    """Nothing that could be read came back in time; the text names the cause."""


async def call(
    http: aiohttp.ClientSession, method: str, url: URL | str, *, read: int = 0, **request: Any
) -> tuple[int, bytes]:
    """HTTP status and the first `read` bytes of the answer. Raises `NoAnswer`."""
    try:
        async with (
            asyncio.timeout(SECONDS),
            http.request(method, URL(url), allow_redirects=False, **request) as response,
        ):
            return response.status, await response.content.read(read) if read else b""
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
        raise NoAnswer(type(error).__name__) from None
