"""Changes that are put aside, and the slow goodbye."""

from dataclasses import replace

import pytest

from tabard.domain import draft
from tabard.domain.errors import InvalidInput, NameChangePending, NameDeclined, NotFound, WrongStatus
from tabard.domain.lifecycle import Channel, Signal, Status, accepts
from tabard.domain.profile import Profile, Vertical
from tabard.domain.sender import Link, NameChange, NameReview, Reason, Trouble
from tests.support.senders import NOW, a_sender

REFUSED = (Reason(Trouble.NUMBER_CAP, "the business account is full"),)
NEVER_REGISTERED = replace(
    a_sender(Status.OFFLINE, link=Link("700000000000001", profile_digest="1", code_wanted=True, attempts=3)),
    offline_reasons=REFUSED,
    name_change=NameChange("Example Post", NameReview.DECLINED, NOW),
)
BANNED = replace(
    a_sender(Status.OFFLINE, link=Link("700000000000001", registered=True)),
    offline_reasons=(Reason(Trouble.NUMBER_BANNED, "banned"),),
)
BUSY = (Status.CREATING, Status.PENDING_VERIFICATION, Status.VERIFYING)


def with_leaves(**leaves):
    return lambda profile: profile.changed(leaves)


def same(profile: Profile) -> Profile:
    return profile


# putting aside


def test_what_is_put_aside_leaves_the_sender_as_it_is():
    sender = a_sender(Status.ONLINE)
    after = draft.put_aside(sender, with_leaves(about="Tracked", vertical=Vertical.RETAIL))
    assert after == replace(sender, draft=replace(sender.profile, about="Tracked", vertical=Vertical.RETAIL))


def test_drafts_add_up():
    sender = draft.put_aside(a_sender(Status.ONLINE), with_leaves(about="Tracked", address="1 Sample Way"))
    after = draft.put_aside(sender, with_leaves(about=None, description="Parcels"))
    assert after.draft == replace(sender.profile, address="1 Sample Way", description="Parcels")


def test_a_sender_that_is_a_draft_itself_is_changed_itself():
    sender = a_sender(Status.DRAFT)
    after = draft.put_aside(sender, with_leaves(name="Example Post"))
    assert (after.status, after.profile.name, after.draft) == (Status.DRAFT, "Example Post", None)


@pytest.mark.parametrize("status", [*BUSY, Status.RETIRING])
def test_nothing_is_put_aside_or_submitted_at_the_wrong_time(status):
    with pytest.raises(WrongStatus) as refusal:
        draft.put_aside(a_sender(status), same)
    assert refusal.value.status == status
    with pytest.raises(WrongStatus):
        draft.submitted(a_sender(status), same, NOW)


def test_a_draft_is_held_against_the_limits():
    with pytest.raises(InvalidInput, match="about"):
        draft.put_aside(a_sender(Status.ONLINE), with_leaves(about="x" * 140))


# submitting


def test_a_draft_is_submitted_whole():
    sender = draft.put_aside(a_sender(Status.ONLINE), with_leaves(about="Tracked"))
    after = draft.submitted(sender, with_leaves(description="Parcels"), NOW)
    assert after.profile == replace(sender.profile, about="Tracked", description="Parcels")
    assert (after.status, after.draft) == (Status.UPDATING, None)


def test_a_sender_that_is_a_draft_is_created():
    after = draft.submitted(a_sender(Status.DRAFT), with_leaves(name="Example Post"), NOW)
    assert (after.status, after.profile.name) == (Status.CREATING, "Example Post")


@pytest.mark.parametrize("sender", [a_sender(Status.DRAFT), a_sender(Status.ONLINE), NEVER_REGISTERED])
def test_no_name_no_sender(sender):
    with pytest.raises(InvalidInput, match=r"profile\.name"):
        draft.submitted(sender, with_leaves(name=" "), NOW)


def test_a_sender_that_was_never_registered_starts_over():
    sender = draft.put_aside(NEVER_REGISTERED, with_leaves(about="Tracked"))
    after = draft.submitted(sender, with_leaves(name="Example Cafe"), NOW)
    assert after.status is Status.CREATING
    assert after.profile == replace(sender.profile, about="Tracked", name="Example Cafe")
    assert (after.draft, after.offline_reasons, after.name_change) == (None, (), None)
    assert after.link == Link()


def test_a_sender_that_was_banned_does_not_start_over():
    after = draft.submitted(BANNED, with_leaves(about="Tracked"), NOW)
    assert (after.status, after.link, after.offline_reasons) == (Status.OFFLINE, BANNED.link, BANNED.offline_reasons)
    assert after.profile.about == "Tracked"


def test_a_new_name_is_put_up_for_review_beside_the_active_one():
    sender = a_sender(Status.ONLINE)
    after = draft.submitted(sender, with_leaves(name="Example Post", about="Tracked"), NOW)
    assert after.name_change == NameChange("Example Post", NameReview.PENDING, NOW)
    assert after.profile == replace(sender.profile, about="Tracked")


@pytest.mark.parametrize(
    ("change", "name", "error"),
    [
        (NameChange("Example Post", NameReview.PENDING, NOW), "Example Cafe", NameChangePending),
        (NameChange("Example Post", NameReview.DECLINED, NOW), "Example Post", NameDeclined),
    ],
)
def test_a_name_that_is_refused_refuses_all_that_came_with_it(change, name, error):
    sender = replace(a_sender(Status.ONLINE), name_change=change)
    with pytest.raises(error):
        draft.submitted(sender, with_leaves(name=name, about="Tracked"), NOW)
    put_aside = draft.put_aside(sender, with_leaves(name=name))
    with pytest.raises(error):
        draft.submitted(put_aside, same, NOW)


# discarding


def test_what_was_put_aside_is_discarded():
    sender = a_sender(Status.ONLINE)
    assert draft.discarded(draft.put_aside(sender, with_leaves(about="Tracked")), NOW) == sender


@pytest.mark.parametrize(
    "sender",
    [a_sender(Status.DRAFT), NEVER_REGISTERED, draft.put_aside(NEVER_REGISTERED, with_leaves(about="Tracked"))],
)
def test_a_sender_that_is_nothing_but_its_changes_goes_with_them(sender):
    assert draft.discarded(sender, NOW).status is Status.DELETED


@pytest.mark.parametrize("status", [*BUSY, Status.UPDATING])
def test_what_is_on_its_way_is_not_discarded(status):
    with pytest.raises(WrongStatus):
        draft.discarded(a_sender(status), NOW)


@pytest.mark.parametrize("sender", [a_sender(Status.ONLINE), BANNED, a_sender(Status.RETIRING)])
def test_nothing_to_discard(sender):
    with pytest.raises(NotFound):
        draft.discarded(sender, NOW)


# going


@pytest.mark.parametrize(
    "status", [status for status in Status if accepts(Channel.WHATSAPP, status, Signal.RETIRE_REQUESTED)]
)
def test_a_retired_sender_keeps_what_it_is_and_drops_what_it_was_to_become(status):
    sender = replace(a_sender(status), draft=Profile(name="Example Cafe"), sealed_code=b"sealed")
    after = draft.retired(sender, NOW)
    assert after == replace(sender, status=Status.RETIRING, status_since=NOW, draft=None, sealed_code=None)


def test_a_draft_goes_at_once():
    assert draft.retired(a_sender(Status.DRAFT), NOW).status is Status.DELETED


def test_a_retired_sender_is_not_retired_again():
    with pytest.raises(WrongStatus) as refusal:
        draft.retired(a_sender(Status.RETIRING), NOW)
    assert refusal.value.status is Status.RETIRING
