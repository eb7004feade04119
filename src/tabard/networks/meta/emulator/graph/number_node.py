"""A phone number as the Graph shows it: its fields, and the health of all that a message would pass through."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tabard.networks.meta.emulator.graph import selection
from tabard.networks.meta.emulator.network import Network
from tabard.networks.meta.emulator.state import Number, Realm, Scene, Waba
from tabard.networks.meta.wire import CodeVerification, NameStatus, NumberStatus

NODE = "WhatsAppBusinessPhoneNumber"
DEFAULT_FIELDS = (
    "verified_name",
    "code_verification_status",
    "display_phone_number",
    "quality_rating",
    "platform_type",
    "throughput",
    "webhook_configuration",
    "last_onboarded_time",
)


@dataclass(frozen=True, slots=True)
class View:
    """A number as it is shown in a scene; `scene.number` may be another."""

    number: Number
    scene: Scene
    network: Network


def graph_time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+0000")


def _webhook_configuration(view: View) -> dict[str, str]:
    waba = view.scene.waba
    addresses = {
        "application": view.network.callback(view.scene.realm) if view.scene.realm.fields else None,
        "whatsapp_business_account": waba.override_url if waba is not None else None,
        "phone_number": view.number.override_url,
    }
    return {level: address for level, address in addresses.items() if address}


def _certificate(number: Number, name: str | None) -> str | None:
    if name is None or number.verification != CodeVerification.VERIFIED:
        return None
    return base64.b64encode(hashlib.sha512(f"{number.id}:{name}".encode()).digest()).decode()


_SEVERITY = ("AVAILABLE", "LIMITED", "BLOCKED")


def health(realm: Realm, waba: Waba | None, number: Number | None) -> dict[str, Any]:
    """The worst of the number, its business account, the business and the app."""
    entities = [
        {"entity_type": kind, "id": object_id, "can_send_message": "AVAILABLE"}
        for kind, object_id in (
            ("WABA", waba.id if waba is not None else None),
            ("BUSINESS", realm.business_id),
            ("APP", realm.app_id),
        )
        if object_id is not None
    ]
    if number is not None:
        entities.insert(0, {"entity_type": "PHONE_NUMBER", "id": number.id, **_number_health(number)})
    worst = max((str(entity["can_send_message"]) for entity in entities), key=_SEVERITY.index)
    return {"can_send_message": worst, "entities": entities}


def _number_health(number: Number) -> dict[str, Any]:
    if number.banned:
        return _blocked(
            131031, "The phone number is banned for a violation of a platform policy.", "Appeal the decision."
        )
    if number.connection != NumberStatus.CONNECTED:
        return _blocked(133010, "The phone number is not registered.", "Register the phone number.")
    if number.name_status == NameStatus.DECLINED:
        return {"can_send_message": "LIMITED", "additional_info": ["The display name was declined."]}
    return {"can_send_message": "AVAILABLE"}


def _blocked(code: int, description: str, solution: str) -> dict[str, Any]:
    error = {"error_code": code, "error_description": description, "possible_solution": solution}
    return {"can_send_message": "BLOCKED", "errors": [error]}


def _on_cloud(view: View) -> bool:
    return view.number.connection == NumberStatus.CONNECTED


READERS: selection.Readers[View] = {
    "id": lambda view: view.number.id,
    "display_phone_number": lambda view: view.number.display,
    "verified_name": lambda view: view.number.verified_name,
    "code_verification_status": lambda view: view.number.verification,
    "status": lambda view: view.number.status,
    "quality_rating": lambda view: view.number.quality,
    "quality_score": lambda view: {"score": view.number.quality},
    "name_status": lambda view: view.number.name_status,
    "new_name_status": lambda view: view.number.new_name_status,
    "new_display_name": lambda view: view.number.new_name,
    "account_mode": lambda _: "LIVE",
    "platform_type": lambda view: "CLOUD_API" if _on_cloud(view) else "NOT_APPLICABLE",
    "host_platform": lambda view: "CLOUD_API" if _on_cloud(view) else "NOT_APPLICABLE",
    "throughput": lambda view: {"level": "STANDARD" if _on_cloud(view) else "NOT_APPLICABLE"},
    "messaging_limit_tier": lambda view: view.number.tier(view.scene.realm),
    "whatsapp_business_manager_messaging_limit": lambda view: view.number.tier(view.scene.realm),
    "is_official_business_account": lambda _: False,
    "is_pin_enabled": lambda view: view.number.pin_hash is not None,
    "is_on_biz_app": lambda _: False,
    "is_preverified_number": lambda view: view.number.preverified,
    "search_visibility": lambda view: view.number.search_visibility,
    "last_onboarded_time": lambda view: view.number.onboarded_at and graph_time(view.number.onboarded_at),
    "country_code": lambda view: view.number.country,
    "country_dial_code": lambda view: view.number.calling_code,
    "certificate": lambda view: _certificate(view.number, view.number.verified_name),
    "new_certificate": lambda view: (
        _certificate(view.number, view.number.new_name) if view.number.new_name_status == NameStatus.APPROVED else None
    ),
    "unified_cert_status": lambda view: view.number.name_status,
    "webhook_configuration": _webhook_configuration,
    "health_status": lambda view: health(view.scene.realm, view.scene.waba, view.number),
    "conversational_automation": lambda _: None,
    "eligibility_for_api_business_global_search": lambda _: "NON_ELIGIBLE_UNDEFINED",
}
