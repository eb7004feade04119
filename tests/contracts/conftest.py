"""Each store of each kind, so that one suite holds the real one and the one in memory to the same behaviour."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from tabard.app.accounts import secret_digest
from tabard.domain.account import Account, AccountKind
from tabard.domain.ids import AccountId
from tabard.ports.stores import AccountStore, NewCredential, SenderStore
from tabard.storage.accounts import PostgresAccounts
from tabard.storage.senders.store import PostgresSenders
from tabard.storage.vault import AesVault
from tests.support.memory import MemorySenders, World
from tests.support.memory_accounts import MemoryAccounts

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Stores:
    senders: SenderStore
    accounts: AccountStore

    async def account(self, kind: AccountKind = AccountKind.SANDBOX, parent_id: AccountId | None = None) -> AccountId:
        """A new account; its main login is `main-<id>`, its secret `secret-<id>`."""
        account_id = AccountId(uuid4())
        account = Account(account_id, "Example", kind, parent_id, NOW, None, timedelta(0))
        digest = secret_digest(f"secret-{account_id}")
        await self.accounts.create(account, [NewCredential("twilio", "main", f"main-{account_id}", digest, None)])
        return account_id


@pytest.fixture(params=["postgres", "memory"])
def stores(request: pytest.FixtureRequest, pool: asyncpg.Pool) -> Stores:
    if request.param == "memory":
        world = World()
        return Stores(MemorySenders(world), MemoryAccounts(world))
    return Stores(PostgresSenders(pool), PostgresAccounts(pool, AesVault(bytes(32)), sandbox=True))
