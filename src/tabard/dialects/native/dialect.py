"""The native dialect: what no vendor has. Callers prove themselves with any credential of their account."""

from collections.abc import Mapping, Sequence

from tabard.app.accounts import basic_credentials, secret_digest
from tabard.app.services import Services
from tabard.dialects.native import agents, errors, numbers, sandbox, wire
from tabard.dialects.native.events import deliveries, feed, subscriptions
from tabard.dialects.native.events.reading import ID
from tabard.domain.account import Principal
from tabard.domain.errors import Unauthenticated
from tabard.http.surface import Answer, Documentation, Operation


class Native:
    name = "native"
    title = "Tabard's own API"
    prefix = ("/tabard/", "/sandbox/")
    operations: Sequence[Operation] = (
        *feed.OPERATIONS,
        *subscriptions.OPERATIONS,
        *deliveries.OPERATIONS,
        *sandbox.OPERATIONS,
        *numbers.OPERATIONS,
        *agents.OPERATIONS,
    )
    documentation = Documentation(
        version="1",
        security={"basic": {"type": "http", "scheme": "basic"}, "bearer": {"type": "http", "scheme": "bearer"}},
        error=wire.ErrorAnswer,
        faults=errors.FAULTS,
        path_patterns={
            "number": r"^\+?[0-9]{1,15}$",
            "agent": r"^[A-Za-z0-9_-]{1,100}$",
            "subscription": ID,
            "delivery": ID,
        },
    )

    async def authenticate(
        self,
        services: Services,
        headers: Mapping[str, str],
        path: Mapping[str, str],  # noqa: ARG002 - no path names an account
    ) -> Principal:
        authorization = headers.get("authorization", "")
        scheme, _, word = authorization.partition(" ")
        if scheme.lower() == "bearer":
            login, secret = None, word.strip()
        elif (pair := basic_credentials(authorization)) is not None:
            login, secret = pair
        else:
            raise Unauthenticated("send a credential of the account: Basic (Twilio, Sinch) or Bearer (Zavu)")
        principal = await services.accounts.principal(login, secret_digest(secret), services.clock.now())
        if principal is None:
            raise Unauthenticated("these credentials are not known here")
        return principal

    def render(self, error: Exception, path: str) -> Answer:  # noqa: ARG002 - the message has the path
        return errors.render(error)

    def common_headers(self) -> tuple[tuple[str, str], ...]:
        return ()
