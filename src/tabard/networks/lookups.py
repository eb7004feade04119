"""Names to addresses, so that a name whose servers hang delays nobody but those who call it.

The operating system's resolver holds a thread until it has an answer or gives up. An event loop has but a few threads
for that (uvloop four); so look-ups get threads of their own, and a name takes one of them at most, however many wait
for it. An answer is remembered for as long as a burst of calls lasts, no longer: a name that moves is found again.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from ipaddress import ip_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> its addresses, the preferred one first. Raises `OSError` if there are none."""

_REMEMBERED = 2.0
"""Seconds."""
_MOST_REMEMBERED = 4096
_threads = ThreadPoolExecutor(64, thread_name_prefix="lookup")


async def system_addresses(host: str, port: int) -> Sequence[str]:
    """As the operating system resolves it, odd spellings of addresses included."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_threads, ask)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(slots=True)
class Lookups:
    """Fulfils `Resolve`."""

    resolve: Resolve = system_addresses
    _known: dict[tuple[str, int], tuple[float, asyncio.Task[Sequence[str]]]] = field(default_factory=dict)
    """When the look-up began, and what it finds."""

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        if _is_address(host):
            return (host,)
        now = asyncio.get_running_loop().time()
        began, task = self._known.get((host, port), (now, None))
        if task is None or (task.done() and now > began + _REMEMBERED):
            if len(self._known) >= _MOST_REMEMBERED:
                self._forget()
            task = asyncio.ensure_future(self.resolve(host, port))
            task.add_done_callback(_heard)
            self._known[host, port] = (now, task)
        # Whoever loses patience leaves the look-up to the others who wait for it.
        return await asyncio.shield(task)

    def _forget(self) -> None:
        self._known = {key: known for key, known in self._known.items() if not known[1].done()}


@lru_cache(maxsize=4096)
def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _heard(task: asyncio.Future[Sequence[str]]) -> None:
    """A failure that nobody waits for any more is no news."""
    if not task.cancelled():
        task.exception()
