"""Lives, driven from a process of its own: create a sender, read the code off its phone, send it in, see it ONLINE.

Calls are those of a customer. That a status was reached is looked up in the database, for all senders in flight at
once: polling each over HTTP would measure the polling.
"""

import asyncio
import itertools
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvloop

from bench.programs.http import Connection, request
from bench.programs.load import CREATE_PATH, create_body, first_failure

_LOOK_SECONDS = 0.01
_PATIENCE = 20.0
_STATUSES = "select id, status from senders where id = any($1)"


@dataclass(frozen=True)
class Plan:
    port: int
    dsn: str
    authorizations: Sequence[str]
    in_flight: int
    seconds: float
    warm_up_seconds: float
    first_number: int


@dataclass
class Watch:
    """Who waits for which sender to reach which status."""

    connection: asyncpg.Connection
    waiting: dict[UUID, tuple[str, asyncio.Future[None]]] = field(default_factory=dict)

    async def reaches(self, sender_id: UUID, status: str) -> None:
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting[sender_id] = (status, reached)
        await asyncio.wait_for(reached, _PATIENCE)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for sender_id, status in await self.connection.fetch(_STATUSES, list(self.waiting)):
                wanted, reached = self.waiting[sender_id]
                if status in {wanted, "offline"}:
                    del self.waiting[sender_id]
                    if not reached.done():
                        reached.set_result(None) if status == wanted else reached.set_exception(
                            RuntimeError(f"sender {sender_id} went offline instead of {wanted}")
                        )


async def _live(connection: Connection, watch: Watch, authorization: str, number: int) -> None:
    created = await _call(connection, "POST", CREATE_PATH, authorization, create_body(number))
    sender_id = UUID(created["sid"][2:])
    await watch.reaches(sender_id, "pending_verification")
    messages = await _call(connection, "GET", f"/sandbox/v1/phones/+1{number}/messages", authorization)
    code = re.sub(r"\D", "", messages["messages"][-1]["text"])[:6]
    body = orjson.dumps({"configuration": {"verification_code": code}})
    await _call(connection, "POST", f"{CREATE_PATH}/{created['sid']}", authorization, body)
    await watch.reaches(sender_id, "online")


async def _call(connection: Connection, method: str, path: str, login: str, body: bytes = b"") -> dict[str, Any]:
    reply = await connection.call(request(method, path, login, body))
    if reply.status not in {200, 202}:
        raise RuntimeError(f"{method} {path}: HTTP {reply.status}: {reply.body[:300]!r}")
    answer: dict[str, Any] = orjson.loads(reply.body)
    return answer


def _plain_numbers(first: int) -> Iterator[int]:
    """Without those whose last digits choose an outcome."""
    return (number for number in itertools.count(first) if not 100 <= number % 10_000 <= 199)


async def _run(plan: Plan) -> dict[str, float]:
    watch = Watch(await asyncpg.connect(plan.dsn))
    watching = asyncio.create_task(watch.run())
    numbers, took = _plain_numbers(plan.first_number), []
    begins = time.perf_counter() + plan.warm_up_seconds
    ends = begins + plan.seconds

    answers = 0

    async def one_after_another(authorization: str) -> None:
        nonlocal answers
        connection = await Connection.open(plan.port)
        while (started := time.perf_counter()) < ends:
            await _live(connection, watch, authorization, next(numbers))
            answers += 1
            if begins <= time.perf_counter() <= ends:
                took.append(time.perf_counter() - started)

    async with asyncio.TaskGroup() as group:
        for authorization in itertools.islice(itertools.cycle(plan.authorizations), plan.in_flight):
            group.create_task(one_after_another(authorization))
    watching.cancel()
    took.sort()
    return {
        "rate": len(took) / plan.seconds,
        "p50_ms": took[len(took) // 2] * 1000,
        "p95_ms": took[len(took) * 95 // 100] * 1000,
        "answers": answers,
        "next_number": next(numbers),
    }


if __name__ == "__main__":
    try:
        measured = uvloop.run(_run(Plan(**orjson.loads(sys.stdin.buffer.read()))))
    except BaseExceptionGroup as failures:
        raise SystemExit(repr(first_failure(failures))) from None
    sys.stdout.buffer.write(orjson.dumps(measured))
