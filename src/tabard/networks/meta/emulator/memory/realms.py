"""Realms: one account's private Meta, its tokens, its business accounts, and what the sandbox's user has set."""

import hashlib
import hmac
import secrets
from datetime import datetime
from uuid import UUID

import asyncpg

from tabard.networks.meta.emulator.events import FIELDS
from tabard.networks.meta.emulator.memory.scenes import WABA_COLUMNS
from tabard.networks.meta.emulator.state import Realm, Text, TokenKind, Waba

MANAGEMENT = "whatsapp_business_management"
MESSAGING = "whatsapp_business_messaging"
BUSINESS = "business_management"
SCOPES = (MANAGEMENT, MESSAGING, BUSINESS)

DEFAULT_LIMIT = 1_000
"""Customers a day. Meta starts an unproved business at 250; what Twilio's users see of a new sender is 1K."""

_OPEN = """
with opened as (
    insert into sandbox.meta_realms (account_id, business_id, app_id, app_secret, verify_token, waba_id, fields,
        messaging_limit)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (account_id) do nothing
    returning account_id, waba_id
), held as (
    insert into sandbox.meta_wabas (id, account_id, name, timezone_id, created_at)
    select o.waba_id, o.account_id, 'Sandbox Business', '1', $9 from opened o
)
insert into sandbox.meta_tokens (digest, account_id, kind, scopes, issued_at)
select t.digest, o.account_id, t.kind, case t.kind when 'APP' then '{}'::text[] else $10 end, $9
from opened o, unnest($11::bytea[], $12::text[]) as t (digest, kind)
"""

_RESET = (
    "delete from sandbox.meta_tasks where account_id = $1",
    "delete from sandbox.meta_texts where account_id = $1",
    "delete from sandbox.meta_uploads where account_id = $1",
    "delete from sandbox.meta_outages where account_id = $1",
    "delete from sandbox.meta_signup_codes where account_id = $1",
    "delete from sandbox.meta_numbers where account_id = $1",
    """
    delete from sandbox.meta_wabas w using sandbox.meta_realms r
    where w.account_id = $1 and r.account_id = $1 and w.id <> r.waba_id
    """,
    """
    update sandbox.meta_realms
    set messaging_limit = $2, number_cap = null, faults_left = 0,
        drops_webhooks = false, duplicates_webhooks = false, shuffles_webhooks = false
    where account_id = $1
    """,
)

_WABAS = """
select {waba} from sandbox.meta_wabas w
where w.account_id = $1 and ($2::boolean is null or w.shared = $2)
order by w.created_at, w.id
""".replace("{waba}", WABA_COLUMNS)


def new_id(first: str) -> str:
    """Sixteen decimal digits, as unguessable as they are unique. The first only helps whoever reads a log."""
    return first + str(secrets.randbelow(10**15)).zfill(15)


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def system_token(app_secret: str) -> str:
    """The token that a realm is opened with, made again from what is stored, so that it need not be."""
    return "EAA" + hmac.new(app_secret.encode(), b"system-user", hashlib.sha256).hexdigest()


def app_token(app_id: str, app_secret: str) -> str:
    return f"{app_id}|{app_secret}"


async def open_realm(pool: asyncpg.Pool, account_id: UUID, wall: datetime) -> tuple[str, str, str, str]:
    """App id, app secret, verify token and business account of the realm, which is made if it is not there."""
    app_id, app_secret = new_id("1"), secrets.token_hex(16)
    await pool.execute(
        _OPEN,
        account_id,
        new_id("3"),
        app_id,
        app_secret,
        secrets.token_urlsafe(18),
        new_id("5"),
        list(FIELDS),
        DEFAULT_LIMIT,
        wall,
        list(SCOPES),
        [digest_of(system_token(app_secret)), digest_of(app_token(app_id, app_secret))],
        [TokenKind.SYSTEM_USER.value, TokenKind.APP.value],
    )
    row = await pool.fetchrow(
        "select app_id, app_secret, verify_token, waba_id from sandbox.meta_realms where account_id = $1", account_id
    )
    return row["app_id"], row["app_secret"], row["verify_token"], row["waba_id"]


async def reset(pool: asyncpg.Pool, account_id: UUID) -> None:
    async with pool.acquire() as connection, connection.transaction():
        for statement in _RESET:
            await connection.execute(statement, account_id, *([DEFAULT_LIMIT] if "$2" in statement else []))


async def wabas(pool: asyncpg.Pool, account_id: UUID, *, shared: bool | None = None) -> list[Waba]:
    return [Waba(*row) for row in await pool.fetch(_WABAS, account_id, shared)]


async def add_waba(pool: asyncpg.Pool, account_id: UUID, name: str, *, shared: bool, at: datetime) -> str:
    waba_id = new_id("5")
    await pool.execute(
        "insert into sandbox.meta_wabas (id, account_id, name, timezone_id, shared, created_at)"
        " values ($1, $2, $3, '1', $4, $5)",
        waba_id,
        account_id,
        name,
        shared,
        at,
    )
    return waba_id


