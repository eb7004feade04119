"""How a delivery is signed: four headers, made afresh for each attempt.

What is signed is the body, a nonce and the time, with dots between them. Sinch documents the headers for this API, and
the text under them only for its Conversation API, whose headers are the same (Conversation API, Callbacks, Validation).
"""

import base64
import hmac
import os
from collections.abc import Mapping
from datetime import datetime

_HEADER = "x-sinch-webhook-signature"
_ALGORITHM = "HmacSHA256"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BYTES = 10
_NONCE_BITS = 130
"""26 characters of five bits, which is how a ULID is written."""


def signed(body: bytes, secret: bytes, at: datetime) -> Mapping[str, str]:
    nonce, timestamp = _nonce(at), str(int(at.timestamp()))
    return {
        _HEADER: signature(body, secret, nonce, timestamp),
        f"{_HEADER}-algorithm": _ALGORITHM,
        f"{_HEADER}-nonce": nonce,
        f"{_HEADER}-timestamp": timestamp,
    }


def signature(body: bytes, secret: bytes, nonce: str, timestamp: str) -> str:
    text = b".".join((body, nonce.encode(), timestamp.encode()))
    return base64.b64encode(hmac.digest(secret, text, "sha256")).decode()


def _nonce(at: datetime) -> str:
    milliseconds = int(at.timestamp() * 1000)
    value = milliseconds << (8 * _RANDOM_BYTES) | int.from_bytes(os.urandom(_RANDOM_BYTES), "big")
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(_NONCE_BITS - 5, -1, -5))
