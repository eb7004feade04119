"""Agents: one statement to see one, one to save what a call or a task made of it.

Nothing is locked between the two. An agent carries a version; saving one that somebody else saved in between raises
`Stale`, and the whole call or task runs again on what is there now. `due_at` is the intent: the wall time at which
something happens to the agent by itself.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from tabard.networks.emulation.races import Stale
from tabard.networks.google.emulator import events
from tabard.networks.google.emulator.state import Agent, Brand, Change, Scene, from_document, to_document

_COLUMNS = "g.id, g.display_name, g.document, g.version, b.id, b.display_name"

_FIND = """
select {agent}
from sandbox.google_agents g join sandbox.google_brands b on b.id = g.brand_id
where g.account_id = $1 and g.id = $2 and ($3::text is null or g.brand_id = $3)
""".replace("{agent}", _COLUMNS)

_PAGE = """
select g.seq, {agent}
from sandbox.google_agents g join sandbox.google_brands b on b.id = g.brand_id
where g.account_id = $1 and ($2::text is null or g.brand_id = $2) and g.seq > $3
    and ($5 or not (g.document->>'archived')::boolean)
    and ($6::text is null or exists (select from jsonb_each(g.document->'launches') l where l.value->>'state' = $6))
order by g.seq
limit $4
""".replace("{agent}", _COLUMNS)

_ADD = """
insert into sandbox.google_agents (id, account_id, brand_id, display_name, document) values ($1, $2, $3, $4, $5)
"""

_SAVE = """
with saved as (
    update sandbox.google_agents
    set display_name = $4, document = $5, due_at = $6, leased_until = null, version = version + 1
    where account_id = $1 and id = $2 and version = $3
    returning account_id, id
), texted as (
    insert into sandbox.google_texts (account_id, address, sender, body, received_at)
    select s.account_id, t.address, t.sender, t.body, $7
    from saved s, unnest($8::text[], $9::text[], $10::text[]) as t (address, sender, body)
), told as (
    insert into sandbox.google_webhooks (account_id, agent_id, body, made_at, queued_at, due_at)
    select s.account_id, s.id, w.body, $7, w.due_at, w.due_at
    from saved s, unnest($11::text[], $12::timestamptz[]) with ordinality as w (body, due_at, place)
    order by w.place
)
select count(*) from saved
"""

_CLAIM = """
with due as (
    select id from sandbox.google_agents
    where due_at <= $1 and (leased_until is null or leased_until <= $1)
    order by due_at
    limit $2
    for update skip locked
)
update sandbox.google_agents g set leased_until = $3
from due where g.id = due.id
returning g.account_id, g.id
"""

_FAIL = """
update sandbox.google_agents set failures = failures + 1 where account_id = $1 and id = $2 and failures < $3
returning failures
"""


@dataclass(frozen=True, slots=True)
class DueAgent:
    account_id: UUID
    agent_id: str
    kind: str = "agent"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page of a brand's agents, or of all. `after` is the place of the last one seen."""

    brand_id: str | None
    after: int
    limit: int
    archived_too: bool = False
    launch_state: str | None = None


async def find(pool: asyncpg.Pool, account_id: UUID, agent_id: str, brand_id: str | None = None) -> Agent | None:
    row = await pool.fetchrow(_FIND, account_id, agent_id, brand_id)
    return None if row is None else _agent(tuple(row))


async def page(pool: asyncpg.Pool, account_id: UUID, wanted: Wanted) -> list[tuple[int, Agent]]:
    """Each with its place in the list."""
    rows = await pool.fetch(
        _PAGE, account_id, wanted.brand_id, wanted.after, wanted.limit, wanted.archived_too, wanted.launch_state
    )
    return [(row[0], _agent(tuple(row)[1:])) for row in rows]


async def add(pool: asyncpg.Pool, account_id: UUID, agent: Agent) -> bool:
    """False if its brand is gone."""
    try:
        await pool.execute(_ADD, agent.id, account_id, agent.brand.id, agent.display_name, to_document(agent))
    except asyncpg.ForeignKeyViolationError:
        return False
    return True


async def save(pool: asyncpg.Pool, scene: Scene, change: Change) -> bool:
    """Save the change with all that follows. Raises `Stale`. True if there is work for a worker now."""
    realm, after = scene.realm, change.agent
    due_at = None if after.due is None else scene.wall + (after.due - scene.now)
    bodies, times = [], []
    for event in change.events:
        body = orjson.dumps(events.envelope(realm.partner_id, event, scene.now)).decode()
        for delay in realm.chaos.delays():
            bodies.append(body)
            times.append(scene.wall + delay)
    saved = await pool.fetchval(
        _SAVE,
        *(realm.account_id, after.id, after.version, after.display_name, to_document(after), due_at, scene.now),
        *([text.address for text in change.texts], [text.sender for text in change.texts]),
        [text.body for text in change.texts],
        *(bodies, times),
    )
    if not saved:
        raise Stale
    return due_at is not None or bool(bodies)


async def remove(pool: asyncpg.Pool, scene: Scene, agent: Agent) -> None:
    """Raises `Stale`."""
    done = await pool.execute(
        "delete from sandbox.google_agents where account_id = $1 and id = $2 and version = $3",
        scene.realm.account_id,
        agent.id,
        agent.version,
    )
    if done == "DELETE 0":
        raise Stale


async def claim_due(pool: asyncpg.Pool, wall: datetime, until: datetime, limit: int) -> list[DueAgent]:
    return [DueAgent(*row) for row in await pool.fetch(_CLAIM, wall, limit, until)]


async def fails_again(pool: asyncpg.Pool, account_id: UUID, agent: Agent) -> bool:
    """Count one more failure of an agent that is to fail a number of times. False once it has."""
    if not agent.outcome.failing_calls:
        return False
    return await pool.fetchval(_FAIL, account_id, agent.id, agent.outcome.failing_calls) is not None


def _agent(row: tuple[str, str, str, int, str, str]) -> Agent:
    agent_id, display_name, document, version, brand_id, brand_name = row
    return from_document(agent_id, Brand(brand_id, brand_name), display_name, document, version)
