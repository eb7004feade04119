"""The outbox, and the tables behind it: what is written together, what is read back, and what is forgotten."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from tabard.domain.account import CLOCK, Actor
from tabard.domain.errors import AddressTaken, Conflict, NotFound, StaleVersion, TooManySubscriptions
from tabard.domain.event import account_commented, commented
from tabard.domain.ids import AccountId, DeliveryId, SenderId, new_sender_id
from tabard.domain.lifecycle import Channel
from tabard.domain.webhooks.delivery import DeliveryState
from tabard.ports.webhooks import ClaimedLane, Standing
from tabard.ports.webhooks import LaneReport as Report
from tabard.storage.webhooks import retention
from tests.support.depot import SHORT, Depot, depot
from tests.support.patience import eventually

LEASE = timedelta(seconds=60)


@pytest_asyncio.fixture(loop_scope="session")
async def shop(pool: asyncpg.Pool) -> AsyncIterator[Depot]:
    async with depot(pool) as made:
        yield made


async def count(shop: Depot, table: str) -> int:
    return int(await shop.pool.fetchval(f"select count(*) from {table}"))


async def claim(shop: Depot, **wanted: int) -> list[ClaimedLane]:
    chosen = {"sound": 100, "failing": 100, "ahead": 100, **wanted}
    return list(await shop.lanes.queue.claim_lanes(shop.clock.now(), LEASE, **chosen))


# the outbox


async def test_a_change_that_is_not_saved_tells_nothing_and_delivers_nothing(shop: Depot):
    await shop.subscribe()
    sender = await shop.sender()
    await shop.rename(sender, "One")
    before = await count(shop, "events"), await count(shop, "deliveries"), await count(shop, "snapshots")
    with pytest.raises(StaleVersion):
        await shop.rename(sender, "Two")
    with pytest.raises(AddressTaken):
        await shop.senders.insert(replace(sender, id=new_sender_id()), CLOCK, shop.clock.now(), None)
    assert before == (await count(shop, "events"), await count(shop, "deliveries"), await count(shop, "snapshots"))


@pytest.mark.parametrize("table", ["deliveries", "snapshots"])
async def test_a_change_whose_deliveries_can_t_be_written_is_not_saved(shop: Depot, table: str):
    await shop.subscribe()
    sender = await shop.sender()
    before = await count(shop, "events"), await count(shop, "deliveries")
    await shop.pool.execute(f"alter table {table} add constraint broken check (false) not valid")
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await shop.rename(sender, "One")
        with pytest.raises(asyncpg.CheckViolationError):
            await shop.sender()
    finally:
        await shop.pool.execute(f"alter table {table} drop constraint broken")
    assert before == (await count(shop, "events"), await count(shop, "deliveries"))
    assert (await shop.senders.fetch(shop.account_id, sender.id)).friendly_name is None
    assert len(shop.woken) == 1


async def test_what_nobody_hears_costs_no_row(shop: Depot):
    await shop.subscribe(topics=["sender.deleted"])
    await shop.subscribe(account_id=await shop.account())
    await shop.rename(await shop.sender(), "One")
    assert await count(shop, "deliveries") == 0
    assert shop.woken == []


@pytest.mark.parametrize(
    ("topics", "heard"),
    [
        (["*"], 2),
        (["sender.*"], 2),
        (["sender.configuration"], 1),
        (["sender.created", "sender.configuration"], 2),
        (["whatsapp:sender.created"], 1),
        (["rcs:sender.created"], 0),
        (["sender"], 0),
    ],
)
async def test_topics_choose(shop: Depot, topics: list[str], heard: int):
    subscription = await shop.subscribe(topics=topics)
    await shop.rename(await shop.sender(), "One")
    assert len(await shop.deliveries(subscription)) == heard


async def test_a_subscription_may_be_for_one_channel_or_one_sender(shop: Depot):
    sender = await shop.sender()
    by_channel = await shop.subscribe("/a", channel=Channel.RCS)
    by_sender = await shop.subscribe("/b", sender_id=sender.id)
    await shop.rename(await shop.sender(), "Another")
    await shop.rename(sender, "It")
    assert await shop.deliveries(by_channel) == []
    assert [one.subject for one in await shop.deliveries(by_sender)] == [str(sender.id)]


async def test_remarks_are_delivered_with_their_sender_and_without(shop: Depot):
    await shop.subscribe()
    sender = await shop.sender()
    actor = Actor("key:somebody")
    await shop.senders.tell(shop.account_id, sender.id, commented("hello"), actor, shop.clock.now())
    await shop.senders.tell(shop.account_id, None, account_commented(Channel.RCS, "to all"), actor, shop.clock.now())
    await shop.deliver()
    told = sorted(shop.told(), key=lambda one: one["number"])
    assert [(one["type"], one["sender"]) for one in told] == [
        ("sender.created", str(sender.id)),
        ("sender.commented", str(sender.id)),
        ("account.commented.rcs", None),
    ]


async def test_each_event_comes_with_the_sender_as_it_was_after_it(shop: Depot):
    await shop.subscribe()
    sender = await shop.sender()
    sealed = replace(sender, friendly_name="One", sealed_pin=b"a secret", sealed_code=b"another")
    sender = await shop.senders.save(sender, sealed, CLOCK, shop.clock.now())
    await shop.rename(sender, "Two")
    [lane] = await claim(shop)
    seen = [delivery.told() for delivery in lane.first.deliveries]
    assert [known.friendly_name for _, known in seen if known is not None] == [None, "One", "Two"]
    assert [known.version for _, known in seen if known is not None] == [1, 2, 3]
    first = seen[1][1]
    assert first is not None
    assert (first.profile, first.address, first.sealed_pin, first.sealed_code) == (
        sender.profile,
        sender.address,
        None,
        None,
    )
    kept = await shop.pool.fetch("select sender from snapshots")
    assert "sealed_pin" not in "".join(row["sender"] for row in kept)


async def test_a_subscription_hears_every_change_that_begins_after_its_commit(shop: Depot):
    """Writers never wait for one another, nor for the subscription; those that begin after it see it."""
    senders = [await shop.sender() for _ in range(8)]
    going = True
    counts: dict[SenderId, int] = {}

    async def keep_changing(sender):
        number = 0
        while going:
            number += 1
            begun_after = subscribed.is_set()
            sender = await shop.rename(sender, f"Name {number}")
            if begun_after:
                counts[sender.id] = counts.get(sender.id, 0) + 1

    subscribed = asyncio.Event()
    changing = [asyncio.create_task(keep_changing(sender)) for sender in senders]
    await eventually(lambda: count(shop, "events"), lambda made: made > 50)
    subscription = await shop.subscribe()
    subscribed.set()
    made = await count(shop, "events")
    await eventually(lambda: count(shop, "events"), lambda now: now > made + 100)
    going = False
    await asyncio.gather(*changing)
    heard = await shop.deliveries(subscription)
    for sender in senders:
        mine = [one.event_number for one in heard if one.subject == str(sender.id)]
        assert len(mine) >= counts[sender.id]
        later = await shop.pool.fetchval(
            "select count(*) from events where sender_id = $1 and number >= $2", sender.id, min(mine)
        )
        assert later == len(mine), "no gap"


# lanes


async def test_a_lane_is_claimed_once_and_sound_ones_apart_from_failing_ones(shop: Depot):
    lanes = [await shop.subscribe(f"/{number}") for number in range(4)]
    await shop.sender()
    bad = [lane.id for lane in lanes[:2]]
    await shop.pool.execute("update subscriptions set failing_since = $1 where id = any($2)", shop.clock.now(), bad)
    assert [lane.failing for lane in await claim(shop, sound=1, failing=0)] == [False]
    assert sorted(lane.failing for lane in await claim(shop, sound=9, failing=1)) == [False, True]
    assert [lane.failing for lane in await claim(shop)] == [True]
    assert await claim(shop) == []


async def test_many_workers_that_claim_at_once_share_the_lanes(shop: Depot):
    for number in range(40):
        await shop.subscribe(f"/{number}")
    await shop.sender()
    claimed = await asyncio.gather(*(claim(shop, sound=7) for _ in range(12)))
    ids = [lane.subscription.id for lanes in claimed for lane in lanes]
    assert len(ids) == len(set(ids))
    rest = await claim(shop)
    assert len(ids) + len(rest) == 40


async def test_the_longest_waiting_are_claimed_first_so_a_flood_delays_nobody_else(shop: Depot):
    """However many deliveries of one account wait, another's first one is found by the next claim, and at once."""
    flooded = await shop.subscribe("/flooded")
    flood = await shop.sender()
    await shop.pool.execute(
        "insert into deliveries (subscription_id, account_id, subject, event_number, type, due_at, created_at) "
        "select subscription_id, account_id, subject, event_number, type, due_at, created_at from deliveries, "
        "generate_series(1, 100000) where subject = $1",
        flood.id,
    )
    other = await shop.account()
    quiet = await shop.subscribe("/quiet", account_id=other)
    shop.clock.advance(seconds=1)
    await shop.sender(account_id=other)
    await shop.pool.execute("analyze deliveries")
    assert {lane.subscription.id for lane in await claim(shop)} == {flooded.id, quiet.id}


