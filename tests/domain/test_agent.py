"""What an RCS sender has beyond its profile: test numbers, what reviewers are told, and what an owner may change."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain import errors
from tabard.domain.agents.agent import MOST_INVITATIONS_A_DAY, MOST_TESTERS, Agent, Review
from tabard.domain.agents.agent import Tester as Phone
from tabard.domain.agents.agent import TesterStatus as PhoneStatus
from tabard.domain.agents.change import (
    FROZEN_LEAVES,
    AgentChange,
    changed_agent,
    launch_requested,
    missing_for_agent,
    submitted,
    towards_launch,
    with_change,
)
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.errors import FieldsFrozen, InvalidInput, TooManyInvitations, TooManyTesters, WrongStatus
from tabard.domain.lifecycle import Status
from tabard.domain.profile import (
    READABLE_CONTRAST,
    Contact,
    Profile,
    UseCase,
    check_rcs_profile,
    contrast_with_white,
    readable_color,
)
from tabard.domain.sender import Reason, Trouble
from tests.support.senders import AGENT_PROFILE, NOW, an_agent_sender, carrier

WAITING, INVITED, ACCEPTED, DECLINED, UNREACHABLE, LEAVING = PhoneStatus
DAY = timedelta(days=1)
PHONE, OTHER = "+15550100101", "+15550100102"


def phones(count, start=0):
    return [f"+1555{number:07}" for number in range(start, start + count)]


def having(**testers):
    """An agent with test numbers, by what they are."""
    return Agent(testers=tuple(Phone(address, PhoneStatus(status), NOW) for status, address in testers.items()))


def known(agent):
    return {tester.address: tester.status for tester in agent.testers}


class TestInvitations:
    def test_a_new_phone_waits_to_be_invited(self):
        (tester,) = Agent().invited_again([PHONE], NOW, at_once=True).testers
        assert tester == Phone(PHONE, WAITING, NOW)

    def test_twenty_a_day_and_the_twenty_first_is_told_so(self):
        agent = Agent().invited_again(phones(20), NOW, at_once=True)
        with pytest.raises(TooManyInvitations, match="0 of them are left"):
            agent.invited_again([PHONE], NOW, at_once=True)
        with pytest.raises(TooManyInvitations):
            Agent().invited_again(phones(21), NOW, at_once=True)

    def test_the_day_is_the_account_s_and_ends_for_each_invitation_by_itself(self):
        agent = Agent()
        for number, phone in enumerate(phones(20)):
            agent = agent.invited_again([phone], NOW, at_once=True).invited(phone, NOW + timedelta(hours=number))
        with pytest.raises(TooManyInvitations):
            agent.invited_again([PHONE], NOW + DAY - timedelta(seconds=1), at_once=True)
        free = agent.invited_again([PHONE], NOW + DAY, at_once=True)
        with pytest.raises(TooManyInvitations):
            free.invited_again([OTHER], NOW + DAY, at_once=True)
        assert free.invited_again([OTHER], NOW + DAY + timedelta(hours=1), at_once=True).tester(OTHER).status is WAITING

    def test_who_can_wait_may_add_more_than_a_day_takes(self):
        assert len(Agent().with_testers(phones(25), NOW).shown_testers) == 25

    def test_two_hundred_phones_in_all(self):
        full = Agent().with_testers(phones(MOST_TESTERS), NOW)
        for add in (full.with_testers, lambda some, at: full.invited_again(some, at, at_once=False)):
            with pytest.raises(TooManyTesters):
                add(phones(MOST_TESTERS + 1), NOW)
        left = full.without_tester(phones(1)[0])
        assert left.invited_again([PHONE], NOW, at_once=False).tester(PHONE).status is WAITING

    @given(st.lists(st.integers(0, 60), max_size=60).map(sorted))
    def test_only_the_last_day_s_invitations_count(self, hours):
        agent = Agent(testers=(Phone(PHONE, WAITING, NOW),))
        times = [NOW + timedelta(hours=hour) for hour in hours]
        for time in times:
            agent = agent.invited(PHONE, time)
        if times:
            assert list(agent.invitations) == [time for time in times if times[-1] - time < DAY]

    def test_a_phone_named_twice_is_invited_once(self):
        assert len(Agent().invited_again([PHONE, PHONE], NOW, at_once=True).testers) == 1


class TestComeAndGo:
    @pytest.mark.parametrize("status", [INVITED, ACCEPTED, UNREACHABLE])
    def test_a_known_phone_is_invited_anew(self, status):
        tester = having(**{status: PHONE}).invited_again([PHONE], NOW + DAY, at_once=True).tester(PHONE)
        assert tester == Phone(PHONE, WAITING, NOW + DAY, anew=True)

    def test_one_that_waits_goes_on_waiting(self):
        agent = having(waiting=PHONE)
        assert agent.invited_again([PHONE], NOW + DAY, at_once=True) == agent
        anew = having(accepted=PHONE).invited_again([PHONE], NOW, at_once=True)
        assert anew.invited_again([PHONE], NOW + DAY, at_once=True) == anew, "it is still to be forgotten first"

    def test_whose_owner_declined_is_not_asked_again(self):
        with pytest.raises(errors.TesterDeclined):
            having(declined=PHONE).invited_again([PHONE], NOW, at_once=True)

    def test_unless_it_was_removed_meanwhile(self):
        left = having(declined=PHONE).without_tester(PHONE)
        assert left.invited_again([PHONE], NOW, at_once=True).tester(PHONE) == Phone(PHONE, WAITING, NOW, anew=True)

    def test_a_removed_phone_is_gone_for_its_owner_until_the_network_was_told(self):
        left = having(accepted=PHONE).without_tester(PHONE)
        assert left.shown_testers == ()
        assert known(left) == {PHONE: LEAVING}
        for ask in (left.tester, left.without_tester):
            with pytest.raises(errors.TesterUnknown):
                ask(PHONE)
        assert left.let_go(PHONE).testers == ()

    def test_exactly_the_wanted_ones_stay(self):
        agent = having(accepted=PHONE, declined=OTHER, leaving="+15550100103")
        after = agent.with_testers([OTHER, "+15550100103", "+15550100104"], NOW)
        assert known(after) == {OTHER: DECLINED, "+15550100103": WAITING, "+15550100104": WAITING, PHONE: LEAVING}
        assert after.tester("+15550100103").anew, "the network knows it still"
        assert not after.tester("+15550100104").anew

    def test_what_is_heard_of_a_phone_that_left_brings_it_not_back(self):
        assert having(accepted=PHONE).let_go(PHONE).tester_is(PHONE, ACCEPTED, NOW).testers == ()

    def test_hearing_the_same_again_is_no_news(self):
        agent = having(accepted=PHONE)
        assert agent.tester_is(PHONE, ACCEPTED, NOW + DAY) == agent


class TestChange:
    def test_what_it_does_not_name_stays(self):
        agent = Agent(
            countries=("SE",),
            testers=(Phone(PHONE, ACCEPTED, NOW),),
            review=Review(opt_in="At the till", videos=("https://example.com/v",)),
            compliance={"": "BU1"},
            launch_wanted=True,
        )
        assert with_change(agent, AgentChange(), NOW) == agent

    def test_texts_are_set_and_cleared_one_by_one(self):
        agent = Agent(review=Review(opt_in="At the till", trigger="An order", videos=("https://example.com/v",)))
        after = with_change(agent, AgentChange(review={"trigger": None, "videos": (), "opt_out": "STOP"}), NOW)
        assert after.review == Review(opt_in="At the till", opt_out="STOP")

    def test_a_separator_goes_without_the_others(self):
        agent = Agent(review=Review(separators={"opt_in": ";;", "trigger": "|"}))
        after = with_change(agent, AgentChange(review={"separators": {"trigger": None, "opt_out": "/"}}), NOW)
        assert after.review.separators == {"opt_in": ";;", "opt_out": "/"}

    def test_a_separator_means_nothing_to_the_reader(self):
        review = Review(interactions="News;;Another day", opt_in="At the till", separators={"interactions": ";;"})
        assert (review.told("interactions"), review.told("opt_in"), review.told("opt_out")) == (
            "NewsAnother day",
            "At the till",
            None,
        )

    def test_local_answers_merge_by_country_and_an_empty_country_goes(self):
        agent = Agent(local_answers={"FR": {"siren": "1", "address": "a"}, "GB": {"name": "n"}})
        change = AgentChange(local_answers={"FR": {"siren": None, "volume": 5}, "GB": {"name": None}})
        assert with_change(agent, change, NOW).local_answers == {"FR": {"address": "a", "volume": 5}}

    def test_registrations_merge_too(self):
        agent = Agent(compliance={"": "BU1", "FR": "BU2"})
        assert with_change(agent, AgentChange(compliance={"FR": None, "SE": "BU3"}), NOW).compliance == {
            "": "BU1",
            "SE": "BU3",
        }

    def test_a_wish_to_launch_is_not_taken_back_by_the_next_change(self):
        wanted = with_change(Agent(), AgentChange(countries=("SE",), launch=True), NOW)
        assert with_change(wanted, AgentChange(review={"opt_in": "At the till"}), NOW).launch_wanted

    def test_a_video_ends_the_wait_for_one(self):
        waits = Agent(waits_for_video=True)
        assert with_change(waits, AgentChange(review={"screenshots": ("https://example.com/s",)}), NOW).waits_for_video
        shown = with_change(waits, AgentChange(review={"videos": ("https://example.com/v",)}), NOW)
        assert not shown.waits_for_video


class TestProfile:
    @pytest.mark.parametrize("leaf", ["name", "description", "logo_url", "banner_url", "privacy_url"])
    def test_a_draft_says_what_it_lacks(self, leaf):
        assert missing_for_agent(AGENT_PROFILE.changed({leaf: None})) == (leaf,)
        assert missing_for_agent(AGENT_PROFILE.changed({leaf: ""})) == (leaf,)

    @pytest.mark.parametrize("leaf", ["emails", "websites", "phone_numbers"])
    def test_one_way_to_reach_the_business_is_enough(self, leaf):
        mute = replace(AGENT_PROFILE, emails=(), websites=())
        assert missing_for_agent(mute) == ("phone_numbers",)
        assert missing_for_agent(mute.changed({leaf: (Contact("+15550100123", "Shop"),)})) == ()

    def test_an_empty_profile_lacks_all(self):
        assert len(missing_for_agent(Profile())) == 7

    def test_only_a_complete_draft_is_made_and_only_once(self):
        draft = an_agent_sender(Status.DRAFT, profile=Profile(name="Example Cafe"))
        assert submitted(draft, NOW) is draft
        refused = replace(
            an_agent_sender(Status.DRAFT), offline_reasons=(Reason(Trouble.NETWORK_REFUSED, "no"),)
        ).linked(attempts=7)
        made = submitted(refused, NOW)
        assert (made.status, made.offline_reasons, made.link.attempts) == (Status.CREATING, (), 0)
        assert submitted(made, NOW) is made

    @pytest.mark.parametrize(
        ("leaf", "value"),
        [
            ("name", "x" * 41),
            ("description", "x" * 101),
            ("emails", (Contact("nobody", "Email"),)),
            ("emails", tuple(Contact(f"{n}@example.com", "Email") for n in range(4))),
            ("websites", tuple(Contact(f"https://example.com/{n}", "Site") for n in range(4))),
            ("websites", (Contact("ftp://example.com", "Site"),)),
            ("phone_numbers", tuple(Contact(f"+1555010012{n}", "Shop") for n in range(4))),
            ("phone_numbers", (Contact("call me", "Shop"),)),
            ("logo_url", "file:///etc/passwd"),
            ("banner_url", "https://exa mple.com"),
            ("privacy_url", "x" * 3000),
            ("terms_of_service_url", "example.com"),
            ("accent_color", "#fff"),
            ("accent_color", "red"),
        ],
    )
    def test_what_the_network_would_refuse_is_refused_by_its_field(self, leaf, value):
        with pytest.raises(InvalidInput) as refused:
            check_rcs_profile(AGENT_PROFILE.changed({leaf: value}))
        assert refused.value.field.startswith(f"profile.{leaf}")

    def test_at_its_limits_it_is_taken(self):
        check_rcs_profile(
            replace(
                AGENT_PROFILE,
                name="x" * 40,
                description="x" * 100,
                emails=tuple(Contact(f"{n}@example.com", "Email") for n in range(3)),
                phone_numbers=(Contact("555 0100", "Shop"), Contact("+15550100123", "Care")),
                accent_color="#FFFFFF",
            )
        )


class TestColor:
    @given(st.integers(0, 0xFFFFFF).map("#{:06x}".format))
    def test_what_the_network_is_given_can_be_read_and_is_never_lighter(self, color):
        readable = readable_color(color)
        assert contrast_with_white(readable) >= READABLE_CONTRAST
        if contrast_with_white(color) >= READABLE_CONTRAST:
            assert readable == color
        for at in (1, 3, 5):
            assert int(readable[at : at + 2], 16) <= int(color[at : at + 2], 16)
        assert readable_color(readable) == readable

    def test_black_white_and_the_line_between(self):
        assert contrast_with_white("#000000") == pytest.approx(21)
        assert contrast_with_white("#FFFFFF") == pytest.approx(1)
        assert readable_color("#ffffff") == "#767676", "the lightest grey that WCAG calls readable"


FROZEN = {
    "name": "Example Bistro",
    "logo_url": "https://example.com/new.png",
    "banner_url": "https://example.com/new.png",
    "use_case": UseCase.OTP,
}


class TestFrozen:
    def sender(self, status=Status.LAUNCHING, asked=("SE",)):
        return an_agent_sender(status, agent=Agent(countries=("SE",), asked_countries=asked))

    def test_every_frozen_leaf_is_tried(self):
        assert FROZEN.keys() == FROZEN_LEAVES

    @pytest.mark.parametrize("leaf", FROZEN)
    def test_once_a_launch_was_requested_it_can_not_be_changed(self, leaf):
        with pytest.raises(FieldsFrozen) as refused:
            changed_agent(self.sender(), {leaf: FROZEN[leaf]}, AgentChange(), NOW)
        assert refused.value.fields == (f"profile.{leaf}",)

    @pytest.mark.parametrize("leaf", FROZEN)
    def test_before_that_it_can(self, leaf):
        after = changed_agent(self.sender(Status.TESTING, ()), {leaf: FROZEN[leaf]}, AgentChange(), NOW)
        assert getattr(after.profile, leaf) == FROZEN[leaf]

    def test_the_same_again_is_no_change(self):
        sender = self.sender()
        assert changed_agent(sender, {"name": "Example Cafe"}, AgentChange(), NOW).profile == sender.profile

    def test_the_rest_may_change_at_any_time(self):
        after = changed_agent(self.sender(), {"description": "Coffee"}, AgentChange(), NOW)
        assert after.profile.description == "Coffee"

    def test_all_that_is_frozen_is_named_at_once(self):
        with pytest.raises(FieldsFrozen) as refused:
            changed_agent(self.sender(), {**FROZEN, "description": "Coffee"}, AgentChange(), NOW)
        assert refused.value.fields == tuple(f"profile.{leaf}" for leaf in sorted(FROZEN_LEAVES))


class TestLaunch:
    AGENT = Agent(countries=("SE",), carriers=(carrier("Telia", "SE"),))

    @pytest.mark.parametrize("status", [Status.TESTING, Status.LAUNCHING, Status.OFFLINE])
    def test_it_is_requested_in_every_wanted_country(self, status):
        after = launch_requested(an_agent_sender(status, agent=self.AGENT), NOW, waits_for_video=False)
        assert (after.status, after.rcs.launch_status) == (Status.LAUNCHING, CarrierStatus.PENDING)

    @pytest.mark.parametrize("status", [Status.DRAFT, Status.CREATING, Status.PREPARING])
    def test_too_early_is_told(self, status):
        with pytest.raises(WrongStatus) as wrong:
            launch_requested(an_agent_sender(status, agent=self.AGENT), NOW, waits_for_video=False)
        assert wrong.value.status == status

    def test_without_a_video_it_is_only_prepared(self):
        waits = launch_requested(an_agent_sender(agent=self.AGENT), NOW, waits_for_video=True)
        assert (waits.status, waits.rcs.waits_for_video) == (Status.PREPARING, True)
        assert towards_launch(waits, NOW) is waits
        shown = replace(waits, agent=replace(waits.rcs, waits_for_video=False))
        after = towards_launch(shown, NOW)
        assert (after.status, after.rcs.launch_wanted) == (Status.LAUNCHING, False)

    def test_one_that_is_seen_already_does_not_wait_for_a_video(self):
        online = an_agent_sender(Status.ONLINE, agent=self.AGENT)
        assert launch_requested(online, NOW, waits_for_video=True).status is Status.UPDATING

    def test_a_wish_alone_brings_it_there_status_by_status(self):
        sender = an_agent_sender(agent=replace(self.AGENT, launch_wanted=True))
        seen = []
        while (after := towards_launch(sender, NOW)) is not sender:
            seen.append(after.status)
            sender = after
        assert seen == [Status.PREPARING, Status.LAUNCHING]

    def test_a_wish_without_a_country_waits_for_one(self):
        sender = an_agent_sender(agent=Agent(launch_wanted=True))
        assert towards_launch(sender, NOW) is sender

    def test_an_offline_sender_that_is_launched_again_forgets_why_it_was(self):
        reasons = (Reason(Trouble.NOT_LAUNCHED, "Telia (SE): rejected"),)
        sender = an_agent_sender(Status.OFFLINE, agent=replace(self.AGENT, launch_wanted=True))
        assert towards_launch(replace(sender, offline_reasons=reasons), NOW).offline_reasons == ()


def test_the_day_s_invitations_are_as_many_as_google_takes():
    assert MOST_INVITATIONS_A_DAY == 20
