"""Write the pages of the documentation that are made from the code: `make docs`."""  # noqa: INP001 - a script

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import orjson
import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tabard.cli import cli
from tabard.dialects.native.dialect import Native
from tabard.dialects.sinch.dialect import Sinch
from tabard.dialects.twilio.dialect import Twilio
from tabard.dialects.twilio.mapping import STATUSES
from tabard.domain.lifecycle import IN_BETWEEN, TABLES, Channel, Signal, Status, Table
from tabard.http.openapi import coverage_page, document
from tabard.http.surface import Dialect
from tabard.settings import Settings, variable_of

_DOCS = Path(__file__).parent
_MADE = "Made from the code by `make docs`: do not edit."


def _openapi(dialect: Dialect) -> str:
    return orjson.dumps(document(dialect), option=orjson.OPT_INDENT_2).decode() + "\n"


def _page(title: str, *sections: Iterable[str]) -> str:
    return "\n".join([f"# {title}", "", _MADE, "", *(line for section in sections for line in section)])


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    yield from ("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    yield ""


# settings


def settings_page() -> str:
    rows = (
        (f"`{variable_of(name)}`", _default(field), _meaning(field)) for name, field in Settings.model_fields.items()
    )
    return _page(
        "Settings",
        (
            "All settings come from environment variables. `tabard serve --help` names the few that the command line",
            "can set as well; the command line wins. A wrong value stops the start and names its variable.",
            "",
        ),
        _table(("variable", "default", "meaning"), rows),
        ("The commands `tabard sandbox ...` talk to a running service. They read these:", ""),
        _table(("variable", "default", "meaning"), ((f"`{name}`", *row) for name, row in cli_variables().items())),
    )


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None or value is PydanticUndefined:
        return "none"
    return f"`{int(value) if isinstance(value, bool) else value}`"


def _meaning(field: FieldInfo) -> str:
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    spoken = f"{field.description}. One of {', '.join(f'`{choice}`' for choice in choices)}" if choices else ""
    return f"{spoken or field.description}."


def cli_variables() -> dict[str, tuple[str, str]]:
    """Default and meaning of each variable that only the command line reads."""
    options = [option for _, command in _commands("tabard", _root()) for option in command.params]
    return {option.envvar: (f"`{option.default}`", str(option.help)) for option in options if option.envvar}


# command line


def cli_page() -> str:
    return _page(
        "Command line",
        ("`tabard` is installed with the package; `make run` is `tabard serve`.", ""),
        (line for name, command in _commands("tabard", _root()) for line in _command(name, command)),
    )


def _root() -> Any:
    return typer.main.get_command(cli)


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command that does something; groups only hold them."""
    children = getattr(command, "commands", {})
    if not children:
        yield name, command
    for child, inner in children.items():
        yield from _commands(f"{name} {child}", inner)


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [option for option in command.params if not option.opts[0].startswith("--")]
    options = [option for option in command.params if option.opts[0].startswith("--")]
    words = [option.name.upper() if option.required else f"[{option.name.upper()}]" for option in arguments]
    yield from (f"## {name}", "", command.help or "", "")
    yield from ("```", " ".join([name, "[OPTIONS]" if options else "", *words]).replace("  ", " "), "```", "")
    rows = [(f"`{option.name.upper()}`", _help(option)) for option in arguments]
    rows += [(f"`{option.opts[0]}`{_required(option)}", _help(option)) for option in options]
    yield from _table(("argument or option", "meaning"), rows)


def _required(option: Any) -> str:
    return ", required" if option.required else ""


def _help(option: Any) -> str:
    text = str(option.help or "")
    return f"{text} Also `{option.envvar}`." if option.envvar else text


# lifecycle

_MEANINGS: Mapping[Status, str] = {
    Status.DRAFT: "put aside, or not complete yet; the network knows nothing of it",
    Status.CREATING: "the number or agent is being found or added at the network",
    Status.PENDING_VERIFICATION: "the phone has its code; the user is to hand it in",
    Status.VERIFYING: "the code, the registration and the profile are on their way to the network",
    Status.TESTING: "the agent is there; invited test numbers may receive from it",
    Status.PREPARING: "its launch is requested, and held back until nothing is missing",
    Status.LAUNCHING: "carriers are deciding; none has launched it yet",
    Status.ONLINE: "able to send: registered, or launched by one carrier at least",
    Status.UPDATING: "online, with a change on its way to the network",
    Status.OFFLINE: "not able to send; the reasons are on the sender",
    Status.RETIRING: "deleted by its owner, but kept for thirty days",
    Status.DELETED: "gone for its owner; the network is still to be told, or has been",
}

_SIGNALS: Mapping[Signal, tuple[str, str]] = {
    Signal.SUBMITTED: ("user", "a draft is to be made, or is complete"),
    Signal.NUMBER_ADDED: ("network", "the number is there; nobody has asked for a code yet"),
    Signal.CODE_SENT: ("network", "a one-time code is on its way to the phone"),
    Signal.CODE_REQUESTED: ("user", "another code, please"),
    Signal.CODE_SUBMITTED: ("user", "here is the code"),
    Signal.CODE_REJECTED: ("network", "the code is wrong or too old"),
    Signal.NUMBER_VERIFIED: ("network", "the number is proved, with our code or by other means"),
    Signal.AGENT_CREATED: ("network", "the agent is there, and we hear of it"),
    Signal.PREPARATION_REQUESTED: ("user", "launch it, once what is missing has been brought"),
    Signal.LAUNCH_REQUESTED: ("user", "launch it in every wanted country"),
    Signal.WENT_ONLINE: ("network", "the number is registered and has its profile, or a first carrier has launched it"),
    Signal.UPDATE_REQUESTED: ("user", "a change of profile, webhook or configuration"),
    Signal.UPDATE_SETTLED: ("network", "the change is made, or was refused without harm"),
    Signal.BLOCKED: ("network", "the sender may no longer send, or no carrier has it launched"),
    Signal.LIFTED: ("network", "the sender may send again, or a carrier has it launched again"),
    Signal.GAVE_UP: ("service", "the network refuses in a way that trying again will not cure"),
    Signal.RETRY_REQUESTED: ("user", "start the registration over"),
    Signal.RETIRE_REQUESTED: ("user", "delete the sender, in thirty days"),
    Signal.DELETE_REQUESTED: ("user", "delete the sender"),
}

_WORDS: Mapping[str, Mapping[Status, str]] = {Twilio.title: {**STATUSES, Status.DELETED: ""}}
"""Each dialect's word for a status; empty where the sender is not found."""


def lifecycle_page() -> str:
    return _page(
        "How a sender lives",
        (
            "One table for each channel, in `src/tabard/domain/lifecycle.py`, says which signal moves a sender from",
            "which status to which. A signal that the table does not have for a status changes nothing.",
            "",
        ),
        (line for channel, table in TABLES.items() for line in _channel(channel, table)),
        ("## Statuses", ""),
        _table(("status", "meaning", "in between", *_WORDS), _status_rows()),
        ("A sender that rests *in between* for longer than `TABARD_STUCK_SECONDS` is reported by the watchdog.", ""),
        ("## Signals", ""),
        _table(("signal", "said by", "meaning"), ((f"`{name}`", *_SIGNALS[name]) for name in Signal)),
    )


_FIRST = {Channel.WHATSAPP: (Status.CREATING, Status.DRAFT), Channel.RCS: (Status.DRAFT,)}
"""What a sender begins as."""


def _channel(channel: Channel, table: Table) -> Iterator[str]:
    moves: dict[tuple[Status, Status], list[Signal]] = {}
    for (status, signal), after in table.items():
        moves.setdefault((status, after), []).append(signal)
    yield from (f"## {channel.value}", "", "```mermaid", "stateDiagram-v2")
    yield from (f"    [*] --> {first}" for first in _FIRST[channel])
    for (status, after), signals in moves.items():
        if status is not after:
            yield f"    {status} --> {after} : {', '.join(signals)}"
    yield from (f"    {Status.DELETED} --> [*]", "```", "", "Taken without a change of status:", "")
    resting = {status: signals for (status, after), signals in moves.items() if status is after}
    yield from _table(
        ("status", "signals"),
        ((f"`{status}`", ", ".join(f"`{signal}`" for signal in signals)) for status, signals in resting.items()),
    )


def _status_rows() -> Iterator[tuple[str, ...]]:
    for status in Status:
        words = (f"`{names[status]}`" if names[status] else "not found" for names in _WORDS.values())
        yield f"`{status}`", _MEANINGS[status], "yes" if status in IN_BETWEEN else "", *words


# decisions


def decisions_page() -> str:
    """The index: each decision's number, title and file."""
    rows = []
    for path in sorted((_DOCS / "decisions").glob("[0-9]*.md")):
        title = re.match(r"# (\d{4})\. (.+)", path.read_text(encoding="utf-8"))
        if title is None:
            raise ValueError(f"{path.name} does not begin with its number and title")
        rows.append((title[1], f"[{title[2]}]({path.name})"))
    return _page(
        "Decisions",
        ("One page each: what was asked, what was decided, why, and what was not chosen.", ""),
        _table(("number", "decision"), rows),
    )


PAGES: Mapping[Path, Callable[[], str]] = {
    _DOCS / "dialects" / "twilio.md": lambda: coverage_page(Twilio()),
    _DOCS / "dialects" / "twilio.openapi.json": lambda: _openapi(Twilio()),
    _DOCS / "dialects" / "sinch.md": lambda: coverage_page(Sinch()),
    _DOCS / "dialects" / "sinch.openapi.json": lambda: _openapi(Sinch()),
    _DOCS / "dialects" / "native.md": lambda: coverage_page(Native()),
    _DOCS / "dialects" / "native.openapi.json": lambda: _openapi(Native()),
    _DOCS / "guides" / "settings.md": settings_page,
    _DOCS / "cli.md": cli_page,
    _DOCS / "lifecycle.md": lifecycle_page,
    _DOCS / "decisions" / "README.md": decisions_page,
}
"""Each page's file, and what writes it."""


def main() -> None:
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
