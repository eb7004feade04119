"""One statement to see a scene, one to save what a call or a task made of its number.

Nothing is locked between the two. A number carries a version; saving one that somebody else saved in between raises
`Stale`, and the whole call or task runs again on what is there now. So the rules (`graph`, `life`) are plain functions
of a scene, and two calls at once can never both win.
"""

from dataclasses import fields
from datetime import datetime
from uuid import UUID

import asyncpg

from tabard.networks.emulation.chaos import Chaos
from tabard.networks.emulation.races import Stale
from tabard.networks.meta.emulator import events
from tabard.networks.meta.emulator.state import Change, Notice, Number, Realm, Scene, TaskKind, Token, Waba

NUMBER_COLUMNS = """
    n.id, n.waba_id, n.digits, n.display, n.country, n.calling_code, n.verified_name, n.created_at, n.verification,
    n.verified_at, n.connection, n.connecting, n.banned, n.migrating, n.preverified, n.name_status, n.new_name,
    n.new_name_status, n.quality, n.limit_tier, n.pin_hash, n.pin_failures, n.pin_locked_until, n.code,
    n.code_expires_at, n.code_failures, n.code_requests, n.registrations, n.onboarded_at, n.data_region,
    n.search_visibility, n.profile, n.override_url, n.override_token, n.version
"""
WABA_COLUMNS = """
    w.id, w.name, w.timezone_id, w.shared, w.subscribed, w.override_url, w.override_token, w.created_at
"""

_SCENE = """
select a.clock_offset,
    t.kind, t.scopes, t.issued_at, t.expires_at,
    r.account_id, r.business_id, r.app_id, r.app_secret, r.verify_token, r.waba_id, r.callback_url, r.callback_token,
    r.fields, r.messaging_limit, r.number_cap, r.faults_left, r.drops_webhooks, r.duplicates_webhooks,
    r.shuffles_webhooks,
    {waba},
    {number}
from sandbox.meta_realms r
join public.accounts a on a.id = r.account_id
left join sandbox.meta_tokens t on t.digest = $2
left join sandbox.meta_numbers n on n.account_id = r.account_id and n.id = $3
left join sandbox.meta_wabas w on w.account_id = r.account_id and w.id = coalesce(n.waba_id, $3)
where r.account_id = coalesce($1, (select account_id from sandbox.meta_tokens where digest = $2))
""".replace("{waba}", WABA_COLUMNS).replace("{number}", NUMBER_COLUMNS)

_TOKEN = 1
_REALM = _TOKEN + len(fields(Token))
_WABA = _REALM + len(fields(Realm))
_NUMBER = _WABA + len(fields(Waba))

_SAVE = """
with saved as (
    update sandbox.meta_numbers
    set verified_name = $3, verification = $4, verified_at = $5, connection = $6, connecting = $7, banned = $8,
        migrating = $9, name_status = $10, new_name = $11, new_name_status = $12, quality = $13, limit_tier = $14,
        pin_hash = $15, pin_failures = $16, pin_locked_until = $17, code = $18, code_expires_at = $19,
        code_failures = $20, code_requests = $21, registrations = $22, onboarded_at = $23, data_region = $24,
        search_visibility = $25, profile = $26, override_url = $27, override_token = $28, version = version + 1
    where id = $1 and version = $2
    returning id, account_id, digits
), tasked as (
    insert into sandbox.meta_tasks (account_id, number_id, kind, detail, made_at, due_at)
    select s.account_id, s.id, t.kind, t.detail, $29, t.due_at
    from saved s, unnest($30::text[], $31::text[], $32::timestamptz[]) as t (kind, detail, due_at)
), texted as (
    insert into sandbox.meta_texts (account_id, digits, sender, body, received_at)
    select s.account_id, s.digits, t.sender, t.body, $29
    from saved s, unnest($33::text[], $34::text[]) as t (sender, body)
), done as (
    delete from sandbox.meta_tasks where id = $35 and exists (select from saved)
)
select count(*) from saved
"""

