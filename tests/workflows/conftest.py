from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.rcs_life import RcsLife
from tests.support.workshop import Workshop, workshop


@pytest_asyncio.fixture(loop_scope="session")
async def shop(dsn: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(dsn, tmp_path) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def life(shop: Workshop) -> RcsLife:
    """An RCS sender's, with carriers that decide at once."""
    return RcsLife(shop)


@pytest_asyncio.fixture(loop_scope="session")
async def patient(dsn: str, tmp_path: Path) -> AsyncIterator[RcsLife]:
    """With carriers that decide when the test says so."""
    async with workshop(dsn, tmp_path, sandbox_pace="manual") as made:
        yield RcsLife(made)


@pytest_asyncio.fixture(loop_scope="session")
async def lifelike(dsn: str, tmp_path: Path) -> AsyncIterator[RcsLife]:
    """With carriers that take as long as real ones."""
    async with workshop(dsn, tmp_path, sandbox_pace="realtime") as made:
        yield RcsLife(made)
