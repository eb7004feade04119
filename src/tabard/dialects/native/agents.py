"""The sandbox's controls of one RCS sender: what the network, its carriers and staff would do."""

import orjson

from tabard.app import sandbox as sandbox_app
from tabard.app.services import Services
from tabard.dialects.native import wire
from tabard.dialects.native.answers import agent_answer
from tabard.dialects.native.paths import AT
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.lifecycle import Channel
from tabard.http.surface import Answer, Call, Operation


async def fetch_agent(services: Services, call: Call) -> Answer:
    sender, events = await sandbox_app.look_at(services, call.principal, Channel.RCS, call.path["agent"])
    return Answer(200, orjson.dumps(agent_answer(sender, events)))


async def approve_verification(services: Services, call: Call) -> Answer:
    return await _decide_verification(services, call, verified=True)


async def reject_verification(services: Services, call: Call) -> Answer:
    return await _decide_verification(services, call, verified=False)


async def _decide_verification(services: Services, call: Call, *, verified: bool) -> Answer:
    await sandbox_app.decide_verification(services, call.principal, call.path["agent"], verified=verified)
    return Answer(204)


async def decide_launch(services: Services, call: Call) -> Answer:
    request = wire.LaunchDecision.model_validate_json(call.body)
    await sandbox_app.decide_launch(
        services,
        call.principal,
        call.path["agent"],
        CarrierStatus(request.status),
        country=request.country,
        carrier=request.carrier,
        remark=request.remark,
    )
    return Answer(204)


async def finish_preparation(services: Services, call: Call) -> Answer:
    await sandbox_app.finish_preparation(services, call.principal, call.path["agent"])
    return Answer(204)


async def fetch_key_file(services: Services, call: Call) -> Answer:
    """Made anew each time, so that it names the address at which the emulation is reached now."""
    connection = await sandbox_app.sandbox_of(services, call.principal).rcs.open_account(call.principal.account_id)
    return Answer(200, connection.token.encode())


OPERATIONS = (
    Operation(
        "FetchKeyFile",
        "GET",
        f"{AT}/network/google/key-file",
        fetch_key_file,
        "The service account's key of the emulated Google, for other clients of it. It opens the emulation only.",
        200,
        answer=wire.KeyFileAnswer,
    ),
    Operation(
        "FetchAgent",
        "GET",
        f"{AT}/agents/{{agent}}",
        fetch_agent,
        "The RCS sender with its warnings, its carriers, and everything that became of it.",
        200,
        answer=wire.AgentAnswer,
    ),
    Operation(
        "ApproveVerification",
        "POST",
        f"{AT}/agents/{{agent}}/verification/approve",
        approve_verification,
        "Verify the business behind the sender.",
        204,
    ),
    Operation(
        "RejectVerification",
        "POST",
        f"{AT}/agents/{{agent}}/verification/reject",
        reject_verification,
        "Refuse to verify the business behind the sender: no carrier launches it then.",
        204,
    ),
    Operation(
        "DecideLaunch",
        "POST",
        f"{AT}/agents/{{agent}}/launch",
        decide_launch,
        "Decide as a carrier: as one, as all of a country, or as all that were asked.",
        204,
        request=wire.LaunchDecision,
    ),
    Operation(
        "FinishPreparation",
        "POST",
        f"{AT}/agents/{{agent}}/prepare",
        finish_preparation,
        "Do what staff does for a launch that lacks a video: let it go on.",
        204,
    ),
)
