"""What each of Meta's refusals means for us. The expectations are written out, apart from the table that they check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain.sender import Trouble
from tabard.networks.meta import faults
from tabard.networks.meta.faults import Operation, fault_of, plain, read_error, wait_named_in
from tabard.ports.networks import Decision, NetworkFault

RETRY, WAIT, GIVE_UP = Decision.RETRY, Decision.WAIT, Decision.GIVE_UP


def fault(
    code: object, subcode: object = None, *, status: int = 400, of: Operation = Operation.REGISTER, **more: object
) -> NetworkFault:
    document = {"error": {"message": "What is wrong", "code": code, "error_subcode": subcode, **more}}
    error = read_error(status, document)
    assert error is not None
    return fault_of(of, error, ("s3cret",), None)


def verdict(found: NetworkFault) -> tuple[Decision, Trouble, float | None]:
    return found.decision, found.trouble, found.after


REFUSED = [
    *(100, 130472, 130497, 131008, 131009, 131021, 131026, 131030, 131047, 131050, 131051, 131052, 131053, 131055),
    *(131062, 131063, 131064, 132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068, 132069),
    *(134011, 135000, 137000, 1752041, 2388019, 2388024, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299),
    *(2593079, 2593085, 2593107, 2593108, 300, 200000),
]
PASSING = [1, 2, 4, 613, 80007, 80008, 130429, 131000, 131016, 131045, 131048, 131056, 133000, 133004, 2494100]
DENIED = [0, 3, 10, 104, 190, *range(200, 300), 131005]


@pytest.mark.parametrize("code", REFUSED)
def test_what_meta_will_never_do_is_given_up(code):
    assert verdict(fault(code)) == (GIVE_UP, Trouble.NETWORK_REFUSED, None)
    assert verdict(fault(code, is_transient=True))[0] is RETRY, "Meta's own word for it"


@pytest.mark.parametrize("code", PASSING)
def test_what_passes_is_tried_again(code):
    assert verdict(fault(code)) == (RETRY, Trouble.NETWORK_UNAVAILABLE, None)


@pytest.mark.parametrize("code", DENIED)
@pytest.mark.parametrize("of", list(Operation))
def test_what_the_token_may_not_do_is_denied_whatever_was_asked(code, of):
    assert verdict(fault(code, status=403, of=of)) == (GIVE_UP, Trouble.ACCESS_DENIED, None)


@pytest.mark.parametrize(
    ("code", "subcode", "expected"),
    [
        (33, None, (GIVE_UP, Trouble.NUMBER_GONE, None)),
        (100, 33, (GIVE_UP, Trouble.NUMBER_GONE, None)),
        (803, None, (GIVE_UP, Trouble.NUMBER_GONE, None)),
        (190, 463, (GIVE_UP, Trouble.ACCESS_DENIED, None)),
        (368, None, (GIVE_UP, Trouble.ACCOUNT_LOCKED, None)),
        (131031, None, (GIVE_UP, Trouble.ACCOUNT_LOCKED, None)),
        (131037, None, (GIVE_UP, Trouble.NAME_DECLINED, None)),
        (131042, None, (GIVE_UP, Trouble.ACCOUNT_DISABLED, None)),
        (141006, None, (GIVE_UP, Trouble.ACCOUNT_DISABLED, None)),
        (131049, None, (WAIT, Trouble.NETWORK_REFUSED, 86400)),
        (131057, None, (RETRY, Trouble.NETWORK_UNAVAILABLE, 60)),
        (133005, None, (GIVE_UP, Trouble.PIN_MISMATCH, None)),
        (133006, None, (GIVE_UP, Trouble.NOT_VERIFIED, None)),
        (133008, None, (WAIT, Trouble.PIN_MISMATCH, 3600)),
        (133009, None, (WAIT, Trouble.PIN_MISMATCH, 60)),
        (133010, None, (GIVE_UP, Trouble.NOT_REGISTERED, None)),
        (100, 2207051, (GIVE_UP, Trouble.NOT_REGISTERED, None)),
        (133015, None, (WAIT, Trouble.REGISTRATION_LIMIT, 300)),
        (133016, None, (WAIT, Trouble.REGISTRATION_LIMIT, 259200)),
        (136024, None, (GIVE_UP, Trouble.CANNOT_VERIFY, None)),
        (136024, 2388091, (WAIT, Trouble.TOO_MANY_CODES, 3600)),
        (136024, 2388092, (GIVE_UP, Trouble.ALREADY_VERIFIED, None)),
        (2388091, None, (WAIT, Trouble.TOO_MANY_CODES, 3600)),
        (2388093, None, (GIVE_UP, Trouble.CANNOT_VERIFY, None)),
        (136025, None, (GIVE_UP, Trouble.CODE_REJECTED, None)),
        (200, 1349175, (GIVE_UP, Trouble.NUMBER_CAP, None)),
        (2388012, None, (GIVE_UP, Trouble.NUMBER_PRESENT, None)),
        (100, 2388012, (GIVE_UP, Trouble.NUMBER_PRESENT, None)),
        (100, 2388103, (GIVE_UP, Trouble.NUMBER_TAKEN, None)),
        (2388103, None, (GIVE_UP, Trouble.NUMBER_TAKEN, None)),
        (2388001, None, (GIVE_UP, Trouble.NUMBER_TAKEN, None)),
    ],
)
def test_what_each_code_means(code, subcode, expected):
    assert verdict(fault(code, subcode)) == expected


def test_every_row_is_expected_somewhere():
    """The rows above and below name each key of the table."""
    named = {*REFUSED, *PASSING, *DENIED}
    named |= {33, 803, 368, 131031, 131037, 131042, 141006, 131049, 131057, 133005, 133006, 133008, 133009, 133010}
    named |= {133015, 133016, 136024, 136025, 1349175, 2207051, 2388001, 2388012, 2388091, 2388092, 2388093, 2388103}
    assert set(map(int, faults.RULES)) == named


@pytest.mark.parametrize(
    ("of", "code", "subcode", "text", "expected"),
    [
        (Operation.ADD_NUMBER, 100, 33, "", (GIVE_UP, Trouble.ACCOUNT_INVALID)),
        (Operation.FIND_NUMBER, 100, 33, "", (GIVE_UP, Trouble.ACCOUNT_INVALID)),
        (Operation.SUBSCRIBE_APP, 803, None, "", (GIVE_UP, Trouble.ACCOUNT_INVALID)),
        (Operation.UPLOAD_LOGO, 100, 33, "", (GIVE_UP, Trouble.ACCESS_DENIED)),
        (Operation.READ_NUMBER, 100, 33, "", (GIVE_UP, Trouble.NUMBER_GONE)),
        (Operation.REQUEST_CODE, 613, None, "", (WAIT, Trouble.TOO_MANY_CODES)),
        (Operation.SUBMIT_NAME, 100, None, "Invalid parameter", (GIVE_UP, Trouble.NAME_DECLINED)),
        (Operation.REQUEST_CODE, 136024, None, "This number is already verified", (GIVE_UP, Trouble.ALREADY_VERIFIED)),
        (
            Operation.REQUEST_CODE,
            136024,
            77,
            "The phone has already been verified.",
            (GIVE_UP, Trouble.ALREADY_VERIFIED),
        ),
        (Operation.REQUEST_CODE, 100, None, "Number already verified", (GIVE_UP, Trouble.ALREADY_VERIFIED)),
        (Operation.REQUEST_CODE, 136024, 2388091, "The number is not eligible", (GIVE_UP, Trouble.CANNOT_VERIFY)),
        (Operation.REQUEST_CODE, 136024, 2388091, "Too many tries", (WAIT, Trouble.TOO_MANY_CODES)),
        (Operation.REQUEST_CODE, 136024, None, "Try again in 5 hours.", (WAIT, Trouble.TOO_MANY_CODES)),
        (Operation.VERIFY_CODE, 100, None, "Invalid Code", (GIVE_UP, Trouble.CODE_REJECTED)),
        (Operation.VERIFY_CODE, 100, None, "Code Expired", (GIVE_UP, Trouble.CODE_REJECTED)),
        (Operation.VERIFY_CODE, 100, None, "Something else", (GIVE_UP, Trouble.NETWORK_REFUSED)),
        (Operation.VERIFY_CODE, 100, 33, "no code here", (GIVE_UP, Trouble.NUMBER_GONE)),
        (Operation.ADD_NUMBER, 100, None, "This number is in use on WhatsApp", (GIVE_UP, Trouble.NUMBER_TAKEN)),
        (Operation.ADD_NUMBER, 100, None, "Bad verified_name", (GIVE_UP, Trouble.NAME_DECLINED)),
        (Operation.ADD_NUMBER, 100, None, "Bad cc", (GIVE_UP, Trouble.NETWORK_REFUSED)),
        (Operation.REGISTER, 131031, None, "Two-step PIN check failed", (GIVE_UP, Trouble.PIN_MISMATCH)),
        (Operation.DEREGISTER, 131031, None, "Two-step PIN check failed", (GIVE_UP, Trouble.ACCOUNT_LOCKED)),
    ],
)
def test_where_operation_or_wording_decides(of, code, subcode, text, expected):
    for key in ("error_user_msg", "error_user_title"):
        assert verdict(fault(code, subcode, of=of, **{key: text}))[:2] == expected
    assert verdict(fault(code, subcode, of=of, error_data={"details": text}))[:2] == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Try again in 37 minutes.", 2220),
        ("Please wait 1 hour.", 3600),
        ("You can retry after about an hour", 3600),
        ("wait another 90 seconds", 90),
        ("blocked for 12 hours", 43200),
        ("try again in 1 hour and 5 minutes", 3900),
        ("Wait 2 hrs, 3 mins", 7380),
        ("in 1 day", 86400),
        ("in 99999 days", 7 * 86400),
        ("Codes live 10 minutes", None),
        ("Wait a little", None),
        ("", None),
    ],
)
def test_a_wait_is_read_from_its_words(text, seconds):
    assert wait_named_in([text]) == seconds
    for code, default in ((133008, 3600), (133009, 60)):
        assert fault(code, error_data={"details": text}).after == (seconds or default)
    many = fault(136024, 2388091, of=Operation.REQUEST_CODE, error_user_msg=text)
    assert many.after == (seconds or 3600)


@pytest.mark.parametrize(
    ("status", "transient", "decision"),
    [(400, False, GIVE_UP), (403, False, GIVE_UP), (400, True, RETRY), (429, False, RETRY), (500, False, RETRY)],
)
def test_an_unknown_code_is_judged_by_the_answer(status, transient, decision):
    found = fault(987654, status=status, is_transient=transient)
    assert found.decision is decision
    assert found.trouble is (Trouble.NETWORK_REFUSED if decision is GIVE_UP else Trouble.NETWORK_UNAVAILABLE)


def test_the_code_is_kept_and_the_best_text_is_told():
    found = fault(133005, 42, error_data={"details": "PIN differs."}, error_user_title="Oh")
    assert (found.code, found.detail) == ("133005/42", "PIN differs. (Meta error 133005/42)")
    told = fault(133005, error_data={"details": "PIN differs."}, error_user_msg="Enter the right PIN.")
    assert (told.code, told.detail) == ("133005", "Enter the right PIN. (Meta error 133005)")
    bare = fault("190", message="(#190) Malformed access token EAAabcdefghijklm0 and\ns3cret")
    assert bare.detail == "Malformed access token *** and *** (Meta error 190)"
    assert fault(1, message=None).detail == "no reason given (Meta error 1)"


def test_a_text_is_bounded_and_printable():
    assert len(plain("x" * 1000, ())) == 300
    assert plain("a\0b\x1b[31m\r\n c", ()) == "a b [31m c"


def test_a_header_names_the_back_off_of_a_retry_only():
    for code, expected in ((80007, 420), (131057, 420), (133016, 259200), (100, None)):
        error = read_error(400, {"error": {"code": code}})
        assert error is not None
        assert fault_of(Operation.REGISTER, error, (), 420).after == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    *("code", "error_subcode", "message", "error_data", "error_user_msg", "error_user_title", "is_transient", "type"),
)


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.integers(100, 599), st.sampled_from(list(Operation)))
def test_no_error_object_breaks_the_reading(error, status, operation):
    found = read_error(status, {"error": error})
    if found is not None:
        made = fault_of(operation, found, ("s",), None)
        assert made.code == found.label
        assert made.after is None or made.after > 0


@given(st.integers(), st.none() | st.integers(), st.integers(400, 599), st.sampled_from(list(Operation)), st.text())
def test_any_code_has_a_verdict(code, subcode, status, operation, text):
    found = fault(code, subcode, status=status, of=operation, error_user_msg=text)
    if found.decision is WAIT:
        assert found.after is not None
