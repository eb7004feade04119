"""Documented requests with the answers to them, byte for byte.

Each file in `golden/` holds the stored sender that a request meets (`given`, one of `STATES`), the request, and the
answer. After a wanted change, `UPDATE_GOLDEN=1 pytest tests/dialects/sinch/test_golden.py` writes the answers anew:
then the difference is what to review.
"""

import os
import re
from pathlib import Path

import httpx
import orjson
import pytest

from tabard.dialects.sinch.rcs.answers import auth_token
from tabard.domain.account import Actor
from tabard.domain.lifecycle import Channel
from tests.dialects.sinch.senders import SENDER, STATES, WAY
from tests.support.sinch_service import NOON, SinchService

GOLDEN = Path(__file__).parent / "golden"
MADE_ANEW = re.compile(rb"sinch_token_[A-Za-z0-9_-]{43}|(?<=PageToken\":\")[A-Za-z0-9_-]+")


def as_golden(service: SinchService, response: httpx.Response) -> bytes:
    """The answer with names in the places of what is another each time."""
    text = MADE_ANEW.sub(b"<token>", response.content)
    for sender in service.world.senders.values():
        if sender.id != SENDER:
            text = text.replace(str(sender.id).encode(), b"<new id>")
            text = text.replace(sender.address.encode(), b"<new name>")
        text = text.replace(auth_token(service.services, sender.id).encode(), b"<its token>")
    return text


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
async def test_golden(service, path):
    case = orjson.loads(path.read_bytes())
    state = STATES[case["given"]]
    if state is not None:
        await service.services.senders.insert(state, Actor("key:example"), NOON, None)
    service.backstage.rcs.answers.update(case.get("network", {}))
    service.backstage.ways[Channel.RCS] = WAY
    request = case["request"]
    form = request.get("form")
    response = await service.call(
        request["method"],
        request["path"],
        request.get("body"),
        raw=None if form is None else form.encode(),
        headers=request.get("headers"),
    )
    text = as_golden(service, response)
    answer = {"status": response.status_code, "body": orjson.loads(text) if text else None}
    if os.environ.get("UPDATE_GOLDEN"):
        case["answer"] = answer
        path.write_bytes(orjson.dumps(case, option=orjson.OPT_INDENT_2) + b"\n")
    expected = case["answer"]["body"]
    assert response.status_code == case["answer"]["status"]
    assert text == (orjson.dumps(expected) if expected is not None else b"")


def test_every_state_is_met():
    met = {orjson.loads(path.read_bytes())["given"] for path in GOLDEN.glob("*.json")}
    assert met == set(STATES)
