"""Test devices of an RCS sender: phones that may receive from it before it is launched.

There are never more than 200, and they lie in the sender's row: pages are cut from the whole list.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from tabard.app import agents as agent_app
from tabard.app import senders as sender_app
from tabard.app.services import Services
from tabard.dialects.twilio import mapping, wire
from tabard.dialects.twilio.errors import BadParameter, PageSizeTooLarge
from tabard.domain.agents.agent import Tester, TesterStatus
from tabard.domain.lifecycle import Channel
from tabard.http.surface import Answer, Call

STATUSES: Mapping[TesterStatus, wire.TestDeviceStatusWord] = {
    TesterStatus.WAITING: "PENDING",
    TesterStatus.INVITED: "PENDING",
    TesterStatus.ACCEPTED: "ACCEPTED",
    TesterStatus.DECLINED: "DECLINED",
    TesterStatus.UNREACHABLE: "DECLINED",
    TesterStatus.LEAVING: "DECLINED",
}


async def create_test_device(services: Services, call: Call) -> Answer:
    request = wire.read(wire.CreateTestDevice, call.body)
    sender_id = mapping.sender_id(call.path["Sid"])
    testers = await agent_app.add_testers(services, call.principal, sender_id, [request.phone_number])
    added = next(tester for tester in testers if tester.address == request.phone_number)
    return Answer(201, orjson.dumps(_device(added)))


async def list_test_devices(services: Services, call: Call) -> Answer:
    asked = _asked(call.query)
    sender_id = mapping.sender_id(call.path["Sid"])
    sender = await sender_app.fetch_sender(services, call.principal, sender_id, Channel.RCS)
    testers = sender.rcs.shown_testers
    start = asked.page * asked.page_size
    shown, more = testers[start : start + asked.page_size], len(testers) > start + asked.page_size
    base = f"{call.base_url}{mapping.COLLECTION}/{mapping.sid(sender.id)}/TestDevices?PageSize={asked.page_size}&Page="
    meta = {
        "page": asked.page,
        "page_size": asked.page_size,
        "first_page_url": f"{base}0",
        "previous_page_url": f"{base}{asked.page - 1}" if asked.page else None,
        "url": f"{base}{asked.page}",
        "next_page_url": f"{base}{asked.page + 1}" if more else None,
        "key": "test_devices",
    }
    return Answer(200, orjson.dumps({"phone_numbers": [_device(tester) for tester in shown], "meta": meta}))


def _device(tester: Tester) -> dict[str, Any]:
    return {"phone_number": tester.address, "status": STATUSES[tester.status]}


def _asked(query: Mapping[str, str]) -> wire.TestDevicesQuery:
    try:
        return wire.TestDevicesQuery.model_validate(query)
    except ValidationError as error:
        name, problem = wire.first_problem(error)
        if error.errors(include_url=False)[0]["type"] == "less_than_equal" and name == "PageSize":
            raise PageSizeTooLarge("PageSize: must be at most 1000") from None
        raise BadParameter(name, problem) from None
