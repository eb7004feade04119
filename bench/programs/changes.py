"""Senders changed at a fixed rate, and the deliveries of it received: how long from commit to arrival.

A process of its own. The changes are saved as the API saves them, with the wake-up that it sends; a worker elsewhere
delivers. What falls into the warm-up is not counted.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

import orjson
import uvloop

from bench.programs.sink import Receiver
from tabard.domain.account import Actor
from tabard.domain.ids import AccountId, SenderId
from tabard.storage.database import open_pool
from tabard.storage.senders.store import PostgresSenders
from tabard.workflows.engine import Waker

_ACTOR = Actor("bench")
_LAST = 15.0
"""Seconds to wait for what is still to arrive."""


@dataclass(frozen=True)
class Plan:
    dsn: str
    port: int
    rate: float
    seconds: float
    warm_up_seconds: float
    senders: Sequence[tuple[str, str]]
    """Account and id."""


@dataclass
class Tally:
    """Times by the name that the sender was given."""

    committed: dict[str, float] = field(default_factory=dict)
    arrived: dict[str, float] = field(default_factory=dict)

    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def received(self, body: bytes) -> None:
        now = time.perf_counter()
        self.arrived[orjson.loads(body)["data"]["after"]["friendly_name"]] = now
        self._came.set()

    async def all_there(self, wanted: int) -> None:
        while len(self.arrived) < wanted:
            self._came.clear()
            await self._came.wait()


async def _run(plan: Plan) -> dict[str, float]:
    pool, light = await open_pool(plan.dsn, size=16, name="bench"), await open_pool(plan.dsn, size=4, name="bench")
    waker, tally = Waker(light), Tally()
    store = PostgresSenders(pool, lambda: waker.wake("deliveries"))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(tally.received), "127.0.0.1", plan.port)
    waking = asyncio.create_task(waker.run())
    free: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    for each in plan.senders:
        free.put_nowait(each)

    async def change(number: int, account_id: str, sender_id: str) -> None:
        before = await store.fetch(AccountId(UUID(account_id)), SenderId(UUID(sender_id)))
        name = f"Name {number}"
        await store.save(before, replace(before, friendly_name=name), _ACTOR, datetime.now(UTC))
        tally.committed[name] = time.perf_counter()
        free.put_nowait((account_id, sender_id))

    begins = time.perf_counter()
    wanted = round(plan.rate * (plan.warm_up_seconds + plan.seconds))
    async with asyncio.TaskGroup() as group:
        for number in range(wanted):
            await asyncio.sleep(begins + number / plan.rate - time.perf_counter())
            group.create_task(change(number, *(await free.get())))
    with suppress(TimeoutError):
        await asyncio.wait_for(tally.all_there(wanted), _LAST)
    waking.cancel()
    with suppress(asyncio.CancelledError):
        await waking
    server.close()
    counted = [name for name, at in tally.committed.items() if at >= begins + plan.warm_up_seconds]
    took = sorted(tally.arrived[name] - tally.committed[name] for name in counted if name in tally.arrived)
    await pool.close()
    await light.close()
    return {
        "wanted": len(counted),
        "arrived": len(took),
        "p50_ms": took[len(took) // 2] * 1000,
        "p95_ms": took[len(took) * 95 // 100] * 1000,
        "worst_ms": took[-1] * 1000,
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(_run(Plan(**orjson.loads(sys.stdin.buffer.read()))))))
