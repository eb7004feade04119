"""The emulated Google: its APIs to be mounted, a drain to be run, and what the sandbox's user can do to it."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp
import asyncpg

from tabard.domain.account import Connection
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.errors import Conflict, InvalidInput, NotFound
from tabard.domain.ids import AccountId
from tabard.networks.emulation.chaos import Chaos
from tabard.networks.emulation.drain import drain
from tabard.networks.emulation.pace import Pace
from tabard.networks.emulation.races import until_saved
from tabard.networks.google.emulator import life
from tabard.networks.google.emulator.api import grants
from tabard.networks.google.emulator.api.surface import Surface
from tabard.networks.google.emulator.life import Move
from tabard.networks.google.emulator.memory import realms, webhooks
from tabard.networks.google.emulator.network import Network
from tabard.networks.google.emulator.pace import Rhythm
from tabard.networks.google.emulator.state import Agent, Change, Scene
from tabard.networks.google.emulator.tasks import GoogleTasks
from tabard.networks.google.wire import InviteStatus, LaunchState
from tabard.ports.emulations import EmulatedRcs, PhoneMessage
from tabard.ports.world import Clock

_STATES = {
    CarrierStatus.LAUNCHED: LaunchState.LAUNCHED,
    CarrierStatus.REJECTED: LaunchState.REJECTED,
    CarrierStatus.SUSPENDED: LaunchState.SUSPENDED,
    CarrierStatus.UNLAUNCHED: LaunchState.UNLAUNCHED,
}
"""What a carrier can decide."""


class GoogleEmulator:
    """`public_url` is where clients reach `app`, mount path included; `callback_url` tells, for a partner, where Tabard
    takes its webhooks; `wake` is called after there is new work, so that somebody calls `drain` soon."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: Clock,
        *,
        pace: Pace,
        step: timedelta,
        public_url: str,
        callback_url: Callable[[str], str],
        wake: Callable[[], None],
        http: aiohttp.ClientSession,
    ) -> None:
        self._network = Network(pool, clock, Rhythm(pace, step), public_url.rstrip("/"), callback_url, wake, http)
        self._pool = pool
        self.app = Surface(self._network)

    async def drain(self) -> None:
        """Run everything that is due, until nothing is."""
        await drain(GoogleTasks(self._network))

    async def next_task_due(self) -> datetime | None:
        """Wall time, across accounts."""
        return await webhooks.next_due(self._pool)

    # the sandbox's controls (tabard.ports.EmulatedRcs)

    async def open_account(self, account_id: AccountId) -> Connection:
        realm = await realms.find_realm(self._pool, account_id)
        if realm is None:
            key = await asyncio.to_thread(grants.new_private_key)
            realm = await realms.open_realm(self._pool, account_id, key)
        key_file = grants.key_file(realm, self._network.token_url)
        return Connection(realm.partner_id, realm.client_token, key_file, realm.client_token, "")

    async def reset(self, account_id: AccountId) -> None:
        await realms.reset(self._pool, account_id)

    async def shift(self, account_id: AccountId, by: timedelta) -> None:
        await webhooks.shift(self._pool, account_id, by)
        self._network.wake()

    async def next_due(self, account_id: AccountId) -> datetime | None:
        return await webhooks.next_due(self._pool, account_id)

    async def inbox(self, account_id: AccountId, address: str) -> Sequence[PhoneMessage]:
        received = await realms.texts(self._pool, account_id, address)
        return [PhoneMessage(sender, text, at) for sender, text, at in received]

    async def fail_next(self, account_id: AccountId, count: int, *, status: int, code: int) -> None:  # noqa: ARG002
        """The status says it all: Google has no codes beside it."""
        _check_found(await realms.set_faults(self._pool, account_id, count, status))

    async def decide_verification(self, account_id: AccountId, agent_id: str, *, verified: bool) -> None:
        def decide(scene: Scene, agent: Agent) -> Change:
            change = life.verification_decided(agent, scene.now, self._network.rhythm, verified=verified)
            if change is None:
                raise NotFound(f"no verification of {agent_id} is open")
            return change

        await self._change(account_id, agent_id, decide)

    async def decide_launch(
        self,
        account_id: AccountId,
        agent_id: str,
        regions: Collection[str] | None,
        status: CarrierStatus,
        comment: str | None,
    ) -> None:
        if status not in _STATES:
            raise InvalidInput("status", f"must be one of {', '.join(_STATES)}")
        state = _STATES[status]

        def decide(scene: Scene, agent: Agent) -> Change:
            moves = [Move(name, state, life.carrier_of(name), comment) for name in _open(agent, regions, state)]
            return life.moved(agent, moves, scene.now, self._network.rhythm)

        await self._change(account_id, agent_id, decide)

    async def answer_invitation(self, account_id: AccountId, agent_id: str, address: str, *, accepted: bool) -> None:
        def answer(_scene: Scene, agent: Agent) -> Change:
            tester = agent.testers.get(address)
            if tester is None or tester.status is not InviteStatus.PENDING:
                raise NotFound(f"no invitation of {address} is open")
            return Change(life.invitation_answered(agent, address, accepted=accepted))

        await self._change(account_id, agent_id, answer)

    # a control beyond the port, for people who drive the emulator with other clients

    async def set_webhook_chaos(
        self, account_id: AccountId, *, drop: bool = False, duplicate: bool = False, shuffle: bool = False
    ) -> None:
        """From now on lose the account's webhooks, send each twice, or delay each by up to two seconds."""
        _check_found(await realms.set_chaos(self._pool, account_id, Chaos(drop, duplicate, shuffle)))

    async def _change(self, account_id: AccountId, agent_id: str, rule: Callable[[Scene, Agent], Change]) -> None:
        async def attempt() -> None:
            seen = await self._network.see(account_id, agent_id)
            if seen is None:
                raise NotFound(f"the emulated partner has no agent {agent_id}")
            scene, agent = seen
            await self._network.save(scene, rule(scene, agent))

        await until_saved(attempt)


if TYPE_CHECKING:
    _: type[EmulatedRcs] = GoogleEmulator


def _open(agent: Agent, regions: Collection[str] | None, state: LaunchState) -> list[str]:
    """The regions in which a carrier may decide so. Raises `NotFound`, `Conflict`."""
    asked = [name for name in agent.launches if regions is None or name in regions]
    if not asked:
        raise NotFound(f"no launch of {agent.id} was requested" + (f" in {', '.join(regions)}" if regions else ""))
    found = [name for name in asked if _may(agent, name, state)]
    if not found:
        states = ", ".join(sorted({life.state_in(agent, name).short for name in asked}))
        raise Conflict(f"a carrier cannot go from {states} to {state.short}")
    return found


def _may(agent: Agent, region: str, state: LaunchState) -> bool:
    return life.carrier_of(region) in life.TRANSITIONS.get((life.state_in(agent, region), state), ())


def _check_found(found: bool) -> None:
    if not found:
        raise NotFound("the account has no emulated partner")
