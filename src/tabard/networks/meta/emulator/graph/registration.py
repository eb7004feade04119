"""Proving a number with a one-time code, and putting it on and off the Cloud API. Checks stand in Meta's order."""

import hmac
import re
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from tabard.networks.meta.emulator import faults, life
from tabard.networks.meta.emulator.graph.numbers import REGISTRATIONS
from tabard.networks.meta.emulator.graph.request import Call
from tabard.networks.meta.emulator.graph.settings import is_pin, pin_hash
from tabard.networks.meta.emulator.pace import Stage
from tabard.networks.meta.emulator.state import Change, Number, Task, TaskKind, Text
from tabard.networks.meta.wire import CodeVerification, NumberStatus

CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5
CODES = 10
"""Code requests for a number in an hour, at most. Meta publishes no figure."""
CODE_WINDOW = timedelta(hours=1)
REGISTRATION_WINDOW = timedelta(hours=72)
PIN_TRIES = 5
PIN_LOCK = timedelta(hours=1)
REGIONS = ("AU", "ID", "IN", "JP", "SG", "KR", "DE", "CH", "GB", "BR", "BH", "ZA", "AE", "CA")

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z]{2,4})?")
_CODE = re.compile(r"[0-9]{6}")


async def request_code(call: Call) -> dict[str, Any]:
    method = call.parameters.choice("code_method", ("SMS", "VOICE", "IVR"))
    if not _LANGUAGE.fullmatch(call.parameters.required("language", most=16)):
        raise faults.invalid("Parameter language must be a locale such as en_US.")
    number, now = call.number, call.scene.now
    if number.verification_at(now) == CodeVerification.VERIFIED:
        raise faults.already_verified()
    asked = _recent(number.code_requests, now - CODE_WINDOW)
    if number.outcome.codes_used_up:
        raise faults.too_many_codes(CODE_WINDOW)
    if len(asked) >= CODES:
        raise faults.too_many_codes(asked[0] + CODE_WINDOW - now)
    code = f"{secrets.randbelow(10**6):06}"
    after = replace(
        number,
        code=code,
        code_expires_at=now + CODE_LIFE,
        code_failures=0,
        code_requests=[*asked, now],
    )
    await call.save(_delivered(call, after, method, code))
    return {"success": True}


def _delivered(call: Call, number: Number, method: str, code: str) -> Change:
    spoken = f"{code[:3]}-{code[3:]}"
    if method == "SMS":
        text = Text("WhatsApp", f"WhatsApp code {spoken}")
        if number.outcome.deaf_to_texts:
            return Change(number)
    else:
        text = Text("WhatsApp", f"Your WhatsApp code is {spoken}. Again: {spoken}. Once more: {spoken}.")
    after = call.network.duration(Stage.TEXT)
    if not after:
        return Change(number, texts=(text,))
    return Change(number, (Task(TaskKind.TEXT, after, orjson.dumps([text.sender, text.body]).decode()),))


async def verify_code(call: Call) -> dict[str, Any]:
    code = call.parameters.required("code", most=64)
    if not _CODE.fullmatch(code):
        raise faults.invalid("Parameter code must be 6 digits, without a hyphen.")
    number, now = call.number, call.scene.now
    if number.code is None or number.code_expires_at is None or number.code_expires_at <= now:
        raise faults.code_expired()
    if not hmac.compare_digest(number.code, code):
        failures = number.code_failures + 1
        kept = number.code if failures < CODE_TRIES else None
        await call.save(Change(replace(number, code=kept, code_failures=failures)))
        raise faults.code_wrong()
    verified = replace(
        number,
        verification=CodeVerification.VERIFIED,
        verified_at=now,
        code=None,
        code_expires_at=None,
        code_failures=0,
    )
    await call.save(Change(verified))
    return {"success": True, "id": number.id}


async def register(call: Call) -> dict[str, Any]:
    call.parameters.choice("messaging_product", ("WHATSAPP",))
    pin = call.parameters.required("pin", most=64)
    if not is_pin(pin):
        raise faults.invalid("Parameter pin must be a string of 6 digits.")
    region = call.parameters.choice("data_localization_region", REGIONS) if _names_region(call) else None
    number, now = call.number, call.scene.now
    if number.outcome.account_locked or number.banned:
        raise faults.account_locked()
    counted = _counted(number, now)
    if number.verification != CodeVerification.VERIFIED:
        raise faults.not_verified()
    given = pin_hash(number.id, pin)
    if number.pin_locked_until is not None and number.pin_locked_until > now:
        raise faults.pin_guesses(number.pin_locked_until - now)
    if number.pin_hash is not None and not hmac.compare_digest(number.pin_hash, given):
        await call.save(Change(_guessed(replace(number, registrations=counted), now)))
        raise faults.pin_mismatch()
    ready = replace(
        number,
        registrations=counted,
        pin_hash=given,
        pin_failures=0,
        pin_locked_until=None,
        data_region=region,
        connecting=True,
    )
    await call.save(_connecting(call, ready))
    return {"success": True}


def _names_region(call: Call) -> bool:
    return bool(call.parameters.text("data_localization_region"))


def _connecting(call: Call, number: Number) -> Change:
    after = call.network.duration(Stage.CONNECT)
    if not after:
        return life.connected(call.scene, number)
    return Change(number, (Task(TaskKind.CONNECT, after),))


def _guessed(number: Number, now: datetime) -> Number:
    """A wrong guess counts; the last of the tries locks the PIN for a while."""
    failures = number.pin_failures + 1
    if failures < PIN_TRIES:
        return replace(number, pin_failures=failures)
    return replace(number, pin_failures=0, pin_locked_until=now + PIN_LOCK)


async def deregister(call: Call) -> dict[str, Any]:
    number = call.number
    if number.connection != NumberStatus.CONNECTED and not number.connecting:
        raise faults.not_registered()
    counted = _counted(number, call.scene.now)
    after = replace(
        number,
        connection=NumberStatus.DISCONNECTED,
        connecting=False,
        registrations=counted,
        data_region=None,
    )
    await call.save(Change(after))
    return {"success": True}


def _counted(number: Number, now: datetime) -> list[datetime]:
    """The calls of the window, this one included. Raises `GraphFault` where there were enough already."""
    recent = _recent(number.registrations, now - REGISTRATION_WINDOW)
    if len(recent) >= REGISTRATIONS:
        raise faults.registration_limit()
    return [*recent, now]


def _recent(times: list[datetime], since: datetime) -> list[datetime]:
    return [time for time in times if time > since]
