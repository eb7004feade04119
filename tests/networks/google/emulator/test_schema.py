"""The emulated Google's tables come and go without a trace."""

from importlib import import_module
from typing import Any

import asyncpg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.conftest import fresh_database

_TABLES = "select tablename from pg_tables where schemaname = 'sandbox' and tablename like 'google%'"


@pytest.fixture
def revision() -> Any:
    return import_module("tabard.storage.migrations.versions.0004_google_emulator")


async def test_down_and_up_again(template: tuple[str, str], revision: Any):
    async with fresh_database(template) as dsn:

        async def connect() -> asyncpg.Connection:
            return await asyncpg.connect(dsn)

        async def tables() -> set[str]:
            connection = await connect()
            try:
                return {row[0] for row in await connection.fetch(_TABLES)}
            finally:
                await connection.close()

        engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)

        async def run(step: str) -> None:
            def apply(connection: Any) -> None:
                with Operations.context(MigrationContext.configure(connection)):
                    getattr(revision, step)()

            async with engine.begin() as connection:
                await connection.run_sync(apply)

        before = await tables()
        assert before == {f"google_{table}" for table in revision.TABLES}
        await run("downgrade")
        assert await tables() == set()
        await run("upgrade")
        assert await tables() == before
        await engine.dispose()
