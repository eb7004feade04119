"""The command line: run the service, migrate its database, manage accounts, play with the sandbox."""

import asyncio
import json as json_module
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar
from uuid import UUID

import asyncpg
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Column, Table

from tabard import serving
from tabard import settings as settings_module
from tabard.app import accounts as accounts_app
from tabard.app.accounts import Secrets
from tabard.app.services import Services
from tabard.bootstrap import database, service
from tabard.domain.account import AccountKind, Connection
from tabard.domain.errors import TabardError
from tabard.domain.ids import AccountId
from tabard.sandbox_client import SandboxClient, SandboxRefused
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
accounts = typer.Typer(no_args_is_help=True, help="Accounts and their credentials.")
sandbox = typer.Typer(no_args_is_help=True, help="The sandbox of a running service.")
cli.add_typer(accounts, name="accounts")
cli.add_typer(sandbox, name="sandbox")

_out = Console()
_err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where the embedded database is kept.")]
Id = Annotated[str, typer.Argument(help="The account's id, or its Twilio Account SID.")]
Url = Annotated[str, typer.Option("--url", envvar="TABARD_URL", help="Where the service answers.")]
User = Annotated[str, typer.Option("--user", envvar="TABARD_USER", help="Account SID or key.")]
Secret = Annotated[str, typer.Option("--secret", envvar="TABARD_SECRET", help="Its auth token or secret.")]
_URL = "http://127.0.0.1:8600"
_USER = accounts_app.twilio_sid(accounts_app.SANDBOX_ACCOUNT)
_TOKEN = accounts_app.SANDBOX_TWILIO_TOKEN

Result = TypeVar("Result")


def main() -> None:
    try:
        cli()
    except (
        EmbeddedDatabaseError,
        MasterKeyUnusable,
        SandboxRefused,
        SchemaBehind,
        TabardError,
        serving.CannotListen,
    ) as error:
        _fail(str(error))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        _fail(f"the database can't be used: {error}; see DATABASE_URL")


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = None,
    data_dir: DataDir = None,
    role: Annotated[Literal["all", "api", "worker"] | None, typer.Option(help="Answer, work, or both.")] = None,
) -> None:
    """Run the service."""
    settings = _settings(host=host, port=port, data_dir=data_dir, role=role)
    json_logs = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    configure_logs(json=json_logs, level=settings.log_level)
    serving.run(settings, _greet)


@cli.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database up to date. The embedded one does it by itself at every start."""
    settings = _settings(data_dir=data_dir)

    async def run() -> bool:
        async with database(settings, join=True) as dsn:
            return await schema.migrate(dsn)

    done = asyncio.run(run())
    _out.print(f"{'migrated to' if done else 'already at'} revision {schema.newest_revision()}")


@accounts.command("create")
def accounts_create(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    live: Annotated[bool, typer.Option("--live", help="Its networks are the real ones, not the emulations.")] = False,
    parent: Annotated[str | None, typer.Option(help="Make a sub-account of this account.")] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Create an account and print its credentials, this once."""
    kind = AccountKind.LIVE if live else AccountKind.SANDBOX
    parent_id = None if parent is None else _account_id(parent)
    _show_secrets(_use(data_dir, lambda s: accounts_app.create_account(s, name, kind, parent_id=parent_id)), json)


@accounts.command("list")
def accounts_list(data_dir: DataDir = None, json: Json = False) -> None:
    """List the accounts."""
    rows: list[dict[str, Any]] = [
        {
            "id": str(account.id),
            "name": account.name,
            "kind": str(account.kind),
            "twilio_account_sid": accounts_app.twilio_sid(account.id),
            "parent": accounts_app.twilio_sid(account.parent_id) if account.parent_id else None,
            "created": account.created_at.isoformat(timespec="seconds"),
            "closed": account.closed_at.isoformat(timespec="seconds") if account.closed_at else None,
        }
        for account in _use(data_dir, accounts_app.list_accounts)
    ]
    if json:
        _print_json(rows)
        return
    table = Table(Column("Twilio Account SID", no_wrap=True), "Name", "Kind", "Created", "", box=None)
    for row in rows:
        login, name, kind, created = row["twilio_account_sid"], row["name"], row["kind"], row["created"]
        notes = [f"sub-account of {row['parent']}"] if row["parent"] else []
        notes += [f"closed {row['closed'][:10]}"] if row["closed"] else []
        table.add_row(login, name, kind, created[:10], ", ".join(notes))
    _out.print(table)


