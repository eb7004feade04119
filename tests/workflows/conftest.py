from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.workshop import Workshop, workshop


@pytest_asyncio.fixture(loop_scope="session")
async def shop(dsn: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(dsn, tmp_path) as made:
        yield made
