"""Who is calling: HTTP Basic with an account's SID and token, or with an API key's SID and secret."""

import re
from collections.abc import Mapping

from tabard.app.accounts import basic_credentials, secret_digest
from tabard.domain.errors import Unauthenticated

_LOGIN = re.compile(r"(AC|SK)[0-9a-fA-F]{32}")


def credential_of(headers: Mapping[str, str]) -> tuple[str, bytes]:
    """The login, and the digest of the secret. Raises `Unauthenticated`."""
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
