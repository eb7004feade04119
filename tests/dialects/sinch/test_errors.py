"""Every way to fail ends in the one shape of this dialect's errors, and says what to do."""

import orjson
import pytest
from pydantic import BaseModel, ValidationError

from tabard.dialects.sinch.dialect import Sinch
from tabard.dialects.sinch.errors import COMMON, FILES
from tabard.domain import errors as domain_errors
from tabard.domain.errors import (
    FieldsFrozen,
    FileFault,
    FileUnusable,
    IllegalSignal,
    LaunchIncomplete,
    NetworkRefused,
    TabardError,
    WrongStatus,
)
from tabard.domain.ids import new_sender_id
from tabard.domain.lifecycle import Status
from tabard.domain.sender import Trouble
from tabard.http import errors as http_errors
from tabard.ports.world import OutboundRefused
from tests.dialects.sinch.senders import REQUIRED, SENDER
from tests.support.sinch_service import (
    OTHER_PROJECT,
    PROJECT,
    SENDERS,
    STRANGERS,
    SinchService,
    assert_canonical_error,
)

ONE = f"{SENDERS}/{SENDER}"
LOGO = "https://example.com/logo.png"

OPERATIONS = [
    ("GET", "", None),
    ("PATCH", "", {"details": {"countries": ["GB"]}}),
    ("POST", "/launch", None),
    ("GET", "/activities", None),
    ("POST", "/comments", {"comment": "Mine now"}),
    ("POST", "/testNumbers", {"testNumbers": ["+15550100111"]}),
    ("GET", "/testNumbers/%2B15550100111", None),
    ("DELETE", "/testNumbers/%2B15550100111", None),
    ("GET", "/testNumbers/%2B15550100111/capabilities", None),
    ("GET", "/testNumbers/%2B15550100111/retry", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
async def test_sender_that_is_not_the_callers(service, method, path, body):
    mine = (await service.done("POST", SENDERS, REQUIRED, status=201))["id"]
    theirs = await service.call(method, f"{OTHER_PROJECT}/rcs/senders/{mine}{path}", body, headers=STRANGERS)
    assert_canonical_error(theirs, 404, "sender_not_found")
    nowhere = await service.call(method, f"{SENDERS}/{new_sender_id()}{path}", body)
    assert nowhere.content == theirs.content


@pytest.mark.parametrize("fault", FileFault)
@pytest.mark.parametrize("field", ["logoUrl", "bannerUrl"])
async def test_picture_that_is_unusable(service, fault, field):
    leaf = {"logoUrl": "logo_url", "bannerUrl": "banner_url"}[field]
    service.backstage.pictures.faults[LOGO] = FileUnusable(f"profile.{leaf}", fault, "must be smaller")
    details = {"brand": {field: LOGO}}
    created = await service.call("POST", SENDERS, {**REQUIRED, "details": details})
    expected = FILES[fault]
    says = f"details.brand.{field}: must be smaller"
    assert_canonical_error(created, expected.status, expected.code, says=says)
    assert not service.world.senders
    mine = (await service.done("POST", SENDERS, REQUIRED, status=201))["id"]
    updated = await service.call("PATCH", f"{SENDERS}/{mine}", {"details": details})
    assert updated.content == created.content


async def test_picture_that_cannot_be_had_is_a_warning_in_the_sandbox(service):
    service.backstage.pictures.faults[LOGO] = OutboundRefused("no way to example.com")
    await service.done("POST", SENDERS, {**REQUIRED, "details": {"brand": {"logoUrl": LOGO}}}, status=201)


@pytest.mark.parametrize(
    "path", ["/v1/projects/", "/V1/projects/x/rcs", f"{PROJECT}/rcs", f"{SENDERS}/", f"{ONE}/unlaunch"]
)
async def test_unknown_path(service, path):
    assert_canonical_error(await service.call("GET", path), 404, "not_found", says=path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", SENDERS, {"GET", "POST"}),
        ("DELETE", ONE, {"GET", "PATCH"}),
        ("GET", f"{ONE}/launch", {"POST"}),
        ("POST", f"{ONE}/testNumbers/+15550100111/retry", {"GET"}),
    ],
)
async def test_method_that_is_not_offered(service, method, path, allowed):
    response = await service.call(method, path)
    assert_canonical_error(response, 405, "method_not_allowed", says=method)
    assert set(response.headers["allow"].split(", ")) == allowed


async def test_ten_megabytes(service):
    body = b'{"region": "' + b"x" * 10_000_000 + b'"}'
    assert_canonical_error(await service.call("POST", raw=body), 413, "payload_too_large")


async def test_account_that_asks_too_often():
    service = await SinchService(rate=1.0).open()
    assert (await service.call("GET")).status_code == 200
    response = await service.call("GET")
    assert_canonical_error(response, 429, "rbm_too_many_requests", says="Too many requests.")
    assert int(response.headers["retry-after"]) >= 1
    assert "Retry-After" in response.json()["resolution"]


async def test_fault_of_the_service_tells_nothing(service, monkeypatch, capsys):
    async def broken(*_args, **_kwargs):
        raise RuntimeError("the database password is swordfish")

    monkeypatch.setattr(service.services.senders, "fetch", broken)
    response = await service.call("GET", ONE)
    assert_canonical_error(response, 500, "internal_error", says="An internal error has occurred.")
    assert "swordfish" not in response.text
    assert "request.failed" in "".join(capsys.readouterr())


# every error there is


class _Asked(BaseModel):
    number: int


def _invalid() -> ValidationError:
    try:
        _Asked.model_validate({"number": "x"})
    except ValidationError as error:
        return error
    raise AssertionError


EXAMPLES: dict[str, Exception] = {
    "FieldsFrozen": FieldsFrozen(["profile.name", "profile.logo_url"], "can't be changed"),
    "FileUnusable": FileUnusable("profile.logo_url", FileFault.TOO_LARGE, "must be smaller"),
    "InvalidInput": domain_errors.InvalidInput("profile.emails[1]", "must be an e-mail address"),
    "WrongStatus": WrongStatus(Status.DRAFT, "a draft can't be launched"),
    "CodeRefused": domain_errors.CodeRefused("code_rejected", "the code is wrong"),
    "LaunchIncomplete": LaunchIncomplete(["details.countries should not be empty"]),
    "NetworkRefused": NetworkRefused(Trouble.NETWORK_REFUSED, "the network said no"),
    "TooManyRequests": domain_errors.TooManyRequests(0.5),
    "MethodNotAllowed": http_errors.MethodNotAllowed("PUT", ("GET",)),
    "BodyTooLarge": http_errors.BodyTooLarge(1024),
    "ValidationError": _invalid(),
    "KeyError": KeyError("secret"),
}
for _module in (domain_errors, http_errors):
    for _name, _kind in vars(_module).items():
        if isinstance(_kind, type) and issubclass(_kind, TabardError) and _name not in EXAMPLES:
            EXAMPLES[_name] = _kind("something is wrong")

OURS = {"IllegalSignal", "KeyError", "TabardError", "NameDeclined", "TooManySubscriptions"}
"""Faults of ours, or, for RCS senders, what never happens."""


@pytest.mark.parametrize("name", EXAMPLES)
async def test_every_error_is_canonical(service, monkeypatch, name):
    async def failing(*_args, **_kwargs):
        raise EXAMPLES[name]

    monkeypatch.setattr(service.services.senders, "fetch", failing)
    response = await service.call("GET", ONE)
    assert_canonical_error(response, response.status_code, response.json()["errorCode"])
    assert (response.status_code == 500) == (name in OURS | {"NetworkRefused"})
    if name in OURS:
        assert response.json()["message"] == "An internal error has occurred."


@pytest.mark.parametrize("path", [f"{PROJECT}/whatsapp/senders/{SENDER}", f"{PROJECT}/whatsapp", "/v1/projects/"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_error_is_canonical_on_every_path(name, path):
    answer = Sinch().render(EXAMPLES[name], path)
    assert list(orjson.loads(answer.body))[:3] == ["errorCode", "message", "resolution"]
    assert 400 <= answer.status < 600


def test_fields_have_the_names_of_this_dialect():
    frozen = Sinch().render(EXAMPLES["FieldsFrozen"], ONE).body
    assert b"details.brand.name" in frozen
    assert b"details.brand.logoUrl" in frozen
    assert b"details.brand.emails.1.address must be an e-mail" in Sinch().render(EXAMPLES["InvalidInput"], ONE).body
    assert b"number must be an integer number" in Sinch().render(EXAMPLES["ValidationError"], ONE).body


@pytest.mark.parametrize("kind", [domain_errors.Busy, domain_errors.StaleVersion])
def test_what_passes_says_when_to_come_again(kind):
    answer = Sinch().render(kind("wait"), ONE)
    assert answer.status == 503
    assert ("Retry-After", "1") in answer.headers


def test_every_documented_fault_says_what_to_do():
    for fault in (*COMMON.values(), *FILES.values()):
        assert fault.resolution.endswith(".")
        assert fault.about
    listed = [(status, code) for status, code, _ in Sinch.documentation.faults]
    assert {401, 404} <= {status for status, _ in listed}


def test_illegal_signal_is_a_fault_of_ours():
    assert Sinch().render(IllegalSignal("a rcs sender that is deleted"), ONE).status == 500
