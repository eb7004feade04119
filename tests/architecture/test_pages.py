"""The pages that people write keep up with the code."""

import re

import pytest

from tabard.telemetry import REGISTRY
from tests.support.repository import DOCS, ROOT, modules, name_of

DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
PARTS = ("**Context.**", "**Decision.**", "**Why", "**Not chosen.**")

_ACTION = re.compile(r"log\.(?:debug|info|warning|error|exception)\(\s*\"([^\"]+)\"")
_CODE = re.compile(r"`([^`\n]+)`")


def test_operations_guide_has_every_action():
    logged = {action for path in modules() for action in _ACTION.findall(path.read_text(encoding="utf-8"))}
    guide = (DOCS / "guides" / "operations.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([a-z]+\.[a-z_]+)`", guide.partition("## Logs")[2].partition("\n## ")[0]))
    assert told == logged
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", action) for action in logged)


def test_operations_guide_has_every_metric():
    guide = (DOCS / "guides" / "operations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(tabard_\w+)` \|", guide, re.MULTILINE)) == {
        family.name for family in REGISTRY.collect()
    }


def test_map_has_every_module():
    """By its own name, or by that of a folder below the layers."""
    named = {text.rpartition("/")[2] for text in _CODE.findall((DOCS / "ARCHITECTURE.md").read_text(encoding="utf-8"))}
    whole_folders = {"native", "graph", "api", "memory", "versions"}
    stems = {path.stem for path in modules() if path.parent.name not in whole_folders}
    assert stems - named - {"__init__", "__main__", "env"} - {name.removesuffix(".py") for name in named} == set()


@pytest.mark.parametrize("path", DECISIONS, ids=name_of)
def test_decision_is_whole(path):
    page = path.read_text(encoding="utf-8")
    assert page.startswith(f"# {path.name[:4]}. ")
    assert [part for part in PARTS if part not in page] == []
    assert len(page.splitlines()) <= 100, "one page"


def test_decisions_are_numbered_in_a_row():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.in")), ids=name_of)
def test_every_dependency_is_weighed(path):
    """Each line of requirements/*.in has its row in the decision on dependencies."""
    page = (DOCS / "decisions" / "0005-dependencies.md").read_text(encoding="utf-8")
    weighed = {
        name for row in re.findall(r"^\| ([a-z][a-z0-9, -]+?) \|", page, re.MULTILINE) for name in row.split(", ")
    }
    lines = path.read_text(encoding="utf-8").splitlines()
    wanted = {re.split(r"[\[;<>=~ ]", line)[0] for line in lines if line and not line.startswith(("-r", "#"))}
    assert wanted <= weighed


def test_package_names_no_dependencies_of_its_own():
    """There is one list, in requirements/."""
    assert "\ndependencies" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
