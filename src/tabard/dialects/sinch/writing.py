"""How answers are written."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from tabard.http.surface import Answer


class Described(BaseModel):
    """Base of the models that describe answers for the API document; at run time nothing is validated with these."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, defer_build=True, alias_generator=to_camel)


class ErrorAnswer(Described):
    error_code: str
    message: str
    resolution: str
    """What to do about it."""
    additional_information: dict[str, list[str] | str] | None = None
    """Only where there is more to say."""


def answered(status: int, body: Mapping[str, Any]) -> Answer:
    return Answer(status, orjson.dumps(body))


def given(**fields: Any) -> dict[str, Any]:
    """An object of the fields that have a value: Sinch leaves out what there is not, and writes no null."""
    return {name: value for name, value in fields.items() if value is not None}


def moment(at: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
