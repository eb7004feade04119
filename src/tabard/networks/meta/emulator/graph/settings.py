"""What is set on a number: its PIN, display name, callback and visibility; and the profile that customers see."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from tabard.networks.meta.emulator import events, faults
from tabard.networks.meta.emulator.graph import selection
from tabard.networks.meta.emulator.graph.numbers import checked_name
from tabard.networks.meta.emulator.graph.request import Call
from tabard.networks.meta.emulator.memory import uploads
from tabard.networks.meta.emulator.pace import Stage
from tabard.networks.meta.emulator.state import Change, Notice, Number, Task, TaskKind
from tabard.networks.meta.wire import NameStatus

VERTICALS = (
    *("UNDEFINED", "OTHER", "AUTO", "BEAUTY", "APPAREL", "EDU", "ENTERTAIN", "EVENT_PLAN", "FINANCE", "GROCERY"),
    *("GOVT", "HOTEL", "HEALTH", "NONPROFIT", "PROF_SERVICES", "RETAIL", "TRAVEL", "RESTAURANT", "ALCOHOL"),
    *("ONLINE_GAMBLING", "PHYSICAL_GAMBLING", "OTC_DRUGS", "MATRIMONY_SERVICE"),
)
"""NOT_A_BIZ may be read, never written."""

_PIN = re.compile(r"[0-9]{6}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_WEB_URL = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)


def is_pin(text: str) -> bool:
    return _PIN.fullmatch(text) is not None


def pin_hash(number_id: str, pin: str) -> bytes:
    """Only keeps the PIN out of plain sight: no hash protects six digits."""
    return hashlib.sha256(f"{number_id}:{pin}".encode()).digest()


async def edit(call: Call) -> dict[str, Any]:
    number, tasks, notices = call.number, [], []
    given = [name for name in _EDITS if name in call.parameters]
    if not given:
        raise faults.invalid(f"One of the parameters {', '.join(_EDITS)} is required.")
    if "pin" in given:
        number, notice = _with_pin(call, number)
        notices.append(notice)
    if "search_visibility" in given:
        visibility = call.parameters.choice("search_visibility", ("VISIBLE", "NON_VISIBLE", "HIDDEN"))
        number = replace(number, search_visibility=visibility)
    if "new_display_name" in given:
        number, task = _with_name(call, number)
        tasks += [task] if task is not None else []
    if "webhook_configuration" in given:
        number = await _with_override(call, number)
    await call.save(Change(number, tuple(tasks), notices=tuple(notices)))
    return {"success": True}


_EDITS = ("pin", "new_display_name", "webhook_configuration", "search_visibility")


def _with_pin(call: Call, number: Number) -> tuple[Number, Notice]:
    pin = call.parameters.required("pin")
    if not is_pin(pin):
        raise faults.invalid("Parameter pin must be a string of 6 digits.")
    number = replace(number, pin_hash=pin_hash(number.id, pin), pin_failures=0, pin_locked_until=None)
    return number, events.pin_changed(number)


def _with_name(call: Call, number: Number) -> tuple[Number, Task | None]:
    """Asking twice for the same name is one request."""
    name = checked_name(call.parameters.text("new_display_name"), "new_display_name")
    pending = number.new_name_status == NameStatus.PENDING_REVIEW
    if pending and name != number.new_name:
        raise faults.invalid("A change of the display name is in review already.")
    if pending or name == number.verified_name:
        return number, None
    number = replace(number, new_name=name, new_name_status=NameStatus.PENDING_REVIEW)
    after = call.network.duration(Stage.NAME_REVIEW)
    return number, Task(TaskKind.NAME_REVIEW, after, name or "") if after is not None else None


async def _with_override(call: Call, number: Number) -> Number:
    configuration = call.parameters.nested("webhook_configuration")
    if not isinstance(configuration, Mapping):
        raise faults.invalid("Parameter webhook_configuration must be an object.")
    url, token = await checked_override(call, configuration)
    return replace(number, override_url=url, override_token=token)


async def checked_override(call: Call, values: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Address and verify token of an override that answers the check; both None for one that is to be cleared."""
    url, token = values.get("override_callback_uri"), values.get("verify_token")
    if url in {None, ""}:
        return None, None
    if not isinstance(url, str) or len(url) > 200 or "\0" in url:
        raise faults.invalid("Parameter override_callback_uri must be an address of at most 200 characters.")
    if not isinstance(token, str) or not token:
        raise faults.missing("verify_token")
    await call.network.check_callback(url, token)
    return url, token


