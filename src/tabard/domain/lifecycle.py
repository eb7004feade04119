"""How a sender lives: one literal table for each channel, (status, signal) -> status.

Two rules hold for every table:

1. A signal that is not in the table for a status changes nothing: `advance` raises `IllegalSignal`, and the caller
   must not save. What a caller may ask for is therefore decided here and nowhere else.
2. DELETED is final. Every other status has a way to it, so a sender can always be got rid of.

A status that waits for nobody but us and the network is *in between* (`IN_BETWEEN`): the watchdog reports a sender
that rests there too long. An RCS sender's DRAFT, TESTING and PREPARING wait for its owner, LAUNCHING for carriers. The
diagrams in the documentation are drawn from these tables (`make docs`).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from tabard.domain.errors import IllegalSignal


class Channel(StrEnum):
    WHATSAPP = "whatsapp"
    RCS = "rcs"


class Status(StrEnum):
    DRAFT = "draft"
    CREATING = "creating"
    PENDING_VERIFICATION = "pending_verification"
    VERIFYING = "verifying"
    TESTING = "testing"
    PREPARING = "preparing"
    LAUNCHING = "launching"
    ONLINE = "online"
    UPDATING = "updating"
    OFFLINE = "offline"
    RETIRING = "retiring"
    DELETED = "deleted"


class Signal(StrEnum):
    """What the user or the network told us."""

    SUBMITTED = "submitted"
    NUMBER_ADDED = "number_added"
    CODE_SENT = "code_sent"
    CODE_REQUESTED = "code_requested"
    CODE_SUBMITTED = "code_submitted"
    CODE_REJECTED = "code_rejected"
    NUMBER_VERIFIED = "number_verified"
    AGENT_CREATED = "agent_created"
    PREPARATION_REQUESTED = "preparation_requested"
    LAUNCH_REQUESTED = "launch_requested"
    WENT_ONLINE = "went_online"
    UPDATE_REQUESTED = "update_requested"
    UPDATE_SETTLED = "update_settled"
    BLOCKED = "blocked"
    LIFTED = "lifted"
    GAVE_UP = "gave_up"
    RETRY_REQUESTED = "retry_requested"
    RETIRE_REQUESTED = "retire_requested"
    DELETE_REQUESTED = "delete_requested"


Table = Mapping[tuple[Status, Signal], Status]

WHATSAPP: Table = MappingProxyType(
    {
        (Status.DRAFT, Signal.UPDATE_REQUESTED): Status.DRAFT,
        (Status.DRAFT, Signal.SUBMITTED): Status.CREATING,
        (Status.DRAFT, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.CREATING, Signal.CODE_SENT): Status.PENDING_VERIFICATION,
        # Nobody has said yet how the code is to come.
        (Status.CREATING, Signal.NUMBER_ADDED): Status.PENDING_VERIFICATION,
        (Status.CREATING, Signal.NUMBER_VERIFIED): Status.VERIFYING,
        (Status.CREATING, Signal.UPDATE_REQUESTED): Status.CREATING,
        # A quick reader has the code before we have saved that it was sent.
        (Status.CREATING, Signal.CODE_SUBMITTED): Status.VERIFYING,
        (Status.CREATING, Signal.GAVE_UP): Status.OFFLINE,
        (Status.CREATING, Signal.RETIRE_REQUESTED): Status.RETIRING,
        (Status.CREATING, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.PENDING_VERIFICATION, Signal.CODE_REQUESTED): Status.PENDING_VERIFICATION,
        (Status.PENDING_VERIFICATION, Signal.CODE_SENT): Status.PENDING_VERIFICATION,
        (Status.PENDING_VERIFICATION, Signal.CODE_SUBMITTED): Status.VERIFYING,
        (Status.PENDING_VERIFICATION, Signal.NUMBER_VERIFIED): Status.VERIFYING,
        (Status.PENDING_VERIFICATION, Signal.UPDATE_REQUESTED): Status.PENDING_VERIFICATION,
        (Status.PENDING_VERIFICATION, Signal.GAVE_UP): Status.OFFLINE,
        (Status.PENDING_VERIFICATION, Signal.RETIRE_REQUESTED): Status.RETIRING,
        (Status.PENDING_VERIFICATION, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.VERIFYING, Signal.CODE_SUBMITTED): Status.VERIFYING,
        (Status.VERIFYING, Signal.CODE_REJECTED): Status.PENDING_VERIFICATION,
        (Status.VERIFYING, Signal.UPDATE_REQUESTED): Status.VERIFYING,
        (Status.VERIFYING, Signal.WENT_ONLINE): Status.ONLINE,
        (Status.VERIFYING, Signal.GAVE_UP): Status.OFFLINE,
        (Status.VERIFYING, Signal.RETIRE_REQUESTED): Status.RETIRING,
        (Status.VERIFYING, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.ONLINE, Signal.UPDATE_REQUESTED): Status.UPDATING,
        (Status.ONLINE, Signal.BLOCKED): Status.OFFLINE,
        (Status.ONLINE, Signal.RETIRE_REQUESTED): Status.RETIRING,
        (Status.ONLINE, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.UPDATING, Signal.UPDATE_REQUESTED): Status.UPDATING,
        (Status.UPDATING, Signal.UPDATE_SETTLED): Status.ONLINE,
        (Status.UPDATING, Signal.BLOCKED): Status.OFFLINE,
        (Status.UPDATING, Signal.RETIRE_REQUESTED): Status.RETIRING,
        (Status.UPDATING, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.OFFLINE, Signal.UPDATE_REQUESTED): Status.OFFLINE,
        (Status.OFFLINE, Signal.BLOCKED): Status.OFFLINE,
        (Status.OFFLINE, Signal.LIFTED): Status.ONLINE,
        (Status.OFFLINE, Signal.RETRY_REQUESTED): Status.CREATING,
        (Status.OFFLINE, Signal.RETIRE_REQUESTED): Status.RETIRING,
        (Status.OFFLINE, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.RETIRING, Signal.UPDATE_REQUESTED): Status.RETIRING,
        (Status.RETIRING, Signal.DELETE_REQUESTED): Status.DELETED,
    }
)

RCS: Table = MappingProxyType(
    {
        (Status.DRAFT, Signal.UPDATE_REQUESTED): Status.DRAFT,
        (Status.DRAFT, Signal.SUBMITTED): Status.CREATING,
        (Status.DRAFT, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.CREATING, Signal.UPDATE_REQUESTED): Status.CREATING,
        (Status.CREATING, Signal.AGENT_CREATED): Status.TESTING,
        # The network has refused the agent: its owner mends it.
        (Status.CREATING, Signal.GAVE_UP): Status.DRAFT,
        (Status.CREATING, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.TESTING, Signal.UPDATE_REQUESTED): Status.TESTING,
        (Status.TESTING, Signal.PREPARATION_REQUESTED): Status.PREPARING,
        (Status.TESTING, Signal.LAUNCH_REQUESTED): Status.LAUNCHING,
        (Status.TESTING, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.PREPARING, Signal.UPDATE_REQUESTED): Status.PREPARING,
        (Status.PREPARING, Signal.LAUNCH_REQUESTED): Status.LAUNCHING,
        (Status.PREPARING, Signal.GAVE_UP): Status.OFFLINE,
        (Status.PREPARING, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.LAUNCHING, Signal.UPDATE_REQUESTED): Status.LAUNCHING,
        (Status.LAUNCHING, Signal.LAUNCH_REQUESTED): Status.LAUNCHING,
        (Status.LAUNCHING, Signal.WENT_ONLINE): Status.ONLINE,
        (Status.LAUNCHING, Signal.GAVE_UP): Status.OFFLINE,
        (Status.LAUNCHING, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.ONLINE, Signal.UPDATE_REQUESTED): Status.UPDATING,
        (Status.ONLINE, Signal.LAUNCH_REQUESTED): Status.UPDATING,
        (Status.ONLINE, Signal.BLOCKED): Status.OFFLINE,
        (Status.ONLINE, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.UPDATING, Signal.UPDATE_REQUESTED): Status.UPDATING,
        (Status.UPDATING, Signal.LAUNCH_REQUESTED): Status.UPDATING,
        (Status.UPDATING, Signal.UPDATE_SETTLED): Status.ONLINE,
        (Status.UPDATING, Signal.BLOCKED): Status.OFFLINE,
        (Status.UPDATING, Signal.DELETE_REQUESTED): Status.DELETED,
        (Status.OFFLINE, Signal.UPDATE_REQUESTED): Status.OFFLINE,
        (Status.OFFLINE, Signal.PREPARATION_REQUESTED): Status.PREPARING,
        (Status.OFFLINE, Signal.LAUNCH_REQUESTED): Status.LAUNCHING,
        (Status.OFFLINE, Signal.BLOCKED): Status.OFFLINE,
        (Status.OFFLINE, Signal.LIFTED): Status.ONLINE,
        (Status.OFFLINE, Signal.DELETE_REQUESTED): Status.DELETED,
    }
)

TABLES: Mapping[Channel, Table] = MappingProxyType({Channel.WHATSAPP: WHATSAPP, Channel.RCS: RCS})

IN_BETWEEN = frozenset({Status.CREATING, Status.VERIFYING, Status.UPDATING})


def advance(channel: Channel, status: Status, signal: Signal) -> Status:
    """The status after the signal. Raises `IllegalSignal` where the channel's table has no such step."""
    try:
        return TABLES[channel][status, signal]
    except KeyError:
        raise IllegalSignal(f"a {channel} sender that is {status} takes no {signal}") from None


def accepts(channel: Channel, status: Status, signal: Signal) -> bool:
    return (status, signal) in TABLES[channel]
