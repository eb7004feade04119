"""How long deliveries are kept: attempts in a partition a day, which is dropped when it is old; the rest in batches.

What still waits is kept as long as somebody may want it: only what waits for a subscription that is gone, or has been
disabled for as long as settled deliveries are kept, is removed. Times are wall time; where a row knows its account's
time only, it is kept longer by as much as that is ahead.
"""

import re
from datetime import date, datetime, timedelta

import asyncpg

_DAYS_AHEAD = 3
_BATCH = 5000
_LOCK = 0x7AB42E
"""PostgreSQL advisory lock: one process does this at a time."""
_SNAPSHOTS_LONGER = timedelta(days=14)
"""Than deliveries, which may be settled, and thus kept, by so much later: the longest schedule, stretched by hints."""
_NAME = "attempts_%Y%m%d"

_PARTITIONS = """
select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'attempts'::regclass
"""

# Made beside the others and attached with what the catch-all has of that day: whoever ran without it loses nothing.
_MAKE = """
create table {name} (like attempts including all);
with moved as (delete from attempts_other where started_at >= '{day}' and started_at < '{next_day}' returning *)
insert into {name} select * from moved;
alter table attempts attach partition {name} for values from ('{day}') to ('{next_day}');
"""

_SETTLED = """
delete from deliveries where id = any(array(
    select id from deliveries where state <> 'waiting' and settled_at < $1 order by settled_at limit $2))
"""

_FORSAKEN = """
with recursive waiting(subscription_id) as (
    (select subscription_id from deliveries where state = 'waiting' order by subscription_id limit 1)
    union all
    select n.subscription_id from waiting w cross join lateral (
        select subscription_id from deliveries where state = 'waiting' and subscription_id > w.subscription_id
        order by subscription_id limit 1) n
)
delete from deliveries where id = any(array(
    select d.id from waiting w left join subscriptions s on s.id = w.subscription_id
    join deliveries d on d.subscription_id = w.subscription_id and d.state = 'waiting'
    where s.id is null or not s.enabled and d.created_at < $1 limit $2))
"""

_SNAPSHOTS = """
delete from snapshots where (sender_id, version) in (
    select sender_id, version from snapshots where taken_at < $1 order by taken_at limit $2)
"""

_STRAY_ATTEMPTS = """
delete from attempts_other where ctid = any(array(
    select ctid from attempts_other where started_at < $1 limit $2))
"""


async def forget(pool: asyncpg.Pool, now: datetime, kept: timedelta) -> None:
    """Remove what is older, and make the partitions of the days to come."""
    await prepare(pool, now)
    oldest = now - kept
    await _drop_partitions(pool, oldest.date())
    for statement, before in (
        (_SETTLED, oldest),
        (_FORSAKEN, oldest),
        (_SNAPSHOTS, oldest - _SNAPSHOTS_LONGER),
        (_STRAY_ATTEMPTS, oldest),
    ):
        while _rows(await pool.execute(statement, before, _BATCH)) >= _BATCH:
            pass


async def prepare(pool: asyncpg.Pool, now: datetime) -> None:
    """Make the partitions of today and of the days to come, where they are missing."""
    wanted = [now.date() + timedelta(days=day) for day in range(_DAYS_AHEAD + 1)]
    if {f"{day:{_NAME}}" for day in wanted} <= await _partitions(pool):
        return
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local lock_timeout = '5s'")
        if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", _LOCK):
            return  # somebody else is at it
        there = await _partitions(connection)
        for day in wanted:
            name = f"{day:{_NAME}}"
            if name not in there:
                next_day = day + timedelta(days=1)
                await connection.execute(_MAKE.format(name=name, day=day, next_day=next_day))


async def _drop_partitions(pool: asyncpg.Pool, oldest: date) -> None:
    async with pool.acquire() as connection:
        for name in sorted(await _partitions(connection)):
            if re.fullmatch(r"attempts_\d{8}", name) and name < f"{oldest:{_NAME}}":
                async with connection.transaction():
                    # Whoever holds the table for long keeps the partition until the next time, not everybody waiting.
                    await connection.execute("set local lock_timeout = '5s'")
                    await connection.execute(f"drop table if exists {name}")


async def _partitions(connection: asyncpg.Pool | asyncpg.Connection) -> set[str]:
    return {row["relname"] for row in await connection.fetch(_PARTITIONS)}


def _rows(status: str) -> int:
    return int(status.rpartition(" ")[2])
