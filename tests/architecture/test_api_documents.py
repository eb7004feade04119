"""An API document names only what it describes, and describes every operation of its dialect."""

import pytest

from tabard.dialects.twilio.dialect import Twilio
from tabard.http.openapi import coverage_page, document

DIALECTS = [Twilio()]


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for leaf in node.values():
            yield from references(leaf)
    elif isinstance(node, list):
        for leaf in node:
            yield from references(leaf)


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request):
    return request.param


def test_every_reference_leads_somewhere(dialect):
    api = document(dialect)
    named = {reference.removeprefix("#/components/schemas/") for reference in references(api)}
    assert named <= api["components"]["schemas"].keys()


def test_every_operation_is_described(dialect):
    paths = document(dialect)["paths"]
    described = {
        (path, method.upper(), body["operationId"])
        for path, methods in paths.items()
        for method, body in methods.items()
    }
    assert described == {(operation.path, operation.method, operation.name) for operation in dialect.operations}
    for operation in dialect.operations:
        body = paths[operation.path][operation.method.lower()]
        assert str(operation.status) in body["responses"]
        assert ("requestBody" in body) == (operation.request is not None)
        in_path = {parameter["name"] for parameter in body["parameters"] if parameter["in"] == "path"}
        assert all(f"{{{name}}}" in operation.path for name in in_path)
        assert operation.path.count("{") == len(in_path)


def test_coverage_page_has_every_field_of_every_request(dialect):
    page = coverage_page(dialect)
    for operation in dialect.operations:
        assert f"`{operation.name}`" in page
        for model in (operation.request, operation.answer):
            for name in model.model_fields if model else ():
                assert f"| `{name}` |" in page
