import asyncio
from datetime import timedelta

import pytest

from tabard.domain.account import AccountKind, Connection
from tabard.domain.lifecycle import Channel
from tabard.ports.networks import Way
from tabard.workflows.reconcile import Reconcile
from tabard.workflows.whatsapp import WhatsAppSteps


@pytest.fixture(autouse=True)
def connected(service):
    """The owner's way into WhatsApp."""
    way = Way(AccountKind.SANDBOX, Connection("1", "secret", "token", "verify", "500000000000001"))
    service.backstage.ways[Channel.WHATSAPP] = way


@pytest.fixture
async def worker(service):
    """Somebody who does the steps, at a network that answers what the test has it answer."""
    steps = WhatsAppSteps(service.services, service.services.whatsapp)
    reconcile = Reconcile(service.services, {Channel.WHATSAPP: steps}, lease=timedelta(seconds=30))

    async def work():
        while True:
            await reconcile.drain()
            await asyncio.sleep(0.002)

    task = asyncio.create_task(work())
    yield
    task.cancel()
