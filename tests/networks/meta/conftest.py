from collections.abc import AsyncIterator

import pytest

from tabard.networks.meta.client import MetaClient
from tests.networks.meta.stand_in import MetaStandIn, client_of, standing_in
from tests.support.clock import FakeClock


@pytest.fixture
async def stand_in() -> AsyncIterator[MetaStandIn]:
    async with standing_in() as made:
        yield made


@pytest.fixture
def fake_clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def meta_client(stand_in: MetaStandIn, fake_clock: FakeClock) -> AsyncIterator[MetaClient]:
    async with client_of(stand_in, fake_clock) as made:
        yield made
