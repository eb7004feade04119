"""What the application needs of the world around it: time, secrets kept, documents fetched."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tabard.domain.webhooks.delivery import Failure


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall time, in UTC. An account's own time is this plus its `clock_offset`."""


class Vault(Protocol):
    """Seals what must be read back. The context is bound to the seal: another context cannot open it."""

    def seal(self, plain: bytes, context: str) -> bytes: ...

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises `ValueError` if the seal was made with another key or context, or was tampered with."""

    def derive(self, context: str) -> bytes:
        """A secret of 32 bytes that only this service can tell, the same for a context always (HKDF, RFC 5869)."""


@dataclass(frozen=True, slots=True)
class Image:
    data: bytes
    media_type: str


class OutboundRefused(Exception):
    """The address may not be called, or did not answer as it should. The text is fit to show to the user."""

    def __init__(self, problem: str, cause: Failure = Failure.BLOCKED) -> None:
        super().__init__(problem)
        self.cause = cause


class OutboundUnavailable(OutboundRefused):
    """It may be called, but did not answer in time, or failed itself: trying again may help."""


class Outbound(Protocol):
    async def fetch(self, url: str, *, limit: int, allow_private: bool) -> bytes:
        """GET a public document of at most `limit` bytes. Raises `OutboundRefused`, `OutboundUnavailable`."""

    async def problem_with(self, url: str, *, allow_private: bool) -> str | None:
        """Why the address may never be called, as far as it can be told now; a name that can't be resolved may be
        resolved later."""


class Picture(StrEnum):
    """What a picture is for; each kind has its own limits."""

    WHATSAPP_LOGO = "whatsapp_logo"
    RCS_LOGO = "rcs_logo"
    RCS_BANNER = "rcs_banner"


class Pictures(Protocol):
    async def load(self, url: str, picture: Picture, *, field: str, allow_private: bool) -> Image:
        """Fetch a picture and hold it against its limits. Raises `FileUnusable`, which names the field, if the document
        is at fault; `OutboundRefused` if it can't be had."""
