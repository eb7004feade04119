"""The command line: run the service, migrate its database, manage accounts, follow events, play with the sandbox."""

import asyncio
import json as json_module
import sys
from typing import Annotated, Literal

import asyncpg
import typer

from tabard import serving
from tabard.app import accounts as accounts_app
from tabard.bootstrap import database
from tabard.commands.accounts import accounts
from tabard.commands.client import ServiceRefused
from tabard.commands.events import events, listen
from tabard.commands.sandbox import sandbox
from tabard.commands.terminal import DEFAULT_SECRET, DEFAULT_USER, OUT, DataDir, fail, settings_of
from tabard.domain.errors import TabardError
from tabard.settings import Settings
from tabard.storage import schema
from tabard.storage.embedded import EmbeddedDatabaseError
from tabard.storage.schema import SchemaBehind
from tabard.storage.vault import MasterKeyUnusable
from tabard.telemetry import configure_logs

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The whole life of a messaging sender.",
)
cli.add_typer(accounts, name="accounts")
cli.add_typer(sandbox, name="sandbox")
cli.add_typer(events, name="events")
cli.command()(listen)


def main() -> None:
    try:
        cli()
    except (
        EmbeddedDatabaseError,
        MasterKeyUnusable,
        SchemaBehind,
        ServiceRefused,
        TabardError,
        serving.CannotListen,
    ) as error:
        fail(str(error))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        fail(f"the database can't be used: {error}; see DATABASE_URL")


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = None,
    data_dir: DataDir = None,
    role: Annotated[Literal["all", "api", "worker"] | None, typer.Option(help="Answer, work, or both.")] = None,
) -> None:
    """Run the service."""
    settings = settings_of(host=host, port=port, data_dir=data_dir, role=role)
    json_logs = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    configure_logs(json=json_logs, level=settings.log_level)
    serving.run(settings, _greet)


@cli.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database up to date. The embedded one does it by itself at every start."""
    settings = settings_of(data_dir=data_dir)

    async def run() -> bool:
        async with database(settings, join=True) as dsn:
            return await schema.migrate(dsn)

    done = asyncio.run(run())
    OUT.print(f"{'migrated to' if done else 'already at'} revision {schema.newest_revision()}")


def _greet(settings: Settings, url: str) -> None:
    """What a newcomer needs next, ready to paste."""
    if settings.production:
        OUT.print(f"tabard answers on {url}", soft_wrap=True)
        return
    number = "+15550100123"
    senders = f"{url}/v2/Channels/Senders"
    create = json_module.dumps({"sender_id": f"whatsapp:{number}", "profile": {"name": "Example Parcels"}})
    code = json_module.dumps({"configuration": {"verification_code": "CODE"}})
    login = f"-u {DEFAULT_USER}:{DEFAULT_SECRET}"
    OUT.print(
        f"""
[bold]tabard[/bold] answers on [bold]{url}[/bold]    documentation: {url}/docs

Sandbox account
  Twilio  {DEFAULT_USER} / {DEFAULT_SECRET}
  Sinch   project {accounts_app.SANDBOX_SINCH_PROJECT}, {" / ".join(accounts_app.SANDBOX_SINCH_KEY)}
  Zavu    {accounts_app.SANDBOX_ZAVU_KEY}

Register a WhatsApp sender: create it, read the code that its phone received, verify it

""",
        soft_wrap=True,
        end="",
    )
    for command in (
        f"curl -s {login} {senders} \\\n  -d '{create}'",
        f"curl -s {login} {url}/sandbox/v1/phones/{number}/messages",
        f"curl -s {login} {senders}/SID \\\n  -d '{code}'",
    ):
        OUT.print(f"{command}\n", soft_wrap=True, markup=False, highlight=False)
