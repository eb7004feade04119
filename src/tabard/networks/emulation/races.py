"""Who loses a race looks again: an emulator locks nothing between reading and saving, it counts versions."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

TRIES = 50
"""How often a call or task is run again because others changed its ground meanwhile."""

T = TypeVar("T")


class Stale(Exception):
    """Somebody else saved the object first: look again."""


async def until_saved(attempt: Callable[[], Awaitable[T]]) -> T:
    """What the first attempt gives that meets nobody else's. Raises `Stale` if none of many does."""
    for _ in range(TRIES - 1):
        try:
            return await attempt()
        except Stale:
            continue
    return await attempt()
