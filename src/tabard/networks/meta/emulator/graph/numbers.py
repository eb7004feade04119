"""Phone numbers as a set: reading one, listing a business account's, adding one."""

import base64
import re
from dataclasses import replace
from typing import Any

import phonenumbers

from tabard.networks.meta.emulator import faults
from tabard.networks.meta.emulator.graph import selection
from tabard.networks.meta.emulator.graph.number_node import DEFAULT_FIELDS, NODE, READERS, View
from tabard.networks.meta.emulator.graph.request import Call
from tabard.networks.meta.emulator.memory import numbers as memory
from tabard.networks.meta.emulator.memory import realms
from tabard.networks.meta.emulator.network import Network
from tabard.networks.meta.emulator.outcomes import outcome_of
from tabard.networks.meta.emulator.state import Number, Scene
from tabard.networks.meta.wire import CodeVerification, NameStatus, NumberStatus

REGISTRATIONS = 10
"""Registrations and deregistrations of a number in a window of 72 hours, at most."""

_NAME_LENGTH = range(2, 76)
_DIGITS = re.compile(r"[1-9][0-9]{6,14}")


# reading


async def read(call: Call) -> dict[str, Any]:
    chosen = selection.chosen(call.parameters.text("fields", most=5000), DEFAULT_FIELDS)
    return selection.render(NODE, READERS, View(call.number, call.scene, call.network), chosen)


async def refuse_delete(call: Call) -> dict[str, Any]:
    """Only a person can delete a number, in WhatsApp Manager."""
    raise faults.unsupported(call.request.method)


async def list_numbers(call: Call) -> dict[str, Any]:
    wanted = _wanted(call)
    chosen = selection.chosen(call.parameters.text("fields", most=5000), DEFAULT_FIELDS)
    found = await memory.page(call.network.pool, call.scene, call.waba.id, wanted) if wanted is not None else []
    if wanted is None or not found:
        return {"data": []}
    more = len(found) > wanted.limit
    if more:
        found = found[1:] if wanted.before is not None else found[:-1]
    data = [selection.render(NODE, READERS, View(number, call.scene, call.network), chosen) for number in found]
    first, last = _cursor(found[0]), _cursor(found[-1])
    paging: dict[str, Any] = {"cursors": {"before": first, "after": last}}
    if more if wanted.before is None else True:
        paging["next"] = call.request.link(after=last)
    if more if wanted.before is not None else wanted.after is not None:
        paging["previous"] = call.request.link(before=first)
    return {"data": data, "paging": paging}


def _cursor(number: Number) -> str:
    return base64.urlsafe_b64encode(number.id.encode()).decode().rstrip("=")


def _number_at(cursor: str | None) -> str | None:
    if not cursor:
        return None
    try:
        number_id = base64.urlsafe_b64decode(cursor.encode() + b"==").decode("ascii")
    except ValueError:
        number_id = ""
    if not number_id.isdigit():
        raise faults.invalid("Invalid cursors values")
    return number_id


def _wanted(call: Call) -> memory.Wanted | None:
    """None where the filters leave nothing."""
    parameters = call.parameters
    after, before = _number_at(parameters.text("after")), _number_at(parameters.text("before"))
    limit = parameters.integer("limit", least=1, most=10**6) or 25
    wanted = memory.Wanted(min(limit, 100), after, None if after else before)
    wanted = _sorted(wanted, parameters.text("sort", most=64))
    for field, value in _filters(parameters.nested("filtering")):
        if field == "messaging_limit_tier":
            wanted = replace(wanted, tier=str(value))
        elif (field == "account_mode" and value != "LIVE") or (
            field != "account_mode" and value not in {False, "false"}
        ):
            return None
    return wanted


def _sorted(wanted: memory.Wanted, order: str | None) -> memory.Wanted:
    if not order:
        return wanted
    found = _ORDER.fullmatch(order)
    if found is None:
        raise faults.invalid("Parameter sort must be creation_time or last_onboarded_time, with .asc or .desc.")
    sort = memory.Sort.CREATED if found[1] == "creation_time" else memory.Sort.ONBOARDED
    return replace(wanted, sort=sort, descending=found[2] == "desc")


