"""What is wrong with a request, as Sinch tells it: in the manner of NestJS's class-validator, which serves its API.

Each problem is a sentence that begins with the path of the field. Of a list's plain values it says what each must be.
"""

import re

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError


def said(problem: str) -> PydanticCustomError:
    """For a validator of ours: what the field must be."""
    return PydanticCustomError("said", "{problem}", {"problem": problem})


def problems(error: ValidationError) -> list[str]:
    """One sentence a problem, in the order of the model's fields; entries with the same problem are told once."""
    details = error.errors(include_url=False, include_input=False)
    return list(dict.fromkeys(_problem(detail) for detail in details))


def _problem(detail: ErrorDetails) -> str:
    path = [str(step) for step in detail["loc"]]
    if path and path[-1].isdigit():
        return f"each value in {'.'.join(path[:-1])} {_must(detail)}"
    return f"{'.'.join(path)} {_must(detail)}".strip()


_MUST = {
    "missing": "should not be empty",
    "extra_forbidden": "should not exist",
    "string_type": "must be a string",
    "bool_type": "must be a boolean value",
    "int_type": "must be an integer number",
    "int_parsing": "must be an integer number",
    "int_parsing_size": "must be an integer number",
    "float_type": "must be a number",
    "list_type": "must be an array",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "string_too_short": "must be longer than or equal to {min_length} characters",
    "string_too_long": "must be shorter than or equal to {max_length} characters",
    "too_short": "must contain at least {min_length} elements",
    "too_long": "must contain no more than {max_length} elements",
    "greater_than_equal": "must not be less than {ge}",
    "less_than_equal": "must not be greater than {le}",
}


def _must(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "literal_error":
            values = re.findall(r"'([^']*)'", context["expected"])
            return f"must be one of the following values: {', '.join(values)}"
        case kind if kind in _MUST:
            return _MUST[kind].format(**context)
        case _:
            return detail["msg"]
