"""A sender's logo: fetched through the guard and looked at before a network is given it."""

import asyncio
from io import BytesIO

from PIL import Image as Pillow

from tabard.ports import Image, Outbound, OutboundRefused

BYTES_LIMIT = 5 * 1024 * 1024
SMALLEST_SIDE = 192
LARGEST_SIDE = 4096
"""Pixels. Bounds what a small file may unfold to: 16.8 million pixels."""

_MEDIA_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png"}


class LogoUnusable(OutboundRefused):
    """The document was fetched, but no network would take it. The text is fit to show to the user."""


def check_logo(data: bytes) -> Image:
    """The image, if it is a whole JPEG or PNG of at most 5 MB with sides of 192 to 4096 pixels.

    Refused is only what WhatsApp refuses or we could not safely decode. A square of 640 pixels is what Meta's
    partners advise; another shape is taken and cropped by WhatsApp, so it is not refused here.
    Raises `LogoUnusable`.
    """
    if len(data) > BYTES_LIMIT:
        raise LogoUnusable("the logo is larger than 5 MB")
    try:
        # A file is read twice because `verify` leaves it unusable.
        with Pillow.open(BytesIO(data), formats=("JPEG", "PNG")) as image:
            media_type, sides = _MEDIA_TYPES.get(image.format or ""), image.size
            fitting = all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in sides)
            image.verify()
        if fitting:
            with Pillow.open(BytesIO(data), formats=("JPEG", "PNG")) as image:
                image.load()
    except Exception as error:
        raise LogoUnusable("the logo is not a readable JPEG or PNG image") from error
    if media_type is None:
        raise LogoUnusable("the logo is not a JPEG or PNG image")
    if not fitting:
        raise LogoUnusable(
            f"the logo's sides must be {SMALLEST_SIDE} to {LARGEST_SIDE} pixels, are {sides[0]} x {sides[1]}"
        )
    return Image(data, media_type)


async def load_logo(outbound: Outbound, url: str, allow_private: bool) -> Image:
    """Raises `OutboundRefused`; `LogoUnusable`, which is one, if it is the document that is at fault."""
    data = await outbound.fetch(url, limit=BYTES_LIMIT, allow_private=allow_private)
    return await asyncio.to_thread(check_logo, data)
