"""How a webhook wants to be called: read from the fragment of its address, which is neither sent nor signed.

`https://example.com/inbound#rc=3&rp=5xx,ct` asks for three more tries after a server's error or where no connection
comes about. What a fragment holds beside these parameters means nothing.

Source: Twilio, "Webhooks: connection overrides".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from tabard.domain.errors import InvalidInput


class RetryOn(StrEnum):
    CLIENT_ERROR = "4xx"
    SERVER_ERROR = "5xx"
    CONNECT_TIMEOUT = "ct"
    READ_TIMEOUT = "rt"


@dataclass(frozen=True, slots=True)
class Overrides:
    connect_timeout: timedelta = timedelta(seconds=5)
    read_timeout: timedelta = timedelta(seconds=15)
    total_timeout: timedelta = timedelta(seconds=15)
    """With all tries."""
    retries: int = 1
    retry_on: frozenset[RetryOn] = frozenset({RetryOn.CONNECT_TIMEOUT})


_EVERYTHING = "all"
_EDGES = frozenset(
    {"ashburn", "dublin", "frankfurt", "sao-paulo", "singapore", "sydney", "tokyo", "umatilla"}
)  # fmt: skip
_MOST_DIGITS = 5


def read_overrides(field: str, url: str) -> Overrides:
    """Raises `InvalidInput` for a parameter of the address in `field`, as in `callback_url#rc`."""
    asked = parse_qsl(url.partition("#")[2], keep_blank_values=True)
    chosen: dict[str, Any] = {}
    for name, text in asked:
        if name not in _PARAMETERS:
            continue
        if [other for other, _ in asked].count(name) > 1:
            raise InvalidInput(f"{field}#{name}", "must come once only")
        leaf, read = _PARAMETERS[name]
        try:
            value = read(text)
        except ValueError as problem:
            raise InvalidInput(f"{field}#{name}", str(problem)) from None
        if leaf is not None:
            chosen[leaf] = value
    return Overrides(**chosen)


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else -1
        if not lowest <= number <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return number

    return read


def _milliseconds(lowest: int, highest: int) -> Callable[[str], timedelta]:
    read = _number(lowest, highest)
    return lambda text: timedelta(milliseconds=read(text))


def _policy(text: str) -> frozenset[RetryOn]:
    words = frozenset(text.split(","))
    known = {*RetryOn, _EVERYTHING}
    if not words <= known:
        raise ValueError(f"must be a list, between commas, of {', '.join((*RetryOn, _EVERYTHING))}")
    return frozenset(RetryOn) if _EVERYTHING in words else frozenset(RetryOn(word) for word in words)


def _one_of(known: frozenset[str], *, several: bool) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not set(text.split(",") if several else [text]) <= known:
            raise ValueError(
                f"must be {'a list, between commas, of' if several else 'one of'} {', '.join(sorted(known))}"
            )
        return text

    return read


_PARAMETERS: Mapping[str, tuple[str | None, Callable[[str], Any]]] = MappingProxyType(
    {
        "ct": ("connect_timeout", _milliseconds(100, 10_000)),
        "rt": ("read_timeout", _milliseconds(100, 15_000)),
        "tt": ("total_timeout", _milliseconds(100, 15_000)),
        "rc": ("retries", _number(0, 5)),
        "rp": ("retry_on", _policy),
        # Checked, and of no effect: this service calls from where it stands, and always names the host in TLS.
        "e": (None, _one_of(_EDGES, several=True)),
        "sni": (None, _one_of(frozenset({"y", "n"}), several=False)),
    }
)
"""Each parameter's leaf and how its text is read; a `ValueError` says what it must be."""
