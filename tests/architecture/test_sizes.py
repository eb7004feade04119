"""Small pieces: a limit that nobody measures is soon broken. An exception needs a reason, here."""

import ast

from tests.support.repository import SOURCE, modules, name_of, tree_of

MODULE_LINES = 400
WIRE_LINES = 600
FUNCTION_LINES = 45
PARAMETERS = 8
FOLDER_MODULES = 10

EXCEPTIONS: dict[str, str] = {}
"""What may be larger (a module's path, `path::function`, or a folder's path), and why."""


def functions():
    for path in modules():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name_of(path)}::{node.name}", node


def too_large(sizes, limit):
    return {name: size for name, size in sizes if size > limit and name not in EXCEPTIONS}


def test_modules():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    wires = ((name_of(path), size) for path, size in lines.items() if path.name == "wire.py")
    others = ((name_of(path), size) for path, size in lines.items() if path.name != "wire.py")
    assert not too_large(wires, WIRE_LINES)
    assert not too_large(others, MODULE_LINES)


def test_functions():
    assert not too_large(
        ((name, node.end_lineno - node.lineno + 1) for name, node in functions()),
        FUNCTION_LINES,
    )


def test_parameters():
    def count(node):
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        return len([argument for argument in given if argument.arg not in {"self", "cls"}])

    assert not too_large(((name, count(node)) for name, node in functions()), PARAMETERS)


def test_folders():
    folders = {path.parent for path in modules() if path.parent.name != "versions"}
    sizes = (
        (name_of(folder), len([path for path in folder.glob("*.py") if path.name != "__init__.py"]))
        for folder in folders - {SOURCE}
    )
    assert not too_large(sizes, FOLDER_MODULES)
    assert len(list(SOURCE.glob("*.py"))) <= FOLDER_MODULES


def test_packages_are_only_folders():
    """A package's `__init__` holds nothing, so that importing one module runs no other."""
    full = [name_of(path) for path in modules() if path.name == "__init__.py" and path.read_text(encoding="utf-8")]
    assert full == []


def test_exceptions_are_needed():
    known = {name_of(path) for path in modules()} | {name for name, _ in functions()}
    known |= {name_of(path.parent) for path in modules()}
    assert EXCEPTIONS.keys() <= known
    assert all(reason.strip() for reason in EXCEPTIONS.values())