def _filters(filtering: object) -> list[tuple[str, object]]:
    if not filtering:
        return []
    rows = filtering if isinstance(filtering, list) else [filtering]
    filters = []
    for row in rows:
        if not isinstance(row, dict) or row.get("field") not in _FILTERS or row.get("operator") != "EQUAL":
            raise faults.invalid(f"Parameter filtering takes EQUAL on one of {', '.join(_FILTERS)}.")
        if not isinstance(row.get("value"), str | bool):
            raise faults.invalid("A filter needs a value.")
        filters.append((row["field"], row["value"]))
    return filters


_ORDER = re.compile(r"(?:\[')?(creation_time|last_onboarded_time)(?:[._](asc|desc)(?:ending)?)?(?:'\])?")
_FILTERS = ("account_mode", "messaging_limit_tier", "is_official_business_account")


# adding


async def add(call: Call) -> dict[str, Any]:
    parameters, pool = call.parameters, call.network.pool
    claimed = await _claimed(call)
    migrates = parameters.flag("migrate_phone_number")
    if claimed is not None:
        digits = claimed.digits
    else:
        digits = international(_calling_code(call), parameters.required("phone_number", most=32))
    name = checked_name(parameters.text("verified_name"), "verified_name", optional=migrates or claimed is not None)
    await fail_by_choice(call.network, call.scene, digits)
    outcome = outcome_of(digits)
    if outcome.cap_reached:
        raise faults.number_cap()
    held = await memory.holders(pool, call.scene.realm.account_id, digits) if migrates else []
    source = next((number for number in held if number.waba_id != call.waba.id), None)
    number = new_number(call.scene, digits, name)
    if claimed is not None:
        number = replace(number, verification=claimed.verification_at(call.scene.now), preverified=True)
    if source is not None:
        number = replace(
            number,
            migrating=True,
            verified_name=source.verified_name,
            name_status=source.name_status,
            quality=source.quality,
            limit_tier=source.limit_tier,
        )
    await _insert(call, number, elsewhere=outcome.in_use_elsewhere and not migrates)
    if claimed is not None:
        await memory.remove_from_pool(pool, call.scene.realm.account_id, claimed.id)
    return {"id": number.id}


async def _insert(call: Call, number: Number, *, elsewhere: bool) -> None:
    """Cap, then duplicate, then use elsewhere: the order in which Meta looks."""
    scene, pool = call.scene, call.network.pool
    added: bool | None
    if elsewhere:
        raise faults.number_in_use()
    if scene.realm.number_cap is not None and not number.migrating:
        added = await memory.add_below(pool, scene, number, scene.realm.number_cap)
    else:
        added = await memory.add(pool, scene, number)
    if added is None:
        raise faults.number_cap()
    if not added:
        held = await memory.holders(pool, scene.realm.account_id, number.digits)
        here = any(other.waba_id == number.waba_id for other in held)
        raise faults.number_present() if here or not held else faults.number_in_use()


async def _claimed(call: Call) -> Number | None:
    """The number of the pre-verified pool that the call names."""
    preverified_id = call.parameters.text("preverified_id", most=32)
    if not preverified_id:
        return None
    for number in await memory.pool_numbers(call.network.pool, call.scene.realm.account_id, 1000):
        if number.id == preverified_id and number.verification_at(call.scene.now) == CodeVerification.VERIFIED:
            return number
    raise faults.invalid("Parameter preverified_id must name a verified number of the pre-verified pool.")


