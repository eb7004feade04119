"""Every setting has its line in the guide, and every setting that a page or a message names exists."""

import re

import pytest

from docs.generate import cli_variables
from tabard.settings import Settings, variable_of
from tests.support.repository import DOCS, ROOT, modules, name_of, pages

GUIDE = DOCS / "guides" / "settings.md"
VARIABLES = {variable_of(name) for name in Settings.model_fields}
OF_TESTS = {"TABARD_TEST_DATABASE_URL"}

_VARIABLE = re.compile(r"\b(?:TABARD_[A-Z][A-Z_]*[A-Z]|DATABASE_URL)\b")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_its_line(name):
    field = Settings.model_fields[name]
    assert field.description
    assert not field.description.endswith(".")
    assert re.search(rf"^\| `{variable_of(name)}` \| .+ \| .+ \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("path", [*pages(), *modules(), ROOT / "Makefile"], ids=name_of)
def test_every_variable_that_is_named_exists(path):
    named = set(_VARIABLE.findall(path.read_text(encoding="utf-8")))
    assert named <= VARIABLES | set(cli_variables()) | OF_TESTS