_MOVED = """
update sandbox.meta_numbers set connection = 'MIGRATED', version = version + 1
where account_id = $1 and digits = $2 and id <> $3 and waba_id is not null and connection <> 'MIGRATED'
"""

_TASKS = """
insert into sandbox.meta_tasks (account_id, kind, detail, made_at, due_at)
select $1, t.kind, t.detail, $2, t.due_at
from unnest($3::text[], $4::text[], $5::timestamptz[]) as t (kind, detail, due_at)
"""

_Row = tuple[str, str, datetime]


async def see(
    pool: asyncpg.Pool,
    wall: datetime,
    object_id: str,
    *,
    digest: bytes | None = None,
    account_id: UUID | None = None,
) -> Scene | None:
    """As the token, or else the account, sees the object. None if there is no such token or realm."""
    row = await pool.fetchrow(_SCENE, account_id, digest, object_id)
    if row is None:
        return None
    return Scene(
        wall,
        wall + row[0],
        Realm(*row[_REALM:_WABA]),
        Token(*row[_TOKEN:_REALM]) if row[_TOKEN] is not None else None,
        Waba(*row[_WABA:_NUMBER]) if row[_WABA] is not None else None,
        Number(*row[_NUMBER:]) if row[_NUMBER] is not None else None,
    )


async def save(pool: asyncpg.Pool, scene: Scene, change: Change, done: int | None = None) -> bool:
    """Save the change to the scene's number with all that follows, and strike the task `done`. Raises `Stale`.

    True if a task was added.
    """
    after = change.number
    moves = scene.number is not None and scene.number.migrating and not after.migrating
    tasks = [(task.kind.value, task.detail, scene.wall + task.after) for task in change.tasks]
    for notice in change.notices:
        tasks += _webhooks(scene, scene.waba, notice)
    senders, bodies = [text.sender for text in change.texts], [text.body for text in change.texts]
    arguments = (*_values(after), scene.now, *_columns(tasks), senders, bodies, done)
    if moves:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_MOVED, scene.realm.account_id, after.digits, after.id)
            saved = await connection.fetchval(_SAVE, *arguments)
            if not saved:
                raise Stale
    elif not await pool.fetchval(_SAVE, *arguments):
        raise Stale
    return bool(tasks)


async def tell(pool: asyncpg.Pool, scene: Scene, waba: Waba, notice: Notice) -> bool:
    """Add the webhooks of a notice that is about no single number. True if there are any."""
    tasks = _webhooks(scene, waba, notice)
    if tasks:
        await pool.execute(_TASKS, scene.realm.account_id, scene.now, *_columns(tasks))
    return bool(tasks)


def _webhooks(scene: Scene, waba: Waba | None, notice: Notice) -> list[_Row]:
    """None unless the app hears of the field. Overrides of the address hold for `messages` alone."""
    realm = scene.realm
    if waba is None or not waba.subscribed or notice.field not in realm.fields:
        return []
    body = events.serialize(waba.id, scene.now, notice)
    chaos = Chaos(realm.drops_webhooks, realm.duplicates_webhooks, realm.shuffles_webhooks)
    return [(TaskKind.WEBHOOK.value, body, scene.wall + delay) for delay in chaos.delays()]


def _columns(rows: list[_Row]) -> tuple[list[str], list[str], list[datetime]]:
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def _values(number: Number) -> tuple[object, ...]:
    return (
        number.id,
        number.version,
        number.verified_name,
        number.verification,
        number.verified_at,
        number.connection,
        number.connecting,
        number.banned,
        number.migrating,
        number.name_status,
        number.new_name,
        number.new_name_status,
        number.quality,
        number.limit_tier,
        number.pin_hash,
        number.pin_failures,
        number.pin_locked_until,
        number.code,
        number.code_expires_at,
        number.code_failures,
        number.code_requests,
        number.registrations,
        number.onboarded_at,
        number.data_region,
        number.search_visibility,
        number.profile,
        number.override_url,
        number.override_token,
    )
