"""An API document names only what it describes, and describes every operation of its dialect."""

import pytest

from tabard.dialects.native.dialect import Native
from tabard.dialects.twilio.dialect import Twilio
from tabard.http.openapi import coverage_page, document

DIALECTS = [Twilio(), Native()]


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


def test_document_has_the_shape_of_openapi(dialect):
    """The parts of OpenAPI 3.1 that our documents use; readers of theirs fail on anything less."""
    api = document(dialect)
    assert api["openapi"].startswith("3.1.")
    assert api["info"].keys() >= {"title", "version"}
    assert api.keys() <= {"openapi", "info", "servers", "security", "paths", "components"}
    names = []
    for path, methods in api["paths"].items():
        assert path.startswith("/")
        for method, operation in methods.items():
            assert method in {"get", "put", "post", "delete", "patch"}
            names.append(operation["operationId"])
            check_operation(operation)
    assert len(names) == len(set(names))
    for requirement in api["security"]:
        assert requirement.keys() <= api["components"]["securitySchemes"].keys()


def check_operation(operation):
    assert operation["summary"]
    places = [(parameter["name"], parameter["in"]) for parameter in operation["parameters"]]
    assert len(places) == len(set(places))
    for parameter in operation["parameters"]:
        assert parameter["in"] in {"path", "query", "header"}
        assert parameter["required"] or parameter["in"] != "path"
        assert isinstance(parameter["schema"], dict)
    for status, response in operation["responses"].items():
        assert status.isdigit()
        assert response["description"]
        for body in response.get("content", {}).values():
            assert body["schema"]
    successes = [status for status in operation["responses"] if status.startswith("2")]
    assert len(successes) == 1
    assert {"401", "404"} <= operation["responses"].keys()
