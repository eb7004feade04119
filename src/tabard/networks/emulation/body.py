"""Reading what a client sends: bodies and JSON within bounds, text without NUL, which PostgreSQL does not take."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive

JSON_DEPTH = 32
_DISCARDED = 64 * 1024 * 1024
"""How much of a body that is too large is read and thrown away, so that the client hears the answer."""
_SECONDS = 60.0


class Unreadable(Exception):
    """The request cannot be read; the text says why, and is fit to show to the client."""


class TooLarge(Unreadable):
    pass


async def read_body(headers: Mapping[str, str], receive: Receive, limit: int) -> bytes:
    """Raises `Unreadable`. A body that is too large is read to its end (within bounds) before it is refused."""
    if "content-length" not in headers and "transfer-encoding" not in headers:
        return b""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Unreadable("The connection was closed before the request was complete.")
                chunk = message.get("body", b"")
                size += len(chunk)
                if size <= limit:
                    chunks.append(chunk)
                if size > _DISCARDED or not message.get("more_body", False):
                    break
    except TimeoutError:
        raise Unreadable(f"The body did not arrive within {_SECONDS:.0f} seconds.") from None
    if size > limit:
        raise TooLarge(f"A request body may have at most {limit} bytes.")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def parse_json(text: bytes) -> Any:
    """Raises `Unreadable`."""
    if b"\\u0000" in text or b"\0" in text:
        raise Unreadable("Text may not contain NUL.")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Unreadable("The text is not valid JSON.") from None
    if text.count(b"[") + text.count(b"{") > JSON_DEPTH and _depth(value) > JSON_DEPTH:
        raise Unreadable(f"JSON may be nested at most {JSON_DEPTH} levels deep.")
    return value


def parse_pairs(text: str) -> dict[str, Any]:
    """A query, or a form. Raises `Unreadable`."""
    return checked_pairs(parse_qsl(text, keep_blank_values=True)) if text else {}


def checked_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    parameters = dict(pairs)
    if any("\0" in name or "\0" in value for name, value in parameters.items()):
        raise Unreadable("Text may not contain NUL.")
    return parameters


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level and depth <= JSON_DEPTH:
        depth += 1
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]
    return depth