def new_number(scene: Scene, digits: str, name: str | None) -> Number:
    """The number as it starts: in the scene's business account, or in the pre-verified pool where there is none."""
    outcome = outcome_of(digits)
    parsed = _parsed(digits)
    code = parsed.country_code if parsed is not None else None
    region = phonenumbers.region_code_for_number(parsed) if parsed is not None else None
    return Number(
        id=realms.new_id("7"),
        waba_id=scene.waba.id if scene.waba is not None else None,
        digits=digits,
        display=_display(digits, parsed),
        country=region or (phonenumbers.region_code_for_country_code(code) if code else "ZZ"),
        calling_code=str(code or ""),
        verified_name=name,
        created_at=scene.now,
        verification=CodeVerification.VERIFIED if outcome.verified else CodeVerification.NOT_VERIFIED,
        verified_at=scene.now if outcome.verified else None,
        connection=NumberStatus.PENDING,
        connecting=False,
        banned=False,
        migrating=False,
        preverified=scene.waba is None,
        name_status=NameStatus.DECLINED if outcome.name_declined else NameStatus.AVAILABLE_WITHOUT_REVIEW,
        new_name=None,
        new_name_status=NameStatus.NONE,
        quality="UNKNOWN",
        limit_tier=outcome.limit,
        pin_hash=b"unknown" if outcome.has_unknown_pin else None,
        pin_failures=0,
        pin_locked_until=None,
        code=None,
        code_expires_at=None,
        code_failures=0,
        code_requests=[],
        registrations=[scene.now] * REGISTRATIONS if outcome.registrations_used_up else [],
        onboarded_at=None,
        data_region=None,
        search_visibility="VISIBLE",
        profile="{}",
        override_url=None,
        override_token=None,
        version=1,
    )


async def fail_by_choice(network: Network, scene: Scene, digits: str) -> None:
    """Raise the failure that the number's last digits ask for, as often as they ask for it."""
    times = outcome_of(digits).failing_calls
    if times and await memory.fails_again(network.pool, scene.realm.account_id, digits, times):
        raise faults.GraphFault(2, "The network is out of order for this phone number.", status=500)


def _calling_code(call: Call) -> str:
    """Meta documents `cc`; pywa, and the examples it follows, say `country_code`."""
    name = "cc" if "cc" in call.parameters or "country_code" not in call.parameters else "country_code"
    code = call.parameters.required(name, most=8).lstrip("+")
    if not re.fullmatch(r"[1-9][0-9]{0,2}", code):
        raise faults.invalid(f"Parameter {name} must be a country calling code of 1 to 3 digits.")
    return code


def international(calling_code: str, text: str) -> str:
    """All the digits of a number that may be written with or without its calling code. Raises `GraphFault`.

    Meta's reference has it without, its OpenAPI document with it; a national number may itself start with the same
    digits. What libphonenumber takes for a number decides, and the length where both ways are possible.
    """
    plain = re.sub(r"[\s().+-]", "", text)
    if text.strip().startswith("+") or (plain.startswith(calling_code) and _is_whole(plain, calling_code + plain)):
        digits = plain
    else:
        digits = calling_code + plain
    if not _DIGITS.fullmatch(digits) or not digits.startswith(calling_code):
        raise faults.invalid("Parameter phone_number must be a phone number of 7 to 15 digits.")
    return digits


def _is_whole(plain: str, prefixed: str) -> bool:
    for test in (phonenumbers.is_valid_number, phonenumbers.is_possible_number):
        whole, lacking = ((parsed := _parsed(digits)) is not None and test(parsed) for digits in (plain, prefixed))
        if whole != lacking:
            return bool(whole)
    return len(plain) >= 11


def _display(digits: str, parsed: phonenumbers.PhoneNumber | None) -> str:
    """As Meta writes numbers: +1 555-010-0001."""
    if parsed is None:
        return f"+{digits}"
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _parsed(digits: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return None


def checked_name(text: str | None, parameter: str, *, optional: bool = False) -> str | None:
    if text is None or not text.strip():
        if optional:
            return None
        raise faults.missing(parameter)
    if len(text) not in _NAME_LENGTH:
        raise faults.invalid(f"Parameter {parameter} must have 2 to 75 characters.")
    return text
