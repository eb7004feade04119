from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tabard.domain.account import Connection
from tabard.networks.google.client import GoogleClient
from tests.networks.google.client.stand_in import GoogleStandIn, client_of, standing_in
from tests.support.clock import FakeClock


@pytest.fixture
async def stand_in() -> AsyncIterator[GoogleStandIn]:
    async with standing_in() as made:
        yield made


@pytest.fixture
def way(stand_in: GoogleStandIn) -> Connection:
    return stand_in.way


@pytest.fixture
def clock() -> FakeClock:
    """At the wall's time: google-auth reads no other."""
    return FakeClock(datetime.now(UTC))


@pytest.fixture
async def client(stand_in: GoogleStandIn, clock: FakeClock) -> AsyncIterator[GoogleClient]:
    async with client_of(stand_in, clock) as made:
        yield made
