"""Webhooks on their way, and what is due next.

Each partner has one queue: only its head may be sent, and while that is tried again all behind it wait. `queued_at` is
its order, `due_at` the next try; both, and the lease, are wall time. An agent's own webhook, if it has one, gets what
is about the agent.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

_CLAIM = """
with done as (
    delete from sandbox.google_webhooks where id = any ($5)
), heads as (
    select distinct on (account_id) id from sandbox.google_webhooks
    where account_id <> all ($4) and id <> all ($5)
    order by account_id, queued_at, id
), due as (
    select w.id from sandbox.google_webhooks w join heads h on h.id = w.id
    where w.due_at <= $1 and (w.leased_until is null or w.leased_until <= $1)
    order by w.due_at
    limit $2
    for update of w skip locked
)
update sandbox.google_webhooks w set leased_until = $3
from due
join sandbox.google_webhooks q on q.id = due.id
join sandbox.google_realms r on r.account_id = q.account_id
join public.accounts a on a.id = q.account_id
left join sandbox.google_agents g on g.account_id = q.account_id and g.id = q.agent_id
where w.id = due.id
returning w.id, w.account_id, w.body, w.attempts, $1 + a.clock_offset - w.made_at, r.partner_id,
    coalesce(g.document->'integration'->>'token', r.client_token),
    coalesce(g.document->'integration'->>'url', r.webhook_url)
"""

_NEXT = """
select min(greatest(due_at, leased_until)) from (
    select due_at, leased_until from sandbox.google_agents
    where due_at is not null and ($1::uuid is null or account_id = $1)
    union all
    (select distinct on (account_id) due_at, leased_until from sandbox.google_webhooks
    where $1::uuid is null or account_id = $1
    order by account_id, queued_at, id)
) as tasks
"""

# Each by itself: together they would hold locks that workers take in the other order.
_SHIFT = (
    "update sandbox.google_agents set due_at = due_at - $2::interval where account_id = $1 and due_at is not null",
    """
    update sandbox.google_webhooks set due_at = due_at - $2::interval, queued_at = queued_at - $2::interval
    where account_id = $1
    """,
)


@dataclass(frozen=True, slots=True)
class Webhook:
    id: int
    account_id: UUID
    body: str
    attempts: int
    age: timedelta
    """In account time."""
    partner_id: str
    client_token: str
    url: str | None


async def claim(
    pool: asyncpg.Pool, wall: datetime, until: datetime, limit: int, *, passing_over: list[UUID], done: list[int]
) -> list[Webhook]:
    """Strikes the `done` ones in the same statement."""
    return [Webhook(*row) for row in await pool.fetch(_CLAIM, wall, limit, until, passing_over, done)]


async def postpone(pool: asyncpg.Pool, webhook_id: int, until: datetime) -> None:
    await pool.execute(
        "update sandbox.google_webhooks set due_at = $2, leased_until = null, attempts = attempts + 1 where id = $1",
        webhook_id,
        until,
    )


async def shift(pool: asyncpg.Pool, account_id: UUID, by: timedelta) -> None:
    """Everything that waits, agents too, comes nearer."""
    for statement in _SHIFT:
        await pool.execute(statement, account_id, by)


async def next_due(pool: asyncpg.Pool, account_id: UUID | None = None) -> datetime | None:
    """Of the account, or of all. What some worker has at hand is not waited for, unless the worker died."""
    found: datetime | None = await pool.fetchval(_NEXT, account_id)
    return found