async def test_what_is_recorded_twice_is_recorded_once(shop: Depot):
    await shop.subscribe()
    await shop.sender()
    reports = []

    class Watching:
        def __getattr__(self, name):
            return getattr(queue, name)

        async def record(self, told, now):
            reports.extend(told)
            return await queue.record(told, now)

    queue = shop.lanes.queue
    shop.lanes = shop.new_lanes(Watching())
    shop.endpoint.answer(status=500, times=1)
    await shop.sender()
    await shop.deliver()
    before = await shop.deliveries()
    for report in [report for report in reports if report.tried]:
        standing = await queue.record([report], shop.clock.now() + SHORT)
        assert standing == {report.lane.subscription.id: Standing.CLOSED}, "the lane was let go since"
    assert await count(shop, "attempts") == 2
    assert await shop.deliveries() == before
    assert {one.state for one in before} == {DeliveryState.DELIVERED, DeliveryState.WAITING}


async def test_who_has_lost_the_lease_can_neither_renew_nor_release_it(shop: Depot):
    await shop.subscribe()
    await shop.sender()
    [first] = await claim(shop)
    shop.clock.advance(seconds=61)
    [second] = await claim(shop)
    queue, now = shop.lanes.queue, shop.clock.now()
    for until in (None, now + LEASE * 2):
        standing = await queue.record([Report(first, first.held_until, until)], now)
        assert standing == {first.subscription.id: Standing.CLOSED}
    assert await shop.pool.fetchval("select leased_until from lanes") == second.held_until
    standing = await queue.record([Report(second, second.held_until, now + LEASE * 2)], now)
    assert standing == {second.subscription.id: Standing.OPEN}


