from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.service import Running, running


@pytest_asyncio.fixture(loop_scope="session")
async def tabard(dsn: str, tmp_path: Path) -> AsyncIterator[Running]:
    """A running service with its sandbox, at a quick pace."""
    async with running(dsn, tmp_path) as service:
        yield service
