"""Our client of Meta's WhatsApp Business Platform (Cloud API and Business Management API).

Meta has no idempotency keys. Every method is safe to repeat all the same, because the caller looks before it adds
(`find_number`), and because what was done already is answered by a fault of its own (NUMBER_PRESENT, ALREADY_VERIFIED).
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp

from tabard.domain.account import Connection
from tabard.domain.profile import Profile
from tabard.domain.sender import Trouble, VerificationMethod
from tabard.networks import calls
from tabard.networks.calls import Document
from tabard.networks.meta import number
from tabard.networks.meta import profile as business_profile
from tabard.networks.meta.faults import Operation
from tabard.networks.meta.graph import Call, Graph
from tabard.networks.meta.wire import NUMBER_FIELDS, ErrorCode
from tabard.ports.networks import NetworkFault, NumberState, NumberStatus, WhatsAppNetwork
from tabard.ports.world import Clock, Image

_FIELDS = {"fields": ",".join(NUMBER_FIELDS)}
_LISTED_FIELDS = {"fields": "id,display_phone_number,status"}
_LANGUAGE = "en_US"
_LEFT_BEHIND = {NumberStatus.DELETED, NumberStatus.MIGRATED}


class MetaClient:
    def __init__(
        self,
        http: aiohttp.ClientSession,
        clock: Clock,
        *,
        base_url: Callable[[Connection], str],
        version: str,
        time_out: timedelta = timedelta(seconds=20),
        pages: int = 100,
    ) -> None:
        """`base_url` gives scheme, host and any path before the version. `pages` bounds every list, at 100 a page."""
        self._graph = Graph(http, clock, base_url=base_url, version=version, time_out=time_out)
        self._pages = pages

    async def find_number(self, way: Connection, business_account: str, address: str) -> NumberState | None:
        digits = number.digits_of(address)
        left_behind: list[str] = []

        def living(row: Document) -> str | None:
            state = number.state_of(row) if number.digits_of(row.get("display_phone_number")) == digits else None
            if state is not None and state.status in _LEFT_BEHIND:
                left_behind.append(state.id)  # the same number may be there again
                return None
            return state.id if state is not None else None

        # A business may hold many numbers: of all of them only what tells them apart, the rest of the one that matches.
        call = Call(Operation.FIND_NUMBER, "GET", business_account, "phone_numbers", query=_LISTED_FIELDS)
        found = await self._graph.search(way, call, living, self._pages) or next(iter(left_behind), None)
        return None if found is None else await self.number(way, found)

    async def number(self, way: Connection, number_id: str) -> NumberState | None:
        try:
            document = await self._graph.ask(way, Call(Operation.READ_NUMBER, "GET", number_id, query=_FIELDS))
        except NetworkFault as fault:
            if fault.trouble is Trouble.NUMBER_GONE:
                return None
            raise
        state = number.state_of(document)
        if state is None:
            raise calls.unavailable("Meta's answer names no number")
        return state

    async def add_number(self, way: Connection, business_account: str, address: str, display_name: str) -> str:
        calling_code, rest = number.split(address)
        body = {"cc": calling_code, "phone_number": rest, "verified_name": display_name}
        call = Call(Operation.ADD_NUMBER, "POST", business_account, "phone_numbers", body=body)
        number_id = (await self._graph.ask(way, call)).get("id")
        if not isinstance(number_id, str) or not number_id:
            raise calls.unavailable("Meta gave the number no id")
        return number_id

    async def request_code(self, way: Connection, number_id: str, method: VerificationMethod) -> None:
        body = {"code_method": method.value.upper(), "language": _LANGUAGE}
        await self._graph.ask(way, Call(Operation.REQUEST_CODE, "POST", number_id, "request_code", body=body))

    async def verify_code(self, way: Connection, number_id: str, code: str) -> None:
        secrets = (code, f"{code[:3]}-{code[3:]}")
        call = Call(Operation.VERIFY_CODE, "POST", number_id, "verify_code", body={"code": code}, secrets=secrets)
        await self._graph.ask(way, call)

    async def register(self, way: Connection, number_id: str, pin: str) -> None:
        body = {"messaging_product": "whatsapp", "pin": pin}
        call = Call(Operation.REGISTER, "POST", number_id, "register", body=body, secrets=(pin,))
        try:
            await self._graph.ask(way, call)
        except NetworkFault as fault:
            if (fault.code or "").partition("/")[0] == str(ErrorCode.DEREGISTRATION_INCOMPLETE.value):
                # Meta's cure: deregister again. The fault asks the caller to come back.
                with suppress(NetworkFault):
                    await self.deregister(way, number_id)
            raise

    async def deregister(self, way: Connection, number_id: str) -> None:
        await self._graph.ask(way, Call(Operation.DEREGISTER, "POST", number_id, "deregister"))

    async def subscribe_app(self, way: Connection, business_account: str) -> None:
        """Looks first: subscribing again would clear the business account's own webhook override."""

        def ours(row: Document) -> bool | None:
            app = row.get("whatsapp_business_api_data")
            return True if isinstance(app, dict) and app.get("id") == way.app_id else None

        listing = Call(Operation.SUBSCRIBE_APP, "GET", business_account, "subscribed_apps")
        if not await self._graph.search(way, listing, ours, self._pages):
            await self._graph.ask(way, Call(Operation.SUBSCRIBE_APP, "POST", business_account, "subscribed_apps"))

    async def push_profile(self, way: Connection, number_id: str, profile: Profile, logo: Image | None) -> None:
        await business_profile.push(self._graph, way, number_id, profile, logo)

    async def submit_name(self, way: Connection, number_id: str, name: str) -> None:
        await self._graph.ask(way, Call(Operation.SUBMIT_NAME, "POST", number_id, body={"new_display_name": name}))


if TYPE_CHECKING:

    def _fulfils(client: MetaClient) -> WhatsAppNetwork:
        return client
