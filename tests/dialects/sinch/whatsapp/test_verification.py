"""Register and verify: a code asked for, and handed in."""

from dataclasses import replace

import pytest

from tabard.app import numbers
from tabard.domain.account import Actor
from tabard.domain.lifecycle import Status
from tabard.domain.sender import Reason, Trouble, VerificationMethod
from tabard.ports.networks import Decision, NetworkFault, NumberStatus
from tests.dialects.sinch.whatsapp.samples import ACTIVE, SENDER, SENDERS, new, number
from tests.support.sinch_service import NOON, assert_canonical_error

IT = f"{SENDERS}/{SENDER}"
WAITING = new(Status.PENDING_VERIFICATION)
CONNECTED = number(status=NumberStatus.CONNECTED)


@pytest.fixture
async def waiting(service):
    await service.services.senders.insert(replace(WAITING, due_at=None), Actor("test"), NOON, None)
    return service


def fault(trouble, decision=Decision.GIVE_UP):
    return NetworkFault(decision, trouble, f"Meta says {trouble}", after=3600)


@pytest.mark.parametrize("method", ["SMS", "VOICE"])
async def test_a_code_is_sent(waiting, worker, method):
    waiting.backstage.whatsapp.answers = {"request_code": None}
    for _ in range(2):
        answer = await waiting.done("POST", f"{IT}/register", {"method": method})
        assert answer == {"id": str(SENDER), "method": method, "accepted": True, "verificationCodeSent": True}
    assert waiting.sender(str(SENDER)).registration.verification_method is VerificationMethod(method.lower())


async def test_no_code_is_needed(waiting, worker):
    waiting.backstage.whatsapp.answers = {
        "request_code": fault(Trouble.ALREADY_VERIFIED),
        "number": replace(CONNECTED, verified=True),
        "subscribe_app": None,
        "push_profile": None,
    }
    answer = await waiting.done("POST", f"{IT}/register", {"method": "SMS"})
    assert (answer["accepted"], answer["verificationCodeSent"]) == (True, False)


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (fault(Trouble.TOO_MANY_CODES, Decision.WAIT), 429, "sender-register-too-many-requests"),
        (fault(Trouble.CANNOT_VERIFY), 400, "sender_request_code_failed"),
        (fault(Trouble.NUMBER_GONE), 400, "sender_request_code_failed"),
    ],
)
async def test_meta_refuses_to_send_a_code(waiting, worker, refusal, status, code):
    waiting.backstage.whatsapp.answers = {"request_code": refusal}
    response = await waiting.call("POST", f"{IT}/register", {"method": "SMS"})
    assert_canonical_error(response, status, code, says="Meta says")


@pytest.mark.parametrize("body", [{"code": "123456"}, {}, {"code": None}, None])
async def test_verified(waiting, worker, body):
    proved = body != {"code": "123456"}
    waiting.backstage.whatsapp.answers = {
        "number": replace(CONNECTED, verified=proved),
        "verify_code": None,
        "subscribe_app": None,
        "push_profile": None,
    }
    assert await waiting.done("POST", f"{IT}/verify", body, status=204) is None
    assert (await waiting.done("GET", IT))["state"] == "ACTIVE"


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (fault(Trouble.CODE_REJECTED), 409, "wrong_otp"),
        (fault(Trouble.TOO_MANY_CODES, Decision.WAIT), 429, "too_many_invalid_verification_codes"),
        (fault(Trouble.NUMBER_GONE), 409, "not_allowed_verify"),
    ],
)
async def test_meta_refuses_the_code(waiting, worker, refusal, status, code):
    waiting.backstage.whatsapp.answers = {"number": number(), "verify_code": refusal}
    response = await waiting.call("POST", f"{IT}/verify", {"code": "123456"})
    assert_canonical_error(response, status, code, says="Meta says")


async def test_a_code_is_needed_after_all(waiting, worker):
    waiting.backstage.whatsapp.answers = {"number": number()}
    assert_canonical_error(await waiting.call("POST", f"{IT}/verify", {}), 409, "wrong_otp", says="not verified")


async def test_nobody_answers_in_time(waiting, monkeypatch):
    monkeypatch.setattr(numbers, "_LONGEST_WAIT", 0.02)
    response = await waiting.call("POST", f"{IT}/verify", {})
    assert_canonical_error(response, 503, "service_unavailable")
    assert response.headers["retry-after"] == "1"
    answer = await waiting.done("POST", f"{IT}/register", {"method": "SMS"})
    assert (answer["accepted"], answer["verificationCodeSent"]) == (True, False)


@pytest.mark.parametrize(
    "sender",
    [
        new(Status.DRAFT),
        new(),
        new(Status.VERIFYING),
        ACTIVE,
        replace(ACTIVE, status=Status.UPDATING),
        new(Status.OFFLINE, offline_reasons=(Reason(Trouble.CANNOT_VERIFY, "no"),)),
        replace(ACTIVE, status=Status.RETIRING),
    ],
    ids=lambda sender: sender.status,
)
async def test_only_a_sender_that_awaits_a_code_takes_one(service, sender):
    await service.services.senders.insert(sender, Actor("test"), NOON, None)
    register = await service.call("POST", f"{IT}/register", {"method": "SMS"})
    assert_canonical_error(register, 409, "not_allowed_register")
    assert_canonical_error(await service.call("POST", f"{IT}/verify", {"code": "123456"}), 409, "not_allowed_verify")


@pytest.mark.parametrize(
    ("end", "body", "says"),
    [
        ("register", {}, "method should not be empty"),
        ("register", {"method": "sms"}, "method must be one of the following values: SMS, VOICE"),
        ("register", {"method": None}, "method must be one of"),
        ("register", {"method": "SMS", "locale": "en"}, "locale should not exist"),
        ("verify", {"code": "12345"}, "code must be exactly 6 characters"),
        ("verify", {"code": "1234567"}, "code must be exactly 6 characters"),
        ("verify", {"code": "12345x"}, "code must be exactly 6 characters"),
        ("verify", {"code": "\uff11" * 6}, "code must be exactly 6 characters"),
        ("verify", {"code": 123456}, "code must be a string"),
        ("verify", {"otp": "123456"}, "otp should not exist"),
    ],
)
async def test_wrong_bodies_are_refused_by_name(waiting, end, body, says):
    problems = assert_canonical_error(await waiting.call("POST", f"{IT}/{end}", body), 400, "invalid_input")
    assert any(says in problem for problem in problems), problems


@pytest.mark.parametrize("end", ["register", "verify"])
async def test_bodies_that_are_no_object(waiting, end):
    assert_canonical_error(await waiting.call("POST", f"{IT}/{end}", raw=b"[]"), 400, "invalid_payload")
