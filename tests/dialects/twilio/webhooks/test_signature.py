"""Twilio's own validators accept what is signed here, and nothing that was changed on the way."""

from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator, get_signature_algorithm

from tabard.dialects.twilio.webhooks.signature import Algorithm, SigningKey, json_address, signature, signed

KEY = SigningKey(b"12345")
SHARED = SigningKey(b"12345", "webhooks_sharedkey_example", Algorithm.SHA256)
# The numbers and the address of the tests of Twilio's helper libraries, which the first signatures are from.
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = (
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
)
REPEATED = (
    ("Sid", "CA123"),
    ("SidAccount", "AC123"),
    ("Digits", "5678"),
    ("Digits", "1234"),
    ("Digits", "1234"),
)
JSON = b'{"property": "value", "boolean": true}'
INBOUND = tuple(
    {
        "SmsMessageSid": "SM00000000000000000000000000000001",
        "SmsSid": "SM00000000000000000000000000000001",
        "MessageSid": "SM00000000000000000000000000000001",
        "NumMedia": "0",
        "ProfileName": "Ann",
        "MessageType": "text",
        "WaId": "15551230001",
        "SmsStatus": "received",
        "Body": "hello",
        "To": "whatsapp:+15017122661",
        "NumSegments": "1",
        "ReferralNumMedia": "0",
        "AccountSid": "AC00000000000000000000000000000001",
        "From": "whatsapp:+15551230001",
        "ApiVersion": "2010-04-01",
    }.items()
)
WHATSAPP = "https://example.com/wa/inbound"


@pytest.mark.parametrize(
    ("key", "url", "parameters", "expected"),
    [
        (KEY, URL, CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (KEY, URL, REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        (KEY, URL.replace(".com", ".com:443"), CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (KEY, URL.replace("https", "http").replace(".com", ".com:80"), CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        (KEY, json_address(URL, JSON), (), "a9nBmqA0ju/hNViExpshrM61xv4="),
        (KEY, WHATSAPP, INBOUND, "etkcSq0xDMRUyv1CrIfKmdTBE70="),
        (KEY, WHATSAPP.replace(".com", ".com:8443"), INBOUND, "/yIb/+lE3io8h0+VFu51Kr+UhtM="),
        (SHARED, WHATSAPP, INBOUND, "8VhNalZ6bVVc2Wl2+xJCME43vWzeba2pSNkXLHREyY4="),
    ],
)
def test_vectors(key, url, parameters, expected):
    assert signature(key, url, parameters) == expected
    assert signature(key, f"{url}#rc=3&rp=5xx", parameters[::-1]) == expected
    assert signature(key, url.replace(".com", ".con"), parameters) != expected
    assert signature(key, url, (*parameters, ("A", ""))) != expected


def test_json_address():
    digest = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    assert json_address(URL, JSON) == f"{URL}&bodySHA256={digest}"
    assert json_address("https://example.com/inbound#rc=3", JSON) == f"https://example.com/inbound?bodySHA256={digest}"


def test_headers():
    assert signed(KEY, URL, CALL) == {"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    settings = signed(SHARED, URL, CALL)["X-Twilio-Webhooks-Signature-Settings"]
    assert settings == "key=webhooks_sharedkey_example,algorithm=HMAC_SHA256"
    assert get_signature_algorithm(settings) == "HMAC_SHA256"
    assert "12345" not in repr(SHARED)


@dataclass(frozen=True)
class Form:
    """A form's parameters as web frameworks give them to Twilio's validator."""

    pairs: tuple[tuple[str, str], ...]

    def __iter__(self):
        return iter([name for name, _ in self.pairs])

    def __len__(self):
        return len(self.pairs)

    def getall(self, wanted):
        return [value for name, value in self.pairs if name == wanted]


WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=10)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=10)
QUERIES = st.lists(st.tuples(WORDS, TEXTS), max_size=3).map(lambda pairs: f"?{urlencode(pairs)}" if pairs else "")
URLS = st.builds(
    lambda scheme, host, port, path, query: f"{scheme}://{host}.example.com{port}/{path}{query}",
    st.sampled_from(["http", "https"]),
    st.sampled_from(["a", "hooks"]),
    st.sampled_from(["", ":443", ":80", ":8443"]),
    st.lists(WORDS, max_size=3).map("/".join),
    QUERIES,
)
PARAMETERS = st.lists(st.tuples(TEXTS.filter(bool), TEXTS), max_size=8).map(tuple)
KEYS = st.sampled_from([KEY, SHARED])


def accepted(key, url, body, headers) -> bool:
    algorithm = get_signature_algorithm(headers.get("X-Twilio-Webhooks-Signature-Settings"))
    validator = RequestValidator(key.secret.decode())
    return bool(validator.validate(url, body, headers["X-Twilio-Signature"], algorithm))


@given(key=KEYS, url=URLS, parameters=PARAMETERS, data=st.data())
def test_twilios_validator_agrees_on_forms(key, url, parameters, data):
    headers = signed(key, f"{url}#rc=2", parameters)
    assert accepted(key, url, Form(parameters), headers)
    assert not accepted(SigningKey(b"12346"), url, Form(parameters), headers)
    assert not accepted(key, f"{url}x", Form(parameters), headers)
    assert not accepted(key, url, Form((*parameters, ("Example", "1"))), headers)
    if parameters:
        place = data.draw(st.integers(0, len(parameters) - 1))
        name, value = parameters[place]
        changed = (*parameters[:place], (name, f"{value}!"), *parameters[place + 1 :])
        # A value that comes twice counts once, so one of the two may go without a trace.
        assert accepted(key, url, Form(changed), headers) == (set(changed) == set(parameters))


@given(key=KEYS, url=URLS, body=st.text(st.characters(codec="utf-8"), min_size=1), data=st.data())
def test_twilios_validator_agrees_on_json(key, url, body, data):
    address = json_address(url, body.encode())
    headers = signed(key, address)
    assert accepted(key, address, body, headers)
    place = data.draw(st.integers(0, len(body) - 1))
    other = "x" if body[place] != "x" else "y"
    assert not accepted(key, address, body[:place] + other + body[place + 1 :], headers)
    assert not accepted(key, address.replace("bodySHA256=", "bodySHA256=0"), body, headers)
