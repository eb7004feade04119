"""What the network has still to do: claimed by one worker at a time, under a lease that a dead worker's tasks outlive.

`due_at` and the lease are wall time. The lease has a column of its own, because moving an account's clock moves the
other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

_CLAIM_STAGES = """
with due as (
    select id from sandbox.meta_tasks
    where due_at <= $1 and (leased_until is null or leased_until <= $1) and kind <> 'webhook'
    order by due_at
    limit $2
    for update skip locked
)
update sandbox.meta_tasks t set leased_until = $3
from due where t.id = due.id
returning t.id, t.account_id, t.number_id, t.kind, t.detail
"""

_CLAIM_WEBHOOKS = """
with done as (
    delete from sandbox.meta_tasks where id = any ($5)
), due as (
    select id from sandbox.meta_tasks
    where due_at <= $1 and (leased_until is null or leased_until <= $1) and kind = 'webhook'
        and account_id <> all ($4) and id <> all ($5)
    order by due_at
    limit $2
    for update skip locked
)
update sandbox.meta_tasks t set leased_until = $3
from due, sandbox.meta_realms r, public.accounts a
where t.id = due.id and r.account_id = t.account_id and a.id = t.account_id
returning t.id, t.account_id, t.detail, t.attempts, $1 + a.clock_offset - t.made_at,
    r.app_id, r.app_secret, r.callback_url
"""

_NEXT_OF_ALL = """
select least(
    (select min(due_at) from sandbox.meta_tasks where leased_until is null),
    (select min(greatest(due_at, leased_until)) from sandbox.meta_tasks where leased_until is not null)
)
"""

_NEXT = "select min(greatest(due_at, leased_until)) from sandbox.meta_tasks where account_id = $1"


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a number's life."""

    id: int
    account_id: UUID
    number_id: str | None
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Webhook:
    id: int
    account_id: UUID
    body: str
    attempts: int
    age: timedelta
    """In account time."""
    app_id: str
    app_secret: str
    callback_url: str | None


async def claim_stages(pool: asyncpg.Pool, wall: datetime, lease: timedelta, limit: int) -> list[Stage]:
    return [Stage(*row) for row in await pool.fetch(_CLAIM_STAGES, wall, limit, wall + lease)]


async def claim_webhooks(
    pool: asyncpg.Pool, wall: datetime, lease: timedelta, limit: int, *, passing_over: list[UUID], done: list[int]
) -> list[Webhook]:
    """Strikes the `done` ones in the same statement."""
    rows = await pool.fetch(_CLAIM_WEBHOOKS, wall, limit, wall + lease, passing_over, done)
    return [Webhook(*row) for row in rows]


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
