"""How Zavu signs what it sends to a webhook: one header, with the second of the attempt and a digest for each version.

Version 1 covers the body only, version 2 the time as well. Receivers that know the first can be led to the second by
way of both at once. The key is the secret as it is shown, `whsec_` included.

Source: Zavu, "Webhooks: verify signatures", and its SDKs. An older page has version 1 cover the time, too; what Zavu
sends does not.
"""

import hmac
from datetime import datetime
from enum import StrEnum


class SignatureVersion(StrEnum):
    V1 = "v1"
    BOTH = "v1+v2"
    V2 = "v2"

    def may_become(self, other: "SignatureVersion") -> bool:
        """From one version to the other only by way of both: receivers need a time in which either is right."""
        return self is other or SignatureVersion.BOTH in {self, other}


def signature(secret: str, version: SignatureVersion, body: bytes, at: datetime) -> str:
    """The value of `X-Zavu-Signature`, made afresh for each attempt: receivers refuse what is older than 300 s."""
    second = int(at.timestamp())
    covered = {"v1": body, "v2": f"{second}.".encode() + body}
    digests = [
        f"{name}={hmac.digest(secret.encode(), text, 'sha256').hex()}"
        for name, text in covered.items()
        if name in version.split("+")
    ]
    return ",".join([f"t={second}", *digests])
