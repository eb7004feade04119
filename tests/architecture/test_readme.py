"""What the README tells people to type works as it says."""

import asyncio
import contextlib
import io
import json
import re
import shlex
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import typer
from typer.testing import CliRunner

from tabard.cli import _greet, cli
from tabard.settings import Settings
from tests.support.repository import DOCS, ROOT, name_of, pages
from tests.support.service import Running, running

README = (ROOT / "README.md").read_text(encoding="utf-8")
TOLD = "http://127.0.0.1:8600"
MADE_ANEW = {"sid", "text", "received_at", "url", "id", "authName", "secret"}
"""Values in the README's answers that are others each time."""
SHELL = {"export", "openssl"}

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]+)?\)")


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    answer: str
    """The output that the page shows for it; empty if it shows none."""


def blocks(page: str) -> list[Block]:
    found = _FENCE.findall(page)
    after = [*found, ("", "")][1:]
    return [
        Block(language, text, shown[1] if shown[0] == "text" else "")
        for (language, text), shown in zip(found, after, strict=True)
        if language != "text"
    ]


def commands(page: str) -> list[list[str]]:
    shell = "".join(block.text for block in blocks(page) if block.language == "sh")
    # A line ends a command, unless it ends within quotes.
    lines = re.findall(r"(?:'[^']*'|\"[^\"]*\"|[^'\"\n])+", shell.replace("\\\n", " "))
    return [shlex.split(line) for line in lines if line.strip()]


def program(words: list[str]) -> str:
    return Path(words[0]).name


# what is named exists


def named() -> list[Any]:
    found = [(path, words) for path in pages() for words in commands(path.read_text(encoding="utf-8"))]
    return [pytest.param(words, id=f"{name_of(path)}: {' '.join(words)[:60]}") for path, words in found]


@pytest.mark.parametrize("words", named())
def test_command_exists(words: list[str]) -> None:
    match program(words):
        case "make":
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert all(re.search(rf"^{target}:.*## ", makefile, re.MULTILINE) for target in words[1:])
        case "tabard":
            check_tabard(words[1:])
        case "curl":
            assert any(word.startswith(TOLD) for word in words)
        case other:
            assert other in SHELL


def check_tabard(words: list[str]) -> None:
    command: Any = typer.main.get_command(cli)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    assert not getattr(command, "commands", {}), f"{words} is no command"
    known = {name for option in command.params for name in option.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    page = _FENCE.sub("", path.read_text(encoding="utf-8"))
    for target, anchor in _LINK.findall(page):
        if target.startswith(("http://", "https://")):
            continue
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor[1:] in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_greeting_has_the_same_commands(capsys: pytest.CaptureFixture[str]) -> None:
    _greet(Settings(), TOLD)
    printed = capsys.readouterr().out.replace("\\\n", " ").splitlines()
    told = [words for words in commands(README) if program(words) == "curl"]
    assert [shlex.split(line) for line in printed if line.startswith("curl")] == told[:3]


# what is shown happens


@dataclass(frozen=True)
class Curl:
    method: str
    url: str
    login: str
    body: str | None


def read_curl(words: list[str]) -> Curl:
    options = dict(pairwise(words))
    body = options.get("-d")
    values = {words[0], "-s", "-u", options["-u"], "-d", body}
    (url,) = [word for word in words if word not in values]
    return Curl("GET" if body is None else "POST", url, options["-u"], body)


@pytest.fixture
async def tabard(dsn: str, tmp_path: Path):
    async with running(dsn, tmp_path) as service:
        yield service


class Reader:
    """Types what the page says, with the sender's own SID and code in their places."""

    def __init__(self, tabard: Running) -> None:
        self._tabard = tabard
        self._places: dict[str, str] = {}

    async def curl(self, words: list[str], shown: str) -> None:
        for _ in range(200):
            status, text = await self._call(read_curl([self._filled(word) for word in words]))
            assert status in {200, 201, 202}, text
            if all(pair in text for pair in pairs(shown)):
                break
            await asyncio.sleep(0.02)  # the sender is on its way there
        else:
            pytest.fail(f"the page shows {shown}, the service answers {text}")
        answer = json.loads(text)
        if "authName" in answer:
            self._places |= {"ID": answer["id"], "AGENT": answer["authName"]}
        if "sid" in answer:
            self._places["SID"] = answer["sid"]
        if "messages" in answer:
            self._places["CODE"] = answer["messages"][-1]["text"].removeprefix("WhatsApp code ")
            # A person is slower than the step that has asked for the code and is about to say so.
            await self._tabard.reaches(self._places["SID"], "PENDING_VERIFICATION")

    async def _call(self, curl: Curl) -> tuple[int, str]:
        login, _, secret = curl.login.partition(":")
        async with self._tabard.http.request(
            curl.method,
            curl.url,
            data=curl.body,
            headers={
                "Authorization": aiohttp.encode_basic_auth(login, secret),
                "Content-Type": "application/x-www-form-urlencoded",  # as curl's -d sends it
            },
        ) as response:
            return response.status, await response.text()

    def _filled(self, word: str) -> str:
        for place, value in self._places.items():
            word = re.sub(rf"\b{place}\b", value, word)
        return word.replace(TOLD, self._tabard.url)

    async def sandbox(self, words: list[str]) -> None:
        arguments = [*words, "--url", self._tabard.url]
        arguments = [self._filled(word) for word in arguments]
        for _ in range(100):
            result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
            if result.exit_code == 0:
                return
            await asyncio.sleep(0.05)  # a person is slower than the carriers
        pytest.fail(f"{words}: {result.output} {result.exception}")

    async def python(self, text: str, shown: str) -> None:
        out = io.StringIO()
        program = compile(text.replace(TOLD, self._tabard.url), "README.md", "exec")
        variables: dict[str, Any] = {}
        with contextlib.redirect_stdout(out):
            await asyncio.to_thread(exec, program, variables)
        variables["client"].http_client.session.close()
        made_anew = re.compile(r"XE[0-9a-f]{32}|(?<=100124 )\w+")
        assert made_anew.sub("…", out.getvalue()) == made_anew.sub("…", shown)


def pairs(shown: str) -> list[str]:
    """The keys and texts of an answer that are the same each time."""
    found = re.findall(r'"(\w+)":"([^"]*)"', shown)
    return [f'"{key}":"{value}"' for key, value in found if key not in MADE_ANEW]


async def test_readme_from_top_to_bottom(tabard: Running) -> None:
    reader = Reader(tabard)
    ran = []
    for block in blocks(README):
        if block.language == "python":
            await reader.python(block.text, block.answer)
            ran.append("python")
        for words in commands(f"```{block.language}\n{block.text}```\n"):
            if program(words) == "curl":
                await reader.curl(words, block.answer)
                ran.append("curl")
            elif words[1:2] == ["sandbox"]:
                await reader.sandbox(words[1:])
                ran.append("sandbox")
    assert (ran.count("curl"), ran.count("python")) == (8, 1)
    assert ran.count("sandbox") >= 5


def test_pages_are_reached_from_the_readme() -> None:
    """Every page has a link to it, from the README or from a page that is reached."""
    reached: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in reached or path.suffix != ".md" or not path.exists():
            continue
        reached.add(path)
        links = _LINK.findall(path.read_text(encoding="utf-8"))
        ahead += [(path.parent / target).resolve() for target, _ in links if "://" not in target]
    assert {path.relative_to(DOCS) for path in DOCS.rglob("*.md")} == {
        path.relative_to(DOCS) for path in reached if path.is_relative_to(DOCS)
    }
