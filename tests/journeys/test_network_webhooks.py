"""What the network tells of its own accord: signed, kept as it came before it is answered, and handled once."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tabard.app.accounts import SANDBOX_ACCOUNT
from tabard.domain.account import Connection
from tests.support.patience import eventually
from tests.support.service import SENDERS, Reply, Running, running
from tests.support.workshop import Workshop, workshop

NUMBER = "+15550100001"


@dataclass(frozen=True)
class Network:
    """Somebody who sends webhooks in the network's name, and knows the app's secret."""

    tabard: Running
    way: Connection

    def body(self, name: str, value: dict[str, Any], **more: Any) -> bytes:
        entry = {"id": self.way.business_account, "time": 1, "changes": [{"field": name, "value": value}]}
        return json.dumps({"object": "whatsapp_business_account", "entry": [entry], **more}).encode()

    def signature(self, body: bytes) -> str:
        return "sha256=" + hmac.new(self.way.app_secret.encode(), body, hashlib.sha256).hexdigest()

    async def tell(self, body: bytes, signature: str | None = None, app_id: str | None = None) -> int:
        headers = {"X-Hub-Signature-256": self.signature(body) if signature is None else signature}
        address = f"{self.tabard.url}/ingress/meta/{app_id or self.way.app_id}"
        async with self.tabard.http.post(address, data=body, headers=headers) as response:
            return response.status

    async def kept(self) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self.tabard.parts.pool.fetch("select * from network_inbox")
        return rows


async def network_of(tabard: Running) -> Network:
    way = await tabard.parts.services.accounts.connection(SANDBOX_ACCOUNT, "meta")
    assert way is not None
    return Network(tabard, way)


@pytest_asyncio.fixture(loop_scope="session")
async def shop(dsn: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(dsn, tmp_path) as made:
        yield made


ALERT = {
    "entity_type": "PHONE_NUMBER",
    "display_phone_number": "15550100001",
    "alert_info": {"alert_type": "PAYMENT", "alert_description": "The card has expired"},
}


class TestOnTheWayIn:
    async def test_the_raw_body_is_kept_before_it_is_answered(self, shop: Workshop):
        network = await network_of(shop.tabard)
        body = network.body("account_alerts", ALERT, spaces="  and keys that nobody knows  ")
        assert await network.tell(body) == 200
        (row,) = await network.kept()
        assert (row["body"], row["attempts"]) == (body, 0)
        assert row["due_at"] is not None, "nobody has handled it yet"
        await shop.work()
        (row,) = await network.kept()
        assert (row["body"], row["attempts"], row["due_at"]) == (body, 1, None)

    @pytest.mark.parametrize("forgery", ["", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "ä"])
    async def test_a_wrong_signature_is_refused_and_nothing_is_kept(self, shop: Workshop, forgery: str):
        network = await network_of(shop.tabard)
        body = network.body("account_alerts", ALERT)
        assert await network.tell(body, forgery) == 401
        assert await network.tell(body + b" ", network.signature(body)) == 401
        assert await network.tell(body, app_id="100000000000000") == 401
        assert await network.kept() == []

    async def test_another_account_s_app_cannot_speak_for_this_one(self, shop: Workshop):
        sid = await shop.online(NUMBER)
        other = await shop.tabard.account()
        account = (await shop.tabard.parts.services.accounts.accounts())[-1]
        way = await shop.tabard.parts.services.accounts.connection(account.id, "meta")
        assert other.login == f"AC{account.id.hex}"
        assert way is not None
        stranger = Network(shop.tabard, way)
        victim = await network_of(shop.tabard)
        assert await stranger.tell(victim.body("account_alerts", ALERT)) == 200, "signed by the stranger's own app"
        await shop.work()
        assert (await shop.stored(sid)).warnings == ()

    async def test_the_same_delivery_twice_is_handled_once(self, shop: Workshop):
        sid = await shop.online(NUMBER)
        network = await network_of(shop.tabard)
        before = len(await network.kept())
        body = network.body("account_alerts", ALERT)
        for _ in range(3):
            assert await network.tell(body) == 200
            await shop.work()
        assert len(await network.kept()) == before + 1
        assert (await shop.events(sid)).count("sender.warning") == 1
        (warning,) = (await shop.stored(sid)).warnings
        assert warning.detail == "The card has expired"

    async def test_what_cannot_be_read_is_kept_and_holds_up_nobody(self, shop: Workshop):
        sid = await shop.online(NUMBER)
        network = await network_of(shop.tabard)
        for body in (
            b"",
            b"not json",
            b'{"object":"page"}',
            b"[]",
            b'{"object":"whatsapp_business_account","entry":3}',
        ):
            assert await network.tell(body) == 200
        assert await network.tell(network.body("account_alerts", ALERT)) == 200
        await shop.work()
        assert len((await shop.stored(sid)).warnings) == 1
        assert all(row["due_at"] is None for row in await network.kept())

    async def test_a_mistake_while_it_is_handled_is_made_good_later(self, shop: Workshop):
        sid = await shop.online(NUMBER)
        network = await network_of(shop.tabard)
        assert await network.tell(network.body("account_alerts", ALERT)) == 200
        await shop.tabard.parts.pool.execute("alter table events rename to events_away")
        try:
            await shop.others[0].drain()
        finally:
            await shop.tabard.parts.pool.execute("alter table events_away rename to events")
        assert (await shop.stored(sid)).warnings == ()
        await shop.pass_time(seconds=10)
        assert len((await shop.stored(sid)).warnings) == 1

    async def test_the_handshake_wants_the_verify_token(self, shop: Workshop):
        network = await network_of(shop.tabard)
        address = f"{shop.tabard.url}/ingress/meta/{network.way.app_id}?hub.mode=subscribe&hub.challenge=4711"
        for token, status in ((network.way.verify_token, 200), ("wrong", 403), ("", 403)):
            async with shop.tabard.http.get(f"{address}&hub.verify_token={token}") as response:
                assert response.status == status
                assert (await response.text() == "4711") == (status == 200)


class TestFromTheEmulatedNetwork:
    async def handled(self, tabard: Running) -> list[dict[str, Any]]:
        """The changes that came, once all of them have been handled."""
        rows = await eventually(
            lambda: tabard.parts.pool.fetch("select body, due_at, attempts from network_inbox"),
            lambda rows: rows and all(row["due_at"] is None for row in rows),
        )
        assert all(row["attempts"] == 1 for row in rows)
        return [json.loads(row["body"])["entry"][0]["changes"][0] for row in rows]

    async def test_they_arrive_signed_and_bring_the_news_at_once(self, tabard: Running):
        sid = await tabard.online(NUMBER)
        await tabard.post(f"/sandbox/v1/numbers/{NUMBER}/ban")
        await tabard.reaches(sid, "OFFLINE")
        told = [change["field"] for change in await self.handled(tabard)]
        assert "account_update" in told

    async def test_twice_the_same_is_still_one_change(self, dsn: str, tmp_path: Path):
        async with running(dsn, tmp_path) as tabard:
            await tabard.parts.pool.execute("update sandbox.meta_realms set duplicates_webhooks = true")
            sid = await tabard.online(NUMBER)
            for name, status in (("ban", "OFFLINE"), ("lift-ban", "ONLINE")):
                await tabard.post(f"/sandbox/v1/numbers/{NUMBER}/{name}")
                await tabard.reaches(sid, status)
            await self.handled(tabard)
            types = [row["type"] for row in await tabard.parts.pool.fetch("select type from events order by number")]
            assert (types.count("sender.offline"), types.count("sender.online")) == (1, 2)

    async def test_a_declined_name_comes_with_its_reason(self, tabard: Running):
        number = "+15550100115"
        sid = await tabard.online(number)
        await tabard.post(f"{SENDERS}/{sid}", {"profile": {"name": "Example Post"}})
        await tabard.until(sid, lambda sender: sender["pending_display_name_status"] == "DECLINED")
        refused: Reply = await tabard.call("POST", f"{SENDERS}/{sid}", {"profile": {"name": "Example Post"}})
        assert "NAME_NOT_CONSISTENT" in refused.body["message"]

    async def test_a_reason_that_comes_after_the_decision_was_seen_is_taken_over(self, shop: Workshop):
        sid = await shop.online(NUMBER)
        await shop.tabard.parts.pool.execute("update sandbox.meta_realms set drops_webhooks = true")
        await shop.tabard.post(f"{SENDERS}/{sid}", {"profile": {"name": "Example Post"}})
        await shop.reconcile.drain()
        await shop.tabard.parts.pool.execute(
            "update sandbox.meta_numbers set new_name_status = 'DECLINED', name_status = 'DECLINED'"
        )
        await shop.pass_time(hours=2)
        network = await network_of(shop.tabard)
        value = {"display_phone_number": "15550100001", "decision": "REJECTED"}
        for name, reason in (("Example Post", "TOO_PLAIN"), ("Another Name", "TOO_LOUD")):
            value |= {"requested_verified_name": name, "rejection_reason": reason}
            assert await network.tell(network.body("phone_number_name_update", value)) == 200
            await shop.work()
        refused: Reply = await shop.tabard.call("POST", f"{SENDERS}/{sid}", {"profile": {"name": "Example Post"}})
        assert (refused.status, refused.body["code"]) == (400, 63124)
        assert "TOO_PLAIN" in refused.body["message"]
