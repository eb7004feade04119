"""`python -m bench`: measure Tabard on this machine and print one table. Stopped at any time, it leaves nothing."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench import boot, deliveries, life, lists, report, requests
from bench.processes import BenchFailed
from bench.report import Machine
from bench.scope import FULL, QUICK, Advance, Scope, Section
from tabard.storage import embedded

_PARTS = ("requests", "life", "boot", "lists", "deliveries")


def main() -> None:
    arguments = _arguments()
    try:
        asyncio.run(_run(arguments))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit("stopped") from None
    except BenchFailed as failure:
        raise SystemExit(f"error: {failure}") from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Tabard and print one table.")
    parser.add_argument("--quick", action="store_true", help="less of everything, in under a minute")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--write", action="store_true", help=f"write {report.PAGE.relative_to(Path.cwd())}, too")
    parser.add_argument(
        "--only", choices=_PARTS, action="append", help="measure this only (may be repeated); --write keeps the rest"
    )
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    scope = QUICK if arguments.quick else FULL
    chosen = arguments.only or _PARTS
    with (
        tempfile.TemporaryDirectory(prefix="tabard-bench-") as directory,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as progress,
    ):
        total = progress.add_task("start", total=_steps(scope, chosen))

        def advance(what: str) -> None:
            progress.update(total, description=what, advance=1)

        async with _server(Path(directory)) as dsn:
            sections = await _measure(chosen, dsn, Path(directory), scope, advance)
            machine = await Machine.here(dsn)
    if arguments.json:
        sys.stdout.write(report.as_json(sections, machine) + "\n")
    else:
        report.show(sections, machine)
    if arguments.write and arguments.only:
        report.write_part(sections, machine)
    elif arguments.write:
        report.write(sections, machine)


async def _measure(
    chosen: Sequence[str], dsn: str, directory: Path, scope: Scope, advance: Advance
) -> Sequence[Section]:
    sections: list[Section] = []
    memories = {}
    if "requests" in chosen:
        found, memories["one API process, after the load"] = await requests.measure(dsn, directory, scope, advance)
        sections += found
    if "life" in chosen:
        section, memories["API and workers in one process, after the load"] = await life.measure(
            dsn, directory, scope, advance
        )
        sections.append(section)
    if "deliveries" in chosen:
        section, memories["a worker, after deliveries"] = await deliveries.measure(dsn, directory, scope, advance)
        sections.append(section)
    if "boot" in chosen:
        section, memories["`tabard serve`, after boot"] = await boot.measure(directory, scope, advance)
        sections.append(section)
    if "lists" in chosen:
        sections += await lists.measure(dsn, directory, scope, advance)
    return [*sections, boot.memory_section(memories)] if memories else sections


def _steps(scope: Scope, chosen: Sequence[str]) -> int:
    steps = {
        "requests": 2 + 14 * scope.rounds,
        "life": 3,
        "boot": 2 * scope.boots,
        "lists": 1 + 2 * scope.rounds,
        "deliveries": 4,
    }
    return sum(steps[name] for name in chosen)


@asynccontextmanager
async def _server(directory: Path) -> AsyncIterator[str]:
    """The PostgreSQL server that DATABASE_URL names, else the one that Tabard would start."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    async with embedded.running(directory / "server") as dsn:
        yield dsn


if __name__ == "__main__":
    main()
