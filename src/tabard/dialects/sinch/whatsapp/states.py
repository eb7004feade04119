"""What Sinch calls the stations of a sender's life, and what its owner may change at each.

A sender that was never registered at Meta has no state: it is nothing but its changes. One that was has a state, and
changes only while something is put aside or on its way.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from tabard.dialects.sinch.whatsapp.wire import ChangesWord, ErrorWord, StateWord
from tabard.domain.lifecycle import Status
from tabard.domain.sender import Reason, Sender, Trouble


class Failure(NamedTuple):
    """What Sinch makes of a trouble."""

    code: ErrorWord
    changes: ChangesWord = "ERROR"
    """Of a sender that was never active: REJECTED where Meta has said no to the number, the name or the business."""
    state: StateWord = "ERROR"
    """Of one that was."""


FAILURES: Mapping[Trouble, Failure] = MappingProxyType(
    {
        Trouble.ACCESS_DENIED: Failure("CANNOT_ASSIGN_SYSTEM_USER"),
        Trouble.ACCOUNT_BANNED: Failure("CANNOT_CREATE_NEW_WHATSAPP_SENDER", "REJECTED", "SUSPENDED"),
        Trouble.ACCOUNT_DISABLED: Failure("CANNOT_CREATE_NEW_WHATSAPP_SENDER", "REJECTED", "SUSPENDED"),
        Trouble.ACCOUNT_INVALID: Failure("CANNOT_GET_WABA_DETAILS"),
        Trouble.ACCOUNT_LOCKED: Failure("CANNOT_CREATE_NEW_WHATSAPP_SENDER", "REJECTED", "SUSPENDED"),
        Trouble.CANNOT_VERIFY: Failure("NOT_VERIFIED_REQUESTED_PHONE_NUMBER", "REJECTED"),
        Trouble.CODE_REJECTED: Failure("NOT_VERIFIED_REQUESTED_PHONE_NUMBER", "REJECTED"),
        Trouble.LOGO_UNUSABLE: Failure("CANNOT_CREATE_NEW_WHATSAPP_SENDER", "REJECTED"),
        # Meta signs a certificate of the approved display name.
        Trouble.NAME_DECLINED: Failure("NO_CERTIFICATE_AVAILABLE", "REJECTED"),
        Trouble.NETWORK_REFUSED: Failure("CANNOT_CREATE_NEW_WHATSAPP_SENDER", "REJECTED"),
        Trouble.NOT_REGISTERED: Failure("CANNOT_REGISTER_TO_CLOUD_API"),
        Trouble.NOT_VERIFIED: Failure("NO_VERIFIED_PHONE_NUMBER", "REJECTED"),
        Trouble.NUMBER_BANNED: Failure("CANNOT_REGISTER_TO_CLOUD_API", "REJECTED", "SUSPENDED"),
        Trouble.NUMBER_CAP: Failure("CANNOT_CREATE_NEW_WHATSAPP_SENDER", "REJECTED"),
        Trouble.NUMBER_GONE: Failure("CANNOT_GET_DETAILS_FOR_CLOUD_API"),
        Trouble.NUMBER_MIGRATED: Failure("REQUESTED_PHONE_NUMBER_OR_COUNTRY_CODE_CONFLICT"),
        Trouble.NUMBER_PRESENT: Failure("DUPLICATES_ON_SENDER_PHONE_NUMBER", "REJECTED"),
        Trouble.NUMBER_TAKEN: Failure("DUPLICATES_ON_SENDER_PHONE_NUMBER", "REJECTED"),
        Trouble.PIN_MISMATCH: Failure("CANNOT_REGISTER_TO_CLOUD_API"),
        Trouble.REGISTRATION_LIMIT: Failure("CANNOT_REGISTER_TO_CLOUD_API"),
        Trouble.TOO_MANY_CODES: Failure("NOT_VERIFIED_REQUESTED_PHONE_NUMBER"),
    }
)
_OTHER_FAILURE = Failure("UNKNOWN_ERROR")

_STATES: Mapping[Status, StateWord] = MappingProxyType(
    {
        Status.PENDING_VERIFICATION: "PENDING_VERIFICATION",
        Status.VERIFYING: "IN_PROGRESS",
        Status.ONLINE: "ACTIVE",
        Status.UPDATING: "ACTIVE",
        Status.RETIRING: "INACTIVE",
    }
)

_ON_THEIR_WAY = frozenset({Status.CREATING, Status.PENDING_VERIFICATION, Status.VERIFYING, Status.UPDATING})

IN_STATE: Mapping[StateWord, Collection[Status]] = MappingProxyType(
    {
        "ACTIVE": (Status.ONLINE, Status.UPDATING),
        "IN_PROGRESS": (Status.VERIFYING,),
        "INACTIVE": (Status.RETIRING,),
        "PENDING_VERIFICATION": (Status.PENDING_VERIFICATION,),
        "SUSPENDED": (Status.OFFLINE,),
        "ERROR": (Status.OFFLINE,),
    }
)
"""Where the senders in a state are looked for. Coarser than the state for OFFLINE, of which there are four kinds."""

WITH_CHANGES: Mapping[ChangesWord, Collection[Status]] = MappingProxyType(
    {
        "DRAFT": (Status.DRAFT,),
        "IN_PROGRESS": tuple(sorted(_ON_THEIR_WAY)),
        "REJECTED": (Status.OFFLINE,),
        "ERROR": (Status.OFFLINE,),
    }
)
"""The same of the changes. A draft beside an active sender is not found: senders are looked up by their status."""


def failure_of(reason: Reason | None) -> Failure:
    return _OTHER_FAILURE if reason is None else FAILURES.get(reason.trouble, _OTHER_FAILURE)


def reason_of(sender: Sender) -> Reason | None:
    """Why the sender is offline."""
    return sender.offline_reasons[0] if sender.offline_reasons else None


def was_registered(sender: Sender) -> bool:
    return sender.link.registered or sender.status in {Status.ONLINE, Status.UPDATING, Status.RETIRING}


def state_of(sender: Sender) -> StateWord | None:
    if sender.status is Status.OFFLINE:
        return failure_of(reason_of(sender)).state if was_registered(sender) else None
    return _STATES.get(sender.status)


def changes_of(sender: Sender) -> ChangesWord | None:
    if sender.draft is not None or sender.status is Status.DRAFT:
        return "DRAFT"
    if sender.status in _ON_THEIR_WAY:
        return "IN_PROGRESS"
    if sender.status is Status.OFFLINE and not was_registered(sender):
        return failure_of(reason_of(sender)).changes
    return None
