"""Brands and agents: what they must have, what may be changed when, and how they are listed."""

import re
from copy import deepcopy
from typing import Any

import pytest

from tabard.networks.google.emulator.api import request
from tabard.networks.google.emulator.api.agent_rules import contrast_with_white
from tests.support.google_emulator import (
    DETAILS,
    ORANGE,
    Partner,
    World,
    fine,
    id_of,
    launch_of,
    refusal_in,
    violations_in,
)

R = "rcs_business_messaging_agent"
PHONE = {"phoneNumber": {"number": "+15550100001"}, "label": "Support"}


async def test_a_brand_is_made_renamed_and_removed(partner: Partner):
    brand = await partner.post("brands", displayName="Acme")
    assert re.fullmatch(r"brands/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", brand["name"])
    assert await partner.get(brand["name"]) == brand
    renamed = await partner.patch(brand["name"], "displayName", displayName="Acme Parcels")
    assert renamed == {"name": brand["name"], "displayName": "Acme Parcels"}
    assert await partner.delete(brand["name"]) == {}
    assert await partner.refused("GET", brand["name"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("name", [None, "", "  ", "x" * 101])
async def test_a_brand_needs_a_name(partner: Partner, name: str | None):
    assert violations_in(await partner.call("POST", "brands", json={"displayName": name})) == {"display_name"}


async def test_a_brand_with_agents_stays(partner: Partner):
    brand = await partner.brand()
    agent = await partner.agent(brand=brand)
    assert await partner.refused("DELETE", brand) == (400, "FAILED_PRECONDITION")
    await partner.delete(agent)
    await partner.delete(brand)


async def test_an_agent_is_as_it_was_made(partner: Partner):
    brand = await partner.brand("Acme")
    body = {"displayName": "Acme Parcels", "rcsBusinessMessagingAgent": deepcopy(DETAILS)}
    agent = await partner.post(f"{brand}/agents", **body)
    assert re.fullmatch(rf"{brand}/agents/acme_parcels_[a-z2-7]{{8}}_agent", agent["name"])
    assert agent["brandName"] == "Acme"
    partner_shown = agent["rcsBusinessMessagingAgent"].pop("partner")
    assert partner_shown["partnerId"] == partner.connection.app_id
    assert agent["rcsBusinessMessagingAgent"] == DETAILS
    for name in (agent["name"], f"brands/-/agents/{id_of(agent['name'])}"):
        assert (await partner.get(name))["name"] == agent["name"]
    other = await partner.brand("Other")
    assert await partner.refused("GET", f"{other}/agents/{id_of(agent['name'])}") == (404, "NOT_FOUND")


async def test_an_agent_without_a_use_case_is_promotional(partner: Partner):
    for use_case in (None, "AGENT_USE_CASE_UNSPECIFIED"):
        agent = await partner.agent(agentUseCase=use_case)
        assert (await partner.get(agent))["rcsBusinessMessagingAgent"]["agentUseCase"] == "PROMOTIONAL"


BROKEN: list[tuple[dict[str, Any], set[str]]] = [
    ({"description": None}, {f"{R}.description"}),
    ({"description": "x" * 101}, {f"{R}.description"}),
    *(
        ({"description": text}, {f"{R}.description"})
        for text in (
            "<b>Parcels</b>",
            "<script>alert(1)</script>",
            '{"a": 1}',
            "Hello {{name}}",
            "${name}",
            "a%2fb",
            "../secret",
            "see /etc/passwd",
            "C:\\Windows",
            "rm -rf x",
        )
    ),
    ({"logoUri": None}, {f"{R}.logo_uri"}),
    ({"logoUri": "logo.png"}, {f"{R}.logo_uri"}),
    ({"heroUri": "ftp://example.com/x.png"}, {f"{R}.hero_uri"}),
    ({"color": None}, {f"{R}.color"}),
    ({"color": "red"}, {f"{R}.color"}),
    ({"color": "#FFFF00"}, {f"{R}.color"}),
    ({"color": "#777777"}, {f"{R}.color"}),
    ({"phoneNumbers": [{**PHONE, "label": ""}]}, {f"{R}.phone_numbers[0].label"}),
    ({"phoneNumbers": [{**PHONE, "phoneNumber": {"number": "112"}}]}, {f"{R}.phone_numbers[0].phone_number.number"}),
    ({"phoneNumbers": [{**PHONE, "phoneNumber": {"number": "+0"}}]}, {f"{R}.phone_numbers[0].phone_number.number"}),
    ({"emails": [{"address": "care@example.com"}]}, {f"{R}.emails[0].label"}),
    ({"emails": [{"address": "care", "label": "Mail"}]}, {f"{R}.emails[0].address"}),
    ({"websites": [{"uri": "example.com"}]}, {f"{R}.websites[0].uri"}),
    ({"websites": [{"uri": "https://example.com"}] * 4}, {f"{R}.websites"}),
    ({"phoneNumbers": [], "emails": [], "websites": []}, {f"{R}."}),
    ({"privacy": None}, {f"{R}.privacy.uri"}),
    ({"termsConditions": {"label": "Terms"}}, {f"{R}.terms_conditions.uri"}),
    ({"hostingRegion": None}, {f"{R}.hosting_region"}),
    ({"hostingRegion": "HOSTING_REGION_UNSPECIFIED"}, {f"{R}.hosting_region"}),
    ({"hostingRegion": "MOON"}, {f"{R}.hosting_region"}),
    ({"agentUseCase": "GOSSIP"}, {f"{R}.agent_use_case"}),
    ({"billingConfig": {"billingCategory": "FREE"}}, {f"{R}.billing_config.billing_category"}),
    ({"description": "", "color": ""}, {f"{R}.description", f"{R}.color"}),
]


@pytest.mark.parametrize(("changes", "fields"), BROKEN)
async def test_what_an_agent_needs(partner: Partner, changes: dict[str, Any], fields: set[str]):
    brand = await partner.brand()
    body = {"displayName": "Acme", "rcsBusinessMessagingAgent": {**DETAILS, **changes}}
    assert violations_in(await partner.call("POST", f"{brand}/agents", json=body)) == fields
    assert await partner.get(f"{brand}/agents") == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"phoneNumbers": [{**PHONE, "phoneNumber": {"number": "08001234"}}]},
        {"phoneNumbers": [], "emails": []},
        {"websites": [{"uri": "http://example.com", "label": "Site"}] * 3},
        {"description": "x" * 100},
        {"description": "Parcels & more: 24/7, 5 < 6, free from 50%"},
        {"color": "#767676"},
        {"color": "#000000"},
        {"billingConfig": None},
    ],
)
async def test_what_an_agent_may_have(partner: Partner, changes: dict[str, Any]):
    await partner.agent(**changes)


