"""Boot: from the start of `tabard serve` to its first answer, with the embedded database, and what it then holds."""

import statistics
from pathlib import Path

from bench import processes
from bench.processes import Memory
from bench.scope import Advance, Row, Scope, Section

MEMORY = "resident memory"
_FIRST_MARK, _LATER_MARK, _MEMORY_MARK = 2.0, 1.0, 150


async def measure(directory: Path, scope: Scope, advance: Advance) -> tuple[Section, Memory]:
    """The section of the table, and the memory of a service that has just started."""
    first: list[float] = []
    later: list[float] = []
    memory = Memory(0, 0)
    for number in range(scope.boots):
        data_dir = directory / f"boot{number}"
        for boots, what in ((first, "an empty data directory"), (later, "the second time")):
            advance(f"boot {number + 1} of {scope.boots}: {what}")
            async with processes.tabard(directory, "all", TABARD_DATA_DIR=str(data_dir)) as running:
                boots.append(running.boot_seconds)
                memory = processes.memory_of(running.pid)
    return Section(
        "`tabard serve`, its own PostgreSQL included: from start to first answer",
        [_row("empty data directory", first, _FIRST_MARK), _row("every later time", later, _LATER_MARK)],
    ), memory


def _row(what: str, seconds: list[float], mark: float) -> Row:
    median = statistics.median(seconds)
    return Row(what, f"{median:.2f} s", f"{min(seconds):.2f} to {max(seconds):.2f}", f"≤ {mark:g} s", median <= mark)


def memory_section(memories: dict[str, Memory]) -> Section:
    """What each process holds; PostgreSQL's pages are counted once, and not counted towards the mark."""
    rows = [
        Row(
            what,
            f"{memory.service_mb:.0f} MB",
            f"PostgreSQL {memory.postgres_mb:.0f} MB" if memory.postgres_mb else "",
            f"≤ {_MEMORY_MARK} MB",
            memory.service_mb <= _MEMORY_MARK,
        )
        for what, memory in memories.items()
    ]
    return Section(MEMORY, rows)
