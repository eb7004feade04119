"""The steps of a WhatsApp sender's life, status by status.

    CREATING              add the number to the business account, or find it there; ask for a code
    PENDING_VERIFICATION  nothing, until the user sends the code or asks for another
    VERIFYING             verify the code, register with our PIN, wait until the number is connected, then dress it
    ONLINE, UPDATING      tend: look at the number, follow a name change, push the profile if it changed
    OFFLINE               the same look; back online once the network lets it
    RETIRING              nothing, until its time is up
    DELETED               deregister

Meta: phone number registration, display names, business profiles, two-step verification.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

import orjson

from tabard.app.senders import code_context, pin_context
from tabard.app.services import Services
from tabard.domain.account import AccountKind
from tabard.domain.draft import RETIRES_FOR
from tabard.domain.errors import FileUnusable
from tabard.domain.lifecycle import Signal, Status
from tabard.domain.profile import Profile
from tabard.domain.sender import (
    NameReview,
    Reason,
    Sender,
    Trouble,
    VerificationMethod,
    wanted_name,
)
from tabard.ports.networks import Decision, NetworkFault, NumberState, NumberStatus, Way, WhatsAppNetwork
from tabard.ports.world import Image, OutboundRefused, OutboundUnavailable, Picture
from tabard.workflows import display_name
from tabard.workflows.faults import FIRST_RETRY, LONGEST_RETRY, REFRESH, as_long_again
from tabard.workflows.reconcile import Moment, way_of

_LASTING = frozenset({Trouble.ACCOUNT_ALERT, Trouble.LOGO_UNUSABLE, Trouble.NAME_DECLINED})
"""Warnings that hold although all went well."""

NAME_POLL = timedelta(hours=1)
"""How often a name under review is looked at, should the network's webhook not come."""

_STATUS_TROUBLE = {
    NumberStatus.BANNED: Trouble.NUMBER_BANNED,
    NumberStatus.RESTRICTED: Trouble.ACCOUNT_LOCKED,
    NumberStatus.MIGRATED: Trouble.NUMBER_MIGRATED,
    NumberStatus.DELETED: Trouble.NUMBER_GONE,
    NumberStatus.DISCONNECTED: Trouble.NOT_REGISTERED,
}

_OFFLINE_TEXT = {
    Trouble.NUMBER_BANNED: "WhatsApp has banned this number",
    Trouble.ACCOUNT_LOCKED: "the WhatsApp Business Account is locked",
    Trouble.NUMBER_MIGRATED: "the number has been moved to another WhatsApp Business Account",
    Trouble.NUMBER_GONE: "the number is no longer in the WhatsApp Business Account",
    Trouble.NOT_REGISTERED: "the number has been deregistered from WhatsApp by someone else",
    Trouble.ACCOUNT_DISABLED: "WhatsApp has disabled the business account",
    Trouble.ACCOUNT_BANNED: "WhatsApp has banned the business account",
}


