"""What the sandbox's user can do to the emulated network, at any pace, and what happens when two do it at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.errors import Conflict, InvalidInput, NotFound
from tabard.domain.ids import new_account_id
from tabard.networks.emulation.pace import Pace
from tests.support.google_emulator import EE, FREE, ORANGE, SFR, Partner, World, emulating, fine, id_of, launch_of

PHONE = "+15550100009"


@pytest.fixture(params=list(Pace))
async def world(pool: asyncpg.Pool, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Controls work at any pace."""
    async with emulating(pool, pace=request.param) as made:
        yield made


async def decide(
    partner: Partner, agent: str, region: str | None, status: CarrierStatus, why: str | None = None
) -> None:
    await partner.world.emulator.decide_launch(partner.account_id, id_of(agent), region and [region], status, why)


async def verify(partner: Partner, agent: str, *, verified: bool = True) -> None:
    await partner.world.emulator.decide_verification(partner.account_id, id_of(agent), verified=verified)


async def test_one_carrier_decides_and_the_others_go_on_waiting(partner: Partner, world: World):
    agent = await partner.put_up("Acme", ORANGE, SFR)
    await verify(partner, agent)
    await decide(partner, agent, ORANGE, CarrierStatus.REJECTED, "Too vague.")
    assert await partner.states(agent) == {ORANGE: "REJECTED", SFR: "PENDING"}
    await world.settle()
    rejection = next(event for event in world.receiver.events if event["newLaunchState"] == "REJECTED")
    assert (rejection["actingParty"], rejection["comment"]) == ("CARRIER", "Too vague.")


async def test_all_to_whom_it_is_open_decide_at_once(partner: Partner):
    agent = await partner.put_up("Acme", ORANGE, SFR, FREE)
    await decide(partner, agent, ORANGE, CarrierStatus.REJECTED)
    await decide(partner, agent, None, CarrierStatus.LAUNCHED)
    assert await partner.states(agent) == {ORANGE: "REJECTED", SFR: "LAUNCHED", FREE: "LAUNCHED"}
    with pytest.raises(Conflict):
        await decide(partner, agent, None, CarrierStatus.LAUNCHED)


async def test_a_decision_calls_off_the_scheduled_one(partner: Partner):
    agent = await partner.put_up("Acme", ORANGE)
    await verify(partner, agent)
    await decide(partner, agent, ORANGE, CarrierStatus.REJECTED)
    await partner.world.settle()
    assert await partner.next_due() is None
    await partner.advance(days=60)
    assert await partner.state(agent) == "REJECTED"


async def test_a_suspension_is_lifted_or_ends_the_launch(partner: Partner):
    agent = await partner.put_up("Acme", ORANGE, SFR)
    await decide(partner, agent, None, CarrierStatus.LAUNCHED)
    await decide(partner, agent, None, CarrierStatus.SUSPENDED, "Complaints.")
    await decide(partner, agent, ORANGE, CarrierStatus.LAUNCHED)
    await decide(partner, agent, SFR, CarrierStatus.UNLAUNCHED)
    assert await partner.states(agent) == {ORANGE: "LAUNCHED", SFR: "UNLAUNCHED"}


@pytest.mark.parametrize(
    ("way", "status"),
    [
        ([], CarrierStatus.SUSPENDED),
        ([], CarrierStatus.UNLAUNCHED),
        ([CarrierStatus.LAUNCHED], CarrierStatus.REJECTED),
        ([CarrierStatus.LAUNCHED], CarrierStatus.UNLAUNCHED),
        ([CarrierStatus.REJECTED], CarrierStatus.LAUNCHED),
    ],
)
async def test_a_carrier_keeps_to_its_own_moves(partner: Partner, way: list[CarrierStatus], status: CarrierStatus):
    agent = await partner.put_up("Acme", ORANGE)
    for step in way:
        await decide(partner, agent, ORANGE, step)
    with pytest.raises(Conflict):
        await decide(partner, agent, ORANGE, status)


async def test_there_must_be_something_to_decide(partner: Partner, world: World):
    agent = await partner.agent()
    for region in (None, ORANGE, "/v1/regions/nowhere"):
        with pytest.raises(NotFound):
            await decide(partner, agent, region, CarrierStatus.LAUNCHED)
    with pytest.raises(NotFound):
        await decide(partner, "brands/x/agents/nobody_agent", None, CarrierStatus.LAUNCHED)
    with pytest.raises(InvalidInput):
        await decide(partner, agent, None, CarrierStatus.PENDING)
    with pytest.raises(NotFound):
        await verify(partner, agent)
    with pytest.raises(NotFound):
        await world.emulator.answer_invitation(partner.account_id, id_of(agent), PHONE, accepted=True)


async def test_a_verification_is_decided_once(partner: Partner):
    agent = await partner.put_up("Acme", ORANGE)
    await verify(partner, agent)
    assert await partner.verified_as(agent) == "VERIFIED"
    with pytest.raises(NotFound):
        await verify(partner, agent)


async def test_a_refused_verification_ends_the_launch(partner: Partner):
    agent = await partner.put_up("Acme", ORANGE, FREE)
    await verify(partner, agent, verified=False)
    assert await partner.verified_as(agent) == "UNVERIFIED"
    assert set((await partner.states(agent)).values()) == {"REJECTED"}
    await partner.world.settle()
    assert await partner.next_due() is None


