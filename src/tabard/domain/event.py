"""Events: what changed, derived from the sender before and after, so that no change can go untold.

Types: sender.created, .status (with .online, .offline or .deleted beside it), .quality, .limit, .name, .profile,
.webhook, .configuration, .warning. `before` and `after` hold only what differs. Codes and PINs never appear.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tabard.domain.lifecycle import Status
from tabard.domain.sender import Sender


@dataclass(frozen=True, slots=True)
class Event:
    type: str
    before: dict[str, Any]
    after: dict[str, Any]


_WATCHED = {
    "sender.quality": ("quality",),
    "sender.limit": ("messaging_limit",),
    "sender.name": ("name_change",),
    "sender.profile": ("profile",),
    "sender.webhook": ("webhook",),
    "sender.configuration": ("friendly_name", "registration"),
    "sender.warning": ("warnings",),
}

_SPECIAL = {
    Status.ONLINE: "sender.online",
    Status.OFFLINE: "sender.offline",
    Status.DELETED: "sender.deleted",
}


def between(before: Sender | None, after: Sender) -> tuple[Event, ...]:
    """The events that lead from one value of a sender to the next; none if nothing that shows has changed."""
    if before is None:
        return (Event("sender.created", {}, {"status": after.status, "address": after.address}),)
    return (*_status_events(before, after), *_leaf_events(before, after))


def _status_events(before: Sender, after: Sender) -> Iterator[Event]:
    if before.status is after.status and before.offline_reasons == after.offline_reasons:
        return
    old = {"status": before.status, "offline_reasons": before.offline_reasons}
    new = {"status": after.status, "offline_reasons": after.offline_reasons}
    yield Event("sender.status", old, new)
    came_back = after.status is Status.ONLINE and before.status is Status.UPDATING
    if before.status is not after.status and after.status in _SPECIAL and not came_back:
        yield Event(_SPECIAL[after.status], old, new)


def _leaf_events(before: Sender, after: Sender) -> Iterator[Event]:
    for type_, leaves in _WATCHED.items():
        changed = [leaf for leaf in leaves if getattr(before, leaf) != getattr(after, leaf)]
        if changed:
            yield Event(
                type_,
                {leaf: getattr(before, leaf) for leaf in changed},
                {leaf: getattr(after, leaf) for leaf in changed},
            )
