"""What a user may ask of a living sender."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain.change import NameOutcome, SenderChange, changed, plain_code
from tabard.domain.errors import InvalidInput, NameChangePending, NameDeclined
from tabard.domain.lifecycle import Status
from tabard.domain.profile import Contact
from tabard.domain.sender import Link, NameChange, NameReview, Reason, Trouble, VerificationMethod
from tests.support.senders import NOW, a_sender


def change_of(sender, **parts):
    return changed(sender, SenderChange(**parts), b"sealed", NOW)


def renamed(sender, name, **more):
    return changed(sender, SenderChange(profile={"name": name, **more}), None, NOW)


def test_what_a_change_does_not_name_stays():
    sender = a_sender(Status.ONLINE)
    after, outcome = change_of(sender, profile={"about": "Tracked parcels"})
    assert after.profile == replace(sender.profile, about="Tracked parcels")
    assert after.status is Status.UPDATING
    assert outcome is None


def test_an_address_without_a_method_is_called_by_post():
    after, _ = change_of(a_sender(Status.ONLINE), webhook={"callback_url": "https://example.com/in"})
    assert after.webhook.callback_method == "POST"
    assert after.webhook.fallback_method is None


@pytest.mark.parametrize("url", ["ftp://example.com", "example.com", "https://", "https://exa mple.com", "x" * 3000])
def test_an_address_that_nobody_can_call_is_refused(url):
    with pytest.raises(InvalidInput, match="callback_url"):
        change_of(a_sender(Status.ONLINE), webhook={"callback_url": url})


@pytest.mark.parametrize(
    ("leaf", "value"),
    [
        ("about", "x" * 140),
        ("address", "x" * 257),
        ("description", "x" * 513),
        ("name", "x" * 256),
        ("emails", (Contact("nobody", "Email"),)),
        ("emails", (Contact("a" * 120 + "@example.com", "Email"),)),
        ("websites", (Contact("example.com", "Website"),)),
        ("websites", tuple(Contact(f"https://example.com/{n}", "Website") for n in range(3))),
        ("logo_url", "file:///etc/passwd"),
    ],
)
def test_a_profile_that_whatsapp_would_refuse_is_refused_by_its_field(leaf, value):
    with pytest.raises(InvalidInput) as refused:
        change_of(a_sender(Status.ONLINE), profile={leaf: value})
    assert refused.value.field.startswith(f"profile.{leaf}")


def test_a_code_moves_a_waiting_sender_to_verifying_and_clears_the_refusal_of_the_last():
    waiting = replace(a_sender(Status.PENDING_VERIFICATION), offline_reasons=(Reason(Trouble.CODE_REJECTED, "wrong"),))
    after, _ = change_of(waiting, code="123456")
    assert (after.status, after.sealed_code, after.offline_reasons) == (Status.VERIFYING, b"sealed", ())


def test_a_code_for_a_sender_that_is_online_changes_nothing_of_its_proof():
    after, _ = change_of(a_sender(Status.ONLINE), code="123456")
    assert after.sealed_code is None


@pytest.mark.parametrize("status", [Status.CREATING, Status.OFFLINE])
def test_a_code_that_nobody_awaits_is_refused(status):
    with pytest.raises(InvalidInput, match="no code is awaited"):
        change_of(a_sender(status), code="123456")


def test_a_code_that_is_quicker_than_our_note_that_it_was_sent_is_taken():
    being_made = a_sender(Status.CREATING, link=Link(network_id="700000000000001"))
    after, _ = change_of(being_made, code="123456")
    assert after.status is Status.VERIFYING


@pytest.mark.parametrize(("typed", "code"), [("123456", "123456"), ("123-456", "123456"), (" 123 456 ", "123456")])
def test_a_code_may_be_typed_as_it_was_printed(typed, code):
    assert plain_code(typed) == code


@given(st.text().filter(lambda text: sum(c.isdigit() for c in text) != 6))
def test_anything_but_six_digits_is_no_code(text):
    with pytest.raises(InvalidInput):
        plain_code(text)


def test_asking_for_the_other_method_asks_for_another_code():
    after, _ = change_of(
        a_sender(Status.PENDING_VERIFICATION), registration={"verification_method": VerificationMethod.VOICE}
    )
    assert after.status is Status.PENDING_VERIFICATION
    assert after.link.code_wanted


def test_a_sender_that_failed_to_register_starts_over_when_asked():
    failed = replace(a_sender(Status.OFFLINE), offline_reasons=(Reason(Trouble.NUMBER_CAP, "full"),))
    after, _ = change_of(failed, registration={"verification_method": VerificationMethod.SMS})
    assert (after.status, after.offline_reasons) == (Status.CREATING, ())


def test_a_banned_sender_does_not_start_over():
    banned = a_sender(Status.OFFLINE, link=Link(network_id="700000000000001", registered=True))
    after, _ = change_of(banned, registration={"verification_method": VerificationMethod.SMS})
    assert after.status is Status.OFFLINE


def test_a_number_can_not_move_to_another_business_account():
    with pytest.raises(InvalidInput, match="business_account"):
        change_of(a_sender(Status.ONLINE), registration={"business_account": "500000000000002"})


class TestDisplayName:
    def test_before_the_network_knows_the_number_the_name_is_simply_replaced(self):
        after, outcome = renamed(a_sender(Status.CREATING), "Example Post")
        assert (after.profile.name, after.name_change, outcome) == ("Example Post", None, None)

    def test_later_it_is_put_up_for_review_beside_the_active_one(self):
        after, outcome = renamed(a_sender(Status.ONLINE), "Example Post")
        assert after.profile.name == "Example Parcels"
        assert after.name_change == NameChange("Example Post", NameReview.PENDING, NOW)
        assert outcome is NameOutcome.UPDATING

    def test_the_active_name_is_no_change(self):
        after, outcome = renamed(a_sender(Status.ONLINE), "Example Parcels")
        assert (after.name_change, outcome) == (None, NameOutcome.NO_CHANGE)

    def test_the_same_name_again_is_still_under_review(self):
        once, _ = renamed(a_sender(Status.ONLINE), "Example Post")
        twice, outcome = renamed(once, "Example Post")
        assert (twice.name_change, outcome) == (once.name_change, NameOutcome.PENDING_REVIEW)

    def test_another_name_must_wait(self):
        once, _ = renamed(a_sender(Status.ONLINE), "Example Post")
        with pytest.raises(NameChangePending):
            renamed(once, "Example Letters")

    def test_but_other_leaves_of_the_same_update_hold(self):
        once, _ = renamed(a_sender(Status.ONLINE), "Example Post")
        after, outcome = renamed(once, "Example Letters", about="Letters too")
        assert (after.profile.about, after.name_change, outcome) == (
            "Letters too",
            once.name_change,
            NameOutcome.ERROR,
        )

    def test_a_declined_name_is_not_put_up_again(self):
        declined = replace(
            a_sender(Status.ONLINE), name_change=NameChange("Example Post", NameReview.DECLINED, NOW, "too plain")
        )
        with pytest.raises(NameDeclined, match="too plain"):
            renamed(declined, "Example Post")
        assert renamed(declined, "Example Letters")[1] is NameOutcome.UPDATING

    @pytest.mark.parametrize("review", [NameReview.PIN_MISMATCH, NameReview.REGISTRATION_FAILED, NameReview.EXPIRED])
    def test_a_name_that_failed_otherwise_may_be_tried_again(self, review):
        failed = replace(
            a_sender(Status.ONLINE), name_change=NameChange("Example Post", review, NOW - timedelta(days=1))
        )
        after, outcome = renamed(failed, "Example Post")
        assert (after.name_change, outcome) == (
            NameChange("Example Post", NameReview.PENDING, NOW),
            NameOutcome.UPDATING,
        )

    @pytest.mark.parametrize("name", [None, "", "  "])
    def test_it_can_not_be_cleared(self, name):
        with pytest.raises(InvalidInput, match=r"profile\.name"):
            renamed(a_sender(Status.ONLINE), name)
