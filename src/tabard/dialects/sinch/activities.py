"""Activities and comments, for every family of resources: what happened to a sender or an account, newest first.

Each family says in `Kinds` which of our events it tells, and by which word. An account's own list ends with its making,
which is no event: it stands there as the event number 0, so that pages lead over it as over any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from tabard.app import activities as activity_app
from tabard.app.services import Services
from tabard.dialects.sinch.paging import Asked, Place, asked_page, page_answer
from tabard.dialects.sinch.reading import TEXT, Request, read
from tabard.dialects.sinch.writing import Described, answered, given, moment
from tabard.domain.event import Event
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.http.surface import Answer, Call
from tabard.ports.stores import EventPage, EventsWanted, StoredEvent

_API_USER = "Provisioning API user"
_AUTHORS = {"network:google": "Google", "network:meta": "Meta", "clock": "Provisioning API"}
_CREATED = 0
_ACCOUNT_CREATED = "account.created"


@dataclass(frozen=True, slots=True)
class Kinds:
    """What a family calls the events that it tells, and the statuses whose coming it tells."""

    channel: Channel
    types: Mapping[str, str | Callable[[Event], str]]
    """A word, or what makes one of the event."""
    statuses: Mapping[Status, str] = field(default_factory=dict)

    @property
    def wanted(self) -> EventsWanted:
        return EventsWanted(types=[*self.types], statuses=[*self.statuses])

    def of(self, event: Event) -> str:
        word = self.types.get(event.type) or self.statuses[Status(event.after["status"])]
        return word if isinstance(word, str) else word(event)


class NewComment(Request):
    comment: Annotated[str, Field(min_length=1, max_length=activity_app.LONGEST_COMMENT), TEXT]


class NotificationAnswer(Described):
    type: str
    """What happened, in one of the words of the family."""
    created: str
    author: str
    """`Provisioning API user` for whoever calls this API, the carrier's name for a carrier."""
    comment: str | None = None


class NotificationsAnswer(Described):
    """A page of activities."""

    total_size: int
    page_size: int
    notifications: list[NotificationAnswer]
    """Newest first."""
    previous_page_token: str | None = None
    next_page_token: str | None = None


class CommentAnswer(Described):
    type: Literal["CREATED"]
    comment: str
    created: str


async def sender_activities(services: Services, call: Call, sender_id: SenderId, kinds: Kinds) -> Answer:
    asked = _asked(services, call, [kinds.channel, str(sender_id)])
    page = await _page(services, call, sender_id, kinds, asked)
    return answered(200, _notifications(asked, page, kinds))


async def account_activities(services: Services, call: Call, kinds: Kinds) -> Answer:
    asked = _asked(services, call, [kinds.channel])
    page = await _page(services, call, None, kinds, asked)
    account = await services.accounts.account(call.principal.account_id)
    made = StoredEvent(_CREATED, Event(_ACCOUNT_CREATED, {}, {}), "account", account.created_at)
    return answered(200, _notifications(asked, _ending_with(made, page, asked), kinds))


async def comment_on_sender(services: Services, call: Call, sender_id: SenderId, channel: Channel) -> Answer:
    text = read(NewComment, call.body).comment
    told = await activity_app.comment_on_sender(services, call.principal, sender_id, channel, text)
    return _comment(told)


async def comment_on_account(services: Services, call: Call, channel: Channel) -> Answer:
    text = read(NewComment, call.body).comment
    return _comment(await activity_app.comment_on_account(services, call.principal, channel, text))


def account_kinds(channel: Channel) -> Kinds:
    return Kinds(channel, {f"account.commented.{channel}": "COMMENT_ADDED", _ACCOUNT_CREATED: "CREATED"})


def _asked(services: Services, call: Call, listed: list[str]) -> Asked:
    return asked_page(services, call.principal, call.query, ["activities", *listed])


async def _page(services: Services, call: Call, sender_id: SenderId | None, kinds: Kinds, asked: Asked) -> EventPage:
    number = None if asked.beyond is None else int(asked.beyond.id)
    return await activity_app.list_activities(
        services,
        call.principal,
        sender_id,
        kinds.channel,
        kinds.wanted,
        limit=asked.size,
        older_than=None if asked.backwards else number,
        newer_than=number if asked.backwards else None,
    )


def _ending_with(made: StoredEvent, page: EventPage, asked: Asked) -> EventPage:
    """The page as it is with one more event, older than all others."""
    room = page.last and len(page.events) < asked.size
    events = (*page.events, made) if room else page.events
    return EventPage(events, page.total + 1, first=page.first, last=room)


def _notifications(asked: Asked, page: EventPage, kinds: Kinds) -> dict[str, Any]:
    places = [Place(None, stored.number) for stored in page.events]
    return page_answer(
        asked,
        "notifications",
        [_notification(stored, kinds) for stored in page.events],
        total=page.total,
        before=places[0] if places and not page.first else None,
        after=places[-1] if places and not page.last else None,
    )


def _notification(stored: StoredEvent, kinds: Kinds) -> dict[str, Any]:
    author, comment = _said(stored)
    return given(type=kinds.of(stored.event), created=moment(stored.occurred_at), author=author, comment=comment)


def _said(stored: StoredEvent) -> tuple[str, str | None]:
    """Who is to be named, and what that one said. A carrier speaks for itself, but not where it was only asked."""
    told = stored.event.after
    by_user = stored.actor.startswith("key:")
    author = _API_USER if by_user else _AUTHORS.get(stored.actor, "Provisioning API")
    if stored.event.type != "sender.carrier":
        reasons = [reason["detail"] for reason in told.get("offline_reasons", ()) if reason["detail"]]
        return author, told.get("comment") or "; ".join(reasons) or None
    remark = f" ({told['remark']})" if told.get("remark") else ""
    comment = f"{told['country']} {told['carrier']}: {told['status'].upper()}{remark}"
    return author if by_user else told["carrier"], comment


def _comment(told: StoredEvent) -> Answer:
    created = moment(told.occurred_at)
    return answered(201, {"type": "CREATED", "comment": told.event.after["comment"], "created": created})
