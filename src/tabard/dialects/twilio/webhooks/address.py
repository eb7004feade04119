"""A webhook's address as its owner wrote it, taken apart: where to call, and with what credentials.

Twilio honours a user name and password in the address. They go into a header: the receiver's own address, which it
checks the signature against, has none.

Source: Twilio, "Webhooks security", HTTP authentication.
"""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from tabard.dialects.twilio.webhooks.signature import without_fragment

_WITH_CREDENTIALS = re.compile(r"(https?://)([^/?#]*)@(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    url: str
    """What is called and signed: without credentials and fragment."""
    authorization: str | None = field(default=None, repr=False)
    """The header's value."""


def split_address(url: str) -> Address:
    plain = without_fragment(url)
    found = _WITH_CREDENTIALS.fullmatch(plain)
    if found is None:
        return Address(plain)
    scheme, credentials, rest = found.groups()
    name, _, password = credentials.partition(":")
    pair = f"{unquote(name)}:{unquote(password)}".encode()
    return Address(scheme + rest, f"Basic {base64.b64encode(pair).decode()}")
