"""Write the pages of the documentation that are made from the code: `make docs`."""  # noqa: INP001 - a script

from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from tabard.dialects.twilio.dialect import Twilio
from tabard.http.openapi import coverage_page, document
from tabard.http.surface import Dialect

_DOCS = Path(__file__).parent


def _openapi(dialect: Dialect) -> str:
    return orjson.dumps(document(dialect), option=orjson.OPT_INDENT_2).decode() + "\n"


PAGES: Mapping[Path, Callable[[], str]] = {
    _DOCS / "dialects" / "twilio.md": lambda: coverage_page(Twilio()),
    _DOCS / "dialects" / "twilio.openapi.json": lambda: _openapi(Twilio()),
}
"""Each page's file, and what writes it."""


def main() -> None:
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