async def test_a_held_back_delivery_is_pushed_to_the_time_of_the_one_before_it(shop: Depot):
    await shop.subscribe()
    sender = await shop.sender()
    await shop.deliver()
    shop.endpoint.answer(status=500, times=1)
    sender = await shop.rename(sender, "First")
    await shop.deliver()
    await shop.rename(sender, "Second")
    [lane] = await claim(shop)
    assert lane.first.deliveries == []
    due = [one.due_at for one in await shop.deliveries(state=DeliveryState.WAITING)]
    assert due == [shop.clock.now() + SHORT] * 2


async def test_however_little_is_read_an_earlier_one_of_the_same_sender_comes_with_it(shop: Depot):
    """The earlier one was put off, and is due now, but later than the one that came after it."""
    await shop.subscribe()
    sender = await shop.sender()
    await shop.deliver()
    shop.endpoint.answer(status=500, times=1)
    sender = await shop.rename(sender, "First")
    await shop.deliver()
    shop.clock.advance(seconds=5)
    await shop.rename(sender, "Second")
    shop.clock.advance(seconds=5)
    [lane] = await claim(shop, ahead=1)
    names = [known.friendly_name for _, known in (one.told() for one in lane.first.deliveries) if known is not None]
    assert names == ["First", "Second"]


# the owner's side


