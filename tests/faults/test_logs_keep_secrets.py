"""A failure is logged with its traceback, and without what the failing code had in hand."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from tabard.telemetry import configure_logs, log

def register(pin):
    call = {"pin": pin, "Authorization": "Bearer " + pin}
    raise RuntimeError("the network has hung up")

configure_logs(json=sys.argv[1] == "json", level="info")
try:
    register("482" + "913")
except RuntimeError:
    log.exception("step.failed", sender="a sender")
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_local_variables_never_reach_the_log(form: str):
    done = subprocess.run([sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, check=True, timeout=50)
    assert "step.failed" in done.stderr
    assert "the network has hung up" in done.stderr
    assert "482913" not in done.stderr + done.stdout
