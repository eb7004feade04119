"""Who is calling: HTTP Basic with an account's SID and token, or with an API key's SID and secret.

A credential that was found is remembered for a few seconds, so that the hot path needs no round trip for it; a revoked
one may therefore work that much longer. Failures are never remembered: a new credential works at once.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping

from tabard.app.accounts import basic_credentials, secret_digest
from tabard.domain.account import Principal
from tabard.domain.errors import Unauthenticated
from tabard.ports import AccountStore

_REMEMBERED_SECONDS = 5.0
_REMEMBERED = 4096
_LOGIN = re.compile(r"(AC|SK)[0-9a-fA-F]{32}")


class Credentials:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._found: OrderedDict[tuple[str, bytes], tuple[Principal, float]] = OrderedDict()

    async def principal(self, accounts: AccountStore, headers: Mapping[str, str]) -> Principal:
        """Raises `Unauthenticated`."""
        credential = _credential(headers)
        now = self._monotonic()
        found = self._found.get(credential)
        if found is not None and now < found[1]:
            return found[0]
        principal = await accounts.principal(*credential)
        if principal is None:
            raise Unauthenticated("Authenticate")
        self._found[credential] = (principal, now + _REMEMBERED_SECONDS)
        self._found.move_to_end(credential)
        if len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)
        return principal


def _credential(headers: Mapping[str, str]) -> tuple[str, bytes]:
    """The login, and the digest of the secret."""
    header = headers.get("authorization")
    if not header:
        raise Unauthenticated("Authentication Error - No credentials provided")
    given = basic_credentials(header)
    if given is None:
        raise Unauthenticated("Authenticate")
    login, secret = given
    if not _LOGIN.fullmatch(login):
        raise Unauthenticated("Authentication Error - invalid username")
    return login, secret_digest(secret)
