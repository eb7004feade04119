"""The test numbers of an RCS sender: phones that see it before it is launched."""

import re
from collections.abc import Sequence

from tabard.app import agents as agent_app
from tabard.app.services import Services
from tabard.dialects.sinch.errors import Refusal
from tabard.dialects.sinch.rcs import wire
from tabard.dialects.sinch.rcs.answers import tester_answer
from tabard.dialects.sinch.reading import read, read_sender_id
from tabard.dialects.sinch.writing import answered
from tabard.http.surface import Answer, Call, Operation

TEST_NUMBER = r"^(\+|%2B)?[1-9][0-9]{6,14}$"

_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")
_FEATURES = frozenset({
    "ACTION_COMPOSE",
    "ACTION_CREATE_CALENDAR_EVENT",
    "ACTION_DIAL",
    "ACTION_OPEN_URL",
    "ACTION_OPEN_URL_IN_WEBVIEW",
    "ACTION_SHARE_LOCATION",
    "ACTION_VIEW_LOCATION",
    "REVOCATION",
    "RICHCARD_CAROUSEL",
    "RICHCARD_STANDALONE",
    "FEATURE_UNSPECIFIED",
})  # fmt: skip


async def add_test_numbers(services: Services, call: Call) -> Answer:
    sender_id = read_sender_id(call.path["senderId"])
    numbers = read(wire.TestNumbers, call.body).test_numbers
    testers = await agent_app.add_testers(services, call.principal, sender_id, numbers)
    return answered(200, {"testNumbers": [tester_answer(tester) for tester in testers]})


async def fetch_test_number(services: Services, call: Call) -> Answer:
    sender_id, number = read_sender_id(call.path["senderId"]), _number(call.path["testNumber"])
    return answered(200, tester_answer(await agent_app.fetch_tester(services, call.principal, sender_id, number)))


async def invite_again(services: Services, call: Call) -> Answer:
    sender_id, number = read_sender_id(call.path["senderId"]), _number(call.path["testNumber"])
    return answered(200, tester_answer(await agent_app.invite_again(services, call.principal, sender_id, number)))


async def remove_test_number(services: Services, call: Call) -> Answer:
    sender_id, number = read_sender_id(call.path["senderId"]), _number(call.path["testNumber"])
    await agent_app.remove_tester(services, call.principal, sender_id, number)
    return Answer(204)


async def fetch_capabilities(services: Services, call: Call) -> Answer:
    sender_id, number = read_sender_id(call.path["senderId"]), _number(call.path["testNumber"])
    features = await agent_app.capabilities(services, call.principal, sender_id, number)
    known = dict.fromkeys(feature if feature in _FEATURES else "UNRECOGNIZED" for feature in features)
    return answered(200, {"features": list(known)})


def _number(text: str) -> str:
    """The number in E.164 form; it may come without the plus, which gets lost in some clients. Raises `Refusal`."""
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise Refusal(
            400,
            "invalid_id_format",
            f"{text!r} is not a telephone number.",
            "Name the test number in E.164 form, such as %2B15550100123.",
        )
    return f"+{number[1]}"


_TEST_NUMBERS = "/v1/projects/{projectId}/rcs/senders/{senderId}/testNumbers"
_TEST_NUMBER = f"{_TEST_NUMBERS}/{{testNumber}}"
_CONTROLLER = "rcssenderscontroller"

OPERATIONS: Sequence[Operation] = (
    Operation(
        name=f"{_CONTROLLER}_addtestnumbers_v1",
        method="POST",
        path=_TEST_NUMBERS,
        handler=add_test_numbers,
        summary="Invite phones to test the sender, known ones anew. The answer has all of the sender's test numbers.",
        status=200,
        request=wire.TestNumbers,
        answer=wire.TestNumbersAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_gettestnumberstate_v1",
        method="GET",
        path=_TEST_NUMBER,
        handler=fetch_test_number,
        summary="How far a test number is with its invitation.",
        status=200,
        answer=wire.TestNumberAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_deletetestnumber_v1",
        method="DELETE",
        path=_TEST_NUMBER,
        handler=remove_test_number,
        summary="Let a test number go.",
        status=204,
    ),
    Operation(
        name=f"{_CONTROLLER}_gettestnumbercapabilities_v1",
        method="GET",
        path=f"{_TEST_NUMBER}/capabilities",
        handler=fetch_capabilities,
        summary="What a test number's phone can show, asked of the network at once.",
        status=200,
        answer=wire.CapabilitiesAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_retrytestnumber_v1",
        method="GET",
        path=f"{_TEST_NUMBER}/retry",
        handler=invite_again,
        summary="Invite a test number again. A GET that changes something: Sinch has it so.",
        status=200,
        answer=wire.TestNumberAnswer,
    ),
)
