"""The `fields` parameter: which fields of a node an answer has, `a,b{c,d}`. Modifiers (`b.limit(5)`) change nothing."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from tabard.networks.meta.emulator import faults

_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)((?:\.[a-z_]+\([^(){}]*\))*)\s*")
_LENGTH = 5000

Selection = Mapping[str, "Selection | None"]
"""A field's name and what is chosen below it; None for all."""

Of = TypeVar("Of")
Readers = Mapping[str, Callable[[Of], Any]]


@lru_cache(maxsize=256)
def parse(text: str) -> Selection:
    """Raises `GraphFault` for what is no list of fields. Callers ask for the same few lists over and over."""
    if len(text) > _LENGTH:
        raise faults.invalid("Parameter fields is too long.")
    open_levels: list[dict[str, Selection | None]] = [{}]
    position, name = 0, ""
    while True:
        found = _NAME.match(text, position)
        if found is None:
            raise _syntax(text)
        name, position = found[1], found.end()
        open_levels[-1][name] = None
        if text.startswith("{", position):
            below: dict[str, Selection | None] = {}
            open_levels[-1][name] = below
            open_levels.append(below)
            position += 1
            continue
        position = _close(text, position, open_levels)
        if position >= len(text):
            break
        if text[position] != ",":
            raise _syntax(text)
        position += 1
    if len(open_levels) != 1:
        raise _syntax(text)
    return open_levels[0]


def _close(text: str, position: int, open_levels: list[dict[str, Selection | None]]) -> int:
    while position < len(text) and text[position] in "} \t":
        if text[position] == "}":
            if len(open_levels) == 1:
                raise _syntax(text)
            open_levels.pop()
        position += 1
    return position


def _syntax(text: str) -> faults.GraphFault:
    return faults.GraphFault(2500, message=f"Syntax error in the list of fields: {text[:100]}")


def chosen(text: str | None, default: tuple[str, ...]) -> Selection:
    return dict.fromkeys(default) if not text else parse(text)


def render(node_type: str, readers: Readers[Of], node: Of, selection: Selection) -> dict[str, Any]:
    """The node's chosen fields, those that have a value, and its `id`. Raises `GraphFault` for an unknown field."""
    answer: dict[str, Any] = {}
    for name, below in selection.items():
        reader = readers.get(name)
        if reader is None:
            raise faults.unknown_field(name, node_type)
        value = reader(node)
        if value is not None and name != "id":
            answer[name] = _below(value, below)
    if "id" in readers:
        answer["id"] = readers["id"](node)
    return answer


def _below(value: Any, selection: Selection | None) -> Any:
    if selection is None or not isinstance(value, dict):
        return value
    return {name: inner for name, inner in value.items() if name in selection or name == "id"}
