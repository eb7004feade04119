"""A service for the real networks knows no sandbox, even on a database that was one."""

import base64
from pathlib import Path

import asyncpg
import pytest

from tabard.storage.vault import MasterKeyUnusable
from tests.support.service import SENDERS, running

KEY = base64.b64encode(bytes(range(32))).decode()


async def test_the_public_credentials_open_nothing_in_production(dsn: str, tmp_path: Path) -> None:
    async with running(dsn, tmp_path, master_key=KEY) as sandbox:
        await sandbox.create("+15550100123")
    async with running(dsn, tmp_path, master_key=KEY, production=True) as live:
        refused = await live.call("GET", f"{SENDERS}?Channel=whatsapp")
        assert (refused.status, refused.body["code"]) == (401, 20003)
        assert (await live.call("GET", "/sandbox/v1/clock")).status == 401
        async with live.http.get(f"{live.url}/networks/meta/v25.0/me") as emulator:
            assert emulator.status == 404
        async with live.http.post(f"{live.url}/ingress/meta/1", data=b"{}") as ingress:
            assert ingress.status == 401


async def test_a_master_key_other_than_the_database_s_is_refused_at_the_start(dsn: str, tmp_path: Path) -> None:
    async with running(dsn, tmp_path, master_key=KEY):
        pass
    with pytest.raises(MasterKeyUnusable, match="another master key"):
        async with running(dsn, tmp_path, master_key=base64.b64encode(bytes(32)).decode()):
            pass


async def test_a_sandbox_account_that_was_made_but_not_connected_is_connected_at_the_next_start(
    dsn: str, tmp_path: Path, pool: asyncpg.Pool
) -> None:
    """As when the first start is broken off between the two."""
    async with running(dsn, tmp_path):
        pass
    await pool.execute("delete from connections")
    async with running(dsn, tmp_path) as again:
        await again.online("+15550100123")
