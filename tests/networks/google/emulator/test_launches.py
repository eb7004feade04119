"""Verification and launch: what they need, who may move a region where, and what stays as it is."""

from typing import Any

import pytest

from tabard.networks.google.emulator.life import TRANSITIONS
from tabard.networks.google.emulator.regions import CARRIERS, REGIONS
from tabard.networks.google.wire import ActingParty, LaunchState
from tests.support.google_emulator import (
    CONTACT,
    EE,
    FREE,
    ORANGE,
    QUESTIONNAIRE,
    SFR,
    Partner,
    World,
    fine,
    launch_of,
    refusal_in,
    violations_in,
)

LAUNCH = "rcsBusinessMessaging.launchDetails"
Q = "agent_launch.rcs_business_messaging"


def to(region: str, state: str, **more: str) -> dict[str, Any]:
    return {"rcsBusinessMessaging": {"launchDetails": {region: {"launchState": f"LAUNCH_STATE_{state}", **more}}}}


@pytest.mark.parametrize("field", CONTACT)
async def test_verification_needs_all_five_contact_fields(partner: Partner, field: str):
    agent = await partner.agent()
    contact = {name: value for name, value in CONTACT.items() if name != field}
    refused = await partner.call("POST", f"{agent}:requestVerification", json={"agentVerificationContact": contact})
    assert len(violations_in(refused)) == 1
    assert await partner.refused("GET", f"{agent}/verification") == (404, "NOT_FOUND")


@pytest.mark.parametrize(("field", "value"), [("partnerEmailAddress", "ops"), ("brandWebsiteUrl", "example.com")])
async def test_contact_fields_must_be_what_they_say(partner: Partner, field: str, value: str):
    agent = await partner.agent()
    body = {"agentVerificationContact": {**CONTACT, field: value}}
    assert len(violations_in(await partner.call("POST", f"{agent}:requestVerification", json=body))) == 1


async def test_one_verification_at_a_time(partner: Partner, world: World):
    agent = await partner.put_up()
    body = {"agentVerificationContact": CONTACT}
    assert await partner.refused("POST", f"{agent}:requestVerification", **body) == (400, "FAILED_PRECONDITION")
    await world.settle()
    assert await partner.refused("POST", f"{agent}:requestVerification", **body) == (400, "FAILED_PRECONDITION")


async def test_a_partner_cannot_verify_itself(partner: Partner):
    agent = await partner.put_up()
    body = {"verificationState": "VERIFICATION_STATE_VERIFIED"}
    assert await partner.refused("PATCH", f"{agent}/verification", **body) == (403, "PERMISSION_DENIED")
    new = {**CONTACT, "partnerName": "New Ltd"}
    changed = await partner.patch(
        f"{agent}/verification",
        "agentVerificationContact.partnerName",
        agentVerificationContact={"partnerName": "New Ltd"},
    )
    assert changed["agentVerificationContact"] == new


async def test_an_agent_that_was_never_put_up_has_an_empty_launch(partner: Partner):
    agent = await partner.agent()
    assert await partner.get(f"{agent}/launch") == {"name": f"{agent}/launch", "rcsBusinessMessaging": {}}


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("contacts", "contacts"),
        ("triggerDescription", "trigger_description"),
        ("interactionsDescription", "interactions_description"),
        ("optoutDescription", "optout_description"),
        ("agentAccessInstructions", "agent_access_instructions"),
    ],
)
async def test_what_a_questionnaire_needs(partner: Partner, field: str, shown: str):
    agent = await partner.agent()
    refused = await partner.call("POST", f"{agent}:requestLaunch", json=launch_of(ORANGE, **{field: None}))
    assert violations_in(refused) == {f"{Q}.questionnaire.{shown}"}


async def test_what_a_questionnaire_may_have(partner: Partner):
    agent = await partner.agent()
    await partner.post(f"{agent}:requestVerification", agentVerificationContact=CONTACT)
    more = {"optinDescription": "Checkbox", "videoUris": ["https://example.com/demo.mp4"], "screenshotUris": []}
    launch = await partner.post(f"{agent}:requestLaunch", **launch_of(ORANGE, **more))
    assert launch["rcsBusinessMessaging"]["questionnaire"] == {**QUESTIONNAIRE, **more}
    wrong = launch_of(ORANGE, videoUris=["demo.mp4"], contacts=[{"email": "ana"}])
    refused = await partner.call("POST", f"{agent}:requestLaunch", json=wrong)
    assert len(violations_in(refused)) == 3


async def test_a_launch_needs_a_verifications_contact(partner: Partner):
    agent = await partner.agent()
    assert await partner.refused("POST", f"{agent}:requestLaunch", **launch_of(ORANGE)) == (400, "FAILED_PRECONDITION")


async def test_a_launch_needs_a_phone_or_an_email(partner: Partner):
    agent = await partner.agent(phoneNumbers=[], emails=[])
    await partner.post(f"{agent}:requestVerification", agentVerificationContact=CONTACT)
    assert await partner.refused("POST", f"{agent}:requestLaunch", **launch_of(ORANGE)) == (400, "FAILED_PRECONDITION")


@pytest.mark.parametrize("regions", [[], ["/v1/regions/nowhere"], ["orange-france"], [ORANGE, "\u00e9"]])
async def test_a_launch_needs_regions_that_there_are(partner: Partner, regions: list[str]):
    agent = await partner.agent()
    await partner.post(f"{agent}:requestVerification", agentVerificationContact=CONTACT)
    assert violations_in(await partner.call("POST", f"{agent}:requestLaunch", json=launch_of(*regions)))


