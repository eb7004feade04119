"""A sender's pictures: fetched through the guard, and held against their limits before a network is given them.

Refused is only what the network refuses or we could not safely decode. What a small file may unfold to is bounded: its
sides are read before its pixels.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from tabard.domain.errors import FileFault, FileUnusable
from tabard.networks.outbound import AnswerTooLarge
from tabard.ports.world import Image, Outbound, OutboundUnavailable, Picture, Pictures

TIME_OUT = timedelta(seconds=5)

_FORMS = ("JPEG", "PNG")
_MEDIA_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png"}
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a JPEG or PNG image. Sides are width and height, in pixels."""

    bytes: int
    bytes_text: str
    smallest: tuple[int, int]
    largest: tuple[int, int]

    def fit(self, sides: tuple[int, int]) -> bool:
        bounds = zip(self.smallest, sides, self.largest, strict=True)
        return all(least <= side <= most for least, side, most in bounds)

    @property
    def sides_text(self) -> str:
        if self.smallest == self.largest:
            return f"must be {self.smallest[0]} x {self.smallest[1]} pixels"
        return f"must have sides of {self.smallest[0]} to {self.largest[0]} pixels"


_KB, _MB = 1024, 1024 * 1024

LIMITS: Mapping[Picture, Limits] = MappingProxyType(
    {
        # A square of 640 pixels is what Meta's partners advise; WhatsApp takes another shape, and crops it.
        Picture.WHATSAPP_LOGO: Limits(5 * _MB, "5 MB", (192, 192), (4096, 4096)),
        # Google, RCS for Business: agents.
        Picture.RCS_LOGO: Limits(50 * _KB, "50 KB", (224, 224), (224, 224)),
        Picture.RCS_BANNER: Limits(200 * _KB, "200 KB", (1440, 448), (1440, 448)),
    }
)


def check(data: bytes, picture: Picture, field: str) -> Image:
    """The image, if it is a whole JPEG or PNG within its limits. Raises `FileUnusable`, which names the field."""
    limits = LIMITS[picture]
    if len(data) > limits.bytes:
        raise _too_large(field, limits)
    try:
        # A file is read twice because `verify` leaves it unusable.
        with Pillow.open(BytesIO(data), formats=_FORMS) as image:
            media_type, sides = _MEDIA_TYPES.get(image.format or ""), image.size
            image.verify()
        if limits.fit(sides):
            with Pillow.open(BytesIO(data), formats=_FORMS) as image:
                image.load()
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        raise FileUnusable(field, FileFault.WRONG_DIMENSIONS, limits.sides_text) from None
    except UnidentifiedImageError as error:
        if data.startswith(_BEGINNINGS):
            raise _unreadable(field) from error
        raise FileUnusable(field, FileFault.WRONG_TYPE, "must be a JPEG or PNG image") from None
    except Exception as error:
        raise _unreadable(field) from error
    if media_type is None:
        raise FileUnusable(field, FileFault.WRONG_TYPE, "must be a JPEG or PNG image")
    if not limits.fit(sides):
        problem = f"{limits.sides_text}, is {sides[0]} x {sides[1]}"
        raise FileUnusable(field, FileFault.WRONG_DIMENSIONS, problem)
    return Image(data, media_type)


def _too_large(field: str, limits: Limits) -> FileUnusable:
    return FileUnusable(field, FileFault.TOO_LARGE, f"must be at most {limits.bytes_text}")


def _unreadable(field: str) -> FileUnusable:
    return FileUnusable(field, FileFault.UNREADABLE, "is not a readable JPEG or PNG image")


class GuardedPictures:
    def __init__(self, outbound: Outbound, *, time_out: timedelta = TIME_OUT) -> None:
        self._outbound = outbound
        self._time_out = time_out.total_seconds()

    async def load(self, url: str, picture: Picture, *, field: str, allow_private: bool) -> Image:
        limits = LIMITS[picture]
        try:
            async with asyncio.timeout(self._time_out):
                data = await self._outbound.fetch(url, limit=limits.bytes, allow_private=allow_private)
        except AnswerTooLarge:
            raise _too_large(field, limits) from None
        except TimeoutError:
            raise OutboundUnavailable(f"the address did not answer within {self._time_out:g} s") from None
        return await asyncio.to_thread(check, data, picture, field)


if TYPE_CHECKING:

    def _fulfils(pictures: GuardedPictures) -> Pictures:
        return pictures
