"""Use cases: register, fetch, list, update and delete senders, for the account of the caller only."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import phonenumbers

from tabard.app import pictures
from tabard.app.pictures import Findings
from tabard.app.services import Services
from tabard.domain.account import Actor, Principal
from tabard.domain.agents.agent import Agent
from tabard.domain.agents.change import AgentChange, submitted, with_change
from tabard.domain.change import NameOutcome, SenderChange, changed, checked_webhook, plain_code
from tabard.domain.errors import AddressTaken, IdempotencyKeyReused, InvalidInput, NotFound, StaleVersion
from tabard.domain.ids import SenderId, new_sender_id
from tabard.domain.lifecycle import IN_BETWEEN, Channel, Signal, Status
from tabard.domain.profile import Profile, check_rcs_profile, check_whatsapp_profile
from tabard.domain.sender import Registration, Sender, Webhook, wanted_name
from tabard.ports.stores import Found, Idempotency, Loaded, Mark, Page, Wanted

_RACES = 20
"""Lost races in a row before an update gives up; each one means that another writer got on."""

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_AGENT_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class NewSender:
    channel: Channel
    address: str
    friendly_name: str | None = None
    registration: Registration = field(default_factory=Registration)
    webhook: Webhook = field(default_factory=Webhook)
    profile: Profile = field(default_factory=Profile)
    draft: bool = False
    """Put aside until it is submitted. An RCS sender is a draft anyway while anything is missing."""
    agent: Agent = field(default_factory=Agent)
    agent_change: AgentChange = field(default_factory=AgentChange)


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

    Raises `InvalidInput`, `FileUnusable`, `TooManyTesters`, `AddressTaken`, `IdempotencyKeyReused`.
    """
    now = services.clock.now()
    if repeat is not None:
        kept = await services.senders.answer_for(principal.account_id, repeat.key, repeat.fingerprint, now)
        if kept is not None:
            return kept
    sender = _new(new, principal, now)
    if sender.channel is Channel.RCS:
        sender = pictures.with_findings(sender, await pictures.judge(services, principal, Profile(), sender.profile))
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
    """Raises `InvalidInput`, `TooManyTesters`."""
    rcs = new.channel is Channel.RCS
    sender = Sender(
        id=new_sender_id(),
        account_id=principal.account_id,
        channel=new.channel,
        address=new.address,
        status=Status.DRAFT if rcs or new.draft else Status.CREATING,
        status_since=now,
        friendly_name=new.friendly_name,
        registration=new.registration,
        webhook=checked_webhook(new.webhook),
        profile=new.profile,
        agent=with_change(new.agent, new.agent_change, now) if rcs else None,
        created_at=now,
        updated_at=now,
        due_at=None if new.draft else now,
    )
    if rcs:
        _check_agent_name(new.address)
        check_rcs_profile(new.profile)
        return submitted(sender, now)
    _check_number(new.address)
    check_whatsapp_profile(new.profile)
    wanted_name(sender)
    return sender


async def fetch_sender(
    services: Services, principal: Principal, sender_id: SenderId, channel: Channel | None = None
) -> Sender:
    """Raises `NotFound`, also for a sender of another channel than the one asked for."""
    sender = await services.senders.fetch(principal.account_id, sender_id)
    _require_channel(sender, channel)
    return sender


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


async def search_senders(
    services: Services,
    principal: Principal,
    wanted: Wanted,
    *,
    limit: int,
    beyond: Mark | None = None,
    backwards: bool = False,
) -> Found:
    return await services.senders.search(principal.account_id, wanted, limit=limit, beyond=beyond, backwards=backwards)


