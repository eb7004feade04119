"""The sandbox's controls under /sandbox/v1, open to any credential of a sandbox account, for that account only.

Here are its clock, its phones and its networks as wholes; one number and one agent have modules of their own.
"""

from datetime import timedelta

import orjson

from tabard.app import sandbox as sandbox_app
from tabard.app.services import Services
from tabard.dialects.native import wire
from tabard.dialects.native.paths import AT, number_of
from tabard.http.surface import Answer, Call, Operation


async def list_messages(services: Services, call: Call) -> Answer:
    messages = await sandbox_app.inbox(services, call.principal, number_of(call))
    rows = [{"from": m.sender, "text": m.text, "received_at": m.received_at} for m in messages]
    return Answer(200, orjson.dumps({"messages": rows}))


async def accept_invitation(services: Services, call: Call) -> Answer:
    return await _answer_invitation(services, call, accepted=True)


async def decline_invitation(services: Services, call: Call) -> Answer:
    return await _answer_invitation(services, call, accepted=False)


async def _answer_invitation(services: Services, call: Call, *, accepted: bool) -> Answer:
    name = call.path["agent"]
    await sandbox_app.answer_invitation(services, call.principal, number_of(call), name, accepted=accepted)
    return Answer(204)


async def fetch_clock(services: Services, call: Call) -> Answer:
    return Answer(200, orjson.dumps({"now": await sandbox_app.clock_of(services, call.principal)}))


async def advance_clock(services: Services, call: Call) -> Answer:
    request = wire.AdvanceRequest.model_validate_json(call.body)
    by = timedelta(seconds=min(request.seconds, 1e10))
    return Answer(200, orjson.dumps({"now": await sandbox_app.advance_clock(services, call.principal, by)}))


async def reset(services: Services, call: Call) -> Answer:
    await sandbox_app.reset(services, call.principal)
    return Answer(204)


async def set_messaging_limit(services: Services, call: Call) -> Answer:
    request = wire.LimitRequest.model_validate_json(call.body)
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    await sandbox.whatsapp.set_messaging_limit(call.principal.account_id, request.customers_per_day)
    return Answer(204)


async def set_number_cap(services: Services, call: Call) -> Answer:
    request = wire.NumberCapRequest.model_validate_json(call.body)
    sandbox = sandbox_app.sandbox_of(services, call.principal)
    await sandbox.whatsapp.set_number_cap(call.principal.account_id, request.cap)
    return Answer(204)


async def fail_next(services: Services, call: Call) -> Answer:
    request = wire.FailRequest.model_validate_json(call.body)
    network = sandbox_app.sandbox_of(services, call.principal).networks[request.network]
    await network.fail_next(call.principal.account_id, request.count, status=request.status, code=request.code)
    return Answer(204)


OPERATIONS = (
    Operation(
        "ListPhoneMessages",
        "GET",
        f"{AT}/phones/{{number}}/messages",
        list_messages,
        "What a phone received, newest last: one-time codes and invitations among it.",
        200,
        answer=wire.PhoneMessages,
    ),
    Operation(
        "AcceptInvitation",
        "POST",
        f"{AT}/phones/{{number}}/invitations/{{agent}}/accept",
        accept_invitation,
        "Accept, as the phone's owner, the invitation to test an RCS sender.",
        204,
    ),
    Operation(
        "DeclineInvitation",
        "POST",
        f"{AT}/phones/{{number}}/invitations/{{agent}}/decline",
        decline_invitation,
        "Decline, as the phone's owner, the invitation to test an RCS sender.",
        204,
    ),
    Operation("FetchClock", "GET", f"{AT}/clock", fetch_clock, "The account's time.", 200, answer=wire.ClockAnswer),
    Operation(
        "AdvanceClock",
        "POST",
        f"{AT}/clock/advance",
        advance_clock,
        "Move the account's clock forward; answers when what became due has run.",
        200,
        request=wire.AdvanceRequest,
        answer=wire.ClockAnswer,
    ),
    Operation("Reset", "POST", f"{AT}/reset", reset, "Forget the account's senders, numbers and inboxes.", 204),
    Operation(
        "SetMessagingLimit",
        "POST",
        f"{AT}/messaging-limit",
        set_messaging_limit,
        "Set how many customers a day the business may write to.",
        204,
        request=wire.LimitRequest,
    ),
    Operation(
        "SetNumberCap",
        "POST",
        f"{AT}/number-cap",
        set_number_cap,
        "Set how many numbers the business may hold.",
        204,
        request=wire.NumberCapRequest,
    ),
    Operation(
        "FailNext",
        "POST",
        f"{AT}/network/fail-next",
        fail_next,
        "Let the next calls of a network fail with a status and, at Meta, a code of its own.",
        204,
        request=wire.FailRequest,
    ),
)
