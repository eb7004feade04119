"""Testers: who may be invited, how often, what their owners do, and which phones can be reached."""

import pytest

from tabard.networks.google.wire import FEATURES
from tests.support.google_emulator import ORANGE, Partner, World, fine, id_of, refusal_in, violations_in

PHONE = "+15550100009"


async def test_an_invitation_waits_for_the_phones_owner(partner: Partner, world: World):
    agent = await partner.agent("Acme")
    tester = await partner.invite(agent, PHONE)
    assert tester == {
        "name": f"testers/{PHONE}",
        "agentId": id_of(agent),
        "phoneNumber": PHONE,
        "inviteStatus": "PENDING",
    }
    (text,) = await world.emulator.inbox(partner.account_id, PHONE)
    assert "Acme" in text.text
    await world.settle()
    assert await partner.get(f"testers/{PHONE}", agentId=id_of(agent)) == tester
    assert await partner.get("testers", agentId=id_of(agent)) == {"testers": [tester]}


@pytest.mark.parametrize(("address", "status"), [("+15550100201", "ACCEPTED"), ("+15550100202", "DECLINED")])
async def test_some_owners_answer_by_themselves(partner: Partner, world: World, address: str, status: str):
    agent = await partner.agent()
    assert (await partner.invite(agent, address))["inviteStatus"] == "PENDING"
    await world.settle()
    assert (await partner.get(f"testers/{address}", agentId=id_of(agent)))["inviteStatus"] == status


async def test_a_phone_without_rcs_cannot_be_invited(partner: Partner):
    agent = await partner.agent()
    body = {"agentId": id_of(agent), "phoneNumber": "+15550100203"}
    assert await partner.refused("POST", "testers", **body) == (404, "NOT_FOUND")
    assert refusal_in(await partner.capabilities(agent, "+15550100203")) == (404, "NOT_FOUND")


@pytest.mark.parametrize("number", ["", "15550100009", "+1", "+1555010000900000", None])
async def test_a_tester_is_named_by_its_number(partner: Partner, number: str | None):
    body = {"agentId": id_of(await partner.agent()), "phoneNumber": number}
    assert violations_in(await partner.call("POST", "testers", json=body)) == {"phone_number"}


async def test_an_agent_must_be_named(partner: Partner):
    for method, path in (("GET", "testers"), ("GET", f"testers/{PHONE}"), ("DELETE", f"testers/{PHONE}")):
        assert await partner.refused(method, path) == (400, "INVALID_ARGUMENT")
        assert await partner.refused(method, path, agentId="nobody_agent") == (404, "NOT_FOUND")
    assert await partner.refused("POST", "testers", phoneNumber=PHONE) == (400, "INVALID_ARGUMENT")
    assert await partner.refused("POST", "testers", agentId="nobody_agent") == (404, "NOT_FOUND")


async def test_one_invitation_at_a_time(partner: Partner, world: World):
    agent = await partner.agent()
    await partner.invite(agent, PHONE)
    body = {"agentId": id_of(agent), "phoneNumber": PHONE}
    assert await partner.refused("POST", "testers", **body) == (409, "ALREADY_EXISTS")
    await world.emulator.answer_invitation(partner.account_id, id_of(agent), PHONE, accepted=False)
    assert await partner.delete(f"testers/{PHONE}", agentId=id_of(agent)) == {}
    assert await partner.get("testers", agentId=id_of(agent)) == {}
    assert await partner.refused("GET", f"testers/{PHONE}", agentId=id_of(agent)) == (404, "NOT_FOUND")
    assert (await partner.invite(agent, PHONE))["inviteStatus"] == "PENDING"
    assert len(await world.emulator.inbox(partner.account_id, PHONE)) == 2


async def test_twenty_invitations_a_day_and_two_hundred_testers(partner: Partner):
    agent = await partner.agent()
    for day in range(10):
        for number in range(20):
            await partner.invite(agent, f"+155501{day:02}{number:03}")
        await partner.advance(hours=23)
        body = {"agentId": id_of(agent), "phoneNumber": "+15550199999"}
        assert await partner.refused("POST", "testers", **body) == (429, "RESOURCE_EXHAUSTED")
        await partner.advance(hours=1)
        await partner.sign_in()
    assert await partner.refused("POST", "testers", **body) == (429, "RESOURCE_EXHAUSTED")
    await partner.delete("testers/+15550100000", agentId=id_of(agent))
    await partner.post("testers", **body)


async def test_an_accepted_tester_can_be_reached(partner: Partner, world: World):
    agent = await partner.agent()
    await partner.invite(agent, PHONE)
    assert refusal_in(await partner.capabilities(agent, PHONE)) == (404, "NOT_FOUND")
    await world.emulator.answer_invitation(partner.account_id, id_of(agent), PHONE, accepted=True)
    for written in (PHONE, PHONE.replace("+", "%2B")):
        assert fine(await partner.capabilities(agent, written)) == {"features": list(FEATURES)}


async def test_a_launch_reaches_the_phones_of_its_country(partner: Partner):
    agent = await partner.launched("Acme", ORANGE)
    fine(await partner.capabilities(agent, "+33639980001"))
    assert refusal_in(await partner.capabilities(agent, PHONE)) == (404, "NOT_FOUND")
    await partner.request_launch(agent, ORANGE, "/v1/regions/google-fi-united-states")
    await partner.world.settle()
    fine(await partner.capabilities(agent, PHONE))
    assert refusal_in(await partner.capabilities(agent, "+9999999999")) == (404, "NOT_FOUND")


async def test_a_capability_check_is_named_and_may_leave_out_the_only_agent(partner: Partner):
    agent = await partner.launched("Acme", ORANGE)
    path, request_id = "phones/+33639980001/capabilities", "0f0e7c1a-1111-4222-8333-944455566677"
    assert await partner.refused("GET", path, agentId=id_of(agent)) == (400, "INVALID_ARGUMENT")
    assert await partner.refused("GET", path, agentId=id_of(agent), requestId="1") == (400, "INVALID_ARGUMENT")
    assert await partner.refused("GET", "phones/123/capabilities", requestId=request_id) == (400, "INVALID_ARGUMENT")
    assert await partner.get(path, requestId=request_id)
    await partner.agent("Second")
    assert await partner.refused("GET", path, requestId=request_id) == (400, "INVALID_ARGUMENT")