# profile

_PROFILE_TEXTS = {"about": 139, "address": 256, "description": 512, "email": 128}


async def read_profile(call: Call) -> dict[str, Any]:
    chosen = selection.chosen(call.parameters.text("fields", most=5000), tuple(_PROFILE_READERS))
    leaves = {**call.number.profile_leaves, "address_of_emulator": call.request.address}
    shown = selection.render("WhatsAppBusinessProfile", _PROFILE_READERS, leaves, chosen)
    return {"data": [{**shown, "messaging_product": "whatsapp"}]}


def _picture_url(leaves: dict[str, Any]) -> str | None:
    picture = leaves.get("picture")
    return f"{leaves['address_of_emulator']}/pictures/{picture}" if picture else None


def _leaf(name: str) -> Any:
    return lambda leaves: leaves.get(name)


_PROFILE_READERS: selection.Readers[dict[str, Any]] = {
    "messaging_product": lambda _: "whatsapp",
    "about": _leaf("about"),
    "address": _leaf("address"),
    "description": _leaf("description"),
    "email": _leaf("email"),
    "profile_picture_url": _picture_url,
    "websites": _leaf("websites"),
    "vertical": _leaf("vertical"),
}


async def edit_profile(call: Call) -> dict[str, Any]:
    """What is not given stays; what is given empty is cleared."""
    call.parameters.choice("messaging_product", ("WHATSAPP",))
    leaves = call.number.profile_leaves
    leaves.update(_profile_texts(call))
    if "websites" in call.parameters:
        leaves["websites"] = _websites(call.parameters.nested("websites"))
    if "vertical" in call.parameters:
        leaves["vertical"] = _vertical(call.parameters.text("vertical") or "UNDEFINED")
    if "profile_picture_handle" in call.parameters:
        leaves["picture"] = await _picture(call)
    kept = {name: value for name, value in leaves.items() if value}
    await call.save(Change(replace(call.number, profile=orjson.dumps(kept).decode())))
    return {"success": True}


def _profile_texts(call: Call) -> dict[str, object]:
    texts: dict[str, object] = {}
    for name, most in _PROFILE_TEXTS.items():
        text = call.parameters.text(name, most=most)
        if text is not None:
            texts[name] = text
    if texts.get("about") == "":
        raise faults.invalid("Parameter about must have 1 to 139 characters.")
    if texts.get("email") and not _EMAIL.fullmatch(str(texts["email"])):
        raise faults.invalid("Parameter email must be a valid e-mail address.")
    return texts


def _websites(value: object) -> list[str]:
    if value in ("", None):
        return []
    given = value if isinstance(value, list) else [value]
    if len(given) > 2:
        raise faults.invalid("Parameter websites may have at most 2 entries.")
    websites: list[str] = []
    for website in given:
        if not isinstance(website, str) or len(website) > 256 or not _WEB_URL.fullmatch(website):
            raise faults.invalid(
                "Each of the websites must be an http:// or https:// address of at most 256 characters."
            )
        websites.append(website)
    return websites


def _vertical(text: str) -> str:
    if text not in VERTICALS:
        raise faults.invalid(f"Parameter vertical must be one of {{{', '.join(VERTICALS)}}}.")
    return text


async def _picture(call: Call) -> str | None:
    handle = call.parameters.text("profile_picture_handle")
    if not handle:
        return None
    upload = await uploads.by_handle(call.network.pool, call.scene.realm.account_id, handle)
    if upload is None or upload.received != upload.length:
        raise faults.invalid("Parameter profile_picture_handle must be the handle of a finished upload.")
    if upload.media_type not in {"image/jpeg", "image/jpg", "image/png"}:
        raise faults.invalid("A profile picture must be a JPEG or a PNG image.")
    return upload.id
