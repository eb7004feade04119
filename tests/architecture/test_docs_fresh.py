"""Generated pages are committed, so that a change of an API shows in the review of its cause."""

import pytest

from docs.generate import PAGES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page_is_what_the_code_says(path):
    assert path.read_text(encoding="utf-8") == PAGES[path](), "run `make docs`"
