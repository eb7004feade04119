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
from hypothesis import settings as hypothesis_settings

from tabard.storage import embedded, schema
from tabard.storage.database import open_pool
from tests.support.clock import FakeClock

hypothesis_settings.register_profile("tabard", deadline=None, max_examples=60)
hypothesis_settings.load_profile("tabard")

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


@asynccontextmanager
async def fresh_pool(template: tuple[str, str]) -> AsyncIterator[asyncpg.Pool]:
    async with fresh_database(template) as dsn:
        pool = await open_pool(dsn, size=20, name="test")
        try:
            yield pool
        finally:
            await pool.close()


@pytest_asyncio.fixture(loop_scope="session")
async def dsn(template: tuple[str, str]) -> AsyncIterator[str]:
    """A database of the test's own."""
    async with fresh_database(template) as dsn:
        yield dsn


@pytest_asyncio.fixture(loop_scope="session")
async def pool(template: tuple[str, str]) -> AsyncIterator[asyncpg.Pool]:
    async with fresh_pool(template) as pool:
        yield pool


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def _named(dsn: str, name: str) -> str:
    head, _, query = dsn.partition("?")
    base = head.rsplit("/", 1)[0]
    return f"{base}/{name}" + (f"?{query}" if query else "")
