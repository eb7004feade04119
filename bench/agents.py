"""A database of RCS senders, filled by set-based statements: names of random words, every status, much to tell."""

from datetime import UTC, datetime

import asyncpg

from bench import dataset
from bench.dataset import Size
from tabard.domain.agents.agent import Agent, BusinessContact, Review, Tester, TesterStatus
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.domain.profile import Contact, Profile, UseCase
from tabard.domain.sender import Link, Registration, Webhook
from tabard.storage.database import to_json

RARE, COMMON, ABSENT = "quetzal", "bakery", "no such words"
"""Parts of names: of one in 1,000, of one in ten, of none."""

_FIRST = (
    "Golden Silver Little Great Old New Northern Southern Happy Quiet Bright Royal Green Blue Red White Amber Coral "
    "Crystal Velvet Wild Gentle Swift Noble Sunny Cosy Grand Rustic Modern Urban"
)
_TRADES = "Bakery Pharmacy Florist Garage Books Travel Coffee Parcels Dental Hotel"
_TOWNS = (
    "Ashford Bexley Carlow Dorking Ely Frome Goole Hythe Ilkley Jarrow Kendal Leeds Malton Neath Oakham Perth Quorn "
    "Ripon Selby Truro Ulva Ventnor Wells Yarm"
)

_CREDENTIALS = """
insert into credentials (digest, account_id, dialect, kind, login, created_at)
select sha256(convert_to('bench-' || id, 'UTF8')), id, 'sinch', 'key', id::text, created_at from accounts
"""

_INDEXES = "select indexname, indexdef from pg_indexes where tablename = 'senders' and indexname <> 'senders_pkey'"

# Ids are UUIDv7 in the order of creation, as in life, and accounts take turns, so an account's rows lie far apart.
# What is random is so by the row's number: the same in every run.
_SENDERS = """
insert into senders (id, account_id, channel, address, status, registration, webhook, profile, agent, link,
                     due_at, status_since, created_at, updated_at)
select (substr(at, 1, 8) || '-' || substr(at, 9) || '-7' || substr(noise, 1, 3) || '-8' || substr(noise, 4, 3)
        || '-' || substr(noise, 7, 12))::uuid,
    ('00000000-0000-7000-8000-' || lpad(to_hex(account), 12, '0'))::uuid, 'rcs', 'agent-' || n,
    case when dice < 600 then 'online' when dice < 750 then 'testing' when dice < 850 then 'draft'
         when dice < 900 then 'launching' when dice < 940 then 'offline' when dice < 970 then 'updating'
         when dice < 999 then 'creating' else 'preparing' end,
    $4, $5,
    $6::jsonb || jsonb_build_object('name',
        words.first[1 + abs(hashint4extended(n, 2) % array_length(words.first, 1))] || ' '
        || case when hashint4extended(n, 3) % 1000 = 0 then 'Quetzal'
                else words.trades[1 + abs(hashint4extended(n, 4) % array_length(words.trades, 1))] end || ' '
        || words.towns[1 + abs(hashint4extended(n, 5) % array_length(words.towns, 1))] || ' ' || n % 997),
    $7, $8::jsonb || jsonb_build_object('network_id', 'agent-' || n), $9::timestamptz + interval '30 days', $9,
    $9::timestamptz - interval '1 year' + n * interval '10 seconds',
    $9::timestamptz - abs(hashint4extended(n, 6) % 30000000) * interval '1 second'
from (select string_to_array($10::text, ' ') as first, string_to_array($11::text, ' ') as trades,
             string_to_array($12::text, ' ') as towns) words,
    generate_series(1, $1::int) n,
    lateral (select lpad(to_hex(1700000000000 + n), 12, '0') as at, md5(n::text) as noise,
             abs(hashint4extended(n, 1) % 1000) as dice,
             case when n % ($1::int / $3::int) = 0 then 1 else 2 + n % ($2::int - 1) end as account) made
"""


async def fill(dsn: str, size: Size) -> None:
    """The first account has `size.largest` of the senders, the others share the rest."""
    connection = await asyncpg.connect(dsn, timeout=10)
    now = datetime.now(UTC)
    sections = [to_json(section) for section in (Registration(), Webhook(), _profile(), _agent(now), Link())]
    await connection.execute("set synchronous_commit = off")
    await connection.execute(dataset.ACCOUNTS, size.accounts, now)
    await connection.execute(_CREDENTIALS)
    # Three times as fast as one row at a time.
    indexes = await connection.fetch(_INDEXES)
    for index in indexes:
        await connection.execute(f"drop index {index['indexname']}")
    await connection.execute(
        _SENDERS, size.senders, size.accounts, size.largest, *sections, now, _FIRST, _TRADES, _TOWNS
    )
    await connection.execute("set maintenance_work_mem = '256MB'")
    for index in indexes:
        await connection.execute(index["indexdef"])
    # What autovacuum would do in the middle of a round.
    await connection.execute("vacuum analyze")
    await connection.execute("checkpoint")
    await connection.close()


def _profile() -> Profile:
    return Profile(
        description="Fresh every morning, brought to your door, with a word when it is on its way.",
        logo_url="https://media.example.com/brands/example/logo-224.png",
        banner_url="https://media.example.com/brands/example/banner-1440.png",
        privacy_url="https://www.example.com/legal/privacy",
        terms_of_service_url="https://www.example.com/legal/terms",
        accent_color="#0b3d91",
        emails=(Contact("care@example.com", "Customer care"),),
        websites=(Contact("https://www.example.com", "Website"),),
        phone_numbers=(Contact("+15550100001", "Front desk"),),
        use_case=UseCase.TRANSACTIONAL,
    )


def _agent(now: datetime) -> Agent:
    names = ("Example Mobile", "Sample Telecom")
    return Agent(
        countries=("US",),
        asked_countries=("US",),
        carriers=tuple(
            Carrier(f"{name.lower().replace(' ', '-')}-us", "US", name, CarrierStatus.LAUNCHED, asked=True)
            for name in names
        ),
        testers=(Tester("+15550100002", TesterStatus.ACCEPTED, now),),
        review=Review(
            opt_in="Customers tick a box when they order online.",
            trigger="A message goes out when an order leaves the shop.",
            interactions="Customers may ask for another time, or for a person.",
            opt_out="Customers write STOP at any time.",
            videos=("https://media.example.com/brands/example/review.mp4",),
        ),
        contact=BusinessContact(
            "Alex Example", "alex@example.com", "Head of care", "https://www.example.com", "+15550100003"
        ),
        verified=True,
        launched_at=now,
    )
