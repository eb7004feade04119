"""The database's shape: Alembic revisions for our tables, PgQueuer's own installer for its queue.

Every process asks at boot whether the schema is current, in one query, and loads Alembic only if it is not.
"""

import re
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg
from pgqueuer.adapters.persistence.queries import Queries

_LOCK = 0x7AB42D
"""PostgreSQL advisory lock: one process migrates, the others wait and find it done."""


class SchemaBehind(Exception):
    """The database has not been migrated to what this version needs."""


def newest_revision() -> str:
    names = (path.name for path in resources.files("tabard.storage.migrations.versions").iterdir())
    return max(match[0] for name in names if (match := re.match(r"\d{4}", name)))


async def current_revision(connection: asyncpg.Connection | asyncpg.Pool) -> str | None:
    """None for a database that was never migrated."""
    if await connection.fetchval("select to_regclass('alembic_version')") is None:
        return None
    return str(await connection.fetchval("select version_num from alembic_version"))


async def require_current(pool: asyncpg.Pool) -> None:
    """Raises `SchemaBehind`. A database that is ahead is fine: a newer process has migrated it while this one runs, and
    revisions keep the release before them working."""
    current = await current_revision(pool)
    if current is None or current < newest_revision():
        raise SchemaBehind(
            f"the database is at revision {current or 'none'}, this version needs {newest_revision()}: "
            "run `tabard migrate`"
        )


async def migrate(dsn: str) -> bool:
    """Bring the database up to date; False if it was already. Safe to run from several processes at once."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("set client_min_messages = error; set lock_timeout = '30s'")
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        current = await current_revision(connection)
        if current is not None and current >= newest_revision():
            return False
        await _install_queue(connection)
        await _run_revisions(dsn)
        return True
    finally:
        await connection.close()


async def _install_queue(connection: asyncpg.Connection) -> None:
    queue = Queries.from_asyncpg_connection(connection)
    if await queue.schema_is_installed():
        await queue.apply_upgrade()
    else:
        await queue.install()


def load_migrations() -> None:
    """Load what only a migration needs, half a second's work, before it is needed."""
    import alembic.command  # noqa: F401, PLC0415
    import sqlalchemy.ext.asyncio  # noqa: F401, PLC0415


async def _run_revisions(dsn: str) -> None:
    # Loaded here because only a migration needs them: they cost every other boot 0.3 s and 30 MB.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy.engine import Connection  # noqa: PLC0415
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    async def connect() -> Any:
        return await asyncpg.connect(dsn)

    def upgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()


async def trim_queue_log(pool: asyncpg.Pool) -> None:
    """PgQueuer logs every job and counts what it logged; wake-ups are worth neither for longer than this."""
    queue = Queries.from_asyncpg_pool(pool)
    await queue.clear_queue_log()
    await queue.clear_statistics_log()
