"""What the emulated network tells the partner, how it signs it, whom it tells, and how long it keeps trying."""

import asyncio
import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tabard.domain.agents.launch import CarrierStatus
from tabard.networks.emulation.drain import LEASE
from tabard.networks.google.emulator import events
from tabard.networks.google.emulator.memory import agents
from tests.support.google_emulator import (
    CONTACT,
    EE,
    FREE,
    ORANGE,
    SFR,
    Partner,
    World,
    emulating,
    id_of,
    receiving,
    refusal_in,
    violations_in,
)

URL_FIELD = "agent_webhook_integration.webhook_uri"


def integration(url: str, token: str = "agent-token") -> dict[str, Any]:
    return {"agentWebhookIntegration": {"webhookUri": url, "verificationToken": token}}


def test_the_signature_is_over_the_decoded_data():
    data = base64.b64decode("eyJzZW5kZXJQaG9uZU51bWJlciI6IisxNTU1MDEwMDAwMSIsImV2ZW50VHlwZSI6IkRFTElWRVJFRCJ9")
    assert events.signature("test-client-token", data) == (
        "bAACaeGBNAxq8xcq6FPwO+B/sjxOr/D0niZY2BsE9/IUl37hLHh2AnJyIoFv7aI+SEj7gAAcTjjb2XKF1IvvhQ=="
    )


async def test_every_change_of_a_region_is_told(partner: Partner, world: World):
    agent = await partner.launched("Acme", ORANGE)
    asked, decided = world.receiver.received
    assert decided.event == {
        "eventId": decided.event["eventId"],
        "agentId": id_of(agent),
        "botDisplayName": "Acme",
        "brandId": agent.split("/")[1],
        "brandDisplayName": "Acme Parcels",
        "regionId": ORANGE,
        "oldLaunchState": "PENDING",
        "newLaunchState": "LAUNCHED",
        "actingParty": "CARRIER",
        "comment": "",
        "sendTime": decided.event["sendTime"],
    }
    assert decided.event["sendTime"].endswith("Z")
    assert (asked.event["oldLaunchState"], asked.event["newLaunchState"]) == ("UNSPECIFIED", "PENDING")
    assert asked.event["actingParty"] == "PARTNER"


async def test_an_envelope_is_shaped_as_pub_sub_shapes_it(partner: Partner, world: World):
    agent = await partner.launched("Acme", ORANGE)
    received = world.receiver.received[-1]
    message = received.envelope["message"]
    assert message["attributes"] == {
        "business_id": id_of(agent),
        "product": "RBM",
        "project_number": partner.connection.app_id,
        "type": "agent_launch_event",
    }
    assert message["messageId"] == message["message_id"]
    assert message["publishTime"] == message["publish_time"]
    assert received.envelope["subscription"]
    key = partner.connection.app_secret.encode()
    signed = base64.b64encode(hmac.new(key, received.data, hashlib.sha512).digest()).decode()
    assert received.headers["x-goog-signature"] == signed
    assert received.headers["x-goog-webhook-type"] == "agent_callback"


async def test_google_decides_where_it_manages_the_carrier(partner: Partner, world: World):
    await partner.launched("Acme", FREE)
    assert world.receiver.events[-1]["actingParty"] == "GOOGLE"


async def test_a_verification_is_not_told(partner: Partner, world: World):
    await partner.put_up("Acme", ORANGE)
    world.clock.advance(seconds=0.2)
    await world.emulator.drain()
    assert world.receiver.moves == [(ORANGE, "UNSPECIFIED", "PENDING")]


# where they go


async def test_an_agents_own_webhook_comes_before_the_partners(partner: Partner, world: World):
    agent = await partner.agent()
    async with receiving() as own:
        made = await partner.post(f"{agent}/integrations", **integration(own.url))
        assert made == {
            "name": made["name"],
            "status": "ENABLED",
            "agentWebhookIntegration": {"webhookUri": own.url},
        }
        assert await partner.get(made["name"]) == made
        assert await partner.get(f"{agent}/integrations") == {"integrations": [made]}
        assert [(check["clientToken"], check["type"]) for check in own.checks] == [("agent-token", "verification")]
        again = await partner.call("POST", f"{agent}/integrations", json=integration(own.url))
        assert refusal_in(again) == (409, "ALREADY_EXISTS")

        await partner.post(f"{agent}:requestVerification", agentVerificationContact=CONTACT)
        await partner.request_launch(agent, ORANGE)
        await world.settle()
        assert (len(own.received), len(world.receiver.received)) == (2, 0)
        heard = own.received[0]
        assert heard.headers["x-goog-signature"] == events.signature("agent-token", heard.data)

        await partner.delete(made["name"])
        assert await partner.refused("GET", made["name"]) == (404, "NOT_FOUND")
        assert await partner.get(f"{agent}/integrations") == {}
        await world.emulator.decide_launch(partner.account_id, id_of(agent), [ORANGE], CarrierStatus.SUSPENDED, None)
        await world.settle()
        assert (len(own.received), len(world.receiver.received)) == (2, 1)


