"""The client, the listener and the emulated Google, over HTTP: one agent's whole life, as each of the three has it."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import asyncpg
import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tabard.domain.account import Account, AccountKind, Connection
from tabard.domain.agents import agent as rcs
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.ids import AccountId, new_account_id
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Link, Sender, Trouble
from tabard.networks.emulation.pace import Pace
from tabard.networks.google import listener as google_listener
from tabard.networks.google.client import GoogleClient
from tabard.networks.google.emulator.service import GoogleEmulator
from tabard.networks.inbox import InboxLane
from tabard.ports.networks import Decision, Verification
from tabard.storage.inbox import PostgresInbox
from tests.networks.google.client.stand_in import BUSINESS, PROFILE, RCS, fault_in, key_file
from tests.support.clock import FakeClock
from tests.support.dialect_service import Backstage
from tests.support.senders import a_sender
from tests.support.service import answering

if TYPE_CHECKING:
    from tabard.bootstrap import Service

ORANGE, SFR, FREE = (f"/v1/regions/{carrier}-france" for carrier in ("orange", "sfr", "free"))
ACCEPTS, DECLINES, NO_RCS, SILENT = (f"+1555010{last}" for last in ("0201", "0202", "0203", "0009"))


@dataclass
class Stage:
    clock: FakeClock
    emulator: GoogleEmulator
    client: GoogleClient
    account: AccountId
    way: Connection
    lane: InboxLane
    backstage: Backstage
    callbacks: dict[str, str | None]

    async def settle(self) -> None:
        for _ in range(4):
            self.clock.advance(seconds=0.5)
            await self.emulator.drain()

    async def agent(self, name: str = "Acme Parcels") -> str:
        brand = await self.client.add_business_account(self.way, name)
        return await self.client.add_agent(self.way, brand, replace(PROFILE, name=name), RCS)

    async def put_up(self, agent: str, *regions: str) -> None:
        await self.client.request_verification(self.way, agent, PROFILE, BUSINESS)
        await self.client.request_launch(self.way, agent, PROFILE, RCS, regions)

    async def statuses(self, agent: str) -> dict[str, CarrierStatus]:
        return {region: verdict.status for region, verdict in (await self.client.verdicts(self.way, agent)).items()}

    async def fails(self, status: int, count: int = 1) -> None:
        await self.emulator.fail_next(self.account, count, status=status, code=0)

    def add_sender(self, agent: str) -> Sender:
        sender = a_sender(Status.ONLINE, account_id=self.account, link=Link(network_id=agent))
        sender = replace(sender, channel=Channel.RCS, due_at=None)
        self.backstage.world.senders[sender.id] = sender
        return sender


@pytest.fixture
async def stage(pool: asyncpg.Pool) -> AsyncIterator[Stage]:
    clock, inbox = FakeClock(datetime.now(UTC)), PostgresInbox(pool)
    account, backstage, ways = new_account_id(), Backstage(clock), list[Connection]()
    backstage.world.accounts[account] = Account(
        account, "test", AccountKind.SANDBOX, None, clock.now(), None, timedelta(0)
    )
    await pool.execute(
        "insert into accounts (id, name, kind, created_at) values ($1, 'test', 'sandbox', $2)", account, clock.now()
    )

    async def speaking(_partner: str) -> list[Connection]:
        return ways

    async def connected(_partner: str) -> list[tuple[AccountId, Connection]]:
        return [(account, way) for way in ways]

    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    callbacks: dict[str, str | None] = {}
    async with aiohttp.ClientSession() as http:
        emulator = GoogleEmulator(
            pool,
            clock,
            pace=Pace.INSTANT,
            step=timedelta(milliseconds=200),
            public_url=f"{url}/networks/google",
            callback_url=lambda partner: f"{url}/ingress/google/{partner}",
            wake=lambda: None,
            http=http,
        )
        listener = google_listener.Listener(inbox, speaking, clock.now, lambda: None)
        asgi = Starlette(routes=[Mount("/networks/google", app=emulator.app), *listener.routes()])
        async with answering(cast("Service", SimpleNamespace(asgi=asgi)), listening):
            way = await emulator.open_account(account)
            ways.append(way)
            callbacks[way.app_id] = f"{url}/ingress/google/{way.app_id}"
            client = GoogleClient(
                http,
                clock,
                base_url=lambda _way: (f"{url}/networks/google",) * 2,
                callback_url=lambda way: callbacks[way.app_id],
                time_out=timedelta(seconds=10),
            )
            readers = {"google": google_listener.Notices(backstage.services(), connected).read}
            lane = InboxLane(clock, inbox, readers)
            yield Stage(clock, emulator, client, account, way, lane, backstage, callbacks)
    listening.close()


async def test_brand_and_agent_are_found_once_they_are_added(stage):
    client, way = stage.client, stage.way
    assert await client.find_business_account(way, "Acme") is None
    brand = await client.add_business_account(way, "Acme")
    assert await client.find_business_account(way, "Acme") == brand
    assert await client.find_agent(way, brand) is None
    agent = await client.add_agent(way, brand, PROFILE, RCS)
    assert await client.find_agent(way, brand) == agent
    assert await client.has_agent(way, agent)
    assert not await client.has_agent(way, "no_such_agent")
    await client.push_profile(way, agent, replace(PROFILE, name="Acme Post", emails=()), frozen=False)
    found = await fault_in(client.push_profile(way, agent, replace(PROFILE, description="{{x}}"), frozen=False))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.NETWORK_REFUSED)
    assert "template syntax" in found.detail
    gone = await fault_in(client.push_profile(way, "no_such_agent", PROFILE, frozen=False))
    assert gone.trouble is Trouble.AGENT_GONE
    nowhere = await fault_in(client.add_agent(way, "0f0e7c1a-1111-4222-8333-944455566677", PROFILE, RCS))
    assert nowhere.trouble is Trouble.ACCOUNT_INVALID


async def test_a_brand_is_found_beyond_the_first_page(stage):
    for number in range(60):
        await stage.client.add_business_account(stage.way, f"Brand {number}")
    assert await stage.client.find_business_account(stage.way, "Brand 59") is not None
    assert await stage.client.find_business_account(stage.way, "Brand 60") is None


async def test_every_region_has_its_country(stage):
    regions = {region.id: region for region in await stage.client.regions(stage.way)}
    assert (regions[ORANGE].country, regions[ORANGE].carrier) == ("FR", "Orange")
    assert len({region.country for region in regions.values()}) > 20


async def test_from_verification_to_launch_and_back(stage):
    client, way = stage.client, stage.way
    agent = await stage.agent()
    await client.subscribe(way, agent)
    await client.subscribe(way, agent)
    assert await client.verification(way, agent) is Verification.UNREQUESTED
    assert await client.verdicts(way, agent) == {}
    early = await fault_in(client.request_launch(way, agent, PROFILE, RCS, [ORANGE]))
    assert (early.decision, early.trouble) == (Decision.GIVE_UP, Trouble.LAUNCH_INCOMPLETE)
    for _ in range(2):
        await client.request_verification(way, agent, PROFILE, BUSINESS)
    assert await client.verification(way, agent) is Verification.UNVERIFIED
    for _ in range(2):
        await client.request_launch(way, agent, PROFILE, RCS, [ORANGE, SFR])
    assert await stage.statuses(agent) == {ORANGE: CarrierStatus.PENDING, SFR: CarrierStatus.PENDING}

    sender = stage.add_sender(agent)
    await stage.settle()
    assert await client.verification(way, agent) is Verification.VERIFIED
    await client.request_verification(way, agent, PROFILE, BUSINESS)
    assert set((await stage.statuses(agent)).values()) == {CarrierStatus.LAUNCHED}
    assert (await client.verdicts(way, agent))[ORANGE].changed_at is not None
    assert await stage.lane.drain(), "the carriers' decisions came in by webhook"
    assert stage.backstage.world.senders[sender.id].due_at is not None

    fixed = await fault_in(client.push_profile(way, agent, replace(PROFILE, name="Other"), frozen=False))
    assert fixed.trouble is Trouble.NETWORK_REFUSED
    await client.push_profile(way, agent, replace(PROFILE, name="Other", description="New words"), frozen=True)
    alone = await fault_in(client.request_launch(way, agent, PROFILE, RCS, [FREE]))
    assert (alone.trouble, ORANGE in alone.detail) == (Trouble.LAUNCH_INCOMPLETE, True)

    await client.retire(way, agent)
    assert set((await stage.statuses(agent)).values()) == {CarrierStatus.UNLAUNCHED}
    assert not await client.has_agent(way, agent)
    await client.retire(way, agent)


async def test_a_carriers_words_come_through(stage):
    agent = await stage.agent("Acme Rejected")
    await stage.put_up(agent, ORANGE)
    await stage.settle()
    verdict = (await stage.client.verdicts(stage.way, agent))[ORANGE]
    assert (verdict.status, bool(verdict.remark)) == (CarrierStatus.REJECTED, True)


async def test_an_agent_under_review_is_withdrawn(stage):
    agent = await stage.agent()
    await stage.put_up(agent, ORANGE)
    await stage.client.retire(stage.way, agent)
    assert not await stage.client.has_agent(stage.way, agent)
    assert await stage.statuses(agent) == {ORANGE: CarrierStatus.UNLAUNCHED}
    await stage.client.retire(stage.way, "no_such_agent")


async def test_testers_are_invited_asked_again_and_let_go(stage):
    client, way, agent = stage.client, stage.way, await stage.agent()
    for phone in (ACCEPTS, DECLINES, SILENT, SILENT):
        await client.invite(way, agent, phone)
    await stage.settle()
    accepted, declined, invited = (rcs.TesterStatus(word) for word in ("accepted", "declined", "invited"))
    assert await client.testers(way, agent) == {ACCEPTS: accepted, DECLINES: declined, SILENT: invited}
    await client.invite(way, agent, DECLINES)
    assert (await client.testers(way, agent))[DECLINES] is invited

    assert "RICHCARD_STANDALONE" in await client.capabilities(way, agent, ACCEPTS)
    assert (await fault_in(client.capabilities(way, agent, SILENT))).trouble is Trouble.TESTER_NOT_READY
    for call in (client.invite(way, agent, NO_RCS), client.capabilities(way, agent, NO_RCS)):
        found = await fault_in(call)
        assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.PHONE_UNREACHABLE)

    for _ in range(2):
        await client.remove_tester(way, agent, SILENT)
    assert SILENT not in await client.testers(way, agent)


async def test_invitations_are_used_up_after_twenty(stage):
    agent = await stage.agent()
    for number in range(20):
        await stage.client.invite(stage.way, agent, f"+155501010{number:02}")
    found = await fault_in(stage.client.invite(stage.way, agent, SILENT))
    assert (found.decision, found.trouble, found.after) == (Decision.WAIT, Trouble.INVITATIONS_USED_UP, 86400)


async def test_the_webhook_moves_with_our_address(stage):
    client, way, agent = stage.client, stage.way, await stage.agent()
    await client.subscribe(way, agent)
    first = stage.callbacks[way.app_id]
    assert first is not None
    stage.callbacks[way.app_id] = first.replace("127.0.0.1", "localhost")
    await client.subscribe(way, agent)
    stage.callbacks[way.app_id] = first.replace("/ingress/google/", "/nowhere/")
    found = await fault_in(client.subscribe(way, agent))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.NETWORK_REFUSED)
    stage.callbacks[way.app_id] = None
    await client.subscribe(way, agent)


@pytest.mark.parametrize(
    ("status", "decision", "trouble"),
    [
        (429, Decision.WAIT, Trouble.NETWORK_UNAVAILABLE),
        (500, Decision.RETRY, Trouble.NETWORK_UNAVAILABLE),
        (503, Decision.RETRY, Trouble.NETWORK_UNAVAILABLE),
        (403, Decision.GIVE_UP, Trouble.ACCESS_DENIED),
        (400, Decision.GIVE_UP, Trouble.NETWORK_REFUSED),
    ],
)
async def test_failures_that_were_asked_for(stage, status, decision, trouble):
    agent = await stage.agent()
    await stage.fails(status)
    found = await fault_in(stage.client.push_profile(stage.way, agent, PROFILE, frozen=False))
    assert (found.decision, found.trouble) == (decision, trouble)
    await stage.client.push_profile(stage.way, agent, PROFILE, frozen=False)


async def test_a_token_that_was_refused_is_renewed(stage):
    agent = await stage.agent()
    await stage.fails(401)
    assert await stage.client.has_agent(stage.way, agent)


async def test_a_key_that_is_not_the_accounts_own_is_denied(stage):
    mine: dict[str, Any] = orjson.loads(stage.way.token)
    named = {"private_key_id": mine["private_key_id"], "client_email": mine["client_email"]}
    found = await fault_in(stage.client.regions(replace(stage.way, token=key_file(mine["token_uri"], **named))))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.ACCESS_DENIED)
    assert "Invalid JWT Signature" in found.detail
