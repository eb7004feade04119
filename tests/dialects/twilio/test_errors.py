"""Every way to fail ends in the one shape of this dialect's errors."""

from typing import Any

import pytest

from tabard.dialects.twilio.errors import FAULTS, fault_of, render
from tabard.dialects.twilio.mapping import sid
from tabard.dialects.twilio.troubles import TROUBLES
from tabard.domain import errors as domain_errors
from tabard.domain.errors import IllegalSignal, TabardError
from tabard.domain.ids import new_sender_id
from tabard.domain.sender import Link, NameChange, NameReview, Trouble
from tabard.http import errors as http_errors
from tests.support.twilio_service import (
    NOON,
    NUMBER,
    SENDERS,
    STRANGER,
    TwilioService,
    account_sid,
    assert_canonical_error,
    assert_common_headers,
    basic,
)

BAD_BODIES = {
    "empty": (b"", "the request body is empty"),
    "blank": (b" \n", "the request body is empty"),
    "not JSON": (b"sender_id=whatsapp:+15550100101", "not valid JSON"),
    "trailing comma": (b'{"sender_id": "whatsapp:+15550100101",}', "not valid JSON"),
    "not UTF-8": (b'{"sender_id": "\xff"}', "not valid JSON"),
    "list": (b"[]", "must be a JSON object"),
    "null": (b"null", "must be a JSON object"),
    "number": (b"1", "must be a JSON object"),
    "too deep": (b'{"a":' * 2000 + b"1" + b"}" * 2000, "not valid JSON"),
    "lone surrogate": (b'{"sender_id": "\\ud800"}', "not valid JSON"),
    "raw NUL": (b'{"sender_id": "\x00"}', "not valid JSON"),
    "NaN": (b'{"sender_id": NaN}', "not valid JSON"),
}

