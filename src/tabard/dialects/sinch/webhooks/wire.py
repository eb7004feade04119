"""The bodies of Sinch's webhooks, and the words that they are subscribed by.

Source: Sinch Provisioning API 1.2.36, Webhooks; the triggers of later versions, up to 1.2.117, are taken too.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from tabard.dialects.sinch.reading import WEB_URL, Query, Request, optional, unique
from tabard.dialects.sinch.writing import Described

LONGEST_TARGET = 742
MOST_WEBHOOKS = 15
"""A project."""

TriggerWord = Literal[
    "ALL",
    "BUNDLE_DONE",
    "KAKAOTALK_SENDER_ACTIVE",
    "KAKAOTALK_SENDER_COMMENT_ADDED",
    "KAKAOTALK_SENDER_INACTIVE",
    "KAKAOTALK_SENDER_REJECTED",
    "KAKAOTALK_TEMPLATE_APPROVED",
    "KAKAOTALK_TEMPLATE_COMMENT_ADDED",
    "KAKAOTALK_TEMPLATE_REJECTED",
    "RCS_ACCOUNT_COMMENT_ADDED",
    "RCS_BRAND_REGISTRATION_PROCESS_STATUS_UPDATED",
    "RCS_SENDER_COMMENT_ADDED",
    "RCS_SENDER_OPERATOR_STATUS_UPDATED",
    "RCS_SENDER_STATUS_UPDATED",
    "WHATSAPP_ACCOUNT_COMMENT_ADDED",
    "WHATSAPP_ACCOUNT_DAILY_LIMIT_CHANGED",
    "WHATSAPP_ACCOUNT_ONBOARDED",
    "WHATSAPP_ACCOUNT_PENDING_VERIFICATION",
    "WHATSAPP_ACCOUNT_REJECTED",
    "WHATSAPP_SENDER_ACTIVE",
    "WHATSAPP_SENDER_COMMENT_ADDED",
    "WHATSAPP_SENDER_DAILY_LIMIT_CHANGED",
    "WHATSAPP_SENDER_DELETED",
    "WHATSAPP_SENDER_DISPLAY_NAME_UPDATED",
    "WHATSAPP_SENDER_ERROR",
    "WHATSAPP_SENDER_INACTIVE",
    "WHATSAPP_SENDER_PENDING_VERIFICATION",
    "WHATSAPP_SENDER_QUALITY_RATING_CHANGED",
    "WHATSAPP_SENDER_REJECTED",
    "WHATSAPP_SENDER_USERNAME_UPDATED",
    "WHATSAPP_TEMPLATE_APPROVED",
    "WHATSAPP_TEMPLATE_CATEGORY_FUTURE_UPDATE",
    "WHATSAPP_TEMPLATE_CATEGORY_UPDATED",
    "WHATSAPP_TEMPLATE_COMMENT_ADDED",
    "WHATSAPP_TEMPLATE_DELETED",
    "WHATSAPP_TEMPLATE_QUALITY_SCORE_UPDATED",
    "WHATSAPP_TEMPLATE_REJECTED",
    "WHATSAPP_TEMPLATE_STATUS_UPDATED",
    "WHATSAPP_WABA_ACCOUNT_CHANGED",
]


def _alone(triggers: list[str]) -> list[str]:
    if "ALL" in triggers and len(triggers) > 1:
        raise PydanticCustomError("said", "must hold no other trigger beside ALL")
    return triggers


Target = Annotated[str, StringConstraints(max_length=LONGEST_TARGET), WEB_URL]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=128), Field(repr=False)]
Triggers = Annotated[list[TriggerWord], Field(min_length=1), unique(), AfterValidator(_alone)]


class WebhookInput(Request):
    target: Target
    """Where deliveries go. No other webhook of the project may have the same."""
    secret: Secret
    """What deliveries are signed with. It is never shown again."""
    triggers: Triggers
    """What is told; `ALL` for everything. Those of templates, KakaoTalk, bundles, usernames, brand registrations and of
    an account's changes at Meta are taken and never fire."""


class WebhookUpdate(Request):
    """What is left out stays as it is."""

    target: Target = optional()
    """As in a new webhook."""
    secret: Secret = optional()
    """Signs from the next attempt on."""
    triggers: Triggers = optional()
    """In the place of all that there were."""


class WebhooksQuery(Query):
    page_token: str | None = None
    """`nextPageToken` or `previousPageToken` of another page."""
    page_size: Annotated[int, Field(ge=1, le=MOST_WEBHOOKS)] | None = None
    """15, which is all of them, where it is absent."""


class WebhookAnswer(Described):
    id: str
    """32 hexadecimal digits."""
    project_id: str
    target: str
    triggers: list[TriggerWord]


class WebhooksAnswer(Described):
    """A page of webhooks."""

    total_size: int
    page_size: int
    webhooks: list[WebhookAnswer]
    """In the alphabetical order of their targets."""
    previous_page_token: str | None = None
    next_page_token: str | None = None
