"""The emulated Meta's world: what its Graph API would remember, one realm an account. Rules keep account time."""

from alembic import op

revision = "0002"
down_revision = "0001"

UP = (
    "create schema sandbox",
    """
    create table sandbox.meta_realms (
        account_id uuid primary key references public.accounts (id) on delete cascade,
        business_id text not null unique,
        app_id text not null unique,
        app_secret text not null,
        verify_token text not null,
        waba_id text not null,
        callback_url text,
        callback_token text,
        fields text[] not null,
        messaging_limit integer not null,
        number_cap integer,
        faults_left integer not null default 0,
        fault_status integer not null default 500,
        fault_code integer not null default 1,
        drops_webhooks boolean not null default false,
        duplicates_webhooks boolean not null default false,
        shuffles_webhooks boolean not null default false
    )
    """,
    """
    create table sandbox.meta_tokens (
        digest bytea primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        kind text not null check (kind in ('SYSTEM_USER', 'APP')),
        scopes text[] not null,
        issued_at timestamptz not null,
        expires_at timestamptz
    )
    """,
    "create index meta_tokens_account on sandbox.meta_tokens (account_id)",
    """
    create table sandbox.meta_signup_codes (
        digest bytea primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        scopes text[] not null,
        expires_at timestamptz not null
    )
    """,
    "create index meta_signup_codes_account on sandbox.meta_signup_codes (account_id)",
    """
    create table sandbox.meta_wabas (
        id text primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        name text not null,
        timezone_id text not null,
        shared boolean not null default false,
        subscribed boolean not null default false,
        override_url text,
        override_token text,
        created_at timestamptz not null
    )
    """,
    "create index meta_wabas_account on sandbox.meta_wabas (account_id, id)",
    """
    create table sandbox.meta_numbers (
        id text primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        waba_id text references sandbox.meta_wabas (id) on delete cascade,
        seq bigint generated always as identity,
        digits text not null,
        display text not null,
        country text not null,
        calling_code text not null,
        verified_name text,
        created_at timestamptz not null,
        verification text not null,
        verified_at timestamptz,
        connection text not null default 'PENDING',
        connecting boolean not null default false,
        banned boolean not null default false,
        migrating boolean not null default false,
        preverified boolean not null default false,
        name_status text not null,
        new_name text,
        new_name_status text not null default 'NONE',
        quality text not null default 'UNKNOWN',
        limit_tier text,
        pin_hash bytea,
        pin_failures integer not null default 0,
        pin_locked_until timestamptz,
        code text,
        code_expires_at timestamptz,
        code_failures integer not null default 0,
        code_requests timestamptz[] not null default '{}',
        registrations timestamptz[] not null default '{}',
        onboarded_at timestamptz,
        data_region text,
        search_visibility text not null default 'VISIBLE',
        profile jsonb not null default '{}',
        override_url text,
        override_token text,
        version integer not null default 1
    ) with (fillfactor = 70)
    """,
    "create unique index meta_numbers_in_waba on sandbox.meta_numbers (waba_id, digits)",
    # A number is on WhatsApp once. While it moves it stands in two business accounts; the old entry stays as a husk.
    """
    create unique index meta_numbers_in_use on sandbox.meta_numbers (account_id, digits)
    where waba_id is not null and not migrating and connection <> 'MIGRATED'
    """,
    "create unique index meta_numbers_in_pool on sandbox.meta_numbers (account_id, digits) where waba_id is null",
    "create index meta_numbers_made on sandbox.meta_numbers (waba_id, created_at, seq)",
    "create index meta_numbers_listed on sandbox.meta_numbers (waba_id, coalesce(onboarded_at, created_at), seq)",
    """
    create table sandbox.meta_outages (
        account_id uuid not null references public.accounts (id) on delete cascade,
        digits text not null,
        failures integer not null,
        primary key (account_id, digits)
    )
    """,
    """
    create table sandbox.meta_uploads (
        id text primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        signature text not null,
        handle text not null unique,
        media_type text not null,
        length integer not null,
        data bytea not null default '',
        created_at timestamptz not null
    )
    """,
    "create index meta_uploads_account on sandbox.meta_uploads (account_id)",
    """
    create table sandbox.meta_texts (
        id bigint generated always as identity primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        digits text not null,
        sender text not null,
        body text not null,
        received_at timestamptz not null
    )
    """,
    "create index meta_texts_phone on sandbox.meta_texts (account_id, digits, id)",
    # `due_at` and `leased_until` are wall time, `made_at` is account time.
    """
    create table sandbox.meta_tasks (
        id bigint generated always as identity primary key,
        account_id uuid not null references public.accounts (id) on delete cascade,
        number_id text,
        kind text not null,
        detail text not null,
        made_at timestamptz not null,
        due_at timestamptz not null,
        leased_until timestamptz,
        attempts integer not null default 0
    )
    """,
    "create index meta_tasks_due on sandbox.meta_tasks (due_at)",
    "create index meta_tasks_leased on sandbox.meta_tasks (leased_until) where leased_until is not null",
    "create index meta_tasks_account on sandbox.meta_tasks (account_id, due_at)",
)

TABLES = ("tasks", "texts", "uploads", "outages", "numbers", "wabas", "signup_codes", "tokens", "realms")


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop table sandbox.meta_{table}")
    op.execute("drop schema sandbox")
