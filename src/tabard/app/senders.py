"""Use cases: register, fetch, list, update and delete senders, for the account of the caller only."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import phonenumbers

from tabard.app.services import Services
from tabard.domain.account import Actor, Principal
from tabard.domain.change import NameOutcome, SenderChange, changed, checked_webhook, plain_code
from tabard.domain.errors import AddressTaken, IdempotencyKeyReused, InvalidInput, StaleVersion
from tabard.domain.ids import SenderId, new_sender_id
from tabard.domain.lifecycle import IN_BETWEEN, Channel, Signal, Status
from tabard.domain.profile import Profile, check_whatsapp_profile
from tabard.domain.sender import Registration, Sender, Webhook, wanted_name
from tabard.ports import Idempotency, Page

_RACES = 20
"""Lost races in a row before an update gives up; each one means that another writer got on."""

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


@dataclass(frozen=True, slots=True)
class NewSender:
    channel: Channel
    address: str
    friendly_name: str | None
    registration: Registration
    webhook: Webhook
    profile: Profile


@dataclass(frozen=True, slots=True)
class Repeat:
    """A caller's idempotency key, and a fingerprint of the request that it stands for."""

    key: str
    fingerprint: bytes


async def register_sender(
    services: Services,
    principal: Principal,
    new: NewSender,
    *,
    render: Callable[[Sender], bytes],
    repeat: Repeat | None = None,
) -> bytes:
    """Register a sender and give the answer that `render` makes of it; for a repeated request, the first answer.

    Raises `InvalidInput`, `AddressTaken`, `IdempotencyKeyReused`.
    """
    now = services.clock.now()
    if repeat is not None:
        kept = await services.senders.answer_for(principal.account_id, repeat.key, repeat.fingerprint, now)
        if kept is not None:
            return kept
    _check_number(new.address)
    check_whatsapp_profile(new.profile)
    sender = _new(new, principal, now)
    wanted_name(sender)
    answer = render(sender)
    idempotency = Idempotency(repeat.key, repeat.fingerprint, answer) if repeat else None
    try:
        await services.senders.insert(sender, Actor.key(principal), now, idempotency)
    except (AddressTaken, IdempotencyKeyReused):
        # The same request may have come twice at once: then the other one's answer is this one's too.
        if repeat is not None:
            kept = await services.senders.answer_for(principal.account_id, repeat.key, repeat.fingerprint, now)
            if kept is not None:
                return kept
        raise
    services.wake()
    return answer


def _new(new: NewSender, principal: Principal, now: datetime) -> Sender:
    return Sender(
        id=new_sender_id(),
        account_id=principal.account_id,
        channel=new.channel,
        address=new.address,
        status=Status.CREATING,
        status_since=now,
        friendly_name=new.friendly_name,
        registration=new.registration,
        webhook=checked_webhook(new.webhook),
        profile=new.profile,
        created_at=now,
        updated_at=now,
        due_at=now,
    )


async def fetch_sender(services: Services, principal: Principal, sender_id: SenderId) -> Sender:
    return await services.senders.fetch(principal.account_id, sender_id)


async def list_senders(
    services: Services,
    principal: Principal,
    channel: Channel,
    *,
    limit: int,
    older_than: SenderId | None = None,
    newer_than: SenderId | None = None,
) -> Page:
    """A page of the account's senders, newest first."""
    return await services.senders.page(
        principal.account_id, channel, limit=limit, older_than=older_than, newer_than=newer_than
    )


async def update_sender(
    services: Services, principal: Principal, sender_id: SenderId, change: SenderChange
) -> tuple[Sender, NameOutcome | None]:
    """Raises `NotFound`, `InvalidInput`, `NameChangePending`, `NameDeclined`."""
    sealed_code = None
    if change.code is not None:
        sealed_code = services.vault.seal(plain_code(change.code).encode(), code_context(sender_id))
    for _ in range(_RACES):
        now = services.clock.now()
        loaded = await services.senders.load(principal.account_id, sender_id, now)
        after, outcome = changed(loaded.sender, change, sealed_code, loaded.account_now)
        try:
            saved = await services.senders.save(loaded.sender, _due(after, change, now), Actor.key(principal), now)
        except StaleVersion:
            continue
        services.wake()
        return saved, outcome
    raise StaleVersion(f"sender {sender_id} is being changed by others without a pause")


def _due(sender: Sender, change: SenderChange, now: datetime) -> Sender:
    """A sender that the network told to wait goes on waiting, unless the change may end that."""
    told_to_wait = sender.status in IN_BETWEEN and sender.offline_reasons and sender.due_at is not None
    if told_to_wait and not (change.registration or change.code):
        return sender
    return sender.due(now)


async def delete_sender(services: Services, principal: Principal, sender_id: SenderId) -> None:
    """The sender is gone for its owner at once; the network is told by the next reconcile. Raises `NotFound`."""
    for _ in range(_RACES):
        now = services.clock.now()
        loaded = await services.senders.load(principal.account_id, sender_id, now)
        deleted = loaded.sender.signalled(Signal.DELETE_REQUESTED, loaded.account_now)
        deleted = replace(deleted.linked(attempts=0), sealed_code=None)
        try:
            await services.senders.save(loaded.sender, deleted.due(now), Actor.key(principal), now)
        except StaleVersion:
            continue
        services.wake()
        return
    raise StaleVersion(f"sender {sender_id} is being changed by others without a pause")


def code_context(sender_id: SenderId) -> str:
    return f"code:{sender_id}"


def pin_context(sender: Sender) -> str:
    """A PIN belongs to the number, not to the sender: it opens again when the number is registered anew."""
    return f"pin:{sender.account_id}:{sender.address}"


def _check_number(address: str) -> None:
    """E.164 with a country that exists. Short test numbers are let through: vendors' samples use them."""
    if not _E164.fullmatch(address):
        raise InvalidInput("address", "must be a telephone number in E.164 form, such as +15550100123")
    country = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    if not any(int(address[1:end]) in country for end in (2, 3, 4)):
        raise InvalidInput("address", f"{address} does not start with the calling code of any country")
