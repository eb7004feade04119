"""Queries of accounts, their credentials and their connections to networks."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import orjson

from tabard.domain.account import Account, AccountKind, Connection, Principal
from tabard.domain.errors import Conflict, NotFound
from tabard.domain.ids import AccountId
from tabard.ports.stores import NewCredential
from tabard.ports.world import Vault
from tabard.storage.senders.rows import CLAIMABLE

# The account itself first, then its sub-accounts: each found by an index, however many accounts there are.
_PRINCIPAL = """
select a.id, a.kind, coalesce($2, c.login) as login
from credentials c cross join lateral (
    select id, kind, closed_at, true as own from accounts where id = c.account_id
    union all
    select id, kind, closed_at, false from accounts where parent_id = c.account_id
) a
where c.digest = $1 and c.revoked_at is null and (c.expires_at is null or c.expires_at > $4)
  and a.closed_at is null and ($3 or a.kind = 'live')
  and (a.own and ($2::text is null or c.login = $2)
       or not a.own and c.kind = 'main' and exists (
           select from credentials own where own.account_id = a.id and own.dialect = c.dialect
             and own.kind = 'main' and own.login = $2))
limit 1
"""

_INSERT_ACCOUNT = """
insert into accounts (id, name, kind, parent_id, created_at) values ($1, $2, $3, $4, $5)
"""

_INSERT_CREDENTIALS = """
insert into credentials (digest, account_id, dialect, kind, login, sealed, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_REVOKE = """
update credentials set revoked_at = $4
where account_id = $1 and dialect = $2 and kind in ($3, 'token') and revoked_at is null
"""

_CLOSE = """
with closed as (
    update accounts set closed_at = $2 where (id = $1 or parent_id = $1) and closed_at is null returning id
)
update credentials set revoked_at = $2 where account_id in (select id from closed) and revoked_at is null
"""

_ACCOUNT_COLUMNS = "id, name, kind, parent_id, created_at, closed_at, clock_offset"

_CONNECTION = """
select c.account_id, c.sealed from accounts a join connections c on c.account_id in (a.id, a.parent_id)
where a.id = $1 and c.network = $2 order by (c.account_id = a.id) desc limit 1
"""

_CONNECTED_BY = """
select a.id, c.account_id as owner, c.sealed
from connections c join accounts a on a.id = c.account_id or a.parent_id = c.account_id and not exists (
    select from connections own where own.account_id = a.id and own.network = c.network)
where c.network = $1 and c.app_id = $2
"""

_UNCONNECTED = """
select a.id from accounts a
where a.kind = 'live' and a.closed_at is null and not exists (
    select from connections c where c.network = $1 and c.account_id in (a.id, a.parent_id))
"""

_SHIFT = (
    "update accounts set clock_offset = clock_offset + $2 where id = $1 and kind = 'sandbox'",
    "update senders set due_at = due_at - $2::interval where account_id = $1 and due_at is not null",
)

_HAS_DUE = f"""
select exists (select from senders s where s.account_id = $1 and s.due_at <= $2 and {CLAIMABLE})
    or exists (select from network_inbox i join connections c on c.network = i.network and c.app_id = i.app_id
               where c.account_id = $1 and i.due_at <= $2)
"""

_WIPE = (
    "delete from senders where account_id = $1",
    "delete from events where account_id = $1",
    "delete from idempotency_keys where account_id = $1",
    "update accounts set clock_offset = '0' where id = $1",
)


class PostgresAccounts:
    """Fulfils `tabard.ports.AccountStore`.

    Without `sandbox` the credentials of sandbox accounts open nothing: the default account's are public, and the
    database may have been a sandbox before.
    """

    def __init__(self, pool: asyncpg.Pool, vault: Vault, *, sandbox: bool) -> None:
        self._pool = pool
        self._vault = vault
        self._sandbox = sandbox

    async def principal(self, login: str | None, digest: bytes, now: datetime) -> Principal | None:
        row = await self._pool.fetchrow(_PRINCIPAL, digest, login, self._sandbox, now)
        return None if row is None else Principal(AccountId(row["id"]), AccountKind(row["kind"]), row["login"])

    async def create(self, account: Account, credentials: Sequence[NewCredential]) -> None:
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    _INSERT_ACCOUNT, account.id, account.name, account.kind, account.parent_id, account.created_at
                )
                await _insert_credentials(connection, account.id, credentials, account.created_at)
        except asyncpg.UniqueViolationError:
            raise Conflict(f"account {account.id} or one of its secrets exists already") from None
        except asyncpg.ForeignKeyViolationError:
            raise NotFound(f"no account {account.parent_id}") from None

    async def account(self, account_id: AccountId) -> Account:
        row = await self._pool.fetchrow(f"select {_ACCOUNT_COLUMNS} from accounts where id = $1", account_id)
        if row is None:
            raise NotFound(f"no account {account_id}")
        return _to_account(row)

    async def accounts(self) -> Sequence[Account]:
        return [_to_account(r) for r in await self._pool.fetch(f"select {_ACCOUNT_COLUMNS} from accounts order by id")]

    async def replace_credentials(
        self, account_id: AccountId, credentials: Sequence[NewCredential], now: datetime
    ) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            for dialect, kind in {(credential.dialect, credential.kind) for credential in credentials}:
                await connection.execute(_REVOKE, account_id, dialect, kind, now)
            await _insert_credentials(connection, account_id, credentials, now)

    async def issue_token(self, account_id: AccountId, token: NewCredential, now: datetime) -> None:
        async with self._pool.acquire() as connection:
            await _insert_credentials(connection, account_id, [token], now)

    async def forget_expired_tokens(self, now: datetime) -> None:
        await self._pool.execute("delete from credentials where expires_at <= $1", now)

    async def close(self, account_id: AccountId, now: datetime) -> None:
        await self._pool.execute(_CLOSE, account_id, now)

    async def connect(self, account_id: AccountId, network: str, connection: Connection) -> None:
        sealed = self._vault.seal(orjson.dumps(connection), _context(account_id, network))
        await self._pool.execute(
            "insert into connections (account_id, network, app_id, sealed) values ($1, $2, $3, $4) "
            "on conflict (account_id, network) do update set app_id = excluded.app_id, sealed = excluded.sealed",
            account_id,
            network,
            connection.app_id,
            sealed,
        )

    async def connection(self, account_id: AccountId, network: str) -> Connection | None:
        row = await self._pool.fetchrow(_CONNECTION, account_id, network)
        return None if row is None else self._open(AccountId(row["account_id"]), network, row["sealed"])

    async def connected_by(self, network: str, app_id: str) -> Sequence[tuple[AccountId, Connection]]:
        rows = await self._pool.fetch(_CONNECTED_BY, network, app_id)
        ways = {row["owner"]: self._open(row["owner"], network, row["sealed"]) for row in rows}
        return [(AccountId(row["id"]), ways[row["owner"]]) for row in rows]

    async def unconnected(self, network: str) -> Sequence[AccountId]:
        return [AccountId(row["id"]) for row in await self._pool.fetch(_UNCONNECTED, network)]

    async def shift_clock(self, account_id: AccountId, by: timedelta) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            for statement in _SHIFT:
                await connection.execute(statement, account_id, by)

    async def has_due(self, account_id: AccountId, now: datetime) -> bool:
        return bool(await self._pool.fetchval(_HAS_DUE, account_id, now))

    async def next_due(self, account_id: AccountId) -> datetime | None:
        due: datetime | None = await self._pool.fetchval(
            f"select min(s.due_at) from senders s where s.account_id = $1 and {CLAIMABLE}", account_id
        )
        return due

    async def wipe(self, account_id: AccountId) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            for statement in _WIPE:
                await connection.execute(statement, account_id)

    def _open(self, account_id: AccountId, network: str, sealed: bytes) -> Connection:
        return Connection(**orjson.loads(self._vault.open(sealed, _context(account_id, network))))


async def _insert_credentials(
    connection: asyncpg.Connection, account_id: AccountId, credentials: Sequence[NewCredential], now: datetime
) -> None:
    rows = [(c.digest, account_id, c.dialect, c.kind, c.login, c.sealed, now, c.expires_at) for c in credentials]
    await connection.executemany(_INSERT_CREDENTIALS, rows)


def _context(account_id: AccountId, network: str) -> str:
    return f"connection:{account_id}:{network}"


def _to_account(row: asyncpg.Record) -> Account:
    return Account(
        id=AccountId(row["id"]),
        name=row["name"],
        kind=AccountKind(row["kind"]),
        parent_id=row["parent_id"],
        created_at=row["created_at"],
        closed_at=row["closed_at"],
        clock_offset=row["clock_offset"],
    )