async def test_deliveries_are_listed_by_page_and_by_question(shop: Depot):
    subscription = await shop.subscribe("/a")
    await shop.subscribe("/b")
    shop.endpoint.answer(path="/a", status=500)
    sender, other = await shop.sender(), await shop.sender()
    await shop.deliver()
    everything = await shop.deliveries()
    assert len(everything) == 4
    first = await shop.subscriptions.deliveries(shop.account_id, shop.wanted(), limit=3, older_than=None)
    last = await shop.subscriptions.deliveries(
        shop.account_id, shop.wanted(), limit=3, older_than=(first[-1].event_number, first[-1].id)
    )
    assert [*first, *last] == everything[::-1]
    assert len(await shop.deliveries(subscription, state=DeliveryState.WAITING)) == 2
    assert len(await shop.deliveries(sender_id=other.id)) == 2
    assert len(await shop.deliveries(types=("sender.created",))) == 4
    assert await shop.deliveries(types=("sender.deleted",)) == []
    now = shop.clock.now()
    assert len(await shop.deliveries(after=now, before=now + SHORT)) == 4
    assert await shop.deliveries(before=now) == []
    stranger = await shop.account()
    assert await shop.subscriptions.deliveries(stranger, shop.wanted(), limit=9, older_than=None) == []
    with pytest.raises(NotFound):
        await shop.subscriptions.delivery(stranger, everything[0].id)
    assert await shop.subscriptions.attempts(stranger, everything[0].id) == []
    wanted = shop.wanted(sender_id=sender.id)
    assert await shop.subscriptions.replay(stranger, wanted, now, one=None, rate=50) == 0
    with pytest.raises(NotFound):
        await shop.subscriptions.delivery(shop.account_id, DeliveryId(uuid4()))


async def test_health_counts_the_attempts_of_a_while(shop: Depot):
    subscription = await shop.subscribe()
    nothing = await shop.subscriptions.health(subscription, shop.clock.now(), timedelta(days=1))
    assert (nothing.attempts, nothing.successes, nothing.p95, nothing.waiting) == (0, 0, None, 0)
    shop.endpoint.answer(status=500, times=1)
    created = shop.clock.now()
    await shop.sender()
    await shop.deliver()
    await shop.sender()
    await shop.deliver()
    health = await shop.subscriptions.health(await shop.reload(subscription), shop.clock.now(), timedelta(days=1))
    assert (health.attempts, health.successes, health.waiting, health.oldest_waiting) == (2, 1, 1, created)
    assert health.p95 is not None
    assert health.failing_since is None


async def test_a_test_event_is_heard_by_its_subscription_only(shop: Depot):
    subscription = await shop.subscribe("/a", topics=["sender.deleted"])
    await shop.subscribe("/b")
    delivery_id = await shop.subscriptions.test(subscription, Actor("key:me"), shop.clock.now())
    await shop.deliver()
    assert [told["type"] for told in shop.told()] == ["subscription.test"]
    assert (await shop.subscriptions.delivery(shop.account_id, delivery_id)).state is DeliveryState.DELIVERED


async def test_a_target_may_be_wanted_once_and_an_account_has_a_bound(shop: Depot):
    first = await shop.subscribe("/x", dialect="sinch")
    with pytest.raises(Conflict):
        await shop.subscribe("/x", dialect="sinch")
    second = await shop.subscribe("/y", dialect="sinch")
    with pytest.raises(Conflict):
        await shop.subscriptions.save(replace(second, url=first.url), shop.clock.now())
    made = await asyncio.gather(
        *(shop.subscriptions.insert(shop.a_subscription(f"/{number}"), 3, shop.clock.now()) for number in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, TooManySubscriptions) for one in made) == 5


async def test_subscriptions_are_the_account_s_and_the_dialect_s(shop: Depot):
    mine = await shop.subscribe()
    stranger = await shop.account()
    for account_id, dialect in ((stranger, "plain"), (shop.account_id, "sinch")):
        with pytest.raises(NotFound):
            await shop.subscriptions.fetch(account_id, dialect, mine.id)
        with pytest.raises(NotFound):
            await shop.subscriptions.delete(account_id, dialect, mine.id)
        assert await shop.subscriptions.listed(account_id, dialect) == []
    with pytest.raises(StaleVersion):
        await shop.subscriptions.save(replace(mine, account_id=AccountId(stranger)), shop.clock.now())
    assert await shop.subscriptions.listed(shop.account_id, "plain") == [mine]
    saved = await shop.subscriptions.save(replace(mine, description="mine"), shop.clock.now())
    assert (saved.version, saved.description) == (2, "mine")
    with pytest.raises(StaleVersion):
        await shop.subscriptions.save(replace(mine, description="too late"), shop.clock.now())


