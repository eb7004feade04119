"""Shapes of our own: the sandbox's controls."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PhoneMessageAnswer(Wire):
    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    sender: str = Field(alias="from")
    text: str
    received_at: datetime


class PhoneMessages(Wire):
    messages: list[PhoneMessageAnswer]


class ReasonAnswer(Wire):
    trouble: str
    detail: str


class EventAnswer(Wire):
    number: Annotated[int, Field(description="Only grows within the account")]
    type: str
    before: Annotated[dict[str, Any], Field(description="Only what differs")]
    after: dict[str, Any]
    actor: Annotated[str, Field(description="`key:` and the login, `network:` and its name, or `clock`")]
    occurred_at: datetime


class SenderAnswer(Wire):
    address: str
    status: str
    offline_reasons: list[ReasonAnswer]
    warnings: Annotated[list[ReasonAnswer], Field(description="What did not go well but stops nothing")]
    events: Annotated[list[EventAnswer], Field(description="The newest 100, newest first")]


class TesterAnswer(Wire):
    number: str
    status: str


class CarrierAnswer(Wire):
    carrier: str
    status: str
    remark: str | None


class CountryAnswer(Wire):
    country: str
    status: str
    carriers: list[CarrierAnswer]


class AgentAnswer(SenderAnswer):
    network_id: Annotated[str | None, Field(description="The network's own id of the agent")]
    verified: Annotated[bool, Field(description="The network has verified the business")]
    testers: list[TesterAnswer]
    countries: list[CountryAnswer]


class KeyFileAnswer(Wire):
    """As google-auth takes it."""

    type: Literal["service_account"]
    project_id: str
    private_key_id: str
    private_key: str
    client_email: str
    client_id: str
    token_uri: Annotated[str, Field(description="The emulation's own")]


class LaunchDecision(Wire):
    status: Literal["launched", "rejected", "suspended", "unlaunched"]
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1; null for every country")] = (
        None
    )
    carrier: Annotated[
        str | None, Field(max_length=100, description="As the sender shows it; null for every carrier")
    ] = None
    remark: Annotated[str | None, Field(max_length=1000, pattern=r"^[^\x00]*$")] = None


class SignUpRequest(Wire):
    number: Annotated[str, Field(max_length=20, description="E.164")]
    name: Annotated[str, Field(min_length=1, max_length=75, pattern=r"^[^\x00]*$", description="The display name")]


class SignUpAnswer(Wire):
    business_account: str
    number_id: str


class ClockAnswer(Wire):
    now: datetime


class AdvanceRequest(Wire):
    seconds: Annotated[float, Field(ge=0, description="How far to move the account's clock forward")]


class RejectRequest(Wire):
    reason: Annotated[str, Field(max_length=100)] = "NAME_NOT_CONSISTENT"


class QualityRequest(Wire):
    quality: Literal["high", "medium", "low", "unknown"]


class LimitRequest(Wire):
    customers_per_day: Annotated[int, Field(ge=-1, le=1_000_000, description="-1 for no bound")]


class NumberCapRequest(Wire):
    cap: Annotated[int | None, Field(ge=0, le=1_000_000, description="null for no cap")]


class FailRequest(Wire):
    network: Annotated[Literal["meta", "google"], Field(description="Whose calls fail")] = "meta"
    count: Annotated[int, Field(ge=0, le=10_000, description="How many of the next network calls fail; 0 for none")]
    status: Annotated[int, Field(ge=400, le=599)] = 500
    code: Annotated[int, Field(ge=0, le=2**31 - 1, description="Meta's error code; Google has none")] = 2


class ErrorDetail(Wire):
    code: Literal[
        "invalid_request",
        "unauthenticated",
        "not_found",
        "method_not_allowed",
        "conflict",
        "too_many_requests",
        "too_large",
        "internal",
        "busy",
    ]
    message: str


class ErrorAnswer(Wire):
    error: ErrorDetail