async def update_sender(
    services: Services,
    principal: Principal,
    sender_id: SenderId,
    change: SenderChange,
    *,
    channel: Channel | None = None,
    permit: Callable[[Sender], None] = lambda _: None,
    accept: Callable[[Sender], None] = lambda _: None,
) -> tuple[Sender, NameOutcome | None]:
    """Change the sender as far as its channel allows. By the caller's own rules `permit` may refuse to change what is
    there, and `accept` what would come of it.

    Raises `NotFound`, `InvalidInput`, `FieldsFrozen`, `FileUnusable`, `TooManyTesters`, `NameChangePending`,
    `NameDeclined`.
    """
    sealed_code = None
    if change.code is not None:
        sealed_code = services.vault.seal(plain_code(change.code).encode(), code_context(sender_id))
    findings = await _judged(services, principal, sender_id, change, permit)
    outcomes: list[NameOutcome | None] = []

    def changes(loaded: Loaded, now: datetime) -> Sender:
        _require_channel(loaded.sender, channel)
        permit(loaded.sender)
        after, outcome = changed(loaded.sender, change, sealed_code, loaded.account_now)
        accept(after)
        outcomes.append(outcome)
        if after.channel is Channel.RCS:
            after = pictures.with_findings(after, findings)
        return _due(after, change, now)

    return await change_sender(services, principal, sender_id, changes), outcomes[-1]


async def _judged(
    services: Services,
    principal: Principal,
    sender_id: SenderId,
    change: SenderChange,
    permit: Callable[[Sender], None],
) -> Findings:
    """Before anything is locked or saved: pictures come from far away. Raises `NotFound`, `FileUnusable`, and whatever
    `permit` raises: nobody waits for a picture that may not be changed."""
    if not change.profile.keys() & {"logo_url", "banner_url"}:
        return {}
    sender = await services.senders.fetch(principal.account_id, sender_id)
    if sender.channel is not Channel.RCS:
        return {}
    permit(sender)
    after = sender.profile.changed(dict(change.profile))
    check_rcs_profile(after)
    return await pictures.judge(services, principal, sender.profile, after)


async def change_sender(
    services: Services,
    principal: Principal,
    sender_id: SenderId,
    changes: Callable[[Loaded, datetime], Sender],
) -> Sender:
    """The sender as `changes` makes it of what is stored now, saved; made again of what others saved meanwhile.

    Raises `NotFound`, and whatever `changes` raises.
    """
    for _ in range(_RACES):
        now = services.clock.now()
        loaded = await services.senders.load(principal.account_id, sender_id, now)
        after = changes(loaded, now)
        if after == loaded.sender:
            return after
        try:
            saved = await services.senders.save(loaded.sender, after, Actor.key(principal), now)
        except StaleVersion:
            continue
        services.wake()
        return saved
    raise StaleVersion(f"sender {sender_id} is being changed by others without a pause")


def _due(sender: Sender, change: SenderChange, now: datetime) -> Sender:
    """A sender that the network told to wait goes on waiting, unless the change may end that."""
    told_to_wait = sender.status in IN_BETWEEN and sender.offline_reasons and sender.due_at is not None
    if told_to_wait and not (change.registration or change.code):
        return sender
    return sender.due(now)


async def delete_sender(services: Services, principal: Principal, sender_id: SenderId) -> None:
    """The sender is gone for its owner at once; the network is told by the next reconcile. Raises `NotFound`."""

    def deleted(loaded: Loaded, now: datetime) -> Sender:
        sender = loaded.sender.signalled(Signal.DELETE_REQUESTED, loaded.account_now)
        sender = replace(sender.linked(attempts=0), sealed_code=None)
        # The network was never told of a number's draft: what it holds under that number is not ours to take down.
        untold = loaded.sender.status is Status.DRAFT and sender.channel is Channel.WHATSAPP
        return replace(sender, due_at=None if untold else now)

    await change_sender(services, principal, sender_id, deleted)


def _require_channel(sender: Sender, channel: Channel | None) -> None:
    if channel is not None and sender.channel is not channel:
        raise NotFound(f"no {channel} sender {sender.id}")


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


def _check_agent_name(address: str) -> None:
    if not _AGENT_NAME.fullmatch(address):
        raise InvalidInput("address", "must be 1 to 100 letters, digits, hyphens and underscores, such as example_cafe")
