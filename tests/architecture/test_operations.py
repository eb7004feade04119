"""Every row of every dialect's table says what it does, and is called by a test."""

import json
import re

import pytest

from tabard.dialects.native.dialect import Native
from tabard.dialects.sinch.dialect import Sinch
from tabard.dialects.twilio.dialect import Twilio
from tests.support.repository import ROOT

DIALECTS = (Twilio(), Sinch(), Native())
OPERATIONS = [(dialect, operation) for dialect in DIALECTS for operation in dialect.operations]
TESTS = ROOT / "tests"

EVERY_OPERATION = pytest.mark.parametrize(
    ("dialect", "operation"), OPERATIONS, ids=[f"{dialect.name}.{operation.name}" for dialect, operation in OPERATIONS]
)


def test_names_and_rows_are_unique():
    for dialect in DIALECTS:
        names = [operation.name for operation in dialect.operations]
        rows = [(operation.method, operation.path) for operation in dialect.operations]
        assert len(set(names)) == len(names)
        assert len(set(rows)) == len(rows)


def prefixes_of(dialect):
    return (dialect.prefix,) if isinstance(dialect.prefix, str) else dialect.prefix


@EVERY_OPERATION
def test_row_is_whole(dialect, operation):
    assert operation.path.lower().startswith((*prefixes_of(dialect), "/oauth2/"))
    assert operation.method in {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert operation.summary[0].isupper()
    assert len(operation.summary) > 10
    assert (operation.status == 204) == (operation.answer is None)
    assert operation.method != "GET" or operation.request is None
    for name in re.findall(r"\{(\w+)\}", operation.path):
        assert re.compile(dialect.documentation.path_patterns[name])


@EVERY_OPERATION
def test_row_has_a_test(dialect, operation):
    """A golden file for a vendor's operation; for one of our own, a test that names the end of its path."""
    golden = [*(TESTS / "dialects" / dialect.name).glob("**/golden/*.json")]
    if golden:
        whole = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(operation.path)) + r"(\?.*)?")
        requests = [json.loads(path.read_text(encoding="utf-8"))["request"] for path in golden]
        assert any(request["method"] == operation.method and whole.fullmatch(request["path"]) for request in requests)
        return
    end = operation.path.rpartition("}/")[2]
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(end))
    called = re.compile(rf"[/\"']{pattern}[\"']")
    assert any(called.search(path.read_text(encoding="utf-8")) for path in TESTS.rglob("*.py")), operation.path


def test_path_patterns_fit():
    assert re.fullmatch(Twilio().documentation.path_patterns["Sid"], f"XE{'0a' * 16}")
    number = Native().documentation.path_patterns["number"]
    assert re.fullmatch(number, "+15550100123")
    assert re.fullmatch(number, "15550100123")
    assert not re.fullmatch(number, "example")
