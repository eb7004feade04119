"""How Twilio signs what it sends to a webhook: an HMAC over the address and, for a form, its parameters.

An account's auth token signs with SHA-1. A shared key, which Twilio has had since 2026, may sign with SHA-256; another
header then names the key. The body of a JSON request is signed by its digest, which is put into the address.

Source: Twilio, "Webhooks security"; the validators of its helper libraries.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Algorithm(StrEnum):
    SHA1 = "HMAC_SHA1"
    SHA256 = "HMAC_SHA256"


_DIGESTS = {Algorithm.SHA1: "sha1", Algorithm.SHA256: "sha256"}


@dataclass(frozen=True, slots=True)
class SigningKey:
    secret: bytes = field(repr=False)
    shared_id: str | None = None
    """Of a shared key; None for an auth token."""
    algorithm: Algorithm = Algorithm.SHA1


def signed(key: SigningKey, url: str, parameters: Iterable[tuple[str, str]] = ()) -> Mapping[str, str]:
    """The headers. `parameters` are those of a form in the body; there are none for GET and for `json_address`."""
    headers = {"X-Twilio-Signature": signature(key, url, parameters)}
    if key.shared_id is not None:
        headers["X-Twilio-Webhooks-Signature-Settings"] = f"key={key.shared_id},algorithm={key.algorithm}"
    return headers


def signature(key: SigningKey, url: str, parameters: Iterable[tuple[str, str]] = ()) -> str:
    """Of a parameter that comes more than once, each value counts once, in order."""
    told = "".join(f"{name}{value}" for name, value in sorted(set(parameters)))
    text = without_fragment(url) + told
    return base64.b64encode(hmac.digest(key.secret, text.encode(), _DIGESTS[key.algorithm])).decode()


def json_address(url: str, body: bytes) -> str:
    """Where a JSON body is sent to, and what is signed for it."""
    plain = without_fragment(url)
    joint = "&" if "?" in plain else "?"
    return f"{plain}{joint}bodySHA256={hashlib.sha256(body).hexdigest()}"


def without_fragment(url: str) -> str:
    """Otherwise as it was configured, to the letter."""
    return url.partition("#")[0]
