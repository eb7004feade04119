"""Twilio's Senders API as a dialect: what the surface and the documentation need to know of it."""

import os
import time
from collections.abc import Callable, Mapping

from tabard.app.services import Services
from tabard.dialects.twilio import errors, wire
from tabard.dialects.twilio.auth import credential_of
from tabard.dialects.twilio.routes import OPERATIONS
from tabard.dialects.twilio.troubles import TROUBLES
from tabard.domain.account import Principal
from tabard.http.credentials import Credentials
from tabard.http.surface import Answer, Documentation

_CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE, OPTIONS"),
    ("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Idempotency-Key, X-Twilio-Client"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Expose-Headers", "T-Request-Id, Twilio-Request-Id, X-Twilio-Error-Code, Retry-After"),
)


class Twilio:
    name = "twilio"
    title = "Twilio Senders"
    prefix = "/v2/"
    operations = OPERATIONS
    documentation = Documentation(
        version="2",
        security={"accountSid_authToken": {"type": "http", "scheme": "basic"}},
        error=wire.ErrorAnswer,
        faults=tuple((fault.status, str(fault.code), fault.about) for fault in errors.FAULTS.values()),
        path_patterns={"Sid": wire.SENDER_SID},
        tables={"Offline reasons": sorted(TROUBLES.values())},
        not_offered={
            "`/v2/Indicators/Typing.json`": "messages are outside this service; answers 20404",
            "`/v1/Services/{Sid}/ChannelSenders`": "there are no Messaging Services here",
            "compliance registrations (`BU…`)": "their ids are kept and given back; naming countries submits",
        },
    )

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._credentials = Credentials(monotonic)

    async def authenticate(
        self,
        services: Services,
        headers: Mapping[str, str],
        path: Mapping[str, str],  # noqa: ARG002 - SIDs name no account
    ) -> Principal:
        return await self._credentials.principal(services, *credential_of(headers))

    def render(self, error: Exception, path: str) -> Answer:
        return errors.render(error, path)

    def common_headers(self) -> tuple[tuple[str, str], ...]:
        request_id = f"RQ{os.urandom(16).hex()}"
        return (*_CORS, ("T-Request-Id", request_id), ("Twilio-Request-Id", request_id))
