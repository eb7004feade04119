from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import fresh_database
from tests.support.service import Running, running


@pytest_asyncio.fixture(loop_scope="session")
async def tabard(dsn: str, tmp_path: Path) -> AsyncIterator[Running]:
    """A running service with its sandbox, at a quick pace."""
    async with running(dsn, tmp_path) as service:
        yield service


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A running service that many tests share, each as a customer of its own."""
    async with fresh_database(template) as dsn, running(dsn, tmp_path_factory.mktemp("house")) as service:
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def customer(house: Running) -> Running:
    """A sandbox account of the test's own: its numbers, its clock and its network are nobody else's."""
    return await house.account()
