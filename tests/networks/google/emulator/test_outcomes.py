"""What the last word of an agent's name, and the last four digits of a tester's number, make of them."""

import re
from pathlib import Path

import asyncpg
import pytest

from tabard.networks.emulation.pace import Pace
from tabard.networks.google.emulator.outcomes import OUTCOMES, OWNERS, PLAIN, WAITING, outcome_of, owner_of
from tabard.networks.meta.emulator.outcomes import OUTCOMES as META_OUTCOMES
from tests.support.google_emulator import EE, FREE, ORANGE, SFR, Partner, World, emulating

GUIDE = Path(__file__).parents[4] / "docs" / "guides" / "sandbox-google.md"
VODAFONE = "/v1/regions/vodafone-united-kingdom"


def test_the_guide_has_the_same_tables():
    page = GUIDE.read_text(encoding="utf-8")
    names = dict(re.findall(r"^\| `… (\w+)` \| (.+?) \|$", page, re.MULTILINE))
    assert names == {word: outcome.story for word, outcome in OUTCOMES.items()}
    phones = dict(re.findall(r"^\| `(\d{4})` \| (.+?) \|$", page, re.MULTILINE))
    assert phones == {ending: owner.story for ending, owner in OWNERS.items()}


def test_any_other_agent_and_phone_is_plain():
    for name in ("Acme Parcels", "Rejected Parcels", "Acme rejected", "", "   "):
        assert outcome_of(name) is PLAIN
    assert outcome_of("Rejected") is OUTCOMES["Rejected"]
    assert owner_of("+15550100100") is WAITING
    assert not OWNERS.keys() & META_OUTCOMES.keys()


async def test_rejected_is_rejected_everywhere_with_a_remark(partner: Partner, world: World):
    agent = await partner.launched("Acme Rejected", ORANGE, FREE)
    assert await partner.states(agent) == {ORANGE: "REJECTED", FREE: "REJECTED"}
    assert all(event["comment"] for event in world.receiver.events if event["newLaunchState"] == "REJECTED")
    details = (await partner.get(f"{agent}/launch"))["rcsBusinessMessaging"]["launchDetails"]
    assert all(row["comment"] for row in details.values())


async def test_partly_is_launched_by_the_first_carrier_of_each_country(partner: Partner):
    agent = await partner.launched("Acme Partly", SFR, ORANGE, EE, VODAFONE)
    assert await partner.states(agent) == {SFR: "REJECTED", ORANGE: "LAUNCHED", EE: "REJECTED", VODAFONE: "LAUNCHED"}


async def test_suspended_is_launched_and_suspended_a_day_later(partner: Partner, world: World):
    agent = await partner.launched("Acme Suspended", ORANGE)
    assert await partner.state(agent) == "LAUNCHED"
    await partner.advance(hours=23)
    assert await partner.state(agent) == "LAUNCHED"
    await partner.advance(hours=1)
    assert await partner.state(agent) == "SUSPENDED"
    assert world.receiver.events[-1]["comment"]
    await partner.advance(days=10)
    assert await partner.state(agent) == "SUSPENDED"


async def test_unverified_loses_its_launch_too(partner: Partner, world: World):
    agent = await partner.launched("Acme Unverified", ORANGE, FREE)
    assert await partner.verified_as(agent) == "UNVERIFIED"
    assert await partner.states(agent) == {ORANGE: "REJECTED", FREE: "REJECTED"}
    assert {(e["actingParty"], "verified" in e["comment"]) for e in world.receiver.events[2:]} == {("GOOGLE", True)}
    await partner.patch(agent, "displayName", displayName="Acme")
    await partner.request_launch(agent, ORANGE)
    await world.settle()
    assert (await partner.verified_as(agent), await partner.state(agent)) == ("VERIFIED", "LAUNCHED")


@pytest.mark.parametrize("pace", [Pace.INSTANT, Pace.REALTIME])
async def test_slow_takes_28_days_at_any_pace(pool: asyncpg.Pool, pace: Pace):
    async with emulating(pool, pace=pace) as world:
        partner = await world.partner()
        agent = await partner.put_up("Acme Slow", ORANGE)
        await partner.advance(days=3)
        assert await partner.verified_as(agent) == "VERIFIED"
        await partner.advance(days=27, hours=23)
        assert await partner.state(agent) == "PENDING"
        await partner.advance(hours=1)
        assert await partner.state(agent) == "LAUNCHED"


async def test_failing_fails_three_calls_then_works(partner: Partner):
    agent = await partner.agent("Acme Failing")
    for _ in range(3):
        assert await partner.refused("GET", agent) == (503, "UNAVAILABLE")
    await partner.get(agent)
    assert (await partner.get("brands/-/agents"))["agents"]
