"""What an operator asks a process."""

from pathlib import Path

import asyncpg
import pytest

from tests.support.service import Running, running


async def status(service: Running, path: str) -> int:
    async with service.http.get(service.url + path) as response:
        return response.status


@pytest.mark.parametrize("role", ["all", "api", "worker"])
async def test_every_role_says_how_it_is(dsn: str, tmp_path: Path, role: str) -> None:
    async with running(dsn, tmp_path, role=role, works=False) as service:
        assert [await status(service, path) for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
        serves = await status(service, "/v2/Channels/Senders?Channel=whatsapp")
        assert serves == (404 if role == "worker" else 401)


async def test_a_database_that_is_behind_is_not_ready_and_one_that_is_ahead_is(
    dsn: str, tmp_path: Path, pool: asyncpg.Pool
) -> None:
    async with running(dsn, tmp_path, works=False) as service:
        newest = await pool.fetchval("select version_num from alembic_version")
        try:
            await pool.execute("update alembic_version set version_num = '0000'")
            async with service.http.get(f"{service.url}/readyz") as behind:
                assert behind.status == 503
                assert "tabard migrate" in (await behind.json())["reason"]
            await pool.execute("update alembic_version set version_num = '9999'")
            assert await status(service, "/readyz") == 200
        finally:
            await pool.execute("update alembic_version set version_num = $1", newest)


async def test_the_metrics_count_what_was_asked(dsn: str, tmp_path: Path) -> None:
    async with running(dsn, tmp_path, works=False) as service:
        await service.get("/v2/Channels/Senders?Channel=whatsapp")
        async with service.http.get(f"{service.url}/metrics") as page:
            text = await page.text()
    assert 'tabard_request_seconds_count{dialect="twilio",operation="ListChannelsSender",status="200"}' in text


async def test_the_documents_of_each_dialect_are_served(dsn: str, tmp_path: Path) -> None:
    async with running(dsn, tmp_path, works=False) as service:
        for name in ("twilio", "native"):
            document = await service.get(f"/openapi/{name}.json")
            assert document["openapi"].startswith("3.1")
            async with service.http.get(f"{service.url}/docs/{name}") as page:
                assert page.status == 200
                assert "<table>" in await page.text()
        async with service.http.get(f"{service.url}/docs") as front:
            assert "/v2/Channels/Senders" in (await front.text()).replace("<wbr>", "")


async def test_what_became_of_a_sender_and_what_did_not_go_well_can_be_looked_up(dsn: str, tmp_path: Path) -> None:
    """A logo that can't be fetched stops nothing in the sandbox, but it is told."""
    async with running(dsn, tmp_path) as service:
        await service.online("+15550100123", profile={"logo_url": "http://127.0.0.1:9/logo.png"})
        sender = await service.get("/sandbox/v1/numbers/+15550100123")
    assert (sender["status"], [w["trouble"] for w in sender["warnings"]]) == ("online", ["logo_unusable"])
    types = [told["type"] for told in reversed(sender["events"])]
    assert types[0] == "sender.created"
    assert {"sender.online", "sender.warning", "sender.quality", "sender.limit"} <= set(types)
    actors = {told["actor"] for told in sender["events"]}
    assert actors == {f"key:{service.login}", "network:meta"}
