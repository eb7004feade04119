"""Credentials that were found are remembered for a few seconds, so that the hot path needs no round trip for them.

A revoked one may therefore work that much longer. Failures are never remembered: a new credential works at once.
"""

from collections import OrderedDict
from collections.abc import Callable

from tabard.app.services import Services
from tabard.domain.account import Principal
from tabard.domain.errors import Unauthenticated

_REMEMBERED_SECONDS = 5.0
_REMEMBERED = 4096


class Credentials:
    """One dialect's: the secrets of another never open it."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._found: OrderedDict[tuple[str | None, bytes], tuple[Principal, float]] = OrderedDict()

    async def principal(self, services: Services, login: str | None, digest: bytes) -> Principal:
        """Whom the login with the secret of that digest speaks for. Raises `Unauthenticated`."""
        now = self._monotonic()
        found = self._found.get((login, digest))
        if found is not None and now < found[1]:
            return found[0]
        principal = await services.accounts.principal(login, digest, services.clock.now())
        if principal is None:
            raise Unauthenticated("Authenticate")
        self._found[login, digest] = (principal, now + _REMEMBERED_SECONDS)
        self._found.move_to_end((login, digest))
        if len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)
        return principal
