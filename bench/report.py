"""The table: for a terminal, as JSON, and as docs/performance.md with the machine it was measured on."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import orjson
from rich import box
from rich.console import Console
from rich.table import Table

from bench.boot import MEMORY
from bench.scope import Section

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_COLUMNS = ("", "figure", "compared", "mark", "met")
_BREAK = "\n## "
_MACHINE = "Measured on"
_HEAD = """\
# Performance

Written by `python -m bench --write`: do not edit. `make bench` measures again and prints the same table.

- *Bare* is a plain ASGI function under the same server with the same settings and the same pool: it runs the same
  statements and answers a text of the same shape and size, but knows no credentials and checks nothing. Tabard's
  requests are authenticated, their bodies validated, and a create writes sender, event and intent.
- Rounds on Tabard and on the bare handler take turns; the figures are medians of the rounds, the ratios are of one run.
- A list's p95 is that of all its 100 requests. They were asked in rounds, too, and each total was held against a count
  of the rows themselves.
- The generator of the load, the service and PostgreSQL share the machine's cores.
- A life is seen to reach a status in the database, not by polling the service.
- Prism, a stateless mock, served 2,700 creates and 3,200 fetches a second from Twilio's OpenAPI document on a machine
  of the same kind. It is not measured again here.
"""


@dataclass(frozen=True)
class Machine:
    processor: str
    cores: int
    memory_gb: float
    kernel: str
    python: str
    postgresql: str
    packages: str
    date: str
    commit: str

    @classmethod
    async def here(cls, dsn: str) -> "Machine":
        connection = await asyncpg.connect(dsn)
        postgresql = await connection.fetchval("show server_version")
        await connection.close()
        named = ("uvicorn", "uvloop", "starlette", "pydantic", "asyncpg")
        return cls(
            processor=_line_of("/proc/cpuinfo", "model name") or platform.processor(),
            cores=os.cpu_count() or 0,
            memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            kernel=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
            postgresql=postgresql,
            packages=", ".join(f"{name} {importlib.metadata.version(name)}" for name in named),
            date=f"{datetime.now(UTC):%Y-%m-%d}",
            commit=_commit(),
        )

    def __str__(self) -> str:
        return (
            f"{self.cores} cores of {self.processor}, {self.memory_gb} GB, {self.kernel}; Python {self.python}, "
            f"PostgreSQL {self.postgresql}, {self.packages}; {self.date}, commit {self.commit}"
        )


def _line_of(file: str, name: str) -> str | None:
    if not Path(file).exists():
        return None
    lines = (line.partition(":") for line in Path(file).read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), None)


def _commit() -> str:
    """With a plus if there are changes that it does not hold."""
    command = ["git", "describe", "--always", "--abbrev=10", "--dirty=+", "--exclude=*"]
    try:
        found = subprocess.run(command, cwd=PAGE.parents[1], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def show(sections: Sequence[Section], machine: Machine) -> None:
    table = Table(*_COLUMNS, box=box.SIMPLE_HEAD, caption=str(machine))
    for section in sections:
        table.add_section()
        table.add_row(f"[bold]{section.title}")
        for row in section.rows:
            met = {True: "[green]yes", False: "[red]no", None: ""}[row.met]
            table.add_row(f"  {row.what}", row.figure, row.compared, row.mark, met)
    Console(width=None if Console().is_terminal else 160).print(table)


def as_json(sections: Sequence[Section], machine: Machine) -> str:
    whole = {"machine": asdict(machine), "sections": [asdict(section) for section in sections]}
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode()


def write(sections: Sequence[Section], machine: Machine) -> None:
    """All of the page anew."""
    lines = [_HEAD]
    for section in sections:
        lines += _lines(section)
    lines += [f"## {_MACHINE}", "", *(f"- {name}: {value}" for name, value in asdict(machine).items()), ""]
    PAGE.write_text("\n".join(lines))


def write_part(sections: Sequence[Section], machine: Machine) -> None:
    """These sections in their places, each with a note; the others stay, measured when and where the page says.

    What processes hold is told for all of them or for none: that section stays, too.
    """
    _, *parts = PAGE.read_text().split(_BREAK)
    kept = {part.partition("\n")[0]: part for part in parts}
    ends = [kept.pop(_capital(title)) for title in (MEMORY, _MACHINE)]
    for section in sections:
        if section.title != MEMORY:
            note = (
                f"Measured by itself: {machine.date}, commit {machine.commit}, load average {os.getloadavg()[1]:.1f}."
            )
            kept[_capital(section.title)] = "\n".join(_lines(section, note)).removeprefix("## ")
    PAGE.write_text(_BREAK.join([_HEAD, *kept.values(), *ends]))


def _capital(title: str) -> str:
    return f"{title[0].upper()}{title[1:]}"


def _lines(section: Section, note: str | None = None) -> Sequence[str]:
    lines = [f"## {_capital(section.title)}", "", *([note, ""] if note else [])]
    lines += ["| | figure | compared | mark | met |", "|---|---|---|---|---|"]
    for row in section.rows:
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        lines.append(f"| {row.what} | {row.figure} | {row.compared} | {row.mark} | {met} |")
    return [*lines, ""]
