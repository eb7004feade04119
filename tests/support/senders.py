"""Senders for tests, made by words rather than by fields."""

from datetime import UTC, datetime

from tabard.app.accounts import SANDBOX_ACCOUNT
from tabard.domain.ids import AccountId, new_sender_id
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.profile import Profile
from tabard.domain.sender import Link, Registration, Sender, Webhook

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def a_sender(
    status: Status = Status.CREATING,
    *,
    address: str = "+15550100001",
    account_id: AccountId = SANDBOX_ACCOUNT,
    profile: Profile | None = None,
    link: Link | None = None,
) -> Sender:
    linked = Link() if status is Status.CREATING else Link(network_id="700000000000001")
    if status in {Status.ONLINE, Status.UPDATING}:
        linked = Link(network_id="700000000000001", registered=True)
    return Sender(
        id=new_sender_id(),
        account_id=account_id,
        channel=Channel.WHATSAPP,
        address=address,
        status=status,
        status_since=NOW,
        friendly_name=None,
        registration=Registration(),
        webhook=Webhook(),
        profile=profile or Profile(name="Example Parcels"),
        created_at=NOW,
        updated_at=NOW,
        link=link or linked,
        due_at=NOW,
    )
