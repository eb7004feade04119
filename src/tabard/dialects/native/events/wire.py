"""Shapes of our own under `/tabard/v1`: the feed of events, subscriptions, deliveries."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from tabard.dialects.native.events.reading import known_names
from tabard.dialects.native.wire import EventAnswer, ReasonAnswer, Wire
from tabard.domain.event import types_of

_DAY, _WEEK = 86_400, 604_800


def _time(value: object) -> datetime:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        if time is not None and time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("time", "must be an ISO 8601 time with its offset, such as 2026-03-02T10:00:00Z")


def _known(name: str) -> str:
    if not types_of(name):
        raise PydanticCustomError(
            "event_type", "there is no such event type; there are: {known}", {"known": known_names()}
        )
    return name


ChannelName = Literal["whatsapp", "rcs"]
StateName = Literal["waiting", "delivered", "failed"]
Time = Annotated[datetime, BeforeValidator(_time)]
EventType = Annotated[str, AfterValidator(_known)]
Description = Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")]

_OLDEST = Field(description="Only what happened at this time or later; the account's time")
_NEWEST = Field(description="Only what happened earlier")
_TYPES = Field(max_length=50, description="Types of events; `sender.*` for all of senders. May be repeated")
_SENDER = Field(description="The sender's id; as hexadecimal digits it stands in other dialects' ids too")


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid")


# the feed


class FeedQuery(Query):
    cursor: Annotated[str | None, Field(max_length=100, description="Go on from here; a former answer's `cursor`")] = (
        None
    )
    from_: Annotated[
        Literal["now"] | None, Field(alias="from", description="Begin after all that has happened; not with `cursor`")
    ] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    type: Annotated[tuple[EventType, ...], _TYPES] = ()
    sender_id: Annotated[UUID | None, _SENDER] = None
    channel: ChannelName | None = None
    after: Annotated[Time | None, _OLDEST] = None
    before: Annotated[Time | None, _NEWEST] = None
    wait: Annotated[
        float, Field(ge=0, le=60, allow_inf_nan=False, description="Seconds to wait for the first event")
    ] = 0
    include: Annotated[
        Literal["sender"] | None, Field(description="`sender`: each event with its sender as it is now")
    ] = None


class FeedHeaders(Query):
    accept: Annotated[
        str | None, Field(alias="Accept", description="`text/event-stream`: events one by one, as they happen")
    ] = None
    last_event_id: Annotated[
        str | None, Field(alias="Last-Event-ID", description="With a stream: go on after the event with this id")
    ] = None


class ShortSender(Wire):
    id: UUID
    channel: str
    address: str
    status: str
    name: Annotated[str | None, Field(description="The display name")]
    friendly_name: str | None
    quality: str | None
    messaging_limit: Annotated[int | None, Field(description="Customers a day; -1 for no bound")]
    offline_reasons: list[ReasonAnswer]
    warnings: list[ReasonAnswer]
    created_at: datetime
    updated_at: datetime


class FeedEvent(EventAnswer):
    sender_id: Annotated[UUID | None, Field(description="null for an event of the account")]
    sender: Annotated[ShortSender | None, Field(description="Only with `include=sender`")] = None


class EventPage(Wire):
    events: Annotated[list[FeedEvent], Field(description="In the one order that all readers see")]
    cursor: Annotated[str, Field(description="Where to go on; also where there was nothing")]


# subscriptions


class _Target(Wire):
    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        if getattr(self, "sender_id", None) is not None and getattr(self, "channel", None) is not None:
            raise PydanticCustomError("scope", "name a sender_id or a channel, not both")
        return self


class NewSubscription(_Target):
    url: Annotated[str, Field(description="Where deliveries go: http or https, at most 2048 characters")]
    types: Annotated[
        tuple[EventType, ...],
        Field(min_length=1, max_length=50, description="Which events; `sender.*` and `*` are allowed"),
    ]
    sender_id: Annotated[UUID | None, Field(description="Only events of this sender")] = None
    channel: Annotated[ChannelName | None, Field(description="Only events of this channel")] = None
    secret: Annotated[
        str | None,
        Field(max_length=100, description="`whsec_` and 24 to 64 bytes in base64; made here where it is left out"),
    ] = None
    description: Description = None


class SubscriptionChange(_Target):
    """What is left out stays as it is."""

    url: Annotated[str, Field(description="Where deliveries go")] = ""
    types: Annotated[tuple[EventType, ...], Field(min_length=1, max_length=50)] = ()
    sender_id: Annotated[UUID | None, Field(description="null for all senders")] = None
    channel: Annotated[ChannelName | None, Field(description="null for all channels")] = None
    description: Description = None
    enabled: bool = True


class RotateRequest(Wire):
    overlap_seconds: Annotated[
        int, Field(ge=0, le=_WEEK, description="How long the former secret signs as well; the account's time")
    ] = _DAY


class ReplayRequest(Wire):
    types: Annotated[tuple[EventType, ...], Field(max_length=50, description="Empty for all")] = ()
    state: Annotated[
        Literal["failed", "delivered"] | None, Field(description="null for both; what still waits is left alone")
    ] = "failed"
    after: Annotated[Time | None, _OLDEST] = None
    before: Annotated[Time | None, _NEWEST] = None


class ReplayAnswer(Wire):
    replayed: Annotated[int, Field(description="Deliveries that will be made again, 50 a second")]


class SubscriptionAnswer(Wire):
    id: UUID
    url: str
    types: list[str]
    sender_id: UUID | None
    channel: str | None
    description: str | None
    enabled: bool
    disabled_reason: str | None
    failing_since: Annotated[datetime | None, Field(description="The first failure since the last success")]
    former_secret_until: Annotated[datetime | None, Field(description="Until then the former secret signs as well")]
    created_at: datetime
    updated_at: datetime


class SubscriptionWithSecret(SubscriptionAnswer):
    secret: Annotated[str, Field(description="Shown this once")]


class SubscriptionList(Wire):
    subscriptions: Annotated[list[SubscriptionAnswer], Field(description="The oldest first")]


class HealthAnswer(Wire):
    attempts: Annotated[int, Field(description="In the last 24 hours, as are the next two")]
    success_rate: Annotated[float | None, Field(description="0 to 1; null without attempts")]
    p95_ms: Annotated[float | None, Field(description="19 of 20 attempts took no longer")]
    waiting: Annotated[int, Field(description="Deliveries that are still to be made")]
    oldest_waiting_at: Annotated[datetime | None, Field(description="When the event of the oldest of them happened")]
    failing_since: datetime | None


# deliveries


class DeliveryQuery(Query):
    subscription_id: UUID | None = None
    sender_id: Annotated[UUID | None, _SENDER] = None
    state: StateName | None = None
    type: Annotated[tuple[EventType, ...], _TYPES] = ()
    after: Annotated[Time | None, _OLDEST] = None
    before: Annotated[Time | None, _NEWEST] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str | None, Field(max_length=100, description="Go on from here; a former answer's `cursor`")] = (
        None
    )


class DeliveryAnswer(Wire):
    id: Annotated[UUID, Field(description="What the receiver gets as `webhook-id`")]
    subscription_id: UUID
    number: Annotated[int, Field(description="The event's")]
    type: str
    sender_id: UUID | None
    state: StateName
    attempt_count: Annotated[int, Field(description="Since the first delivery, or since it was replayed")]
    replayed: bool
    next_attempt_at: datetime | None
    created_at: datetime
    settled_at: datetime | None
    last_status: Annotated[int | None, Field(description="HTTP status of the last attempt")]
    last_failure: Annotated[
        str | None,
        Field(description="dns, refused, reset, timeout, tls, blocked, status or internal; null for a success"),
    ]


class AttemptAnswer(Wire):
    number: int
    started_at: Annotated[datetime, Field(description="The real time")]
    duration_ms: float
    status: int | None
    failure: str | None
    detail: str | None
    answer: Annotated[str, Field(description="The first 16 KiB of the body")]


class DeliveryWithAttempts(DeliveryAnswer):
    attempts: Annotated[list[AttemptAnswer], Field(description="The oldest first, those before a replay among them")]


class DeliveryPage(Wire):
    deliveries: Annotated[list[DeliveryAnswer], Field(description="The newest first")]
    cursor: Annotated[str | None, Field(description="Where to go on; null at the end")]
