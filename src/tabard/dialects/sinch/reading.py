"""How requests are read: strictly, and every problem at once.

A body must be a JSON object of the fields that the operation has, of the right types. Unknown parameters of the query
are ignored.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tabard.dialects.sinch.errors import Refusal, invalid_input
from tabard.dialects.sinch.problems import problems, said
from tabard.domain.ids import SenderId

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OF_A_PAGE = frozenset({"pageToken", "pageSize"})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SENDER_ID = rf"^{_UUID.pattern}$"


class Request(BaseModel):
    """Base of bodies and of the objects in them: fields are camelCase, types are strict, unknown fields are refused."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True, alias_generator=to_camel
    )

    def given(self) -> dict[str, Any]:
        """What the caller wrote, by the vendor's names."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Query(BaseModel):
    """Base of a query's parameters: they are text, so numbers are read from it."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True, alias_generator=to_camel)


def optional() -> Any:
    """The default of a field that may be left out, but may not be null."""
    return Field(default_factory=lambda: None)


def fits(pattern: str, problem: str) -> AfterValidator:
    """For `Annotated[str, fits(...)]`: the whole text fits the pattern, or `problem` says what it must be."""
    expression = re.compile(pattern)

    def fitting(text: str) -> str:
        if expression.fullmatch(text) is None:
            raise said(problem)
        return text

    return AfterValidator(fitting)


def unique(what: str = "", by: Callable[[Any], Any] = lambda entry: entry) -> AfterValidator:
    """For `Annotated[list[...], unique()]`: no two entries are the same; `what` names what they are compared by."""

    def checked(entries: list[Any]) -> list[Any]:
        if len({by(entry) for entry in entries}) < len(entries):
            raise said(f"must have a different {what} in each element" if what else "elements must be unique")
        return entries

    return AfterValidator(checked)


TEXT = fits(r"[^\x00]*", "must not contain a NUL character")
WEB_URL = fits(r"(?i:https?://)[^\s\x00/?#]+[^\s\x00]*", "must be an http or https URL address")
EMAIL = fits(r"[^@\s\x00]{1,64}@[^@\s.\x00]+(\.[^@\s.\x00]+)+", "must be an email")
E164 = fits(r"\+[1-9][0-9]{6,14}", "must be a phone number in E.164 form, such as +15550100123")

M = TypeVar("M", bound=BaseModel)
S = TypeVar("S")


def read(model: type[M], body: bytes) -> M:
    """The request in a body, whatever content type it came with. Raises `Refusal`: invalid_payload, invalid_input."""
    return read_value(model, read_json(body))


def read_json(body: bytes) -> dict[str, Any]:
    """Raises `Refusal` (invalid_payload)."""
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if not body.strip():
        raise _invalid_payload("The request body is empty.")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _invalid_payload(f"The request body is not valid JSON: {error}.") from None
    if not isinstance(content, dict):
        raise _invalid_payload("The request body is not a JSON object.")
    return content


def read_value(model: type[M], content: dict[str, Any]) -> M:
    """Raises `Refusal` (invalid_input)."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise invalid_input(problems(error)) from None


def read_query(model: type[M], pairs: Sequence[tuple[str, str]], *, lists: Sequence[str] = ()) -> M:
    """The query's parameters, but for those of the page, which `paging` reads for errors of their own.

    Those in `lists` are read by `listed`; of another one that comes more than once, the last value counts. An empty one
    is none. Raises `Refusal` (invalid_input).
    """
    content: dict[str, Any] = {**dict(pairs), **{name: listed(pairs, name) for name in lists}}
    asked = {name: value for name, value in content.items() if value not in ("", []) and name not in OF_A_PAGE}
    return read_value(model, asked)


def listed(pairs: Sequence[tuple[str, str]], name: str) -> list[str]:
    """The values of a parameter that may come more than once, and hold several values between commas."""
    values = [value.strip() for key, text in pairs if key == name for value in text.split(",")]
    return [value for value in values if value]


def read_states(pairs: Sequence[tuple[str, str]], name: str, words: Mapping[Any, Iterable[S]]) -> frozenset[S] | None:
    """What the states in a filter stand for; None without one. Raises `Refusal` (invalid_filter_states)."""
    asked = listed(pairs, name)
    unknown = [state for state in asked if state not in words]
    if unknown:
        raise Refusal(
            400,
            "invalid_filter_states",
            f"{name} has no state {unknown[0]!r}.",
            "Filter by states that supportedCodes lists.",
            supportedCodes=", ".join(words),
        )
    return frozenset(status for state in asked for status in words[state]) if asked else None


def read_sender_id(text: str) -> SenderId:
    """Canonical UUIDs only, so that a sender has one name. Raises `Refusal` (invalid_id_format)."""
    if _UUID.fullmatch(text) is None:
        raise invalid_id(f"{text!r} is not the id of a sender.")
    return SenderId(UUID(text))


def invalid_id(message: str, resolution: str = "Send a UUID in lower case, as the API has given it out.") -> Refusal:
    return Refusal(400, "invalid_id_format", message, resolution)


def _invalid_payload(message: str) -> Refusal:
    return Refusal(400, "invalid_payload", message, "Send a JSON object (RFC 8259) in UTF-8 as the request body.")
