"""Who is calling: HTTP Basic with a key's id and secret, or a bearer token that such a key was exchanged for.

Both belong to one project, and a path names a project: they must be the same. Tokens have a prefix that no other secret
of this service has, so that a bearer is never looked up among other kinds of secrets, and a token is no key's secret.
"""

import re
from collections.abc import Mapping

from tabard.app.accounts import SANDBOX_SINCH_KEY, basic_credentials, secret_digest, sinch_project
from tabard.domain.account import Principal
from tabard.domain.errors import Unauthenticated

TOKEN_PREFIX = "sinch_token_"  # noqa: S105 - marks a token, and is none
PROJECT_ID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

_TOKEN = re.compile(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{43}}")
_KEY_ID = re.compile(rf"[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|{re.escape(SANDBOX_SINCH_KEY[0])}")
"""Other dialects' logins look otherwise: their secrets never open this one."""


def credential_of(headers: Mapping[str, str]) -> tuple[str | None, bytes]:
    """The key's id, None for a token, and the digest of the secret. Raises `Unauthenticated`."""
    header = headers.get("authorization", "")
    scheme, _, word = header.partition(" ")
    if scheme.lower() == "bearer":
        if _TOKEN.fullmatch(word.strip()) is None:
            raise Unauthenticated("The bearer token is not one that this service has given out.")
        return None, secret_digest(word.strip())
    given = basic_credentials(header)
    if given is None:
        raise Unauthenticated("The request has no Basic or Bearer credentials.")
    return key_credential(*given)


def key_credential(key_id: str, secret: str) -> tuple[str, bytes]:
    """Raises `Unauthenticated`."""
    if _KEY_ID.fullmatch(key_id) is None or secret.startswith(TOKEN_PREFIX):
        raise Unauthenticated("The key id or the key secret is wrong.")
    return key_id, secret_digest(secret)


def require_project(principal: Principal, project_id: str) -> None:
    """Raises `Unauthenticated`, as Sinch does: whether another project exists is nobody's business."""
    if project_id != sinch_project(principal.account_id):
        raise Unauthenticated(f"The credentials are not those of project {project_id}.")
