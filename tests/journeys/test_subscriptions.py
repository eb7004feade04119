"""Subscriptions over the whole service: what a sender lives through arrives signed and in order, and again if asked."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from standardwebhooks import Webhook, WebhookVerificationError

from tabard.dialects.native.webhooks import SCHEDULE
from tests.support.patience import eventually
from tests.support.receiver import Hit, Receiver, receiving
from tests.support.service import SENDERS, Running

NUMBER = "+15550100001"
SECRET = "whsec_" + "A" * 32
FAILED_FOR_GOOD = {"days": 4}


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def subscribe(customer: Running, receiver: Receiver, *types: str, **more: Any) -> Any:
    body = {"url": f"{receiver.url}/hook?for=us", "types": types or ["sender.*"], **more}
    reply = await customer.call("POST", "/tabard/v1/subscriptions", body)
    assert reply.status == 201, reply
    return reply.body


def verifies(secret: str, hit: Hit) -> bool:
    try:
        Webhook(secret).verify(hit.body, hit.headers)
    except WebhookVerificationError:
        return False
    return True


def types(hits: list[Hit]) -> list[str]:
    return [hit.json["type"] for hit in hits]


async def try_out(customer: Running, made: Any) -> Any:
    return await customer.post(f"/tabard/v1/subscriptions/{made['id']}/test")


def attempted(delivery: Any) -> bool:
    return bool(delivery["attempt_count"])


async def settled(customer: Running, delivery: Any) -> Any:
    return await eventually(
        lambda: customer.get(f"/tabard/v1/deliveries/{delivery['id']}"), lambda seen: seen["state"] != "waiting"
    )


# delivering


async def test_a_life_arrives_signed_and_in_order(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver)
    sid = await customer.online(NUMBER)
    assert (await customer.call("DELETE", f"{SENDERS}/{sid}")).status == 204
    hits = await receiver.until(lambda hits: hits and types(hits)[-1] == "sender.deleted")
    feed = (await customer.get("/tabard/v1/events?type=sender.*&limit=1000"))["events"]
    numbers = [hit.json["data"]["number"] for hit in hits]
    assert numbers == [event["number"] for event in feed], "every event, once, in order"
    assert all(verifies(made["secret"], hit) for hit in hits)
    assert {(hit.method, hit.path) for hit in hits} == {("POST", "/hook?for=us")}
    assert len({hit.headers["webhook-id"] for hit in hits}) == len(hits)
    for hit, event in zip(hits, feed, strict=True):
        data = hit.json["data"]
        assert hit.json["type"] == event["type"]
        assert hit.json["timestamp"] == event["occurred_at"]
        assert (data["before"], data["after"], data["actor"]) == (event["before"], event["after"], event["actor"])
        assert (data["sender_id"], data["address"], data["channel"]) == (event["sender_id"], NUMBER, "whatsapp")
    statuses = [hit.json["data"]["status"] for hit in hits if hit.json["type"] == "sender.status"]
    assert statuses == ["pending_verification", "verifying", "online", "deleted"], "the sender as it was then"
    assert hits[0].json["data"]["sender"]["status"] == "creating"


async def test_only_what_was_asked_for(customer: Running, receiver: Receiver):
    await subscribe(customer, receiver, "sender.created", "sender.online")
    await customer.online(NUMBER)
    hits = await receiver.heard(2)
    assert types(hits) == ["sender.created", "sender.online"]


async def test_one_sender_or_one_channel(customer: Running, receiver: Receiver):
    first = (await customer.create(NUMBER))["sid"]
    mine = await subscribe(customer, receiver, "*", sender_id=str(UUID(first.removeprefix("XE"))))
    await subscribe(customer, receiver, "*", channel="rcs")
    await customer.online("+15550100002")
    await customer.post(f"{SENDERS}/{first}", {"webhook": {"callback_url": "https://example.com/ours"}})
    await receiver.until(lambda hits: "sender.webhook" in types(hits))
    await try_out(customer, mine)
    hits = await receiver.until(lambda hits: "subscription.test" in types(hits))
    assert {hit.json["data"]["address"] for hit in hits} == {NUMBER, None}


async def test_every_subscription_gets_its_own(customer: Running, receiver: Receiver):
    made = [await subscribe(customer, receiver, "sender.created") for _ in range(3)]
    await customer.create(NUMBER)
    hits = await receiver.heard(3)
    assert len({hit.headers["webhook-id"] for hit in hits}) == 3
    assert [sum(verifies(one["secret"], hit) for hit in hits) for one in made] == [1, 1, 1]


async def test_another_account_hears_nothing(house: Running, customer: Running, receiver: Receiver):
    stranger = await house.account("Stranger")
    await subscribe(stranger, receiver, "*")
    made = await subscribe(customer, receiver, "*")
    await customer.create(NUMBER)
    (first, *_) = await receiver.heard(1)
    assert verifies(made["secret"], first)
    assert (await stranger.get("/tabard/v1/deliveries"))["deliveries"] == []


# the secret


async def test_a_secret_is_shown_once_only(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver)
    assert made["secret"].startswith("whsec_")
    path = f"/tabard/v1/subscriptions/{made['id']}"
    listed = (await customer.get("/tabard/v1/subscriptions"))["subscriptions"]
    for shown in (await customer.get(path), *listed, (await customer.call("PATCH", path, {})).body):
        assert shown == {name: value for name, value in made.items() if name != "secret"} | {
            "updated_at": shown["updated_at"]
        }


async def test_one_s_own_secret(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, secret=SECRET)
    assert made["secret"] == SECRET
    await try_out(customer, made)
    (hit,) = await receiver.heard(1)
    assert verifies(SECRET, hit)


async def test_a_rotated_secret_overlaps(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    path = f"/tabard/v1/subscriptions/{made['id']}"
    rotated = await customer.post(f"{path}/rotate", {"overlap_seconds": 3600})
    assert rotated["secret"] != made["secret"]
    assert rotated["former_secret_until"]
    await try_out(customer, made)
    (during,) = await receiver.heard(1)
    assert verifies(made["secret"], during)
    assert verifies(rotated["secret"], during)
    assert len(during.headers["webhook-signature"].split()) == 2
    await customer.advance(hours=1)
    await try_out(customer, made)
    _, after = await receiver.heard(2)
    assert not verifies(made["secret"], after)
    assert verifies(rotated["secret"], after)
    assert len(after.headers["webhook-signature"].split()) == 1


async def test_without_an_overlap_the_old_secret_ends_at_once(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    rotated = await customer.post(f"/tabard/v1/subscriptions/{made['id']}/rotate", {"overlap_seconds": 0})
    await try_out(customer, made)
    (hit,) = await receiver.heard(1)
    assert not verifies(made["secret"], hit)
    assert verifies(rotated["secret"], hit)


# on and off


async def test_disabled_it_hears_nothing_until_it_is_enabled(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    path = f"/tabard/v1/subscriptions/{made['id']}"
    off = await customer.post(f"{path}/disable")
    assert (off["enabled"], off["disabled_reason"]) == (False, "disabled by its owner")
    await customer.create(NUMBER)
    assert (await customer.get("/tabard/v1/deliveries"))["deliveries"] == []
    assert (await customer.get("/tabard/v1/events?type=sender.created"))["events"], "the feed has it all the same"
    on = await customer.post(f"{path}/enable")
    assert (on["enabled"], on["disabled_reason"]) == (True, None)
    await customer.create("+15550100002")
    (hit,) = await receiver.heard(1)
    assert hit.json["data"]["address"] == "+15550100002"


async def test_what_waited_comes_when_it_is_enabled(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    path = f"/tabard/v1/subscriptions/{made['id']}"
    receiver.will(500)
    await customer.create(NUMBER)
    await receiver.heard(1)
    await eventually(lambda: customer.get("/tabard/v1/deliveries"), lambda seen: seen["deliveries"][0]["attempt_count"])
    await customer.post(f"{path}/disable")
    await customer.advance(hours=1)
    assert len(receiver.hits) == 1
    assert (await customer.get(f"{path}/health"))["waiting"] == 1
    await customer.post(f"{path}/enable")
    again = (await receiver.heard(2))[1]
    assert again.headers["webhook-id"] == receiver.hits[0].headers["webhook-id"]


async def test_changes(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created", channel="rcs", description="First")
    path = f"/tabard/v1/subscriptions/{made['id']}"
    change = {"url": f"{receiver.url}/other", "types": ["sender.webhook"], "channel": None, "description": None}
    changed = (await customer.call("PATCH", path, change)).body
    assert {name: changed[name] for name in change} == change
    assert (await customer.call("PATCH", path, {"enabled": False})).body["enabled"] is False
    assert (await customer.call("PATCH", path, {"enabled": True})).body["disabled_reason"] is None
    sid = (await customer.create(NUMBER))["sid"]
    await customer.post(f"{SENDERS}/{sid}", {"webhook": {"callback_url": "https://example.com/ours"}})
    (hit,) = await receiver.heard(1)
    assert (hit.path, hit.json["type"]) == ("/other", "sender.webhook")
    sender_id = str(UUID(sid.removeprefix("XE")))
    changed = (await customer.call("PATCH", path, {"sender_id": sender_id})).body
    assert (changed["sender_id"], changed["types"]) == (sender_id, ["sender.webhook"])


async def test_deleted_it_is_gone_with_what_waited(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    receiver.will(500)
    await customer.create(NUMBER)
    await receiver.heard(1)
    path = f"/tabard/v1/subscriptions/{made['id']}"
    assert (await customer.call("DELETE", path)).status == 204
    assert (await customer.call("DELETE", path)).status == 404
    assert (await customer.get("/tabard/v1/deliveries"))["deliveries"] == []
    await customer.advance(hours=1)
    assert len(receiver.hits) == 1


# the test event


async def test_a_test_event_is_heard_by_one_only(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    await subscribe(customer, receiver, "*")
    delivery = await try_out(customer, made)
    assert (delivery["type"], delivery["subscription_id"]) == ("subscription.test", made["id"])
    (hit,) = await receiver.heard(1)
    assert hit.headers["webhook-id"] == delivery["id"]
    assert verifies(made["secret"], hit)
    assert hit.json["data"]["after"] == {"id": made["id"]}
    assert hit.json["data"]["actor"] == f"key:{customer.login}"
    assert (await settled(customer, delivery))["state"] == "delivered"
    assert len((await customer.get("/tabard/v1/deliveries"))["deliveries"]) == 1


# failing, and once more


async def test_an_attempt_is_kept_with_what_was_answered(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    receiver.will(503, body=b"not \xff now" + b"." * 40_000)
    delivery = await try_out(customer, made)
    await receiver.heard(1)
    path = f"/tabard/v1/deliveries/{delivery['id']}"
    failed = await eventually(lambda: customer.get(path), attempted)
    assert (failed["state"], failed["last_status"], failed["last_failure"]) == ("waiting", 503, "status")
    assert failed["next_attempt_at"] > failed["created_at"]
    (attempt,) = failed["attempts"]
    assert (attempt["number"], attempt["status"], attempt["failure"]) == (1, 503, "status")
    assert attempt["answer"].startswith("not \ufffd now")
    assert len(attempt["answer"].encode()) <= 16 * 1024 + 2
    assert attempt["duration_ms"] > 0
    await customer.advance(minutes=1)
    done = await settled(customer, delivery)
    assert (done["state"], done["last_status"], done["last_failure"]) == ("delivered", 200, None)
    assert [one["status"] for one in done["attempts"]] == [503, 200]
    first, second = receiver.hits
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert verifies(made["secret"], second), "signed afresh"


async def test_nobody_there_is_told_as_such(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created", url="http://127.0.0.1:9/")
    delivery = await try_out(customer, made)
    path = f"/tabard/v1/deliveries/{delivery['id']}"
    failed = await eventually(lambda: customer.get(path), attempted)
    assert (failed["last_status"], failed["last_failure"]) == (None, "refused")
    assert failed["attempts"][0]["detail"]


async def test_out_of_attempts_it_is_replayed_on_demand(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    receiver.will(*[500] * 10)
    delivery = await try_out(customer, made)
    await receiver.heard(1)
    await customer.advance(**FAILED_FOR_GOOD)
    failed = await settled(customer, delivery)
    assert (failed["state"], failed["attempt_count"]) == ("failed", 10)
    health = await customer.get(f"/tabard/v1/subscriptions/{made['id']}/health")
    assert (health["attempts"], health["success_rate"], health["waiting"]) == (10, 0, 0)
    assert health["failing_since"]
    replayed = await customer.post(f"/tabard/v1/deliveries/{delivery['id']}/replay")
    assert (replayed["replayed"], replayed["id"]) == (True, delivery["id"])
    done = await settled(customer, delivery)
    assert (done["state"], done["attempt_count"], len(done["attempts"])) == ("delivered", 1, 11)
    assert receiver.hits[-1].headers["webhook-id"] == delivery["id"]
    assert (await customer.get(f"/tabard/v1/subscriptions/{made['id']}"))["failing_since"] is None


async def test_many_are_replayed_in_order(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created", "sender.webhook")
    await customer.create(NUMBER)
    sid = (await customer.create("+15550100002"))["sid"]
    for turn in range(4):
        await customer.post(f"{SENDERS}/{sid}", {"webhook": {"callback_url": f"https://example.com/{turn}"}})
    first = await receiver.heard(6)
    await eventually(
        lambda: customer.get("/tabard/v1/deliveries?state=delivered"), lambda seen: len(seen["deliveries"]) == 6
    )
    path = f"/tabard/v1/subscriptions/{made['id']}/replay"
    assert await customer.post(path) == {"replayed": 0}, "nothing has failed"
    assert await customer.post(path, {"state": "delivered", "types": ["sender.webhook"]}) == {"replayed": 4}
    again = (await receiver.heard(10))[6:]
    wanted = [hit.headers["webhook-id"] for hit in first if hit.json["type"] == "sender.webhook"]
    assert [hit.headers["webhook-id"] for hit in again] == wanted
    assert all(verifies(made["secret"], hit) for hit in again)
    await eventually(lambda: customer.get("/tabard/v1/deliveries?state=waiting"), lambda seen: not seen["deliveries"])
    assert await customer.post(path, {"state": None}) == {"replayed": 6}
    await receiver.heard(16)


async def test_a_replay_of_a_time(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    await try_out(customer, made)
    await receiver.heard(1)
    await customer.advance(days=2)
    moved = (await customer.get("/sandbox/v1/clock"))["now"]
    late = await try_out(customer, made)
    await receiver.heard(2)
    await settled(customer, late)
    path = f"/tabard/v1/subscriptions/{made['id']}/replay"
    assert await customer.post(path, {"state": "delivered", "after": moved}) == {"replayed": 1}
    assert (await receiver.heard(3))[2].headers["webhook-id"] == late["id"]


async def test_gone_is_gone(customer: Running, receiver: Receiver):
    """Another subscription is told of it."""
    watching = await subscribe(customer, receiver, "subscription.disabled")
    made = await subscribe(customer, receiver, "sender.created", url=f"{receiver.url}/gone")
    receiver.will(410)
    await try_out(customer, made)
    hits = await receiver.heard(2)
    assert verifies(watching["secret"], hits[1])
    assert hits[1].json["type"] == "subscription.disabled"
    assert hits[1].json["data"]["after"]["id"] == made["id"]
    shown = await customer.get(f"/tabard/v1/subscriptions/{made['id']}")
    assert shown["enabled"] is False
    assert "410" in shown["disabled_reason"]
    assert (await customer.get("/tabard/v1/events?type=subscription.disabled"))["events"]


# the list of deliveries


async def test_deliveries_page_by_page(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    other = await subscribe(customer, receiver, "sender.created", "sender.status")
    sid = (await customer.create(NUMBER))["sid"]
    await customer.reaches(sid, "PENDING_VERIFICATION")
    await receiver.heard(3)
    await eventually(
        lambda: customer.get("/tabard/v1/deliveries?state=delivered"), lambda seen: len(seen["deliveries"]) == 3
    )
    whole = (await customer.get("/tabard/v1/deliveries"))["deliveries"]
    assert [d["number"] for d in whole] == sorted((d["number"] for d in whole), reverse=True)
    seen: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await customer.get(f"/tabard/v1/deliveries?limit=1{cursor and f'&cursor={cursor}'}")
        assert len(page["deliveries"]) == 1
        seen += page["deliveries"]
        cursor = page["cursor"]
    assert seen == whole

    async def ids(query: str) -> list[str]:
        return [d["id"] for d in (await customer.get(f"/tabard/v1/deliveries?{query}"))["deliveries"]]

    assert await ids(f"subscription_id={made['id']}") == [d["id"] for d in whole if d["subscription_id"] == made["id"]]
    assert await ids("type=sender.status") == [d["id"] for d in whole if d["type"] == "sender.status"]
    assert await ids(f"sender_id={sid.removeprefix('XE')}") == [d["id"] for d in whole]
    assert await ids("type=sender.*&state=delivered") == [d["id"] for d in whole]
    assert await ids("state=failed") == []
    assert await ids("after=2000-01-01T00:00:00Z&before=2000-01-02T00:00:00Z") == []
    assert other["id"] in {d["subscription_id"] for d in whole}
    for delivery in whole:
        assert delivery["sender_id"] == str(UUID(sid.removeprefix("XE")))


async def test_health(customer: Running, receiver: Receiver):
    made = await subscribe(customer, receiver, "sender.created")
    path = f"/tabard/v1/subscriptions/{made['id']}/health"
    assert await customer.get(path) == {
        "attempts": 0,
        "success_rate": None,
        "p95_ms": None,
        "waiting": 0,
        "oldest_waiting_at": None,
        "failing_since": None,
    }
    receiver.will(200, 200, 200, 500)
    for _ in range(4):
        delivery = await try_out(customer, made)
        await eventually(partial(customer.get, f"/tabard/v1/deliveries/{delivery['id']}"), attempted)
    health = await customer.get(path)
    assert (health["attempts"], health["success_rate"], health["waiting"]) == (4, 0.75, 1)
    assert health["p95_ms"] > 0
    assert health["oldest_waiting_at"]
    assert health["failing_since"]


async def test_a_slow_receiver_stops_nobody_else(customer: Running, receiver: Receiver):
    async with receiving() as slow:
        slow.gate.clear()
        await subscribe(customer, slow, "sender.created")
        await subscribe(customer, receiver, "sender.created")
        async with asyncio.timeout(10):
            await customer.create(NUMBER)
            await receiver.heard(1)
            await slow.heard(1)


def test_four_days_are_longer_than_the_schedule():
    assert sum(SCHEDULE.pauses, timedelta()) < timedelta(**FAILED_FOR_GOOD)


@pytest.mark.parametrize("path", ["subscriptions", "deliveries", "events"])
async def test_each_list_needs_a_credential(customer: Running, path: str):
    async with customer.http.get(f"{customer.url}/tabard/v1/{path}") as response:
        assert response.status == 401
        assert "WWW-Authenticate" in response.headers
