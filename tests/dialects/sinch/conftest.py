import pytest

from tests.support.sinch_service import SinchService


@pytest.fixture
async def service():
    service = await SinchService().open()
    yield service
    await service.client.aclose()
