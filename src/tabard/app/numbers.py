"""Use cases of WhatsApp senders whose owner goes step by step, and is told at once what came of each.

Reconcile does the step, as ever; the caller is kept waiting for it, within bounds. Whoever waits in vain is told no
lie: the step goes on, and shows on the sender.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from tabard.app.senders import change_sender, code_context
from tabard.app.services import Services
from tabard.domain import draft
from tabard.domain.account import AccountKind, Principal
from tabard.domain.change import SenderChange, changed, plain_code
from tabard.domain.draft import Edit
from tabard.domain.errors import (
    AddressTaken,
    Busy,
    CodeRefused,
    FileFault,
    FileUnusable,
    NetworkRefused,
    NotFound,
    WrongStatus,
)
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Sender, Trouble, VerificationMethod
from tabard.ports.networks import NetworkFault, NumberState
from tabard.ports.stores import Loaded
from tabard.ports.world import OutboundRefused, Picture

_LONGEST_WAIT = 10.0
_FIRST_LOOK, _LONGEST_PAUSE = 0.02, 0.25
"""Seconds."""

Permit = Callable[[Sender], None]
"""May refuse by the caller's own rules; sees the very sender that is changed."""


@dataclass(frozen=True, slots=True)
class CodeRequest:
    sent: bool
    """False where the network needs no code, or has not answered in time."""


@dataclass(frozen=True, slots=True)
class SignedUpNumber:
    """A number that its owner has connected at the network."""

    address: str
    display_name: str


async def look_up_number(
    services: Services, principal: Principal, business_account: str, number_id: str
) -> SignedUpNumber:
    """The number as the network sees it, asked at once. One without a display name is called by its address.

    Raises `NetworkRefused`: NUMBER_GONE if there is no such number, ACCOUNT_INVALID if that business account does not
    hold it; `AddressTaken` if a sender of this service, of whatever account, has it.
    """
    way = await services.way(principal.account_id, Channel.WHATSAPP)
    if way is None:
        raise NetworkRefused(Trouble.ACCESS_DENIED, "the account has no connection to WhatsApp")
    try:
        number = await services.whatsapp.number(way.connection, number_id)
        if number is None or number.address is None:
            raise NetworkRefused(Trouble.NUMBER_GONE, f"WhatsApp knows no number {number_id}")
        held = await services.whatsapp.find_number(way.connection, business_account, number.address)
    except NetworkFault as fault:
        raise NetworkRefused(fault.trouble, fault.detail) from None
    if held is None or held.id != number_id:
        text = f"the business account {business_account} does not hold the number {number_id}"
        raise NetworkRefused(Trouble.ACCOUNT_INVALID, text)
    if await services.senders.is_held(Channel.WHATSAPP, number_id):
        raise AddressTaken(f"the number {number_id} is held by a sender already")
    return SignedUpNumber(number.address, _display_name(number) or number.address)


def _display_name(number: NumberState) -> str | None:
    return number.display_name.strip() if number.display_name else None


async def ask_for_code(
    services: Services, principal: Principal, sender_id: SenderId, method: VerificationMethod
) -> CodeRequest:
    """Have the network send a one-time code, again if it has before.

    Raises `NotFound`, `WrongStatus`, `CodeRefused`.
    """
    change = SenderChange(registration={"verification_method": method})

    def asked(sender: Sender, at: datetime) -> Sender:
        return _attempted(sender, change, None, at)

    await _change(services, principal, sender_id, asked)
    sender = await _settled(services, principal, sender_id, lambda s: bool(s.offline_reasons) or not s.link.code_wanted)
    _raise_refusal(sender)
    return CodeRequest(sent=sender.status is Status.PENDING_VERIFICATION and not sender.link.code_wanted)


async def verify_number(services: Services, principal: Principal, sender_id: SenderId, code: str | None) -> None:
    """Hand in the code, or none where the network has proved the number by itself.

    Raises `NotFound`, `InvalidInput`, `WrongStatus`, `CodeRefused`; `Busy` where the network does not say in time
    whether the number needs a code.
    """
    change = SenderChange(code=code)
    sealed = None if code is None else services.vault.seal(plain_code(code).encode(), code_context(sender_id))

    def handed_in(sender: Sender, at: datetime) -> Sender:
        return _attempted(sender, change, sealed, at)

    asked = await _change(services, principal, sender_id, handed_in)

    def judged(sender: Sender) -> bool:
        match sender.status:
            case Status.VERIFYING:
                return sender.link.registered or bool(sender.offline_reasons)
            case Status.PENDING_VERIFICATION:
                # One that failed in passing has not been looked at yet.
                return bool(sender.offline_reasons) or (sender.version > asked.version and not sender.link.attempts)
            case _:
                return True

    sender = await _settled(services, principal, sender_id, judged)
    _raise_refusal(sender)
    if sender.status is Status.PENDING_VERIFICATION:
        if not judged(sender):
            raise Busy("the network has not said yet whether the number needs a code")
        raise CodeRefused(Trouble.CODE_REJECTED, "the number is not verified; hand in the code that the phone received")


