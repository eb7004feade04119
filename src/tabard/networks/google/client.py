"""Our client of Google's RCS for Business (Business Communications API and RCS Business Messaging API).

Google has no idempotency keys. Every method is safe to repeat all the same: it looks before it adds, or its caller
does, and what was done already is taken for done. An agent is called by its own id alone, whichever brand it has.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import aiohttp

from tabard.domain.account import Connection
from tabard.domain.agents.agent import Agent, BusinessContact, TesterStatus
from tabard.domain.agents.launch import Region, Verdict
from tabard.domain.profile import Profile
from tabard.domain.sender import Trouble
from tabard.networks import calls
from tabard.networks.calls import Document
from tabard.networks.google import agents, launches
from tabard.networks.google.faults import Operation
from tabard.networks.google.regions import KnownRegions
from tabard.networks.google.rpc import Call, Rpc, id_of
from tabard.networks.google.wire import InviteStatus, RpcStatus
from tabard.ports.networks import Decision, NetworkFault, RcsNetwork, Verification
from tabard.ports.world import Clock

_AGENT = "brands/-/agents/{}"
_TESTERS: Mapping[str, TesterStatus] = {
    InviteStatus.PENDING: TesterStatus.INVITED,
    InviteStatus.ACCEPTED: TesterStatus.ACCEPTED,
    InviteStatus.DECLINED: TesterStatus.DECLINED,
}
_LEFT_ALONE = {Trouble.AGENT_GONE, Trouble.NETWORK_REFUSED}
"""What Google does not allow of a retirement stays as it is."""


class GoogleClient:
    def __init__(
        self,
        http: aiohttp.ClientSession,
        clock: Clock,
        *,
        base_url: Callable[[Connection], tuple[str, str]],
        callback_url: Callable[[Connection], str | None],
        time_out: timedelta = timedelta(seconds=20),
        pages: int = 100_000,
    ) -> None:
        """`base_url` gives the management API's and the messaging API's address, before the version; `callback_url`
        where Google is to tell us of an agent. `pages` bounds every list."""
        self._rpc = Rpc(http, clock, base_url=base_url, time_out=time_out, pages=pages)
        self._clock = clock
        self._callback_url = callback_url
        self._regions = KnownRegions()

    async def regions(self, way: Connection) -> Sequence[Region]:
        known = self._regions.of(way, self._clock.now())
        if known is not None:
            return known
        rows = await self._rpc.listed(way, Call(Operation.READ_REGIONS, "GET", "regions"), "regions")
        return self._regions.learn(way, rows, self._clock.now())

    # brands and agents

    async def find_business_account(self, way: Connection, name: str) -> str | None:
        wanted = name[: agents.NAME_LIMIT]

        def ours(row: Document) -> str | None:
            return id_of(row, "brands") if row.get("displayName") == wanted else None

        return await self._rpc.search(way, Call(Operation.FIND_BRAND, "GET", "brands"), "brands", ours)

    async def add_business_account(self, way: Connection, name: str) -> str:
        body = {"displayName": name[: agents.NAME_LIMIT]}
        try:
            document = await self._rpc.ask(way, Call(Operation.ADD_BRAND, "POST", "brands", body=body))
        except NetworkFault as fault:
            return _there(fault, await self.find_business_account(way, name) if _exists(fault) else None)
        return _id(document, "brands")

    async def find_agent(self, way: Connection, business_account: str) -> str | None:
        def living(row: Document) -> str | None:
            return None if row.get("isArchived") is True else id_of(row, "agents")

        call = Call(Operation.FIND_AGENT, "GET", "brands/{}/agents", (business_account,))
        return await self._rpc.search(way, call, "agents", living)

    async def add_agent(self, way: Connection, business_account: str, profile: Profile, agent: Agent) -> str:
        body = agents.new_agent(profile, agent)
        call = Call(Operation.ADD_AGENT, "POST", "brands/{}/agents", (business_account,), body=body)
        try:
            document = await self._rpc.ask(way, call)
        except NetworkFault as fault:
            return _there(fault, await self.find_agent(way, business_account) if _exists(fault) else None)
        return _id(document, "agents")

    async def has_agent(self, way: Connection, agent_id: str) -> bool:
        """An archived agent is there no more: nobody can see it, and nothing brings it back but Google's support."""
        call = Call(Operation.READ_AGENT, "GET", _AGENT, (agent_id,))
        document = await self._if_there(way, call)
        return document is not None and document.get("isArchived") is not True

    async def push_profile(self, way: Connection, agent_id: str, profile: Profile, *, frozen: bool) -> None:
        mask, body = agents.change(profile, frozen=frozen)
        query = {"updateMask": mask}
        await self._rpc.ask(way, Call(Operation.PUSH_PROFILE, "PATCH", _AGENT, (agent_id,), query=query, body=body))

    async def subscribe(self, way: Connection, agent_id: str) -> None:
        """An agent has one webhook; Google checks its address whenever that is set."""
        url = self._callback_url(way)
        if url is None:
            return
        path, hook = f"{_AGENT}/integrations", "agentWebhookIntegration"
        wanted = {"webhookUri": url, "verificationToken": way.verify_token}

        def webhook(row: Document) -> Document | None:
            return row if isinstance(row.get(hook), dict) else None

        listing = Call(Operation.SUBSCRIBE, "GET", path, (agent_id,))
        there = await self._rpc.search(way, listing, "integrations", webhook)
        if there is None:
            await self._rpc.ask(way, Call(Operation.SUBSCRIBE, "POST", path, (agent_id,), body={hook: wanted}))
        elif there[hook].get("webhookUri") != url:
            ids = (agent_id, _id(there, "integrations"))
            query = {"updateMask": f"{hook}.webhookUri,{hook}.verificationToken"}
            change = Call(Operation.SUBSCRIBE, "PATCH", f"{path}/{{}}", ids, query=query, body={hook: wanted})
            await self._rpc.ask(way, change)

    # verification and launch

    async def verification(self, way: Connection, agent_id: str) -> Verification:
        call = Call(Operation.READ_VERIFICATION, "GET", f"{_AGENT}/verification", (agent_id,))
        document = await self._if_there(way, call)
        if document is not None:
            return launches.verification_of(document)
        await self._require_agent(way, agent_id)
        return Verification.UNREQUESTED

    async def request_verification(
        self, way: Connection, agent_id: str, profile: Profile, contact: BusinessContact
    ) -> None:
        """Looks first: Google takes one request at a time."""
        body = {"agentVerificationContact": launches.verification_contact(profile, contact)}
        if await self.verification(way, agent_id) is not Verification.UNREQUESTED:
            return
        path = f"{_AGENT}:requestVerification"
        call = Call(Operation.REQUEST_VERIFICATION, "POST", path, (agent_id,), body=body)
        try:
            await self._rpc.ask(way, call)
        except NetworkFault as fault:
            if not _exists(fault):
                raise

    async def request_launch(
        self, way: Connection, agent_id: str, profile: Profile, agent: Agent, regions: Collection[str]
    ) -> None:
        body = launches.launch(profile, agent, regions)
        path = f"{_AGENT}:requestLaunch"
        await self._rpc.ask(way, Call(Operation.REQUEST_LAUNCH, "POST", path, (agent_id,), body=body))

    async def verdicts(self, way: Connection, agent_id: str) -> Mapping[str, Verdict]:
        call = Call(Operation.READ_LAUNCH, "GET", f"{_AGENT}/launch", (agent_id,))
        document = await self._if_there(way, call)
        if document is None:
            await self._require_agent(way, agent_id)
        return launches.verdicts_of(document or {})

    async def retire(self, way: Connection, agent_id: str) -> None:
        """An agent that some carrier shows or may come to show can't be put away."""
        path = f"{_AGENT}/launch"
        launch = await self._if_there(way, Call(Operation.RETIRE, "GET", path, (agent_id,)))
        # Without a mask, as Google's guide has it: one would name all regions, or none.
        withdrawals = launches.withdrawals(launch or {})
        changes = [Call(Operation.RETIRE, "PATCH", path, (agent_id,), body=body) for body in withdrawals]
        query, archived = {"updateMask": "is_archived"}, {"isArchived": True}
        changes.append(Call(Operation.RETIRE, "PATCH", _AGENT, (agent_id,), query=query, body=archived))
        for change in changes:
            try:
                await self._rpc.ask(way, change)
            except NetworkFault as fault:
                if fault.trouble not in _LEFT_ALONE:
                    raise

    # testers

    async def testers(self, way: Connection, agent_id: str) -> Mapping[str, TesterStatus]:
        call = Call(Operation.LIST_TESTERS, "GET", "testers", query={"agentId": agent_id})
        rows = await self._rpc.listed(way, call, "testers")
        return {row["phoneNumber"]: _tester(row) for row in rows if isinstance(row.get("phoneNumber"), str)}

    async def invite(self, way: Connection, agent_id: str, address: str) -> None:
        """A phone that has answered before is asked anew; one that has not is left to its invitation."""
        body = {"agentId": agent_id, "phoneNumber": address}
        invitation = Call(Operation.INVITE, "POST", "testers", body=body)
        try:
            await self._rpc.ask(way, invitation)
        except NetworkFault as fault:
            if not _exists(fault):
                raise
        else:
            return
        if await self._tester(way, agent_id, address) is TesterStatus.INVITED:
            return
        await self.remove_tester(way, agent_id, address)
        await self._rpc.ask(way, invitation)

    async def remove_tester(self, way: Connection, agent_id: str, address: str) -> None:
        query = {"agentId": agent_id}
        await self._if_there(way, Call(Operation.REMOVE_TESTER, "DELETE", "testers/{}", (address,), query=query))

    async def capabilities(self, way: Connection, agent_id: str, address: str) -> Sequence[str]:
        query = {"requestId": str(uuid4()), "agentId": agent_id}
        path = "phones/{}/capabilities"
        call = Call(Operation.CAPABILITIES, "GET", path, (address,), query=query, messaging=True)
        try:
            document = await self._rpc.ask(way, call)
        except NetworkFault as fault:
            # Google says of a phone without RCS and of one that has not accepted that it is not found.
            unready = fault.code == RpcStatus.NOT_FOUND and await self._has_not_accepted(way, agent_id, address)
            if not unready:
                raise
        else:
            features = document.get("features")
            return [name for name in features if isinstance(name, str)] if isinstance(features, list) else []
        detail = f"{address} has not accepted the invitation to test the agent"
        raise NetworkFault(Decision.GIVE_UP, Trouble.TESTER_NOT_READY, detail, code=RpcStatus.NOT_FOUND)

    async def _has_not_accepted(self, way: Connection, agent_id: str, address: str) -> bool:
        status = await self._tester(way, agent_id, address)
        return status is not None and status is not TesterStatus.ACCEPTED

    async def _tester(self, way: Connection, agent_id: str, address: str) -> TesterStatus | None:
        query = {"agentId": agent_id}
        document = await self._if_there(way, Call(Operation.READ_TESTER, "GET", "testers/{}", (address,), query=query))
        return None if document is None else _tester(document)

    # what may not be there

    async def _if_there(self, way: Connection, call: Call) -> Document | None:
        try:
            return await self._rpc.ask(way, call)
        except NetworkFault as fault:
            if fault.code != RpcStatus.NOT_FOUND:
                raise
        return None

    async def _require_agent(self, way: Connection, agent_id: str) -> None:
        """Part of the agent is not found: is it only not there yet? Fault AGENT_GONE."""
        await self._rpc.ask(way, Call(Operation.READ_AGENT, "GET", _AGENT, (agent_id,)))


def _exists(fault: NetworkFault) -> bool:
    return fault.code == RpcStatus.ALREADY_EXISTS


def _there(fault: NetworkFault, found: str | None) -> str:
    """What another call has added meanwhile, or the fault: it asks the caller to come back."""
    if found is None:
        raise fault
    return found


def _id(document: Document, collection: str) -> str:
    found = id_of(document, collection)
    if found is None:
        raise calls.unavailable(f"Google's answer names none of {collection}")
    return found


def _tester(row: Document) -> TesterStatus:
    """A word that we do not know is no answer yet."""
    return _TESTERS.get(str(row.get("inviteStatus")), TesterStatus.INVITED)


if TYPE_CHECKING:

    def _fulfils(client: GoogleClient) -> RcsNetwork:
        return client
