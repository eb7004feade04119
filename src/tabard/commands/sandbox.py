"""`tabard sandbox`: the sandbox of a running service, from the outside."""

import json as json_module
from typing import Annotated

import typer

from tabard import settings as settings_module
from tabard.commands.client import SandboxClient
from tabard.commands.terminal import (
    DEFAULT_SECRET,
    DEFAULT_URL,
    DEFAULT_USER,
    ERR,
    OUT,
    Json,
    Secret,
    Url,
    User,
    fail,
    print_event,
    print_json,
)

sandbox = typer.Typer(no_args_is_help=True, help="The sandbox of a running service.")


@sandbox.command("inbox")
def sandbox_inbox(
    number: Annotated[str, typer.Argument(help="The phone, in E.164 form.")],
    url: Url = DEFAULT_URL,
    user: User = DEFAULT_USER,
    secret: Secret = DEFAULT_SECRET,
    json: Json = False,
) -> None:
    """Show what a phone received, one-time codes among it."""
    messages = SandboxClient(url, user, secret).get(f"/phones/{number}/messages")["messages"]
    if json:
        print_json(messages)
        return
    if not messages:
        OUT.print("nothing yet")
    for message in messages:
        OUT.print(f"[dim]{message['received_at'][:19]}[/dim]  {message['from']}: {message['text']}")


@sandbox.command("show")
def sandbox_show(
    sender: Annotated[str, typer.Argument(help="A number in E.164 form, or the name of an RCS agent.")],
    url: Url = DEFAULT_URL,
    user: User = DEFAULT_USER,
    secret: Secret = DEFAULT_SECRET,
    json: Json = False,
) -> None:
    """Show a sender: its status, its warnings, its carriers, and what became of it, newest last."""
    number = sender.removeprefix("+").isdigit()
    shown = SandboxClient(url, user, secret).get(f"/{'numbers' if number else 'agents'}/{sender}")
    if json:
        print_json(shown)
        return
    OUT.print(f"{shown['address']} is {shown['status']}")
    for kind in ("offline_reasons", "warnings"):
        for reason in shown[kind]:
            OUT.print(f"  {kind.replace('_', ' ')[:-1]}: {reason['trouble']}: {reason['detail']}", soft_wrap=True)
    for tester in shown.get("testers", ()):
        OUT.print(f"  test number {tester['number']}: {tester['status']}")
    for country in shown.get("countries", ()):
        OUT.print(f"  {country['country']}: {country['status']}")
        for carrier in country["carriers"]:
            remark = f" ({carrier['remark']})" if carrier["remark"] else ""
            OUT.print(f"    {carrier['carrier']}: {carrier['status']}{remark}", soft_wrap=True)
    for told in reversed(shown["events"]):
        print_event(told)


@sandbox.command("clock")
def sandbox_clock(url: Url = DEFAULT_URL, user: User = DEFAULT_USER, secret: Secret = DEFAULT_SECRET) -> None:
    """Show the account's time."""
    OUT.print(SandboxClient(url, user, secret).get("/clock")["now"])


@sandbox.command("advance")
def sandbox_advance(
    duration: Annotated[str, typer.Argument(help="Such as 90s, 10m, 3h, 14d, or 1d12h.")],
    url: Url = DEFAULT_URL,
    user: User = DEFAULT_USER,
    secret: Secret = DEFAULT_SECRET,
) -> None:
    """Move the account's clock forward and let what became due run."""
    try:
        seconds = settings_module.seconds_of(duration)
    except ValueError as error:
        fail(str(error))
    with ERR.status(f"moving the clock by {duration}"):
        answer = SandboxClient(url, user, secret).post("/clock/advance", {"seconds": seconds})
    OUT.print(f"it is now {answer['now']}")


@sandbox.command("reset")
def sandbox_reset(url: Url = DEFAULT_URL, user: User = DEFAULT_USER, secret: Secret = DEFAULT_SECRET) -> None:
    """Forget the account's senders, numbers and inboxes."""
    SandboxClient(url, user, secret).post("/reset", {})
    OUT.print("the sandbox is as new")


@sandbox.command("do")
def sandbox_do(
    control: Annotated[str, typer.Argument(help="Path below /sandbox/v1, such as numbers/+15550100123/ban.")],
    body: Annotated[str, typer.Argument(help='JSON, such as \'{"quality": "low"}\'.')] = "{}",
    url: Url = DEFAULT_URL,
    user: User = DEFAULT_USER,
    secret: Secret = DEFAULT_SECRET,
) -> None:
    """Use any other control of the sandbox; /docs lists them."""
    try:
        parsed = json_module.loads(body)
    except ValueError as error:
        fail(f"the body is not JSON: {error}")
    answer = SandboxClient(url, user, secret).post(f"/{control.lstrip('/')}", parsed)
    print_json(answer) if answer else OUT.print("done")
