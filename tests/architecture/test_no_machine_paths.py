"""Nothing in the repository names the machine that it was written on."""

import re

from tests.support.repository import committed, name_of

# Written so that this file does not name them either.
FORBIDDEN = re.compile(
    rb"(?<![\w.-])/wor[k]/|(?<![\w/])share[d]/|[/]opt/pypi|/roo[t]/|"
    rb"\b(?:pypi|pythonhosted|artifactory|jfrog)[\w.-]*\.(?:org|com|net|io|dev|internal|local)|"
    rb"--(?:extra-)?index[-]url|--trusted[-]host"
)


def test_no_file_names_this_machine():
    found = {}
    for path in committed():
        hit = FORBIDDEN.search(path.read_bytes())
        if hit is not None:
            found[name_of(path)] = hit[0]
    assert found == {}
