"""Files on their way through the resumable upload, and the pictures made of them."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg


@dataclass(frozen=True, slots=True)
class Upload:
    id: str
    account_id: UUID
    signature: str
    handle: str
    media_type: str
    length: int
    received: int

    @property
    def session(self) -> str:
        return f"upload:{self.id}?sig={self.signature}"


_APPEND = """
update sandbox.meta_uploads set data = data || $2 where id = $1 and octet_length(data) = $3 returning id
"""


async def begin(
    pool: asyncpg.Pool, account_id: UUID, *, name: str, media_type: str, length: int, at: datetime
) -> Upload:
    upload = Upload(
        secrets.token_urlsafe(24),
        account_id,
        "AR" + secrets.token_urlsafe(16),
        f"4:{secrets.token_urlsafe(12)}:{media_type.partition('/')[2]}:{name[:16].encode().hex()}:{secrets.token_hex(16)}",
        media_type,
        length,
        0,
    )
    await pool.execute(
        "insert into sandbox.meta_uploads (id, account_id, signature, handle, media_type, length, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        upload.id,
        account_id,
        upload.signature,
        upload.handle,
        media_type,
        length,
        at,
    )
    return upload


async def find(pool: asyncpg.Pool, account_id: UUID, upload_id: str) -> Upload | None:
    row = await pool.fetchrow(
        "select id, account_id, signature, handle, media_type, length, octet_length(data)"
        " from sandbox.meta_uploads where account_id = $1 and id = $2",
        account_id,
        upload_id,
    )
    return Upload(*row) if row is not None else None


async def append(pool: asyncpg.Pool, upload: Upload, data: bytes) -> bool:
    """False if somebody else has added to it in between."""
    return await pool.fetchval(_APPEND, upload.id, data, upload.received) is not None


async def by_handle(pool: asyncpg.Pool, account_id: UUID, handle: str) -> Upload | None:
    row = await pool.fetchrow(
        "select id, account_id, signature, handle, media_type, length, octet_length(data)"
        " from sandbox.meta_uploads where account_id = $1 and handle = $2",
        account_id,
        handle,
    )
    return Upload(*row) if row is not None else None


async def picture(pool: asyncpg.Pool, upload_id: str) -> tuple[str, bytes] | None:
    """Media type and bytes of a complete upload; its id is secret enough to serve as the picture's address."""
    row = await pool.fetchrow(
        "select media_type, data from sandbox.meta_uploads where id = $1 and octet_length(data) = length", upload_id
    )
    return (row[0], row[1]) if row is not None else None
