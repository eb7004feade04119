"""Where an agent may be seen: each carrier decides for itself, countries and agent follow from their carriers."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain.agents import launch
from tabard.domain.agents.agent import Agent
from tabard.domain.agents.launch import ASKABLE, STANDING, Carrier, CarrierStatus, Region, Verdict
from tests.support.senders import NOW, carrier

NOT_LAUNCHED, PENDING, LAUNCHED, REJECTED, SUSPENDED, UNLAUNCHED = CarrierStatus
LATER = NOW + timedelta(days=3)

TELIA, TELE2 = carrier("Telia", "SE"), carrier("Tele2", "SE")
ORANGE, SFR = carrier("Orange", "FR"), carrier("SFR", "FR")

verdicts = st.builds(
    Verdict, st.sampled_from(CarrierStatus), st.none() | st.text(max_size=5), st.none() | st.just(LATER)
)
carriers = st.builds(
    Carrier,
    region=st.sampled_from("abcdef"),
    country=st.sampled_from(["SE", "FR", "GB"]),
    name=st.just("Example"),
    status=st.sampled_from(CarrierStatus),
    remark=st.none() | st.just("no"),
    changed_at=st.none() | st.just(NOW),
    asked=st.booleans(),
)
lists_of_carriers = st.lists(carriers, unique_by=lambda one: one.region, max_size=6).map(tuple)


def heard(*those, **said):
    """What becomes of the carriers when the network says so, by their names."""
    by_name = {one.name.lower(): one.region for one in those}
    words = {
        by_name[name]: word if isinstance(word, Verdict) else Verdict(word, None, LATER) for name, word in said.items()
    }
    return launch.heard(those, words)


def statuses(those):
    return [one.status for one in those]


class TestRequest:
    def test_the_carriers_of_the_countries_are_to_be_asked_and_no_others(self):
        after = launch.requested((TELIA, TELE2, ORANGE), ["SE"], NOW)
        assert statuses(after) == [PENDING, PENDING, NOT_LAUNCHED]
        assert [one.to_be_asked for one in after] == [True, True, False]
        assert after[2] is ORANGE

    @pytest.mark.parametrize("status", [REJECTED, UNLAUNCHED])
    def test_a_carrier_that_said_no_may_be_asked_again(self, status):
        (after,) = launch.requested([carrier("Telia", "SE", status, remark="no opt-in")], ["SE"], NOW)
        assert (after.status, after.remark, after.changed_at) == (PENDING, None, NOW)
        assert after.to_be_asked

    @pytest.mark.parametrize("status", sorted(STANDING))
    def test_where_a_request_stands_nothing_changes(self, status):
        standing = carrier("Telia", "SE", status)
        assert launch.requested([standing], ["SE"], NOW) == (standing,)

    @given(lists_of_carriers, st.sets(st.sampled_from(["SE", "FR", "GB"])))
    def test_it_touches_only_carriers_of_these_countries_that_may_be_asked(self, those, countries):
        after = launch.requested(those, countries, NOW)
        for before, now in zip(those, after, strict=True):
            if before.country in countries and before.status in ASKABLE:
                assert now.to_be_asked
            else:
                assert now is before
        assert launch.requested(after, countries, LATER) == after, "twice is once"

    @given(lists_of_carriers, st.sets(st.sampled_from(["SE", "FR", "GB"])))
    def test_calling_it_off_leaves_what_the_network_was_told_of(self, those, countries):
        after = launch.called_off(those, countries)
        for before, now in zip(those, after, strict=True):
            if before.to_be_asked and before.country not in countries:
                assert (now.status, now.asked) == (NOT_LAUNCHED, False)
            else:
                assert now is before


class TestAnswer:
    def test_each_carrier_speaks_for_itself(self):
        waiting = [carrier("Telia", "SE", PENDING), carrier("Tele2", "SE", PENDING)]
        telia, tele2 = heard(*waiting, telia=LAUNCHED)
        assert (telia.status, telia.changed_at) == (LAUNCHED, LATER)
        assert tele2 is waiting[1]

    def test_one_that_suspends_turns_only_itself(self):
        those = [carrier("Telia", "SE", LAUNCHED), carrier("Tele2", "SE", LAUNCHED), carrier("Orange", "FR", LAUNCHED)]
        after = heard(*those, telia=Verdict(SUSPENDED, "complaints", LATER), tele2=LAUNCHED, orange=LAUNCHED)
        assert statuses(after) == [SUSPENDED, LAUNCHED, LAUNCHED]
        assert (after[0].remark, after[1], after[2]) == ("complaints", those[1], those[2])

    @pytest.mark.parametrize("old", sorted(ASKABLE))
    def test_what_it_said_before_does_not_overwrite_a_request_that_is_still_to_be_made(self, old):
        (asking,) = launch.requested([carrier("Telia", "SE", REJECTED)], ["SE"], NOW)
        assert heard(asking, telia=Verdict(old, "no opt-in", NOW)) == (asking,)

    @pytest.mark.parametrize("taken", sorted(STANDING))
    def test_a_request_that_the_network_knows_of_is_not_to_be_made_again(self, taken):
        """Whoever made it died before he could say so."""
        (asking,) = launch.requested([TELIA], ["SE"], NOW)
        (after,) = heard(asking, telia=taken)
        assert (after.status, after.asked, after.to_be_asked) == (taken, True, False)

    def test_a_carrier_that_was_never_asked_is_not_because_the_network_says_it_shows_nothing(self):
        (after,) = heard(TELIA, telia=UNLAUNCHED)
        assert not after.asked

    @given(lists_of_carriers, st.dictionaries(st.sampled_from("abcdef"), verdicts))
    def test_hearing_it_twice_is_hearing_it_once(self, those, said):
        after = launch.heard(those, said)
        assert launch.heard(after, said) == after

    @given(lists_of_carriers, st.dictionaries(st.sampled_from("abcdef"), verdicts), st.randoms())
    def test_the_order_of_the_regions_does_not_matter(self, those, said, luck):
        one_by_one = [*said.items()]
        luck.shuffle(one_by_one)
        after = those
        for region, verdict in one_by_one:
            after = launch.heard(after, {region: verdict})
        assert after == launch.heard(those, said)

    @given(lists_of_carriers, st.dictionaries(st.sampled_from("abcdef"), verdicts))
    def test_no_request_is_lost_by_listening(self, those, said):
        for before, after in zip(those, launch.heard(those, said), strict=True):
            assert after.to_be_asked or not before.to_be_asked or after.status in STANDING


class TestWhole:
    @pytest.mark.parametrize(
        ("parts", "whole"),
        [
            ([], NOT_LAUNCHED),
            ([REJECTED, LAUNCHED, SUSPENDED, PENDING], LAUNCHED),
            ([REJECTED, SUSPENDED, PENDING], PENDING),
            ([REJECTED, SUSPENDED, UNLAUNCHED], SUSPENDED),
            ([REJECTED, UNLAUNCHED, NOT_LAUNCHED], REJECTED),
            ([UNLAUNCHED, NOT_LAUNCHED], UNLAUNCHED),
        ],
    )
    def test_it_is_what_its_best_part_is(self, parts, whole):
        assert launch.status_of(parts) is whole

    @given(st.lists(st.sampled_from(CarrierStatus), min_size=1), st.randoms())
    def test_it_is_one_of_its_parts_in_whatever_order(self, parts, luck):
        whole = launch.status_of(parts)
        assert whole in parts
        luck.shuffle(parts)
        assert launch.status_of(parts) is whole


class TestKnown:
    REGIONS = (Region("telia-se", "SE", "Telia"), Region("orange-fr", "FR", "Orange"))

    def test_new_carriers_of_the_countries_come_after_those_that_are_known(self):
        those = (replace(TELIA, status=LAUNCHED),)
        assert launch.known(those, self.REGIONS, ["SE", "FR"]) == (*those, ORANGE)

    def test_carriers_of_other_countries_are_nobody_s_business(self):
        assert launch.known((), self.REGIONS, ["GB"]) == ()

    def test_one_that_the_network_no_longer_lists_stays_known(self):
        assert launch.known((SFR,), self.REGIONS, ["FR"]) == (SFR, ORANGE)


class TestAgent:
    AGENT = Agent(countries=("SE",), carriers=(TELIA, TELE2, ORANGE))

    def test_a_request_asks_in_every_wanted_country_and_is_remembered(self):
        after = self.AGENT.launch_requested(NOW)
        assert (after.asked_countries, statuses(after.carriers)) == (("SE",), [PENDING, PENDING, NOT_LAUNCHED])
        assert after.launch_status is PENDING

    def test_a_country_that_is_added_leaves_the_others_as_they_are(self):
        launched = replace(self.AGENT, carriers=(replace(TELIA, status=LAUNCHED, asked=True), TELE2, ORANGE))
        after = launched.wanting(["SE", "FR"]).launch_requested(NOW)
        assert after.carriers[0] is launched.carriers[0]
        assert [one.to_be_asked for one in after.carriers] == [False, True, True]

    def test_a_country_without_a_carrier_waits_for_one(self):
        (country,) = Agent(countries=("JP",)).launch_requested(NOW).shown_countries
        assert (country.code, country.status, country.carriers) == ("JP", PENDING, ())

    def test_a_country_that_is_no_longer_wanted_is_not_asked_if_the_network_was_not_told_yet(self):
        after = self.AGENT.wanting(["SE", "FR"]).launch_requested(NOW).wanting(["SE"])
        assert (after.asked_countries, statuses(after.carriers)) == (("SE",), [PENDING, PENDING, NOT_LAUNCHED])
        assert [country.code for country in after.shown_countries] == ["SE"]

    def test_but_where_its_launch_stands_it_is_shown_for_as_long(self):
        launched = replace(self.AGENT, asked_countries=("SE",), carriers=(replace(TELIA, status=LAUNCHED, asked=True),))
        after = launched.wanting(["FR"])
        assert [country.code for country in after.shown_countries] == ["FR", "SE"]
        assert after.launch_status is LAUNCHED

    def test_a_launch_that_the_network_tells_of_shows_although_nobody_wants_the_country(self):
        told = replace(self.AGENT, carriers=heard(ORANGE, orange=PENDING))
        assert [country.code for country in told.shown_countries] == ["SE", "FR"]

    def test_a_country_named_twice_is_wanted_once(self):
        assert self.AGENT.wanting(["SE", "FR", "SE"]).countries == ("SE", "FR")
