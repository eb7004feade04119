"""What all commands share: how they print, how they fail, and the options that they have in common."""

import json as json_module
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from tabard import settings as settings_module
from tabard.app import accounts as accounts_app
from tabard.settings import Settings

OUT = Console()
ERR = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Url = Annotated[str, typer.Option("--url", envvar="TABARD_URL", help="Where the service answers.")]
User = Annotated[str, typer.Option("--user", envvar="TABARD_USER", help="Account SID or key.")]
Secret = Annotated[str, typer.Option("--secret", envvar="TABARD_SECRET", help="Its auth token or secret.")]
DEFAULT_URL = "http://127.0.0.1:8600"
DEFAULT_USER = accounts_app.twilio_sid(accounts_app.SANDBOX_ACCOUNT)
DEFAULT_SECRET = accounts_app.SANDBOX_TWILIO_TOKEN
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where the embedded database is kept.")]


def settings_of(**given: Any) -> Settings:
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = settings_module.variable_of(str(first["loc"][0]))
        fail(f"{name}: {first['msg']}")


def print_json(value: Any) -> None:
    OUT.print_json(json_module.dumps(value)) if OUT.is_terminal else print(json_module.dumps(value, indent=2))  # noqa: T201


def print_event(told: Mapping[str, Any], about: str = "") -> None:
    """One line: when, what, about whom, by whom, and what it is now."""
    change = ", ".join(f"{leaf}: {value}" for leaf, value in told["after"].items())
    parts = (
        f"[dim]{told['occurred_at'][:19]}[/dim]",
        told["type"],
        escape(about),
        f"[dim]{escape(told['actor'])}[/dim]",
    )
    OUT.print("  ".join(part for part in (*parts, escape(change)) if part), soft_wrap=True, highlight=False)


def fail(message: str) -> NoReturn:
    ERR.print(f"[red]error:[/red] {message}", soft_wrap=True)
    raise SystemExit(1)
