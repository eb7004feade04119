"""Every step of an RCS sender's life is safe to repeat, and safe to fail: before the network heard of it, after it has
done what was asked but its answer was lost, and when the worker dies on either side of the call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from random import Random

import pytest

from tabard.domain.lifecycle import Status
from tabard.networks.google.wire import LaunchState
from tests.support.rcs_life import LAUNCHED, SWEDEN, RcsLife
from tests.support.service import SENDERS
from tests.support.workshop import Mishap, Workshop

# By their last four digits: one accepts, one declines, one has no RCS.
ACCEPTS, DECLINES, NO_RCS = "+15550100201", "+15550100202", "+15550100203"


@dataclass(frozen=True)
class Chapter:
    """A part of a sender's life: how it is got ready, what is asked for, and what must be true in the end."""

    before: Callable[[RcsLife, str], Awaitable[str]]
    act: Callable[[RcsLife, str, str], Awaitable[object]]
    after: Callable[[RcsLife, str, str], Awaitable[None]]


async def nothing_yet(_life: RcsLife, _name: str) -> str:
    return ""


async def in_test(life: RcsLife, name: str) -> str:
    return await life.testing(name)


async def launched(life: RcsLife, name: str) -> str:
    return await life.online(name)


async def with_an_accepted_phone(life: RcsLife, name: str) -> str:
    sid = await life.testing(name)
    await life.invite(sid, ACCEPTS)
    await life.shop.pass_time(seconds=5)
    assert await life.testers(sid) == {ACCEPTS: "accepted"}
    return sid


async def create(life: RcsLife, _sid: str, name: str) -> None:
    await life.create(name)


async def launch(life: RcsLife, sid: str, _name: str) -> None:
    await life.launch(sid, "SE")


async def add_a_country(life: RcsLife, sid: str, _name: str) -> None:
    await life.launch(sid, "SE", "NO")


async def invite(life: RcsLife, sid: str, _name: str) -> None:
    await life.invite(sid, ACCEPTS, DECLINES, NO_RCS)


async def invite_anew(life: RcsLife, sid: str, _name: str) -> None:
    await life.invite(sid, ACCEPTS)


async def update(life: RcsLife, sid: str, _name: str) -> None:
    await life.update(sid, description="Coffee only", accent_color="#ffffff")


async def delete(life: RcsLife, sid: str, _name: str) -> None:
    await life.delete(sid)


async def made_once(life: RcsLife, _sid: str, name: str) -> None:
    (sid,) = [sender["sid"] for sender in await senders(life) if sender["sender_id"] == f"rcs:{name}"]
    sender = await life.stored(sid)
    assert (sender.status, sender.offline_reasons, sender.link.attempts) == (Status.TESTING, (), 0)
    agent = await life.only_agent(name)
    assert (sender.link.network_id, sender.registration.business_account) == (agent.id, agent.brand.id)
    assert agent.integration is not None
    assert agent.details["description"] == "Coffee and cake"
    told = await life.shop.events(sid)
    assert (told.count("sender.created"), told.count("sender.testing")) == (1, 1)


async def seen_once(life: RcsLife, sid: str, name: str) -> None:
    sender = await life.stored(sid)
    assert (sender.status, sender.offline_reasons) == (Status.ONLINE, ())
    assert await life.carriers(sid) == dict.fromkeys(SWEDEN, LAUNCHED)
    assert sender.rcs.launched_at is not None
    agent = await life.only_agent(name)
    assert {launch.state for launch in agent.launches.values()} == {LaunchState.LAUNCHED}
    told = await life.shop.events(sid)
    assert (told.count("sender.online"), told.count("sender.offline")) == (1, 0)
    assert told.count("sender.carrier") == 2 * len(SWEDEN), "each was asked and has launched, once"


async def seen_in_both(life: RcsLife, sid: str, name: str) -> None:
    assert (await life.stored(sid)).status is Status.ONLINE
    assert set((await life.carriers(sid)).values()) == {LAUNCHED}
    assert len((await life.only_agent(name)).launches) == len(SWEDEN) + 2
    told = await life.shop.events(sid)
    assert (told.count("sender.online"), told.count("sender.offline")) == (1, 0)


async def answered(life: RcsLife, sid: str, name: str) -> None:
    assert await life.testers(sid) == {ACCEPTS: "accepted", DECLINES: "declined", NO_RCS: "unreachable"}
    agent = await life.only_agent(name)
    assert (set(agent.testers), len(agent.invitations)) == ({ACCEPTS, DECLINES}, 2)
    assert len((await life.agent(sid)).invitations) == 2, "none was sent twice, each is counted"


