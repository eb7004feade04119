"""The emulated Google's world: what its RCS for Business APIs would remember, one realm an account."""

from alembic import op

revision = "0004"
down_revision = "0003"

UP = (
    """
    create table sandbox.google_realms (
        account_id uuid primary key references public.accounts (id) on delete cascade,
        partner_id text not null unique,
        client_token text not null,
        client_email text not null unique,
        key_id text not null,
        private_key text not null,
        webhook_url text,
        faults_left integer not null default 0,
        fault_status integer not null default 500,
        drops_webhooks boolean not null default false,
        duplicates_webhooks boolean not null default false,
        shuffles_webhooks boolean not null default false
    )
    """,
    """
    create table sandbox.google_tokens (
        digest bytea primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        scopes text[] not null,
        expires_at timestamptz not null
    )
    """,
    "create index google_tokens_account on sandbox.google_tokens (account_id)",
    """
    create table sandbox.google_brands (
        id text primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        seq bigint generated always as identity,
        display_name text not null
    )
    """,
    "create index google_brands_listed on sandbox.google_brands (account_id, seq)",
    # A brand that has agents cannot be removed. `due_at` and `leased_until` are wall time.
    """
    create table sandbox.google_agents (
        id text primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        brand_id text not null references sandbox.google_brands (id),
        seq bigint generated always as identity,
        display_name text not null,
        document jsonb not null,
        failures integer not null default 0,
        due_at timestamptz,
        leased_until timestamptz,
        version integer not null default 1
    ) with (fillfactor = 70)
    """,
    "create index google_agents_listed on sandbox.google_agents (account_id, seq)",
    "create index google_agents_of_brand on sandbox.google_agents (brand_id, seq)",
    "create index google_agents_due on sandbox.google_agents (due_at) where due_at is not null",
    """
    create table sandbox.google_texts (
        id bigint generated always as identity primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        address text not null,
        sender text not null,
        body text not null,
        received_at timestamptz not null
    )
    """,
    "create index google_texts_phone on sandbox.google_texts (account_id, address, id)",
    # `queued_at`, `due_at` and `leased_until` are wall time, `made_at` is account time.
    """
    create table sandbox.google_webhooks (
        id bigint generated always as identity primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        agent_id text not null,
        body text not null,
        made_at timestamptz not null,
        queued_at timestamptz not null,
        due_at timestamptz not null,
        leased_until timestamptz,
        attempts integer not null default 0
    )
    """,
    "create index google_webhooks_queue on sandbox.google_webhooks (account_id, queued_at, id)",
)

TABLES = ("webhooks", "texts", "agents", "brands", "tokens", "realms")


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop table sandbox.google_{table}")
