"""Every step of a sender's life is safe to repeat, and safe to fail: before the network heard of it, after it has done
what was asked but its answer was lost, and when the worker dies on either side of the call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

import pytest

from tabard.domain.lifecycle import Status
from tests.support.service import SENDERS
from tests.support.workshop import Mishap, Workshop

PROFILE = {"about": "Tracked parcels", "vertical": "Travel and Transportation", "emails": [{"email": "a@example.com"}]}
NAME, NEW_NAME = "Example Parcels", "Example Post"


@dataclass(frozen=True)
class Chapter:
    """A part of a sender's life: how it is got ready, what is asked for, and what must be true in the end."""

    before: Callable[[Workshop, str], Awaitable[str]]
    act: Callable[[Workshop, str, str], Awaitable[object]]
    after: Callable[[Workshop, str, str], Awaitable[None]]


async def nothing_yet(_shop: Workshop, _number: str) -> str:
    return ""


async def is_online(shop: Workshop, number: str) -> str:
    return await shop.online(number)


async def live(shop: Workshop, _sid: str, number: str) -> None:
    """As a patient owner does it: type the newest code in, and ask for another if that one was too old."""
    sid = (await shop.tabard.create(number))["sid"]
    for _ in range(20):
        await shop.pass_time(minutes=2)
        sender = await shop.tabard.fetch(sid)
        if sender["status"] == "ONLINE":
            return
        if sender["status"] == "PENDING_VERIFICATION" and sender["offline_reasons"]:
            await shop.tabard.post(f"{SENDERS}/{sid}", {"configuration": {"verification_method": "sms"}})
        elif sender["status"] == "PENDING_VERIFICATION":
            await shop.tabard.verify(sid, number)


async def update(shop: Workshop, sid: str, _number: str) -> None:
    await shop.tabard.post(f"{SENDERS}/{sid}", {"profile": PROFILE})


async def rename(shop: Workshop, sid: str, _number: str) -> None:
    await shop.tabard.post(f"{SENDERS}/{sid}", {"profile": {"name": NEW_NAME}})


async def delete(shop: Workshop, sid: str, _number: str) -> None:
    assert (await shop.tabard.call("DELETE", f"{SENDERS}/{sid}")).status == 204


async def online_once(shop: Workshop, _sid: str, number: str) -> None:
    (sender,) = [s for s in await senders(shop) if s["sender_id"] == f"whatsapp:{number}"]
    assert (sender["status"], sender["offline_reasons"]) == ("ONLINE", None)
    assert await shop.held(number) == ["CONNECTED"]
    told = await shop.events(sender["sid"])
    assert (told.count("sender.created"), told.count("sender.online")) == (1, 1)


async def dressed(shop: Workshop, sid: str, number: str) -> None:
    await online_once(shop, sid, number)
    shown = await shop.tabard.parts.pool.fetchval(
        "select profile->>'about' from sandbox.meta_numbers where digits = $1", number[1:]
    )
    assert shown == PROFILE["about"]


async def renamed(shop: Workshop, sid: str, number: str) -> None:
    await online_once(shop, sid, number)
    sender = await shop.tabard.fetch(sid)
    assert (sender["profile"]["name"], sender["pending_display_name_status"]) == (NEW_NAME, "COMPLETED")
    shown = await shop.tabard.parts.pool.fetchval(
        "select verified_name from sandbox.meta_numbers where digits = $1", number[1:]
    )
    assert shown == NEW_NAME
    assert await registrations(shop, number) <= 4, "few of the ten that three days allow"


async def taken_down(shop: Workshop, sid: str, number: str) -> None:
    assert (await shop.tabard.call("GET", f"{SENDERS}/{sid}")).status == 404
    assert await shop.held(number) == ["DISCONNECTED"]
    row = await shop.stored(sid)
    assert (row.status, row.due_at) == (Status.DELETED, None)


CHAPTERS = {
    "create, verify, register, go online": Chapter(nothing_yet, live, online_once),
    "update": Chapter(is_online, update, dressed),
    "rename": Chapter(is_online, rename, renamed),
    "delete": Chapter(is_online, delete, taken_down),
}


