"""A keep-alive HTTP/1.1 connection with as little in it as will do: one request at a time, answers by their length."""

import asyncio
from typing import NamedTuple, cast


class Reply(NamedTuple):
    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """Not for use by two at once: the next request may go out when the answer to the last one is here."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._waiting: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    def call(self, request: bytes) -> asyncio.Future[Reply]:
        """Raises `ConnectionError` if the server hangs up instead."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the server has closed the connection")
        self._waiting = self._loop.create_future()
        self._transport.write(request)
        return self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its ancestry

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(f"the server hung up: {exc}"))

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head = received.find(b"\r\n\r\n")
        length = _content_length(received, head)
        if head < 0 or len(received) < head + 4 + length:
            self._received = received
            return
        self._received = b""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Reply(int(received[9:12]), received[head + 4 :]))


def _content_length(received: bytes, head: int) -> int:
    start = received.find(b"content-length: ", 0, head) if head >= 0 else -1
    return int(received[start + 16 : received.find(b"\r", start)]) if start >= 0 else 0


def request(method: str, path: str, authorization: str | None = None, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    if authorization is not None:
        lines.append(f"authorization: {authorization}")
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
