"""Service accounts: their keys, the assertions that they sign, and the tokens that these buy.

Sources: RFC 7523 (JWT bearer grants), RFC 7515 and 7518 (RS256), Google's "OAuth 2.0 for server to server
applications". Tokens keep wall time: clients that hold them know no other.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tabard.networks.google.emulator.faults import GrantFault
from tabard.networks.google.emulator.state import Realm
from tabard.networks.google.wire import MANAGEMENT_SCOPE, MESSAGING_SCOPE, TOKEN_URL

TOKEN_LIFE = timedelta(hours=1)
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPES = frozenset({MANAGEMENT_SCOPE, MESSAGING_SCOPE})


@dataclass(frozen=True, slots=True)
class Assertion:
    """A signed token, read but not yet believed."""

    signed: bytes
    signature: bytes
    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def issuer(self) -> str:
        return str(self.claims.get("iss", ""))


def new_private_key() -> str:
    """In PEM. Takes tens of milliseconds of a processor: keep it off the event loop."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def key_file(realm: Realm, token_url: str) -> str:
    """The file that Google's console hands out, with the emulator's own token endpoint."""
    return orjson.dumps(
        {
            "type": "service_account",
            "project_id": "tabard-sandbox",
            "private_key_id": realm.key_id,
            "private_key": realm.private_key,
            "client_email": realm.client_email,
            "client_id": realm.partner_id,
            "token_uri": token_url,
        }
    ).decode()


def new_token() -> str:
    return f"ya29.{secrets.token_urlsafe(48)}"


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def read_assertion(form: Mapping[str, Any]) -> Assertion:
    """Raises `GrantFault`."""
    if form.get("grant_type") != GRANT_TYPE:
        raise GrantFault("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
    text = form.get("assertion")
    if not text:
        raise GrantFault("invalid_request", "Missing parameter: assertion")
    try:
        head, body, signature = text.encode("ascii").split(b".")
        header, claims = orjson.loads(_decoded(head)), orjson.loads(_decoded(body))
        assertion = Assertion(head + b"." + body, _decoded(signature), header, claims)
    except (ValueError, binascii.Error):
        raise GrantFault("invalid_grant", "Bad Request: the assertion is no signed JWT.") from None
    if not isinstance(header, dict) or not isinstance(claims, dict) or header.get("alg") != "RS256":
        raise GrantFault("invalid_grant", "Invalid JWT: the algorithm must be RS256.")
    return assertion


def granted_scopes(assertion: Assertion, realm: Realm | None, token_url: str) -> list[str]:
    """What the assertion buys, if it is the service account's own and in good order. Raises `GrantFault`."""
    if realm is None:
        raise GrantFault("invalid_grant", "Invalid grant: account not found")
    if assertion.header.get("kid", realm.key_id) != realm.key_id or not _is_signed(assertion, realm):
        raise GrantFault("invalid_grant", "Invalid JWT Signature.")
    if assertion.claims.get("aud") not in {token_url, TOKEN_URL}:
        raise GrantFault("invalid_grant", "Invalid JWT: Failed audience check.")
    _check_times(assertion.claims)
    scopes = str(assertion.claims.get("scope", "")).split()
    if not scopes or not _SCOPES.issuperset(scopes):
        raise GrantFault("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return scopes


def _is_signed(assertion: Assertion, realm: Realm) -> bool:
    key = serialization.load_pem_private_key(realm.private_key.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - we made it
    try:
        key.public_key().verify(assertion.signature, assertion.signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _check_times(claims: Mapping[str, Any]) -> None:
    """Against each other only: Google's library reads the machine's clock, and the emulator's may be a test's."""
    issued: Any = claims.get("iat")
    expires: Any = claims.get("exp")
    are_numbers = isinstance(issued, int) and isinstance(expires, int)
    if not are_numbers or not 0 < expires - issued <= TOKEN_LIFE.total_seconds():
        raise GrantFault(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat "
            "and exp values in the JWT claim.",
        )


def _decoded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
