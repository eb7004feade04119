"""Somebody else's Graph client (pywa) is the judge: it takes a number through its life in the emulated network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
import uvicorn
from pywa.errors import WhatsAppError
from pywa.types.others import Industry
from pywa_async.client import WhatsApp
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.support.meta_emulator import PIN, Realm, World, emulating, receiving

PHONE = "15550100001"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[str]:
    app = Starlette(routes=[Mount("/networks/meta", app=world.emulator.app)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
    running = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110 - uvicorn tells it by a flag only
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/networks/meta/v25.0"
    finally:
        server.should_exit = True
        await running


@pytest.fixture
async def world(pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with emulating(pool) as made:
        yield made


@pytest.fixture
async def realm(world: World) -> Realm:
    return await world.realm()


@pytest.fixture
async def pywa(realm: Realm, world: World) -> AsyncIterator[WhatsApp]:
    async with serving(world) as address, httpx.AsyncClient() as session:
        client = WhatsApp(
            token=realm.connection.token,
            session=session,
            waba_id=realm.waba,
            app_id=realm.connection.app_id,
            app_secret=realm.connection.app_secret,
        )
        session.base_url = address  # pywa sets Meta's own when it is made
        yield client


async def test_pywa_takes_a_number_online(pywa: WhatsApp, realm: Realm, world: World):
    created = await pywa.create_phone_number(
        country_calling_code="1", phone_number=PHONE[1:], verified_name="Acme Parcels"
    )
    number = created.id
    assert await pywa.request_verification_code(code_method="SMS", language_code="en", phone_id=number)
    assert await pywa.verify_phone_number(code=await realm.code_of(PHONE), phone_id=number)
    assert await pywa.register_phone_number(pin=PIN, phone_id=number)
    await world.settle()
    shown = await pywa.get_business_phone_number(phone_id=number)
    assert (shown.status, shown.display_phone_number) == ("CONNECTED", "+1 555-010-0001")
    assert shown.verified_name == "Acme Parcels"
    listed = await pywa.get_business_phone_numbers()
    assert [entry.id for entry in listed] == [number]
    assert await pywa.deregister_phone_number(phone_id=number)


async def test_pywa_sets_the_profile_and_its_picture(pywa: WhatsApp, realm: Realm):
    number = await realm.connected(PHONE)
    assert await pywa.update_business_profile(
        phone_id=number,
        about="Parcels, tracked",
        email="care@acme.example",
        industry=Industry.RETAIL,
        websites=["https://acme.example/"],
        profile_picture=PNG,
    )
    profile = await pywa.get_business_profile(phone_id=number)
    assert (profile.about, profile.industry, list(profile.websites or ())) == (
        "Parcels, tracked",
        Industry.RETAIL,
        ["https://acme.example/"],
    )
    assert profile.profile_picture_url
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(profile.profile_picture_url)).content == PNG


async def test_pywa_reads_accounts_and_renames(pywa: WhatsApp, realm: Realm, world: World):
    number = await realm.connected(PHONE)
    account = await pywa.get_business_account()
    assert account.id == realm.waba
    assert await pywa.update_display_name("Acme Parcels", phone_id=number)
    await world.settle()
    assert (await pywa.get_business_phone_number(phone_id=number)).new_name_status == "APPROVED"


async def test_pywa_subscribes_and_overrides(pywa: WhatsApp, realm: Realm):
    number = await realm.connected(PHONE)
    async with receiving() as own:
        own.verify_token = "let-me-in"
        assert await pywa.override_waba_callback_url(callback_url=own.url, verify_token="let-me-in")
        assert await pywa.override_phone_callback_url(callback_url=own.url, verify_token="let-me-in", phone_id=number)
        token = await pywa.get_app_access_token(int(realm.connection.app_id), realm.connection.app_secret)
        assert await pywa.set_app_callback_url(
            app_id=int(realm.connection.app_id),
            app_access_token=token,
            callback_url=own.url,
            verify_token="let-me-in",
            fields=("account_update",),
        )
    assert await pywa.delete_phone_callback_url(phone_id=number)
    assert await pywa.delete_waba_callback_url()


async def test_pywa_understands_our_refusals(pywa: WhatsApp, realm: Realm):
    number = await realm.add(PHONE)
    with pytest.raises(WhatsAppError) as refused:
        await pywa.register_phone_number(pin=PIN, phone_id=number)
    assert refused.value.code == 133006
    assert refused.value.details == "The phone number must be verified before it can be registered."
