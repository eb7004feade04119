"""The pictures and the colour of an RCS sender, judged before they are taken.

A picture that is wrong is refused. One that can't be had is refused for a live account, because the network would
refuse it too; in a sandbox, which may have no way to the internet, it is a warning.
"""

import asyncio
from collections.abc import Mapping

from tabard.app.services import Services
from tabard.domain.account import AccountKind, Principal
from tabard.domain.errors import FileFault, FileUnusable
from tabard.domain.profile import READABLE_CONTRAST, Profile, contrast_with_white, readable_color
from tabard.domain.sender import Sender, Trouble
from tabard.ports.world import OutboundRefused, Picture

_PICTURES = {
    "logo_url": (Picture.RCS_LOGO, Trouble.LOGO_UNUSABLE),
    "banner_url": (Picture.RCS_BANNER, Trouble.BANNER_UNUSABLE),
}

Findings = Mapping[Trouble, str | None]
"""By what was looked at: what is wrong with it, None where nothing is."""


async def judge(services: Services, principal: Principal, before: Profile, after: Profile) -> Findings:
    """What is wrong with the pictures that are new. Raises `FileUnusable`, naming the field."""
    new = {leaf: url for leaf in _PICTURES if (url := getattr(after, leaf)) and url != getattr(before, leaf)}
    found = await asyncio.gather(*(_look(services, principal, leaf, url) for leaf, url in new.items()))
    return dict(found)


async def _look(services: Services, principal: Principal, leaf: str, url: str) -> tuple[Trouble, str | None]:
    picture, trouble = _PICTURES[leaf]
    sandbox = principal.kind is AccountKind.SANDBOX
    try:
        await services.pictures.load(url, picture, field=f"profile.{leaf}", allow_private=sandbox)
    except OutboundRefused as refusal:
        if not sandbox:
            raise FileUnusable(f"profile.{leaf}", FileFault.NOT_FOUND, str(refusal)) from None
        return trouble, f"profile.{leaf}: {refusal}"
    return trouble, None


def with_findings(sender: Sender, findings: Findings) -> Sender:
    """The sender with a warning for each thing that is wrong, and none for what no longer is."""
    for trouble, problem in findings.items():
        sender = sender.without_warning(trouble) if problem is None else sender.warned(trouble, problem)
    return _with_color(sender)


def _with_color(sender: Sender) -> Sender:
    color = sender.profile.accent_color
    if color is None or contrast_with_white(color) >= READABLE_CONTRAST:
        return sender.without_warning(Trouble.COLOR_UNREADABLE)
    text = (
        f"profile.accent_color: {color} has a contrast of {contrast_with_white(color):.1f} to white, and the network "
        f"asks for {READABLE_CONTRAST}; it is given {readable_color(color)} instead"
    )
    return sender.warned(Trouble.COLOR_UNREADABLE, text)
