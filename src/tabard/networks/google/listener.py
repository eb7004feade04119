"""Where Google's webhooks come in: what was signed is kept, answered at once, and read later.

The address is /ingress/google/{partner_id}; the partner's client token opens and signs. The same event twice is one.
"""

import hmac
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tabard.app import notices as notices_app
from tabard.app.services import Services
from tabard.domain.account import Connection
from tabard.domain.lifecycle import Channel
from tabard.networks.google import ingress
from tabard.networks.google.ingress import Delivery, Handshake, NoticeKind
from tabard.networks.google.wire import SIGNATURE_HEADER
from tabard.networks.inbox import Connected, read_body
from tabard.ports.stores import Inbox, Received
from tabard.telemetry import log

NETWORK = "google"
BODY_LIMIT = 1024 * 1024
"""Google names no bound; a message has at most 250 KB, and base64 adds a third."""
_PARTNER = re.compile(r"[0-9A-Za-z_.-]{1,128}")


@dataclass(frozen=True, slots=True)
class Listener:
    inbox: Inbox
    ways: Callable[[str], Awaitable[Sequence[Connection]]]
    """How accounts speak as a partner: its client token is the same for all of them, or one for each."""
    now: Callable[[], datetime]
    wake: Callable[[], None]

    def routes(self) -> list[BaseRoute]:
        return [Route("/ingress/google/{partner_id}", self.receive, methods=["POST"])]

    async def receive(self, request: Request) -> Response:
        body = await read_body(request, BODY_LIMIT)
        if body is None:
            return PlainTextResponse(f"larger than {BODY_LIMIT} bytes, or cut short", 413)
        opened = ingress.open_body(body)
        if opened is None:
            return PlainTextResponse("neither a handshake nor a delivery", 400)
        partner_id: str = request.path_params["partner_id"]
        ways = await self.ways(partner_id) if _PARTNER.fullmatch(partner_id) else ()
        tokens = {way.verify_token for way in ways if way.verify_token}
        if isinstance(opened, Handshake):
            return _shaken(opened, tokens)
        signature = request.headers.get(SIGNATURE_HEADER)
        if not any(ingress.signature_valid(token, opened.data, signature) for token in tokens):
            log.warning("webhook.refused", network=NETWORK, app=partner_id[:20])
            return PlainTextResponse("the signature is wrong", 401)
        return await self._kept(partner_id, opened)

    async def _kept(self, partner_id: str, delivery: Delivery) -> Response:
        if await self.inbox.put(NETWORK, partner_id, delivery.data, self.now()):
            self.wake()
        return PlainTextResponse("kept")


def _shaken(handshake: Handshake, tokens: set[str]) -> Response:
    """The bare secret, as Google's guide has it; its samples, which answer in other forms, hold it too."""
    given = handshake.client_token.encode()
    if not any(hmac.compare_digest(token.encode(), given) for token in tokens):
        return PlainTextResponse("the client token is wrong", 401)
    return PlainTextResponse(handshake.secret, headers={"X-Content-Type-Options": "nosniff"})


@dataclass(frozen=True, slots=True)
class Notices:
    """What was received, told to the senders that it is about."""

    services: Services
    connected: Callable[[str], Awaitable[Connected]]

    async def read(self, received: Received) -> None:
        """Only launches make us look; messages and their events are nobody's yet. Raises `ValueError`."""
        notice = ingress.read(received.body)
        if notice is None or notice.kind is not NoticeKind.LAUNCH:
            return
        accounts = [account for account, _ in await self.connected(received.app_id)]
        audience = notices_app.Audience(accounts, [], "")
        heard = notices_app.NumberNotice(address=None, network_id=notice.agent_id)
        await notices_app.hear_of_number(self.services, Channel.RCS, audience, heard)
