"""`tabard events tail` and `tabard listen`: the feed of a running service, on a terminal or at a program beside it."""

import json as json_module
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from secrets import token_bytes
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.markup import escape

from tabard.bootstrap import WallClock
from tabard.commands.client import ServiceClient, Unreachable, post_webhook
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
)
from tabard.dialects.native.webhooks import NativeFormat, read_secret, shown_secret, webhook_body
from tabard.domain.errors import InvalidInput
from tabard.domain.ids import DeliveryId, new_uuid

events = typer.Typer(no_args_is_help=True, help="What happens in a running service.")

Types = Annotated[list[str] | None, typer.Option("--type", help="Only these, such as sender.online or sender.*.")]
Sender = Annotated[str | None, typer.Option("--sender", help="Only of this sender: its id, or its Twilio SID.")]

_FEED = "/tabard/v1/events"
_TRIES_AGAIN = (0.5, 1.0, 2.0)
"""Seconds before each further try at an address where nobody answers."""


@events.command("tail")
def events_tail(
    type: Types = None,  # noqa: A002 - the option's name
    sender: Sender = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Show what has happened before, too.")] = False,
    url: Url = DEFAULT_URL,
    user: User = DEFAULT_USER,
    secret: Secret = DEFAULT_SECRET,
    json: Json = False,
) -> None:
    """Show events as they happen, until Ctrl-C."""
    path = _feed(type, sender, from_start=from_start)
    with _until_stopped():
        for told in ServiceClient(url, user, secret).follow(path):
            if json:
                print(json_module.dumps(told.data), flush=True)  # noqa: T201 - for a program
            else:
                print_event(told.data, (told.data.get("sender") or {}).get("address", ""))


def listen(
    forward_to: Annotated[
        str, typer.Option("--forward-to", help="Where to deliver, such as http://localhost:3000/hook.")
    ],
    type: Types = None,  # noqa: A002 - the option's name
    sender: Sender = None,
    signing_secret: Annotated[
        str | None, typer.Option("--signing-secret", help="What to sign with: whsec_...; by default a new one.")
    ] = None,
    url: Url = DEFAULT_URL,
    user: User = DEFAULT_USER,
    secret: Secret = DEFAULT_SECRET,
) -> None:
    """Deliver events to a program on this machine as signed webhooks, until Ctrl-C. Nothing is subscribed."""
    if not forward_to.startswith(("http://", "https://")):
        fail(f"{forward_to!r} is no http:// or https:// address; see --forward-to")
    try:
        key = token_bytes(24) if signing_secret is None else read_secret(signing_secret)
    except InvalidInput as error:
        fail(f"--signing-secret {error.problem}")
    ERR.print(f"deliveries to {forward_to} are signed with {shown_secret(key)}", soft_wrap=True, highlight=False)
    with _until_stopped():
        for told in ServiceClient(url, user, secret).follow(_feed(type, sender, from_start=False)):
            deliver(forward_to, told.data, key)


def deliver(to: str, event: dict[str, Any], key: bytes, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Post one event as a webhook, and print what came of it. Where nobody answers it is tried a few times more."""
    form, delivery_id = NativeFormat(), DeliveryId(new_uuid())
    body = webhook_body(event, event.get("sender"))
    for again in (*_TRIES_AGAIN, None):
        headers = form.headers(delivery_id, body, [key], WallClock().now())
        started = time.perf_counter()
        try:
            status = post_webhook(to, body, headers, form.schedule.time_out.total_seconds())
        except Unreachable as error:
            _print_try(event, f"[red]{escape(str(error))}[/red]", started)
            if again is None:
                return
            pause(again)
        else:
            colour = "green" if 200 <= status < 300 else "red"
            _print_try(event, f"[{colour}]{status}[/{colour}]", started)
            return


def _print_try(event: dict[str, Any], outcome: str, started: float) -> None:
    took = f"{(time.perf_counter() - started) * 1000:.0f} ms"
    address = (event.get("sender") or {}).get("address", "")
    parts = (f"[dim]{event['occurred_at'][:19]}[/dim]", event["type"], escape(address), outcome, took)
    OUT.print("  ".join(part for part in parts if part), soft_wrap=True, highlight=False)


def _feed(types: Sequence[str] | None, sender: str | None, *, from_start: bool) -> str:
    wanted = [("include", "sender"), *(("type", name) for name in types or ())]
    if sender is not None:
        wanted.append(("sender_id", sender.removeprefix("XE")))
    if not from_start:
        wanted.append(("from", "now"))
    return f"{_FEED}?{urlencode(wanted)}"


@contextmanager
def _until_stopped() -> Iterator[None]:
    """Ctrl-C is the way to end these commands; so is a reader (`| head`) that has seen enough."""
    try:
        yield
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
