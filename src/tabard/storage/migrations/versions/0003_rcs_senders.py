"""RCS senders: what they have beyond a profile, drafts, lists in any order, events of accounts, tokens."""

from alembic import op

revision = "0003"
down_revision = "0002"

UP = (
    # What agents are searched and sorted by has a column, for an index can give back columns but no expressions: so
    # lists are counted and filtered without a look at the rows. Numbers have null there, which takes no room.
    """
    alter table senders
        add column agent jsonb,
        add column draft jsonb,
        add column lowered_name text collate "C" generated always as (
            case when channel = 'rcs' then lower(coalesce(profile->>'name', '')) end) stored
    """,
    # A sender's object at the network need not be a number.
    "drop index senders_number",
    """
    update senders set link = link - 'number_id' || jsonb_build_object('network_id', link->'number_id')
    where link ? 'number_id'
    """,
    """
    create index senders_network_id on senders (channel, (link->>'network_id')) where link->>'network_id' is not null
    """,
    # Orders of a list; the last one holds all that lists are filtered by, too. Agents alone can be listed so: numbers,
    # of which there are many more, pay nothing for it.
    """
    create index agents_by_change on senders (account_id, updated_at, id) where channel = 'rcs' and status <> 'deleted'
    """,
    """
    create index agents_by_name on senders (account_id, lowered_name, id)
    where channel = 'rcs' and status <> 'deleted'
    """,
    """
    create function life_order(status text) returns integer immutable strict parallel safe language sql
    return array_position(array['draft', 'creating', 'pending_verification', 'verifying', 'testing', 'preparing',
                                'launching', 'online', 'updating', 'offline', 'retiring', 'deleted'], status)
    """,
    """
    create index agents_by_status on senders (account_id, life_order(status), id)
    include (status, lowered_name, updated_at)
    where channel = 'rcs' and status <> 'deleted'
    """,
    # An index alone answers for rows that have not changed since the last vacuum. By default a fifth of them may.
    """
    alter table senders set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05)
    """,
    "alter table events alter column sender_id drop not null",
    "create index events_of_account on events (account_id, number) where sender_id is null",
    # A token is a credential that ends by itself.
    "alter table credentials add column expires_at timestamptz",
    "alter table credentials drop constraint credentials_kind_check",
    "alter table credentials add constraint credentials_kind_check check (kind in ('main', 'key', 'token'))",
    "create index credentials_expiry on credentials (expires_at) where expires_at is not null",
)

DOWN = (
    "delete from credentials where kind = 'token'",
    "alter table credentials drop constraint credentials_kind_check",
    "alter table credentials add constraint credentials_kind_check check (kind in ('main', 'key'))",
    "alter table credentials drop column expires_at",
    "delete from events where sender_id is null",
    "alter table senders reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor)",
    "drop index events_of_account",
    "alter table events alter column sender_id set not null",
    "drop index agents_by_status, agents_by_name, agents_by_change, senders_network_id",
    "drop function life_order",
    """
    update senders set link = link - 'network_id' || jsonb_build_object('number_id', link->'network_id')
    where link ? 'network_id'
    """,
    "create index senders_number on senders (channel, (link->>'number_id')) where link->>'number_id' is not null",
    "alter table senders drop column lowered_name, drop column agent, drop column draft",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
