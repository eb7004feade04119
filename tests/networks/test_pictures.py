"""Which pictures are taken, and what is said of the others."""

import asyncio
import struct
import zlib
from contextlib import suppress
from datetime import timedelta
from io import BytesIO

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from tabard.domain.errors import FileFault, FileUnusable
from tabard.networks.outbound import AnswerTooLarge, GuardedOutbound, guarded_session
from tabard.networks.pictures import LIMITS, TIME_OUT, GuardedPictures, check
from tabard.ports.world import Image, OutboundRefused, OutboundUnavailable, Picture

FIELD = "profile.logo_url"
WHATSAPP, LOGO, BANNER = Picture.WHATSAPP_LOGO, Picture.RCS_LOGO, Picture.RCS_BANNER
KB = 1024


def picture(form: str, width: int = 640, height: int = 640, mode: str = "RGB") -> bytes:
    stream = BytesIO()
    Pillow.new(mode, (width, height), 7).save(stream, form)
    return stream.getvalue()


def refused(data: bytes, kind: Picture) -> FileUnusable:
    with pytest.raises(FileUnusable) as caught:
        check(data, kind, FIELD)
    assert caught.value.field == FIELD
    return caught.value


def test_every_kind_has_limits():
    assert LIMITS.keys() == set(Picture)
    assert TIME_OUT.total_seconds() == 5


FITTING = [
    *[(WHATSAPP, sides) for sides in [(640, 640), (192, 192), (4096, 192), (192, 4096), (300, 900)]],
    (LOGO, (224, 224)),
    (BANNER, (1440, 448)),
]


@pytest.mark.parametrize(("form", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
@pytest.mark.parametrize(("kind", "sides"), FITTING)
def test_a_jpeg_or_png_of_fitting_size_is_taken_as_it_is(form, media_type, kind, sides):
    data = picture(form, *sides)
    assert check(data, kind, FIELD) == Image(data, media_type)


@pytest.mark.parametrize(
    ("kind", "sides"),
    [
        *[(WHATSAPP, sides) for sides in [(191, 640), (640, 191), (4097, 640), (640, 4097), (1, 1)]],
        *[(LOGO, sides) for sides in [(223, 224), (224, 223), (225, 224), (224, 225), (448, 448), (1440, 448)]],
        *[(BANNER, sides) for sides in [(448, 1440), (1441, 448), (1440, 447), (720, 224), (224, 224)]],
    ],
)
def test_sides_out_of_bounds_are_refused_and_named(kind, sides):
    found = refused(picture("PNG", *sides), kind)
    assert found.fault is FileFault.WRONG_DIMENSIONS
    assert f"is {sides[0]} x {sides[1]}" in found.problem


def test_the_wanted_sides_are_named_too():
    data = picture("PNG", 100, 100)
    assert "192 to 4096 pixels" in refused(data, WHATSAPP).problem
    assert "must be 224 x 224 pixels" in refused(data, LOGO).problem
    assert "must be 1440 x 448 pixels" in refused(data, BANNER).problem


@pytest.mark.parametrize("form", ["GIF", "BMP", "WEBP", "TIFF", "ICO"])
@pytest.mark.parametrize("kind", list(Picture))
def test_other_forms_are_refused(form, kind):
    found = refused(picture(form, 200, 200, "P" if form == "GIF" else "RGB")[: 50 * KB], kind)
    assert (found.fault, found.problem) == (FileFault.WRONG_TYPE, "must be a JPEG or PNG image")


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_half_an_image_is_refused(form):
    data = picture(form, 224, 224)
    assert refused(data[: len(data) // 2], LOGO).fault is FileFault.UNREADABLE


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_a_mere_beginning_is_unreadable(data):
    assert refused(data, LOGO).fault is FileFault.UNREADABLE


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"<html>no</html>", b"%PDF-1.7"])
def test_what_is_no_image_is_of_the_wrong_type(data):
    assert refused(data, BANNER).fault is FileFault.WRONG_TYPE


@pytest.mark.parametrize(
    ("kind", "limit", "said"), [(WHATSAPP, 5120, "5 MB"), (LOGO, 50, "50 KB"), (BANNER, 200, "200 KB")]
)
def test_a_document_over_its_limit_is_refused(kind, limit, said):
    sides = LIMITS[kind].smallest
    data = picture("PNG", *sides)
    data += b"\0" * (limit * KB - len(data))
    assert check(data, kind, FIELD).media_type == "image/png"
    found = refused(data + b"\0", kind)
    assert (found.fault, found.problem) == (FileFault.TOO_LARGE, f"must be at most {said}")


@pytest.mark.parametrize("side", [5_000, 10_000, 20_000, 60_000])
@pytest.mark.parametrize("kind", list(Picture))
def test_a_small_file_that_would_unfold_to_gigabytes_is_refused_unread(side, kind):
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    assert refused(whole, kind).fault is FileFault.WRONG_DIMENSIONS


_PNG, _JPEG = picture("PNG", 224, 224), picture("JPEG", 224, 224)


@given(st.sampled_from([_PNG, _JPEG]), st.integers(0, 400), st.binary(max_size=40), st.sampled_from(list(Picture)))
def test_broken_bytes_raise_nothing_else(data, at, noise, kind):
    with suppress(FileUnusable):
        check(data[:at] + noise + data[at + len(noise) :], kind, FIELD)


# fetching


class Stub:
    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, int, bool]] = []

    async def problem_with(self, url: str, *, allow_private: bool) -> str | None:
        raise AssertionError(url)

    async def fetch(self, url: str, *, limit: int, allow_private: bool) -> bytes:
        self.asked.append((url, limit, allow_private))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Silent:
    async def problem_with(self, url: str, *, allow_private: bool) -> str | None:
        raise AssertionError(url)

    async def fetch(self, url: str, *, limit: int, allow_private: bool) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError(url, limit, allow_private)


