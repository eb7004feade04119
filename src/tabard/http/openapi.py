"""A dialect's API document and its coverage page, both made from its table of operations and its models.

What these pages say is thus what the service does; a test holds the committed files to it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from tabard.http.surface import Dialect, Operation

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"


def document(dialect: Dialect) -> Schema:
    """The dialect's OpenAPI 3.1 document."""
    schemas = _schemas(dialect)
    paths: dict[str, Schema] = {}
    for operation in dialect.operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(dialect, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{dialect.title}, as Tabard serves it", "version": dialect.documentation.version},
        "servers": [{"url": "http://127.0.0.1:8600"}],
        "security": [{name: []} for name in dialect.documentation.security],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {name: dict(scheme) for name, scheme in dialect.documentation.security.items()},
        },
    }


def _schemas(dialect: Dialect) -> Schema:
    models: dict[type[BaseModel], JsonSchemaMode] = {dialect.documentation.error: "serialization"}
    for operation in dialect.operations:
        if operation.request is not None:
            models[operation.request] = "validation"
        if operation.answer is not None:
            models[operation.answer] = "serialization"
    _, definitions = models_json_schema(list(models.items()), ref_template=f"{_REFERENCE}{{model}}")
    schemas: Schema = definitions["$defs"]
    return {name: schemas[name] for name in sorted(schemas)}


def _operation(dialect: Dialect, operation: Operation) -> Schema:
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_path_parameters(dialect, operation.path), *_parameters(operation)],
    }
    if operation.request is not None:
        described["requestBody"] = {"required": True, "content": _json(operation.request, operation.media_type)}
    done: Schema = {
        "description": "Done" if operation.status != 202 else "Accepted; the rest is done in the background"
    }
    if operation.answer is not None:
        done["content"] = _json(operation.answer)
    described["responses"] = {str(operation.status): done, **_fault_responses(dialect)}
    return described


def _json(model: type[BaseModel], media_type: str = "application/json") -> Schema:
    return {media_type: {"schema": {"$ref": f"{_REFERENCE}{model.__name__}"}}}


def _fault_responses(dialect: Dialect) -> Schema:
    described: dict[str, list[str]] = {}
    for status, code, about in dialect.documentation.faults:
        described.setdefault(str(status), []).append(f"{code}: {about}")
    return {
        status: {"description": ". ".join(described[status]), "content": _json(dialect.documentation.error)}
        for status in sorted(described)
    }


def _path_parameters(dialect: Dialect, path: str) -> Iterator[Schema]:
    for name in re.findall(r"\{(\w+)\}", path):
        schema = {"type": "string"}
        if name in dialect.documentation.path_patterns:
            schema["pattern"] = dialect.documentation.path_patterns[name]
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _parameters(operation: Operation) -> Iterator[Schema]:
    for place, model in (("query", operation.query), ("header", operation.headers)):
        if model is None:
            continue
        whole = model.model_json_schema()
        for name, schema in whole["properties"].items():
            leaf = dict(schema)
            described = {"name": name, "in": place, "required": name in whole.get("required", ())}
            if "description" in leaf:
                described["description"] = leaf.pop("description")
            yield {**described, "schema": leaf}


# the coverage page


def coverage_page(dialect: Dialect) -> str:
    """Every operation and every field with what becomes of it, as Markdown."""
    api = document(dialect)
    return "\n".join(
        [
            f"# {dialect.title}",
            "",
            "What Tabard serves of this API. Made from the code by `make docs`: do not edit.",
            "",
            *_operations_section(dialect),
            *_parameters_section(api),
            *_models_section("Requests", _used(dialect, "request"), api),
            *_models_section("Answers", _used(dialect, "answer"), api),
            *_codes_section(dialect),
            *_section("Not offered", ("what", "instead"), dialect.documentation.not_offered.items()),
        ]
    )


