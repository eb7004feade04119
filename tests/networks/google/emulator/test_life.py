"""An agent's life from its request to its launch, at each pace, by the account's clock alone."""

from datetime import timedelta

import asyncpg
import pytest

from tabard.networks.emulation.pace import Pace
from tabard.networks.google.emulator.regions import REGIONS
from tests.support.google_emulator import CONTACT, EE, FREE, ORANGE, SFR, Partner, World, emulating, id_of, launch_of


async def test_verification_waits_for_a_launch_and_carriers_for_verification(partner: Partner, world: World):
    agent = await partner.agent()
    asked = await partner.post(f"{agent}:requestVerification", agentVerificationContact=CONTACT)
    assert asked == {
        "name": f"{agent}/verification",
        "verificationState": "VERIFICATION_STATE_UNVERIFIED",
        "agentVerificationContact": CONTACT,
    }
    await world.settle()
    assert await partner.verified_as(agent) == "UNVERIFIED"

    launch = await partner.request_launch(agent, ORANGE)
    assert launch["name"] == f"{agent}/launch"
    details = launch["rcsBusinessMessaging"]["launchDetails"]
    assert details == {ORANGE: {"launchState": "LAUNCH_STATE_PENDING", "updateTime": "2026-03-02T10:00:02Z"}}
    assert await partner.verified_as(agent) == "PENDING"

    world.clock.advance(seconds=0.2)
    await world.emulator.drain()
    assert (await partner.verified_as(agent), await partner.state(agent)) == ("VERIFIED", "PENDING")

    world.clock.advance(seconds=0.2)
    await world.emulator.drain()
    assert await partner.state(agent) == "LAUNCHED"
    assert await partner.next_due() is None


async def test_carriers_decide_each_at_a_time_of_its_own(partner: Partner, world: World):
    agent = await partner.put_up("Acme", ORANGE, SFR, FREE)
    world.clock.advance(seconds=0.2)
    await world.emulator.drain()
    launched = []
    for _ in range(3):
        due = await partner.next_due()
        assert due is not None
        world.clock.time += due
        await world.emulator.drain()
        launched.append(list((await partner.states(agent)).values()).count("LAUNCHED"))
    assert launched == [1, 2, 3]


async def test_a_second_launch_of_a_verified_agent_goes_to_the_carriers_at_once(partner: Partner, world: World):
    agent = await partner.launched("Acme", ORANGE)
    await partner.request_launch(agent, ORANGE, EE)
    assert await partner.states(agent) == {ORANGE: "LAUNCHED", EE: "PENDING"}
    assert await partner.verified_as(agent) == "VERIFIED"
    await world.settle()
    assert await partner.state(agent, EE) == "LAUNCHED"


async def test_at_real_pace_google_takes_three_days_and_each_carrier_its_own(pool: asyncpg.Pool):
    async with emulating(pool, pace=Pace.REALTIME) as world:
        partner = await world.partner()
        verizon = "/v1/regions/verizon-united-states"
        agent = await partner.put_up("Acme", ORANGE, verizon)
        await partner.advance(days=2, hours=23)
        assert await partner.verified_as(agent) == "PENDING"
        await partner.advance(hours=1)
        assert await partner.verified_as(agent) == "VERIFIED"
        await partner.advance(days=15)
        assert await partner.states(agent) == {ORANGE: "LAUNCHED", verizon: "PENDING"}
        await partner.advance(days=12)
        assert await partner.state(agent, verizon) == "PENDING"
        await partner.advance(days=1)
        assert await partner.state(agent, verizon) == "LAUNCHED"


def test_real_carriers_take_five_to_twenty_eight_days():
    days = {region.decides_after for region in REGIONS.values()}
    assert min(days) == timedelta(days=5)
    assert max(days) == timedelta(days=28)


async def test_at_manual_pace_nothing_happens_by_itself(pool: asyncpg.Pool):
    async with emulating(pool, pace=Pace.MANUAL) as world:
        partner = await world.partner()
        agent = await partner.put_up()
        await partner.advance(days=365)
        assert await partner.next_due() is None
        await world.emulator.decide_verification(partner.account_id, id_of(agent), verified=True)
        await partner.advance(days=365)
        assert (await partner.verified_as(agent), await partner.state(agent)) == ("VERIFIED", "PENDING")


async def test_new_work_wakes_the_worker(partner: Partner, world: World):
    agent = await partner.agent()
    await partner.post(f"{agent}:requestVerification", agentVerificationContact=CONTACT)
    assert world.wakes == []
    await partner.request_launch(agent)
    assert len(world.wakes) == 1


async def test_moving_one_clock_leaves_the_others(partner: Partner, world: World):
    other = await world.partner()
    agents = {owner.account_id: await owner.launched("Acme Suspended") for owner in (partner, other)}
    await partner.advance(days=2)
    assert await partner.state(agents[partner.account_id]) == "SUSPENDED"
    assert await other.state(agents[other.account_id]) == "LAUNCHED"
    due = await other.next_due()
    assert due is not None
    assert timedelta(hours=23) < due <= timedelta(days=1)
    assert await partner.next_due() is None


async def test_a_rejected_region_can_be_asked_again(partner: Partner, world: World):
    agent = await partner.launched("Acme Rejected", ORANGE)
    assert await partner.state(agent) == "REJECTED"
    await partner.request_launch(agent, ORANGE)
    assert await partner.state(agent) == "PENDING"
    await world.settle()
    assert await partner.state(agent) == "REJECTED"


async def test_a_verification_that_is_taken_back_holds_the_carriers(partner: Partner, world: World):
    agent = await partner.put_up("Acme", ORANGE)
    world.clock.advance(seconds=0.2)
    await world.emulator.drain()
    await partner.patch(f"{agent}/verification", "verificationState", verificationState="VERIFICATION_STATE_UNVERIFIED")
    await world.settle()
    assert (await partner.verified_as(agent), await partner.state(agent)) == ("UNVERIFIED", "PENDING")
    await partner.request_launch(agent, ORANGE)
    assert await partner.verified_as(agent) == "PENDING"
    await world.settle()
    assert await partner.state(agent) == "LAUNCHED"


@pytest.mark.parametrize("state", ["PENDING", "SUSPENDED"])
async def test_what_is_pending_or_suspended_stays_when_repeated(partner: Partner, world: World, state: str):
    agent = await (partner.put_up("Acme", ORANGE) if state == "PENDING" else partner.launched("Acme Suspended", ORANGE))
    if state == "SUSPENDED":
        await partner.advance(days=1)
    before = (await partner.get(f"{agent}/launch"))["rcsBusinessMessaging"]["launchDetails"][ORANGE]
    world.clock.advance(seconds=0.05)
    after = await partner.post(f"{agent}:requestLaunch", **launch_of(ORANGE, EE))
    assert after["rcsBusinessMessaging"]["launchDetails"][ORANGE] == before
    assert await partner.state(agent) == state
