"""Agents: made, read, changed, archived, removed."""

import re
import secrets
from dataclasses import replace

from tabard.networks.google.emulator import faults
from tabard.networks.google.emulator.api import agent_rules, shapes
from tabard.networks.google.emulator.api.request import PAGE_SIZE, Call, page_of
from tabard.networks.google.emulator.memory import agents as memory
from tabard.networks.google.emulator.memory.agents import Wanted
from tabard.networks.google.emulator.state import Agent, Change, Json, Realm
from tabard.networks.google.wire import ANY_BRAND, LaunchState

_SLUG_LENGTH = 30
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


async def create(call: Call) -> Json:
    body = call.message(shapes.AGENT)
    if body.get("isArchived"):
        raise faults.invalid("is_archived", "cannot be set on creation.")
    name, details = body.get("displayName", ""), body.get("rcsBusinessMessagingAgent")
    if details is None:
        raise faults.invalid(agent_rules.DETAILS, "is required.")
    agent = Agent(_new_id(name), call.brand, name, agent_rules.with_defaults(details))
    wrong = agent_rules.violations(agent)
    if wrong:
        raise faults.invalid_fields(wrong)
    if not await memory.add(call.network.pool, call.realm.account_id, agent):
        raise faults.missing()
    return rendered(call.realm, agent)


async def list_all(call: Call) -> Json:
    state = call.request.query.get("launchStateFilter")
    if state and state not in set(LaunchState):
        raise faults.invalid("launch_state_filter", "is no launch state.")
    wanted = Wanted(
        None if call.parts["brand"] == ANY_BRAND else call.brand.id,
        call.page_start(),
        PAGE_SIZE + 1,
        call.flag("includeArchived"),
        state or None,
    )
    found = await memory.page(call.network.pool, call.realm.account_id, wanted)
    return page_of("agents", [(place, rendered(call.realm, agent)) for place, agent in found])


async def read(call: Call) -> Json:
    return rendered(call.realm, call.agent)


async def update(call: Call) -> Json:
    body, paths = call.masked(shapes.AGENT)
    before = call.agent
    shown = {"displayName": before.display_name, "isArchived": before.archived}
    merged = shapes.merged({**shown, "rcsBusinessMessagingAgent": before.details}, body, paths)
    after = replace(
        before,
        display_name=merged.get("displayName", ""),
        archived=merged.get("isArchived", False),
        details=agent_rules.with_defaults(merged.get("rcsBusinessMessagingAgent") or {}),
    )
    fixed = agent_rules.violations_of_change(before, after)
    if fixed:
        raise faults.invalid_fields(fixed)
    wrong = agent_rules.violations(after)
    if wrong:
        raise faults.invalid_fields(wrong)
    if after.archived and after.is_shown:
        raise faults.precondition("An agent that is launched or about to be cannot be archived.", "AGENT_LAUNCHED")
    await call.save(Change(after))
    return rendered(call.realm, after)


async def remove(call: Call) -> Json:
    if call.agent.is_shown:
        raise faults.precondition("An agent that is launched or about to be cannot be deleted.", "AGENT_LAUNCHED")
    await memory.remove(call.network.pool, call.scene, call.agent)
    return {}


def rendered(realm: Realm, agent: Agent) -> Json:
    partner = {"partnerId": realm.partner_id, "displayName": "Tabard sandbox", "company": "Tabard"}
    answer: Json = {
        "name": agent.name,
        "displayName": agent.display_name,
        "brandName": agent.brand.display_name,
        "rcsBusinessMessagingAgent": {**agent.details, "partner": partner},
    }
    return {**answer, "isArchived": True} if agent.archived else answer


def _new_id(display_name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", display_name.lower()).strip("_")[:_SLUG_LENGTH].strip("_")
    return f"{slug or 'agent'}_{''.join(secrets.choice(_BASE32) for _ in range(8))}_agent"
