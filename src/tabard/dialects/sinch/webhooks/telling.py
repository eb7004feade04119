"""What a delivery says of an event: the trigger that it fires and what stands beside the payload.

An event is told in Sinch's words or not at all: one that leaves a sender in the same state there is none. So a change
between ONLINE and UPDATING, both LAUNCHED to Sinch, says nothing.

Source: Sinch Provisioning API, the webhooks of each resource.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from tabard.dialects.sinch.rcs import answers as rcs_answers
from tabard.dialects.sinch.rcs.mapping import STATES
from tabard.dialects.sinch.webhooks.wire import TriggerWord
from tabard.dialects.sinch.whatsapp import answers as whatsapp_answers
from tabard.dialects.sinch.whatsapp import states
from tabard.dialects.sinch.writing import given
from tabard.domain.event import Event
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Sender


class Told(NamedTuple):
    trigger: TriggerWord
    payload: Mapping[str, Any] | None
    """The resource as it was then, as GET shows it but for the token in it."""
    beside: Mapping[str, Any]

    @property
    def envelope(self) -> dict[str, Any]:
        return given(type=self.trigger, payload=self.payload, **self.beside)


def told(event: Event, sender: Sender | None) -> Told | None:
    """None for what Sinch has no word for."""
    if sender is not None:
        tell = _OF_SENDERS.get(f"{sender.channel}:{event.type}")
        return None if tell is None else tell(event, sender)
    tell_of_account = _OF_ACCOUNTS.get(event.type)
    return None if tell_of_account is None else tell_of_account(event)


# RCS


def _rcs_status(event: Event, sender: Sender) -> Told | None:
    previous, current = _rcs_state(event.before["status"]), _rcs_state(event.after["status"])
    if previous == current:
        return None
    beside = given(previousState=previous, currentState=current, comment=_reasons(event))
    return Told("RCS_SENDER_STATUS_UPDATED", rcs_answers.without_token(sender), beside)


def _rcs_state(status: str) -> str:
    """UNKNOWN for one that another dialect has deleted, as Sinch deletes none."""
    return STATES.get(Status(status), "UNKNOWN")


def _rcs_operator(event: Event, sender: Sender) -> Told:
    """Also of a remark that comes without another status: for many that is the news."""
    before, after = event.before, event.after
    beside = given(
        operator=after["carrier"],
        operatorCountry=after["country"],
        operatorPreviousStatus=before["status"].upper(),
        operatorCurrentStatus=after["status"].upper(),
        comment=after["remark"],
    )
    return Told("RCS_SENDER_OPERATOR_STATUS_UPDATED", rcs_answers.without_token(sender), beside)


def _rcs_comment(event: Event, sender: Sender) -> Told:
    return Told("RCS_SENDER_COMMENT_ADDED", rcs_answers.without_token(sender), _comment(event))


def _rcs_account_comment(event: Event) -> Told:
    return Told("RCS_ACCOUNT_COMMENT_ADDED", None, _comment(event))


# WhatsApp


def _whatsapp(trigger: TriggerWord, event: Event, sender: Sender) -> Told:
    return Told(trigger, whatsapp_answers.without_token(sender), given(comment=_reasons(event)))


def _whatsapp_awaits_code(event: Event, sender: Sender) -> Told | None:
    came = event.before["status"] != event.after["status"] == Status.PENDING_VERIFICATION
    return _whatsapp("WHATSAPP_SENDER_PENDING_VERIFICATION", event, sender) if came else None


def _whatsapp_offline(event: Event, sender: Sender) -> Told:
    """Rejected is one that was never active, where Meta has said no to the number, the name or the business."""
    rejected = states.changes_of(sender) == "REJECTED"
    return _whatsapp("WHATSAPP_SENDER_REJECTED" if rejected else "WHATSAPP_SENDER_ERROR", event, sender)


def _whatsapp_name(event: Event, sender: Sender) -> Told | None:
    """A name that was taken up long ago is forgotten some day, which is no update."""
    change = event.after["name_change"]
    if change is None:
        return None
    payload = whatsapp_answers.without_token(sender)
    return Told("WHATSAPP_SENDER_DISPLAY_NAME_UPDATED", payload, given(comment=change["detail"]))


def _whatsapp_comment(event: Event, sender: Sender) -> Told:
    return Told("WHATSAPP_SENDER_COMMENT_ADDED", whatsapp_answers.without_token(sender), _comment(event))


def _whatsapp_account_comment(event: Event) -> Told:
    """Without `wabaId`: an event of the account does not hold its connection."""
    account = {name: value for name, value in whatsapp_answers.account_answer("").items() if name != "wabaId"}
    return Told("WHATSAPP_ACCOUNT_COMMENT_ADDED", account, _comment(event))


# both


def _comment(event: Event) -> Mapping[str, Any]:
    return {"comment": event.after["comment"]}


def _reasons(event: Event) -> str | None:
    """Why the status is what it is, in the network's words."""
    reasons = event.after.get("offline_reasons", ())
    return "; ".join(reason["detail"] or reason["trouble"].replace("_", " ") for reason in reasons) or None


_OF_SENDERS: Mapping[str, Callable[[Event, Sender], Told | None]] = MappingProxyType(
    {
        "rcs:sender.status": _rcs_status,
        "rcs:sender.carrier": _rcs_operator,
        "rcs:sender.commented": _rcs_comment,
        "whatsapp:sender.online": partial(_whatsapp, "WHATSAPP_SENDER_ACTIVE"),
        "whatsapp:sender.retiring": partial(_whatsapp, "WHATSAPP_SENDER_INACTIVE"),
        "whatsapp:sender.offline": _whatsapp_offline,
        "whatsapp:sender.status": _whatsapp_awaits_code,
        "whatsapp:sender.quality": partial(_whatsapp, "WHATSAPP_SENDER_QUALITY_RATING_CHANGED"),
        "whatsapp:sender.limit": partial(_whatsapp, "WHATSAPP_SENDER_DAILY_LIMIT_CHANGED"),
        "whatsapp:sender.name": _whatsapp_name,
        "whatsapp:sender.deleted": partial(_whatsapp, "WHATSAPP_SENDER_DELETED"),
        "whatsapp:sender.commented": _whatsapp_comment,
    }
)
_OF_ACCOUNTS: Mapping[str, Callable[[Event], Told]] = MappingProxyType(
    {
        f"account.commented.{Channel.RCS}": _rcs_account_comment,
        f"account.commented.{Channel.WHATSAPP}": _whatsapp_account_comment,
    }
)
"""Both by the topics of `triggers.FIRED_BY`."""