async def test_an_owner_answers_once(partner: Partner, world: World):
    agent = await partner.agent()
    await partner.invite(agent, PHONE)
    await world.emulator.answer_invitation(partner.account_id, id_of(agent), PHONE, accepted=True)
    assert (await partner.get(f"testers/{PHONE}", agentId=id_of(agent)))["inviteStatus"] == "ACCEPTED"
    with pytest.raises(NotFound):
        await world.emulator.answer_invitation(partner.account_id, id_of(agent), PHONE, accepted=False)


async def test_the_next_calls_fail_as_asked(partner: Partner, world: World):
    agent = await partner.agent()
    for status, code in (
        (503, "UNAVAILABLE"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (418, "FAILED_PRECONDITION"),
    ):
        await world.emulator.fail_next(partner.account_id, 2, status=status, code=7)
        assert await partner.refused("GET", "brands/nobody") == (404, "NOT_FOUND")  # what is not there is seen first
        assert await partner.refused("POST", "brands", colour="red") == (status, code)  # parameters come last
        assert await partner.refused("GET", agent) == (status, code)
        await partner.get(agent)


async def test_a_reset_forgets_all_but_the_way_in(partner: Partner, world: World):
    other = await world.partner()
    kept = await other.put_up("Other", ORANGE)
    agent = await partner.put_up("Acme", ORANGE)
    await partner.invite(agent, PHONE)
    await world.emulator.fail_next(partner.account_id, 5, status=500, code=0)
    await world.emulator.set_webhook_chaos(partner.account_id, drop=True)
    await world.emulator.reset(partner.account_id)
    assert await partner.get("brands") == {}
    assert await world.emulator.inbox(partner.account_id, PHONE) == []
    assert await partner.next_due() is None
    assert await world.emulator.open_account(partner.account_id) == partner.connection
    assert await other.state(kept) == "PENDING"
    again = await partner.put_up("Acme", ORANGE)
    await world.settle()
    assert id_of(again) in {event["agentId"] for event in world.receiver.events}


async def test_an_account_that_was_never_opened_has_nothing(world: World):
    stranger = new_account_id()
    with pytest.raises(NotFound):
        await world.emulator.fail_next(stranger, 1, status=500, code=0)
    with pytest.raises(NotFound):
        await world.emulator.set_webhook_chaos(stranger, drop=True)
    with pytest.raises(NotFound):
        await world.emulator.decide_verification(stranger, "x_agent", verified=True)
    await world.emulator.reset(stranger)
    await world.emulator.shift(stranger, timedelta(days=1))
    assert await world.emulator.next_due(stranger) is None
    assert await world.emulator.inbox(stranger, PHONE) == []


async def test_the_next_task_of_all_is_the_earliest_of_any(partner: Partner, world: World):
    assert await world.emulator.next_task_due() is None
    await partner.put_up("Acme", ORANGE)
    assert await world.emulator.next_task_due() == await world.emulator.next_due(partner.account_id)


async def test_a_closed_account_leaves_nothing_behind(partner: Partner, world: World):
    agent = await partner.put_up("Acme", ORANGE)
    await partner.invite(agent, PHONE)
    await world.pool.execute("delete from accounts where id = $1", partner.account_id)
    tables = await world.pool.fetch(
        "select tablename from pg_tables where schemaname = 'sandbox' and tablename like 'google%'"
    )
    assert len(tables) == 6
    for (table,) in tables:
        assert await world.pool.fetchval(f"select count(*) from sandbox.{table}") == 0, table


# races


async def test_of_two_decisions_at_once_one_wins(partner: Partner, world: World):
    agent = await partner.put_up("Acme", ORANGE)
    decisions = [CarrierStatus.LAUNCHED, CarrierStatus.REJECTED] * 5
    outcomes = await asyncio.gather(
        *(decide(partner, agent, ORANGE, status) for status in decisions), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert all(isinstance(outcome, Conflict) for outcome in outcomes if outcome is not None)
    await world.settle()
    assert sum(old == "PENDING" for _, old, _ in world.receiver.moves) == 1


async def test_carriers_that_decide_at_once_all_count(partner: Partner):
    regions = (ORANGE, SFR, FREE, EE)
    agent = await partner.put_up("Acme", *regions)
    await asyncio.gather(*(decide(partner, agent, region, CarrierStatus.LAUNCHED) for region in regions))
    assert set((await partner.states(agent)).values()) == {"LAUNCHED"}


async def test_calls_at_once_all_count(partner: Partner):
    agent = await partner.agent()
    numbers = [f"+155501001{number:02}" for number in range(10)]
    await asyncio.gather(*(partner.invite(agent, number) for number in numbers))
    assert len((await partner.get("testers", agentId=id_of(agent)))["testers"]) == len(numbers)


async def test_a_request_and_a_decision_at_once(partner: Partner):
    agent = await partner.put_up("Acme", ORANGE)
    answer, _ = await asyncio.gather(
        partner.call("POST", f"{agent}:requestLaunch", json=launch_of(ORANGE, SFR)),
        decide(partner, agent, ORANGE, CarrierStatus.LAUNCHED),
    )
    fine(answer)
    assert await partner.states(agent) == {ORANGE: "LAUNCHED", SFR: "PENDING"}