async def accepted_anew(life: RcsLife, sid: str, name: str) -> None:
    assert await life.testers(sid) == {ACCEPTS: "accepted"}
    assert len((await life.only_agent(name)).invitations) == 2


async def dressed(life: RcsLife, sid: str, name: str) -> None:
    await seen_once(life, sid, name)
    details = (await life.only_agent(name)).details
    assert (details["description"], details["color"]) == ("Coffee only", "#767676")


async def put_away(life: RcsLife, sid: str, name: str) -> None:
    assert (await life.shop.tabard.call("GET", f"{SENDERS}/{sid}")).status == 404
    sender = await life.stored(sid)
    assert (sender.status, sender.due_at) == (Status.DELETED, None)
    agent = await life.only_agent(name)
    assert agent.archived
    assert not agent.is_shown


CHAPTERS = {
    "create": Chapter(nothing_yet, create, made_once),
    "launch": Chapter(in_test, launch, seen_once),
    "add a country": Chapter(launched, add_a_country, seen_in_both),
    "invite test numbers": Chapter(in_test, invite, answered),
    "invite one anew": Chapter(with_an_accepted_phone, invite_anew, accepted_anew),
    "update": Chapter(launched, update, dressed),
    "delete": Chapter(launched, delete, put_away),
}


async def senders(life: RcsLife) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await life.shop.tabard.get(f"{SENDERS}?Channel=rcs&PageSize=1000"))["senders"]
    return found


@pytest.mark.parametrize("chapter", CHAPTERS.values(), ids=CHAPTERS.keys())
async def test_every_call_may_fail_at_either_end(shop: Workshop, chapter: Chapter):
    life, names = RcsLife(shop), (f"cafe_{number}" for number in count(1))

    async def live_through(mishaps: dict[int, Mishap]) -> list[str]:
        name = next(names)
        sid = await chapter.before(life, name)
        shop.rcs.plan(mishaps)
        await chapter.act(life, sid, name)
        await shop.pass_time(minutes=10)
        assert not shop.rcs.mishaps, "the mishap has happened"
        await chapter.after(life, sid, name)
        return [*shop.rcs.calls]

    calls = await live_through({})
    for place, name in enumerate(calls):
        if calls[:place].count(name) > 1:
            continue  # one more look at what carriers and phones have answered
        for mishap in Mishap:
            try:
                await live_through({place: mishap})
            except AssertionError as error:
                raise AssertionError(f"call {place}, {name}, {mishap.value}: {error}") from error


@pytest.mark.parametrize("chapter", CHAPTERS.values(), ids=CHAPTERS.keys())
async def test_nothing_is_lost_on_a_bad_line(shop: Workshop, chapter: Chapter):
    """Of the first calls about half never arrive, or are never answered."""
    life = RcsLife(shop)
    for seed in range(3):
        name, luck = f"cafe_{seed}", Random(seed)
        sid = await chapter.before(life, name)
        shop.rcs.plan({call: luck.choice([*Mishap]) for call in range(20) if luck.random() < 0.5})
        await chapter.act(life, sid, name)
        await shop.pass_time(hours=1)
        shop.rcs.plan({})
        await shop.pass_time(days=1)
        await chapter.after(life, sid, name)


@pytest.mark.parametrize("network_moves_on", [False, True], ids=["at once", "after the network has moved on"])
async def test_every_step_may_run_twice(shop: Workshop, network_moves_on: bool):
    """As when a worker dies after its step and before its save: the next one starts from the same stored sender."""
    life, name = RcsLife(shop), "cafe_1"

    async def again() -> None:
        await shop.repeat_each_step(network_moves_on=network_moves_on)

    sid = await life.create(name)
    await again()
    await made_once(life, sid, name)
    await invite(life, sid, name)
    await again()
    await answered(life, sid, name)
    await life.invite(sid, ACCEPTS)
    await again()
    assert (await life.testers(sid))[ACCEPTS] == "accepted"
    assert len((await life.only_agent(name)).invitations) == 3
    await launch(life, sid, name)
    await again()
    await seen_once(life, sid, name)
    await update(life, sid, name)
    await again()
    await dressed(life, sid, name)
    await delete(life, sid, name)
    await again()
    await put_away(life, sid, name)


async def test_a_launch_whose_answer_was_lost_is_not_requested_again(shop: Workshop):
    """The network is asked first whether it knows of the request; by then every carrier has decided."""
    life = RcsLife(shop)
    sid = await life.testing("cafe_1")
    shop.rcs.befall_next("request_launch", Mishap.ANSWER_LOST)
    await life.launch(sid, "SE")
    await shop.pass_time(minutes=1)
    assert shop.rcs.calls.count("request_launch") == 1
    await seen_once(life, sid, "cafe_1")
