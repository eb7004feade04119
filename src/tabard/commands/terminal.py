"""What all commands share: how they print, how they fail, and the options that they have in common."""

import json as json_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from tabard import settings as settings_module
from tabard.settings import Settings

OUT = Console()
ERR = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
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


def fail(message: str) -> NoReturn:
    ERR.print(f"[red]error:[/red] {message}", soft_wrap=True)
    raise SystemExit(1)
