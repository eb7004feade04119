"""Which logos are taken."""

import struct
import zlib
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from tabard.networks.logo import BYTES_LIMIT, LogoUnusable, check_logo, load_logo
from tabard.ports import Image, OutboundRefused


def picture(form: str, width: int = 640, height: int = 640, mode: str = "RGB") -> bytes:
    stream = BytesIO()
    Pillow.new(mode, (width, height), 7).save(stream, form)
    return stream.getvalue()


@pytest.mark.parametrize(("form", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
@pytest.mark.parametrize("sides", [(640, 640), (192, 192), (4096, 192), (192, 4096), (300, 900)])
def test_a_jpeg_or_png_of_fitting_size_is_taken_as_it_is(form, media_type, sides):
    data = picture(form, *sides)
    assert check_logo(data) == Image(data, media_type)


@pytest.mark.parametrize("sides", [(191, 640), (640, 191), (4097, 640), (640, 4097), (1, 1)])
def test_sides_out_of_bounds_are_refused_and_named(sides):
    with pytest.raises(LogoUnusable, match=f"{sides[0]} x {sides[1]}"):
        check_logo(picture("PNG", *sides))


@pytest.mark.parametrize("form", ["GIF", "BMP", "WEBP", "TIFF", "ICO"])
def test_other_forms_are_refused(form):
    with pytest.raises(LogoUnusable, match="JPEG or PNG"):
        check_logo(picture(form, 200, 200))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_half_an_image_is_refused(form):
    data = picture(form)
    with pytest.raises(LogoUnusable, match="readable"):
        check_logo(data[: len(data) // 2])


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"<svg/>", b"<html>no</html>"])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(LogoUnusable):
        check_logo(data)


def test_a_document_over_five_megabytes_is_refused():
    with pytest.raises(LogoUnusable, match="5 MB"):
        check_logo(picture("PNG") + b"\0" * BYTES_LIMIT)


@pytest.mark.parametrize("side", [10_000, 20_000, 60_000])
def test_a_small_file_that_would_unfold_to_gigabytes_is_refused_unread(side):
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    with pytest.raises(LogoUnusable):
        check_logo(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


_PNG, _JPEG = picture("PNG", 200, 200), picture("JPEG", 200, 200)


@given(st.sampled_from([_PNG, _JPEG]), st.integers(0, 400), st.binary(max_size=40))
def test_broken_bytes_raise_nothing_else(data, at, noise):
    with suppress(LogoUnusable):
        check_logo(data[:at] + noise + data[at + len(noise) :])


class Stub:
    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, int, bool]] = []

    async def fetch(self, url: str, *, limit: int, allow_private: bool) -> bytes:
        self.asked.append((url, limit, allow_private))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_logo_is_fetched_through_the_guard_and_checked():
    outbound = Stub(_PNG)
    assert (await load_logo(outbound, "https://a.test/l.png", allow_private=False)).media_type == "image/png"
    assert outbound.asked == [("https://a.test/l.png", BYTES_LIMIT, False)]
    with pytest.raises(LogoUnusable):
        await load_logo(Stub(b"no"), "https://a.test/", allow_private=False)
    with pytest.raises(OutboundRefused, match="closed"):
        await load_logo(Stub(OutboundRefused("closed")), "https://a.test/", allow_private=False)
