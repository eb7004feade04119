from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import fresh_database
from tests.support.service import Running, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A running service that many tests share, each as a customer of its own. Nothing is delivered."""
    async with (
        fresh_database(template) as dsn,
        running(dsn, tmp_path_factory.mktemp("house"), works=False) as service,
    ):
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def customer(house: Running) -> Running:
    return await house.account()
