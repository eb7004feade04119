"""The load generator, a process of its own: a plan comes in on standard input, what was measured goes out as JSON.

Each connection sends its next request when it has the answer to the last one, for a fixed time; what falls into the
warm-up is not counted.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson
import uvloop

from bench.programs.http import Connection, request

CREATE_PATH = "/v2/Channels/Senders"


@dataclass(frozen=True)
class Plan:
    port: int
    connections: int
    seconds: float
    warm_up_seconds: float
    status: int
    """What every answer must have."""
    calls: Sequence[tuple[str, str | None]]
    """Path and authorization. Each connection goes round among its own share of them."""
    create: bool = False
    """Post a new sender, each with a telephone number of its own; else get."""
    first_number: int = 0


@dataclass
class Tally:
    counted_from: float
    ends: float
    seconds: list[float] = field(default_factory=list)
    answers: int = 0
    """Warm-up and all."""


def create_body(number: int) -> bytes:
    """As a customer's looks: most of the profile, a webhook, nothing for the network to fetch."""
    return orjson.dumps(
        {
            "sender_id": f"whatsapp:+1{number}",
            "configuration": {"verification_method": "sms"},
            "webhook": {"callback_url": "https://example.com/inbound", "callback_method": "POST"},
            "profile": {
                "name": "Example Parcels",
                "about": "Parcels, on time",
                "address": "1 Example Street, Exampleton",
                "description": "We bring parcels from door to door, and tell you when they come.",
                "emails": ["hello@example.com"],
                "vertical": "Shopping and Retail",
                "websites": ["https://www.example.com"],
            },
        }
    )


def _requests(plan: Plan, share: Sequence[tuple[str, str | None]], numbers: Iterator[int]) -> Iterator[bytes]:
    if plan.create:
        for path, authorization in itertools.cycle(share):
            yield request("POST", path, authorization, create_body(next(numbers)))
    yield from itertools.cycle([request("GET", path, authorization) for path, authorization in share])


async def _keep_busy(plan: Plan, requests: Iterator[bytes], tally: Tally) -> None:
    connection = await Connection.open(plan.port)
    clock = time.perf_counter
    for next_request in requests:
        sent = clock()
        if sent >= tally.ends:
            break
        reply = await connection.call(next_request)
        done = clock()
        if reply.status != plan.status:
            raise RuntimeError(f"HTTP {reply.status} instead of {plan.status}: {reply.body[:300]!r}")
        tally.answers += 1
        if tally.counted_from <= sent and done <= tally.ends:
            tally.seconds.append(done - sent)
    connection.close()


async def _run(plan: Plan) -> dict[str, float]:
    begins = time.perf_counter() + plan.warm_up_seconds
    tally = Tally(begins, begins + plan.seconds)
    numbers = itertools.count(plan.first_number)
    async with asyncio.TaskGroup() as group:
        for place in range(plan.connections):
            share = plan.calls[place :: plan.connections] or plan.calls
            group.create_task(_keep_busy(plan, _requests(plan, share, numbers), tally))
    took = sorted(tally.seconds)
    return {
        "rate": len(took) / plan.seconds,
        "p50_ms": took[len(took) // 2] * 1000,
        "p95_ms": took[len(took) * 95 // 100] * 1000,
        "answers": tally.answers,
        "next_number": next(numbers),
    }


def first_failure(group: BaseExceptionGroup) -> BaseException:
    failure = group.exceptions[0]
    return first_failure(failure) if isinstance(failure, BaseExceptionGroup) else failure


if __name__ == "__main__":
    try:
        measured = uvloop.run(_run(Plan(**orjson.loads(sys.stdin.buffer.read()))))
    except BaseExceptionGroup as failures:
        raise SystemExit(repr(first_failure(failures))) from None
    sys.stdout.buffer.write(orjson.dumps(measured))
