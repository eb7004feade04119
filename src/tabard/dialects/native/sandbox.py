"""The sandbox's controls under /sandbox/v1, open to any credential of a sandbox account, for that account only."""

from datetime import timedelta

import orjson

from tabard.app import sandbox as sandbox_app
from tabard.app.services import Services
from tabard.dialects.native import wire
from tabard.domain.errors import InvalidInput
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import Quality
from tabard.http.surface import Answer, Call, Operation


async def list_messages(services: Services, call: Call) -> Answer:
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    messages = await sandbox.inbox(call.principal.account_id, _number(call))
    rows = [{"from": m.sender, "text": m.text, "received_at": m.received_at} for m in messages]
    return Answer(200, orjson.dumps({"messages": rows}))


async def fetch_clock(services: Services, call: Call) -> Answer:
    return Answer(200, orjson.dumps({"now": await sandbox_app.clock_of(services, call.principal)}))


async def advance_clock(services: Services, call: Call) -> Answer:
    request = wire.AdvanceRequest.model_validate_json(call.body)
    by = timedelta(seconds=min(request.seconds, 1e10))
    return Answer(200, orjson.dumps({"now": await sandbox_app.advance_clock(services, call.principal, by)}))


async def reset(services: Services, call: Call) -> Answer:
    await sandbox_app.reset(services, call.principal)
    return Answer(204)


async def fetch_sender(services: Services, call: Call) -> Answer:
    sender, events = await sandbox_app.look_at(services, call.principal, Channel.WHATSAPP, _number(call))
    shown = {
        "address": sender.address,
        "status": sender.status,
        "offline_reasons": sender.offline_reasons,
        "warnings": sender.warnings,
        "events": [
            {
                "number": told.number,
                "type": told.event.type,
                "before": told.event.before,
                "after": told.event.after,
                "actor": told.actor,
                "occurred_at": told.occurred_at,
            }
            for told in events
        ],
    }
    return Answer(200, orjson.dumps(shown))


async def approve_name(services: Services, call: Call) -> Answer:
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    await sandbox.decide_name(call.principal.account_id, _number(call), approved=True, reason=None)
    return Answer(204)


async def reject_name(services: Services, call: Call) -> Answer:
    request = wire.RejectRequest.model_validate_json(call.body or b"{}")
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    await sandbox.decide_name(call.principal.account_id, _number(call), approved=False, reason=request.reason)
    return Answer(204)


async def ban_number(services: Services, call: Call) -> Answer:
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    await sandbox.ban(call.principal.account_id, _number(call))
    return Answer(204)


async def lift_ban(services: Services, call: Call) -> Answer:
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    await sandbox.lift_ban(call.principal.account_id, _number(call))
    return Answer(204)


async def set_quality(services: Services, call: Call) -> Answer:
    request = wire.QualityRequest.model_validate_json(call.body)
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    await sandbox.set_quality(call.principal.account_id, _number(call), Quality(request.quality))
    return Answer(204)


async def set_messaging_limit(services: Services, call: Call) -> Answer:
    request = wire.LimitRequest.model_validate_json(call.body)
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    await sandbox.set_messaging_limit(call.principal.account_id, request.customers_per_day)
    return Answer(204)


async def set_number_cap(services: Services, call: Call) -> Answer:
    request = wire.NumberCapRequest.model_validate_json(call.body)
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    await sandbox.set_number_cap(call.principal.account_id, request.cap)
    return Answer(204)


async def fail_next(services: Services, call: Call) -> Answer:
    request = wire.FailRequest.model_validate_json(call.body)
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    await sandbox.fail_next(call.principal.account_id, request.count, status=request.status, code=request.code)
    return Answer(204)


def _number(call: Call) -> str:
    """E.164; the plus may be missing, as it is easily lost in a URL."""
    digits = call.path["number"].removeprefix("+").strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        raise InvalidInput("number", "must be a telephone number in E.164 form, such as +15550100123")
    return f"+{digits}"


_AT = "/sandbox/v1"

OPERATIONS = (
    Operation(
        "ListPhoneMessages",
        "GET",
        f"{_AT}/phones/{{number}}/messages",
        list_messages,
        "What a phone received, newest last: one-time codes among it.",
        200,
        answer=wire.PhoneMessages,
    ),
    Operation("FetchClock", "GET", f"{_AT}/clock", fetch_clock, "The account's time.", 200, answer=wire.ClockAnswer),
    Operation(
        "AdvanceClock",
        "POST",
        f"{_AT}/clock/advance",
        advance_clock,
        "Move the account's clock forward; answers when what became due has run.",
        200,
        request=wire.AdvanceRequest,
        answer=wire.ClockAnswer,
    ),
    Operation("Reset", "POST", f"{_AT}/reset", reset, "Forget the account's senders, numbers and inboxes.", 204),
    Operation(
        "FetchSender",
        "GET",
        f"{_AT}/numbers/{{number}}",
        fetch_sender,
        "The number's sender with its warnings, and everything that became of it.",
        200,
        answer=wire.SenderAnswer,
    ),
    Operation(
        "ApproveName",
        "POST",
        f"{_AT}/numbers/{{number}}/name/approve",
        approve_name,
        "Approve the display name under review.",
        204,
    ),
    Operation(
        "RejectName",
        "POST",
        f"{_AT}/numbers/{{number}}/name/reject",
        reject_name,
        "Reject the display name under review.",
        204,
        request=wire.RejectRequest,
    ),
    Operation("BanNumber", "POST", f"{_AT}/numbers/{{number}}/ban", ban_number, "Ban a number.", 204),
    Operation("LiftBan", "POST", f"{_AT}/numbers/{{number}}/lift-ban", lift_ban, "Lift a number's ban.", 204),
    Operation(
        "SetQuality",
        "POST",
        f"{_AT}/numbers/{{number}}/quality",
        set_quality,
        "Set a number's quality: high, medium, low or unknown.",
        204,
        request=wire.QualityRequest,
    ),
    Operation(
        "SetMessagingLimit",
        "POST",
        f"{_AT}/messaging-limit",
        set_messaging_limit,
        "Set how many customers a day the business may write to.",
        204,
        request=wire.LimitRequest,
    ),
    Operation(
        "SetNumberCap",
        "POST",
        f"{_AT}/number-cap",
        set_number_cap,
        "Set how many numbers the business may hold.",
        204,
        request=wire.NumberCapRequest,
    ),
    Operation(
        "FailNext",
        "POST",
        f"{_AT}/network/fail-next",
        fail_next,
        "Let the next calls of the network fail with a status and code of Meta's.",
        204,
        request=wire.FailRequest,
    ),
)
