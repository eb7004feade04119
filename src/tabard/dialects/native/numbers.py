"""The sandbox's controls of one WhatsApp number."""

import orjson

from tabard.app import sandbox as sandbox_app
from tabard.app.services import Services
from tabard.dialects.native import wire
from tabard.dialects.native.answers import sender_answer
from tabard.dialects.native.paths import AT, checked_number, number_of
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import Quality
from tabard.http.surface import Answer, Call, Operation
from tabard.ports.emulations import EmulatedWhatsApp


async def sign_up(services: Services, call: Call) -> Answer:
    request = wire.SignUpRequest.model_validate_json(call.body)
    business_account, number_id = await _whatsapp(services, call).sign_up(
        call.principal.account_id, checked_number(request.number), request.name
    )
    return Answer(201, orjson.dumps({"business_account": business_account, "number_id": number_id}))


async def fetch_sender(services: Services, call: Call) -> Answer:
    sender, events = await sandbox_app.look_at(services, call.principal, Channel.WHATSAPP, number_of(call))
    return Answer(200, orjson.dumps(sender_answer(sender, events)))


async def approve_name(services: Services, call: Call) -> Answer:
    whatsapp = _whatsapp(services, call)
    await whatsapp.decide_name(call.principal.account_id, number_of(call), approved=True, reason=None)
    return Answer(204)


async def reject_name(services: Services, call: Call) -> Answer:
    request = wire.RejectRequest.model_validate_json(call.body or b"{}")
    whatsapp = _whatsapp(services, call)
    await whatsapp.decide_name(call.principal.account_id, number_of(call), approved=False, reason=request.reason)
    return Answer(204)


async def ban_number(services: Services, call: Call) -> Answer:
    await _whatsapp(services, call).ban(call.principal.account_id, number_of(call))
    return Answer(204)


async def lift_ban(services: Services, call: Call) -> Answer:
    await _whatsapp(services, call).lift_ban(call.principal.account_id, number_of(call))
    return Answer(204)


async def set_quality(services: Services, call: Call) -> Answer:
    request = wire.QualityRequest.model_validate_json(call.body)
    whatsapp = _whatsapp(services, call)
    await whatsapp.set_quality(call.principal.account_id, number_of(call), Quality(request.quality))
    return Answer(204)


def _whatsapp(services: Services, call: Call) -> EmulatedWhatsApp:
    return sandbox_app.sandbox_of(services, call.principal).whatsapp


OPERATIONS = (
    Operation(
        "SignUp",
        "POST",
        f"{AT}/numbers",
        sign_up,
        "Connect a number as a client does in Embedded Signup: it is proved already. Its ids are the answer.",
        201,
        request=wire.SignUpRequest,
        answer=wire.SignUpAnswer,
    ),
    Operation(
        "FetchSender",
        "GET",
        f"{AT}/numbers/{{number}}",
        fetch_sender,
        "The number's sender with its warnings, and everything that became of it.",
        200,
        answer=wire.SenderAnswer,
    ),
    Operation(
        "ApproveName",
        "POST",
        f"{AT}/numbers/{{number}}/name/approve",
        approve_name,
        "Approve the display name under review.",
        204,
    ),
    Operation(
        "RejectName",
        "POST",
        f"{AT}/numbers/{{number}}/name/reject",
        reject_name,
        "Reject the display name under review.",
        204,
        request=wire.RejectRequest,
    ),
    Operation("BanNumber", "POST", f"{AT}/numbers/{{number}}/ban", ban_number, "Ban a number.", 204),
    Operation("LiftBan", "POST", f"{AT}/numbers/{{number}}/lift-ban", lift_ban, "Lift a number's ban.", 204),
    Operation(
        "SetQuality",
        "POST",
        f"{AT}/numbers/{{number}}/quality",
        set_quality,
        "Set a number's quality: high, medium, low or unknown.",
        204,
        request=wire.QualityRequest,
    ),
)