@accounts.command("rotate")
def accounts_rotate(account: Id, data_dir: DataDir = None, json: Json = False) -> None:
    """Give an account new secrets and print them, this once. The old ones end within five seconds."""
    _show_secrets(_use(data_dir, lambda s: accounts_app.rotate_secrets(s, _account_id(account))), json)


@accounts.command("revoke")
def accounts_revoke(account: Id, data_dir: DataDir = None) -> None:
    """Close an account and its sub-accounts. Their senders stay as they are at the network."""
    _use(data_dir, lambda s: accounts_app.revoke_account(s, _account_id(account)))
    _out.print("closed; its credentials end within five seconds")


@accounts.command("connect")
def accounts_connect(
    account: Id,
    app_id: Annotated[str, typer.Option(help="Meta app id.")],
    business_account: Annotated[str, typer.Option(help="WhatsApp Business Account id.")],
    data_dir: DataDir = None,
) -> None:
    """Give a live account its own way into Meta's WhatsApp. Asks for the secrets, or reads them from standard input."""

    def ask(what: str) -> str:
        if sys.stdin.isatty():
            return str(typer.prompt(what, hide_input=True))
        return sys.stdin.readline().strip()

    connection = Connection(
        app_id=app_id,
        business_account=business_account,
        token=ask("Access token"),
        app_secret=ask("App secret"),
        verify_token=ask("Webhook verify token"),
    )
    if not (connection.token and connection.app_secret and connection.verify_token):
        _fail("three lines are needed: access token, app secret, webhook verify token")
    _use(data_dir, lambda s: accounts_app.connect_account(s, _account_id(account), "meta", connection))
    _out.print(f"connected; set the app's webhook to <public address>/ingress/meta/{app_id}")


@sandbox.command("inbox")
def sandbox_inbox(
    number: Annotated[str, typer.Argument(help="The phone, in E.164 form.")],
    url: Url = _URL,
    user: User = _USER,
    secret: Secret = _TOKEN,
    json: Json = False,
) -> None:
    """Show what a phone received, one-time codes among it."""
    messages = SandboxClient(url, user, secret).get(f"/phones/{number}/messages")["messages"]
    if json:
        _print_json(messages)
        return
    if not messages:
        _out.print("nothing yet")
    for message in messages:
        _out.print(f"[dim]{message['received_at'][:19]}[/dim]  {message['from']}: {message['text']}")


@sandbox.command("show")
def sandbox_show(
    number: Annotated[str, typer.Argument(help="The sender's number, in E.164 form.")],
    url: Url = _URL,
    user: User = _USER,
    secret: Secret = _TOKEN,
    json: Json = False,
) -> None:
    """Show a sender: its status, its warnings, and what became of it, newest last."""
    sender = SandboxClient(url, user, secret).get(f"/numbers/{number}")
    if json:
        _print_json(sender)
        return
    _out.print(f"{sender['address']} is {sender['status']}")
    for kind in ("offline_reasons", "warnings"):
        for reason in sender[kind]:
            _out.print(f"  {kind.replace('_', ' ')[:-1]}: {reason['trouble']}: {reason['detail']}", soft_wrap=True)
    for told in reversed(sender["events"]):
        change = ", ".join(f"{leaf}: {value}" for leaf, value in told["after"].items())
        _out.print(
            f"[dim]{told['occurred_at'][:19]}[/dim]  {told['type']}  [dim]{told['actor']}[/dim]  {change}",
            soft_wrap=True,
            highlight=False,
        )


@sandbox.command("clock")
def sandbox_clock(url: Url = _URL, user: User = _USER, secret: Secret = _TOKEN) -> None:
    """Show the account's time."""
    _out.print(SandboxClient(url, user, secret).get("/clock")["now"])


@sandbox.command("advance")
def sandbox_advance(
    duration: Annotated[str, typer.Argument(help="Such as 90s, 10m, 3h, 14d, or 1d12h.")],
    url: Url = _URL,
    user: User = _USER,
    secret: Secret = _TOKEN,
) -> None:
    """Move the account's clock forward and let what became due run."""
    try:
        seconds = settings_module.seconds_of(duration)
    except ValueError as error:
        _fail(str(error))
    with _err.status(f"moving the clock by {duration}"):
        answer = SandboxClient(url, user, secret).post("/clock/advance", {"seconds": seconds})
    _out.print(f"it is now {answer['now']}")


