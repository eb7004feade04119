import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], object] = bool, *, seconds: float = 30, pause: float = 0.02
) -> T:
    """What a look sees once it holds; polls within bounds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        if holds(seen):
            return seen
        assert asyncio.get_running_loop().time() < deadline, f"did not come about: {seen}"
        await asyncio.sleep(pause)
