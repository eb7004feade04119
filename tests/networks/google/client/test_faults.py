"""What each of Google's refusals means for us. The expectations are written out, apart from the table they check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain.sender import Trouble
from tabard.networks.google import faults
from tabard.networks.google.faults import Operation, fault_of, read_error
from tabard.ports.networks import Decision, NetworkFault

RETRY, WAIT, GIVE_UP = Decision.RETRY, Decision.WAIT, Decision.GIVE_UP

HTTP = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
}


def fault(of: Operation, word: object, status: int = 400, **more: object) -> NetworkFault:
    error = read_error(status, {"error": {"code": status, "message": "What is wrong", "status": word, **more}})
    assert error is not None
    return fault_of(of, error, ("s3cret",), None)


def verdict(found: NetworkFault) -> tuple[Decision, Trouble, float | None]:
    return found.decision, found.trouble, found.after


PASSING = (RETRY, Trouble.NETWORK_UNAVAILABLE, None)
REFUSED = (GIVE_UP, Trouble.NETWORK_REFUSED, None)
DENIED = (GIVE_UP, Trouble.ACCESS_DENIED, None)
GONE = (GIVE_UP, Trouble.AGENT_GONE, None)
NO_BRAND = (GIVE_UP, Trouble.ACCOUNT_INVALID, None)
INCOMPLETE = (GIVE_UP, Trouble.LAUNCH_INCOMPLETE, None)
UNREACHABLE = (GIVE_UP, Trouble.PHONE_UNREACHABLE, None)
NOT_READY = (GIVE_UP, Trouble.TESTER_NOT_READY, None)

GENERAL = {
    "CANCELLED": PASSING,
    "UNKNOWN": PASSING,
    "INVALID_ARGUMENT": REFUSED,
    "DEADLINE_EXCEEDED": PASSING,
    "NOT_FOUND": GONE,
    "ALREADY_EXISTS": PASSING,
    "PERMISSION_DENIED": DENIED,
    "UNAUTHENTICATED": DENIED,
    "RESOURCE_EXHAUSTED": (WAIT, Trouble.NETWORK_UNAVAILABLE, 60),
    "FAILED_PRECONDITION": REFUSED,
    "ABORTED": PASSING,
    "OUT_OF_RANGE": REFUSED,
    "UNIMPLEMENTED": REFUSED,
    "INTERNAL": PASSING,
    "UNAVAILABLE": PASSING,
    "DATA_LOSS": PASSING,
}
SPECIAL = {
    (Operation.FIND_BRAND, "NOT_FOUND"): REFUSED,
    (Operation.ADD_BRAND, "NOT_FOUND"): REFUSED,
    (Operation.FIND_AGENT, "NOT_FOUND"): NO_BRAND,
    (Operation.ADD_AGENT, "NOT_FOUND"): NO_BRAND,
    (Operation.READ_REGIONS, "NOT_FOUND"): REFUSED,
    (Operation.REQUEST_VERIFICATION, "INVALID_ARGUMENT"): INCOMPLETE,
    (Operation.REQUEST_LAUNCH, "INVALID_ARGUMENT"): INCOMPLETE,
    (Operation.REQUEST_LAUNCH, "FAILED_PRECONDITION"): INCOMPLETE,
    (Operation.INVITE, "RESOURCE_EXHAUSTED"): (WAIT, Trouble.INVITATIONS_USED_UP, 86400),
    (Operation.INVITE, "INVALID_ARGUMENT"): UNREACHABLE,
    (Operation.INVITE, "FAILED_PRECONDITION"): UNREACHABLE,
    (Operation.INVITE, "NOT_FOUND"): UNREACHABLE,
    (Operation.CAPABILITIES, "INVALID_ARGUMENT"): UNREACHABLE,
    (Operation.CAPABILITIES, "NOT_FOUND"): UNREACHABLE,
    (Operation.CAPABILITIES, "PERMISSION_DENIED"): NOT_READY,
    (Operation.CAPABILITIES, "FAILED_PRECONDITION"): NOT_READY,
}


@pytest.mark.parametrize("word", list(HTTP))
@pytest.mark.parametrize("of", list(Operation))
def test_every_status_of_every_operation(of, word):
    found = fault(of, word, HTTP[word])
    assert verdict(found) == SPECIAL.get((of, word), GENERAL[word])
    assert found.code == word


def test_every_row_is_expected_somewhere():
    assert set(map(str, faults.RULES)) == set(GENERAL)
    assert {(of, str(word)) for of, word in faults.BY_OPERATION} == set(SPECIAL)


@pytest.mark.parametrize("word", [None, 5, "", "SOMETHING_NEW", {}, "OK"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, REFUSED),
        (401, DENIED),
        (403, DENIED),
        (404, GONE),
        (408, PASSING),
        (409, PASSING),
        (412, REFUSED),
        (413, REFUSED),
        (429, (WAIT, Trouble.NETWORK_UNAVAILABLE, 60)),
        (499, PASSING),
        (500, PASSING),
        (501, REFUSED),
        (502, PASSING),
        (503, PASSING),
        (504, PASSING),
        (599, PASSING),
    ],
)
def test_a_word_that_we_do_not_know_is_judged_by_the_http_status(word, status, expected):
    assert verdict(fault(Operation.READ_AGENT, word, status)) == expected


@pytest.mark.parametrize(
    ("delay", "after"),
    [("30s", 30), ("1.5s", 1.5), ("0s", 60), ("99999999s", 7 * 86400), ("30", 60), (30, 60), (None, 60), ("-3s", 60)],
)
def test_the_details_may_name_a_wait(delay, after):
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    found = fault(Operation.READ_AGENT, "RESOURCE_EXHAUSTED", 429, details=[5, {}, info])
    assert found.after == after
    assert fault(Operation.READ_AGENT, "NOT_FOUND", 404, details=[info]).after is None
    invited = fault(Operation.INVITE, "RESOURCE_EXHAUSTED", 429, details=[info]).after
    assert invited == (86400 if after == 60 else after)


def bad_request(*rows: object) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": list(rows)}


def test_what_is_wrong_with_each_field_is_told():
    rows = ({"field": "contacts", "description": "is required."}, {"field": "videoUris"}, {"description": "too many"})
    found = fault(Operation.REQUEST_LAUNCH, "INVALID_ARGUMENT", details=[bad_request(*rows, 5, {}, {"field": 5})])
    assert found.detail == (
        "What is wrong; contacts: is required.; videoUris; too many (Google error INVALID_ARGUMENT)"
    )
    said = bad_request({"field": "contacts", "description": "What is wrong"})
    assert fault(Operation.REQUEST_LAUNCH, "INVALID_ARGUMENT", details=[said]).detail.count("What is wrong") == 1


def test_a_text_is_bounded_printable_and_without_secrets():
    found = fault(Operation.READ_AGENT, "INTERNAL", 500, message="a\0b\x1b[31m\r\n s3cret ya29.x-y_z eyJh.eyJi.c-_")
    assert found.detail == "a b [31m *** *** *** (Google error INTERNAL)"
    assert len(fault(Operation.READ_AGENT, "INTERNAL", 500, message="x" * 999).detail) < 350
    assert fault(Operation.READ_AGENT, "INTERNAL", 500, message=None).detail.startswith("no reason given")


def test_a_denial_says_what_to_check():
    assert "service account" in fault(Operation.READ_AGENT, "PERMISSION_DENIED", 403).detail


@pytest.mark.parametrize("document", [{}, {"error": None}, {"error": "x"}, {"error": {}}, {"error": {"code": "404"}}])
def test_what_is_not_in_googles_form_is_no_verdict(document):
    assert read_error(404, document) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
DETAILS = st.lists(
    JSON
    | st.dictionaries(st.sampled_from(["@type", "retryDelay", "fieldViolations", "reason"]), JSON)
    | st.builds(lambda delay: {"@type": "google.rpc.RetryInfo", "retryDelay": delay}, JSON)
    | st.builds(lambda rows: {"@type": "google.rpc.BadRequest", "fieldViolations": rows}, JSON)
)


@given(
    st.dictionaries(st.sampled_from(["code", "status", "message", "details"]), JSON),
    DETAILS,
    st.integers(100, 599),
    st.sampled_from(list(Operation)),
)
def test_no_error_object_breaks_the_reading(error, details, status, operation):
    for document in ({"error": error}, {"error": {"code": status, **error, "details": details}}):
        found = read_error(status, document)
        if found is not None:
            made = fault_of(operation, found, ("s",), None)
            assert made.code == found.status
            assert made.after is None or made.after > 0
            assert made.decision is not WAIT or made.after is not None