RCS = {"sender_id": "rcs:example_cafe"}
BAD_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "no sender_id": ({"profile": {"name": "Example"}}, "sender_id: is required"),
    "no name": ({"sender_id": NUMBER}, "profile.name: is required"),
    "blank name": ({"profile": {"name": ""}}, "profile.name: is required"),
    "number for string": ({"sender_id": 15550100101}, "sender_id: must be a string"),
    "null sender_id": ({"sender_id": None}, "sender_id: must be a string"),
    "no channel": ({"sender_id": "+15550100101"}, "sender_id: must be whatsapp:"),
    "not a number": ({"sender_id": "whatsapp:baker"}, "sender_id: must be a telephone number"),
    "unknown country": ({"sender_id": "whatsapp:+2100100101"}, "sender_id: +2100100101 does not start"),
    "agent's name": ({"sender_id": "rcs:example cafe"}, "sender_id: must be 1 to 100 letters, digits, hyphens and"),
    "no agent's name": ({"sender_id": "rcs:"}, "sender_id: must be 1 to 100 letters"),
    "other channel": ({"sender_id": "sms:+15550100101"}, "sender_id: must be whatsapp: and a telephone number in"),
    "agent's display name": ({**RCS, "profile": {"name": "x" * 41}}, "profile.name: must be at most 40 characters"),
    "description": ({**RCS, "profile": {"description": "x" * 101}}, "profile.description: must be at most 100"),
    "four websites": ({**RCS, "profile": {"websites": ["https://example.com"] * 4}}, "profile.websites: must be at"),
    "no phone": ({**RCS, "profile": {"phone_numbers": ["call me"]}}, "profile.phone_numbers[0]: must be a telephone"),
    "compliance is a list": ({**RCS, "compliance": []}, "compliance: must be an object"),
    "no country": ({**RCS, "compliance": {"countries": [{}]}}, "compliance.countries[0].country: is required"),
    "country's name": (
        {**RCS, "compliance": {"countries": [{"country": "Sweden"}]}},
        "compliance.countries[0].country: must be a country code of two letters",
    ),
    "unknown country code": (
        {**RCS, "compliance": {"countries": [{"country": "SE"}, {"country": "ZZ"}]}},
        "compliance.countries[1].country: ZZ is no country",
    ),
    "registration": ({**RCS, "compliance": {"registration_sid": "BN1"}}, "compliance.registration_sid: must be the"),
    "country's registration": (
        {**RCS, "compliance": {"countries": [{"country": "SE", "registration_sid": "1"}]}},
        "compliance.countries[0].registration_sid: must be the SID",
    ),
    "camelCase is named in snake_case": ({"senderId": 5}, "sender_id: must be a string"),
    "NUL": ({"profile": {"name": "a\0b"}}, "profile.name: must not contain a NUL"),
    "friendly_name too long": ({"friendly_name": "x" * 256}, "friendly_name: must have at most 255"),
    "section is a list": ({"profile": []}, "profile: must be an object"),
    "about too long": ({"profile": {"name": "E", "about": "x" * 140}}, "profile.about: must be at most 139"),
    "vertical": ({"profile": {"name": "E", "vertical": "AUTO"}}, "profile.vertical: must be one of 'Alcohol', 'Auto"),
    "vertical is a list": ({"profile": {"name": "E", "vertical": []}}, "profile.vertical: must be one of"),
    "email": ({"profile": {"name": "E", "emails": ["nobody"]}}, "profile.emails[0]: must be an e-mail"),
    "email entry": ({"profile": {"name": "E", "emails": [{"email": 5}]}}, "profile.emails[0].email: must be a string"),
    "email key": ({"profile": {"name": "E", "emails": [{"label": "x"}]}}, "profile.emails[0].email: is required"),
    "emails": ({"profile": {"name": "E", "emails": 7}}, "profile.emails: must be a string, an object or a list"),
    "many emails": ({"profile": {"name": "E", "emails": ["a@example.com"] * 21}}, "profile.emails: must have at most"),
    "three websites": (
        {"profile": {"name": "E", "websites": ["https://example.com"] * 3}},
        "profile.websites: must be",
    ),
    "website": ({"profile": {"name": "E", "websites": "example.com"}}, "profile.websites[0]: must start with"),
    "privacy": ({"profile": {"name": "E", "privacy_url": "ftp://a"}}, "profile.privacy_url: must start with"),
    "colour": ({"profile": {"name": "E", "accent_color": "red"}}, "profile.accent_color: must be a colour"),
    "use case": ({"profile": {"name": "E", "useCase": "SPAM"}}, "profile.use_case: must be one of"),
    "GET": ({"webhook": {"callback_method": "GET"}}, "webhook.callback_method: must be one of 'POST', 'PUT'"),
    "status GET": ({"webhook": {"statusCallbackMethod": "get"}}, "webhook.status_callback_method: must be one of"),
    "callback": ({"webhook": {"callback_url": "example.com"}}, "webhook.callback_url: must be an http"),
    "method": ({"configuration": {"verification_method": "pigeon"}}, "configuration.verification_method: must be one"),
    "account type": ({"configuration": {"account_type": "isv"}}, "configuration.account_type: must be one of"),
    "account": ({"configuration": {"waba_id": "12a"}}, "configuration.waba_id: must be the id"),
    "application": ({"configuration": {"voice_application_sid": "AP1"}}, "configuration.voice_application_sid: must"),
    "code": ({"configuration": {"verification_code": "123456"}}, "configuration.verification_code: belongs in an"),
}

WRONG_SIDS = (
    "XE",
    "XE" + "0" * 31,
    "XE" + "0" * 33,
    "XE" + "g" * 32,
    "xe" + "0" * 32,
    "AC" + "0" * 32,
    "XE" + "\N{ARABIC-INDIC DIGIT ZERO}" * 32,
    "XE" + "0" * 32 + "%0A",
    "%00",
)

