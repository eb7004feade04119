"""What the sandbox's paths name."""

from tabard.domain.errors import InvalidInput
from tabard.http.surface import Call

AT = "/sandbox/v1"


def number_of(call: Call) -> str:
    """E.164; the plus may be missing, as it is easily lost in a URL. Raises `InvalidInput`."""
    return checked_number(call.path["number"])


def checked_number(text: str) -> str:
    digits = text.removeprefix("+").strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        raise InvalidInput("number", "must be a telephone number in E.164 form, such as +15550100123")
    return f"+{digits}"