async def load(outbound: Stub | Silent, kind: Picture = LOGO, time_out: timedelta = TIME_OUT) -> Image:
    pictures = GuardedPictures(outbound, time_out=time_out)
    return await pictures.load("https://a.test/l.png", kind, field=FIELD, allow_private=False)


async def test_a_picture_is_fetched_through_the_guard_and_checked():
    outbound = Stub(_PNG)
    assert await load(outbound) == Image(_PNG, "image/png")
    assert outbound.asked == [("https://a.test/l.png", 50 * KB, False)]
    with pytest.raises(FileUnusable, match=FIELD):
        await load(Stub(b"no"))


async def test_a_picture_that_cannot_be_had_is_refused_by_its_address():
    with pytest.raises(OutboundRefused, match="closed"):
        await load(Stub(OutboundRefused("closed")))
    with pytest.raises(OutboundUnavailable, match=r"within 0\.01 s"):
        await load(Silent(), time_out=timedelta(seconds=0.01))


async def test_a_document_that_is_cut_off_at_the_limit_is_too_large():
    with pytest.raises(FileUnusable) as caught:
        await load(Stub(AnswerTooLarge("larger")), BANNER)
    assert (caught.value.fault, caught.value.problem) == (FileFault.TOO_LARGE, "must be at most 200 KB")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_large_document_is_not_read_to_its_end(announced):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        length = b"Content-Length: 9999999\r\n" if announced else b""
        writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"Connection: close\r\n\r\n" + b"x" * 60 * KB)
        with suppress(ConnectionError):
            await writer.drain()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server, guarded_session() as http:
        assert isinstance(http, aiohttp.ClientSession)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(FileUnusable) as caught:
            await GuardedPictures(GuardedOutbound(http)).load(url, LOGO, field=FIELD, allow_private=True)
    assert caught.value.fault is FileFault.TOO_LARGE
