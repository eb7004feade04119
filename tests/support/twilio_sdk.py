"""Twilio's own Python package, which knows nothing of Tabard, pointed at a running service."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.support.service import Running


class Redirected(TwilioHttpClient):  # type: ignore[misc]  # it has no types
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, url.replace("https://messaging.twilio.com", self._url), *args, **kwargs)


class SdkSenders:
    """The SDK waits for each answer, so it is asked in a thread."""

    def __init__(self, senders: Any) -> None:
        self._senders = senders

    async def fetch(self, sid: str) -> Any:
        return await asyncio.to_thread(lambda: self._senders(sid).fetch())

    async def listed(self, channel: str) -> list[Any]:
        return await asyncio.to_thread(lambda: self._senders.list(channel=channel))


@contextmanager
def sdk_senders(tabard: Running) -> Iterator[SdkSenders]:
    client = Client(tabard.login, tabard.secret, http_client=Redirected(tabard.url))
    try:
        yield SdkSenders(client.messaging.v2.channels_senders)
    finally:
        client.http_client.session.close()
