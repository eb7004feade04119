"""The feed: whoever reads on from where he was misses nothing and sees nothing twice, whatever is written meanwhile."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from tabard.app.webhooks import feed as feed_app
from tabard.dialects.native.events.reading import read_cursor, write_cursor
from tabard.domain.account import AccountKind, Actor, Principal
from tabard.domain.errors import InvalidInput, StaleVersion
from tabard.domain.event import Event
from tabard.domain.ids import AccountId, SenderId
from tabard.http import limits
from tabard.ports.webhooks import Cursor, FeedWanted
from tests.support.patience import eventually
from tests.support.service import SENDERS, Running, running
from tests.support.stream import Sent, blocks, events, streaming

FEED = "/tabard/v1/events"
ACTOR = Actor("clock")


def account_of(customer: Running) -> AccountId:
    return AccountId(UUID(customer.login.removeprefix("AC")))


def principal_of(customer: Running) -> Principal:
    return Principal(account_of(customer), AccountKind.SANDBOX, customer.login)


async def remark(customer: Running, text: str) -> int:
    """An event of the account; its number."""
    services = customer.parts.services
    event = Event("account.commented.rcs", {}, {"comment": text})
    return (await services.senders.tell(account_of(customer), None, event, ACTOR, services.clock.now())).number


async def all_pages(customer: Running, query: str = "", limit: int = 1000) -> list[dict[str, Any]]:
    """To the end, page by page; the places only grow."""
    seen: list[dict[str, Any]] = []
    cursor, place = "", Cursor(0, 0)
    while True:
        page = await customer.get(f"{FEED}?limit={limit}{query}" + (f"&cursor={cursor}" if cursor else ""))
        cursor = page["cursor"]
        assert order(read_cursor(cursor)) >= order(place)
        place = read_cursor(cursor)
        seen += page["events"]
        if len(page["events"]) < limit:
            return seen


def order(place: Cursor) -> tuple[int, int]:
    return place.transaction, place.number


@asynccontextmanager
async def unfinished(pool: asyncpg.Pool, account_id: AccountId) -> AsyncIterator[int]:
    """A transaction that has written an event, and commits at the end of the block; the event's number."""
    async with pool.acquire() as connection, connection.transaction():
        yield await connection.fetchval(
            "insert into events (account_id, type, before, after, actor, occurred_at) "
            "values ($1, 'account.commented.rcs', '{}', '{}', 'clock', now()) returning number",
            account_id,
        )


# pages


async def test_pages_are_the_whole_in_order(customer: Running):
    sid = await customer.online("+15550100001")
    whole = await all_pages(customer)
    assert [e["type"] for e in whole][:1] == ["sender.created"]
    assert {e["sender_id"] for e in whole} == {str(UUID(sid.removeprefix("XE")))}
    assert [e["type"] for e in whole].count("sender.online") == 1
    for limit in (1, 2, 3):
        assert await all_pages(customer, limit=limit) == whole
    assert await all_pages(customer) == whole
    first = whole[0]
    assert first.keys() == {"number", "type", "occurred_at", "actor", "sender_id", "before", "after"}
    assert first["actor"] == f"key:{customer.login}"


async def test_a_page_can_be_read_again(customer: Running):
    for number in range(5):
        await remark(customer, str(number))
    first = await customer.get(f"{FEED}?limit=2")
    again = [await customer.get(f"{FEED}?limit=2&cursor={first['cursor']}") for _ in range(2)]
    assert again[0] == again[1]
    assert [e["after"]["comment"] for e in again[0]["events"]] == ["2", "3"]


async def test_nothing_is_an_answer_too(customer: Running):
    empty = await customer.get(FEED)
    assert empty["events"] == []
    await remark(customer, "later")
    assert len((await customer.get(f"{FEED}?cursor={empty['cursor']}"))["events"]) == 1


async def test_it_may_begin_with_what_is_new(customer: Running):
    await remark(customer, "old")
    start = await customer.get(f"{FEED}?from=now")
    assert start["events"] == []
    await remark(customer, "new")
    page = await customer.get(f"{FEED}?cursor={start['cursor']}")
    assert [e["after"]["comment"] for e in page["events"]] == ["new"]


