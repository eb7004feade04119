"""One word for one thing. A vendor's own words stay in its folder; elsewhere its name must stand before them."""

import re
import tokenize

from tests.support.repository import SOURCE, modules, name_of

WORDS = {
    "twilio": {"sid", "sids"},
    "meta": {"waba", "wabas", "fbtrace", "hub"},
}
"""What a vendor calls things that we call otherwise."""

HOMES = {
    "twilio": ("dialects/twilio/",),
    "meta": ("networks/meta/", "dialects/twilio/wire.py"),
}
"""Twilio has taken Meta's word into its own API, as `waba_id`. SQL of the emulator's tables is text, not a name, so its
migration needs no home."""

SHAPELESS = {"utils", "util", "helpers", "helper", "common", "base", "misc", "core", "lib", "shared", "tools"}

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def parts(identifier):
    return [part.lower() for part in _PART.findall(identifier)]


def identifiers(path):
    with path.open("rb") as file:
        yield from (token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NAME)


def strangers(vendor, path):
    """The vendor's words that stand here without the vendor's name before them."""
    for identifier in identifiers(path):
        words = parts(identifier)
        for place, word in enumerate(words):
            if word in WORDS[vendor] and vendor not in words[:place]:
                yield identifier


def test_vendors_words_stay_at_home():
    found = set()
    for vendor, homes in HOMES.items():
        for path in modules():
            inside = path.relative_to(SOURCE).as_posix()
            if not inside.startswith(homes):
                found |= {f"{vendor}'s {word} in {inside}" for word in strangers(vendor, path)}
    assert found == set()


def test_the_rule_sees_words():
    assert parts("wabaIdOf_SID") == ["waba", "id", "of", "sid"]
    assert parts("considered_sides") == ["considered", "sides"]


def test_modules_have_names_that_say_something():
    named = [name_of(path) for path in modules() if path.stem in SHAPELESS or path.parent.name in SHAPELESS]
    assert named == []


def test_glossary_is_sorted_and_says_each_word_once():
    page = (SOURCE.parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = [word for word in re.findall(r"^\| ([^|]+?) \|", page, re.MULTILINE) if word != "word"]
    assert words == sorted(set(words), key=str.lower)
