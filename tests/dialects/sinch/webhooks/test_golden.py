"""Documented requests for webhooks with the answers to them, byte for byte.

Each file in `golden/` holds the stored webhooks that a request meets (`given`, one of `STATES`), the request, and the
answer. After a wanted change, `UPDATE_GOLDEN=1 pytest tests/dialects/sinch/webhooks/test_golden.py` writes the answers
anew: then the difference is what to review.
"""

import os
import re
from pathlib import Path

import orjson
import pytest

from tabard.dialects.sinch.webhooks.routes import OPERATIONS
from tests.dialects.sinch.webhooks.samples import OTHER, STATES, WEBHOOK
from tests.support.sinch_service import NOON

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(GOLDEN.glob("*.json"))
MADE_ANEW = re.compile(rb"(?<=PageToken\":\")[A-Za-z0-9_-]+")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_golden(service, path):
    case = orjson.loads(path.read_bytes())
    for webhook in STATES[case["given"]]:
        await service.backstage.subscriptions.insert(webhook, None, NOON)
    request = case["request"]
    response = await service.call(request["method"], request["path"], request.get("body"))
    text = MADE_ANEW.sub(b"<token>", response.content)
    for made in service.backstage.subscriptions.kept:
        if made not in {WEBHOOK, OTHER}:
            text = text.replace(made.hex.encode(), b"<new id>")
    answer = {"status": response.status_code, "body": orjson.loads(text) if text else None}
    if os.environ.get("UPDATE_GOLDEN"):
        case["answer"] = answer
        path.write_bytes(orjson.dumps(case, option=orjson.OPT_INDENT_2) + b"\n")
    expected = case["answer"]["body"]
    assert response.status_code == case["answer"]["status"]
    assert text == (orjson.dumps(expected) if expected is not None else b"")


def test_every_state_and_operation_is_met():
    cases = [orjson.loads(path.read_bytes()) for path in CASES]
    assert {case["given"] for case in cases} == set(STATES)
    for operation in OPERATIONS:
        whole = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(operation.path)) + r"(\?.*)?")
        assert any(
            case["request"]["method"] == operation.method and whole.fullmatch(case["request"]["path"])
            for case in cases
            if case["answer"]["status"] == operation.status
        ), operation.name
