"""Testers: phones that may talk with an agent before its launch, and what a phone can show.

Source: Google's guides on testing and on capability checks.
"""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import phonenumbers

from tabard.networks.google.emulator import faults
from tabard.networks.google.emulator.api import shapes
from tabard.networks.google.emulator.api.agent_rules import is_address
from tabard.networks.google.emulator.api.request import Call
from tabard.networks.google.emulator.memory import agents
from tabard.networks.google.emulator.memory.agents import Wanted
from tabard.networks.google.emulator.outcomes import owner_of
from tabard.networks.google.emulator.regions import REGIONS
from tabard.networks.google.emulator.state import Agent, Change, Json, Tester, Text
from tabard.networks.google.wire import FEATURES, InviteStatus, LaunchState

INVITATIONS_A_DAY = 20
TESTERS = 200
INVITER = "RBM Tester Management"


async def invite(call: Call) -> Json:
    body = call.message(shapes.TESTER)
    address = body.get("phoneNumber", "")
    if not is_address(address):
        raise faults.invalid("phone_number", "must be in E.164 form.")
    agent, now = call.agent, call.scene.now
    owner = owner_of(address)
    if not owner.has_rcs:
        raise faults.no_rcs(address)
    if address in agent.testers:
        raise faults.exists("The phone is a tester of the agent, or invited.")
    recent = tuple(at for at in agent.invitations if at > now - timedelta(days=1))
    if len(recent) >= INVITATIONS_A_DAY:
        raise faults.exhausted(f"An agent may invite {INVITATIONS_A_DAY} testers a day.")
    if len(agent.testers) >= TESTERS:
        raise faults.exhausted(f"An agent may have {TESTERS} testers.")
    due = None if owner.accepts is None else now + call.network.rhythm.answer()
    tester = Tester(due=due)
    after = replace(agent, testers={**agent.testers, address: tester}, invitations=(*recent, now))
    text = Text(address, INVITER, f"{agent.display_name} invites you to test it. Do you want to become a tester?")
    await call.save(Change(after, texts=(text,)))
    return _rendered(after, address)


async def list_all(call: Call) -> Json:
    agent = call.agent
    return {"testers": [_rendered(agent, address) for address in agent.testers]} if agent.testers else {}


async def read(call: Call) -> Json:
    return _rendered(call.agent, _invited(call))


async def remove(call: Call) -> Json:
    address = _invited(call)
    kept = {other: tester for other, tester in call.agent.testers.items() if other != address}
    await call.save(Change(replace(call.agent, testers=kept)))
    return {}


def _invited(call: Call) -> str:
    address = call.parts["phone"]
    if address not in call.agent.testers:
        raise faults.missing()
    return address


def _rendered(agent: Agent, address: str) -> Json:
    return {
        "name": f"testers/{address}",
        "agentId": agent.id,
        "phoneNumber": address,
        "inviteStatus": agent.testers[address].status,
    }


async def read_capabilities(call: Call) -> Json:
    address = call.parts["phone"]
    if not is_address(address):
        raise faults.invalid("name", "must be phones/ and a number in E.164 form.")
    _check_request_id(call.request.query.get("requestId", ""))
    agent = call.scene.agent or await _only_agent(call)
    if not owner_of(address).has_rcs:
        raise faults.no_rcs(address)
    tester = agent.testers.get(address)
    accepted = tester is not None and tester.status is InviteStatus.ACCEPTED
    if not accepted and not _launched_for(agent, address):
        raise faults.not_reachable(address)
    return {"features": list(FEATURES)}


def _check_request_id(text: str) -> None:
    try:
        uuid.UUID(text)
    except ValueError:
        raise faults.invalid("request_id", "must be a UUID.") from None


async def _only_agent(call: Call) -> Agent:
    """The agent may be left out where the partner has but one."""
    found = await agents.page(call.network.pool, call.realm.account_id, Wanted(None, 0, 2))
    if len(found) != 1:
        raise faults.invalid("agent_id", "is required.")
    return found[0][1]


def _launched_for(agent: Agent, address: str) -> bool:
    """Nobody can tell a phone's carrier by its number: any carrier of its country will do."""
    launched = {
        REGIONS[name].country for name, launch in agent.launches.items() if launch.state is LaunchState.LAUNCHED
    }
    return not launched.isdisjoint(_countries(address))


def _countries(address: str) -> Iterable[str]:
    """All that share the calling code, where the number itself does not tell."""
    try:
        number = phonenumbers.parse(address)
    except phonenumbers.NumberParseException:
        return ()
    country = phonenumbers.region_code_for_number(number)
    return (country,) if country else phonenumbers.region_codes_for_country_code(number.country_code or 0)
