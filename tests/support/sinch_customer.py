"""A customer of the running service who speaks Sinch's words, over plain HTTP."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.service import Reply, Running

_PATIENCE = 30.0


@dataclass(frozen=True)
class SinchCustomer:
    tabard: Running
    patience: float = _PATIENCE

    async def call(self, method: str, path: str, body: Any = None) -> Reply:
        """`path` is what comes after the project."""
        return await self.tabard.call(method, f"/v1/projects/{self.tabard.sinch_project}{path}", body)

    async def get(self, path: str) -> Any:
        return await self._expect(200, "GET", path)

    async def create(self, body: Any, kind: str = "rcs") -> Any:
        return await self._expect(201, "POST", f"/{kind}/senders", body)

    async def update(self, sender: Any, details: Any) -> Any:
        return await self._expect(200, "PATCH", f"/rcs/senders/{sender['id']}", {"details": details})

    async def launch(self, sender: Any) -> Any:
        return await self._expect(200, "POST", f"/rcs/senders/{sender['id']}/launch")

    async def activities(self, sender: Any, kind: str = "rcs") -> list[Any]:
        """Oldest first."""
        page = await self.get(f"/{kind}/senders/{sender['id']}/activities?pageSize=100")
        return [*reversed(page["notifications"])]

    async def until(self, sender: Any, holds: Callable[[Any], Any], what: str, kind: str = "rcs") -> Any:
        """Poll, within bounds."""
        deadline = asyncio.get_running_loop().time() + self.patience
        while True:
            seen = await self.get(f"/{kind}/senders/{sender['id']}")
            if holds(seen):
                return seen
            assert asyncio.get_running_loop().time() < deadline, f"never saw {what}: {seen}"
            await asyncio.sleep(0.02)

    async def reaches(self, sender: Any, state: str, kind: str = "rcs") -> Any:
        return await self.until(sender, lambda seen: seen.get("state") == state, state, kind)

    async def _expect(self, status: int, method: str, path: str, body: Any = None) -> Any:
        reply = await self.call(method, path, body)
        assert reply.status == status, reply
        return reply.body


def operators(sender: Any, country: str) -> dict[str, str]:
    """By name, the status of each operator of the country."""
    shown = next(entry for entry in sender["countryStatus"] if entry["country"] == country)
    return {operator["name"]: operator["status"] for operator in shown["operators"]}


def country_statuses(sender: Any) -> dict[str, str]:
    return {entry["country"]: entry["status"] for entry in sender["countryStatus"]}