@sandbox.command("reset")
def sandbox_reset(url: Url = _URL, user: User = _USER, secret: Secret = _TOKEN) -> None:
    """Forget the account's senders, numbers and inboxes."""
    SandboxClient(url, user, secret).post("/reset", {})
    _out.print("the sandbox is as new")


@sandbox.command("do")
def sandbox_do(
    control: Annotated[str, typer.Argument(help="Path below /sandbox/v1, such as numbers/+15550100123/ban.")],
    body: Annotated[str, typer.Argument(help='JSON, such as \'{"quality": "low"}\'.')] = "{}",
    url: Url = _URL,
    user: User = _USER,
    secret: Secret = _TOKEN,
) -> None:
    """Use any other control of the sandbox; /docs lists them."""
    try:
        parsed = json_module.loads(body)
    except ValueError as error:
        _fail(f"the body is not JSON: {error}")
    answer = SandboxClient(url, user, secret).post(f"/{control.lstrip('/')}", parsed)
    _print_json(answer) if answer else _out.print("done")


def _settings(**given: Any) -> Settings:
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = settings_module.variable_of(str(first["loc"][0]))
        _fail(f"{name}: {first['msg']}")


def _use(data_dir: Path | None, use_case: Callable[[Services], Awaitable[Result]]) -> Result:
    """Run one use case on the database of the service, whether that runs or not."""
    settings = _settings(data_dir=data_dir)
    configure_logs(json=False, level="warning")

    async def run() -> Result:
        async with database(settings, join=True) as dsn, service(settings, dsn, _URL) as parts:
            return await use_case(parts.services)

    return asyncio.run(run())


def _account_id(text: str) -> AccountId:
    try:
        return AccountId(UUID(text.removeprefix("AC")))
    except ValueError:
        _fail(f"{text!r} is no account id; `tabard accounts list` shows them")


def _secret_rows(secrets: Secrets) -> dict[str, str]:
    return {
        "account": str(secrets.account.id),
        "twilio_account_sid": secrets.twilio_sid,
        "twilio_auth_token": secrets.twilio_token,
        "twilio_api_key": secrets.twilio_key[0],
        "twilio_api_secret": secrets.twilio_key[1],
        "sinch_project_id": secrets.sinch_project,
        "sinch_key_id": secrets.sinch_key[0],
        "sinch_key_secret": secrets.sinch_key[1],
        "zavu_api_key": secrets.zavu_key,
    }


def _show_secrets(secrets: Secrets, json: bool) -> None:
    rows = _secret_rows(secrets)
    if json:
        _print_json(rows)
        return
    table = Table(box=None, show_header=False)
    for name, value in rows.items():
        table.add_row(name.replace("_", " "), value)
    _out.print(table)
    _err.print("Keep these now: the secrets are not shown again.", style="bold")


def _greet(settings: Settings, url: str) -> None:
    """What a newcomer needs next, ready to paste."""
    if settings.production:
        _out.print(f"tabard answers on {url}", soft_wrap=True)
        return
    number = "+15550100123"
    senders = f"{url}/v2/Channels/Senders"
    create = json_module.dumps({"sender_id": f"whatsapp:{number}", "profile": {"name": "Example Parcels"}})
    code = json_module.dumps({"configuration": {"verification_code": "CODE"}})
    login = f"-u {_USER}:{_TOKEN}"
    _out.print(
        f"""
[bold]tabard[/bold] answers on [bold]{url}[/bold]    documentation: {url}/docs

Sandbox account
  Twilio  {_USER} / {_TOKEN}
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
        _out.print(f"{command}\n", soft_wrap=True, markup=False, highlight=False)


def _print_json(value: Any) -> None:
    _out.print_json(json_module.dumps(value)) if _out.is_terminal else print(json_module.dumps(value, indent=2))  # noqa: T201


def _fail(message: str) -> NoReturn:
    _err.print(f"[red]error:[/red] {message}", soft_wrap=True)
    raise SystemExit(1)
