"""Where Meta's webhooks come in: kept raw, answered at once, handled by a lane.

The address is /ingress/meta/{app_id}; the app's own secret signs, its own verify token opens. Nothing is handled before
it is stored, so a crash in between costs nothing; the same bytes twice are one delivery.
"""

import hmac
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
from tabard.networks.inbox import Connected, read_body
from tabard.networks.meta import ingress
from tabard.networks.meta.ingress import Notice, NoticeKind
from tabard.networks.meta.wire import SIGNATURE_HEADER
from tabard.ports.stores import Inbox, Received
from tabard.telemetry import log

NETWORK = "meta"
BODY_LIMIT = 3 * 1024 * 1024
"""Meta's own bound for one delivery."""


@dataclass(frozen=True, slots=True)
class Listener:
    inbox: Inbox
    ways: Callable[[str], Awaitable[Sequence[Connection]]]
    """How accounts speak through an app: its secrets are the same for all of them, or one for each."""
    now: Callable[[], datetime]
    wake: Callable[[], None]

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/ingress/meta/{app_id:int}", self.handshake, methods=["GET"]),
            Route("/ingress/meta/{app_id:int}", self.receive, methods=["POST"]),
        ]

    async def handshake(self, request: Request) -> Response:
        """Meta's check that the address is ours: the challenge comes back if the verify token is right."""
        query = request.query_params
        token = query.get("hub.verify_token", "").encode()
        ways = await self.ways(str(request.path_params["app_id"]))
        known = any(hmac.compare_digest(way.verify_token.encode(), token) for way in ways if way.verify_token)
        if query.get("hub.mode") != "subscribe" or not known:
            return PlainTextResponse("the verify token is wrong", 403)
        return PlainTextResponse(query.get("hub.challenge", ""))

    async def receive(self, request: Request) -> Response:
        body = await read_body(request, BODY_LIMIT)
        if body is None:
            return PlainTextResponse(f"larger than {BODY_LIMIT} bytes, or cut short", 413)
        app_id = str(request.path_params["app_id"])
        signature = request.headers.get(SIGNATURE_HEADER)
        secrets = {way.app_secret for way in await self.ways(app_id)}
        if not any(ingress.signature_valid(secret, body, signature) for secret in secrets):
            log.warning("webhook.refused", network=NETWORK, app=app_id[:20])
            return PlainTextResponse("the signature is wrong", 401)
        if await self.inbox.put(NETWORK, app_id, body, self.now()):
            self.wake()
        return PlainTextResponse("kept")


@dataclass(frozen=True, slots=True)
class Notices:
    """What was received, told to the senders that it is about."""

    services: Services
    connected: Callable[[str], Awaitable[Connected]]

    async def read(self, received: Received) -> None:
        """Raises `ValueError` for what can never be read."""
        ways = await self.connected(received.app_id)
        for notice in ingress.read(received.body):
            if notice.kind in {NoticeKind.MESSAGES, NoticeKind.UNKNOWN}:
                continue
            owners = [account for account, way in ways if way.business_account == notice.business_account]
            audience = notices_app.Audience([account for account, _ in ways], owners, notice.business_account)
            if notice.digits is None and notice.number_id is None:
                await notices_app.hear_of_account(self.services, Channel.WHATSAPP, audience)
            else:
                heard = _of_number(notice)
                await notices_app.hear_of_number(self.services, Channel.WHATSAPP, audience, heard)


def _of_number(notice: Notice) -> notices_app.NumberNotice:
    declined = notice.kind is NoticeKind.NAME and notice.detail.get("decision") == "REJECTED"
    alert = notice.detail.get("alert_info.alert_description") or notice.detail.get("alert_info.alert_type")
    return notices_app.NumberNotice(
        address=None if notice.digits is None else f"+{notice.digits}",
        network_id=notice.number_id,
        name=notice.detail.get("requested_verified_name") if declined else None,
        name_declined=notice.detail.get("rejection_reason", "UNKNOWN") if declined else None,
        alert=alert if notice.kind is NoticeKind.ALERT else None,
    )