async def test_a_subscription_that_was_changed_meanwhile_is_not_disabled(shop: Depot):
    subscription = await shop.subscribe()
    await shop.subscriptions.save(replace(subscription, url=f"{shop.endpoint.url}/new"), shop.clock.now())
    await shop.lanes.queue.disable(subscription, "the old address is gone", shop.clock.now())
    assert (await shop.reload(subscription)).enabled
    assert await count(shop, "events") == 0


# retention


async def partitions(shop: Depot) -> list[str]:
    rows = await shop.pool.fetch(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid "
        "where i.inhparent = 'attempts'::regclass order by 1"
    )
    return [row["relname"] for row in rows]


async def test_attempts_lie_in_a_partition_a_day_that_is_dropped_when_it_is_old(pool: asyncpg.Pool):
    async with depot(pool) as shop:
        kept = timedelta(days=30)
        shop.clock.time = datetime(2031, 3, 2, 10, tzinfo=UTC)  # nobody else's days: partitions stay for other tests
        await shop.subscribe()
        await shop.sender()
        await shop.deliver()
        assert await count(shop, "attempts_other") == 1, "made before anybody kept house"
        try:
            await asyncio.gather(*(retention.prepare(pool, shop.clock.now()) for _ in range(4)))
            days = [f"attempts_203103{day:02}" for day in range(2, 6)]
            assert set(days) <= set(await partitions(shop))
            assert (await count(shop, "attempts_other"), await count(shop, days[0])) == (0, 1)
            await shop.sender()
            await shop.deliver()
            assert await count(shop, days[0]) == 2
            shop.clock.advance(days=30, hours=13)
            await retention.forget(pool, shop.clock.now(), kept)
            assert days[0] in await partitions(shop), "it holds attempts that are not old enough"
            shop.clock.advance(days=1)
            await retention.forget(pool, shop.clock.now(), kept)
            assert days[0] not in await partitions(shop)
            assert await count(shop, "attempts") == 0
        finally:
            for name in await partitions(shop):
                if name.startswith("attempts_2031"):
                    await pool.execute(f"drop table {name}")


async def test_settled_deliveries_and_snapshots_go_and_what_waits_stays(shop: Depot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "_BATCH", 2)
    monkeypatch.setattr(retention, "prepare", lambda pool, now: asyncio.sleep(0))
    subscription = await shop.subscribe("/a")
    forsaken = await shop.subscribe("/b")
    for _ in range(5):
        await shop.sender()
    shop.endpoint.answer(path="/b", hang=True)
    await shop.pool.execute("update subscriptions set enabled = false where id = $1", forsaken.id)
    await shop.deliver()
    assert len(shop.told()) == 5
    shop.clock.advance(days=29)
    await retention.forget(shop.pool, shop.clock.now(), timedelta(days=30))
    assert len(await shop.deliveries()) == 10
    shop.clock.advance(days=2)
    await shop.sender()
    await retention.forget(shop.pool, shop.clock.now(), timedelta(days=30))
    assert [one.state for one in await shop.deliveries()] == [DeliveryState.WAITING]
    assert await count(shop, "attempts") == 0
    assert await count(shop, "snapshots") == 6, "a delivery may be settled, and so be kept, long after its event"
    shop.clock.advance(days=14)
    await retention.forget(shop.pool, shop.clock.now(), timedelta(days=30))
    assert await count(shop, "snapshots") == 1
    assert len(await shop.deliveries(subscription)) == 1


async def test_what_was_written_for_a_subscription_as_it_was_deleted_goes(shop: Depot):
    subscription = await shop.subscribe()
    await shop.sender()
    await shop.pool.execute("delete from subscriptions where id = $1", subscription.id)
    assert await claim(shop) == []
    assert await shop.lanes.next_due() is None
    await retention.forget(shop.pool, shop.clock.now(), timedelta(days=30))
    assert await count(shop, "deliveries") == 0


async def test_the_disabling_and_its_event_are_one(shop: Depot):
    subscription = await shop.subscribe()
    await shop.pool.execute(
        "alter table events add constraint broken check (type <> 'subscription.disabled') not valid"
    )
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await shop.lanes.queue.disable(subscription, "a reason", shop.clock.now())
    finally:
        await shop.pool.execute("alter table events drop constraint broken")
    assert (await shop.reload(subscription)).enabled
    await shop.lanes.queue.disable(subscription, "a reason", shop.clock.now())
    assert await shop.pool.fetchval("select type from events") == "subscription.disabled"
