"""A real PostgreSQL for each test process, and a fresh, migrated database for each test that asks for one."""

import os
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import structlog
from hypothesis import settings as hypothesis_settings

from tabard.storage import embedded, schema
from tabard.storage.database import open_pool
from tests.support.clock import FakeClock

hypothesis_settings.register_profile("tabard", deadline=None, max_examples=60)
hypothesis_settings.load_profile("tabard")

# As the service logs; structlog's own choice draws each traceback for a second, with all of its variables.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

for _name in [name for name in os.environ if name.startswith("TABARD_") and name != "TABARD_TEST_DATABASE_URL"]:
    del os.environ[_name]
os.environ.pop("DATABASE_URL", None)


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    given = os.environ.get("TABARD_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="tabard-tests-") as directory:
        async with embedded.running(Path(directory)) as dsn:
            yield dsn


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template() -> AsyncIterator[tuple[str, str]]:
    """The server's DSN, and the name of a migrated database to copy."""
    async with _server() as dsn:
        name = f"template_{uuid.uuid4().hex}"
        admin = await asyncpg.connect(dsn)
        await admin.execute(f"create database {name}")
        await schema.migrate(_named(dsn, name))
        yield dsn, name
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


@asynccontextmanager
async def fresh_database(template: tuple[str, str]) -> AsyncIterator[str]:
    server, source = template
    name = f"test_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"create database {name} template {source}")
        yield _named(server, name)
        await admin.execute(f"drop database {name} with (force)")
    finally:
        await admin.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_dsn(template: tuple[str, str]) -> AsyncIterator[str]:
    async with fresh_database(template) as dsn:
        yield dsn


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_pool(shared_dsn: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(shared_dsn, size=20, name="test")
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="session")
async def pool(shared_pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Pool]:
    """Connections to an empty database: one for all tests of the process, emptied after each, as making one is slow."""
    yield shared_pool
    async with shared_pool.acquire() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")  # foreign keys don't matter now
        tables = await connection.fetch(_TABLES)
        await connection.execute("; ".join(f"delete from {table['name']}" for table in tables))


@pytest.fixture
def dsn(shared_dsn: str, pool: asyncpg.Pool) -> str:
    """The same empty database, for a service that opens its own connections."""
    return shared_dsn


_TABLES = """
select format('%I.%I', schemaname, tablename) as name from pg_tables
where schemaname in ('public', 'sandbox') and tablename <> 'alembic_version'
"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def _named(dsn: str, name: str) -> str:
    head, _, query = dsn.partition("?")
    base = head.rsplit("/", 1)[0]
    return f"{base}/{name}" + (f"?{query}" if query else "")
