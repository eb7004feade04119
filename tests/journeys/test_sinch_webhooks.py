"""Sinch's webhooks, from a change at the network to a receiver's socket, over the whole service."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabard.app.accounts import create_account
from tabard.domain.account import AccountKind
from tests.journeys.test_rcs_launch import BRAND, QUESTIONNAIRE, THIN, decide
from tests.support.patience import eventually
from tests.support.receiver import Hit, Receiver, receiving
from tests.support.service import Running, running
from tests.support.sinch_customer import SinchCustomer

SECRET, OTHER_SECRET = "example-secret-ä", "another-secret"
HEADER = "x-sinch-webhook-signature"
NUMBER = "+15550100001"


@dataclass(frozen=True)
class Listener:
    """A customer with a receiver of webhooks."""

    customer: SinchCustomer
    receiver: Receiver

    async def subscribe(self, *triggers: str, path: str = "/webhooks", secret: str = SECRET) -> Any:
        body = {"target": self.receiver.url + path, "secret": secret, "triggers": [*triggers]}
        reply = await self.customer.call("POST", "/webhooks", body)
        assert reply.status == 201, reply
        return reply.body

    def at(self, path: str) -> list[Hit]:
        return [hit for hit in self.receiver.hits if hit.path == path]

    def told(self, *types: str, path: str = "/webhooks", secret: str = SECRET) -> list[dict[str, Any]]:
        """Everything of these types that has come, in order; its signatures hold."""
        got = self.at(path)
        for one in got:
            assert one.method == "POST"
            assert one.headers["content-type"] == "application/json"
            assert verified(one.body, secret, one.headers)
            assert "oken" not in one.body.decode()
        nonces = [one.headers[f"{HEADER}-nonce"] for one in got]
        assert len(set(nonces)) == len(nonces)
        return [body for body in (json.loads(one.body) for one in got) if body["type"] in types]

    async def hears(self, wanted: int, *types: str, **where: str) -> list[dict[str, Any]]:
        """What was told of these types, once there is so much of it."""

        async def look() -> list[dict[str, Any]]:
            return self.told(*types, **where)

        return await eventually(look, lambda told: len(told) >= wanted)

    async def hears_of(self, type_: str, **payload: str) -> None:
        """Waits for one of this type whose payload holds these fields."""

        async def look() -> list[dict[str, Any]]:
            return [told["payload"] for told in self.told(type_)]

        await eventually(look, lambda told: any(payload.items() <= one.items() for one in flat(told)))


def flat(payloads: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{name: value for name, value in one.items() if isinstance(value, str)} for one in payloads]


def verified(body: bytes, secret: str, headers: Any) -> bool:
    """As the documentation has a receiver do it."""
    assert headers[f"{HEADER}-algorithm"] == "HmacSHA256"
    signed = body + f".{headers[f'{HEADER}-nonce']}.{headers[f'{HEADER}-timestamp']}".encode()
    expected = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(expected, headers[HEADER])


@asynccontextmanager
async def listening(dsn: str, tmp_path: Path, **settings: Any) -> AsyncIterator[Listener]:
    async with receiving() as receiver, running(dsn, tmp_path, **settings) as tabard:
        yield Listener(SinchCustomer(tabard), receiver)


async def test_the_life_of_an_rcs_sender(dsn, tmp_path):
    async with listening(dsn, tmp_path, sandbox_pace="realtime") as listener:
        customer = listener.customer
        await listener.subscribe("ALL")
        await listener.subscribe("RCS_SENDER_COMMENT_ADDED", path="/comments", secret=OTHER_SECRET)
        sender = await customer.create(THIN)
        await customer.update(sender, {"brand": BRAND, "countries": ["GB", "FR"], "questionnaire": QUESTIONNAIRE})
        await customer.reaches(sender, "IN_TEST")
        shown = await customer.launch(sender)
        carriers = sum(len(country["operators"]) for country in shown["countryStatus"])
        asked = await listener.hears(carriers, "RCS_SENDER_OPERATOR_STATUS_UPDATED")
        assert {(told["operatorPreviousStatus"], told["operatorCurrentStatus"]) for told in asked} == {
            ("NOT_LAUNCHED", "PENDING")
        }
        await customer.tabard.advance(days=4)
        remark = "The logo is not the brand's"
        await decide(customer, sender, country="FR", carrier="SFR", status="rejected", remark=remark)
        await decide(customer, sender, country="GB", carrier="EE", status="launched")
        await customer.reaches(sender, "LAUNCHED")
        await customer.call("POST", f"/rcs/senders/{sender['id']}/comments", {"comment": "SFR will get another logo"})
        await customer.call("POST", "/rcs/comments", {"comment": "When do you open?"})
        await told_of_the_whole_life(listener, sender, carriers, remark)


async def told_of_the_whole_life(listener: Listener, sender: Any, carriers: int, remark: str) -> None:
    moves = await listener.hears(4, "RCS_SENDER_STATUS_UPDATED")
    states = [(told["previousState"], told["currentState"]) for told in moves]
    assert states == [
        ("DRAFT", "IN_PROGRESS"),
        ("IN_PROGRESS", "IN_TEST"),
        ("IN_TEST", "LAUNCHING"),
        ("LAUNCHING", "LAUNCHED"),
    ]
    assert [told["payload"]["state"] for told in moves] == [current for _, current in states]
    assert {told["payload"]["id"] for told in moves} == {sender["id"]}
    shown = await listener.customer.get(f"/rcs/senders/{sender['id']}")
    assert shown.keys() - moves[-1]["payload"].keys() == {"authToken"}

    answers = await listener.hears(carriers + 2, "RCS_SENDER_OPERATOR_STATUS_UPDATED")
    decided = {told["operator"]: told for told in answers[carriers:]}
    rejected, launched = decided["SFR"], decided["EE"]
    assert (rejected["operatorCountry"], rejected["operatorPreviousStatus"]) == ("FR", "PENDING")
    assert (rejected["operatorCurrentStatus"], rejected["comment"]) == ("REJECTED", remark)
    assert (launched["operatorCountry"], launched["operatorCurrentStatus"]) == ("GB", "LAUNCHED")
    assert "comment" not in launched

    (comment,) = await listener.hears(1, "RCS_SENDER_COMMENT_ADDED")
    assert (comment["comment"], comment["payload"]["id"]) == ("SFR will get another logo", sender["id"])
    (of_account,) = await listener.hears(1, "RCS_ACCOUNT_COMMENT_ADDED")
    assert of_account == {"type": "RCS_ACCOUNT_COMMENT_ADDED", "comment": "When do you open?"}
    (only,) = await listener.hears(1, "RCS_SENDER_COMMENT_ADDED", path="/comments", secret=OTHER_SECRET)
    assert only == comment
    assert len(listener.at("/comments")) == 1


async def test_the_life_of_a_whatsapp_sender(dsn, tmp_path):
    async with listening(dsn, tmp_path) as listener:
        customer, tabard = listener.customer, listener.customer.tabard
        hook = await listener.subscribe("ALL")
        sid = await tabard.online(NUMBER)
        (awaits,) = await listener.hears(1, "WHATSAPP_SENDER_PENDING_VERIFICATION")
        (active,) = await listener.hears(1, "WHATSAPP_SENDER_ACTIVE")
        assert (awaits["payload"]["state"], active["payload"]["state"]) == ("PENDING_VERIFICATION", "ACTIVE")
        assert active["payload"]["phoneNumber"] == NUMBER[2:]

        await tabard.post(f"/sandbox/v1/numbers/{NUMBER}/quality", {"quality": "low"})
        await tabard.post("/sandbox/v1/messaging-limit", {"customers_per_day": 250})
        await listener.hears_of("WHATSAPP_SENDER_QUALITY_RATING_CHANGED", qualityRating="RED")
        await listener.hears_of("WHATSAPP_SENDER_DAILY_LIMIT_CHANGED", dailyLimit="TIER_250")

        sender_id = active["payload"]["id"]
        secret = {"secret": OTHER_SECRET, "target": f"{listener.receiver.url}/elsewhere"}
        assert (await customer.call("PATCH", f"/webhooks/{hook['id']}", secret)).status == 200
        comment = {"comment": "Our first number"}
        await customer.call("POST", f"/whatsapp/senders/{sender_id}/comments", comment)
        await customer.call("POST", "/whatsapp/comments", comment)
        elsewhere = {"path": "/elsewhere", "secret": OTHER_SECRET}
        (told,) = await listener.hears(1, "WHATSAPP_SENDER_COMMENT_ADDED", **elsewhere)
        assert (told["comment"], told["payload"]["id"]) == ("Our first number", sender_id)
        (told,) = await listener.hears(1, "WHATSAPP_ACCOUNT_COMMENT_ADDED", **elsewhere)
        assert told["comment"] == "Our first number"

        assert (await customer.call("DELETE", f"/whatsapp/senders/{sender_id}")).status == 204
        (inactive,) = await listener.hears(1, "WHATSAPP_SENDER_INACTIVE", **elsewhere)
        assert inactive["payload"]["state"] == "INACTIVE"
        await tabard.advance(days=31)
        (deleted,) = await listener.hears(1, "WHATSAPP_SENDER_DELETED", **elsewhere)
        assert deleted["payload"]["id"] == sender_id
        assert (await tabard.call("GET", f"/v2/Channels/Senders/{sid}")).status == 404


async def test_a_refused_number(dsn, tmp_path):
    async with listening(dsn, tmp_path) as listener:
        await listener.subscribe("WHATSAPP_SENDER_REJECTED", "WHATSAPP_SENDER_ERROR")
        await listener.subscribe("WHATSAPP_TEMPLATE_APPROVED", path="/templates")
        number = "+15550100112"
        details = {"countryCode": "1", "phoneNumber": number[2:], "displayName": "Example Parcels"}
        await listener.customer.create({"details": details}, kind="whatsapp")
        (told,) = await listener.hears(1, "WHATSAPP_SENDER_REJECTED", "WHATSAPP_SENDER_ERROR")
        assert told["comment"] == told["payload"]["changes"]["errorReason"]
        assert listener.at("/templates") == []


async def test_a_webhook_that_is_deleted_hears_no_more(dsn, tmp_path):
    async with listening(dsn, tmp_path) as listener:
        customer = listener.customer
        first = await listener.subscribe("ALL", path="/first")
        await listener.subscribe("ALL", path="/second")
        await customer.call("POST", "/rcs/comments", {"comment": "One"})
        await listener.hears(1, "RCS_ACCOUNT_COMMENT_ADDED", path="/first")
        assert (await customer.call("DELETE", f"/webhooks/{first['id']}")).status == 204
        await customer.call("POST", "/rcs/comments", {"comment": "Two"})
        heard = await listener.hears(2, "RCS_ACCOUNT_COMMENT_ADDED", path="/second")
        assert [told["comment"] for told in heard] == ["One", "Two"]
        assert len(listener.at("/first")) == 1


async def test_fifteen_at_most_though_all_come_at_once(customer: Running):
    sinch = SinchCustomer(customer)

    async def create(number: int) -> int:
        body = {"target": f"http://127.0.0.1:9/{number}", "secret": "example", "triggers": ["BUNDLE_DONE"]}
        return (await sinch.call("POST", "/webhooks", body)).status

    statuses = await asyncio.gather(*(create(number) for number in range(20)))
    assert sorted(statuses) == [201] * 15 + [424] * 5
    listed = await sinch.get("/webhooks")
    assert listed["totalSize"] == len(listed["webhooks"]) == 15
    first, second, *_ = listed["webhooks"]
    taken = await sinch.call("PATCH", f"/webhooks/{second['id']}", {"target": first["target"]})
    assert (taken.status, taken.body["errorCode"]) == (409, "webhook_exists")


async def test_a_live_accounts_webhook_must_be_public(house: Running):
    live = house.speaking(await create_account(house.parts.services, "Live", AccountKind.LIVE))
    sinch = SinchCustomer(live)
    body = {"target": "http://127.0.0.1:9/", "secret": "example", "triggers": ["ALL"]}
    for target in ("http://127.0.0.1:9/", "http://10.0.0.1", "http://[::1]/", "http://169.254.169.254/latest"):
        refused = await sinch.call("POST", "/webhooks", {**body, "target": target})
        assert (refused.status, refused.body["errorCode"]) == (400, "invalid_input")
        (problem,) = refused.body["additionalInformation"]["validationErrors"]
        assert problem.startswith("target can't be called: the host ")
    made = (await sinch.call("POST", "/webhooks", {**body, "target": "https://example.com/webhooks"})).body
    refused = await sinch.call("PATCH", f"/webhooks/{made['id']}", {"target": "http://127.0.0.1:9/"})
    assert refused.status == 400
    assert await sinch.get(f"/webhooks/{made['id']}") == made