async def test_launched_regions_must_be_repeated(partner: Partner, world: World):
    agent = await partner.launched("Acme", ORANGE)
    refused = await partner.call("POST", f"{agent}:requestLaunch", json=launch_of(EE))
    assert violations_in(refused) == {f"{Q}.launch_details"}
    assert ORANGE in refused.json()["error"]["message"]
    await partner.request_launch(agent, ORANGE, EE)
    await partner.request_launch(agent, ORANGE, SFR)  # EE is only pending: it may be left out, and stays
    assert await partner.states(agent) == {ORANGE: "LAUNCHED", EE: "PENDING", SFR: "PENDING"}


@pytest.mark.parametrize("before", LaunchState)
@pytest.mark.parametrize("after", LaunchState)
async def test_every_transition_is_in_the_table_or_refused(
    partner: Partner, world: World, before: LaunchState, after: LaunchState
):
    agent = await partner.put_up("Acme", ORANGE if before is not LaunchState.UNSPECIFIED else SFR)
    for step in {
        LaunchState.LAUNCHED: ["LAUNCHED"],
        LaunchState.REJECTED: ["REJECTED"],
        LaunchState.SUSPENDED: ["LAUNCHED", "SUSPENDED"],
        LaunchState.UNLAUNCHED: ["UNLAUNCHED"],
    }.get(before, []):
        fine(await partner.call("PATCH", f"{agent}/launch", json=to(ORANGE, step)))
    answer = await partner.call("PATCH", f"{agent}/launch", params={"updateMask": LAUNCH}, json=to(ORANGE, after.short))
    if after in {before, LaunchState.UNSPECIFIED}:
        assert fine(answer)
        assert (await partner.states(agent)).get(ORANGE, "UNSPECIFIED") == before.short
    elif (before, after) in TRANSITIONS:
        assert fine(answer)["rcsBusinessMessaging"]["launchDetails"][ORANGE]["launchState"] == after
    else:
        assert refusal_in(answer) == (400, "FAILED_PRECONDITION")


async def test_carriers_say_why(partner: Partner):
    agent = await partner.put_up("Acme", ORANGE)
    await partner.patch(f"{agent}/launch", LAUNCH, **to(ORANGE, "REJECTED", comment="Too vague."))
    launch = await partner.get(f"{agent}/launch")
    assert launch["rcsBusinessMessaging"]["launchDetails"][ORANGE]["comment"] == "Too vague."


async def test_an_acting_party_keeps_to_its_own_moves(partner: Partner):
    agent = await partner.put_up("Acme", ORANGE)
    path = f"{agent}/launch"

    async def act(party: str, state: str) -> Any:
        return await partner.call("PATCH", path, params={"acting_party": party}, json=to(ORANGE, state))

    assert refusal_in(await act("PARTNER", "LAUNCHED")) == (403, "PERMISSION_DENIED")
    assert refusal_in(await act("NOBODY", "LAUNCHED")) == (400, "INVALID_ARGUMENT")
    fine(await act("CARRIER", "LAUNCHED"))
    assert refusal_in(await act("CARRIER", "UNLAUNCHED")) == (403, "PERMISSION_DENIED")
    fine(await act("PARTNER", "UNLAUNCHED"))


async def test_a_launch_is_patched_by_its_mask(partner: Partner):
    agent = await partner.put_up("Acme", ORANGE)
    await partner.patch(f"{agent}/launch", "rcsBusinessMessaging.questionnaire", **to(ORANGE, "LAUNCHED"))
    assert await partner.state(agent) == "PENDING"
    mask = f"rcs_business_messaging.launch_details.{ORANGE}.launch_state"
    await partner.patch(f"{agent}/launch", mask, **to(ORANGE, "LAUNCHED"))
    assert await partner.state(agent) == "LAUNCHED"
    new = {**QUESTIONNAIRE, "triggerDescription": "New"}
    body = {"rcsBusinessMessaging": {"questionnaire": new}}
    assert (await partner.patch(f"{agent}/launch", "rcsBusinessMessaging.questionnaire", **body))[
        "rcsBusinessMessaging"
    ]["questionnaire"] == new
    nowhere = await partner.call("PATCH", f"{agent}/launch", json=to("/v1/regions/nowhere", "PENDING"))
    assert len(violations_in(nowhere)) == 1


async def test_a_region_may_be_asked_for_by_patch_once_a_launch_was(partner: Partner, world: World):
    fresh = await partner.agent()
    assert await partner.refused("PATCH", f"{fresh}/launch", **to(ORANGE, "PENDING")) == (400, "FAILED_PRECONDITION")
    agent = await partner.put_up("Acme", ORANGE)
    await partner.patch(f"{agent}/launch", LAUNCH, **to(FREE, "PENDING"))
    await world.settle()
    assert await partner.states(agent) == {ORANGE: "LAUNCHED", FREE: "LAUNCHED"}


async def test_regions_are_carriers_of_countries(partner: Partner):
    regions = {region["name"]: region for region in (await partner.get("regions"))["regions"]}
    assert regions["/v1/regions/vodafone-united-kingdom"]["displayName"] == "Vodafone (United Kingdom)"
    assert "/v1/regions/at-t-united-states" in regions
    assert len(regions) == sum(len(carriers) for carriers in CARRIERS.values()) == len(REGIONS)
    assert {region["managementType"] for region in regions.values()} == {"GOOGLE_MANAGED", "CARRIER_MANAGED"}
    assert sum(region.is_first for region in REGIONS.values()) == len(CARRIERS) == 25
    assert all(2 <= len(carriers) <= 7 for carriers in CARRIERS.values())


def test_every_move_has_somebody_who_may_make_it():
    assert all(parties <= set(ActingParty) and parties for parties in TRANSITIONS.values())
