"""The business profile at Meta: our words in its constants, what to send, and the logo's way there.

Meta keeps what an update leaves out, so a leaf that the user has cleared is cleared by an empty value, and only where
Meta still shows something. `about` can't be emptied and a picture can't be taken away: both stay as they were.
Source: Meta, Business profiles; Resumable Upload API.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tabard.domain.account import Connection
from tabard.domain.profile import Profile, Vertical
from tabard.networks import calls
from tabard.networks.meta.faults import Operation
from tabard.networks.meta.graph import Call, Graph
from tabard.ports.networks import NetworkFault
from tabard.ports.world import Image

VERTICALS: Mapping[Vertical, str] = MappingProxyType(
    {
        Vertical.ALCOHOL: "ALCOHOL",
        Vertical.AUTOMOTIVE: "AUTO",
        Vertical.BEAUTY: "BEAUTY",
        Vertical.CLOTHING: "APPAREL",
        Vertical.EDUCATION: "EDU",
        Vertical.ENTERTAINMENT: "ENTERTAIN",
        Vertical.EVENT_PLANNING: "EVENT_PLAN",
        Vertical.FINANCE: "FINANCE",
        Vertical.GOVERNMENT: "GOVT",
        Vertical.GROCERY: "GROCERY",
        Vertical.HOTEL: "HOTEL",
        Vertical.MATRIMONY: "OTHER",  # Meta has no word for it
        Vertical.MEDICAL: "HEALTH",
        Vertical.NON_PROFIT: "NONPROFIT",
        Vertical.ONLINE_GAMBLING: "ONLINE_GAMBLING",
        Vertical.OTC_DRUGS: "OTC_DRUGS",
        Vertical.OTHER: "OTHER",
        Vertical.PHYSICAL_GAMBLING: "PHYSICAL_GAMBLING",
        Vertical.PROFESSIONAL_SERVICES: "PROF_SERVICES",
        Vertical.RESTAURANT: "RESTAURANT",
        Vertical.RETAIL: "RETAIL",
        Vertical.TRAVEL: "TRAVEL",
    }
)

_EMPTY: Mapping[str, object] = MappingProxyType(
    {"address": "", "description": "", "email": "", "websites": [], "vertical": "UNDEFINED"}
)
_NO_VERTICAL = ("UNDEFINED", "NOT_A_BIZ")
_EDGE = "whatsapp_business_profile"
_FIELDS = ",".join(("about", *_EMPTY))
_RESUMPTIONS = 3
_FILE_NAMES = {"image/jpeg": "logo.jpg", "image/png": "logo.png"}


def changes(profile: Profile, shown: Mapping[str, Any]) -> dict[str, object]:
    """What to send so that the profile which Meta shows becomes the wanted one."""
    wanted = {
        "about": profile.about,
        "address": profile.address,
        "description": profile.description,
        "email": profile.emails[0].value if profile.emails else None,
        "websites": [website.value for website in profile.websites[:2]],
        "vertical": VERTICALS[profile.vertical] if profile.vertical else None,
    }
    sent: dict[str, object] = {leaf: value for leaf, value in wanted.items() if value}
    for leaf, empty in _EMPTY.items():
        if leaf not in sent and shown.get(leaf) and shown[leaf] not in _NO_VERTICAL:
            sent[leaf] = empty
    return sent


async def push(graph: Graph, way: Connection, number_id: str, profile: Profile, logo: Image | None) -> None:
    """Raises `NetworkFault`."""
    reading = Call(Operation.PUSH_PROFILE, "GET", number_id, _EDGE, query={"fields": _FIELDS})
    body = changes(profile, _shown(await graph.ask(way, reading)))
    if logo is not None:
        body["profile_picture_handle"] = await upload(graph, way, logo)
    if body:
        body = {"messaging_product": "whatsapp", **body}
        await graph.ask(way, Call(Operation.PUSH_PROFILE, "POST", number_id, _EDGE, body=body))


def _shown(document: Mapping[str, Any]) -> Mapping[str, Any]:
    data = document.get("data")
    first = data[0] if isinstance(data, list) and data else None
    return first if isinstance(first, dict) else {}


async def upload(graph: Graph, way: Connection, logo: Image) -> str:
    """The handle of the uploaded picture. A transfer that breaks off is resumed where Meta says it stopped."""
    session = await graph.ask(way, _opening(way, logo))
    upload_id = session.get("id")
    if not isinstance(upload_id, str) or not upload_id.startswith("upload:"):
        raise calls.unavailable("Meta opened no upload")
    offset, resumptions = 0, _RESUMPTIONS
    while True:
        try:
            return _handle(await graph.ask(way, _sending(upload_id, logo, offset)))
        except NetworkFault as fault:
            if fault.code is not None or fault.after is not None or not resumptions:
                raise
        resumptions -= 1
        offset = _offset(await graph.ask(way, Call(Operation.UPLOAD_LOGO, "GET", upload_id)), logo)


def _opening(way: Connection, logo: Image) -> Call:
    query = {
        "file_name": _FILE_NAMES.get(logo.media_type, "logo"),
        "file_length": str(len(logo.data)),
        "file_type": logo.media_type,
    }
    return Call(Operation.UPLOAD_LOGO, "POST", way.app_id, "uploads", query=query)


def _sending(upload_id: str, logo: Image, offset: int) -> Call:
    headers = {"file_offset": str(offset), "Content-Type": "application/octet-stream"}
    return Call(Operation.UPLOAD_LOGO, "POST", upload_id, body=logo.data[offset:], headers=headers)


def _handle(answer: Mapping[str, Any]) -> str:
    handle = answer.get("h")
    if not isinstance(handle, str) or not handle:
        raise calls.unavailable("Meta kept no upload")
    return handle


def _offset(answer: Mapping[str, Any], logo: Image) -> int:
    offset = answer.get("file_offset")
    if isinstance(offset, str) and offset.isascii() and offset.isdigit():
        offset = int(offset[:12])
    if isinstance(offset, bool) or not isinstance(offset, int) or not 0 <= offset <= len(logo.data):
        raise calls.unavailable("Meta does not say where the upload stopped")
    return offset
