"""Documented requests for WhatsApp senders with the answers to them, byte for byte.

Each file in `golden/` holds the stored sender that a request meets (`given`, one of `STATES`), what the network answers
meanwhile (`network`, one of `NETWORKS`), the request, and the answer. After a wanted change,
`UPDATE_GOLDEN=1 pytest tests/dialects/sinch/whatsapp/test_golden.py` writes the answers anew: then the difference is
what to review.
"""

import os
import re
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tabard.dialects.sinch.whatsapp.answers import bearer_token
from tabard.dialects.sinch.whatsapp.routes import OPERATIONS
from tabard.domain.account import Actor
from tabard.domain.lifecycle import Status
from tabard.domain.sender import NameChange, NameReview, Reason, Trouble
from tabard.ports.networks import Decision, NetworkFault, NumberStatus
from tests.dialects.sinch.whatsapp.samples import ACTIVE, SENDER, new, number
from tests.support.sinch_service import NOON

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(GOLDEN.glob("*.json"))
MADE_ANEW = re.compile(rb"(?<=PageToken\":\")[A-Za-z0-9_-]+")

STATES = {
    "nothing": None,
    "draft": new(Status.DRAFT),
    "creating": new(),
    "waiting for a code": new(Status.PENDING_VERIFICATION),
    "active": ACTIVE,
    "active, with a draft": replace(ACTIVE, draft=replace(ACTIVE.profile, about="Bread since last night")),
    "new name in review": replace(ACTIVE, name_change=NameChange("Example Cafe", NameReview.PENDING, NOON)),
    "rejected": new(Status.OFFLINE, offline_reasons=(Reason(Trouble.NUMBER_TAKEN, "it is on WhatsApp elsewhere"),)),
    "banned": replace(ACTIVE, status=Status.OFFLINE, offline_reasons=(Reason(Trouble.ACCOUNT_BANNED, "banned"),)),
    "deleted": replace(ACTIVE, status=Status.RETIRING),
}

NETWORKS = {
    "asleep": {},
    "signed up": {"number": number(verified=True), "find_number": number(verified=True)},
    "sends codes": {"request_code": None},
    "takes the code": {
        "number": number(status=NumberStatus.CONNECTED),
        "verify_code": None,
        "subscribe_app": None,
        "push_profile": None,
    },
    "refuses the code": {
        "number": number(),
        "verify_code": NetworkFault(Decision.GIVE_UP, Trouble.CODE_REJECTED, "The code is wrong"),
    },
}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_golden(service, worker, path):
    case = orjson.loads(path.read_bytes())
    state = STATES[case["given"]]
    if state is not None:
        await service.services.senders.insert(replace(state, due_at=None), Actor("key:example"), NOON, None)
        service.put(str(SENDER), draft=state.draft, name_change=state.name_change)
    service.backstage.whatsapp.answers.update(NETWORKS[case["network"]])
    request = case["request"]
    response = await service.call(request["method"], request["path"], request.get("body"))
    text = MADE_ANEW.sub(b"<token>", response.content)
    for sender in service.world.senders.values():
        if sender.id != SENDER:
            text = text.replace(str(sender.id).encode(), b"<new id>")
        text = text.replace(bearer_token(service.services, sender.id).encode(), b"<its token>")
    answer = {"status": response.status_code, "body": orjson.loads(text) if text else None}
    if os.environ.get("UPDATE_GOLDEN"):
        case["answer"] = answer
        path.write_bytes(orjson.dumps(case, option=orjson.OPT_INDENT_2) + b"\n")
    expected = case["answer"]["body"]
    assert response.status_code == case["answer"]["status"]
    assert text == (orjson.dumps(expected) if expected is not None else b"")


def test_every_state_network_and_operation_is_met():
    cases = [orjson.loads(path.read_bytes()) for path in CASES]
    assert {case["given"] for case in cases} == set(STATES)
    assert {case["network"] for case in cases} == set(NETWORKS)
    for operation in OPERATIONS:
        whole = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(operation.path)) + r"(\?.*)?")
        assert any(
            case["request"]["method"] == operation.method and whole.fullmatch(case["request"]["path"])
            for case in cases
            if case["answer"]["status"] == operation.status
        ), operation.name
