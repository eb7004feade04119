"""One call of the management or the messaging API: what came in, and what its handler needs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Scope

from tabard.networks.emulation.body import Unreadable, parse_json, parse_pairs
from tabard.networks.google.emulator import faults
from tabard.networks.google.emulator.api import shapes
from tabard.networks.google.emulator.network import Network
from tabard.networks.google.emulator.state import Agent, Brand, Change, Json, Realm, Scene

BODY_LIMIT = 1024 * 1024
PAGE_SIZE = 100
"""Google chooses how long a page is, whatever `pageSize` says."""
_PLACE = re.compile(r"p[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    """Below the mount, without slashes at its ends."""
    headers: Mapping[str, str]
    """Names in lower case."""
    query: Mapping[str, str]
    """Names in camel case."""
    body: bytes = field(default=b"", repr=False)

    def json(self) -> Any:
        """Raises `Unreadable`. No body is an empty message."""
        return parse_json(self.body) if self.body.strip() else {}

    def named_agent(self, parts: Mapping[str, str]) -> str | None:
        """The agent that the call is about, wherever it names it. Raises `Unreadable`."""
        named = parts.get("agent") or self.query.get("agentId")
        if named is None and (self.method, self.path) == ("POST", "v1/testers"):
            body = self.json()
            named = (body.get("agentId") or body.get("agent_id")) if isinstance(body, dict) else None
        return named if isinstance(named, str) else None


@dataclass(frozen=True, slots=True)
class Call:
    """One call, authenticated, with all that its handler needs."""

    network: Network
    request: Request
    parts: Mapping[str, str]
    """Of the path, by their names in the table of operations."""
    scene: Scene

    @property
    def realm(self) -> Realm:
        return self.scene.realm

    @property
    def brand(self) -> Brand:
        if self.scene.brand is None:
            raise faults.missing()
        return self.scene.brand

    @property
    def agent(self) -> Agent:
        if self.scene.agent is None:
            raise faults.invalid("agent_id", "is required.")
        return self.scene.agent

    def message(self, kind: shapes.Message) -> Json:
        """The body. Raises `ApiFault`, `Unreadable`."""
        message: Json = shapes.read(kind, self.request.json())
        return message

    def masked(self, kind: shapes.Message) -> tuple[Json, list[list[str]]]:
        """The body, and the paths in it that count. Raises as `message`."""
        body = self.message(kind)
        return body, shapes.read_mask(kind, self.request.query.get("updateMask"), body)

    def flag(self, name: str) -> bool:
        return self.request.query.get(name, "").lower() == "true"

    def page_start(self) -> int:
        """The place after which the page begins. Raises `ApiFault`."""
        token = self.request.query.get("pageToken") or "p0"
        if not _PLACE.fullmatch(token):
            raise faults.invalid("page_token", "is none of ours.")
        return int(token[1:])

    async def save(self, change: Change) -> None:
        await self.network.save(self.scene, change)


def page_of(name: str, rows: list[tuple[int, Json]]) -> Json:
    """The answer to a list: rows with their places, one more than a page if there are more."""
    answer: Json = {name: [row for _, row in rows[:PAGE_SIZE]]} if rows else {}
    if len(rows) > PAGE_SIZE:
        answer["nextPageToken"] = f"p{rows[PAGE_SIZE - 1][0]}"
    return answer


def read_head(scope: Scope) -> Request:
    """Raises `Unreadable`."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root):
        path = path[len(root) :]
    if not (path.isascii() and path.isprintable()):
        raise Unreadable("The path must be printable ASCII.")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_pairs(scope["query_string"].decode("latin-1"))
    named = {shapes.camel(name): value for name, value in query.items()}
    return Request(scope["method"], path.strip("/"), headers, named)
