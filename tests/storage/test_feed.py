"""The feed looks through many events a few at a time: what a filter finds, and where it goes on, is as if at once."""

from datetime import timedelta

import asyncpg
import pytest

from tabard.domain.account import Account, AccountKind
from tabard.domain.errors import InvalidInput
from tabard.domain.ids import AccountId, new_account_id
from tabard.ports.webhooks import Cursor, FeedWanted
from tabard.storage.accounts import PostgresAccounts
from tabard.storage.vault import AesVault
from tabard.storage.webhooks.feed import PostgresFeed
from tests.support.senders import NOW

TYPES = ("sender.status", "sender.status", "sender.status", "sender.online", "account.commented.rcs")
RARE = FeedWanted(types=("sender.online",))


async def an_account(pool: asyncpg.Pool) -> AccountId:
    account = Account(new_account_id(), "Test", AccountKind.SANDBOX, None, NOW, None, timedelta(0))
    await PostgresAccounts(pool, AesVault(bytes(32)), sandbox=True).create(account, [])
    return account.id


async def happen(pool: asyncpg.Pool, account_id: AccountId, number: int) -> None:
    """So many events: some in transactions of their own, some together."""
    statement = (
        "insert into events (account_id, type, before, after, actor, occurred_at) "
        "values ($1, $2, '{}', '{}', 'clock', $3)"
    )
    rows = [(account_id, TYPES[place % len(TYPES)], NOW) for place in range(number)]
    await pool.executemany(statement, rows[: number // 2])
    for row in rows[number // 2 :]:
        await pool.execute(statement, *row)


async def walk(feed: PostgresFeed, account_id: AccountId, wanted: FeedWanted, limit: int) -> list[int]:
    seen: list[int] = []
    cursor: Cursor | None = None
    while True:
        events, cursor = await feed.after(account_id, cursor, wanted, limit)
        seen += [event.stored.number for event in events]
        if len(events) < limit:
            return seen


@pytest.mark.parametrize("window", [1, 3, 7, 50, 1000])
@pytest.mark.parametrize("limit", [1, 4, 1000])
async def test_a_narrow_window_finds_the_same(pool: asyncpg.Pool, window: int, limit: int):
    account_id = await an_account(pool)
    await happen(pool, account_id, 60)
    await happen(pool, await an_account(pool), 20)
    every = await pool.fetch(
        "select number, type from events where account_id = $1 order by transaction, number", account_id
    )
    feed = PostgresFeed(pool, window)
    assert await walk(feed, account_id, FeedWanted(), limit) == [row["number"] for row in every]
    rare = [row["number"] for row in every if row["type"] == "sender.online"]
    assert await walk(feed, account_id, RARE, limit) == rare
    assert len(rare) == 12


async def test_having_found_nothing_it_goes_on_after_all_of_it(pool: asyncpg.Pool):
    account_id, feed = await an_account(pool), PostgresFeed(pool, 7)
    await happen(pool, account_id, 60)
    events, cursor = await feed.after(account_id, None, FeedWanted(types=("sender.deleted",)), 10)
    assert events == []
    assert await feed.after(account_id, cursor, FeedWanted(), 10) == ([], cursor)


async def test_the_end_is_after_all_that_there_is(pool: asyncpg.Pool):
    account_id, feed = await an_account(pool), PostgresFeed(pool)
    await happen(pool, account_id, 5)
    end = await feed.end()
    assert (await feed.after(account_id, end, FeedWanted(), 10))[0] == []
    await happen(pool, account_id, 1)
    assert len((await feed.after(account_id, end, FeedWanted(), 10))[0]) == 1


async def test_a_place_ahead_of_everything_is_refused(pool: asyncpg.Pool):
    account_id, feed = await an_account(pool), PostgresFeed(pool)
    for ahead in (Cursor(2**63, 0), Cursor(2**64 - 1, 2**63 - 1)):
        with pytest.raises(InvalidInput):
            await feed.after(account_id, ahead, FeedWanted(), 10)
