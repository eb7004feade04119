"""Webhooks as a store would hold them."""

from dataclasses import replace
from uuid import UUID

from tabard.dialects.sinch.webhooks.triggers import topics
from tabard.domain.ids import SubscriptionId
from tabard.domain.webhooks.subscription import Subscription, secret_context
from tabard.storage.vault import AesVault
from tests.support.sinch_service import NOON, OWNER, PROJECT

WEBHOOKS = f"{PROJECT}/webhooks"
WEBHOOK = SubscriptionId(UUID("01930000-0000-7000-8000-0000000000f1"))
OTHER = SubscriptionId(UUID("01930000-0000-7000-8000-0000000000f2"))
SECRET = "example-secret-äöü"
TARGET = "https://example.com/webhooks"


def webhook(
    *triggers: str, id_: SubscriptionId = WEBHOOK, target: str = TARGET, secret: str = SECRET, **more: object
) -> Subscription:
    made = Subscription(
        id=id_,
        account_id=OWNER,
        dialect="sinch",
        url=target,
        names=triggers,
        topics=topics(triggers),
        sealed_secret=AesVault(bytes(32)).seal(secret.encode(), secret_context(id_)),
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(made, **more)  # type: ignore[arg-type]


FIRST = webhook("RCS_SENDER_STATUS_UPDATED", "RCS_SENDER_OPERATOR_STATUS_UPDATED")
SECOND = webhook("ALL", id_=OTHER, target="https://another.example.com/webhooks")

STATES = {
    "nothing": (),
    "two webhooks": (FIRST, SECOND),
    "as many as there may be": tuple(
        webhook("ALL", id_=SubscriptionId(UUID(int=number)), target=f"{TARGET}/{number}") for number in range(1, 16)
    ),
}
