"""An RCS sender's life in a workshop: its owner speaks Twilio's words, its carriers decide when a test says so."""

from dataclasses import dataclass
from typing import Any

from tabard.app.accounts import SANDBOX_ACCOUNT
from tabard.domain.agents.agent import Agent
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.lifecycle import Status
from tabard.domain.sender import Sender
from tabard.networks.google.emulator import state
from tabard.networks.google.emulator.state import Brand
from tabard.ports.emulations import EmulatedRcs
from tests.support.service import SENDERS
from tests.support.workshop import Workshop

PROFILE: dict[str, Any] = {
    "name": "Example Cafe",
    "description": "Coffee and cake",
    "accent_color": "#0b3d91",
    "logo_url": "http://127.0.0.1:9/logo.png",
    "banner_url": "http://127.0.0.1:9/banner.png",
    "privacy_url": "https://example.com/privacy",
    "terms_of_service_url": "https://example.com/terms",
    "emails": ["care@example.com"],
    "websites": ["https://example.com"],
}
"""All that Google asks of an agent; nobody is at the pictures' address, which a sandbox only warns of."""

SWEDEN = ("Telia", "Tele2", "Telenor", "Three")
_, PENDING, LAUNCHED, REJECTED, SUSPENDED, _ = CarrierStatus


@dataclass(frozen=True)
class RcsLife:
    shop: Workshop

    # what its owner does

    async def create(self, address: str = "example_cafe", **more: Any) -> str:
        """The SID of a new sender; `more` is set in its profile."""
        body = {"sender_id": f"rcs:{address}", "profile": {**PROFILE, **more}}
        return str((await self.shop.tabard.post(SENDERS, body))["sid"])

    async def update(self, sid: str, **profile: Any) -> Any:
        return await self.shop.tabard.post(f"{SENDERS}/{sid}", {"profile": profile})

    async def launch(self, sid: str, *countries: str) -> Any:
        named = [{"country": country} for country in countries]
        return await self.shop.tabard.post(f"{SENDERS}/{sid}", {"compliance": {"countries": named}})

    async def invite(self, sid: str, *phones: str) -> None:
        for phone in phones:
            reply = await self.shop.tabard.call("POST", f"{SENDERS}/{sid}/TestDevices", {"phone_number": phone})
            assert reply.status == 201, reply

    async def delete(self, sid: str) -> None:
        assert (await self.shop.tabard.call("DELETE", f"{SENDERS}/{sid}")).status == 204

    async def testing(self, address: str = "example_cafe", **more: Any) -> str:
        sid = await self.create(address, **more)
        await self.shop.pass_time(seconds=5)
        assert (await self.stored(sid)).status is Status.TESTING
        return sid

    async def launching(self, address: str = "example_cafe", *countries: str, **more: Any) -> str:
        """With nobody deciding: the pace must be manual."""
        sid = await self.testing(address, **more)
        await self.launch(sid, *(countries or ("SE",)))
        await self.shop.pass_time(seconds=5)
        assert (await self.stored(sid)).status is Status.LAUNCHING
        return sid

    async def online(self, address: str = "example_cafe", *countries: str, **more: Any) -> str:
        sid = await self.testing(address, **more)
        await self.launch(sid, *(countries or ("SE",)))
        await self.shop.pass_time(seconds=5)
        assert (await self.stored(sid)).status is Status.ONLINE
        return sid

    # what is seen here

    async def stored(self, sid: str) -> Sender:
        return await self.shop.stored(sid)

    async def agent(self, sid: str) -> Agent:
        return (await self.stored(sid)).rcs

    async def carriers(self, sid: str) -> dict[str, CarrierStatus]:
        return {carrier.name: carrier.status for carrier in (await self.agent(sid)).carriers}

    async def testers(self, sid: str) -> dict[str, str]:
        return {tester.address: tester.status.value for tester in (await self.agent(sid)).testers}

    # what is seen at the network

    async def brands(self, name: str = "example_cafe") -> list[str]:
        rows = await self.shop.tabard.parts.pool.fetch(
            "select id from sandbox.google_brands where display_name like $1 || ' %'", name
        )
        return [row["id"] for row in rows]

    async def agents(self, name: str = "example_cafe") -> list[state.Agent]:
        """Those of the sender's brands, put away or not."""
        rows = await self.shop.tabard.parts.pool.fetch(
            "select g.*, b.display_name as brand from sandbox.google_agents g "
            "join sandbox.google_brands b on b.id = g.brand_id where b.display_name like $1 || ' %' order by g.seq",
            name,
        )
        return [
            state.from_document(
                row["id"], Brand(row["brand_id"], row["brand"]), row["display_name"], row["document"], row["version"]
            )
            for row in rows
        ]

    async def only_agent(self, name: str = "example_cafe") -> state.Agent:
        assert len(await self.brands(name)) == 1
        (agent,) = await self.agents(name)
        return agent

    async def texts(self, phone: str) -> int:
        """How often the phone was invited, by whomever."""
        count = await self.shop.tabard.parts.pool.fetchval(
            "select count(*) from sandbox.google_texts where address = $1", phone
        )
        return int(count)

    # what happens at the network

    @property
    def network(self) -> EmulatedRcs:
        sandbox = self.shop.tabard.parts.services.sandbox
        assert sandbox is not None
        return sandbox.rcs

    async def decide(self, sid: str, status: CarrierStatus, *carriers: str, remark: str | None = None) -> None:
        """Let the carriers decide, all to whom it is open if none is named."""
        sender = await self.stored(sid)
        agent_id = sender.link.network_id
        assert agent_id is not None
        regions: list[str | None] = [one.region for one in sender.rcs.carriers if one.name in carriers]
        for region in regions or [None]:
            await self.network.decide_launch(SANDBOX_ACCOUNT, agent_id, region and [region], status, remark)

    async def verify(self, sid: str) -> None:
        agent_id = (await self.stored(sid)).link.network_id
        assert agent_id is not None
        await self.network.decide_verification(SANDBOX_ACCOUNT, agent_id, verified=True)

    async def tells_nothing(self) -> None:
        """From now on every webhook gets lost."""
        await self.shop.tabard.parts.pool.execute("update sandbox.google_realms set drops_webhooks = true")

    async def fails(self, count: int, status: int) -> None:
        await self.network.fail_next(SANDBOX_ACCOUNT, count, status=status, code=0)
