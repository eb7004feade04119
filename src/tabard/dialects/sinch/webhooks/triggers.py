"""Which of our events fires which trigger.

A trigger may be subscribed whether or not anything here can fire it: those that are not in `FIRED_BY` belong to what
this service has not (templates, KakaoTalk, bundles, usernames, brand registrations, changes of an account at Meta).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from tabard.dialects.sinch.webhooks.wire import TriggerWord

ALL = "ALL"

FIRED_BY: Mapping[TriggerWord, str] = MappingProxyType(
    {
        "RCS_SENDER_STATUS_UPDATED": "rcs:sender.status",
        "RCS_SENDER_OPERATOR_STATUS_UPDATED": "rcs:sender.carrier",
        "RCS_SENDER_COMMENT_ADDED": "rcs:sender.commented",
        "RCS_ACCOUNT_COMMENT_ADDED": "account.commented.rcs",
        "WHATSAPP_SENDER_ACTIVE": "whatsapp:sender.online",
        "WHATSAPP_SENDER_INACTIVE": "whatsapp:sender.retiring",
        # Which of the two, the sender's state tells.
        "WHATSAPP_SENDER_ERROR": "whatsapp:sender.offline",
        "WHATSAPP_SENDER_REJECTED": "whatsapp:sender.offline",
        "WHATSAPP_SENDER_PENDING_VERIFICATION": "whatsapp:sender.status",
        "WHATSAPP_SENDER_QUALITY_RATING_CHANGED": "whatsapp:sender.quality",
        "WHATSAPP_SENDER_DAILY_LIMIT_CHANGED": "whatsapp:sender.limit",
        "WHATSAPP_SENDER_DISPLAY_NAME_UPDATED": "whatsapp:sender.name",
        "WHATSAPP_SENDER_DELETED": "whatsapp:sender.deleted",
        "WHATSAPP_SENDER_COMMENT_ADDED": "whatsapp:sender.commented",
        "WHATSAPP_ACCOUNT_COMMENT_ADDED": "account.commented.whatsapp",
    }
)
"""By the trigger, the topic that subscriptions hear."""


def topics(triggers: Iterable[str]) -> tuple[str, ...]:
    """What a subscription to the triggers hears; nothing where none of them ever fires."""
    asked = set(triggers)
    heard = (topic for trigger, topic in FIRED_BY.items() if trigger in asked or ALL in asked)
    return tuple(dict.fromkeys(heard))


def wanted(trigger: str, names: Iterable[str]) -> bool:
    """Whether a webhook with these triggers is told of what fires this one."""
    return any(name in {trigger, ALL} for name in names)
