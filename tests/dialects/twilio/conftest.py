import pytest

from tests.support.twilio_service import TwilioService


@pytest.fixture
async def service():
    service = await TwilioService().open()
    yield service
    await service.client.aclose()
