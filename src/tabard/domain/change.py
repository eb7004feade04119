"""What a user may ask of a living sender, and what becomes of the sender then.

A change names leaves; a leaf that it does not name stays as it is. A display name that the network already knows is not
replaced but put up for review beside the active one (Twilio, display name changes; Meta, display name review).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from tabard.domain.agents.change import AgentChange, changed_agent
from tabard.domain.errors import InvalidInput, NameChangePending, NameDeclined
from tabard.domain.lifecycle import Channel, Signal, Status
from tabard.domain.profile import check_whatsapp_profile, is_web_url
from tabard.domain.sender import NameChange, NameReview, Sender, Trouble, Webhook

_CODE = re.compile(r"[0-9]{6}")


class NameOutcome(StrEnum):
    """What became of a display name that an update asked for."""

    UPDATING = "updating"
    NO_CHANGE = "no_change"
    PENDING_REVIEW = "pending_review"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class SenderChange:
    """The leaves to set, by their names in the domain; None (or an empty tuple) clears one."""

    leaves: Mapping[str, object] = field(default_factory=dict)
    registration: Mapping[str, object] = field(default_factory=dict)
    webhook: Mapping[str, object] = field(default_factory=dict)
    profile: Mapping[str, object] = field(default_factory=dict)
    agent: AgentChange = field(default_factory=AgentChange)
    code: str | None = None

    @property
    def only_the_name(self) -> bool:
        return self.profile.keys() == {"name"} and not (self.leaves or self.registration or self.webhook or self.code)


def plain_code(text: str) -> str:
    """The six digits of a one-time code as a person may have typed it. Raises `InvalidInput`."""
    digits = text.replace("-", "").replace(" ", "")
    if not _CODE.fullmatch(digits):
        raise InvalidInput("registration.code", "must be the 6 digits that the phone received")
    return digits


def checked_webhook(webhook: Webhook) -> Webhook:
    """The webhook with POST where an address has no method. Raises `InvalidInput`."""
    for name in ("callback", "fallback", "status_callback"):
        url = getattr(webhook, f"{name}_url")
        if url is not None and (len(url) > 2048 or not is_web_url(url)):
            raise InvalidInput(
                f"webhook.{name}_url", "must be an http:// or https:// address of at most 2048 characters"
            )
        if url is not None and getattr(webhook, f"{name}_method") is None:
            webhook = replace(webhook, **{f"{name}_method": "POST"})
    return webhook


def changed(
    sender: Sender, change: SenderChange, sealed_code: bytes | None, at: datetime
) -> tuple[Sender, NameOutcome | None]:
    """The sender as the change makes it, at the account's time. Raises `InvalidInput`, `NameChangePending`,
    `NameDeclined`; nothing of the change holds then."""
    if sender.channel is Channel.RCS:
        webhook = checked_webhook(replace(sender.webhook, **change.webhook))  # type: ignore[arg-type]
        sender = replace(sender, webhook=webhook, **change.leaves)  # type: ignore[arg-type]
        return changed_agent(sender, change.profile, change.agent, at), None
    after, outcome = _with_name(sender, change, at)
    profile = after.profile.changed({leaf: value for leaf, value in change.profile.items() if leaf != "name"})
    check_whatsapp_profile(profile)
    webhook = checked_webhook(replace(after.webhook, **change.webhook))  # type: ignore[arg-type]
    after = replace(after, profile=profile, webhook=webhook, **change.leaves)  # type: ignore[arg-type]
    after = _with_registration(after, change, at)
    if change.code is not None:
        after = _with_code(after, sealed_code, at)
    return after.signalled(Signal.UPDATE_REQUESTED, at), outcome


def _with_name(sender: Sender, change: SenderChange, at: datetime) -> tuple[Sender, NameOutcome | None]:
    if "name" not in change.profile:
        return sender, None
    name = change.profile["name"]
    if not isinstance(name, str) or not name.strip():
        raise InvalidInput("profile.name", "is required for a WhatsApp sender and can't be cleared")
    profile = sender.profile.changed({"name": name})
    check_whatsapp_profile(profile)
    if sender.link.network_id is None:
        return replace(sender, profile=profile), None
    try:
        return _put_up_for_review(sender, name, at)
    except (NameChangePending, NameDeclined):
        if change.only_the_name:
            raise
        return sender, NameOutcome.ERROR


def _put_up_for_review(sender: Sender, name: str, at: datetime) -> tuple[Sender, NameOutcome]:
    pending = sender.name_change
    if pending is not None and pending.in_flight:
        if pending.name != name:
            raise NameChangePending(f"the display name change to {pending.name!r} is not finished yet")
        return sender, NameOutcome.PENDING_REVIEW if pending.review is NameReview.PENDING else NameOutcome.UPDATING
    if pending is not None and pending.review is NameReview.DECLINED and pending.name == name:
        raise NameDeclined(pending.detail or "the network has declined this display name")
    if name == sender.profile.name:
        return sender, NameOutcome.NO_CHANGE
    return replace(sender, name_change=NameChange(name, NameReview.PENDING, at)), NameOutcome.UPDATING


def _with_registration(sender: Sender, change: SenderChange, at: datetime) -> Sender:
    if not change.registration:
        return sender
    registration = replace(sender.registration, **change.registration)  # type: ignore[arg-type]
    moved = registration.business_account != sender.registration.business_account
    if moved and sender.link.network_id is not None:
        raise InvalidInput("registration.business_account", "can't be changed once the number has been added to one")
    sender = replace(sender, registration=registration)
    starts_over = moved or change.registration.get("verification_method") is not None
    if starts_over and change.code is None:
        if sender.status is Status.OFFLINE and (not sender.link.registered or _lost(sender)):
            anew = sender.linked(attempts=0, network_id=None, registered=False, profile_digest=None)
            return replace(anew.signalled(Signal.RETRY_REQUESTED, at), offline_reasons=())
        if sender.status is Status.PENDING_VERIFICATION:
            return sender.signalled(Signal.CODE_REQUESTED, at).linked(code_wanted=True, attempts=0)
    return sender


def _lost(sender: Sender) -> bool:
    """Whether the network has let go of the number, so that only registering it anew helps."""
    return any(reason.trouble in {Trouble.NUMBER_GONE, Trouble.NOT_REGISTERED} for reason in sender.offline_reasons)


def _with_code(sender: Sender, sealed_code: bytes | None, at: datetime) -> Sender:
    """A code for a sender that is verified already is a repeated request: it changes nothing."""
    if sender.status in {Status.ONLINE, Status.UPDATING}:
        return sender
    if sender.link.network_id is None or not sender.accepts(Signal.CODE_SUBMITTED):
        raise InvalidInput(
            "registration.code", f"no code is awaited while the sender is {sender.status}; ask for one first"
        )
    sender = replace(sender.signalled(Signal.CODE_SUBMITTED, at), sealed_code=sealed_code)
    reasons = tuple(reason for reason in sender.offline_reasons if reason.trouble is not Trouble.CODE_REJECTED)
    return replace(sender.linked(attempts=0, code_wanted=False), offline_reasons=reasons)
