"""A WhatsApp sender's changes that are put aside until they are submitted, and its slow goodbye.

A sender that was never registered at the network is nothing but its changes: submitting them starts it over, and
discarding them deletes it.

Source: Sinch, WhatsApp senders (status DRAFT or SUBMIT, delete changes, delete a sender).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from tabard.domain.change import SenderChange, changed
from tabard.domain.errors import NotFound, WrongStatus
from tabard.domain.lifecycle import Signal, Status
from tabard.domain.profile import Profile, check_whatsapp_profile
from tabard.domain.sender import Sender, wanted_name

RETIRES_FOR = timedelta(days=30)
"""How long a deleted sender is kept before the network is told to let it go."""

Edit = Callable[[Profile], Profile]
"""What a change makes of the profile as its owner wants it so far."""

_CHANGEABLE = frozenset({Status.DRAFT, Status.ONLINE, Status.UPDATING, Status.OFFLINE})
_ON_THEIR_WAY = frozenset({Status.CREATING, Status.PENDING_VERIFICATION, Status.VERIFYING, Status.UPDATING})


def put_aside(sender: Sender, edit: Edit) -> Sender:
    """The sender with the change in its draft. Raises `InvalidInput`, `WrongStatus`."""
    wanted = _wanted(sender, edit)
    return replace(sender, profile=wanted) if sender.status is Status.DRAFT else replace(sender, draft=wanted)


def submitted(sender: Sender, edit: Edit, at: datetime) -> Sender:
    """The sender with the change, and what was put aside, asked of the network.

    Raises `InvalidInput`, `WrongStatus`, `NameChangePending`, `NameDeclined`.
    """
    wanted = _wanted(sender, edit)
    wanted_name(replace(sender, profile=wanted))
    if sender.status is Status.DRAFT:
        return replace(sender, profile=wanted).signalled(Signal.SUBMITTED, at)
    if _never_registered(sender):
        return _started_over(replace(sender, profile=wanted), at)
    changes = _difference(sender.profile, wanted)
    sender = replace(sender, draft=None)
    if "name" in changes:
        # By itself, because a name that is refused is to refuse all that came with it.
        sender, _ = changed(sender, SenderChange(profile={"name": changes.pop("name")}), None, at)
    return changed(sender, SenderChange(profile=changes), None, at)[0]


def discarded(sender: Sender, at: datetime) -> Sender:
    """The sender without what was put aside. Raises `NotFound` if nothing was, `WrongStatus`."""
    if _never_registered(sender):
        return _deleted(sender, at)
    if sender.draft is not None:
        return replace(sender, draft=None)
    if sender.status in _ON_THEIR_WAY:
        raise WrongStatus(sender.status, "changes that are on their way can't be taken back")
    raise NotFound("there are no changes to delete")


def retired(sender: Sender, at: datetime) -> Sender:
    """The sender on its way out: it goes on for `RETIRES_FOR`. A draft, which nobody knows, goes at once.

    Raises `WrongStatus` for one that is on its way out already.
    """
    if sender.status is Status.DRAFT:
        return _deleted(sender, at)
    if not sender.accepts(Signal.RETIRE_REQUESTED):
        raise WrongStatus(sender.status, "the sender has been deleted already")
    return replace(sender.signalled(Signal.RETIRE_REQUESTED, at), sealed_code=None, draft=None)


def _never_registered(sender: Sender) -> bool:
    return sender.status is Status.DRAFT or (sender.status is Status.OFFLINE and not sender.link.registered)


def _started_over(sender: Sender, at: datetime) -> Sender:
    """As if it were new, so that whatever the network has of it by now is found first."""
    sender = replace(sender.signalled(Signal.RETRY_REQUESTED, at), draft=None, offline_reasons=(), name_change=None)
    return sender.linked(network_id=None, profile_digest=None, code_wanted=False, attempts=0)


def _deleted(sender: Sender, at: datetime) -> Sender:
    return replace(sender.signalled(Signal.DELETE_REQUESTED, at), sealed_code=None).linked(attempts=0)


def _wanted(sender: Sender, edit: Edit) -> Profile:
    """The profile as its owner wants it: what was put aside, and the change."""
    if sender.status not in _CHANGEABLE:
        raise WrongStatus(sender.status, f"a sender that is {sender.status} can't be changed")
    profile = edit(sender.draft or sender.profile)
    check_whatsapp_profile(profile)
    return profile


def _difference(before: Profile, after: Profile) -> dict[str, object]:
    return {leaf: getattr(after, leaf) for leaf in before.leaves if getattr(before, leaf) != getattr(after, leaf)}
