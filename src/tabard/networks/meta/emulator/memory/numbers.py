"""Numbers as a set: adding one, finding one by its digits, listing them a page at a time."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import asyncpg

from tabard.networks.meta.emulator.memory.scenes import NUMBER_COLUMNS
from tabard.networks.meta.emulator.state import Number, Scene

_ADD = """
insert into sandbox.meta_numbers (id, account_id, waba_id, digits, display, country, calling_code, verified_name,
    created_at, verification, verified_at, connection, migrating, preverified, name_status, quality, limit_tier,
    pin_hash, registrations)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
on conflict do nothing
returning id
"""

_FIND = """
select id from sandbox.meta_numbers
where account_id = $1 and digits = $2 and waba_id is not null
order by connection = 'MIGRATED', migrating
limit 1
"""

_HOLDERS = """
select {number} from sandbox.meta_numbers n
where n.account_id = $1 and n.digits = $2 and n.waba_id is not null and n.connection <> 'MIGRATED'
order by n.migrating
""".replace("{number}", NUMBER_COLUMNS)

_HELD = """
select count(*) from sandbox.meta_numbers
where account_id = $1 and waba_id is not null and not migrating and connection <> 'MIGRATED'
"""

_FAIL = """
insert into sandbox.meta_outages as o (account_id, digits, failures) values ($1, $2, 1)
on conflict (account_id, digits) do update set failures = o.failures + 1 where o.failures < $3
returning failures
"""

_PAGE = """
select {number} from sandbox.meta_numbers n
where n.waba_id = $1
    and ($2::text is null or coalesce(n.limit_tier, $3) = $2)
    and ($4::text is null or ({key}, n.seq) {beyond}
        (select {cursor_key}, c.seq from sandbox.meta_numbers c where c.id = $4 and c.waba_id = $1))
order by {key} {direction}, n.seq {direction}
limit $5
""".replace("{number}", NUMBER_COLUMNS)

_POOL = """
select {number} from sandbox.meta_numbers n
where n.account_id = $1 and n.waba_id is null
order by n.seq
limit $2
""".replace("{number}", NUMBER_COLUMNS)


class Sort(StrEnum):
    CREATED = "{n}.created_at"
    ONBOARDED = "coalesce({n}.onboarded_at, {n}.created_at)"


def _page_statement(sort: Sort, direction: str) -> str:
    return (
        _PAGE.replace("{key}", sort.replace("{n}", "n"))
        .replace("{cursor_key}", sort.replace("{n}", "c"))
        .replace("{beyond}", "<" if direction == "desc" else ">")
        .replace("{direction}", direction)
    )


_PAGES = {
    (sort, descending): _page_statement(sort, "desc" if descending else "asc")
    for sort in Sort
    for descending in (True, False)
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page of a business account's numbers. `after` and `before` are ids; at most one of them is given."""

    limit: int
    after: str | None = None
    before: str | None = None
    sort: Sort = Sort.ONBOARDED
    descending: bool = True
    tier: str | None = None


async def add(pool: asyncpg.Pool, scene: Scene, number: Number) -> bool:
    """False if the digits are taken, in this business account or in the realm."""
    return await pool.fetchval(_ADD, *_values(scene, number)) is not None


async def add_below(pool: asyncpg.Pool, scene: Scene, number: Number, cap: int) -> bool | None:
    """As `add`; None if the realm has as many numbers as it may."""
    account_id = scene.realm.account_id
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select from sandbox.meta_realms where account_id = $1 for update", account_id)
        if await connection.fetchval(_HELD, account_id) >= cap:
            return None
        return await connection.fetchval(_ADD, *_values(scene, number)) is not None


async def find(pool: asyncpg.Pool, account_id: UUID, digits: str) -> str | None:
    """The id of the number as it is in use, not of what a migration left behind."""
    found: str | None = await pool.fetchval(_FIND, account_id, digits)
    return found


async def holders(pool: asyncpg.Pool, account_id: UUID, digits: str) -> list[Number]:
    """The number in each business account of the realm that has it, the one in use first."""
    return [Number(*row) for row in await pool.fetch(_HOLDERS, account_id, digits)]


async def fails_again(pool: asyncpg.Pool, account_id: UUID, digits: str, times: int) -> bool:
    """Count one more failure of a number that is to fail so many times. False once it has."""
    return await pool.fetchval(_FAIL, account_id, digits, times) is not None


async def page(pool: asyncpg.Pool, scene: Scene, waba_id: str, wanted: Wanted) -> list[Number]:
    """In the wanted order, one more than `limit` if there are more beyond the page."""
    backwards = wanted.before is not None
    statement = _PAGES[wanted.sort, wanted.descending is not backwards]
    cursor = wanted.before if backwards else wanted.after
    rows = await pool.fetch(statement, waba_id, wanted.tier, scene.realm.tier, cursor, wanted.limit + 1)
    numbers = [Number(*row) for row in rows]
    return numbers[::-1] if backwards else numbers


async def pool_numbers(pool: asyncpg.Pool, account_id: UUID, limit: int) -> list[Number]:
    return [Number(*row) for row in await pool.fetch(_POOL, account_id, limit)]


async def remove_from_pool(pool: asyncpg.Pool, account_id: UUID, number_id: str) -> bool:
    removed = await pool.fetchval(
        "delete from sandbox.meta_numbers where account_id = $1 and id = $2 and waba_id is null returning id",
        account_id,
        number_id,
    )
    return removed is not None


def _values(scene: Scene, number: Number) -> tuple[object, ...]:
    return (
        number.id,
        scene.realm.account_id,
        number.waba_id,
        number.digits,
        number.display,
        number.country,
        number.calling_code,
        number.verified_name,
        number.created_at,
        number.verification,
        number.verified_at,
        number.connection,
        number.migrating,
        number.preverified,
        number.name_status,
        number.quality,
        number.limit_tier,
        number.pin_hash,
        number.registrations,
    )