async def test_filters(customer: Running):
    first, second = [(await customer.create(f"+1555010000{n}"))["sid"] for n in (1, 2)]
    await customer.reaches(first, "PENDING_VERIFICATION")
    await customer.reaches(second, "PENDING_VERIFICATION")
    await remark(customer, "of the account")
    whole = await all_pages(customer)

    async def numbers(query: str) -> list[int]:
        return [e["number"] for e in await all_pages(customer, query)]

    def those(holds: Any) -> list[int]:
        return [e["number"] for e in whole if holds(e)]

    assert await numbers("&type=sender.created") == those(lambda e: e["type"] == "sender.created")
    two = "&type=sender.created&type=sender.status"
    assert await numbers(two) == those(lambda e: e["type"] in {"sender.created", "sender.status"})
    assert await numbers("&type=sender.*") == those(lambda e: e["type"].startswith("sender."))
    assert await numbers("&type=*") == those(lambda e: True)
    mine = first.removeprefix("XE")
    assert await numbers(f"&sender_id={mine}") == those(lambda e: e["sender_id"] == str(UUID(mine)))
    assert await numbers("&channel=whatsapp") == those(lambda e: e["type"].startswith("sender."))
    assert await numbers("&channel=rcs") == those(lambda e: e["type"] == "account.commented.rcs")


async def test_times_are_the_account_s(customer: Running):
    await remark(customer, "before")
    await customer.advance(days=3)
    moved = (await customer.get("/sandbox/v1/clock"))["now"]
    await customer.advance(days=3)
    await remark(customer, "after")
    for query, comment in ((f"&before={quote(moved)}", "before"), (f"&after={quote(moved)}", "after")):
        assert [e["after"]["comment"] for e in await all_pages(customer, query)] == [comment]


async def test_events_come_with_their_sender_if_asked(customer: Running):
    sid = await customer.online("+15550100001")
    await remark(customer, "of the account")
    seen = await all_pages(customer, "&include=sender")
    assert [e["number"] for e in seen] == [e["number"] for e in await all_pages(customer)]
    assert {e["sender"]["status"] for e in seen if e["sender_id"]} == {"online"}
    assert "sender" not in seen[-1]
    await customer.call("DELETE", f"{SENDERS}/{sid}")
    seen = await all_pages(customer, "&include=sender")
    assert {e["sender"]["address"] for e in seen if e["sender_id"]} == {"+15550100001"}


async def test_a_stranger_s_cursor_shows_only_one_s_own(house: Running, customer: Running):
    stranger = await house.account("Stranger")
    start = (await customer.get(FEED))["cursor"]
    await remark(customer, "ours")
    await remark(stranger, "theirs")
    for reader, comment in ((customer, "ours"), (stranger, "theirs")):
        page = await reader.get(f"{FEED}?cursor={start}")
        assert [e["after"]["comment"] for e in page["events"]] == [comment]
    owner_s = (await customer.get(FEED))["events"][0]
    assert await all_pages(stranger, f"&sender_id={owner_s['sender_id'] or UUID(int=1)}") == []


async def test_a_cursor_from_another_database_is_refused(customer: Running):
    ahead = write_cursor(Cursor(2**63, 0))
    reply = await customer.call("GET", f"{FEED}?cursor={ahead}")
    assert reply.status == 400
    assert "cursor" in reply.body["error"]["message"]


# nothing is missed


async def test_a_transaction_held_open_hides_nothing(customer: Running, house: Running):
    """What was written first is committed last: readers wait for it rather than pass it over."""
    earlier = await remark(customer, "earlier")
    async with unfinished(house.parts.pool, account_of(customer)) as held:
        later = await remark(customer, "later")
        page = await customer.get(FEED)
        assert [e["number"] for e in page["events"]] == [earlier]
    rest = await customer.get(f"{FEED}?cursor={page['cursor']}")
    assert [e["number"] for e in rest["events"]] == [held, later]


async def test_one_that_is_undone_leaves_no_hole(customer: Running, house: Running):
    with suppress(ZeroDivisionError):
        async with unfinished(house.parts.pool, account_of(customer)):
            later = await remark(customer, "later")
            start = await customer.get(FEED)
            raise ZeroDivisionError
    page = await customer.get(f"{FEED}?cursor={start['cursor']}")
    assert [e["number"] for e in page["events"]] == [later]


