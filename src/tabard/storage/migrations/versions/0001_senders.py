"""Accounts, senders, their events, kept answers and the networks' inbox."""

from alembic import op

revision = "0001"
down_revision = None

UP = (
    """
    create table accounts (
        id uuid primary key,
        name text not null,
        kind text not null check (kind in ('sandbox', 'live')),
        parent_id uuid references accounts (id),
        clock_offset interval not null default '0',
        created_at timestamptz not null,
        closed_at timestamptz,
        check (kind = 'sandbox' or clock_offset = '0')
    )
    """,
    "create index accounts_parent on accounts (parent_id) where parent_id is not null",
    """
    create table credentials (
        digest bytea primary key,
        account_id uuid not null references accounts (id),
        dialect text not null,
        kind text not null check (kind in ('main', 'key')),
        login text not null,
        sealed bytea,
        created_at timestamptz not null,
        revoked_at timestamptz
    )
    """,
    "create index credentials_account on credentials (account_id)",
    # Tells a process that was started with another master key before it seals anything that others can't open.
    """
    create table seal_check (
        only_row boolean primary key default true check (only_row),
        sealed bytea not null
    )
    """,
    """
    create table connections (
        account_id uuid not null references accounts (id),
        network text not null,
        app_id text not null,
        sealed bytea not null,
        primary key (account_id, network)
    )
    """,
    "create index connections_app on connections (network, app_id)",
    """
    create table senders (
        id uuid primary key,
        account_id uuid not null references accounts (id),
        channel text not null,
        address text not null,
        status text not null,
        status_since timestamptz not null,
        friendly_name text,
        registration jsonb not null,
        webhook jsonb not null,
        profile jsonb not null,
        name_change jsonb,
        quality text,
        messaging_limit integer,
        offline_reasons jsonb not null default '[]',
        warnings jsonb not null default '[]',
        link jsonb not null,
        sealed_pin bytea,
        sealed_code bytea,
        version integer not null default 1,
        due_at timestamptz,
        leased_until timestamptz,
        created_at timestamptz not null,
        updated_at timestamptz not null
    )
    """,
    # An address is taken within its account only: which account really owns a number is for the network to say.
    """
    create unique index senders_address on senders (account_id, channel, address) where status <> 'deleted'
    """,
    "create index senders_listed on senders (account_id, channel, id) where status <> 'deleted'",
    "create index senders_due on senders (due_at) where due_at is not null",
    """
    create index senders_in_between on senders (status_since) where status in ('creating', 'verifying', 'updating')
    """,
    "create index senders_number on senders (channel, (link->>'number_id')) where link->>'number_id' is not null",
    "create index senders_deleted on senders (account_id, channel, address) where status = 'deleted'",
    """
    create table events (
        number bigint generated always as identity primary key,
        account_id uuid not null,
        sender_id uuid not null,
        type text not null,
        before jsonb not null,
        after jsonb not null,
        actor text not null,
        occurred_at timestamptz not null
    )
    """,
    "create index events_account on events (account_id, number)",
    "create index events_sender on events (sender_id, number)",
    """
    create table idempotency_keys (
        account_id uuid not null references accounts (id),
        key text not null,
        fingerprint bytea not null,
        answer bytea not null,
        expires_at timestamptz not null,
        primary key (account_id, key)
    )
    """,
    "create index idempotency_keys_expiry on idempotency_keys (expires_at)",
    """
    create table network_inbox (
        digest bytea primary key,
        network text not null,
        app_id text not null,
        body bytea not null,
        received_at timestamptz not null,
        due_at timestamptz,
        attempts integer not null default 0
    )
    """,
    "create index network_inbox_due on network_inbox (due_at) where due_at is not null",
    "create index network_inbox_age on network_inbox (received_at)",
)

TABLES = (
    "network_inbox",
    "idempotency_keys",
    "events",
    "senders",
    "connections",
    "seal_check",
    "credentials",
    "accounts",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop table {table}")
