"""The feed: every event of the account in one order, by cursor, page by page or as a stream."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson

from tabard.app.services import Services
from tabard.app.webhooks import feed as feed_app
from tabard.dialects.native.events import wire
from tabard.dialects.native.events.reading import AT, plain_types, read_cursor, read_query, write_cursor
from tabard.dialects.native.webhooks import event_fields, sender_fields
from tabard.domain.errors import InvalidInput
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel
from tabard.http.surface import Answer, Call, Operation
from tabard.ports.webhooks import Cursor, FeedEvent, FeedWanted

_STREAM = "text/event-stream"
_STREAM_HEADERS = (("Content-Type", f"{_STREAM}; charset=utf-8"), ("Cache-Control", "no-store"))
_RECONNECT_AFTER = 1000
"""Milliseconds."""


async def read_events(services: Services, call: Call) -> Answer:
    asked = read_query(wire.FeedQuery, call, several=("type",))
    wanted = FeedWanted(
        types=plain_types(asked.type),
        sender_id=None if asked.sender_id is None else SenderId(asked.sender_id),
        channel=None if asked.channel is None else Channel(asked.channel),
        after=asked.after,
        before=asked.before,
        with_sender=asked.include == "sender",
    )
    if _wants_stream(call.headers):
        start = await _start(services, asked, call.headers.get("last-event-id"))
        batches = await feed_app.follow_feed(
            services, call.principal, start, wanted, limit=asked.limit, ended=call.ended
        )
        return Answer(200, headers=_STREAM_HEADERS, stream=_written(batches))
    start, wait = await _start(services, asked, None), asked.wait
    batch = await feed_app.read_feed(
        services, call.principal, start, wanted, limit=asked.limit, wait=wait, ended=call.ended
    )
    return Answer(
        200, orjson.dumps({"events": [_shown(e) for e in batch.events], "cursor": write_cursor(batch.cursor)})
    )


def _wants_stream(headers: Mapping[str, str]) -> bool:
    return any(kind.partition(";")[0].strip().lower() == _STREAM for kind in headers.get("accept", "").split(","))


async def _start(services: Services, asked: wire.FeedQuery, last_event_id: str | None) -> Cursor | None:
    """Who comes back to a stream says so by a header, with the query that it came with first. Raises `InvalidInput`."""
    if last_event_id:
        return read_cursor(last_event_id, "Last-Event-ID")
    if asked.cursor is not None and asked.from_ is not None:
        raise InvalidInput("from", "can't be given together with cursor")
    if asked.cursor is not None:
        return read_cursor(asked.cursor)
    return None if asked.from_ is None else await feed_app.end_of_feed(services)


def _shown(event: FeedEvent) -> dict[str, Any]:
    fields = event_fields(event.stored, event.sender_id)
    return fields if event.sender is None else {**fields, "sender": sender_fields(event.sender)}


async def _written(batches: AsyncGenerator[feed_app.Batch, None]) -> AsyncGenerator[bytes, None]:
    """As server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). A block without data is
    no event for a reader, but its id is kept: so a reader comes back to where it was, however little it has heard."""
    yield f"retry: {_RECONNECT_AFTER}\n\n".encode()
    async for batch in batches:
        for event in batch.events:
            head = f"id: {write_cursor(event.cursor)}\nevent: {event.stored.event.type}\ndata: "
            yield head.encode() + orjson.dumps(_shown(event)) + b"\n\n"
        if not batch.events:
            yield f": still here\nid: {write_cursor(batch.cursor)}\n\n".encode()


OPERATIONS = (
    Operation(
        "ReadEvents",
        "GET",
        f"{AT}/events",
        read_events,
        "Every event of the account in order, from a cursor on; waits for the next, or streams them, if asked to.",
        200,
        query=wire.FeedQuery,
        headers=wire.FeedHeaders,
        answer=wire.EventPage,
        waits=True,
    ),
)
