"""What a network told us of its own accord. A notice is a hint to look, not the truth: the sender is made due, and
reconcile asks the network. Only what the network tells nowhere else (why a name was declined, alerts) is taken over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tabard.app.services import Services
from tabard.domain.account import Actor
from tabard.domain.errors import NotFound, StaleVersion
from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import NameReview, Sender, Trouble

_RACES = 20


@dataclass(frozen=True, slots=True)
class Audience:
    """The accounts behind the app that was told, and those of them whose own business account is meant."""

    accounts: Sequence[AccountId]
    owners: Sequence[AccountId]
    business_account: str


@dataclass(frozen=True, slots=True)
class NumberNotice:
    """Of a number that the network names by its digits, or else by its own id."""

    address: str | None
    network_id: str | None
    name: str | None = None
    """The display name that the notice is about, if it says so."""
    name_declined: str | None = None
    """Why, in the network's word."""
    alert: str | None = None


async def hear_of_account(services: Services, channel: Channel, audience: Audience) -> None:
    """Something changed for a whole business account: look at each of its senders."""
    await services.senders.touch(
        audience.accounts, audience.owners, channel, audience.business_account, services.clock.now()
    )
    services.wake()


async def hear_of_number(services: Services, channel: Channel, audience: Audience, notice: NumberNotice) -> None:
    for loaded in await services.senders.of_number(
        audience.accounts, channel, services.clock.now(), address=notice.address, network_id=notice.network_id
    ):
        await _tell(services, loaded.sender, notice)
    services.wake()


async def _tell(services: Services, sender: Sender, notice: NumberNotice) -> None:
    for _ in range(_RACES):
        now = services.clock.now()
        try:
            await services.senders.save(sender, _told(sender, notice).due(now), Actor.network(sender.channel), now)
        except StaleVersion:
            try:
                sender = await services.senders.fetch(sender.account_id, sender.id)
            except NotFound:
                return
            continue
        return
    raise StaleVersion(f"sender {sender.id} is being changed by others without a pause")


def _told(sender: Sender, notice: NumberNotice) -> Sender:
    change = sender.name_change
    # The look that finds a name declined, and why is not said there, may have come before this.
    undecided = change is not None and change.review in {NameReview.PENDING, NameReview.DECLINED}
    if notice.name_declined is not None and change is not None and undecided and notice.name in {None, change.name}:
        sender = replace(sender, name_change=replace(change, detail=f"declined by WhatsApp: {notice.name_declined}"))
    if notice.alert is not None:
        sender = sender.warned(Trouble.ACCOUNT_ALERT, notice.alert)
    return sender
