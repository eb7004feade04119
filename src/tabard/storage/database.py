"""The pool of connections, and the two conversions that every table's module needs."""

from typing import Any
from uuid import UUID

import asyncpg
import orjson


async def open_pool(dsn: str, *, size: int, name: str, waits_for_disk: bool = True) -> asyncpg.Pool:
    """Where nobody waits for the disk, a crash of PostgreSQL may undo the last half second of what was committed here.

    Commits reach the disk in their order, whichever connection they came by. So what a later, waiting commit rests on
    is never undone without it: such connections are for writes that matter only to what is written after them.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        command_timeout=30,
        reset=_keep_session,
        # JIT compiles for analysts' queries; ours are index look-ups that it only slows down.
        server_settings={
            "application_name": name,
            "jit": "off",
            "timezone": "UTC",
            "synchronous_commit": "on" if waits_for_disk else "off",
        },
    )


async def _keep_session(_: asyncpg.Connection) -> None:
    """asyncpg rolls back by itself what was left open. Its default would also ask the database to forget settings,
    locks and cursors of the session, which none of our statements leaves behind: a second round trip for each."""


def to_json(value: object) -> str:
    """Dataclasses, enums, ids and times included (orjson); for a jsonb parameter."""
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: object) -> str:
    if isinstance(value, UUID):  # asyncpg's own kind, which orjson does not know
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def from_json(value: str | None) -> Any:
    return None if value is None else orjson.loads(value)
