"""Twilio's own Python library, unmodified, as the judge: only the wire under it leads here instead of to Twilio."""

import asyncio

import httpx
import pytest
import requests
from requests.adapters import BaseAdapter
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from twilio.rest.messaging.v2.channels_sender import ChannelsSenderList

from tabard.dialects.twilio.mapping import sender_id
from tabard.domain.agents.agent import Agent
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.domain.lifecycle import Status
from tabard.domain.sender import Link, NameChange, NameReview
from tests.support.twilio_service import NOON, NUMBER, OWNER, TOKEN, account_sid


class InProcess(BaseAdapter):
    """Carries a request of the library's thread to the service's event loop, and the response back."""

    def __init__(self, client: httpx.AsyncClient, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._client = client
        self._loop = loop

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        called = self._client.request(request.method, request.url, content=request.body, headers=dict(request.headers))
        answered = asyncio.run_coroutine_threadsafe(called, self._loop).result()
        response = requests.Response()
        response.status_code = answered.status_code
        response.headers.update(answered.headers)
        response._content = answered.content
        response.request = request
        response.url = request.url
        return response

    def close(self):
        pass


@pytest.fixture
async def sdk(service):
    http = TwilioHttpClient()
    http.session.mount("https://", InProcess(service.client, asyncio.get_running_loop()))
    return Client(account_sid(OWNER), TOKEN, http_client=http).messaging.v2.channels_senders


async def in_thread(call, *arguments, **keywords):
    return await asyncio.to_thread(call, *arguments, **keywords)


def new() -> object:
    return ChannelsSenderList.MessagingV2ChannelsSenderRequestsCreate(
        {
            "sender_id": NUMBER,
            "friendly_name": "Bakery",
            "profile": {"name": "Example Bakery", "emails": ["bread@example.com"]},
            "webhook": {"callback_url": "https://example.com/in", "callback_method": "POST"},
        }
    )


def change(**sections: object) -> object:
    return ChannelsSenderList.MessagingV2ChannelsSenderRequestsUpdate(sections)


async def test_life_of_a_sender(service, sdk):
    created = await in_thread(sdk.create, new())
    assert created.status == "CREATING"
    assert created.sender_id == NUMBER
    assert created.friendly_name == "Bakery"
    service.put(created.sid, status=Status.PENDING_VERIFICATION, link=Link("1"))
    verifying = await in_thread(sdk(created.sid).update, change(configuration={"verification_code": "123456"}))
    assert verifying.status == "VERIFYING"
    approved = NameChange("Example Cafe", NameReview.APPROVED, NOON)
    service.put(created.sid, status=Status.ONLINE, name_change=approved)
    fetched = await in_thread(sdk(created.sid).fetch)
    assert fetched.status == "ONLINE"
    assert fetched.profile["emails"] == [{"email": "bread@example.com", "label": "Email"}]
    assert fetched.pending_display_name_status == "APPROVED"
    assert fetched.pending_display_name_status_date == NOON
    again = await in_thread(fetched.update, change(profile={"name": "Example Cafe"}))
    assert again.display_name_status == "updating"
    assert await in_thread(fetched.delete) is True
    with pytest.raises(TwilioRestException) as gone:
        await in_thread(fetched.fetch)
    assert (gone.value.status, gone.value.code) == (404, 20404)


async def test_library_keeps_and_clears_as_the_documentation_says(service, sdk):
    created = await in_thread(sdk.create, new())
    cleared = await in_thread(sdk(created.sid).update, change(profile={"description": "Bread", "emails": ""}))
    assert cleared.profile["emails"] is None
    assert cleared.profile["description"] == "Bread"
    assert cleared.profile["name"] == "Example Bakery"


async def test_library_pages_through_all(service, sdk):
    numbers = [f"whatsapp:+155501001{number:02}" for number in range(7)]
    for number in numbers:
        await service.create(sender_id=number)
    listed = await in_thread(sdk.list, channel="whatsapp", page_size=3)
    assert sorted(sender.sender_id for sender in listed) == numbers
    assert [sender_id(sender.sid) for sender in listed] == sorted(service.world.senders, reverse=True)
    page = await in_thread(sdk.page, channel="whatsapp", page_size=3)
    second = await in_thread(page.next_page)
    back = await in_thread(second.previous_page)
    assert [sender.sid for sender in back] == [sender.sid for sender in listed[:3]]


async def test_library_understands_errors(service, sdk):
    with pytest.raises(TwilioRestException) as wrong:
        await in_thread(sdk.create, ChannelsSenderList.MessagingV2ChannelsSenderRequestsCreate({"sender_id": NUMBER}))
    assert (wrong.value.status, wrong.value.code) == (400, 63100)
    assert "profile.name" in wrong.value.msg
    await service.create()
    with pytest.raises(TwilioRestException) as taken:
        await in_thread(sdk.create, new())
    assert (taken.value.status, taken.value.code) == (409, 63100)
    with pytest.raises(TwilioException, match='"code":20001'):
        await in_thread(sdk.list, channel="sms")


async def test_life_of_an_rcs_sender(service, sdk):
    body = {
        "sender_id": "rcs:example_cafe",
        "webhook": {"callback_url": "https://example.com/in"},
        "profile": {
            "name": "Example Cafe",
            "logo_url": "https://example.com/logo.png",
            "banner_url": "https://example.com/banner.png",
            "privacy_url": "https://example.com/privacy",
            "terms_of_service_url": "https://example.com/terms",
            "accent_color": "#ffffff",
            "phone_numbers": [{"phone_number": "+15550100123", "label": "Front desk"}],
            "emails": ["care@example.com"],
            "use_case": "TRANSACTIONAL",
        },
    }
    created = await in_thread(sdk.create, ChannelsSenderList.MessagingV2ChannelsSenderRequestsCreate(body))
    assert (created.status, created.sender_id, created.configuration) == ("DRAFT", "rcs:example_cafe", None)
    made = await in_thread(sdk(created.sid).update, change(profile={"description": "Coffee and cake"}))
    assert made.status == "CREATING"
    assert made.profile["emails"] == [{"email": "care@example.com", "label": "Email"}]
    carriers = (Carrier("r1", "US", "Verizon", CarrierStatus.LAUNCHED),)
    agent = Agent(countries=("US",), carriers=carriers, compliance={"": "BU1"})
    service.put(created.sid, status=Status.ONLINE, agent=agent)
    fetched = await in_thread(sdk(created.sid).fetch)
    assert fetched.status == "ONLINE"
    assert fetched.compliance["countries"] == [
        {
            "country": "US",
            "registration_sid": "BU1",
            "status": "ONLINE",
            "carriers": [{"name": "Verizon", "status": "APPROVED"}],
        }
    ]
    listed = await in_thread(sdk.list, channel="rcs")
    assert [sender.sid for sender in listed] == [created.sid]
    assert await in_thread(fetched.delete) is True
    assert await in_thread(sdk.list, channel="rcs") == []
