"""Test numbers: invited, asked after, invited again, let go."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tabard.domain.account import Actor
from tabard.domain.agents import agent as agents
from tabard.domain.agents.agent import MOST_TESTERS, Agent
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import Link, Trouble
from tabard.ports.networks import Decision, NetworkFault
from tests.dialects.sinch.senders import IN_TEST, SENDER, WAY
from tests.support.sinch_service import NOON, SENDERS, SinchService, assert_canonical_error

NUMBERS = f"{SENDERS}/{SENDER}/testNumbers"
VERIFIED, UNVERIFIED, DECLINED = (f"+1555010011{number}" for number in (1, 2, 3))


async def kept(service: SinchService, *testers: agents.Tester, **agent: object) -> None:
    changed = replace(IN_TEST.rcs, testers=testers or IN_TEST.rcs.testers, **agent)  # type: ignore[arg-type]
    await service.services.senders.insert(replace(IN_TEST, agent=changed), Actor("key:example"), NOON, None)


@pytest.fixture
async def invited(service):
    await kept(service)
    service.backstage.ways[Channel.RCS] = WAY
    return service


async def test_adding_answers_with_all(invited):
    invited.clock.advance(minutes=5)
    answer = await invited.done("POST", NUMBERS, {"testNumbers": [VERIFIED, "+15550100117"]})
    states = {entry["number"]: (entry["state"], entry["submitted"][11:16]) for entry in answer["testNumbers"]}
    assert states == {
        VERIFIED: ("PENDING", "12:05"),
        UNVERIFIED: ("UNVERIFIED", "12:00"),
        DECLINED: ("DECLINED", "12:00"),
        "+15550100114": ("INVALID", "12:00"),
        "+15550100115": ("PENDING", "12:00"),
        "+15550100117": ("PENDING", "12:05"),
    }
    shown = await invited.done("GET", f"{SENDERS}/{SENDER}")
    assert shown["testNumberStates"] == answer["testNumbers"]
    assert shown["details"]["testNumbers"] == list(states)


@pytest.mark.parametrize("written", ["%2B15550100111", "+15550100111", "15550100111"])
async def test_number_in_the_path(invited, written):
    path = f"{NUMBERS}/{written}"
    assert (await invited.done("GET", path))["state"] == "VERIFIED"
    invited.backstage.rcs.answers["capabilities"] = ["RICHCARD_CAROUSEL"]
    assert await invited.done("GET", f"{path}/capabilities") == {"features": ["RICHCARD_CAROUSEL"]}
    assert (await invited.done("GET", f"{path}/retry"))["state"] == "PENDING"
    assert await invited.done("DELETE", path, status=204) is None
    assert_canonical_error(await invited.call("GET", path), 404, "user_is_not_tester_for_agent")


@pytest.mark.parametrize("written", ["me", "0015550100111", "++15550100111", "+1555", "%20", "+1555 0100111", "%00"])
async def test_what_is_no_number(invited, written):
    for method, end in (("GET", ""), ("DELETE", ""), ("GET", "/retry"), ("GET", "/capabilities")):
        response = await invited.call(method, f"{NUMBERS}/{written}{end}")
        assert_canonical_error(response, 400, "invalid_id_format")


async def test_number_that_is_no_test_number(invited):
    """One that is on its way out is none either."""
    for number in ("+15550100199", "+15550100116"):
        for method, end in (("GET", ""), ("DELETE", ""), ("GET", "/retry"), ("GET", "/capabilities")):
            response = await invited.call(method, f"{NUMBERS}/{number}{end}")
            assert_canonical_error(response, 404, "user_is_not_tester_for_agent", says=number)


async def test_owner_who_declined(invited):
    code = "blocked_because_the_recipient_declined"
    response = await invited.call("POST", NUMBERS, {"testNumbers": ["+15550100117", DECLINED]})
    assert_canonical_error(response, 404, code, says=DECLINED)
    for end in ("retry", "capabilities"):
        assert_canonical_error(await invited.call("GET", f"{NUMBERS}/{DECLINED}/{end}"), 404, code)
    assert (await invited.done("GET", f"{NUMBERS}/{DECLINED}"))["state"] == "DECLINED"
    await invited.done("DELETE", f"{NUMBERS}/{DECLINED}", status=204)
    await invited.done("POST", NUMBERS, {"testNumbers": [DECLINED]})


async def test_twenty_invitations_a_day(service):
    await kept(service, agents.Tester(VERIFIED, agents.TesterStatus.ACCEPTED, NOON), invitations=(NOON,) * 19)
    response = await service.call("POST", NUMBERS, {"testNumbers": ["+15550100117", "+15550100118"]})
    assert_canonical_error(response, 429, "rbm_too_many_requests")
    await service.done("POST", NUMBERS, {"testNumbers": ["+15550100117"]})
    response = await service.call("GET", f"{NUMBERS}/{VERIFIED}/retry")
    assert_canonical_error(response, 429, "rbm_too_many_requests")
    service.clock.advance(days=1)
    await service.done("GET", f"{NUMBERS}/{VERIFIED}/retry")


async def test_two_hundred_in_all(service):
    many = [f"+1555020{number:04}" for number in range(MOST_TESTERS)]
    await kept(
        service, *(agents.Tester(number, agents.TesterStatus.ACCEPTED, NOON - timedelta(days=2)) for number in many)
    )
    response = await service.call("POST", NUMBERS, {"testNumbers": ["+15550100999"]})
    assert_canonical_error(response, 400, "add_test_number_invalid", says="200")
    await service.done("PATCH", f"{SENDERS}/{SENDER}", {"details": {"testNumbers": [*many[:-1], "+15550100999"]}})


async def test_update_replaces_the_list(invited):
    updated = await invited.done(
        "PATCH", f"{SENDERS}/{SENDER}", {"details": {"testNumbers": [VERIFIED, "+15550100117"]}}
    )
    states = [(entry["number"], entry["state"]) for entry in updated["testNumberStates"]]
    assert states == [(VERIFIED, "VERIFIED"), ("+15550100117", "PENDING")]


REFUSALS = {
    Trouble.TESTER_NOT_READY: (404, "user_has_not_accepted_invite"),
    Trouble.PHONE_UNREACHABLE: (404, "user_cannot_be_reached"),
    Trouble.AGENT_GONE: (404, "looking_up_the_rbm_agent"),
    Trouble.TESTER_UNKNOWN: (404, "user_is_not_tester_for_agent"),
    Trouble.INVITATIONS_USED_UP: (429, "rbm_too_many_requests"),
    Trouble.ACCESS_DENIED: (403, "wrong_supplier_configuration"),
    Trouble.NETWORK_UNAVAILABLE: (500, "internal_error"),
}


@pytest.mark.parametrize("trouble", REFUSALS)
async def test_network_that_says_no(invited, trouble):
    fault = NetworkFault(Decision.GIVE_UP, trouble, "the network said no")
    invited.backstage.rcs.answers["capabilities"] = fault
    response = await invited.call("GET", f"{NUMBERS}/{UNVERIFIED}/capabilities")
    assert_canonical_error(response, *REFUSALS[trouble], says="The network said no.")


async def test_features_that_nobody_knows(invited):
    invited.backstage.rcs.answers["capabilities"] = ["ACTION_DIAL", "ACTION_FLY", "ACTION_SWIM", "ACTION_DIAL"]
    answer = await invited.done("GET", f"{NUMBERS}/{VERIFIED}/capabilities")
    assert answer == {"features": ["ACTION_DIAL", "UNRECOGNIZED"]}


async def test_agent_that_is_not_made_yet(invited):
    invited.put(str(SENDER), link=Link())
    response = await invited.call("GET", f"{NUMBERS}/{VERIFIED}/capabilities")
    assert_canonical_error(response, 404, "looking_up_the_rbm_agent")


async def test_numbers_can_be_added_to_a_draft(service):
    created = await service.done(
        "POST", SENDERS, {"region": "EU", "billingCategory": "CONVERSATIONAL", "useCase": "OTP"}, status=201
    )
    answer = await service.done("POST", f"{SENDERS}/{created['id']}/testNumbers", {"testNumbers": [VERIFIED]})
    assert answer["testNumbers"][0]["state"] == "PENDING"
    assert isinstance(service.sender(created["id"]).agent, Agent)