@pytest.mark.parametrize("answer", ["{secret}", "secret: {secret}", '{"secret":"{secret}"}', " {secret}\n"])
async def test_any_answer_that_holds_the_secret_will_do(partner: Partner, answer: str):
    agent = await partner.agent()
    async with receiving() as own:
        own.answer = answer
        await partner.post(f"{agent}/integrations", **integration(own.url))


async def test_an_address_must_pass_the_check(partner: Partner):
    agent = await partner.agent()
    async with receiving() as own:
        own.answer = "hello"
        refused = await partner.call("POST", f"{agent}/integrations", json=integration(own.url))
        assert violations_in(refused) == {URL_FIELD}
        own.answer = "{secret}"
        made = await partner.post(f"{agent}/integrations", **integration(own.url))
        own.answer = "no more"
        body = integration(f"{own.url}/new")
        refused = await partner.call("PATCH", made["name"], json=body)
        assert violations_in(refused) == {URL_FIELD}
        assert (await partner.get(made["name"]))["agentWebhookIntegration"]["webhookUri"] == own.url
        own.answer = "{secret}"
        mask = "agentWebhookIntegration.webhookUri"
        moved = await partner.patch(made["name"], mask, **integration(f"{own.url}/new", "ignored"))
        assert moved["agentWebhookIntegration"]["webhookUri"] == f"{own.url}/new"
        assert own.checks[-1]["clientToken"] == "agent-token"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://user@:x/", "nonsense", "ftp://a.example.com/", ""])
async def test_an_address_that_nobody_answers_is_refused(partner: Partner, url: str):
    agent = await partner.agent()
    refused = await partner.call("POST", f"{agent}/integrations", json=integration(url))
    assert violations_in(refused) == {URL_FIELD}


async def test_other_kinds_of_integration_are_not_there(partner: Partner):
    agent = await partner.agent()
    assert await partner.refused("POST", f"{agent}/integrations") == (400, "INVALID_ARGUMENT")
    assert await partner.refused("POST", f"{agent}/integrations", dialogflowCxIntegration={}) == (
        400,
        "INVALID_ARGUMENT",
    )


async def test_the_partner_chooses_its_webhook(partner: Partner, world: World):
    name = f"partners/{partner.connection.app_id}"
    shown = await partner.get(name)
    (capability,) = shown["productCapabilities"]
    assert capability["rcsBusinessMessagingCapability"]["webhookUrl"].startswith(world.receiver.url)
    async with receiving() as own:
        chosen = {"product": "RCS_BUSINESS_MESSAGING", "rcsBusinessMessagingCapability": {"webhookUrl": own.url}}
        changed = await partner.patch(name, "productCapabilities", productCapabilities=[chosen])
        assert changed == {**shown, "productCapabilities": [chosen]}
        assert own.checks[0]["clientToken"] == partner.connection.app_secret
        await partner.launched("Acme", ORANGE)
        assert (len(own.received), world.receiver.received) == (2, [])
        own.answer = "no"
        refused = await partner.call("PATCH", name, json={"productCapabilities": [chosen]})
        assert refusal_in(refused) == (400, "INVALID_ARGUMENT")
        wrong = [{**chosen, "product": "FAX"}]
        assert await partner.refused("PATCH", name, productCapabilities=wrong) == (400, "INVALID_ARGUMENT")
        assert await partner.refused("PATCH", f"{name}?updateMask=displayName") == (400, "INVALID_ARGUMENT")
    assert await partner.refused("GET", "partners/123") == (404, "NOT_FOUND")


# how they come


async def test_a_failed_webhook_comes_again_less_and_less_often(partner: Partner, world: World):
    world.receiver.failures = 10
    await partner.put_up("Acme", ORANGE)
    await world.settle()
    heard = len(world.receiver.received)
    assert heard == 1
    for pause in (20, 40, 80, 160, 320, 600, 600, 600):
        world.clock.time += (await partner.next_due()) or timedelta(0)
        await world.emulator.drain()
        assert len(world.receiver.received) == heard + 1
        heard += 1
        assert await partner.next_due() == timedelta(seconds=pause)
    assert len({received.body for received in world.receiver.received}) == 1