BAD_QUERIES = {
    "": (20001, "Channel: is required"),
    "Channel=": (20001, "Channel: must be one of"),
    "Channel=sms": (20001, "Channel: must be one of"),
    "channel=whatsapp": (20001, "Channel: is required"),
    "Channel=whatsapp&PageSize=0": (20001, "PageSize: "),
    "Channel=whatsapp&PageSize=ten": (20001, "PageSize: must be a whole number"),
    "Channel=whatsapp&PageSize=1001": (20007, "PageSize: must be at most 1000"),
    "Channel=whatsapp&Page=-1": (20001, "Page: "),
    "Channel=whatsapp&Page=99999999999999999999999": (20001, "Page: "),
    "Channel=whatsapp&PageToken=PAXE1": (20001, "PageToken: is not a page token"),
    "Channel=whatsapp&PageToken=%FF%00": (20001, "PageToken: is not a page token"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_body_that_is_no_json_object(service, name, method):
    body, says = BAD_BODIES[name]
    path = SENDERS if method == "POST" else f"{SENDERS}/{(await service.create())['sid']}"
    assert_canonical_error(await service.call(method, path, raw=body), 400, 63100, says=says)


@pytest.mark.parametrize("name", BAD_FIELDS)
async def test_wrong_field_is_named(service, name):
    fields, says = BAD_FIELDS[name]
    if name not in {"no sender_id", "no name"}:
        fields = {"profile": {"name": "Example"}, **fields}
        if "senderId" not in fields:
            fields.setdefault("sender_id", NUMBER)
    response = await service.call("POST", body=fields)
    assert_canonical_error(response, 400, 63100)
    assert response.json()["message"].startswith(says)
    assert not service.world.senders


async def test_ten_megabytes(service):
    body = b'{"sender_id": "' + b"x" * 10_000_000 + b'"}'
    assert_canonical_error(await service.call("POST", raw=body), 413, 20413)


@pytest.mark.parametrize("text", WRONG_SIDS)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_malformed_sid(service, method, text):
    response = await service.call(method, f"{SENDERS}/{text}", {"friendly_name": "Mine now"})
    assert_canonical_error(response, 404, 20404, says=f"The requested resource {SENDERS}/")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_sender_that_is_not_the_callers(service, method):
    mine = (await service.create())["sid"]
    stranger = basic(account_sid(STRANGER), "token-of-a-stranger")
    body = {"friendly_name": "Mine now"} if method in {"POST", "PATCH"} else None
    elsewhere = await service.call(method, f"{SENDERS}/{mine}", body, headers=stranger)
    assert_canonical_error(elsewhere, 404, 20404, says=f"The requested resource {SENDERS}/{mine} was not found")
    nowhere = await service.call(method, f"{SENDERS}/{sid(new_sender_id())}", body)
    assert_canonical_error(nowhere, 404, 20404)
    assert (await service.call("GET", f"{SENDERS}/{mine}")).json()["friendly_name"] is None


async def test_sid_in_another_case(service):
    mine = (await service.create())["sid"]
    shouted = "XE" + mine[2:].upper()
    assert shouted != mine
    assert_canonical_error(await service.call("GET", f"{SENDERS}/{shouted}"), 404, 20404, says=shouted)


@pytest.mark.parametrize("path", ["/v2/channels/senders", "/v2/Channels/Senders/", "/v2/", "/V2/Channels/Senders"])
async def test_unknown_path(service, path):
    response = await service.call("GET", path)
    assert_canonical_error(response, 404, 20404, says=f"The requested resource {path} was not found")


@pytest.mark.parametrize(("method", "path"), [("PUT", SENDERS), ("DELETE", SENDERS), ("PUT", f"{SENDERS}/XE1")])
async def test_method_that_is_not_offered(service, method, path):
    response = await service.call(method, path)
    assert_canonical_error(response, 405, 20004, says=method)
    allowed = {"POST", "GET"} if path == SENDERS else {"GET", "POST", "PATCH", "DELETE"}
    assert set(response.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("query", BAD_QUERIES)
async def test_wrong_query(service, query):
    code, says = BAD_QUERIES[query]
    assert_canonical_error(await service.call("GET", f"{SENDERS}?{query}"), 400, code, says=says)


async def test_address_twice(service):
    await service.create()
    again = await service.call("POST", body={"sender_id": NUMBER, "profile": {"name": "Another"}})
    assert_canonical_error(again, 409, 63100, says="sender_id provided already exists")


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9"])
async def test_unusable_idempotency_key(service, key):
    headers = {"Idempotency-Key": key.encode("latin-1")}
    response = await service.call("POST", body={"sender_id": NUMBER, "profile": {"name": "E"}}, headers=headers)
    assert_canonical_error(response, 400, 20001, says="Idempotency-Key: must be 1 to 255 printable")


async def test_idempotency_key_for_another_request(service):
    headers = {"Idempotency-Key": "one"}
    first = await service.call("POST", body={"sender_id": NUMBER, "profile": {"name": "E"}}, headers=headers)
    assert first.status_code == 202
    other = {"sender_id": "whatsapp:+15550100102", "profile": {"name": "E"}}
    assert_canonical_error(await service.call("POST", body=other, headers=headers), 409, 20409)


async def test_display_names_that_cannot_be_taken_up(service):
    mine = (await service.create())["sid"]
    service.put(mine, name_change=NameChange("Example Cafe", NameReview.PENDING, NOON), link=Link(network_id="1"))
    path = f"{SENDERS}/{mine}"
    busy = await service.call("POST", path, {"profile": {"name": "Example Bistro"}})
    assert_canonical_error(busy, 409, 63128, says="Example Cafe")
    service.put(mine, name_change=NameChange("Example Cafe", NameReview.DECLINED, NOON, "too much like another"))
    declined = await service.call("POST", path, {"profile": {"name": "Example Cafe"}})
    assert_canonical_error(declined, 400, 63124, says="too much like another")


async def test_code_that_nobody_waits_for(service):
    mine = (await service.create())["sid"]
    response = await service.call("POST", f"{SENDERS}/{mine}", {"configuration": {"verification_code": "123456"}})
    assert_canonical_error(response, 400, 63100, says="configuration.verification_code: no code is awaited")
    malformed = await service.call("POST", f"{SENDERS}/{mine}", {"configuration": {"verification_code": "12"}})
    assert_canonical_error(malformed, 400, 63100, says="configuration.verification_code: must be the 6 digits")


async def test_account_that_asks_too_often():
    service = await TwilioService(rate=1.0).open()
    assert (await service.call("GET", f"{SENDERS}?Channel=whatsapp")).status_code == 200
    response = await service.call("GET", f"{SENDERS}?Channel=whatsapp")
    assert_canonical_error(response, 429, 20429, says="Too Many Requests")
    assert int(response.headers["retry-after"]) >= 1


async def test_fault_of_the_service_tells_nothing(service, monkeypatch, capsys):
    async def broken(*_args, **_kwargs):
        raise RuntimeError("the database password is swordfish")

    monkeypatch.setattr(service.services.senders, "fetch", broken)
    response = await service.call("GET", f"{SENDERS}/{sid(new_sender_id())}")
    assert_canonical_error(response, 500, 20500, says="An internal server error has occurred")
    assert "swordfish" not in response.text
    assert "request.failed" in "".join(capsys.readouterr())


async def test_preflight_needs_no_credentials(service):
    response = await service.client.options(SENDERS, headers={"Origin": "https://example.com"})
    assert response.status_code == 204
    assert_common_headers(response)


_EXPECTED = [
    kind
    for module in (domain_errors, http_errors)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, TabardError) and not kind.__subclasses__()
]


_NEVER_HERE = {
    domain_errors.CodeRefused,  # only where a network is asked while the caller waits, which Twilio's calls don't
    domain_errors.NetworkRefused,
    domain_errors.LaunchIncomplete,  # Twilio has no launch call: what is missing becomes an offline reason
    domain_errors.TooManySubscriptions,  # there are none in Twilio's words
    domain_errors.WrongStatus,
    IllegalSignal,
}


@pytest.mark.parametrize("kind", _EXPECTED, ids=lambda kind: kind.__name__)
def test_every_expected_error_has_a_fault(kind):
    assert (fault_of(kind) is FAULTS[Exception]) == (kind in _NEVER_HERE)


def test_fault_of_ours_shows_nothing_of_the_error():
    assert b"internal server error" in render(IllegalSignal("a whatsapp sender that is deleted"), "/").body


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_has_a_code(trouble):
    code, message = TROUBLES[trouble]
    assert code.isdigit()
    assert message


async def test_business_account_of_a_number_that_is_in_one(service):
    mine = (await service.create())["sid"]
    service.put(mine, link=Link(network_id="1"))
    response = await service.call("POST", f"{SENDERS}/{mine}", {"configuration": {"waba_id": "155501002"}})
    assert_canonical_error(response, 400, 63100, says="configuration.waba_id: can't be changed")
