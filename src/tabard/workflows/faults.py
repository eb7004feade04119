"""What becomes of a sender whose step the network refused: try again, wait, or give up with a reason."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from tabard.domain.lifecycle import Signal, Status
from tabard.domain.sender import Reason, Sender, Trouble
from tabard.ports.networks import Decision, NetworkFault

FIRST_RETRY = timedelta(milliseconds=200)
LONGEST_RETRY = timedelta(minutes=15)
MOST_ATTEMPTS = 132
"""With the delays above, less their jitter, 24 to 30 hours; then even a passing fault is final."""

REFRESH = timedelta(hours=24)
"""How often the network is asked about a sender for which nothing else is due."""

TAKE_DOWN_TRIED_FOR = timedelta(days=14)
"""How long the network is asked, daily, to let go of a deleted number before it is left as it is."""

BLOCKING = frozenset(
    {
        Trouble.ACCESS_DENIED,
        Trouble.ACCOUNT_BANNED,
        Trouble.ACCOUNT_DISABLED,
        Trouble.ACCOUNT_INVALID,
        Trouble.ACCOUNT_LOCKED,
        Trouble.AGENT_GONE,
        Trouble.NUMBER_BANNED,
        Trouble.NUMBER_GONE,
        Trouble.NUMBER_MIGRATED,
        Trouble.NUMBER_TAKEN,
        Trouble.NOT_REGISTERED,
    }
)
"""Troubles that take an online sender off; any other refusal of an update leaves it as it was, with a warning."""

_UNLAUNCHABLE = BLOCKING | {Trouble.LAUNCH_INCOMPLETE}
"""Troubles that end a launch. One that is online stays so when the network finds its next launch wanting."""


class Times(Protocol):
    @property
    def wall(self) -> datetime: ...
    @property
    def account(self) -> datetime: ...


def stops_all(fault: NetworkFault) -> bool:
    """Whether there is no point in asking the network for anything else now: it refused more than the one request."""
    return fault.decision is not Decision.GIVE_UP or fault.trouble in BLOCKING


def backoff(attempts: int, jitter: float) -> timedelta:
    """The delay after so many failures in a row, doubling up to `LONGEST_RETRY`.

    A `jitter` of 0 to 1 takes up to a fifth off.
    """
    delay = min(LONGEST_RETRY, FIRST_RETRY * float(2 ** min(attempts, 20)))
    return delay * (1 - jitter / 5)


def as_long_again(since: datetime, at: Times, longest: timedelta) -> timedelta:
    """Until the next look at what somebody is busy with: as long again as it has taken already, within bounds."""
    return min(longest, max(FIRST_RETRY, at.account - since))


def after_fault(sender: Sender, fault: NetworkFault, at: Times) -> Sender:
    match fault.decision:
        case Decision.RETRY if sender.link.attempts < MOST_ATTEMPTS:
            hint = timedelta(seconds=fault.after or 0)
            delay = max(hint, backoff(sender.link.attempts, random.random()))  # noqa: S311 - spreads load, keeps no secret
            return sender.linked(attempts=sender.link.attempts + 1).due(at.wall + delay)
        case Decision.WAIT:
            return _waiting(sender, fault).due(at.wall + timedelta(seconds=fault.after or 3600))
        case Decision.RETRY | Decision.GIVE_UP:
            return _given_up(sender, fault, at)
        case _:
            assert_never(fault.decision)


def _waiting(sender: Sender, fault: NetworkFault) -> Sender:
    """A sender that is not online shows what it waits for where it will show why it failed."""
    if sender.status in {Status.ONLINE, Status.UPDATING, Status.OFFLINE, Status.DELETED}:
        return sender.warned(fault.trouble, fault.detail)
    return replace(sender, offline_reasons=(Reason(fault.trouble, fault.detail),))


def _given_up(sender: Sender, fault: NetworkFault, at: Times) -> Sender:
    reason = Reason(fault.trouble, fault.detail)
    sender = sender.linked(attempts=0)
    if fault.trouble is Trouble.LAUNCH_INCOMPLETE and sender.agent is not None:
        # What the network has not taken was asked of no carrier.
        sender = replace(sender, agent=sender.agent.called_off())
    match sender.status:
        case Status.CREATING | Status.PENDING_VERIFICATION | Status.VERIFYING:
            return sender.offline(Signal.GAVE_UP, reason, at.account).due(at.wall + REFRESH)
        case Status.ONLINE | Status.UPDATING if fault.trouble in BLOCKING:
            return sender.offline(Signal.BLOCKED, reason, at.account).due(at.wall + REFRESH)
        case Status.OFFLINE if fault.trouble in _UNLAUNCHABLE:
            return sender.offline(Signal.BLOCKED, reason, at.account).due(at.wall + REFRESH)
        case Status.PREPARING | Status.LAUNCHING if fault.trouble in _UNLAUNCHABLE:
            return sender.offline(Signal.GAVE_UP, reason, at.account).due(at.wall + REFRESH)
        case Status.UPDATING:
            sender = sender.signalled(Signal.UPDATE_SETTLED, at.account)
            return sender.warned(fault.trouble, fault.detail).due(at.wall + REFRESH)
        case Status.ONLINE | Status.OFFLINE | Status.TESTING | Status.PREPARING | Status.LAUNCHING:
            return sender.warned(fault.trouble, fault.detail).due(at.wall + REFRESH)
        case Status.DELETED:
            return _left_registered(sender, reason, at)
        case Status.DRAFT | Status.RETIRING:
            return replace(sender, due_at=None)
        case _:
            assert_never(sender.status)


def _left_registered(sender: Sender, reason: Reason, at: Times) -> Sender:
    """Its owner was told that the sender is gone, so the network is asked again for days before we let it be."""
    sender = sender.warned(reason.trouble, reason.detail)
    if at.account - sender.status_since > TAKE_DOWN_TRIED_FOR:
        return replace(sender, due_at=None)
    return sender.due(at.wall + REFRESH)
