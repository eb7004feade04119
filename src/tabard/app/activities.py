"""What became of a sender, or of an account, told as events; and what people remark on it."""

from tabard.app.senders import fetch_sender
from tabard.app.services import Services
from tabard.domain import event
from tabard.domain.account import Actor, Principal
from tabard.domain.errors import InvalidInput
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel
from tabard.ports.stores import EventPage, EventsWanted, StoredEvent

LONGEST_COMMENT = 65_535
"""Characters (Sinch, comments)."""


async def list_activities(
    services: Services,
    principal: Principal,
    sender_id: SenderId | None,
    channel: Channel,
    wanted: EventsWanted,
    *,
    limit: int,
    older_than: int | None = None,
    newer_than: int | None = None,
) -> EventPage:
    """Of the sender or, without one, of the account itself. Raises `NotFound`."""
    if sender_id is not None:
        await fetch_sender(services, principal, sender_id, channel)
    return await services.senders.event_page(
        principal.account_id, sender_id, wanted, limit=limit, older_than=older_than, newer_than=newer_than
    )


async def comment_on_sender(
    services: Services, principal: Principal, sender_id: SenderId, channel: Channel, text: str
) -> StoredEvent:
    """Raises `NotFound`, `InvalidInput`."""
    await fetch_sender(services, principal, sender_id, channel)
    return await _tell(services, principal, sender_id, event.commented(_checked(text)))


async def comment_on_account(services: Services, principal: Principal, channel: Channel, text: str) -> StoredEvent:
    """A remark on all that the account does on the channel. Raises `InvalidInput`."""
    return await _tell(services, principal, None, event.account_commented(channel, _checked(text)))


async def _tell(services: Services, principal: Principal, sender_id: SenderId | None, told: event.Event) -> StoredEvent:
    now = services.clock.now()
    return await services.senders.tell(principal.account_id, sender_id, told, Actor.key(principal), now)


def _checked(text: str) -> str:
    if not 1 <= len(text) <= LONGEST_COMMENT or "\0" in text:
        raise InvalidInput("comment", f"must have 1 to {LONGEST_COMMENT} characters, and no NUL")
    return text
