"""Reading a Graph call: path, parameters from query, form and JSON alike, and the address the client used."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP
from typing import Any
from urllib.parse import urlencode

from starlette.types import Scope

from tabard.networks.emulation.body import Unreadable, checked_pairs, parse_json, parse_pairs
from tabard.networks.meta.emulator import faults
from tabard.networks.meta.emulator.network import Network
from tabard.networks.meta.emulator.state import Change, Number, Scene, Waba
from tabard.networks.meta.wire import DEFAULT_VERSION

BODY_LIMIT = 16 * 1024 * 1024
_VERSION = re.compile(r"v(\d{1,3})\.\d")
_HOST = re.compile(r"[A-Za-z0-9.\-_]+(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Path:
    version: str
    node: str
    edge: str
    """Empty for the node itself."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: Path
    headers: Mapping[str, str]
    """Names in lower case."""
    query: Mapping[str, Any]
    address: str
    """Of the emulator, as the client wrote it: scheme, authority and mount path."""

    def link(self, **changes: str) -> str:
        """This call's own address with other query parameters, for the next or the previous page."""
        dropped = {"after", "before", "access_token"}
        query = {name: value for name, value in self.query.items() if name not in dropped} | changes
        return f"{self.address}/{self.path.version}/{self.path.node}/{self.path.edge}?{urlencode(query)}"


class Parameters:
    """What a handler may ask of a call's parameters. Each reader raises `GraphFault` (code 100) for what does not fit.

    In a query or a form everything is text, and what is nested is JSON in text; in a JSON body it may be itself.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, *, most: int = 2048) -> str | None:
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if abs(value) < 10**18 else ""
        if not isinstance(value, str):
            raise faults.invalid(f"Parameter {name} must be a string.")
        if len(value) > most:
            raise faults.invalid(f"Parameter {name} must be at most {most} characters long.")
        return value

    def required(self, name: str, *, most: int = 2048) -> str:
        value = self.text(name, most=most)
        if not value:
            raise faults.missing(name)
        return value

    def choice(self, name: str, options: Iterable[str]) -> str:
        value = self.required(name)
        allowed = tuple(options)
        if value.upper() not in allowed:
            raise faults.invalid(f"Parameter {name} must be one of {{{', '.join(allowed)}}}.")
        return value.upper()

    def flag(self, name: str) -> bool:
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        if str(value).lower() in {"true", "1"}:
            return True
        if str(value).lower() in {"false", "0", ""}:
            return False
        raise faults.invalid(f"Parameter {name} must be true or false.")

    def integer(self, name: str, *, least: int, most: int) -> int | None:
        value = self.text(name, most=20)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
            raise faults.invalid(f"Parameter {name} must be an integer from {least} to {most}.")
        return int(value)

    def names(self, name: str) -> list[str]:
        """A list of names: `a,b` or a JSON list. Each once, in the order given."""
        value = self._values.get(name)
        if isinstance(value, str):
            value = self.nested(name) if value.startswith("[") else [part.strip() for part in value.split(",")]
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise faults.invalid(f"Parameter {name} must be a list of names.")
        return [part for part in dict.fromkeys(value) if part]

    def nested(self, name: str) -> Any:
        """The value itself, or what its text says as JSON. Single quotes, as Meta's own examples have them, pass."""
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            return value
        if "'" in value and '"' not in value:
            value = value.replace("'", '"')
        return parse_json(value.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Call:
    """One call, authenticated, with all that its handler needs."""

    network: Network
    request: Request
    parameters: Parameters
    body: bytes
    scene: Scene

    @property
    def number(self) -> Number:
        assert self.scene.number is not None  # noqa: S101 - the operations table gives number handlers numbers
        return self.scene.number

    @property
    def waba(self) -> Waba:
        assert self.scene.waba is not None  # noqa: S101 - as above
        return self.scene.waba

    async def save(self, change: Change) -> None:
        await self.network.save(self.scene, change)


def read_path(scope: Scope) -> Path:
    """Raises `GraphFault` for a version, a depth or a spelling that no Graph has."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root):
        path = path[len(root) :]
    if not (path.isascii() and path.isprintable()):
        raise faults.unknown_path(path.encode("ascii", "replace").decode())
    parts = [part for part in path.split("/") if part]
    version = DEFAULT_VERSION
    if parts and (found := _VERSION.fullmatch(parts[0])):
        if not 13 <= int(found[1]) <= 30:
            raise faults.unknown_path(path)
        version = parts.pop(0)
    if not 1 <= len(parts) <= 2:
        raise faults.unknown_path(path)
    return Path(version, parts[0], parts[1] if len(parts) == 2 else "")


def read_head(scope: Scope, public_url: str) -> Request:
    path = read_path(scope)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_pairs(scope["query_string"].decode("latin-1"))
    node, separator, rest = path.node.partition("?")
    if separator:  # a client may write the `?sig=` of an upload session as part of the path
        path = Path(path.version, node, path.edge)
        query = {**parse_pairs(rest), **query}
    host = headers.get("host", "")
    address = public_url.rstrip("/")
    if _HOST.fullmatch(host):
        address = f"{scope['scheme']}://{host}{scope.get('root_path', '')}"
    return Request(scope["method"], path, headers, query, address)


def body_parameters(headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    """Raises `Unreadable` for what is neither a form nor a JSON object."""
    if not body:
        return {}
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        return checked_pairs(_multipart(headers["content-type"], body))
    if media_type == "application/x-www-form-urlencoded":
        return parse_pairs(body.decode("latin-1"))
    value = parse_json(body)
    if not isinstance(value, dict):
        raise Unreadable("The body must be a JSON object.")
    return value


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    message = message_from_bytes(head + body, policy=HTTP)
    pairs = []
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            pairs.append((name, payload.decode("utf-8", "replace")))
    return pairs