async def test_a_partners_webhooks_wait_in_one_queue(partner: Partner, world: World):
    agent, other = await partner.put_up("Acme", ORANGE), await partner.put_up("Other", ORANGE)
    async with receiving() as dead:
        dead.failures = 1
        await partner.post(f"{agent}/integrations", **integration(dead.url))
        await world.settle()
        assert len(dead.received) == 1
        assert world.receiver.received == []
        world.clock.advance(seconds=10)
        await world.emulator.drain()
        assert [len(dead.received), len(world.receiver.received)] == [3, 2]
        assert {event["agentId"] for event in world.receiver.events} == {id_of(other)}


async def test_after_seven_days_a_webhook_is_given_up(partner: Partner, world: World):
    await partner.launched("Acme", ORANGE)
    world.receiver.received.clear()
    world.receiver.failures = 10**6
    await partner.request_launch((await partner.get("brands/-/agents"))["agents"][0]["name"], ORANGE, EE)
    await world.settle()
    await partner.advance(days=6, hours=23)
    assert await partner.next_due() is not None
    heard = len(world.receiver.received)
    await partner.advance(hours=2)
    assert len(world.receiver.received) == heard
    assert await partner.next_due() is None


async def test_a_receiver_that_hangs_holds_up_no_other_partner(partner: Partner, world: World):
    other = await world.partner()
    async with receiving() as hung:
        hung.free.clear()
        chosen = {"rcsBusinessMessagingCapability": {"webhookUrl": hung.url}}
        await partner.patch(
            f"partners/{partner.connection.app_id}", "productCapabilities", productCapabilities=[chosen]
        )
        for number in range(20):
            await partner.put_up(f"Acme {number}", ORANGE, SFR)
        await other.put_up("Other", ORANGE)
        world.clock.advance(seconds=1)
        draining = asyncio.create_task(world.emulator.drain())
        async with asyncio.timeout(5):
            await world.receiver.heard.wait()
        assert len(hung.received) <= 1
        hung.free.set()
        await draining
    assert len(hung.received) == 40


@pytest.mark.parametrize(("chaos", "copies"), [("drop", 0), ("duplicate", 2), ("shuffle", 1)])
async def test_webhooks_can_be_lost_doubled_and_delayed(partner: Partner, world: World, chaos: str, copies: int):
    await world.emulator.set_webhook_chaos(partner.account_id, **{chaos: True})
    await partner.put_up("Acme", ORANGE)
    world.clock.advance(seconds=2)
    await world.emulator.drain()
    assert world.receiver.moves == [(ORANGE, "UNSPECIFIED", "PENDING")] * copies


async def test_a_killed_workers_tasks_are_taken_over(pool: asyncpg.Pool, partner: Partner, world: World):
    agent = await partner.put_up("Acme", ORANGE)
    world.receiver.free.clear()
    world.clock.advance(seconds=1)
    killed = asyncio.create_task(world.emulator.drain())
    await world.receiver.heard.wait()
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    world.receiver.free.set()
    world.receiver.received.clear()
    await world.settle()
    assert await partner.state(agent) == "LAUNCHED"
    assert world.receiver.received == []  # its lease still holds the queue's head
    due = await partner.next_due()
    assert due is not None
    assert due <= timedelta(seconds=60)
    world.clock.time += due
    await world.emulator.drain()
    assert [new for _, _, new in world.receiver.moves] == ["PENDING", "LAUNCHED"]


async def test_a_killed_workers_agents_are_taken_over(partner: Partner, world: World):
    agent = await partner.put_up("Acme", ORANGE)
    world.clock.advance(seconds=1)
    now = world.clock.now()
    claimed = await agents.claim_due(world.pool, now, now + LEASE, 16)  # by a worker that dies at this line
    assert [due.agent_id for due in claimed] == [id_of(agent)]
    await world.emulator.drain()
    assert (await partner.verified_as(agent), await partner.next_due()) == ("PENDING", LEASE)
    world.clock.time += LEASE
    await world.settle()
    assert await partner.state(agent) == "LAUNCHED"


async def test_two_workers_share_the_work(pool: asyncpg.Pool, partner: Partner, world: World):
    running = [await partner.put_up(f"Acme {number}", ORANGE, SFR) for number in range(5)]
    async with emulating(pool) as second:
        for _ in range(6):
            world.clock.advance(seconds=0.3)
            second.clock.time = world.clock.time
            await asyncio.gather(world.emulator.drain(), second.emulator.drain())
        told = [*world.receiver.moves, *second.receiver.moves]
    assert len(told) == len(running) * 4
    for agent in running:
        assert set((await partner.states(agent)).values()) == {"LAUNCHED"}
