"""What Tabard is held against: an ASGI function that runs the same statements and does nothing else.

No routes, no credentials, no validation: the account is in the path, and answers are filled into a prepared text of
the shape and size of Tabard's. Server, its settings, and the pool of connections are Tabard's, too.
"""

import asyncio
import os
import socket
import sys
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import orjson
import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.dataset import sample_sender
from tabard.dialects.twilio import mapping
from tabard.domain import event
from tabard.domain.ids import new_sender_id
from tabard.storage.database import open_pool, to_json
from tabard.storage.senders.store import _AFTER_ALL, _FETCH, _INSERT, _OLDER

_CONNECTIONS = 20
_PAGE = 20


def _answer_text() -> bytes:
    """Tabard's answer, with places for the SID, the address, and the SID again."""
    sender = sample_sender()
    text = orjson.dumps(mapping.sender_answer(sender, "http://127.0.0.1")).replace(b"%", b"%%")
    return text.replace(mapping.sid(sender.id).encode(), b"XE%b").replace(sender.address.encode(), b"%b")


_ANSWER = _answer_text()
_META = orjson.dumps(
    {
        "page": 0,
        "page_size": _PAGE,
        "first_page_url": "http://127.0.0.1/v2/Channels/Senders?PageSize=20&Page=0&Channel=whatsapp",
        "previous_page_url": None,
        "url": "http://127.0.0.1/v2/Channels/Senders?PageSize=20&Page=0&Channel=whatsapp",
        "next_page_url": "http://127.0.0.1/v2/Channels/Senders?PageSize=20&Page=1&PageToken=PA&Channel=whatsapp",
        "key": "senders",
    }
)


def _filled(sender_id: UUID, address: str) -> bytes:
    sid = sender_id.hex.encode()
    return _ANSWER % (sid, address.encode(), sid)


def app_on(pool: asyncpg.Pool) -> ASGIApp:
    sample = sample_sender()
    created = event.between(None, sample)[0]
    sections = [to_json(section) for section in (sample.registration, sample.webhook, sample.profile, sample.link)]
    told = (created.type, to_json(created.after), "bench")

    async def create(account_id: UUID, receive: Receive) -> bytes:
        body = orjson.loads((await receive())["body"])
        sender_id, now = new_sender_id(), datetime.now(UTC)
        address = body["sender_id"].removeprefix("whatsapp:")
        first = (sender_id, account_id, "whatsapp", address, "creating", None, *sections, now, now)
        if await pool.fetchval(_INSERT, *first, *told) is None:
            raise LookupError(address)
        return _filled(sender_id, address)

    async def fetch(account_id: UUID, sid: str) -> bytes:
        row = await pool.fetchrow(_FETCH, UUID(sid[2:]), account_id)
        return _filled(row["id"], row["address"])

    async def page(account_id: UUID) -> bytes:
        rows = await pool.fetch(_OLDER, account_id, "whatsapp", _AFTER_ALL, _PAGE + 1)
        senders = b",".join([_filled(row["id"], row["address"]) for row in rows[:_PAGE]])
        return b'{"senders":[' + senders + b'],"meta":' + _META + b"}"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """`/{account}` or `/{account}/{SID}`."""
        account, _, sid = scope["path"][1:].partition("/")
        status = 200
        if scope["method"] == "POST":
            status, body = 202, await create(UUID(account), receive)
        elif sid:
            body = await fetch(UUID(account), sid)
        else:
            body = await page(UUID(account))
        length = (b"content-length", str(len(body)).encode())
        kind = (b"content-type", b"application/json; charset=utf-8")
        await send({"type": "http.response.start", "status": status, "headers": [kind, length]})
        await send({"type": "http.response.body", "body": body})

    return app


async def _serve(dsn: str, port: int) -> None:
    pool = await open_pool(dsn, size=_CONNECTIONS, name="bench bare")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        app_on(pool),
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=1,
        backlog=2048,
    )
    await uvicorn.Server(config).serve(sockets=[listening])
    await asyncio.wait_for(pool.close(), 5)


if __name__ == "__main__":
    uvloop.run(_serve(os.environ["DATABASE_URL"], int(sys.argv[1])))
