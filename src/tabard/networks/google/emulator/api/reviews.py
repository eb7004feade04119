"""Verification of the business behind an agent, and the agent's launch, region by region.

Google takes a verification's request and looks at it only when a launch is requested. A launch names all its regions
every time: those that are launched must be among them, and nothing changes for those that are pending, launched or
suspended. Sources: Google's guides on verification and on launching agents.
"""

from dataclasses import replace

from tabard.networks.google.emulator import faults, life
from tabard.networks.google.emulator.api import shapes
from tabard.networks.google.emulator.api.agent_rules import can_be_asked_back, is_email, is_web_address
from tabard.networks.google.emulator.api.request import Call
from tabard.networks.google.emulator.events import timestamp
from tabard.networks.google.emulator.faults import Violation
from tabard.networks.google.emulator.life import Move
from tabard.networks.google.emulator.regions import REGIONS
from tabard.networks.google.emulator.state import Agent, Change, Json, Launch, Verification
from tabard.networks.google.wire import ActingParty, LaunchState, VerificationState

_CONTACT = {
    "partnerName": "partner_name",
    "partnerEmailAddress": "partner_email_address",
    "brandContactName": "brand_contact_name",
    "brandContactEmailAddress": "brand_contact_email_address",
    "brandWebsiteUrl": "brand_website_url",
}
_QUESTIONS = {
    "contacts": "contacts",
    "triggerDescription": "trigger_description",
    "interactionsDescription": "interactions_description",
    "optoutDescription": "optout_description",
    "agentAccessInstructions": "agent_access_instructions",
}
_LAUNCHED_BEFORE = frozenset({LaunchState.PENDING, LaunchState.LAUNCHED, LaunchState.SUSPENDED})


# verification


async def request_verification(call: Call) -> Json:
    contact = call.message(shapes.REQUEST_VERIFICATION).get("agentVerificationContact", {})
    _check_contact(contact)
    agent = call.agent
    if agent.verified_as is not VerificationState.UNVERIFIED:
        raise faults.precondition("The agent is verified, or about to be.", "VERIFICATION_NOT_OPEN")
    after = replace(agent, verification=Verification(contact))
    await call.save(Change(after))
    return _verification(after)


async def read_verification(call: Call) -> Json:
    return _verification(call.agent)


async def update_verification(call: Call) -> Json:
    """A partner can take the state back to UNVERIFIED, and correct the contact."""
    body, paths = call.masked(shapes.VERIFICATION)
    agent = call.agent
    if agent.verification is None:
        raise faults.missing()
    contact = agent.verification.contact
    before = {"verificationState": agent.verification.state, "agentVerificationContact": contact}
    merged = shapes.merged(before, body, paths)
    if merged.get("agentVerificationContact") != contact:
        _check_contact(merged.get("agentVerificationContact") or {})
        agent = replace(agent, verification=replace(agent.verification, contact=merged["agentVerificationContact"]))
    if merged.get("verificationState") != before["verificationState"]:
        if merged.get("verificationState") != VerificationState.UNVERIFIED:
            raise faults.denied("A partner can only go back to VERIFICATION_STATE_UNVERIFIED.")
        agent = life.unverified(agent)
    await call.save(Change(agent))
    return _verification(agent)


def _check_contact(contact: Json) -> None:
    wrong: list[Violation] = []
    for name, field in _CONTACT.items():
        path, value = f"agent_verification_contact.{field}", contact.get(name)
        if not value:
            wrong.append((path, "is required."))
        elif name.endswith("EmailAddress") and not is_email(value):
            wrong.append((path, "must be an e-mail address."))
        elif name == "brandWebsiteUrl" and not is_web_address(value):
            wrong.append((path, "must be an http or https address."))
    if wrong:
        raise faults.invalid_fields(wrong)


def _verification(agent: Agent) -> Json:
    if agent.verification is None:
        raise faults.missing()
    return {
        "name": f"{agent.name}/verification",
        "verificationState": agent.verification.state,
        "agentVerificationContact": agent.verification.contact,
    }


# launch


async def request_launch(call: Call) -> Json:
    body = call.message(shapes.REQUEST_LAUNCH).get("agentLaunch", {}).get("rcsBusinessMessaging", {})
    agent = call.agent
    questionnaire, regions = body.get("questionnaire", agent.questionnaire), body.get("launchDetails", {})
    _check_questionnaire(questionnaire or {})
    _check_regions(agent, regions)
    if agent.verification is None:
        raise faults.precondition("Request the agent's verification first.", "VERIFICATION_MISSING")
    if agent.archived:
        raise faults.precondition("The agent is archived.", "AGENT_ARCHIVED")
    if not can_be_asked_back(agent):
        raise faults.precondition("A launch needs a phone number or an e-mail with a label.", "CONTACT_MISSING")
    moves = [
        Move(name, LaunchState.PENDING, ActingParty.PARTNER)
        for name in regions
        if life.state_in(agent, name) not in _LAUNCHED_BEFORE
    ]
    now, rhythm = call.scene.now, call.network.rhythm
    change = life.moved(life.put_up(replace(agent, questionnaire=questionnaire), now, rhythm), moves, now, rhythm)
    await call.save(change)
    return _launch(change.agent)


