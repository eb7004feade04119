"""Lanes with real PostgreSQL, real HTTP and receivers of every kind; only the clock is the test's."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tabard.domain.sender import Sender
from tabard.domain.webhooks.delivery import DeliveryState, Failure, Schedule
from tabard.ports.webhooks import FeedWanted
from tabard.workflows.webhooks import lane as lane_module
from tabard.workflows.webhooks.deliveries import AT_ONCE_OF_ACCOUNT, DeliveryLanes
from tests.support.depot import IMPATIENT, LONG, SHORT, Depot, PlainFormat, depot
from tests.support.patience import eventually


@pytest_asyncio.fixture(loop_scope="session")
async def shop(pool: asyncpg.Pool) -> AsyncIterator[Depot]:
    async with depot(pool) as made:
        yield made


async def attempts_of(shop: Depot) -> list[tuple[int | None, str | None]]:
    """Status and failure of each attempt, in order."""
    rows = await shop.pool.fetch("select status, failure from attempts order by started_at, number")
    return [(row["status"], row["failure"]) for row in rows]


# what arrives


async def test_what_changes_arrives_in_order_and_as_it_was_then(shop: Depot):
    await shop.subscribe()
    sender = await shop.sender()
    sender = await shop.rename(sender, "One")
    await shop.rename(sender, "Two")
    await shop.deliver()
    assert [(told["type"], told["name"]) for told in shop.told()] == [
        ("sender.created", None),
        ("sender.configuration", "One"),
        ("sender.configuration", "Two"),
    ]
    first = shop.endpoint.requests[0]
    assert (first.method, first.path) == ("POST", "/hook")
    assert first.headers["X-Delivery"] == str((await shop.deliveries())[0].id)
    assert await attempts_of(shop) == [(200, None)] * 3
    assert len(shop.woken) == 3


async def test_an_event_that_the_dialect_has_no_words_for_is_settled_without_a_call(pool: asyncpg.Pool):
    async with depot(pool, PlainFormat(silent_about=("sender.created",))) as shop:
        await shop.subscribe()
        await shop.rename(await shop.sender(), "One")
        await shop.deliver()
        assert [told["type"] for told in shop.told()] == ["sender.configuration"]
        assert {one.state for one in await shop.deliveries()} == {DeliveryState.DELIVERED}


async def test_an_event_that_can_t_be_rendered_fails_alone_and_is_no_fault_of_the_receiver(pool: asyncpg.Pool):
    async with depot(pool, PlainFormat(breaks_at=("sender.created",))) as shop:
        subscription = await shop.subscribe()
        await shop.sender()
        await shop.deliver()
        [waiting] = await shop.deliveries()
        assert (waiting.last_failure, waiting.state) == (Failure.INTERNAL, DeliveryState.WAITING)
        assert (await shop.reload(subscription)).failing_since is None


async def test_every_live_secret_signs_the_newest_first(shop: Depot):
    subscription = await shop.subscribe()
    sealed = shop.seal(subscription, b"new")
    rotated = subscription.rotated(sealed, shop.clock.now(), timedelta(hours=1))
    await shop.subscriptions.save(rotated, shop.clock.now())
    sender = await shop.sender()
    await shop.deliver()
    shop.clock.advance(hours=1)
    await shop.rename(sender, "One")
    await shop.deliver()
    signed_by = [one.headers["X-Signed-By"] for one in shop.endpoint.requests]
    assert signed_by == [f"{b'new'.hex()} {shop.secret.hex()}", b"new".hex()]


# receivers that behave badly


def be_impatient_with(shop: Depot, how: dict[str, Any]) -> None:
    if how.keys() & {"hang", "drip"}:
        shop.lanes.formats = {"plain": PlainFormat(schedule=IMPATIENT)}


@pytest.mark.parametrize(
    ("how", "recorded"),
    [
        ({"status": 500, "body": b"ouch"}, (500, "status")),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, (302, "status")),
        ({"status": 429}, (429, "status")),
        ({"hang": True}, (None, "timeout")),
        ({"drop": True}, (None, "reset")),
        ({"status": 503, "drip": 1.0}, (503, "status")),
        ({"status": 500, "size": 10_000_000}, (500, "status")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_a_receiver_that_fails_is_tried_by_the_schedule_and_then_no_more(shop: Depot, how, recorded):
    be_impatient_with(shop, how)
    subscription = await shop.subscribe()
    shop.endpoint.answer(**how)
    await shop.sender()
    started = shop.clock.now()
    await shop.pass_time(days=2)
    [delivery] = await shop.deliveries()
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, 4)
    assert (delivery.last_status, delivery.last_failure) == recorded
    made = await shop.subscriptions.attempts(shop.account_id, delivery.id)
    assert [one.number for one in made] == [1, 2, 3, 4]
    pauses = [later.started_at - sooner.started_at for sooner, later in pairwise(made)]
    assert pauses == [SHORT, LONG, LONG], "without jitter"
    assert made[0].started_at == started
    assert {(one.status, one.failure) for one in made} == {recorded}
    assert all(len(one.answer) <= 16384 for one in made)
    assert {one.path for one in shop.endpoint.requests} == {"/hook"}, "no redirect is followed"
    # A connection that fails at once is tried once more at once.
    assert len(shop.endpoint.requests) == (8 if "drop" in how else 4)
    assert (await shop.reload(subscription)).failing_since == started


@pytest.mark.parametrize("how", [{"size": 10_000_000}, {"drip": 1.0}, {"cut": True}], ids=lambda how: next(iter(how)))
async def test_a_success_is_one_whatever_follows_its_headers(shop: Depot, how):
    be_impatient_with(shop, how)
    await shop.subscribe()
    shop.endpoint.answer(**how)
    await shop.sender()
    await shop.deliver()
    assert await attempts_of(shop) == [(200, None)]
    assert len(shop.endpoint.requests) == 1


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("30", timedelta(seconds=30)),
        ("3", SHORT),
        ("86400", timedelta(hours=1)),
        ("soon", SHORT),
        ("-5", SHORT),
        ("9" * 30, SHORT),
    ],
)
async def test_a_receiver_may_ask_for_a_longer_pause_within_bounds(shop: Depot, asked, waited):
    await shop.subscribe()
    shop.endpoint.answer(status=429, headers={"Retry-After": asked}, times=1)
    await shop.sender()
    began = shop.clock.now()
    await shop.deliver()
    assert await shop.lanes.next_due() == began + waited
    await shop.pass_time(hours=2)
    assert await attempts_of(shop) == [(429, "status"), (200, None)]


async def test_the_pause_is_shortened_by_chance_by_a_fifth_at_most(shop: Depot):
    shop.lanes.jitter = lambda: 0.5
    await shop.subscribe()
    shop.endpoint.answer(status=500)
    await shop.sender()
    began = shop.clock.now()
    await shop.deliver()
    assert await shop.lanes.next_due() == began + SHORT * 0.9


async def test_a_name_without_address_is_a_failure_that_is_tried_again(shop: Depot):
    await shop.subscribe(url="http://nowhere.invalid/hook")
    await shop.sender()
    await shop.deliver()
    assert await attempts_of(shop) == [(None, "dns")]
    assert await shop.lanes.next_due() is not None


async def test_a_private_address_is_called_for_sandbox_accounts_only(shop: Depot):
    shop.account_id = await shop.live_account()
    await shop.subscribe()
    await shop.sender()
    await shop.deliver()
    assert await attempts_of(shop) == [(None, "blocked")]
    assert shop.endpoint.requests == []


# a subscription that is given up


async def test_a_receiver_that_is_gone_is_told_nothing_more(shop: Depot):
    other = await shop.subscribe("/other", topics=["subscription.disabled"])
    gone = await shop.subscribe("/gone", topics=["sender.created"])
    shop.endpoint.answer(path="/gone", status=410)
    await shop.sender()
    await shop.deliver()
    assert len(shop.told("/gone")) == 1
    disabled = await shop.reload(gone)
    assert (disabled.enabled, disabled.disabled_reason) == (False, "the receiver answered 410: it is gone")
    assert [one.state for one in await shop.deliveries(gone)] == [DeliveryState.FAILED]
    [told] = shop.told("/other")
    assert (told["type"], told["after"]["id"]) == ("subscription.disabled", str(gone.id))
    assert [one.subscription_id for one in await shop.deliveries(other)] == [other.id]
    await shop.sender()
    await shop.deliver()
    assert len(await shop.deliveries(gone)) == 1, "nothing is kept for it any more"
    events, _ = await shop.feed.after(shop.account_id, None, FeedWanted(types=("subscription.disabled",)), 10)
    assert [event.stored.event.after["reason"] for event in events] == [disabled.disabled_reason]


async def test_five_days_without_a_success_disable_and_a_success_begins_anew(shop: Depot):
    other = await shop.subscribe("/other", topics=["subscription.disabled"])
    subscription = await shop.subscribe("/bad", topics=["sender.created"])
    shop.endpoint.answer(path="/bad", status=500, times=1)
    shop.endpoint.answer(path="/bad", status=200, times=1)
    shop.endpoint.answer(path="/bad", status=500)
    await shop.sender()
    await shop.pass_time(hours=1)
    assert (await shop.reload(subscription)).failing_since is None
    began = shop.clock.now()
    for _ in range(5):
        await shop.sender()
        await shop.pass_time(days=1)
        assert (await shop.reload(subscription)).enabled
    assert (await shop.reload(subscription)).failing_since == began
    await shop.sender()
    await shop.deliver()
    disabled = await shop.reload(subscription)
    assert (disabled.enabled, disabled.disabled_reason) == (False, "it failed for five days without one success")
    assert [told["type"] for told in shop.told("/other")] == ["subscription.disabled"]
    assert len(await shop.deliveries(other)) == 1
    assert [one.state for one in await shop.deliveries(subscription)][-1] is DeliveryState.WAITING


async def test_what_waits_for_a_disabled_subscription_is_delivered_when_it_is_enabled(shop: Depot):
    subscription = await shop.subscribe()
    sender = await shop.sender()
    disabled = await shop.subscriptions.save(subscription.disabled("by hand", shop.clock.now()), shop.clock.now())
    await shop.rename(sender, "Meanwhile")
    await shop.deliver()
    assert shop.told() == []
    assert await shop.lanes.next_due() is None
    await shop.subscriptions.save(disabled.enabled_again(shop.clock.now()), shop.clock.now())
    await shop.deliver()
    assert [told["type"] for told in shop.told()] == ["sender.created"]


async def test_a_subscription_that_changes_while_its_lane_runs_is_served_as_it_is_then(shop: Depot):
    subscription = await shop.subscribe("/old")
    shop.endpoint.answer(path="/old", hang=True)
    senders = [await shop.sender() for _ in range(150)]
    draining = asyncio.create_task(shop.deliver())
    await shop.endpoint.got(lane_module.AT_ONCE)
    moved = replace(subscription, url=f"{shop.endpoint.url}/new")
    await shop.subscriptions.save(moved, shop.clock.now())
    shop.endpoint.let_go()
    await draining
    assert len(shop.told("/old")) < len(senders)
    assert len(shop.told("/old")) + len(shop.told("/new")) == len(senders)


async def test_a_subscription_may_be_deleted_while_its_lane_runs(shop: Depot):
    subscription = await shop.subscribe("/slow")
    shop.endpoint.answer(path="/slow", hang=True)
    for _ in range(150):
        await shop.sender()
    draining = asyncio.create_task(shop.deliver())
    await shop.endpoint.got(lane_module.AT_ONCE)
    await shop.subscriptions.delete(shop.account_id, "plain", subscription.id)
    shop.endpoint.let_go()
    await draining
    assert len(shop.endpoint.requests) < 150
    for table in ("deliveries", "attempts", "lanes"):
        assert await shop.pool.fetchval(f"select count(*) from {table}") == 0
    assert await shop.lanes.next_due() is None


# replay


async def test_a_delivery_that_has_failed_for_good_is_kept_and_replayed_with_its_id(shop: Depot):
    subscription = await shop.subscribe()
    shop.endpoint.answer(status=500, times=4)
    await shop.sender()
    await shop.pass_time(days=1)
    [failed] = await shop.deliveries()
    assert failed.state is DeliveryState.FAILED
    assert await shop.replay(subscription) == 1
    await shop.deliver()
    [replayed] = await shop.deliveries()
    assert (replayed.state, replayed.attempts, replayed.replayed) == (DeliveryState.DELIVERED, 1, True)
    assert {one.headers["X-Delivery"] for one in shop.endpoint.requests} == {str(failed.id)}
    assert len(await shop.subscriptions.attempts(shop.account_id, failed.id)) == 5


async def test_a_replay_of_a_thousand_comes_at_its_rate_and_behind_what_is_new(shop: Depot):
    subscription = await shop.subscribe()
    senders = [await shop.sender() for _ in range(25)]
    for turn in range(39):
        senders = [await shop.rename(sender, f"Name {turn}") for sender in senders]
    await shop.deliver()
    assert len(shop.endpoint.requests) == 1000
    shop.endpoint.forget()
    assert await shop.replay(subscription, rate=50.0) == 1000

    shop.clock.advance(seconds=10)
    fresh = [await shop.rename(sender, "Fresh") for sender in senders[:20]]
    await shop.deliver()
    names = [told["name"] for told in shop.told()]
    assert len(names) == 501 + len(fresh), "what was due within ten seconds"
    assert set(names[: len(fresh) - 4]) == {"Fresh"}, "as far as the order of arrival can tell"
    shop.clock.advance(seconds=10)
    await shop.deliver()
    assert len(shop.endpoint.requests) == 1000 + len(fresh)
    assert await shop.lanes.next_due() is None


# order


async def test_a_failing_sender_holds_back_itself_only_and_only_until_its_first_long_wait(shop: Depot):
    await shop.subscribe()
    bad, good = await shop.sender(), await shop.sender()
    await shop.deliver()
    shop.endpoint.forget()
    for status in (500, 200, 500):
        shop.endpoint.answer(status=status, times=1)
    bad = await shop.rename(bad, "First")
    await shop.deliver()
    await shop.rename(bad, "Second")
    await shop.rename(good, "Good")
    await shop.deliver()
    assert [told["name"] for told in shop.told()] == ["First", "Good"]
    shop.clock.advance(seconds=10)
    await shop.deliver()
    assert [told["name"] for told in shop.told()] == ["First", "Good", "First", "Second"]
    await shop.pass_time(minutes=10)
    assert [told["name"] for told in shop.told()][4:] == ["First"]


async def test_what_came_while_an_earlier_one_was_held_back_does_not_overtake_it(shop: Depot):
    """The later one is due before the retry of the earlier one, and both are when the lane looks again."""
    await shop.subscribe()
    sender = await shop.sender()
    await shop.deliver()
    shop.endpoint.forget()
    shop.endpoint.answer(status=500, times=1)
    sender = await shop.rename(sender, "First")
    await shop.deliver()
    shop.clock.advance(seconds=9)
    sender = await shop.rename(sender, "Second")
    shop.clock.advance(seconds=2)
    await shop.rename(sender, "Third")
    await shop.deliver()
    assert [told["name"] for told in shop.told()] == ["First", "First", "Second", "Third"]


@pytest.mark.parametrize("seed", range(6))
async def test_each_sender_s_deliveries_arrive_in_order_whatever_fails(pool: asyncpg.Pool, seed: int):
    """Random failures with short pauses; all is delivered in the end, and what succeeded did so in order."""
    chance = random.Random(seed)
    short = Schedule((SHORT,) * 60, time_out=timedelta(seconds=5))
    async with depot(pool, PlainFormat(schedule=short)) as shop:
        await shop.subscribe()
        senders = [await shop.sender() for _ in range(12)]
        refused = [chance.random() < 0.4 for _ in range(400)]
        for bad in refused:
            shop.endpoint.answer(status=500 if bad else 200, times=1, delay=chance.random() * 0.003)
        for _ in range(4):
            for _ in range(20):
                place = chance.randrange(len(senders))
                senders[place] = await shop.rename(senders[place], f"Name {chance.random()}")
            await shop.deliver()
            shop.clock.advance(seconds=chance.choice([1, 6, 11]))
        await shop.pass_time(hours=1)
        assert {one.state for one in await shop.deliveries()} == {DeliveryState.DELIVERED}
        accepted = [told for told, bad in zip(shop.told(), refused, strict=False) if not bad]
        assert len(accepted) == 12 + 80
        for sender in senders:
            numbers = [told["number"] for told in accepted if told["sender"] == str(sender.id)]
            assert numbers == sorted(numbers)


async def test_a_sender_with_a_thousand_deliveries_waiting_holds_up_no_other(shop: Depot):
    await shop.subscribe()
    loud, quiet = await shop.sender(), await shop.sender()
    for number in range(600):
        loud = await shop.rename(loud, f"Name {number}")
    await shop.rename(quiet, "Quiet")
    await shop.deliver()
    names = [told["name"] for told in shop.told()]
    assert len(names) == 603
    assert names.index("Quiet") < 200


# fairness and bounds


async def test_a_hung_receiver_holds_up_no_other(shop: Depot):
    await shop.subscribe("/hung")
    for number in range(5):
        await shop.subscribe(f"/good{number}")
    shop.endpoint.answer(path="/hung", hang=True)
    for _ in range(20):
        await shop.sender()
    draining = asyncio.create_task(shop.deliver())
    await shop.endpoint.got(5 * 20 + lane_module.AT_ONCE)
    assert shop.endpoint.hanging == lane_module.AT_ONCE
    shop.endpoint.let_go()
    await draining


async def test_a_lane_that_fails_makes_one_attempt_at_a_time_until_one_succeeds(shop: Depot):
    subscription = await shop.subscribe()
    await shop.pool.execute("update subscriptions set failing_since = $1", shop.clock.now())
    shop.endpoint.answer(status=500, delay=0.01, times=5)
    shop.endpoint.answer(delay=0.01)
    for _ in range(40):
        await shop.sender()
    draining = asyncio.create_task(shop.deliver())
    await shop.endpoint.got(5)
    assert shop.endpoint.most_at_once == 1
    await draining
    assert shop.endpoint.most_at_once == lane_module.AT_ONCE
    assert (await shop.reload(subscription)).failing_since is None
    assert len(shop.endpoint.requests) == 40


async def test_the_lanes_of_one_account_share_its_places(shop: Depot):
    for number in range(8):
        await shop.subscribe(f"/hook{number}")
    other = await shop.account()
    await shop.subscribe("/other", account_id=other)
    for number in range(8):
        shop.endpoint.answer(path=f"/hook{number}", hang=True)
    for _ in range(16):
        await shop.sender()
    await shop.sender(account_id=other)
    draining = asyncio.create_task(shop.deliver())
    await shop.endpoint.got(AT_ONCE_OF_ACCOUNT + 1)
    assert len(shop.told("/other")) == 1
    assert shop.endpoint.hanging == AT_ONCE_OF_ACCOUNT
    shop.endpoint.let_go()
    await draining
    assert len(shop.endpoint.requests) >= 8 * 16 + 1


async def test_a_lane_that_waits_for_a_slow_receiver_goes_on_with_what_comes_meanwhile(pool: asyncpg.Pool):
    async with depot(pool, PlainFormat(schedule=Schedule((SHORT,), time_out=timedelta(seconds=20)))) as shop:
        await shop.subscribe()
        shop.endpoint.answer(hang=True, times=1)
        await shop.sender()
        draining = asyncio.create_task(shop.deliver())
        await shop.endpoint.got(1)
        await shop.sender()
        await shop.endpoint.got(2, seconds=10)
        assert (shop.endpoint.hanging, draining.done()) == (1, False)
        shop.endpoint.let_go()
        await draining


# one holder at a time, and none forgotten


async def test_two_workers_never_hold_one_lane_at_once(shop: Depot):
    """Two sets of lanes on one queue: only who holds a lane posts, so order is kept and none is made twice."""
    for number in range(6):
        await shop.subscribe(f"/hook{number}")
    senders = [await shop.sender() for _ in range(5)]
    other = DeliveryLanes(shop.lanes.queue, shop.lanes.poster, shop.lanes.formats, shop.vault, shop.clock)
    for turn in range(5):
        senders = [await shop.rename(sender, f"Name {turn}") for sender in senders]
        await asyncio.gather(shop.deliver(), other.drain(), shop.lanes.drain(), other.drain())
    told = [(one["number"], path) for path in {r.path for r in shop.endpoint.requests} for one in shop.told(path)]
    assert len(told) == len(set(told)) == 6 * 30
    for number in range(6):
        for sender in senders:
            numbers = [one["number"] for one in shop.told(f"/hook{number}") if one["sender"] == str(sender.id)]
            assert numbers == sorted(numbers)


async def test_a_dead_worker_s_lane_is_taken_over_when_its_lease_ends(shop: Depot):
    await shop.subscribe()
    await shop.sender()
    [dead] = await shop.lanes.queue.claim_lanes(shop.clock.now(), timedelta(seconds=60), sound=5, failing=5, ahead=10)
    assert len(dead.first.deliveries) == 1
    await shop.deliver()
    assert shop.told() == []
    assert await shop.lanes.next_due() == dead.held_until
    await shop.pass_time(seconds=60)
    assert len(shop.told()) == 1


class Interrupted:
    """A queue that lets a test act at the worst moment."""

    def __init__(self, queue, before_release):
        self._queue = queue
        self._before_release = before_release

    def __getattr__(self, name):
        return getattr(self._queue, name)

    async def record(self, reports, now):
        if any(report.until is None for report in reports):
            await self._before_release()
        return await self._queue.record(reports, now)


async def test_no_delivery_is_forgotten_between_a_lane_s_last_look_and_its_release(shop: Depot):
    await shop.subscribe()
    await shop.sender()
    others: list[Sender] = []

    async def come_too_late():
        """A new delivery, whose own wake-up finds the lane held."""
        if len(others) < 3:
            others.append(await shop.sender())
            other = DeliveryLanes(queue, shop.lanes.poster, shop.lanes.formats, shop.vault, shop.clock)
            await other.drain()
            assert len(shop.told()) == len(others)

    queue = shop.lanes.queue
    shop.lanes = shop.new_lanes(Interrupted(queue, come_too_late))
    await shop.deliver()
    assert len(shop.told()) == 4


async def test_attempts_are_not_made_again_because_the_database_was_away_for_a_moment(shop: Depot):
    await shop.subscribe()
    for _ in range(3):
        await shop.sender()
    failures = [OSError("gone"), OSError("gone"), OSError("gone")]

    class Away(Interrupted):
        async def record(self, reports, now):
            if failures:
                raise failures.pop()
            return await self._queue.record(reports, now)

    shop.lanes = shop.new_lanes(Away(shop.lanes.queue, None))
    await shop.deliver()
    assert len(shop.endpoint.requests) == 3
    assert {one.state for one in await shop.deliveries()} == {DeliveryState.DELIVERED}


async def test_a_worker_told_to_stop_finishes_what_is_under_way_and_lets_its_lanes_go(shop: Depot):
    await shop.subscribe()
    shop.endpoint.answer(delay=0.2)
    for _ in range(40):
        await shop.sender()
    draining = asyncio.create_task(shop.lanes.drain())
    await shop.endpoint.got(lane_module.AT_ONCE)
    draining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await draining
    done = [one for one in await shop.deliveries() if one.state is DeliveryState.DELIVERED]
    assert len(done) == len(shop.endpoint.requests) < 40
    assert await shop.pool.fetchval("select count(*) from lanes where leased_until is not null") == 0
    await shop.deliver()
    assert len(shop.endpoint.requests) == 40


async def test_leases_are_renewed_while_attempts_take_their_time(shop: Depot):
    await shop.subscribe()
    shop.endpoint.answer(hang=True)
    await shop.sender()
    draining = asyncio.create_task(shop.deliver())
    await shop.endpoint.got(1)
    lease = "select leased_until from lanes"
    before = await shop.pool.fetchval(lease)
    shop.clock.advance(seconds=45)
    await eventually(lambda: shop.pool.fetchval(lease), lambda until: until is None or until > before)
    shop.endpoint.let_go()
    await draining


# the sandbox


async def test_moving_the_clock_brings_retries_nearer_and_wiping_removes_all(shop: Depot):
    await shop.subscribe()
    shop.endpoint.answer(status=500, times=2)
    await shop.sender()
    await shop.deliver()
    assert await shop.accounts.next_due(shop.account_id) == shop.clock.now() + SHORT
    await shop.accounts.shift_clock(shop.account_id, SHORT)
    assert await shop.accounts.has_due(shop.account_id, shop.clock.now())
    await shop.deliver()
    assert not await shop.accounts.has_due(shop.account_id, shop.clock.now())
    await shop.accounts.shift_clock(shop.account_id, LONG)
    await shop.deliver()
    [delivered] = await shop.deliveries()
    assert delivered.settled_at == shop.clock.now() + SHORT + LONG, "in the account's time"
    await shop.accounts.wipe(shop.account_id)
    for table in ("deliveries", "attempts", "snapshots", "events"):
        assert await shop.pool.fetchval(f"select count(*) from {table}") == 0