@pytest.mark.parametrize("name", [None, "", "x" * 41])
async def test_an_agent_needs_a_name(partner: Partner, name: str | None):
    body = {"displayName": name, "rcsBusinessMessagingAgent": DETAILS}
    refused = await partner.call("POST", f"{await partner.brand()}/agents", json=body)
    assert violations_in(refused) == {"display_name"}


def test_contrast_is_by_the_formula_of_wcag():
    assert contrast_with_white("#000000") == pytest.approx(21)
    assert contrast_with_white("#FFFFFF") == pytest.approx(1)
    assert contrast_with_white("#767676") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(
    ("body", "name", "path"),
    [
        ({"colour": "#000000"}, "colour", ""),
        ({"rcsBusinessMessagingAgent": {"languageCode": "en"}}, "languageCode", R),
        ({"rcsBusinessMessagingAgent": {"emails": [{"mail": "x"}]}}, "mail", f"{R}.emails[0]"),
    ],
)
async def test_unknown_fields_are_refused_as_google_does(partner: Partner, body: Any, name: str, path: str):
    refused = await partner.call("POST", f"{await partner.brand()}/agents", json=body)
    assert refusal_in(refused) == (400, "INVALID_ARGUMENT")
    assert f'Unknown name "{name}"' in refused.json()["error"]["message"]
    assert violations_in(refused) == {path}


async def test_fields_may_be_named_in_snake_case(partner: Partner):
    brand = await partner.brand()
    details = {**DETAILS, "logo_uri": DETAILS["logoUri"]}
    del details["logoUri"]
    agent = await partner.post(f"{brand}/agents", display_name="Acme", rcs_business_messaging_agent=details)
    assert agent["rcsBusinessMessagingAgent"]["logoUri"] == DETAILS["logoUri"]


@pytest.mark.parametrize(
    "mask",
    [
        "rcs_business_messaging_agent.description,rcs_business_messaging_agent.emails",
        "rcsBusinessMessagingAgent.description, rcsBusinessMessagingAgent.emails",
    ],
)
async def test_a_mask_names_what_changes_and_lists_are_replaced_whole(partner: Partner, mask: str):
    agent = await partner.agent()
    emails = [{"address": "new@example.com", "label": "New"}]
    details = {"description": "New words", "emails": emails, "color": "#000000"}
    changed = await partner.patch(agent, mask, rcsBusinessMessagingAgent=details)
    assert changed == await partner.get(agent)
    shown = changed["rcsBusinessMessagingAgent"]
    assert (shown["description"], shown["emails"], shown["color"]) == ("New words", emails, DETAILS["color"])


async def test_a_field_of_the_mask_that_the_body_lacks_is_cleared(partner: Partner):
    agent = await partner.agent()
    mask = "rcsBusinessMessagingAgent.websites,rcsBusinessMessagingAgent.privacy.label"
    changed = await partner.patch(agent, mask, rcsBusinessMessagingAgent={})
    assert "websites" not in changed["rcsBusinessMessagingAgent"]
    refused = await partner.call(
        "PATCH", agent, params={"updateMask": "rcsBusinessMessagingAgent.description"}, json={}
    )
    assert violations_in(refused) == {f"{R}.description"}


