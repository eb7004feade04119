"""A WhatsApp number's display name on its way: put up, reviewed by Meta, taken up by registering again.

Meta: display names, display name review.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tabard.domain.account import Connection
from tabard.domain.sender import NAME_REPORTED_FOR, NameChange, NameReview, Sender, Trouble, wanted_name
from tabard.ports.networks import Decision, NetworkFault, NumberState, WhatsAppNetwork
from tabard.workflows.faults import Times

_FAILED_REGISTRATION = {Trouble.PIN_MISMATCH: NameReview.PIN_MISMATCH}
"""How a name change stands when the registration that should take it up is refused; else REGISTRATION_FAILED."""


@dataclass(frozen=True, slots=True)
class Following:
    network: WhatsAppNetwork
    connection: Connection
    register: Callable[[Sender], Awaitable[None]]

    async def follow(self, sender: Sender, number: NumberState, at: Times) -> Sender:
        change = sender.name_change
        if change is None or not change.in_flight:
            return _forgotten(sender, at)
        if number.display_name == change.name and number.pending_name != change.name:
            completed = NameChange(change.name, NameReview.COMPLETED, at.account)
            return replace(sender, name_change=completed, profile=sender.profile.changed({"name": change.name}))
        if number.pending_name != change.name:
            return await self._submit(sender, number.id, change, at)
        review = number.pending_name_review or NameReview.PENDING
        if review is NameReview.APPROVED:
            return await self._take_up(sender, change, at)
        if review is not change.review:
            return replace(sender, name_change=replace(change, review=review, since=at.account))
        return sender

    async def _submit(self, sender: Sender, number_id: str, change: NameChange, at: Times) -> Sender:
        try:
            await self.network.submit_name(self.connection, number_id, change.name)
        except NetworkFault as fault:
            if fault.decision is not Decision.GIVE_UP:
                raise
            declined = NameChange(change.name, NameReview.DECLINED, at.account, fault.detail)
            return replace(sender, name_change=declined)
        return sender

    async def _take_up(self, sender: Sender, change: NameChange, at: Times) -> Sender:
        """An approved name holds once the number is registered again (Meta, display names).

        APPROVED is saved together with that registration, so it asks for no other one: registrations are counted.
        """
        if change.review is NameReview.APPROVED:
            if at.account - change.since > NAME_REPORTED_FOR:
                return replace(sender, name_change=replace(change, review=NameReview.EXPIRED, since=at.account))
            return sender
        try:
            await self.register(sender)
        except NetworkFault as fault:
            if fault.decision is not Decision.GIVE_UP:
                raise
            review = _FAILED_REGISTRATION.get(fault.trouble, NameReview.REGISTRATION_FAILED)
            return replace(sender, name_change=NameChange(change.name, review, at.account, fault.detail))
        return replace(sender, name_change=replace(change, review=NameReview.APPROVED, since=at.account))


def as_seen(sender: Sender, number: NumberState) -> Sender:
    """A display name that was changed elsewhere, in WhatsApp Manager for one, shows here too."""
    change = sender.name_change
    if number.display_name is None or (change is not None and change.in_flight):
        return sender
    return replace(sender, profile=sender.profile.changed({"name": number.display_name}))


def as_found(sender: Sender, number: NumberState, at: Times) -> Sender:
    """A number that was there before us keeps its display name until the wanted one has passed its review."""
    wanted = wanted_name(sender)
    if number.display_name is None or number.display_name == wanted:
        return sender
    named = replace(sender, profile=sender.profile.changed({"name": number.display_name}))
    return replace(named, name_change=NameChange(wanted, NameReview.PENDING, at.account))


def with_first_declined(sender: Sender, number: NumberState) -> Sender:
    declined = number.name_review is NameReview.DECLINED and number.display_name == sender.profile.name
    if not declined or sender.name_change is not None or sender.profile.name is None:
        return sender
    text = "WhatsApp has declined this display name; choose another"
    change = NameChange(sender.profile.name, NameReview.DECLINED, sender.updated_at, text)
    return replace(sender, name_change=change).warned(Trouble.NAME_DECLINED, text)


def _forgotten(sender: Sender, at: Times) -> Sender:
    change = sender.name_change
    completed = change is not None and change.review is NameReview.COMPLETED
    if completed and at.account - change.since > NAME_REPORTED_FOR:  # type: ignore[union-attr]
        return replace(sender, name_change=None)
    return sender
