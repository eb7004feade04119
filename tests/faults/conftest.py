"""Processes that are killed get a database of their own: what they leave behind must meet no other test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import fresh_database


@pytest_asyncio.fixture(loop_scope="session")
async def dsn(template: tuple[str, str]) -> AsyncIterator[str]:
    async with fresh_database(template) as dsn:
        yield dsn