async def senders(shop: Workshop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await shop.tabard.get(f"{SENDERS}?Channel=whatsapp&PageSize=1000"))["senders"]
    return found


async def registrations(shop: Workshop, number: str) -> int:
    calls = await shop.tabard.parts.pool.fetchval(
        "select cardinality(registrations) from sandbox.meta_numbers where digits = $1", number[1:]
    )
    return int(calls)


@pytest.mark.parametrize("chapter", CHAPTERS.values(), ids=CHAPTERS.keys())
async def test_every_call_may_fail_at_either_end(shop: Workshop, chapter: Chapter):
    numbers = (f"+1555010{n:04}" for n in count(1000))

    async def live_through(mishaps: dict[int, Mishap]) -> list[str]:
        number = next(numbers)
        sid = await chapter.before(shop, number)
        shop.network.plan(mishaps)
        await chapter.act(shop, sid, number)
        await shop.pass_time(minutes=10)
        assert not shop.network.mishaps, "the mishap has happened"
        await chapter.after(shop, sid, number)
        return [*shop.network.calls]

    calls = await live_through({})
    for place, name in enumerate(calls):
        for mishap in Mishap:
            try:
                await live_through({place: mishap})
            except AssertionError as error:
                raise AssertionError(f"call {place}, {name}, {mishap.value}: {error}") from error


@pytest.mark.parametrize("chapter", CHAPTERS.values(), ids=CHAPTERS.keys())
async def test_nothing_is_lost_on_a_bad_line(shop: Workshop, chapter: Chapter):
    """Of the first calls about half never arrive, or are never answered."""
    for seed in range(3):
        number, luck = f"+1555010100{seed}", Random(seed)
        sid = await chapter.before(shop, number)
        shop.network.plan({call: luck.choice([*Mishap]) for call in range(20) if luck.random() < 0.5})
        await chapter.act(shop, sid, number)
        await shop.pass_time(hours=1)
        shop.network.plan({})
        await chapter.after(shop, sid, number)


@pytest.mark.parametrize("network_moves_on", [False, True], ids=["at once", "after the network has moved on"])
async def test_every_step_may_run_twice(shop: Workshop, network_moves_on: bool):
    """As when a worker dies after its step and before its save: the next one starts from the same stored sender."""
    number = "+15550100001"

    async def again() -> None:
        await shop.repeat_each_step(network_moves_on=network_moves_on)

    sid = (await shop.tabard.create(number))["sid"]
    await again()
    assert (await shop.tabard.fetch(sid))["status"] == "PENDING_VERIFICATION"
    await shop.tabard.verify(sid, number)
    await again()
    await online_once(shop, sid, number)
    await update(shop, sid, number)
    await again()
    await dressed(shop, sid, number)
    await rename(shop, sid, number)
    await again()
    await shop.repeat_each_step(network_moves_on=network_moves_on)
    await renamed(shop, sid, number)
    await delete(shop, sid, number)
    await again()
    await taken_down(shop, sid, number)


async def test_a_number_that_was_deleted_comes_back_with_the_pin_it_was_left_with(shop: Workshop):
    number = "+15550100001"
    first = await shop.online(number)
    await delete(shop, first, number)
    await shop.work()
    again = (await shop.tabard.create(number))["sid"]
    await shop.pass_time(seconds=5)
    assert (await shop.tabard.fetch(again))["status"] == "ONLINE", "the network knows the number as proved"
    assert await shop.held(number) == ["CONNECTED"]


async def test_a_sender_that_is_deleted_while_it_is_added_leaves_no_number_registered(shop: Workshop):
    number = "+15550100001"

    async def delete_it(call: str, _arguments: object) -> None:
        if call == "add_number":
            await delete(shop, sid, number)

    sid = (await shop.tabard.create(number))["sid"]
    shop.network.before = delete_it
    await shop.pass_time(minutes=10)
    assert (await shop.stored(sid)).status is Status.DELETED
    assert (await shop.stored(sid)).due_at is None
    assert await shop.held(number) in (["PENDING"], ["DISCONNECTED"])
