"""The whole life of a WhatsApp sender, told by Twilio's own Python package, which knows nothing of Tabard.

All that is done to it is what its documentation offers: an HTTP client of one's own, here one that sends the requests
meant for messaging.twilio.com to the service under test.
"""

import asyncio
import re
import time
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from twilio.rest.messaging.v2.channels_sender import ChannelsSenderList

from tests.support.service import Running
from tests.support.twilio_sdk import Redirected

NUMBER = "+15550100123"
REQUESTS = ChannelsSenderList


class Customer:
    """Does what an application does: calls, and polls for a while."""

    def __init__(self, tabard: Running) -> None:
        self._client = Client(tabard.login, tabard.secret, http_client=Redirected(tabard.url))
        self.senders = self._client.messaging.v2.channels_senders

    def close(self) -> None:
        self._client.http_client.session.close()

    def create(self, number: str, name: str = "Example Parcels", method: str = "sms") -> Any:
        return self.senders.create(
            messaging_v2_channels_sender_requests_create=REQUESTS.MessagingV2ChannelsSenderRequestsCreate(
                {
                    "sender_id": f"whatsapp:{number}",
                    "configuration": _configuration({"verification_method": method}),
                    "webhook": REQUESTS.MessagingV2ChannelsSenderWebhook(
                        {"callback_url": "https://example.com/inbound", "callback_method": "POST"}
                    ),
                    "profile": _profile(
                        {"name": name, "about": "Tracked parcels", "vertical": "Travel and Transportation"}
                    ),
                }
            )
        )

    def update(self, sid: str, **sections: Any) -> Any:
        return self.senders(sid).update(
            messaging_v2_channels_sender_requests_update=REQUESTS.MessagingV2ChannelsSenderRequestsUpdate(sections)
        )

    def send_code(self, sid: str, code: str) -> Any:
        return self.update(sid, configuration=_configuration({"verification_code": code}))

    def until(self, sid: str, holds: Any) -> Any:
        deadline = time.monotonic() + 20
        while True:
            sender = self.senders(sid).fetch()
            if holds(sender):
                return sender
            assert time.monotonic() < deadline, (sender.status, sender.offline_reasons)


def _configuration(fields: dict[str, Any]) -> Any:
    return REQUESTS.MessagingV2ChannelsSenderConfiguration(fields)


def _profile(fields: dict[str, Any]) -> Any:
    return REQUESTS.MessagingV2ChannelsSenderProfile(fields)


def online(customer: Customer, tabard: Running, loop: asyncio.AbstractEventLoop, number: str) -> str:
    sender = customer.create(number)
    customer.until(sender.sid, lambda s: s.status == "PENDING_VERIFICATION")
    code = asyncio.run_coroutine_threadsafe(tabard.code(number), loop).result(10)
    customer.send_code(sender.sid, code)
    customer.until(sender.sid, lambda s: s.status == "ONLINE")
    return str(sender.sid)


def whole_life(customer: Customer, tabard: Running, loop: asyncio.AbstractEventLoop) -> None:
    created = customer.create(NUMBER)
    assert re.fullmatch(r"XE[0-9a-f]{32}", created.sid)
    assert (created.status, created.sender_id) == ("CREATING", f"whatsapp:{NUMBER}")
    assert created.url == f"{tabard.url}/v2/Channels/Senders/{created.sid}"

    customer.until(created.sid, lambda s: s.status == "PENDING_VERIFICATION")
    code = asyncio.run_coroutine_threadsafe(tabard.code(NUMBER), loop).result(10)

    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert customer.send_code(created.sid, wrong).status == "VERIFYING"
    refused = customer.until(created.sid, lambda s: s.status == "PENDING_VERIFICATION")
    assert refused.offline_reasons[0]["code"] == "63113"

    verifying = customer.send_code(created.sid, code)
    assert verifying.status == "VERIFYING"
    assert verifying.configuration["verification_code"] is None
    there = customer.until(created.sid, lambda s: s.status == "ONLINE")
    assert there.properties == {"quality_rating": "HIGH", "messaging_limit": "1K Customers/24hr"}
    assert there.offline_reasons is None

    updated = customer.update(
        created.sid,
        profile=_profile({"description": "Door to door", "websites": [{"website": "https://example.com"}]}),
    )
    assert updated.status == "ONLINE:UPDATING"
    settled = customer.until(created.sid, lambda s: s.status == "ONLINE")
    assert settled.profile["about"] == "Tracked parcels"
    assert settled.profile["description"] == "Door to door"
    assert settled.profile["websites"] == [{"website": "https://example.com", "label": "Website"}]

    renamed = customer.update(created.sid, profile=_profile({"name": "Example Post"}))
    assert renamed.profile["name"] == "Example Parcels"
    customer.until(created.sid, lambda s: s.profile["name"] == "Example Post" and s.status == "ONLINE")

    others = [online(customer, tabard, loop, f"+1555010013{n}") for n in range(4)]
    listed = list(customer.senders.stream(channel="whatsapp", page_size=2))
    assert [s.sid for s in listed] == [*reversed(others), created.sid]

    with pytest.raises(TwilioRestException) as taken:
        customer.create(NUMBER)
    assert (taken.value.status, taken.value.code) == (409, 63100)
    assert taken.value.msg.endswith("sender_id provided already exists")

    assert customer.senders(created.sid).delete()
    with pytest.raises(TwilioRestException) as gone:
        customer.senders(created.sid).fetch()
    assert (gone.value.status, gone.value.code) == (404, 20404)


async def test_from_the_first_call_to_the_last(tabard: Running) -> None:
    customer = Customer(tabard)
    try:
        await asyncio.to_thread(whole_life, customer, tabard, asyncio.get_running_loop())
    finally:
        customer.close()
