"""The service as real processes, started and killed by a test."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

MASTER_KEY = "7" * 64


@dataclass
class Crew:
    """Processes of one service: they share a database and a master key. Their logs are kept in the directory."""

    dsn: str
    directory: Path
    settings: dict[str, object] = field(default_factory=dict)
    members: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    logs: list[IO[bytes]] = field(default_factory=list)

    async def start(self, name: str, role: str, **settings: object) -> None:
        chosen = {"role": role, "data_dir": self.directory, "master_key": MASTER_KEY, **self.settings, **settings}
        environment = {
            **os.environ,
            **{f"TABARD_{key.upper()}": str(value) for key, value in chosen.items()},
            "DATABASE_URL": self.dsn,
        }
        log = (self.directory / f"{name}.log").open("wb")
        self.logs.append(log)
        self.members[name] = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tabard", "serve", env=environment, stdout=log, stderr=log
        )

    def kill(self, name: str) -> bool:
        """At once and without a word (SIGKILL). False if it was dead already."""
        process = self.members[name]
        if process.returncode is not None:
            return False
        with suppress(ProcessLookupError):
            process.kill()
        return True

    async def dismiss(self) -> None:
        """Tell all to leave, and wait until they have."""
        for process in self.members.values():
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
        for process in self.members.values():
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()
        for log in self.logs:
            log.close()

    def said(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text()


@asynccontextmanager
async def crew(dsn: str, directory: Path, **settings: object) -> AsyncIterator[Crew]:
    made = Crew(dsn, directory, settings)
    try:
        yield made
    finally:
        await made.dismiss()