async def read_launch(call: Call) -> Json:
    return _launch(call.agent)


async def update_launch(call: Call) -> Json:
    """The partner's way to take an agent back, and the carriers' to decide."""
    body, paths = call.masked(shapes.LAUNCH)
    given = body.get("rcsBusinessMessaging", {})
    agent, counts = call.agent, {tuple(path[:2]) for path in paths}
    if ("rcsBusinessMessaging",) in counts or ("rcsBusinessMessaging", "questionnaire") in counts:
        questionnaire = given.get("questionnaire", agent.questionnaire)
        if questionnaire != agent.questionnaire:
            _check_questionnaire(questionnaire)
            agent = replace(agent, questionnaire=questionnaire)
    regions: Json = {}
    if ("rcsBusinessMessaging",) in counts or ("rcsBusinessMessaging", "launchDetails") in counts:
        regions = given.get("launchDetails", {})
    moves = [
        move
        for name, wanted in regions.items()
        if (move := _move(agent, name, wanted, call.request.query.get("actingParty"))) is not None
    ]
    now, rhythm = call.scene.now, call.network.rhythm
    if any(move.to is LaunchState.PENDING for move in moves):
        agent = life.put_up(agent, now, rhythm)
    change = life.moved(agent, moves, now, rhythm)
    await call.save(change)
    return _launch(change.agent)


def _move(agent: Agent, region: str, wanted: Json, acting: str | None) -> Move | None:
    """None where nothing changes. Raises `ApiFault`."""
    field = f'rcs_business_messaging.launch_details["{region}"].launch_state'
    if region not in REGIONS:
        raise faults.invalid(field, "is no region.")
    before, state = life.state_in(agent, region), LaunchState(wanted.get("launchState", LaunchState.UNSPECIFIED))
    if state in {before, LaunchState.UNSPECIFIED}:
        return None
    allowed = life.TRANSITIONS.get((before, state), frozenset())
    if not allowed:
        raise faults.precondition(f"A launch does not go from {before.short} to {state.short}.", "LAUNCH_STATE")
    if state is LaunchState.PENDING and (agent.verification is None or not agent.questionnaire):
        raise faults.precondition("Request the launch first.", "LAUNCH_NOT_REQUESTED")
    party = ActingParty.PARTNER if ActingParty.PARTNER in allowed else life.carrier_of(region)
    if acting:
        if acting not in set(ActingParty):
            raise faults.invalid("acting_party", "must be PARTNER, CARRIER or GOOGLE.")
        party = ActingParty(acting)
    if party not in allowed:
        raise faults.denied(f"{party} may not change a launch from {before.short} to {state.short}.")
    return Move(region, state, party, wanted.get("comment"))


def _check_questionnaire(questionnaire: Json) -> None:
    path = "agent_launch.rcs_business_messaging.questionnaire"
    wrong = [(f"{path}.{field}", "is required.") for name, field in _QUESTIONS.items() if not questionnaire.get(name)]
    for place, contact in enumerate(questionnaire.get("contacts", ())):
        if not contact.get("name"):
            wrong.append((f"{path}.contacts[{place}].name", "is required."))
        if not is_email(contact.get("email")):
            wrong.append((f"{path}.contacts[{place}].email", "must be an e-mail address."))
    for name, field in (("videoUris", "video_uris"), ("screenshotUris", "screenshot_uris")):
        if not all(is_web_address(uri) for uri in questionnaire.get(name, ())):
            wrong.append((f"{path}.{field}", "must be http or https addresses."))
    if wrong:
        raise faults.invalid_fields(wrong)


def _check_regions(agent: Agent, regions: Json) -> None:
    path = "agent_launch.rcs_business_messaging.launch_details"
    if not regions:
        raise faults.invalid(path, "is required.")
    wrong = [(f'{path}["{name[:100]}"]', "is no region.") for name in regions if name not in REGIONS]
    for name, launch in agent.launches.items():
        if launch.state is LaunchState.LAUNCHED and name not in regions:
            wrong.append((path, f"must repeat {name}, where the agent is launched."))
    if wrong:
        raise faults.invalid_fields(wrong)


def _launch(agent: Agent) -> Json:
    """An agent that was never put up has a launch too: an empty one."""
    messaging: Json = {} if agent.questionnaire is None else {"questionnaire": agent.questionnaire}
    if agent.launches:
        messaging["launchDetails"] = {name: _details(launch) for name, launch in agent.launches.items()}
    return {"name": f"{agent.name}/launch", "rcsBusinessMessaging": messaging}


def _details(launch: Launch) -> Json:
    shown: Json = {"launchState": launch.state, "updateTime": timestamp(launch.changed_at)}
    return shown if launch.comment is None else {**shown, "comment": launch.comment}


async def list_regions(_call: Call) -> Json:
    return {
        "regions": [
            {"name": region.name, "displayName": region.display_name, "managementType": region.management}
            for region in REGIONS.values()
        ]
    }
