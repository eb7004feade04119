"""Events follow from the sender before and after."""

from dataclasses import replace

from tabard.domain import event
from tabard.domain.lifecycle import Signal, Status
from tabard.domain.sender import Quality, Reason, Trouble
from tests.support.senders import NOW, a_sender


def types(before, after):
    return [e.type for e in event.between(before, after)]


def test_a_new_sender_is_created():
    assert types(None, a_sender()) == ["sender.created"]


def test_nothing_that_shows_is_no_event():
    sender = a_sender()
    assert event.between(sender, sender.linked(attempts=3).due(NOW)) == ()


def test_going_online_is_told_as_such_but_settling_an_update_is_not():
    verifying = a_sender(Status.VERIFYING)
    assert types(verifying, verifying.signalled(Signal.WENT_ONLINE, NOW)) == ["sender.status", "sender.online"]
    updating = a_sender(Status.UPDATING)
    assert types(updating, updating.signalled(Signal.UPDATE_SETTLED, NOW)) == ["sender.status"]


def test_going_offline_tells_why():
    online = a_sender(Status.ONLINE)
    offline = online.offline(Signal.BLOCKED, Reason(Trouble.NUMBER_BANNED, "banned"), NOW)
    status, special = event.between(online, offline)
    assert special.type == "sender.offline"
    assert status.before == {"status": Status.ONLINE, "offline_reasons": ()}
    assert status.after["offline_reasons"] == (Reason(Trouble.NUMBER_BANNED, "banned"),)


def test_each_event_holds_only_what_differs():
    before = a_sender(Status.ONLINE)
    (quality,) = event.between(before, replace(before, quality=Quality.LOW))
    assert (quality.type, quality.before, quality.after) == ("sender.quality", {"quality": None}, {"quality": "low"})


def test_codes_and_pins_are_never_told():
    before = a_sender(Status.PENDING_VERIFICATION)
    assert event.between(before, replace(before, sealed_code=b"code", sealed_pin=b"pin")) == ()
