"""How paths, queries and cursors of `/tabard/v1` are read."""

import base64
import binascii
import re
from collections.abc import Collection
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel

from tabard.domain.errors import InvalidInput, NotFound
from tabard.domain.event import PATTERNS, types_of
from tabard.domain.ids import DeliveryId, SubscriptionId
from tabard.http.surface import Call
from tabard.ports.webhooks import Cursor

AT = "/tabard/v1"
ID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
"""Of subscriptions and deliveries."""

_FEED_PLACE = re.compile(r"(0|[1-9][0-9]{0,19})\.(0|[1-9][0-9]{0,18})", re.ASCII)
_DELIVERY_PLACE = re.compile(rf"(0|[1-9][0-9]{{0,18}})\.({ID[1:-1]})", re.ASCII)
_BIGGEST_TRANSACTION, _BIGGEST_NUMBER = 2**64 - 1, 2**63 - 1

Q = TypeVar("Q", bound=BaseModel)


def subscription_of(call: Call) -> SubscriptionId:
    """Raises `NotFound`."""
    return SubscriptionId(_id_of(call, "subscription"))


def delivery_of(call: Call) -> DeliveryId:
    """Raises `NotFound`."""
    return DeliveryId(_id_of(call, "delivery"))


def _id_of(call: Call, what: str) -> UUID:
    text = call.path[what]
    if not re.fullmatch(ID, text):
        raise NotFound(f"no {what} {text}")
    return UUID(text)


def read_query(model: type[Q], call: Call, *, several: Collection[str] = ()) -> Q:
    """`several` names what may come more than once. Raises `InvalidInput`, `ValidationError`."""
    values: dict[str, Any] = {}
    for name, value in call.query_pairs:
        if name in several:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise InvalidInput(name[:100], "is given more than once")
        else:
            values[name] = value
    return model.model_validate(values)


def plain_types(names: Collection[str]) -> tuple[str, ...]:
    """The types that the names stand for, each once; none stands for no restriction."""
    return tuple(dict.fromkeys(plain for name in names for plain in types_of(name)))


def known_names() -> str:
    return ", ".join((*PATTERNS["*"], *PATTERNS))


def write_cursor(cursor: Cursor) -> str:
    return _write(f"{cursor.transaction}.{cursor.number}")


def read_cursor(text: str, field: str = "cursor") -> Cursor:
    """Raises `InvalidInput`."""
    place = _FEED_PLACE.fullmatch(_read(text))
    if place is None or int(place[1]) > _BIGGEST_TRANSACTION or int(place[2]) > _BIGGEST_NUMBER:
        raise InvalidInput(field, "is no cursor that was given here")
    return Cursor(int(place[1]), int(place[2]))


def write_delivery_cursor(number: int, delivery_id: DeliveryId) -> str:
    return _write(f"{number}.{delivery_id}")


def read_delivery_cursor(text: str) -> tuple[int, DeliveryId]:
    """Raises `InvalidInput`."""
    place = _DELIVERY_PLACE.fullmatch(_read(text))
    if place is None or int(place[1]) > _BIGGEST_NUMBER:
        raise InvalidInput("cursor", "is no cursor that was given here")
    return int(place[1]), DeliveryId(UUID(place[2]))


def _write(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read(text: str) -> str:
    """Empty for what is no cursor; each place has one spelling only."""
    try:
        place = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return place if _write(place) == text else ""