@dataclass(frozen=True, slots=True)
class WhatsAppSteps:
    services: Services
    network: WhatsAppNetwork

    async def __call__(self, sender: Sender, at: Moment) -> Sender:
        """One step. Raises `NetworkFault`."""
        way = await way_of(self.services, sender)
        match sender.status:
            case Status.CREATING:
                return await self._create(sender, way, at)
            case Status.PENDING_VERIFICATION:
                return await self._await_code(sender, way, at)
            case Status.VERIFYING:
                return await self._verify(sender, way, at)
            case Status.ONLINE | Status.UPDATING | Status.OFFLINE:
                return await self._tend(sender, way, at)
            case Status.RETIRING:
                return _retire(sender, at)
            case Status.DELETED:
                return await self._take_down(sender, way)
            case Status.DRAFT | Status.TESTING | Status.PREPARING | Status.LAUNCHING:
                return replace(sender, due_at=None)
            case _:
                assert_never(sender.status)

    async def _create(self, sender: Sender, way: Way, at: Moment) -> Sender:
        if sender.link.network_id is not None:
            return await self._request_code(sender, way, at)
        business_account = _business_account(sender, way)
        number = await self.network.find_number(way.connection, business_account, sender.address)
        if number is None:
            number_id = await self.network.add_number(
                way.connection, business_account, sender.address, wanted_name(sender)
            )
        else:
            number_id = number.id
            await self._require_ours(sender, number_id)
            sender = display_name.as_found(sender, number, at)
        sender = replace(
            sender.linked(network_id=number_id, attempts=0),
            registration=replace(sender.registration, business_account=business_account),
            sealed_pin=await self._pin_for(sender),
            offline_reasons=(),
        )
        if number is not None and number.verified:
            sender = sender.signalled(Signal.NUMBER_VERIFIED, at.account)
        elif sender.registration.verification_method is None:
            return sender.signalled(Signal.NUMBER_ADDED, at.account).due(at.wall + REFRESH)
        return sender.due(at.wall)

    async def _require_ours(self, sender: Sender, number_id: str) -> None:
        """Two accounts may share a business account at the network. A number that is there already is taken over only
        from nobody: it was added by a worker of ours that died, or by the customer. Raises `NetworkFault`."""
        if await self.services.senders.is_held(sender.channel, number_id, but_for=sender.id):
            raise NetworkFault(
                Decision.GIVE_UP, Trouble.NUMBER_TAKEN, "another account of this service holds the number"
            )

    async def _pin_for(self, sender: Sender) -> bytes:
        """The PIN we left with this number once, or a new one. It is saved before the network ever sees it."""
        if sender.sealed_pin is not None:
            return sender.sealed_pin
        former = await self.services.senders.former_pin(sender)
        return former or self.services.vault.seal(f"{secrets.randbelow(1_000_000):06}".encode(), pin_context(sender))

    async def _request_code(self, sender: Sender, way: Way, at: Moment) -> Sender:
        try:
            method = sender.registration.verification_method or VerificationMethod.SMS
            await self.network.request_code(way.connection, _number_id(sender), method)
        except NetworkFault as fault:
            if fault.trouble is not Trouble.ALREADY_VERIFIED:
                raise
            sender = sender.signalled(Signal.NUMBER_VERIFIED, at.account)
            return replace(sender.linked(code_wanted=False, attempts=0), offline_reasons=()).due(at.wall)
        sender = sender.signalled(Signal.CODE_SENT, at.account).linked(code_wanted=False, attempts=0)
        return replace(sender, offline_reasons=()).due(at.wall + REFRESH)

    async def _await_code(self, sender: Sender, way: Way, at: Moment) -> Sender:
        if sender.link.code_wanted:
            return await self._request_code(sender, way, at)
        number = await self.network.number(way.connection, _number_id(sender))
        if number is None:
            raise _gone()
        if number.verified:
            return sender.signalled(Signal.NUMBER_VERIFIED, at.account).due(at.wall)
        return sender.due(at.wall + REFRESH)

    async def _verify(self, sender: Sender, way: Way, at: Moment) -> Sender:
        number = await self.network.number(way.connection, _number_id(sender))
        if number is None:
            raise _gone()
        if not number.verified:
            refusal = await self._code_refusal(sender, way)
            if refusal is not None:
                sender = sender.signalled(Signal.CODE_REJECTED, at.account).linked(attempts=0)
                return replace(sender, sealed_code=None, offline_reasons=(refusal,)).due(at.wall + REFRESH)
        sender = replace(sender, sealed_code=None)
        if not sender.link.registered and number.status is not NumberStatus.CONNECTED:
            await self._register(sender, way)
            return sender.linked(registered=True, attempts=0).due(at.wall)
        if number.status is NumberStatus.PENDING:
            return sender.linked(registered=True).due(at.wall + as_long_again(sender.status_since, at, LONGEST_RETRY))
        sender = sender.linked(registered=True)
        _require_connected(number)
        sender = await self._dress(_seen(sender, number), way)
        sender = sender.signalled(Signal.WENT_ONLINE, at.account).linked(attempts=0)
        waiting = sender.name_change is not None and sender.name_change.in_flight  # asked for before it could be put up
        next_look = timedelta(0) if waiting else _until_next_look(sender, at)
        return replace(sender, offline_reasons=()).due(at.wall + next_look)

    async def _code_refusal(self, sender: Sender, way: Way) -> Reason | None:
        """None if the network took the code."""
        if sender.sealed_code is None:
            return Reason(Trouble.CODE_REJECTED, "the number is not verified; send the code that the phone received")
        code = self.services.vault.open(sender.sealed_code, code_context(sender.id)).decode()
        try:
            await self.network.verify_code(way.connection, _number_id(sender), code)
        except NetworkFault as fault:
            if fault.trouble is not Trouble.CODE_REJECTED:
                raise
            return Reason(fault.trouble, fault.detail)
        return None

    async def _register(self, sender: Sender, way: Way) -> None:
        if sender.sealed_pin is None:
            raise NetworkFault(Decision.GIVE_UP, Trouble.PIN_MISMATCH, "no PIN is known for this number")
        pin = self.services.vault.open(sender.sealed_pin, pin_context(sender)).decode()
        await self.network.register(way.connection, _number_id(sender), pin)

    async def _dress(self, sender: Sender, way: Way) -> Sender:
        """Subscribe our app to the business account, so that we hear of the number, and push the profile."""
        await self.network.subscribe_app(way.connection, _business_account(sender, way))
        return await self._push_profile(sender, way)

    async def _push_profile(self, sender: Sender, way: Way) -> Sender:
        digest = _digest(sender.profile)
        if digest == sender.link.profile_digest:
            return sender
        logo, sender = await self._logo(sender, way)
        await self.network.push_profile(way.connection, _number_id(sender), sender.profile, logo)
        return sender.linked(profile_digest=digest)

    async def _logo(self, sender: Sender, way: Way) -> tuple[Image | None, Sender]:
        """In the sandbox a logo that can't be fetched is a warning: laptops and CI often reach nothing."""
        url = sender.profile.logo_url
        sender = sender.without_warning(Trouble.LOGO_UNUSABLE)
        if url is None:
            return None, sender
        sandbox = way.kind is AccountKind.SANDBOX
        try:
            logo = await self.services.pictures.load(
                url, Picture.WHATSAPP_LOGO, field="profile.logo_url", allow_private=sandbox
            )
        except FileUnusable as fault:
            raise NetworkFault(Decision.GIVE_UP, Trouble.LOGO_UNUSABLE, str(fault)) from None
        except OutboundRefused as refusal:
            if not sandbox:
                decision = Decision.RETRY if isinstance(refusal, OutboundUnavailable) else Decision.GIVE_UP
                raise NetworkFault(decision, Trouble.LOGO_UNUSABLE, f"profile.logo_url: {refusal}") from None
            return None, sender.warned(Trouble.LOGO_UNUSABLE, f"profile.logo_url: {refusal}")
        return logo, sender

    async def _tend(self, sender: Sender, way: Way, at: Moment) -> Sender:
        """Look at a number that has been online, and make it as its owner wants it."""
        if sender.link.network_id is None or not sender.link.registered:
            return replace(sender, due_at=None)
        number = await self.network.number(way.connection, sender.link.network_id)
        if number is None:
            raise _gone()
        sender = _seen(sender, number)
        if number.status is NumberStatus.PENDING:
            return sender.due(at.wall + as_long_again(sender.status_since, at, LONGEST_RETRY))
        _require_connected(number)
        sender = await self._follow_name(sender, number, way, at)
        # One that was offline may have failed before our app was subscribed.
        offline = sender.status is Status.OFFLINE
        sender = await self._dress(sender, way) if offline else await self._push_profile(sender, way)
        if sender.status is Status.UPDATING:
            sender = sender.signalled(Signal.UPDATE_SETTLED, at.account)
        elif sender.status is Status.OFFLINE:
            sender = replace(sender.signalled(Signal.LIFTED, at.account), offline_reasons=())
        sender = replace(sender, warnings=tuple(w for w in sender.warnings if w.trouble in _LASTING))
        return sender.linked(attempts=0).due(at.wall + _until_next_look(sender, at))

    async def _follow_name(self, sender: Sender, number: NumberState, way: Way, at: Moment) -> Sender:
        async def register(sender: Sender) -> None:
            await self._register(sender, way)

        following = display_name.Following(self.network, way.connection, register)
        return await following.follow(display_name.as_seen(sender, number), number, at)

    async def _take_down(self, sender: Sender, way: Way) -> Sender:
        number_id = sender.link.network_id
        if number_id is None:
            # Deleted while it was being created: the number may have been added without our knowing its id.
            number = await self.network.find_number(way.connection, _business_account(sender, way), sender.address)
            number_id = number.id if number else None
        if number_id is not None and not await self.services.senders.is_held(
            sender.channel, number_id, but_for=sender.id
        ):
            await self._deregister(way, number_id)
        return replace(sender.linked(network_id=number_id, registered=False), due_at=None)

    async def _deregister(self, way: Way, number_id: str) -> None:
        number = await self.network.number(way.connection, number_id)
        if number is None or number.status not in {NumberStatus.CONNECTED, NumberStatus.PENDING}:
            return
        try:
            await self.network.deregister(way.connection, number_id)
        except NetworkFault as fault:
            if fault.trouble is not Trouble.NOT_REGISTERED:
                raise