def _section(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], level: int = 2) -> Iterator[str]:
    lines = ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    if lines:
        yield from (f"{'#' * level} {title}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *lines, "")


def _operations_section(dialect: Dialect) -> Iterator[str]:
    rows = (
        (f"`{row.name}`", f"`{row.method} {row.path}`", str(row.status), _named(row.request), _named(row.answer))
        for row in dialect.operations
    )
    yield from _section("Operations", ("operation", "request", "success", "body", "answer"), rows)
    yield from (f"- `{row.name}`: {row.summary}" for row in dialect.operations)
    yield ""


def _named(model: type[BaseModel] | None) -> str:
    return _link(model.__name__) if model is not None else ""


def _link(table: str) -> str:
    return f"[{table}](#{table.lower()})"


def _parameters_section(api: Schema) -> Iterator[str]:
    rows = [
        (
            f"`{operation['operationId']}`",
            f"`{parameter['name']}`",
            parameter["in"],
            _type(parameter["schema"]),
            parameter.get("description", ""),
        )
        for methods in api["paths"].values()
        for operation in methods.values()
        for parameter in operation["parameters"]
    ]
    yield from _section("Parameters", ("operation", "name", "in", "type", "what becomes of it"), rows)


def _used(dialect: Dialect, role: str) -> list[str]:
    names = [getattr(operation, role).__name__ for operation in dialect.operations if getattr(operation, role)]
    return list(dict.fromkeys(names))


def _models_section(title: str, names: Sequence[str], api: Schema) -> Iterator[str]:
    yield from (f"## {title}", "")
    tables = _FieldTables(api["components"]["schemas"], mark_required=title == "Requests")
    for name in names:
        yield from _section(name, ("field", "type", "what becomes of it"), tables.rows(name), level=3)


class _FieldTables:
    """The fields of models with those inside them; a model that was listed before is only pointed at."""

    def __init__(self, schemas: Schema, *, mark_required: bool) -> None:
        self._schemas = schemas
        self._mark_required = mark_required
        self._listed_in: dict[str, str] = {}

    def rows(self, table: str) -> Iterator[tuple[str, str, str]]:
        self._listed_in[table] = table
        yield from self._fields(self._schemas[table], table, "")

    def _fields(self, schema: Schema, table: str, above: str) -> Iterator[tuple[str, str, str]]:
        for name, leaf in schema["properties"].items():
            path = f"{above}{name}"
            inner = dict(_models_in(leaf, several=False))
            elsewhere = [model for model in inner if self._listed_in.get(model, table) != table]
            notes = [
                "Required." if self._mark_required and name in schema.get("required", ()) else "",
                leaf.get("description", ""),
                *(
                    f"Fields as in [{self._listed_in[model]}](#{self._listed_in[model].lower()})."
                    for model in elsewhere
                ),
            ]
            yield f"`{path}`", _type(leaf), " ".join(note for note in notes if note)
            for model, several in inner.items():
                if model not in elsewhere:
                    self._listed_in[model] = table
                    yield from self._fields(self._schemas[model], table, f"{path}{'[]' if several else ''}.")


def _models_in(schema: Schema, *, several: bool) -> Iterator[tuple[str, bool]]:
    """The models that a field may hold, and whether they stand in a list."""
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(_REFERENCE), several
    for choice in schema.get("anyOf", ()):
        yield from _models_in(choice, several=several)
    if "items" in schema:
        yield from _models_in(schema["items"], several=True)


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return "object"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(choice) for choice in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" if value else '""' for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of ({_type(schema['items'])})"
    return str(schema.get("type", "anything"))


def _codes_section(dialect: Dialect) -> Iterator[str]:
    faults = sorted((str(status), code, about) for status, code, about in dialect.documentation.faults)
    yield from _section("Errors", ("status", "code", "when"), faults)
    for title, rows in dialect.documentation.tables.items():
        yield from _section(title, ("code", "meaning"), rows)
