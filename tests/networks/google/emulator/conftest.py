from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.support.google_emulator import Partner, World, emulating


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def partner(world: World) -> Partner:
    return await world.partner()
