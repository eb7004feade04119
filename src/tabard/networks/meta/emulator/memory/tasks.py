"""What the network has still to do: claimed by one worker at a time, under a lease that a dead worker's tasks outlive.

`due_at` and the lease are wall time. The lease has a column of its own, because moving an account's clock moves the
other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

_CLAIM = """
with due as (
    select id from sandbox.meta_tasks
    where due_at <= $1 and (leased_until is null or leased_until <= $1)
        and (kind = 'webhook') = $2 and account_id <> all ($3::uuid[])
    order by due_at
    limit $4
    for update skip locked
)
update sandbox.meta_tasks t set leased_until = $5
from due where t.id = due.id
returning t.id, t.account_id, t.number_id, t.kind, t.detail, t.made_at, t.attempts
"""

_NEXT_OF_ALL = """
select least(
    (select min(due_at) from sandbox.meta_tasks where leased_until is null),
    (select min(greatest(due_at, leased_until)) from sandbox.meta_tasks where leased_until is not null)
)
"""

_NEXT = "select min(greatest(due_at, leased_until)) from sandbox.meta_tasks where account_id = $1"


@dataclass(frozen=True, slots=True)
class Claimed:
    id: int
    account_id: UUID
    number_id: str | None
    kind: str
    detail: str
    made_at: datetime
    attempts: int


async def claim(
    pool: asyncpg.Pool, wall: datetime, lease: timedelta, *, webhooks: bool, passing_over: list[UUID], limit: int
) -> list[Claimed]:
    rows = await pool.fetch(_CLAIM, wall, webhooks, passing_over, limit, wall + lease)
    return [Claimed(*row) for row in rows]


async def strike(pool: asyncpg.Pool, task_id: int) -> None:
    await pool.execute("delete from sandbox.meta_tasks where id = $1", task_id)


async def postpone(pool: asyncpg.Pool, task_id: int, until: datetime) -> None:
    await pool.execute(
        "update sandbox.meta_tasks set due_at = $2, leased_until = null, attempts = attempts + 1 where id = $1",
        task_id,
        until,
    )


async def shift(pool: asyncpg.Pool, account_id: UUID, by: timedelta) -> None:
    await pool.execute(
        "update sandbox.meta_tasks set due_at = due_at - $2::interval where account_id = $1", account_id, by
    )


async def next_due(pool: asyncpg.Pool, account_id: UUID | None = None) -> datetime | None:
    """Of the account, or of all. A task that some worker has at hand is not waited for, unless the worker died."""
    due = await pool.fetchval(_NEXT_OF_ALL) if account_id is None else await pool.fetchval(_NEXT, account_id)
    found: datetime | None = due
    return found
