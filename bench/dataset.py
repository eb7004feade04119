"""Databases to measure on, filled by set-based statements: as many accounts and senders as wanted, in seconds."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from tabard.domain.ids import AccountId, SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.profile import Contact, Profile, Vertical
from tabard.domain.sender import Registration, Sender, Webhook
from tabard.storage import schema
from tabard.storage.database import to_json


@dataclass(frozen=True)
class Size:
    senders: int
    accounts: int
    largest: int = 0
    """Senders of the first account; 0 for as many as the others have."""


SMALL = Size(senders=1_000, accounts=40)
LARGE = Size(senders=1_000_000, accounts=1_000, largest=50_000)
QUICK_LARGE = Size(senders=50_000, accounts=50, largest=5_000)

ACCOUNTS = """
insert into accounts (id, name, kind, created_at)
select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Bench ' || n, 'live', $2
from generate_series(1, $1::int) n
"""

_CREDENTIALS = """
insert into credentials (digest, account_id, dialect, kind, login, created_at)
select sha256(convert_to('bench-' || id, 'UTF8')), id, 'twilio', 'main', 'AC' || replace(id::text, '-', ''), created_at
from accounts
"""

# Ids are UUIDv7 in the order of creation, as in life. Every so many-th sender goes to the first account.
_SENDERS = """
insert into senders (id, account_id, channel, address, status, registration, webhook, profile, link,
                     due_at, status_since, created_at, updated_at)
select (substr(at, 1, 8) || '-' || substr(at, 9) || '-7' || substr(noise, 1, 3) || '-8' || substr(noise, 4, 3)
        || '-' || substr(noise, 7, 12))::uuid,
    ('00000000-0000-7000-8000-' || lpad(to_hex(account), 12, '0'))::uuid,
    'whatsapp', '+1' || 2000000000 + n, 'online', $4, $5, $6, $7, $8::timestamptz + interval '30 days', $8, $8, $8
from generate_series(1, $1::int) n,
    lateral (select lpad(to_hex(1700000000000 + n), 12, '0') as at, md5(n::text) as noise,
             case when $3::int > 0 and n % ($1::int / $3::int) = 0 then 1 else 1 + n % $2::int end as account) made
"""

_EVENTS = """
insert into events (account_id, sender_id, type, before, after, actor, occurred_at)
select account_id, id, 'sender.created', '{}', jsonb_build_object('status', 'creating', 'address', address),
       'bench', created_at
from senders
"""


def sample_sender() -> Sender:
    """Every measured sender looks like this one."""
    now = datetime.now(UTC)
    return Sender(
        id=SenderId(UUID("01890000-0000-7000-8000-0123456789ab")),
        account_id=AccountId(UUID(int=1)),
        channel=Channel.WHATSAPP,
        address="+12000000001",
        status=Status.CREATING,
        status_since=now,
        friendly_name=None,
        registration=Registration(),
        webhook=Webhook(callback_url="https://example.com/inbound", callback_method="POST"),
        profile=Profile(
            name="Example Parcels",
            about="Parcels, on time",
            address="1 Example Street, Exampleton",
            description="We bring parcels from door to door, and tell you when they come.",
            vertical=Vertical.RETAIL,
            emails=(Contact("hello@example.com", "Email"),),
            websites=(Contact("https://www.example.com", "Website"),),
        ),
        created_at=now,
        updated_at=now,
        due_at=now,
    )


async def make(server_dsn: str, name: str, size: Size | None = None) -> str:
    """A migrated database of that name, filled if a size is given; its DSN."""
    connection = await asyncpg.connect(server_dsn)
    await connection.execute(f"create database {name}")
    await connection.close()
    head, _, query = server_dsn.partition("?")
    dsn = f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    await schema.migrate(dsn)
    if size is not None:
        await _fill(dsn, size)
    return dsn


async def drop(server_dsn: str, name: str) -> None:
    connection = await asyncpg.connect(server_dsn)
    await connection.execute(f"drop database if exists {name} with (force)")
    await connection.close()


async def _fill(dsn: str, size: Size) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    sender, now = sample_sender(), datetime.now(UTC)
    sections = [to_json(section) for section in (sender.registration, sender.webhook, sender.profile, sender.link)]
    await connection.execute("set synchronous_commit = off")
    await connection.execute(ACCOUNTS, size.accounts, now)
    await connection.execute(_CREDENTIALS)
    await connection.execute(_SENDERS, size.senders, size.accounts, size.largest, *sections, now)
    await connection.execute(_EVENTS)
    # What autovacuum would do in the middle of a round.
    await connection.execute("vacuum analyze")
    await connection.execute("checkpoint")
    await connection.close()


@dataclass(frozen=True)
class Target:
    """A sender to ask for, and its account."""

    account_id: UUID
    sender_id: UUID


async def targets(dsn: str, wanted: int) -> Sequence[Target]:
    """Senders from all over the table, in no order."""
    connection = await asyncpg.connect(dsn)
    share = wanted / await connection.fetchval("select count(*) from senders")
    rows = await connection.fetch(
        "select account_id, id from senders where random() < $1 order by random() limit $2", share * 1.2, wanted
    )
    await connection.close()
    return [Target(*row) for row in rows]


async def row_before_page(dsn: str, page: int, page_size: int) -> Target:
    """The last sender of the page before, in the first account."""
    connection = await asyncpg.connect(dsn)
    first = UUID("00000000-0000-7000-8000-000000000001")
    row = await connection.fetchrow(
        "select account_id, id from senders where account_id = $1 order by id desc offset $2 limit 1",
        first,
        (page - 1) * page_size - 1,
    )
    await connection.close()
    return Target(*row)


def account_id(number: int) -> UUID:
    """Of a filled account; they count from 1."""
    return UUID(int=0x7000_8000_0000_0000_0000 + number)


def authorization(account_id: UUID) -> str:
    """Of a filled account, as Twilio's callers send it."""
    return basic(f"AC{account_id.hex}", f"bench-{account_id}")


def basic(login: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode()
