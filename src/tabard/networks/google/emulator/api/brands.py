"""Brands: whom agents speak for."""

from tabard.networks.google.emulator import faults
from tabard.networks.google.emulator.api import shapes
from tabard.networks.google.emulator.api.request import PAGE_SIZE, Call, page_of
from tabard.networks.google.emulator.memory import brands as memory
from tabard.networks.google.emulator.state import Brand, Json

NAME_LENGTH = 100


async def create(call: Call) -> Json:
    name = _checked(call.message(shapes.BRAND).get("displayName"))
    return _rendered(await memory.add(call.network.pool, call.realm.account_id, name))


async def list_all(call: Call) -> Json:
    found = await memory.page(call.network.pool, call.realm.account_id, call.page_start(), PAGE_SIZE + 1)
    return page_of("brands", [(place, _rendered(brand)) for place, brand in found])


async def read(call: Call) -> Json:
    return _rendered(call.brand)


async def update(call: Call) -> Json:
    body, paths = call.masked(shapes.BRAND)
    after = shapes.merged({"displayName": call.brand.display_name}, body, paths)
    return _rendered(await memory.rename(call.network.pool, call.brand, _checked(after.get("displayName"))))


async def remove(call: Call) -> Json:
    if not await memory.remove(call.network.pool, call.brand):
        raise faults.precondition("The brand has agents.", "BRAND_HAS_AGENTS")
    return {}


def _checked(name: str | None) -> str:
    if not name or not name.strip():
        raise faults.invalid("display_name", "is required.")
    if len(name) > NAME_LENGTH:
        raise faults.invalid("display_name", f"may have at most {NAME_LENGTH} characters.")
    return name


def _rendered(brand: Brand) -> Json:
    return {"name": brand.name, "displayName": brand.display_name}