async def test_many_writers_and_a_reader(customer: Running, house: Running):
    """Writers in transactions that take turns at being slow; a reader beside them, with small pages."""
    pool, account_id = house.parts.pool, account_of(customer)
    written: dict[int, list[int]] = defaultdict(list)
    chance, done = random.Random(4), asyncio.Event()

    async def slow(writer: int) -> None:
        async with unfinished(pool, account_id) as number:
            for _ in range(chance.randrange(4)):
                await customer.get("/sandbox/v1/clock")
        written[writer].append(number)

    async def write(writer: int) -> None:
        for turn in range(25):
            if chance.random() < 0.3:
                await slow(writer)
            else:
                written[writer].append(await remark(customer, f"{writer}.{turn}"))

    async def read() -> list[int]:
        seen: list[int] = []
        cursor = ""
        while True:
            last = done.is_set()
            page = await customer.get(f"{FEED}?limit=7" + (f"&cursor={cursor}" if cursor else ""))
            seen += [e["number"] for e in page["events"]]
            cursor = page["cursor"]
            if last and not page["events"]:
                return seen

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(writer) for writer in range(6)))
    done.set()
    seen = await reading
    assert len(seen) == len(set(seen)), "none twice"
    assert set(seen) == {number for numbers in written.values() for number in numbers}, "none missed"
    places = {number: place for place, number in enumerate(seen)}
    for numbers in written.values():
        assert [places[number] for number in numbers] == sorted(places[number] for number in numbers)


async def test_order_per_sender_is_that_of_its_changes(customer: Running):
    """Several write to each sender at once; each event's `before` is what the one before it made."""
    services, account_id = customer.parts.services, account_of(customer)
    ids = [SenderId(UUID((await customer.create(f"+1555010000{n}"))["sid"].removeprefix("XE"))) for n in range(4)]
    start = (await customer.get(f"{FEED}?from=now"))["cursor"]

    async def rename(sender_id: SenderId, name: str) -> None:
        while True:
            before = await services.senders.fetch(account_id, sender_id)
            after = replace(before, friendly_name=f"{name} after {before.friendly_name}"[:100])
            try:
                await services.senders.save(before, after, ACTOR, services.clock.now())
            except StaleVersion:
                continue
            return

    await asyncio.gather(*(rename(one, f"{writer}") for one in ids for writer in range(12)))
    names: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    page = await customer.get(f"{FEED}?type=sender.configuration&limit=1000&cursor={start}")
    for event in page["events"]:
        if "friendly_name" in event["after"]:
            names[event["sender_id"]].append((event["before"]["friendly_name"], event["after"]["friendly_name"]))
    assert len(names) == len(ids)
    for chain in names.values():
        assert len(chain) == 12
        assert [before for before, _ in chain[1:]] == [after for _, after in chain[:-1]]


# waiting


async def test_a_long_poll_wakes(customer: Running):
    start = (await customer.get(FEED))["cursor"]
    waiting = asyncio.create_task(customer.get(f"{FEED}?wait=60&cursor={start}"))
    await asyncio.wait({waiting}, timeout=0.3)
    assert not waiting.done()
    number = await remark(customer, "at last")
    async with asyncio.timeout(5):
        page = await waiting
    assert [e["number"] for e in page["events"]] == [number]


async def test_a_long_poll_ends_with_nothing(customer: Running):
    page = await customer.get(f"{FEED}?wait=0.2")
    assert page["events"] == []


async def test_a_long_poll_does_not_wait_for_what_is_there(customer: Running):
    await remark(customer, "here")
    async with asyncio.timeout(5):
        assert len((await customer.get(f"{FEED}?wait=60"))["events"]) == 1


# streams


async def some(stream: AsyncIterator[Sent], number: int) -> list[Sent]:
    found: list[Sent] = []
    async with asyncio.timeout(10):
        async for sent in stream:
            found.append(sent)
            if len(found) == number:
                return found
    raise AssertionError(f"the stream has ended after {found}")


async def test_a_stream_tells_what_was_and_what_comes(customer: Running):
    numbers = [await remark(customer, "before")]
    async with streaming(customer, FEED) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        stream = events(response)
        found = await some(stream, 1)
        numbers.append(await remark(customer, "after"))
        found += await some(stream, 1)
    assert [sent.data["number"] for sent in found] == numbers
    assert {sent.type for sent in found} == {"account.commented.rcs"}


async def test_a_stream_is_taken_up_where_it_was_left(customer: Running):
    numbers = [await remark(customer, str(n)) for n in range(6)]
    seen: list[int] = []
    last_id: str | None = None
    for _ in range(3):
        async with streaming(customer, f"{FEED}?limit=3", last_id) as response:
            found = await some(events(response), 2)
        last_id = found[-1].id
        seen += [sent.data["number"] for sent in found]
    assert seen == numbers


