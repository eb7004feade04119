"""`tabard accounts`: accounts, their credentials, their ways into the networks."""

import asyncio
import json as json_module
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from rich.table import Column, Table

from tabard.app import accounts as accounts_app
from tabard.app.accounts import Secrets
from tabard.app.services import Services
from tabard.bootstrap import database, service
from tabard.commands.terminal import ERR, OUT, DataDir, Json, fail, print_json, settings_of
from tabard.domain.account import AccountKind, Connection
from tabard.domain.ids import AccountId
from tabard.telemetry import configure_logs

accounts = typer.Typer(no_args_is_help=True, help="Accounts and their credentials.")

Id = Annotated[str, typer.Argument(help="The account's id, or its Twilio Account SID.")]
Result = TypeVar("Result")
NO_URL = "http://127.0.0.1:8600"
"""Commands that work on the database are reached by nobody."""


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
    _show_secrets(
        use_services(data_dir, lambda s: accounts_app.create_account(s, name, kind, parent_id=parent_id)), json
    )


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
        for account in use_services(data_dir, accounts_app.list_accounts)
    ]
    if json:
        print_json(rows)
        return
    table = Table(Column("Twilio Account SID", no_wrap=True), "Name", "Kind", "Created", "", box=None)
    for row in rows:
        login, name, kind, created = row["twilio_account_sid"], row["name"], row["kind"], row["created"]
        notes = [f"sub-account of {row['parent']}"] if row["parent"] else []
        notes += [f"closed {row['closed'][:10]}"] if row["closed"] else []
        table.add_row(login, name, kind, created[:10], ", ".join(notes))
    OUT.print(table)


@accounts.command("rotate")
def accounts_rotate(account: Id, data_dir: DataDir = None, json: Json = False) -> None:
    """Give an account new secrets and print them, this once. The old ones end within five seconds."""
    _show_secrets(use_services(data_dir, lambda s: accounts_app.rotate_secrets(s, _account_id(account))), json)


@accounts.command("revoke")
def accounts_revoke(account: Id, data_dir: DataDir = None) -> None:
    """Close an account and its sub-accounts. Their senders stay as they are at the network."""
    use_services(data_dir, lambda s: accounts_app.revoke_account(s, _account_id(account)))
    OUT.print("closed; its credentials end within five seconds")


@accounts.command("connect")
def accounts_connect(
    account: Id,
    app_id: Annotated[str, typer.Option(help="Meta app id.")],
    business_account: Annotated[str, typer.Option(help="WhatsApp Business Account id.")],
    data_dir: DataDir = None,
) -> None:
    """Give a live account its own way into Meta's WhatsApp. Asks for the secrets, or reads them from standard input."""
    connection = Connection(
        app_id=app_id,
        business_account=business_account,
        token=_asked("Access token"),
        app_secret=_asked("App secret"),
        verify_token=_asked("Webhook verify token"),
    )
    if not (connection.token and connection.app_secret and connection.verify_token):
        fail("three lines are needed: access token, app secret, webhook verify token")
    use_services(data_dir, lambda s: accounts_app.connect_account(s, _account_id(account), "meta", connection))
    OUT.print(f"connected; set the app's webhook to <public address>/ingress/meta/{app_id}")


def use_services(data_dir: Path | None, use_case: Callable[[Services], Awaitable[Result]]) -> Result:
    """Run one use case on the database of the service, whether that runs or not."""
    settings = settings_of(data_dir=data_dir)
    configure_logs(json=False, level="warning")

    async def run() -> Result:
        async with database(settings, join=True) as dsn, service(settings, dsn, NO_URL) as parts:
            return await use_case(parts.services)

    return asyncio.run(run())


@accounts.command("connect-rcs")
def accounts_connect_rcs(
    account: Id,
    partner: Annotated[str, typer.Option(help="Google partner id.")],
    key_file: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The service account's key, as Google gave it: JSON.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Give a live account its own way into Google's RCS. Asks for the client token, or reads it from standard input."""
    key = key_file.read_text()
    try:
        known = {"client_email", "private_key", "token_uri"} <= json_module.loads(key).keys()
    except (ValueError, AttributeError):
        known = False
    if not known:
        fail(f"{key_file} is no key of a service account; it must be the JSON file that Google's console gave")
    client_token = _asked("Client token of the webhook")
    if not client_token:
        fail("a line is needed: the client token of the partner's webhook")
    connection = Connection(
        app_id=partner, app_secret=client_token, token=key, verify_token=client_token, business_account=""
    )
    use_services(data_dir, lambda s: accounts_app.connect_account(s, _account_id(account), "google", connection))
    OUT.print(f"connected; set the partner's webhook to <public address>/ingress/google/{partner}")


def _asked(what: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True))
    return sys.stdin.readline().strip()


def _account_id(text: str) -> AccountId:
    try:
        return AccountId(UUID(text.removeprefix("AC")))
    except ValueError:
        fail(f"{text!r} is no account id; `tabard accounts list` shows them")


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
        print_json(rows)
        return
    table = Table(box=None, show_header=False)
    for name, value in rows.items():
        table.add_row(name.replace("_", " "), value)
    OUT.print(table)
    ERR.print("Keep these now: the secrets are not shown again.", style="bold")
