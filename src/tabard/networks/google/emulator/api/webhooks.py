"""Where webhooks go: the partner's own address, and an agent's integration, which comes before it."""

import uuid
from dataclasses import replace

from tabard.networks.google.emulator import faults
from tabard.networks.google.emulator.api import shapes
from tabard.networks.google.emulator.api.agent_rules import is_web_address
from tabard.networks.google.emulator.api.request import Call
from tabard.networks.google.emulator.memory import realms
from tabard.networks.google.emulator.state import Agent, Change, Integration, Json, Realm
from tabard.networks.google.wire import PRODUCT

_URL_FIELD = "agent_webhook_integration.webhook_uri"


async def create_integration(call: Call) -> Json:
    given = call.message(shapes.INTEGRATION).get("agentWebhookIntegration")
    if given is None:
        raise faults.invalid("agent_webhook_integration", "is required: other kinds are not emulated.")
    if call.agent.integration is not None:
        raise faults.exists("The agent has a webhook integration.")
    return await _set(call, Integration(str(uuid.uuid4()), *_checked(given)))


async def list_integrations(call: Call) -> Json:
    held = call.agent.integration
    return {} if held is None else {"integrations": [_rendered(call.agent, held)]}


async def read_integration(call: Call) -> Json:
    return _rendered(call.agent, _held(call))


async def update_integration(call: Call) -> Json:
    held = _held(call)
    body, paths = call.masked(shapes.INTEGRATION)
    before = {"agentWebhookIntegration": {"webhookUri": held.url, "verificationToken": held.token}}
    given = shapes.merged(before, body, paths).get("agentWebhookIntegration", {})
    return await _set(call, Integration(held.id, *_checked({"verificationToken": held.token, **given})))


async def remove_integration(call: Call) -> Json:
    _held(call)
    await call.save(Change(replace(call.agent, integration=None)))
    return {}


async def _set(call: Call, integration: Integration) -> Json:
    await call.network.check_webhook(integration.url, integration.token, _URL_FIELD)
    await call.save(Change(replace(call.agent, integration=integration)))
    return _rendered(call.agent, integration)


def _held(call: Call) -> Integration:
    held = call.agent.integration
    if held is None or held.id != call.parts["integration"]:
        raise faults.missing()
    return held


def _checked(given: Json) -> tuple[str, str]:
    url, token = given.get("webhookUri", ""), given.get("verificationToken", "")
    wrong = []
    if not is_web_address(url):
        wrong.append((_URL_FIELD, "is required: an http or https address."))
    if not token:
        wrong.append(("agent_webhook_integration.verification_token", "is required."))
    if wrong:
        raise faults.invalid_fields(wrong)
    return url, token


def _rendered(agent: Agent, integration: Integration) -> Json:
    """Without its token, which goes in only."""
    return {
        "name": f"{agent.name}/integrations/{integration.id}",
        "status": "ENABLED",
        "agentWebhookIntegration": {"webhookUri": integration.url},
    }


# the partner


async def read_partner(call: Call) -> Json:
    return _partner(call, call.realm)


async def update_partner(call: Call) -> Json:
    body, paths = call.masked(shapes.PARTNER)
    if any(path[0] != "productCapabilities" for path in paths):
        raise faults.invalid("update_mask", "only product_capabilities can be changed.")
    url = None
    for place, capability in enumerate(body.get("productCapabilities", ())):
        if capability.get("product", PRODUCT) != PRODUCT:
            raise faults.invalid(f"product_capabilities[{place}].product", f"must be {PRODUCT}.")
        url = capability.get("rcsBusinessMessagingCapability", {}).get("webhookUrl")
    if url is not None:
        field = "product_capabilities[0].rcs_business_messaging_capability.webhook_url"
        if not is_web_address(url):
            raise faults.invalid(field, "must be an http or https address.")
        await call.network.check_webhook(url, call.realm.client_token, field)
    await realms.set_webhook(call.network.pool, call.realm, url)
    return _partner(call, replace(call.realm, webhook_url=url))


def _partner(call: Call, realm: Realm) -> Json:
    url = call.network.webhook_url(realm)
    return {
        "name": f"partners/{realm.partner_id}",
        "displayName": "Tabard sandbox",
        "company": "Tabard",
        "productCapabilities": [{"product": PRODUCT, "rcsBusinessMessagingCapability": {"webhookUrl": url}}],
    }
