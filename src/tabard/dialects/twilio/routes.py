"""The operations of the Senders API, one row each, and their handlers."""

import hashlib
from collections.abc import Sequence

import orjson
from pydantic import ValidationError

from tabard.app import senders as sender_app
from tabard.app.senders import Repeat
from tabard.app.services import Services
from tabard.dialects.twilio import mapping, wire
from tabard.dialects.twilio.errors import BadParameter
from tabard.dialects.twilio.paging import page_answer, page_request
from tabard.dialects.twilio.test_devices import create_test_device, list_test_devices
from tabard.domain.sender import Sender
from tabard.http.surface import Answer, Call, Operation


async def create_sender(services: Services, call: Call) -> Answer:
    request = wire.read(wire.CreateSender, call.body)

    def render(sender: Sender) -> bytes:
        return orjson.dumps(mapping.sender_answer(sender, call.base_url))

    answer = await sender_app.register_sender(
        services, call.principal, mapping.new_sender(request), render=render, repeat=_repeat(call, request)
    )
    return Answer(202, answer)


async def list_senders(services: Services, call: Call) -> Answer:
    asked = page_request(call.query)
    page = await sender_app.list_senders(
        services,
        call.principal,
        asked.channel,
        limit=asked.size,
        older_than=asked.older_than,
        newer_than=asked.newer_than,
    )
    return Answer(200, orjson.dumps(page_answer(asked, page, call.base_url)))


async def fetch_sender(services: Services, call: Call) -> Answer:
    sender = await sender_app.fetch_sender(services, call.principal, mapping.sender_id(call.path["Sid"]))
    return Answer(200, orjson.dumps(mapping.sender_answer(sender, call.base_url)))


async def update_sender(services: Services, call: Call) -> Answer:
    sender_id = mapping.sender_id(call.path["Sid"])
    request = wire.read(wire.UpdateSender, call.body)
    sender, outcome = await sender_app.update_sender(services, call.principal, sender_id, mapping.change(request))
    return Answer(202, orjson.dumps(mapping.update_answer(sender, call.base_url, request, outcome)))


async def delete_sender(services: Services, call: Call) -> Answer:
    await sender_app.delete_sender(services, call.principal, mapping.sender_id(call.path["Sid"]))
    return Answer(204)


def _repeat(call: Call, request: wire.CreateSender) -> Repeat | None:
    """Two requests are the same if they say the same: spelling of keys, spaces and unknown keys make no difference."""
    if "idempotency-key" not in call.headers:
        return None
    key = call.headers["idempotency-key"]
    try:
        wire.CreateHeaders.model_validate({"Idempotency-Key": key})
    except ValidationError as error:
        raise BadParameter("Idempotency-Key", wire.first_problem(error)[1]) from None
    meaning = b"POST " + mapping.COLLECTION.encode() + b"\n" + request.model_dump_json(exclude_unset=True).encode()
    return Repeat(key, hashlib.sha256(meaning).digest())


_SENDER = f"{mapping.COLLECTION}/{{Sid}}"

OPERATIONS: Sequence[Operation] = (
    Operation(
        name="CreateChannelsSender",
        method="POST",
        path=mapping.COLLECTION,
        handler=create_sender,
        summary="Register a sender. It is registered in the background: the answer shows it as CREATING.",
        status=202,
        request=wire.CreateSender,
        headers=wire.CreateHeaders,
        answer=wire.SenderAnswer,
    ),
    Operation(
        name="ListChannelsSender",
        method="GET",
        path=mapping.COLLECTION,
        handler=list_senders,
        summary="The account's senders on one channel, newest first, a page at a time.",
        status=200,
        query=wire.ListQuery,
        answer=wire.SendersAnswer,
    ),
    Operation(
        name="FetchChannelsSender",
        method="GET",
        path=_SENDER,
        handler=fetch_sender,
        summary="One sender.",
        status=200,
        answer=wire.SenderAnswer,
    ),
    Operation(
        name="UpdateChannelsSender",
        method="POST",
        path=_SENDER,
        handler=update_sender,
        summary="Change what the body names, hand in a one-time code, or ask for a new one.",
        status=202,
        request=wire.UpdateSender,
        answer=wire.SenderAnswer,
    ),
    Operation(
        name="PatchChannelsSender",
        method="PATCH",
        path=_SENDER,
        handler=update_sender,
        summary="The same as UpdateChannelsSender, whole answer included.",
        status=202,
        request=wire.UpdateSender,
        answer=wire.SenderAnswer,
    ),
    Operation(
        name="DeleteChannelsSender",
        method="DELETE",
        path=_SENDER,
        handler=delete_sender,
        summary="Delete a sender for good. It is gone at once; the network is told in the background.",
        status=204,
    ),
    Operation(
        name="CreateChannelsSenderTestDevice",
        method="POST",
        path=f"{_SENDER}/TestDevices",
        handler=create_test_device,
        summary="Invite a phone to test an RCS sender; one that is known already is invited anew.",
        status=201,
        request=wire.CreateTestDevice,
        answer=wire.TestDeviceAnswer,
    ),
    Operation(
        name="ListChannelsSenderTestDevices",
        method="GET",
        path=f"{_SENDER}/TestDevices",
        handler=list_test_devices,
        summary="The phones that test an RCS sender.",
        status=200,
        query=wire.TestDevicesQuery,
        answer=wire.TestDevicesAnswer,
    ),
)
