import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.dialects.twilio.webhooks.address import split_address


@pytest.mark.parametrize(
    ("url", "called", "credentials"),
    [
        ("https://example.com/inbound?a=b", "https://example.com/inbound?a=b", None),
        ("https://example.com/inbound?a=b#rc=3", "https://example.com/inbound?a=b", None),
        ("https://ann:secret@example.com:8443/inbound?a=b#rc=3", "https://example.com:8443/inbound?a=b", "ann:secret"),
        ("HTTPS://ann@Example.com", "HTTPS://Example.com", "ann:"),
        ("http://ann:a:b%40c%3A@example.com/", "http://example.com/", "ann:a:b@c:"),
        ("http://ann:b@c@example.com/", "http://example.com/", "ann:b@c"),
        ("http://:@example.com/", "http://example.com/", ":"),
        ("https://example.com/@here?to=a@example.com#x@y", "https://example.com/@here?to=a@example.com", None),
    ],
)
def test_split(url, called, credentials):
    address = split_address(url)
    assert address.url == called
    if credentials is None:
        assert address.authorization is None
        return
    assert address.authorization == f"Basic {base64.b64encode(credentials.encode()).decode()}"
    assert address.authorization not in repr(address)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=10)


@given(name=TEXTS, password=TEXTS)
def test_any_credentials(name, password):
    address = split_address(f"https://{quote(name, safe='')}:{quote(password, safe='')}@example.com/inbound")
    assert address.url == "https://example.com/inbound"
    assert address.authorization is not None
    given_back = base64.b64decode(address.authorization.removeprefix("Basic ")).decode()
    assert given_back == f"{name}:{password}"