def _attempted(sender: Sender, change: SenderChange, sealed_code: bytes | None, at: datetime) -> Sender:
    """The sender that awaits a code, with the change; whatever is refused from now on is refused of this attempt."""
    if sender.status is not Status.PENDING_VERIFICATION:
        raise WrongStatus(sender.status, f"a sender that is {sender.status} awaits no code")
    sender, _ = changed(sender, change, sealed_code, at)
    return replace(sender.linked(attempts=0), offline_reasons=())


def _raise_refusal(sender: Sender) -> None:
    if sender.offline_reasons:
        reason = sender.offline_reasons[0]
        raise CodeRefused(reason.trouble, reason.detail)


async def check_photo(services: Services, principal: Principal, url: str) -> None:
    """Hold a profile's picture against WhatsApp's limits, before it is stored. Raises `FileUnusable`.

    In the sandbox one that can't be had is let through: laptops and CI often reach nothing.
    """
    sandbox = principal.kind is AccountKind.SANDBOX
    field = "profile.logo_url"
    try:
        await services.pictures.load(url, Picture.WHATSAPP_LOGO, field=field, allow_private=sandbox)
    except OutboundRefused as refusal:
        if not sandbox:
            raise FileUnusable(field, FileFault.NOT_FOUND, str(refusal)) from None


async def save_draft(
    services: Services, principal: Principal, sender_id: SenderId, edit: Edit, *, permit: Permit
) -> Sender:
    """Raises `NotFound`, `InvalidInput`, `WrongStatus`."""

    def drafted(sender: Sender, _: datetime) -> Sender:
        permit(sender)
        return draft.put_aside(sender, edit)

    return await _change(services, principal, sender_id, drafted, due=False)


async def submit(
    services: Services, principal: Principal, sender_id: SenderId, edit: Edit, *, permit: Permit
) -> Sender:
    """Raises `NotFound`, `InvalidInput`, `WrongStatus`, `NameChangePending`, `NameDeclined`."""

    def submitted(sender: Sender, at: datetime) -> Sender:
        permit(sender)
        return draft.submitted(sender, edit, at)

    return await _change(services, principal, sender_id, submitted)


async def discard_changes(services: Services, principal: Principal, sender_id: SenderId, *, permit: Permit) -> None:
    """Raises `NotFound`, `WrongStatus`."""

    def discarded(sender: Sender, at: datetime) -> Sender:
        permit(sender)
        return draft.discarded(sender, at)

    await _change(services, principal, sender_id, discarded)


async def retire_sender(services: Services, principal: Principal, sender_id: SenderId) -> None:
    """Delete the sender, but not at once. Raises `NotFound`, `WrongStatus`."""
    await _change(services, principal, sender_id, draft.retired)


async def _change(
    services: Services,
    principal: Principal,
    sender_id: SenderId,
    changes: Callable[[Sender, datetime], Sender],
    *,
    due: bool = True,
) -> Sender:
    def after(loaded: Loaded, now: datetime) -> Sender:
        before = loaded.sender
        if before.channel is not Channel.WHATSAPP:
            raise NotFound(f"no WhatsApp sender {sender_id}")
        sender = changes(before, loaded.account_now)
        # The network has never heard of a draft. To take one down would take a number off that is somebody's own.
        unheard_of = before.status is Status.DRAFT and sender.status is Status.DELETED
        return sender.due(now) if due and not unheard_of else sender

    return await change_sender(services, principal, sender_id, after)


async def _settled(
    services: Services, principal: Principal, sender_id: SenderId, done: Callable[[Sender], bool]
) -> Sender:
    """The sender once it is done with, or as it is when the wait is over. Raises `NotFound`."""
    pause, waited = _FIRST_LOOK, 0.0
    while True:
        sender = await services.senders.fetch(principal.account_id, sender_id)
        if done(sender) or waited >= _LONGEST_WAIT:
            return sender
        await asyncio.sleep(pause)
        waited += pause
        pause = min(_LONGEST_PAUSE, pause * 2)
