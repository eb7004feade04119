"""A receiver of webhooks, a process of its own: it answers 200 at once and notes when the first and the last one came.

A plan comes in on standard input; the program ends when it has received as many as the plan says.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import orjson
import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True)
class Plan:
    port: int
    wanted: int


class Receiver(asyncio.Protocol):
    """One connection. Bodies by their length, no more of HTTP than our deliveries use."""

    def __init__(self, received: Callable[[bytes], None]) -> None:
        self._received = received
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        while (head := buffer.find(b"\r\n\r\n")) >= 0:
            fields = buffer[:head].lower()
            start = fields.find(_LENGTH) + len(_LENGTH)
            end = head + 4 + int(fields[start : fields.find(b"\r", start) if b"\r" in fields[start:] else None])
            if len(buffer) < end:
                break
            self._received(buffer[head + 4 : end])
            buffer = buffer[end:]
            if self._transport is not None:
                self._transport.write(_ANSWER)
        self._buffer = buffer


async def _run(plan: Plan) -> dict[str, float]:
    times: list[float] = []
    done = asyncio.Event()

    def received(_: bytes) -> None:
        times.append(time.perf_counter())
        if len(times) >= plan.wanted:
            done.set()

    server = await asyncio.get_running_loop().create_server(lambda: Receiver(received), "127.0.0.1", plan.port)
    async with server:
        await done.wait()
        # The first second pays for connections and for statements that are prepared; it counts, too.
        return {"received": len(times), "seconds": times[-1] - times[0]}


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(_run(Plan(**orjson.loads(sys.stdin.buffer.read()))))))