async def rename_waba(pool: asyncpg.Pool, waba: Waba, name: str, timezone_id: str) -> None:
    await pool.execute(
        "update sandbox.meta_wabas set name = $2, timezone_id = $3 where id = $1", waba.id, name, timezone_id
    )


async def subscribe(pool: asyncpg.Pool, waba: Waba, override_url: str | None, override_token: str | None) -> None:
    await pool.execute(
        "update sandbox.meta_wabas set subscribed = true, override_url = $2, override_token = $3 where id = $1",
        waba.id,
        override_url,
        override_token,
    )


async def unsubscribe(pool: asyncpg.Pool, waba: Waba) -> None:
    await pool.execute(
        "update sandbox.meta_wabas set subscribed = false, override_url = null, override_token = null where id = $1",
        waba.id,
    )


async def set_callback(
    pool: asyncpg.Pool, realm: Realm, url: str | None, verify_token: str | None, fields: list[str]
) -> None:
    await pool.execute(
        "update sandbox.meta_realms set callback_url = $2, callback_token = $3, fields = $4 where account_id = $1",
        realm.account_id,
        url,
        verify_token,
        fields,
    )


async def set_limit(pool: asyncpg.Pool, account_id: UUID, limit: int) -> bool:
    """False if there is no such realm; so it is with the other settings."""
    return await _changed(
        pool, "update sandbox.meta_realms set messaging_limit = $2 where account_id = $1", account_id, limit
    )


async def set_cap(pool: asyncpg.Pool, account_id: UUID, cap: int | None) -> bool:
    return await _changed(pool, "update sandbox.meta_realms set number_cap = $2 where account_id = $1", account_id, cap)


async def set_faults(pool: asyncpg.Pool, account_id: UUID, count: int, status: int, code: int) -> bool:
    statement = """
    update sandbox.meta_realms set faults_left = $2, fault_status = $3, fault_code = $4 where account_id = $1
    """
    return await _changed(pool, statement, account_id, count, status, code)


async def set_chaos(pool: asyncpg.Pool, account_id: UUID, *, drop: bool, duplicate: bool, shuffle: bool) -> bool:
    statement = """
    update sandbox.meta_realms set drops_webhooks = $2, duplicates_webhooks = $3, shuffles_webhooks = $4
    where account_id = $1
    """
    return await _changed(pool, statement, account_id, drop, duplicate, shuffle)


async def take_fault(pool: asyncpg.Pool, account_id: UUID) -> tuple[int, int] | None:
    """HTTP status and code of the fault that this call is to meet, if one is left."""
    row = await pool.fetchrow(
        "update sandbox.meta_realms set faults_left = faults_left - 1 where account_id = $1 and faults_left > 0"
        " returning fault_status, fault_code",
        account_id,
    )
    return (row[0], row[1]) if row is not None else None


async def app_holder(pool: asyncpg.Pool, app_id: str, app_secret: str) -> UUID | None:
    """The realm of the app, if the secret is the app's."""
    row = await pool.fetchrow("select account_id, app_secret from sandbox.meta_realms where app_id = $1", app_id)
    if row is None or not hmac.compare_digest(row["app_secret"].encode(), app_secret.encode("utf-8", "replace")):
        return None
    holder: UUID = row["account_id"]
    return holder


async def add_token(pool: asyncpg.Pool, account_id: UUID, scopes: list[str], at: datetime) -> str:
    token = "EAA" + secrets.token_hex(32)
    await pool.execute(
        "insert into sandbox.meta_tokens (digest, account_id, kind, scopes, issued_at)"
        " values ($1, $2, 'SYSTEM_USER', $3, $4)",
        digest_of(token),
        account_id,
        scopes,
        at,
    )
    return token


async def add_signup_code(pool: asyncpg.Pool, account_id: UUID, scopes: list[str], expires_at: datetime) -> str:
    code = "AQ" + secrets.token_urlsafe(48)
    await pool.execute(
        "insert into sandbox.meta_signup_codes (digest, account_id, scopes, expires_at) values ($1, $2, $3, $4)",
        digest_of(code),
        account_id,
        scopes,
        expires_at,
    )
    return code


async def take_signup_code(pool: asyncpg.Pool, account_id: UUID, code: str) -> tuple[list[str], datetime] | None:
    """Its scopes and its end. It is gone then: a code is good for one try."""
    row = await pool.fetchrow(
        "delete from sandbox.meta_signup_codes where digest = $1 and account_id = $2 returning scopes, expires_at",
        digest_of(code),
        account_id,
    )
    return (row[0], row[1]) if row is not None else None


async def texts(pool: asyncpg.Pool, account_id: UUID, digits: str) -> list[tuple[Text, datetime]]:
    rows = await pool.fetch(
        "select sender, body, received_at from sandbox.meta_texts where account_id = $1 and digits = $2 order by id",
        account_id,
        digits,
    )
    return [(Text(row[0], row[1]), row[2]) for row in rows]


async def _changed(pool: asyncpg.Pool, statement: str, *arguments: object) -> bool:
    done: str = await pool.execute(statement, *arguments)
    return done != "UPDATE 0"
