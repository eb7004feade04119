"""Sinch's Provisioning API as a dialect: what the surface and the documentation need to know of it."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import get_args

from tabard.app.services import Services
from tabard.dialects.sinch import auth, errors, tokens
from tabard.dialects.sinch.errors import Refusal
from tabard.dialects.sinch.rcs import faults as rcs_faults
from tabard.dialects.sinch.rcs import routes as rcs_routes
from tabard.dialects.sinch.rcs import wire as rcs_wire
from tabard.dialects.sinch.rcs.test_numbers import TEST_NUMBER
from tabard.dialects.sinch.reading import SENDER_ID
from tabard.dialects.sinch.whatsapp import refusals as whatsapp_refusals
from tabard.dialects.sinch.whatsapp import routes as whatsapp_routes
from tabard.dialects.sinch.writing import ErrorAnswer
from tabard.domain.account import Principal
from tabard.http.credentials import Credentials
from tabard.http.surface import Answer, Documentation, Operation

PREFIX = "/v1/projects/"

_FAMILIES: Sequence[tuple[re.Pattern[str], errors.Explain]] = (
    (re.compile(rf"{PREFIX}[^/]+/rcs(/|$)"), rcs_faults.explain),
    (re.compile(rf"{PREFIX}[^/]+/whatsapp(/|$)"), whatsapp_refusals.explain),
)
"""Where each family's own words for errors hold."""


def _explain(error: Exception, path: str) -> Refusal | None:
    return next((explain(error, path) for where, explain in _FAMILIES if where.match(path)), None)


class Sinch:
    name = "sinch"
    title = "Sinch Provisioning"
    prefix = PREFIX
    operations: Sequence[Operation] = (
        *rcs_routes.OPERATIONS,
        *whatsapp_routes.OPERATIONS,
        *tokens.OPERATIONS,
    )
    documentation = Documentation(
        version="1.2.36",
        security={
            "BasicAuth": {"type": "http", "scheme": "basic"},
            "BearerAuth": {"type": "http", "scheme": "bearer"},
        },
        error=ErrorAnswer,
        faults=errors.documented(rcs_faults.FAULTS, whatsapp_refusals.FAULTS),
        path_patterns={
            "projectId": auth.PROJECT_ID,
            "senderId": SENDER_ID,
            "testNumber": TEST_NUMBER,
            "useCase": f"^({'|'.join(get_args(rcs_wire.UseCaseWord))})$",
        },
        not_offered={
            "Deleting, unlaunching and cancelling an RCS sender": "Sinch has no such operations; other dialects delete",
            "`/v1/projects/{projectId}/webhooks`": "not yet; answers not_found",
            "`conversationApiApp`, `conversationApiAppDetails`": "no sender is connected to the Conversation API",
            "`/v1/projects/{projectId}/kakaotalk`, `/bundles`, `/sms` and what is below them": "answers not_found",
            **whatsapp_routes.NOT_OFFERED,
        },
    )

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._credentials = Credentials(monotonic)

    async def authenticate(self, services: Services, headers: Mapping[str, str], path: Mapping[str, str]) -> Principal:
        if "projectId" not in path:
            return await tokens.authenticate(services, headers)
        principal = await self._credentials.principal(services, *auth.credential_of(headers))
        auth.require_project(principal, path["projectId"])
        return principal

    def render(self, error: Exception, path: str) -> Answer:
        if path == tokens.PATH:
            return tokens.render(error)
        return errors.render(error, path, _explain)

    def common_headers(self) -> tuple[tuple[str, str], ...]:
        return ()
