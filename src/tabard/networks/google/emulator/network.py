"""The emulated network's parts in one bag, made once by `service` and handed to every call and every task."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import aiohttp
import asyncpg
import orjson

from tabard.networks.emulation.calls import NoAnswer, call
from tabard.networks.google.emulator import faults
from tabard.networks.google.emulator.memory import agents, realms
from tabard.networks.google.emulator.pace import Rhythm
from tabard.networks.google.emulator.state import Agent, Change, Realm, Scene
from tabard.networks.google.wire import WEBHOOK_TYPE_HEADER
from tabard.ports.world import Clock

_ANSWER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Network:
    pool: asyncpg.Pool
    clock: Clock
    rhythm: Rhythm
    public_url: str
    callback_url: Callable[[str], str]
    wake: Callable[[], None]
    http: aiohttp.ClientSession

    @property
    def token_url(self) -> str:
        return f"{self.public_url}/token"

    def webhook_url(self, realm: Realm) -> str:
        """The partner's, as it chose, or Tabard's own ingress."""
        return realm.webhook_url or self.callback_url(realm.partner_id)

    async def see(self, account_id: UUID, agent_id: str) -> tuple[Scene, Agent] | None:
        """As a task or a control sees the agent. None if it is gone, or its realm."""
        found = await realms.of_account(self.pool, account_id)
        agent = await agents.find(self.pool, account_id, agent_id)
        if found is None or agent is None:
            return None
        wall = self.clock.now()
        offset, realm = found
        return Scene(wall, wall + offset, realm, agent.brand, agent), agent

    async def save(self, scene: Scene, change: Change) -> None:
        """Raises `Stale`."""
        if await agents.save(self.pool, scene, change):
            self.wake()

    async def check_webhook(self, url: str, client_token: str, field: str) -> None:
        """Google's own check of an address before it is taken. Raises `ApiFault`.

        Google's guide wants the bare secret back, its samples answer `secret: ...` or JSON, and all of them pass.
        """
        secret = secrets.token_urlsafe(24)
        body = orjson.dumps({"clientToken": client_token, "secret": secret})
        headers = {"Content-Type": "application/json", WEBHOOK_TYPE_HEADER: "verification"}
        try:
            status, answer = await call(self.http, "POST", url, data=body, headers=headers, read=_ANSWER_BYTES)
        except NoAnswer as silence:
            raise faults.webhook_refused(field, f"the address did not answer ({silence}).") from None
        if status != 200:
            raise faults.webhook_refused(field, f"the address answered {status}.")
        if secret.encode() not in answer:
            raise faults.webhook_refused(field, "the answer did not have the secret.")