def _business_account(sender: Sender, way: Way) -> str:
    return sender.registration.business_account or way.connection.business_account


def _number_id(sender: Sender) -> str:
    if sender.link.network_id is None:
        raise _gone()
    return sender.link.network_id


def _retire(sender: Sender, at: Moment) -> Sender:
    left = sender.status_since + RETIRES_FOR - at.account
    if left > timedelta(0):
        return sender.due(at.wall + left)
    return sender.signalled(Signal.DELETE_REQUESTED, at.account).linked(attempts=0).due(at.wall)


def _gone() -> NetworkFault:
    return NetworkFault(Decision.GIVE_UP, Trouble.NUMBER_GONE, _OFFLINE_TEXT[Trouble.NUMBER_GONE])


def _require_connected(number: NumberState) -> None:
    """Raises `NetworkFault` with what keeps the number from sending."""
    trouble = _STATUS_TROUBLE.get(number.status) or number.blocked_by
    if trouble is not None:
        detail = _OFFLINE_TEXT.get(trouble, "WhatsApp does not let this number send")
        raise NetworkFault(Decision.GIVE_UP, trouble, detail)


def _seen(sender: Sender, number: NumberState) -> Sender:
    """The sender with what the network says of quality, limit and name."""
    sender = replace(sender, quality=number.quality, messaging_limit=number.messaging_limit)
    return display_name.with_first_declined(sender, number)


def _until_next_look(sender: Sender, at: Moment) -> timedelta:
    """Spread by the sender's id, so that senders made together are not looked at together."""
    change = sender.name_change
    if change is not None and change.review is NameReview.APPROVED:
        # The network shows the name a moment after the registration: wait as long again as it has taken already.
        return min(NAME_POLL, max(FIRST_RETRY, at.account - change.since))
    if change is not None and change.in_flight:
        return NAME_POLL
    return REFRESH * (0.9 + 0.1 * (sender.id.int % 1000) / 1000)


def _digest(profile: Profile) -> str:
    pushed = (
        profile.about,
        profile.address,
        profile.description,
        profile.logo_url,
        profile.vertical,
        profile.emails,
        profile.websites,
    )
    return hashlib.sha256(orjson.dumps(pushed)).hexdigest()[:16]
