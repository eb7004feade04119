"""Processes of the service as an operator starts them, and what they cost. None outlives its block."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 60.0


class BenchFailed(Exception):
    """The text says what did not do what it should, with the end of its log."""


@dataclass(frozen=True)
class Running:
    pid: int
    port: int
    boot_seconds: float
    """From the start of the process to the first answer."""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@asynccontextmanager
async def tabard(directory: Path, role: str, **settings: str) -> AsyncIterator[Running]:
    """`tabard serve` on a port of its own; a worker answers nowhere, so it is there when it has logged."""
    port = free_port()
    command = ["-m", "tabard", "serve", "--role", role, "--port", str(port)]
    async with _running(command, directory, port if role != "worker" else None, settings) as running:
        yield running


@asynccontextmanager
async def bare(directory: Path, dsn: str) -> AsyncIterator[Running]:
    port = free_port()
    async with _running(["-m", "bench.programs.bare", str(port)], directory, port, {"DATABASE_URL": dsn}) as running:
        yield running


@asynccontextmanager
async def _running(
    command: list[str], directory: Path, port: int | None, settings: Mapping[str, str]
) -> AsyncIterator[Running]:
    log = directory / f"{port or 'worker'}.log"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            env=environment(**settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us, who end it in good order
        )
    try:
        await _answers(process, port, log)
        yield Running(process.pid, port or 0, time.perf_counter() - began)
    finally:
        await _end(process)


async def run_program(module: str, plan: bytes) -> bytes:
    """What a program of `bench.programs` makes of its plan. Raises `BenchFailed`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await process.communicate(plan)
    finally:
        await _end(process)
    if process.returncode != 0:
        raise BenchFailed(f"{module} failed:\n{errors.decode()[-2000:]}")
    return output


async def run_tabard(*arguments: str, **settings: str) -> bytes:
    """What a short command prints. Raises `BenchFailed`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tabard", *arguments),
        env=environment(**settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await process.communicate()
    finally:
        await _end(process)
    if process.returncode != 0:
        raise BenchFailed(f"tabard {' '.join(arguments)} failed:\n{errors.decode()[-2000:]}")
    return output


def environment(**settings: str) -> dict[str, str]:
    """Ours without what would set the service otherwise than we do."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TABARD_", "DATABASE_"))}
    return {**kept, "TABARD_LOG_LEVEL": "info", **settings}


async def _answers(process: asyncio.subprocess.Process, port: int | None, log: Path) -> None:
    deadline = time.perf_counter() + _PATIENCE
    while time.perf_counter() < deadline and process.returncode is None:
        if "service.start" in _text(log) if port is None else await _healthy(port):
            return
        await asyncio.sleep(0.005)
    raise BenchFailed(f"a process did not come up:\n{_text(log)[-2000:]}")


def _text(log: Path) -> str:
    return log.read_text(errors="replace")


async def _healthy(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        answer = await reader.readline()
        writer.close()
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 ")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 20)
    except TimeoutError:
        process.kill()
        await process.wait()


# what a process costs


def cpu_seconds(pid: int) -> float:
    """Of the process itself, since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    service_mb: float
    """Resident set of the process itself."""
    postgres_mb: float
    """All of PostgreSQL's below it, shared pages counted once."""


def memory_of(pid: int) -> Memory:
    below = sum(_kilobytes(child, "smaps_rollup", "Pss:") for child in _descendants(pid))
    return Memory(_kilobytes(pid, "status", "VmRSS:") / 1024, below / 1024)


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                found += [int(child), *_descendants(int(child))]
    return found


def _kilobytes(pid: int, file: str, name: str) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    return 0
