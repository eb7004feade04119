"""Queries of the networks' inbox: raw webhook bodies, kept before they are answered."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import asyncpg

from tabard.ports.stores import Received

_PUT = """
insert into network_inbox (digest, network, app_id, body, received_at, due_at)
values ($1, $2, $3, $4, $5, $5) on conflict do nothing returning true
"""

_CLAIM = """
with due as (
    select digest from network_inbox where due_at <= $1 order by due_at limit $3 for update skip locked
)
update network_inbox i set due_at = $1 + $2::interval, attempts = attempts + 1
from due where i.digest = due.digest
returning i.network, i.app_id, i.digest, i.body, i.attempts
"""


class PostgresInbox:
    """Fulfils `tabard.ports.Inbox`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def put(self, network: str, app_id: str, body: bytes, now: datetime) -> bool:
        digest = sha256(b"\0".join((network.encode(), app_id.encode(), body))).digest()
        return await self._pool.fetchval(_PUT, digest, network, app_id, body, now) is True

    async def claim(self, now: datetime, lease: timedelta, limit: int) -> Sequence[Received]:
        return [Received(**row) for row in await self._pool.fetch(_CLAIM, now, lease, limit)]

    async def done(self, received: Received) -> None:
        await self.failed(received, None)

    async def failed(self, received: Received, again_at: datetime | None) -> None:
        await self._pool.execute("update network_inbox set due_at = $2 where digest = $1", received.digest, again_at)

    async def next_due(self) -> datetime | None:
        due: datetime | None = await self._pool.fetchval(
            "select min(due_at) from network_inbox where due_at is not null"
        )
        return due

    async def forget(self, before: datetime) -> None:
        await self._pool.execute("delete from network_inbox where received_at < $1", before)