async def test_without_a_mask_all_that_is_given_counts(partner: Partner):
    agent = await partner.agent()
    changed = fine(await partner.call("PATCH", agent, json={"displayName": "New name"}))
    assert changed["displayName"] == "New name"


async def test_a_mask_must_name_fields(partner: Partner):
    agent = await partner.agent()
    for mask in ("colour", "rcsBusinessMessagingAgent.languageCode", "displayName.x", ".", "a..b"):
        assert violations_in(await partner.call("PATCH", agent, params={"updateMask": mask}, json={})) == {
            "update_mask"
        }


async def test_the_hosting_region_is_permanent(partner: Partner):
    agent = await partner.agent()
    body = {"rcsBusinessMessagingAgent": {"hostingRegion": "ASIA_PACIFIC"}}
    refused = await partner.call("PATCH", agent, params={"updateMask": f"{R}.hosting_region"}, json=body)
    assert violations_in(refused) == {f"{R}.hosting_region"}


@pytest.mark.parametrize("stage", ["PENDING", "VERIFIED"])
async def test_name_and_images_are_fixed_by_verification(partner: Partner, world: World, stage: str):
    agent = await partner.put_up()
    if stage == "VERIFIED":
        await world.settle()
    assert await partner.verified_as(agent) == stage
    for mask, body in {
        "display_name": {"displayName": "New"},
        f"{R}.logo_uri": {"rcsBusinessMessagingAgent": {"logoUri": "https://cdn.example.com/new.png"}},
        f"{R}.hero_uri": {"rcsBusinessMessagingAgent": {"heroUri": "https://cdn.example.com/new.png"}},
    }.items():
        refused = await partner.call("PATCH", agent, params={"updateMask": mask}, json=body)
        assert violations_in(refused) == {mask}
    await partner.patch(agent, f"{R}.description", rcsBusinessMessagingAgent={"description": "New words"})


async def test_an_agent_is_archived_when_no_carrier_shows_it(partner: Partner, world: World):
    agent = await partner.launched()
    body = {"isArchived": True}
    refused = await partner.call("PATCH", agent, params={"updateMask": "is_archived"}, json=body)
    assert refusal_in(refused) == (400, "FAILED_PRECONDITION")
    assert await partner.refused("DELETE", agent) == (400, "FAILED_PRECONDITION")
    details = {"launchDetails": {ORANGE: {"launchState": "LAUNCH_STATE_UNLAUNCHED"}}}
    await partner.patch(f"{agent}/launch", "rcsBusinessMessaging.launchDetails", rcsBusinessMessaging=details)
    assert (await partner.patch(agent, "is_archived", **body))["isArchived"] is True
    brand = agent.partition("/agents")[0]
    assert await partner.get(f"{brand}/agents") == {}
    assert len((await partner.get(f"{brand}/agents", include_archived="true"))["agents"]) == 1
    refused = await partner.call("POST", f"{agent}:requestLaunch", json=launch_of(ORANGE))
    assert refusal_in(refused) == (400, "FAILED_PRECONDITION")
    assert "isArchived" not in await partner.patch(agent, "isArchived", isArchived=False)
    await partner.delete(agent)
    assert await partner.refused("GET", agent) == (404, "NOT_FOUND")


async def test_lists_are_paged_as_the_network_likes(partner: Partner):
    brand = await partner.brand("Full")
    agents = [await partner.agent(f"Agent {number}", brand) for number in range(request.PAGE_SIZE + 1)]
    first = await partner.get(f"{brand}/agents", pageSize=1)
    assert [agent["name"] for agent in first["agents"]] == agents[:-1]
    last = await partner.get(f"{brand}/agents", pageToken=first["nextPageToken"])
    assert [agent["name"] for agent in last["agents"]] == agents[-1:]
    assert "nextPageToken" not in last
    assert len((await partner.get("brands/-/agents"))["agents"]) == request.PAGE_SIZE
    brands = [brand, *[await partner.brand() for _ in range(request.PAGE_SIZE)]]
    page = await partner.get("brands")
    rest = await partner.get("brands", page_token=page["nextPageToken"])
    assert [row["name"] for row in page["brands"] + rest["brands"]] == brands
    assert await partner.refused("GET", "brands", pageToken="nonsense") == (400, "INVALID_ARGUMENT")


async def test_agents_are_found_by_the_state_of_their_launch(partner: Partner):
    agent = await partner.launched("Acme Launched")
    await partner.agent("Acme Idle")
    found = await partner.get("brands/-/agents", launchStateFilter="LAUNCH_STATE_LAUNCHED")
    assert [row["name"] for row in found["agents"]] == [agent]
    assert await partner.get("brands/-/agents", launchStateFilter="LAUNCH_STATE_PENDING") == {}
    assert await partner.refused("GET", "brands/-/agents", launchStateFilter="SOON") == (400, "INVALID_ARGUMENT")
