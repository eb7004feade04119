"""The business and its WhatsApp Business Accounts: their fields, the app's subscription, the pre-verified pool."""

import re
from typing import Any

from tabard.networks.meta.emulator import faults
from tabard.networks.meta.emulator.graph import selection
from tabard.networks.meta.emulator.graph.number_node import graph_time, health
from tabard.networks.meta.emulator.graph.numbers import fail_by_choice, international, new_number
from tabard.networks.meta.emulator.graph.request import Call
from tabard.networks.meta.emulator.graph.settings import checked_override
from tabard.networks.meta.emulator.memory import numbers, realms
from tabard.networks.meta.emulator.state import PREVERIFIED_FOR, Number, Scene, Waba

BUSINESS_NAME = "Sandbox Business Portfolio"
APP_NAME = "Sandbox App"

_Account = tuple[Waba, Scene]
_Owned = tuple[Number, Scene]


def _subscriptions(view: _Account) -> dict[str, Any]:
    waba, scene = view
    if not waba.subscribed:
        return {"data": []}
    app_id = scene.realm.app_id
    link = f"https://www.facebook.com/games/?app_id={app_id}"
    entry: dict[str, Any] = {"whatsapp_business_api_data": {"id": app_id, "link": link, "name": APP_NAME}}
    if waba.override_url is not None:
        entry["override_callback_uri"] = waba.override_url
    return {"data": [entry]}


_ACCOUNT_READERS: selection.Readers[_Account] = {
    "id": lambda view: view[0].id,
    "name": lambda view: view[0].name,
    "timezone_id": lambda view: view[0].timezone_id,
    "currency": lambda _: "USD",
    "country": lambda _: "US",
    "status": lambda _: "ACTIVE",
    "account_review_status": lambda _: "APPROVED",
    "business_verification_status": lambda _: "not_verified",
    "ownership_type": lambda view: "CLIENT_OWNED" if view[0].shared else "SELF",
    "owner_business_info": lambda view: {"name": BUSINESS_NAME, "id": view[1].realm.business_id},
    "on_behalf_of_business_info": lambda _: None,
    "health_status": lambda view: health(view[1].realm, view[0], None),
    "whatsapp_business_manager_messaging_limit": lambda view: view[1].realm.tier,
    "marketing_messages_lite_api_status": lambda _: "ELIGIBLE",
    "marketing_messages_onboarding_status": lambda _: "ELIGIBLE",
    "is_enabled_for_insights": lambda _: False,
    "is_shared_with_partners": lambda view: view[0].shared,
    "message_template_namespace": lambda view: f"sandbox_{view[0].id}",
    "primary_funding_id": lambda _: None,
    "primary_business_location": lambda _: None,
    "purchase_order_number": lambda _: None,
    "auth_international_rate_eligibility": lambda _: None,
    "analytics": lambda _: None,
    "subscribed_apps": _subscriptions,
    "creation_time": lambda view: int(view[0].created_at.timestamp()),
    "disable_marketing_messages_on_cloud_api": lambda _: False,
    "degrees_of_freedom_spec": lambda _: None,
}
_ACCOUNT_FIELDS = ("name", "timezone_id", "message_template_namespace")

_BUSINESS_READERS: selection.Readers[Scene] = {
    "id": lambda scene: scene.realm.business_id,
    "name": lambda _: BUSINESS_NAME,
    "verification_status": lambda _: "not_verified",
}

_POOL_READERS: selection.Readers[_Owned] = {
    "id": lambda view: view[0].id,
    "phone_number": lambda view: f"+{view[0].digits}",
    "code_verification_status": lambda view: view[0].verification_at(view[1].now),
    "code_verification_time": lambda view: view[0].verified_at and graph_time(view[0].verified_at),
    "verification_expiry_time": lambda view: view[0].verified_at and graph_time(view[0].verified_at + PREVERIFIED_FOR),
}


def _fields(call: Call, default: tuple[str, ...]) -> selection.Selection:
    return selection.chosen(call.parameters.text("fields", most=5000), default)


# business accounts


async def read_account(call: Call) -> dict[str, Any]:
    chosen = _fields(call, _ACCOUNT_FIELDS)
    return selection.render("WhatsAppBusinessAccount", _ACCOUNT_READERS, (call.waba, call.scene), chosen)


async def edit_account(call: Call) -> dict[str, Any]:
    name = call.parameters.text("name", most=256) or call.waba.name
    timezone_id = call.parameters.text("timezone_id", most=8) or call.waba.timezone_id
    if not re.fullmatch(r"[0-9]{1,3}", timezone_id):
        raise faults.invalid("Parameter timezone_id must be the number of a time zone.")
    await realms.rename_waba(call.network.pool, call.waba, name, timezone_id)
    return {"id": call.waba.id, "success": True}


async def subscribe(call: Call) -> dict[str, Any]:
    """Without an override, an earlier one is cleared."""
    names = ("override_callback_uri", "verify_token")
    url, token = await checked_override(call, {name: call.parameters.text(name) for name in names})
    await realms.subscribe(call.network.pool, call.waba, url, token)
    return {"success": True}


async def unsubscribe(call: Call) -> dict[str, Any]:
    await realms.unsubscribe(call.network.pool, call.waba)
    return {"success": True}


async def list_subscriptions(call: Call) -> dict[str, Any]:
    return _subscriptions((call.waba, call.scene))


# the business


async def read_business(call: Call) -> dict[str, Any]:
    return selection.render("Business", _BUSINESS_READERS, call.scene, _fields(call, ("name",)))


async def list_owned(call: Call) -> dict[str, Any]:
    return await _list_accounts(call, shared=False)


async def list_shared(call: Call) -> dict[str, Any]:
    return await _list_accounts(call, shared=True)


async def _list_accounts(call: Call, *, shared: bool) -> dict[str, Any]:
    """All on one page: a realm has a handful."""
    chosen = _fields(call, _ACCOUNT_FIELDS)
    found = await realms.wabas(call.network.pool, call.scene.realm.account_id, shared=shared)
    return {
        "data": [
            selection.render("WhatsAppBusinessAccount", _ACCOUNT_READERS, (waba, call.scene), chosen) for waba in found
        ]
    }


# the pool of pre-verified numbers


async def add_to_pool(call: Call) -> dict[str, Any]:
    text = call.parameters.required("phone_number", most=32)
    digits = international("", text)
    await fail_by_choice(call.network, call.scene, digits)
    number = new_number(call.scene, digits, None)
    if not await numbers.add(call.network.pool, call.scene, number):
        raise faults.number_present()
    return {"id": number.id}


async def list_pool(call: Call) -> dict[str, Any]:
    wanted = call.parameters.text("code_verification_status", most=32)
    chosen = _fields(call, ("phone_number", "code_verification_status"))
    found = await numbers.pool_numbers(call.network.pool, call.scene.realm.account_id, 1000)
    shown = [number for number in found if wanted in {None, "", number.verification_at(call.scene.now)}]
    return {"data": [_pool_entry(call, number, chosen) for number in shown]}


def _pool_entry(call: Call, number: Number, chosen: selection.Selection) -> dict[str, Any]:
    return selection.render("WhatsAppBusinessPreVerifiedPhoneNumber", _POOL_READERS, (number, call.scene), chosen)


async def read_from_pool(call: Call) -> dict[str, Any]:
    return _pool_entry(call, call.number, _fields(call, ("phone_number", "code_verification_status")))


async def remove_from_pool(call: Call) -> dict[str, Any]:
    await numbers.remove_from_pool(call.network.pool, call.scene.realm.account_id, call.number.id)
    return {"success": True}