async def test_the_header_wins_over_the_query(customer: Running):
    """A browser comes back with the address that it came with first."""
    async with streaming(customer, f"{FEED}?from=now") as response:
        first = await some(blocks(response), 2)
    assert first[-1].data is None
    number = await remark(customer, "while nobody listened")
    async with streaming(customer, f"{FEED}?from=now", first[-1].id) as response:
        assert (await some(events(response), 1))[0].data["number"] == number


async def test_a_stream_s_ids_are_cursors(customer: Running):
    await remark(customer, "first")
    second = await remark(customer, "second")
    async with streaming(customer, FEED) as response:
        (sent,) = await some(events(response), 1)
    page = await customer.get(f"{FEED}?cursor={sent.id}")
    assert [e["number"] for e in page["events"]] == [second]


async def test_a_stream_is_filtered(customer: Running):
    await remark(customer, "not wanted")
    sid = (await customer.create("+15550100001"))["sid"]
    async with streaming(customer, f"{FEED}?type=sender.created&include=sender") as response:
        (sent,) = await some(events(response), 1)
    assert sent.data["sender"]["id"] == str(UUID(sid.removeprefix("XE")))


async def test_who_goes_away_makes_room(customer: Running):
    """An account may have so many waiting at once; those that are gone do not count."""
    for _ in range(limits.MOST_WAITING + 20):
        async with streaming(customer, FEED) as response:
            assert response.status in {200, 429}
            if response.status == 200:
                await some(blocks(response), 1)
        await eventually(lambda: opened(customer), bool)


async def opened(customer: Running) -> bool:
    async with streaming(customer, FEED) as response:
        return response.status == 200


async def test_too_many_at_once_are_refused(customer: Running):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        crowd = replace(customer, http=http)
        waiting = [asyncio.create_task(crowd.call("GET", f"{FEED}?wait=60")) for _ in range(limits.MOST_WAITING + 1)]
        (refused, *_), pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert refused.result().status == 429
        assert refused.result().headers["Retry-After"] == "1"
        assert len(pending) == limits.MOST_WAITING
        await remark(customer, "go")
        assert {reply.status for reply in await asyncio.gather(*pending)} == {200}


async def test_streams_and_polls_end_when_the_service_stops(dsn: str, tmp_path: Path):
    async with running(dsn, tmp_path, works=False) as tabard, streaming(tabard, FEED) as response:
        stream = events(response)
        await remark(tabard, "before")
        await some(stream, 1)
        waiting = asyncio.create_task(tabard.get(f"{FEED}?from=now&wait=60"))
        await asyncio.wait({waiting}, timeout=0.2)
        tabard.parts.stopping.set()
        async with asyncio.timeout(5):
            assert [sent async for sent in stream] == []
            assert (await waiting)["events"] == []
        assert response.content.exception() is None, "it was ended, not cut off"


async def follow(customer: Running, **more: Any) -> Any:
    return await feed_app.follow_feed(
        customer.parts.services,
        principal_of(customer),
        None,
        FeedWanted(),
        limit=10,
        **{"ended": asyncio.Event(), **more},
    )


async def test_a_silent_stream_shows_that_it_lives(customer: Running):
    async with aclosing(await follow(customer, heartbeat=0.05)) as batches:
        quiet = [await anext(batches) for _ in range(3)]
        assert all(not batch.events for batch in quiet)
        number = await remark(customer, "at last")
        async with asyncio.timeout(5):
            while not (batch := await anext(batches)).events:
                pass
        assert [event.stored.number for event in batch.events] == [number]


async def test_a_stream_ends_by_itself_after_a_while(customer: Running):
    """So that its reader proves itself again."""
    async with asyncio.timeout(5), aclosing(await follow(customer, heartbeat=0.01, longest=0.05)) as batches:
        assert [batch.events async for batch in batches if batch.events] == []


async def test_a_stream_s_fault_is_told_before_it_begins(customer: Running):
    turned = "after=2026-03-03T00:00:00Z&before=2026-03-02T00:00:00Z"
    async with streaming(customer, f"{FEED}?{turned}") as response:
        assert response.status == 400
        assert response.headers["Content-Type"].startswith("application/json")
    ahead = Cursor(2**63, 0)
    with pytest.raises(InvalidInput):
        await feed_app.follow_feed(
            customer.parts.services, principal_of(customer), ahead, FeedWanted(), limit=1, ended=asyncio.Event()
        )
