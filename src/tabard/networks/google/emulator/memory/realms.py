"""Realms: one account's private Google, its tokens, what its phones received, and what the sandbox's user has set."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from tabard.networks.emulation.chaos import Chaos
from tabard.networks.google.emulator.state import Realm

REALM_COLUMNS = """
    r.account_id, r.partner_id, r.client_token, r.client_email, r.key_id, r.private_key, r.webhook_url, r.faults_left,
    r.drops_webhooks, r.duplicates_webhooks, r.shuffles_webhooks
"""
REALM_WIDTH = 11

_OPEN = """
insert into sandbox.google_realms (account_id, partner_id, client_token, client_email, key_id, private_key)
values ($1, $2, $3, $4, $5, $6)
on conflict (account_id) do nothing
"""

_REALM = "select {realm} from sandbox.google_realms r where r.account_id = $1".replace("{realm}", REALM_COLUMNS)
_BY_EMAIL = "select {realm} from sandbox.google_realms r where r.client_email = $1".replace("{realm}", REALM_COLUMNS)

_SIGNED_IN = """
select a.clock_offset, t.scopes, {realm}
from sandbox.google_tokens t
join sandbox.google_realms r on r.account_id = t.account_id
join public.accounts a on a.id = r.account_id
where t.digest = $1 and t.expires_at > $2
""".replace("{realm}", REALM_COLUMNS)

_ACCOUNT = """
select a.clock_offset, {realm}
from sandbox.google_realms r join public.accounts a on a.id = r.account_id
where r.account_id = $1
""".replace("{realm}", REALM_COLUMNS)

_ISSUE = """
with stale as (
    delete from sandbox.google_tokens where account_id = $2 and expires_at <= $4
)
insert into sandbox.google_tokens (digest, account_id, scopes, expires_at) values ($1, $2, $3, $5)
"""

_RESET = (
    "delete from sandbox.google_webhooks where account_id = $1",
    "delete from sandbox.google_texts where account_id = $1",
    "delete from sandbox.google_agents where account_id = $1",
    "delete from sandbox.google_brands where account_id = $1",
    """
    update sandbox.google_realms
    set faults_left = 0, drops_webhooks = false, duplicates_webhooks = false, shuffles_webhooks = false
    where account_id = $1
    """,
)


def realm_of(row: asyncpg.Record) -> Realm:
    """From the last columns of a row."""
    columns = [*tuple(row)[-REALM_WIDTH:-3], Chaos(*tuple(row)[-3:])]
    return Realm(*columns)


async def find_realm(pool: asyncpg.Pool, account_id: UUID) -> Realm | None:
    row = await pool.fetchrow(_REALM, account_id)
    return None if row is None else realm_of(row)


async def realm_by_email(pool: asyncpg.Pool, client_email: str) -> Realm | None:
    row = await pool.fetchrow(_BY_EMAIL, client_email)
    return None if row is None else realm_of(row)


async def open_realm(pool: asyncpg.Pool, account_id: UUID, private_key: str) -> Realm:
    """The account's realm, which is made if it is not there."""
    partner_id = "1" + str(secrets.randbelow(10**15)).zfill(15)
    email = f"sandbox-{partner_id}@tabard-sandbox.iam.gserviceaccount.com"
    token = secrets.token_urlsafe(24)
    await pool.execute(_OPEN, account_id, partner_id, token, email, secrets.token_hex(20), private_key)
    return realm_of(await pool.fetchrow(_REALM, account_id))


async def reset(pool: asyncpg.Pool, account_id: UUID) -> None:
    async with pool.acquire() as connection, connection.transaction():
        for statement in _RESET:
            await connection.execute(statement, account_id)


async def signed_in(pool: asyncpg.Pool, digest: bytes, wall: datetime) -> tuple[timedelta, list[str], Realm] | None:
    """How far the account's clock is ahead, the token's scopes, and the realm; None for a token that is not good."""
    row = await pool.fetchrow(_SIGNED_IN, digest, wall)
    return None if row is None else (row[0], row[1], realm_of(row))


async def of_account(pool: asyncpg.Pool, account_id: UUID) -> tuple[timedelta, Realm] | None:
    row = await pool.fetchrow(_ACCOUNT, account_id)
    return None if row is None else (row[0], realm_of(row))


async def issue_token(
    pool: asyncpg.Pool, realm: Realm, digest: bytes, scopes: list[str], wall: datetime, until: datetime
) -> None:
    await pool.execute(_ISSUE, digest, realm.account_id, scopes, wall, until)


async def set_webhook(pool: asyncpg.Pool, realm: Realm, url: str | None) -> None:
    await pool.execute("update sandbox.google_realms set webhook_url = $2 where account_id = $1", realm.account_id, url)


async def set_faults(pool: asyncpg.Pool, account_id: UUID, count: int, status: int) -> bool:
    """False if there is no such realm; so it is with chaos."""
    statement = "update sandbox.google_realms set faults_left = $2, fault_status = $3 where account_id = $1"
    return await _changed(pool, statement, account_id, count, status)


async def set_chaos(pool: asyncpg.Pool, account_id: UUID, chaos: Chaos) -> bool:
    statement = """
    update sandbox.google_realms set drops_webhooks = $2, duplicates_webhooks = $3, shuffles_webhooks = $4
    where account_id = $1
    """
    return await _changed(pool, statement, account_id, chaos.drops, chaos.duplicates, chaos.shuffles)


async def take_fault(pool: asyncpg.Pool, account_id: UUID) -> int | None:
    """HTTP status of the fault that this call is to meet, if one is left."""
    status: int | None = await pool.fetchval(
        "update sandbox.google_realms set faults_left = faults_left - 1 where account_id = $1 and faults_left > 0"
        " returning fault_status",
        account_id,
    )
    return status


async def texts(pool: asyncpg.Pool, account_id: UUID, address: str) -> list[tuple[str, str, datetime]]:
    """Sender, text and time, oldest first."""
    rows = await pool.fetch(
        "select sender, body, received_at from sandbox.google_texts where account_id = $1 and address = $2 order by id",
        account_id,
        address,
    )
    return [tuple(row) for row in rows]


async def _changed(pool: asyncpg.Pool, statement: str, *arguments: object) -> bool:
    done: str = await pool.execute(statement, *arguments)
    return done != "UPDATE 0"
