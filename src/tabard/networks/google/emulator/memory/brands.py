"""Brands: made, found, listed a page at a time, renamed, removed."""

import uuid
from uuid import UUID

import asyncpg

from tabard.networks.google.emulator.state import Brand

_PAGE = """
select seq, id, display_name from sandbox.google_brands
where account_id = $1 and seq > $2
order by seq
limit $3
"""


async def add(pool: asyncpg.Pool, account_id: UUID, display_name: str) -> Brand:
    brand = Brand(str(uuid.uuid4()), display_name)
    await pool.execute(
        "insert into sandbox.google_brands (id, account_id, display_name) values ($1, $2, $3)",
        brand.id,
        account_id,
        display_name,
    )
    return brand


async def find(pool: asyncpg.Pool, account_id: UUID, brand_id: str) -> Brand | None:
    row = await pool.fetchrow(
        "select id, display_name from sandbox.google_brands where account_id = $1 and id = $2", account_id, brand_id
    )
    return None if row is None else Brand(*row)


async def page(pool: asyncpg.Pool, account_id: UUID, after: int, limit: int) -> list[tuple[int, Brand]]:
    """Each with its place in the list."""
    rows = await pool.fetch(_PAGE, account_id, after, limit)
    return [(row[0], Brand(row[1], row[2])) for row in rows]


async def rename(pool: asyncpg.Pool, brand: Brand, display_name: str) -> Brand:
    await pool.execute("update sandbox.google_brands set display_name = $2 where id = $1", brand.id, display_name)
    return Brand(brand.id, display_name)


async def remove(pool: asyncpg.Pool, brand: Brand) -> bool:
    """False if it has agents: they hold it."""
    try:
        await pool.execute("delete from sandbox.google_brands where id = $1", brand.id)
    except asyncpg.ForeignKeyViolationError:
        return False
    return True
