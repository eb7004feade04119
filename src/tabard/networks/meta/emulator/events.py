"""What the emulated network tells an app by webhook: the values of each field, their envelope, bytes and signature.

The values name a number by its digits, as Meta's do; an id of the number is in none of them.
"""

import hashlib
import hmac
import json
from datetime import datetime

from tabard.networks.meta.emulator.state import TIERS, Notice, Number, Realm
from tabard.networks.meta.wire import WEBHOOK_OBJECT, LimitTier

NAME_UPDATE = "phone_number_name_update"
QUALITY_UPDATE = "phone_number_quality_update"
ACCOUNT_UPDATE = "account_update"
CAPABILITY_UPDATE = "business_capability_update"
SECURITY = "security"

FIELDS = (
    "messages",
    ACCOUNT_UPDATE,
    "account_review_update",
    "account_alerts",
    CAPABILITY_UPDATE,
    NAME_UPDATE,
    QUALITY_UPDATE,
    SECURITY,
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "business_username_update",
    "user_preferences",
    "history",
    "smb_app_state_sync",
    "smb_message_echoes",
    "automatic_events",
    "partner_solutions",
    "payment_configuration_update",
    "calls",
    "flows",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
)


def name_decided(number: Number, *, approved: bool, reason: str | None) -> Notice:
    return Notice(
        NAME_UPDATE,
        {
            "display_phone_number": number.digits,
            "decision": "APPROVED" if approved else "REJECTED",
            "requested_verified_name": number.new_name,
            "rejection_reason": reason,
        },
    )


def quality_changed(number: Number, event: str, limit: LimitTier, old_limit: LimitTier | None = None) -> Notice:
    """`event` is ONBOARDING (documented), or FLAGGED, UNFLAGGED, UPGRADE, DOWNGRADE (older, still seen)."""
    value: dict[str, object] = {"display_phone_number": number.digits, "event": event}
    if old_limit is not None:
        value["old_limit"] = old_limit
    value["current_limit"] = limit
    value["max_daily_conversations_per_business"] = limit
    return Notice(QUALITY_UPDATE, value)


def ban_changed(number: Number, state: str, at: datetime) -> Notice:
    """`state` is DISABLE or REINSTATE.

    Meta documents the event for a whole business account and none for a single number; `phone_number` beside it, as the
    older VERIFIED_ACCOUNT event has it, says which number it is about.
    """
    return Notice(
        ACCOUNT_UPDATE,
        {
            "phone_number": number.digits,
            "event": "DISABLED_UPDATE",
            "ban_info": {"waba_ban_state": state, "waba_ban_date": f"{at:%B} {at.day}, {at.year}"},
        },
    )


def capability_changed(realm: Realm) -> Notice:
    value: dict[str, object] = {"max_daily_conversations_per_business": realm.messaging_limit}
    if realm.number_cap is not None:
        small = 0 <= realm.messaging_limit <= TIERS[LimitTier.TIER_250]
        value["max_phone_numbers_per_business" if small else "max_phone_numbers_per_waba"] = realm.number_cap
    return Notice(CAPABILITY_UPDATE, value)


def pin_changed(number: Number) -> Notice:
    return Notice(SECURITY, {"display_phone_number": number.digits, "event": "PIN_CHANGED"})


def serialize(waba_id: str, at: datetime, notice: Notice) -> str:
    """The body as Meta writes it: everything beyond ASCII escaped in lower-case hex, slashes escaped too."""
    entry = {"id": waba_id, "time": int(at.timestamp()), "changes": [{"value": notice.value, "field": notice.field}]}
    payload = {"object": WEBHOOK_OBJECT, "entry": [entry]}
    return json.dumps(payload, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/")


def signature(app_secret: str, body: bytes) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
