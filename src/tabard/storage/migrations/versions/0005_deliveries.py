"""Events told to subscribers: subscriptions, their lanes, deliveries and attempts; a cursor for the feed of events."""

from alembic import op

revision = "0005"
down_revision = "0004"

UP = (
    # Numbers are given out before they are committed, so a reader that goes by them alone may pass one over. Once every
    # older transaction is over (pg_snapshot_xmin), nothing can appear before a place in (transaction, number) any more.
    "alter table events add column transaction xid8 not null default '0', add column sender_version integer",
    "alter table events alter column transaction set default pg_current_xact_id()",
    "create index events_feed on events (account_id, transaction, number)",
    # The sender as it was after the change of an event, taken only where somebody subscribes.
    """
    create table snapshots (
        sender_id uuid not null,
        version integer not null,
        account_id uuid not null,
        sender jsonb not null,
        taken_at timestamptz not null,
        primary key (sender_id, version)
    )
    """,
    "create index snapshots_age on snapshots (taken_at)",
    """
    create table subscriptions (
        id uuid primary key,
        account_id uuid not null references accounts (id),
        dialect text not null,
        url text not null,
        names text[] not null,
        topics text[] not null,
        channel text,
        sender_id uuid,
        description text,
        sealed_secret bytea not null,
        sealed_former bytea,
        former_until timestamptz,
        enabled boolean not null default true,
        disabled_reason text,
        failing_since timestamptz,
        version integer not null default 1,
        created_at timestamptz not null,
        updated_at timestamptz not null
    )
    """,
    "create index subscriptions_account on subscriptions (account_id, id)",
    "create unique index subscriptions_target on subscriptions (account_id, url) where dialect = 'sinch'",
    # Apart from the subscription, which every change of a sender reads: this row is written all the time.
    """
    create table lanes (
        subscription_id uuid primary key references subscriptions (id) on delete cascade,
        leased_until timestamptz
    )
    """,
    """
    create table deliveries (
        id uuid primary key default gen_random_uuid(),
        subscription_id uuid not null,
        account_id uuid not null,
        subject uuid not null,
        event_number bigint not null,
        type text not null,
        state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed')),
        attempts integer not null default 0,
        holds boolean not null default true,
        replayed boolean not null default false,
        due_at timestamptz,
        created_at timestamptz not null,
        settled_at timestamptz,
        last_status integer,
        last_failure text
    )
    """,
    "create index deliveries_live on deliveries (subscription_id, due_at) where state = 'waiting' and not replayed",
    "create index deliveries_again on deliveries (subscription_id, due_at) where state = 'waiting' and replayed",
    "create index deliveries_order on deliveries (subscription_id, subject, event_number) where state = 'waiting'",
    "create index deliveries_of_account on deliveries (account_id, event_number, id)",
    "create index deliveries_of_subscription on deliveries (subscription_id, event_number, id)",
    "create index deliveries_settled on deliveries (settled_at) where state <> 'waiting'",
    """
    create table attempts (
        delivery_id uuid not null,
        subscription_id uuid not null,
        account_id uuid not null,
        number integer not null,
        started_at timestamptz not null,
        duration interval not null,
        status integer,
        failure text,
        detail text,
        answer bytea
    ) partition by range (started_at)
    """,
    "create index attempts_delivery on attempts (delivery_id, started_at)",
    "create index attempts_subscription on attempts (subscription_id, started_at)",
    # For a clock that runs ahead of the partitions that were made; housekeeping makes them days before.
    "create table attempts_other partition of attempts default",
)

DOWN = (
    "drop table attempts",
    "drop table deliveries",
    "drop table lanes",
    "drop table subscriptions",
    "drop table snapshots",
    "drop index events_feed",
    "alter table events drop column transaction, drop column sender_version",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
