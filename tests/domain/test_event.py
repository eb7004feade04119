"""Events follow from the sender before and after."""

from dataclasses import fields, replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tabard.domain import event
from tabard.domain.agents.agent import Agent, BusinessContact, Review
from tabard.domain.agents.agent import Tester as Phone
from tabard.domain.agents.agent import TesterStatus as PhoneStatus
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.domain.lifecycle import Channel, Signal, Status
from tabard.domain.profile import Profile
from tabard.domain.sender import Quality, Reason, Trouble
from tests.support.senders import NOW, a_sender, an_agent_sender, carrier


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


def test_a_draft_that_is_put_aside_is_told_without_the_profile():
    before = a_sender(Status.ONLINE)
    (draft,) = event.between(before, replace(before, draft=Profile(name="Example Post")))
    assert (draft.type, draft.before["draft"]) == ("sender.draft", None)


class TestAgent:
    PHONE = Phone("+15550100101", PhoneStatus.WAITING, NOW)

    def told(self, before, after):
        sender = an_agent_sender(agent=before)
        return event.between(sender, replace(sender, agent=after))

    def test_each_carrier_that_decides_is_told_by_itself(self):
        telia, tele2, orange = carrier("Telia", "SE"), carrier("Tele2", "SE"), carrier("Orange", "FR")
        before = Agent(carriers=tuple(replace(one, status=CarrierStatus.PENDING) for one in (telia, tele2, orange)))
        launched = replace(before.carriers[0], status=CarrierStatus.LAUNCHED, asked=True)
        refused = replace(before.carriers[2], status=CarrierStatus.REJECTED, remark="no opt-in")
        first, second = self.told(before, replace(before, carriers=(launched, before.carriers[1], refused)))
        assert first == event.Event(
            "sender.carrier",
            {"country": "SE", "carrier": "Telia", "status": "pending", "remark": None},
            {"country": "SE", "carrier": "Telia", "status": "launched", "remark": None},
        )
        assert (second.after["status"], second.after["remark"]) == ("rejected", "no opt-in")

    def test_a_carrier_that_is_found_is_no_news_but_one_that_is_asked_at_once_is(self):
        telia = carrier("Telia", "SE")
        assert self.told(Agent(), Agent(carriers=(telia,))) == ()
        (asked,) = self.told(Agent(), Agent(carriers=(replace(telia, status=CarrierStatus.PENDING),)))
        assert (asked.before["status"], asked.after["status"]) == ("not_launched", "pending")

    def test_a_phone_comes_answers_and_goes(self):
        waiting = Agent(testers=(self.PHONE,))
        accepted = waiting.tester_is(self.PHONE.address, PhoneStatus.ACCEPTED, NOW + timedelta(hours=1))
        left = accepted.without_tester(self.PHONE.address)
        life = [Agent(), waiting, accepted, left, left.let_go(self.PHONE.address)]
        told = [self.told(before, after) for before, after in pairwise(life)]
        assert [[(e.before["status"], e.after["status"]) for e in events] for events in told] == [
            [(None, "waiting")],
            [("waiting", "accepted")],
            [("accepted", None)],
            [],
        ]

    def test_what_reviewers_are_told_is_configuration(self):
        after = Agent(review=Review(opt_in="At the till"), countries=("SE",))
        (told,) = self.told(Agent(), after)
        assert (told.type, set(told.after)) == ("sender.configuration", {"review", "countries"})

    def test_nothing_is_told_of_a_sender_without_an_agent(self):
        sender = a_sender(Status.ONLINE)
        assert sender.channel is Channel.WHATSAPP
        assert event.between(sender, sender) == ()


NOT_TOLD = {
    "data_region": "is chosen once",
    "billing": "is chosen once",
    "invitations": "are counted for the day's limit only",
    "launch_wanted": "is told as the status that it brings about",
    "waits_for_video": "is told as the status that it holds",
    "verified": "is told as the carriers' decisions that follow",
    "launched_at": "is when a carrier was told to have launched it",
}
agents = st.builds(
    Agent,
    countries=st.lists(st.sampled_from(["SE", "FR", "GB"]), unique=True, max_size=3).map(tuple),
    asked_countries=st.lists(st.sampled_from(["SE", "FR"]), unique=True, max_size=2).map(tuple),
    carriers=st.lists(
        st.builds(
            Carrier,
            region=st.sampled_from("abc"),
            country=st.just("SE"),
            name=st.just("Telia"),
            status=st.sampled_from(CarrierStatus),
            remark=st.none() | st.just("no"),
        ),
        unique_by=lambda one: one.region,
        max_size=3,
    ).map(tuple),
    testers=st.lists(
        st.builds(Phone, st.sampled_from(["+15550100101", "+15550100102"]), st.sampled_from(PhoneStatus), st.just(NOW)),
        unique_by=lambda one: one.address,
        max_size=2,
    ).map(tuple),
    review=st.builds(Review, opt_in=st.none() | st.just("At the till")),
    contact=st.builds(BusinessContact, name=st.none() | st.just("Ana")),
    local_answers=st.dictionaries(st.just("FR"), st.just({"siren": "1"})),
    compliance=st.dictionaries(st.just(""), st.just("BU1")),
)


@given(agents, agents)
def test_nothing_that_shows_of_an_agent_changes_untold(before, after):
    """Whoever hears only the events can tell what is shown now."""
    known = {one.region for one in after.carriers}
    after = replace(after, carriers=(*after.carriers, *(one for one in before.carriers if one.region not in known)))
    sender = an_agent_sender(agent=before)
    told = event.between(sender, replace(sender, agent=after))

    heard = {leaf: getattr(before, leaf) for leaf in event._AGENT_CONFIGURATION}
    phones = {tester.address: tester.status for tester in before.shown_testers}
    decided = 0
    for one in told:
        match one.type:
            case "sender.configuration":
                heard |= one.after
            case "sender.tester":
                phones[one.after["address"]] = one.after["status"]
            case "sender.carrier":
                decided += 1
    assert heard == {leaf: getattr(after, leaf) for leaf in event._AGENT_CONFIGURATION}
    assert {address: status for address, status in phones.items() if status is not None} == {
        tester.address: tester.status for tester in after.shown_testers
    }
    was = {one.region: (one.status, one.remark) for one in before.carriers}
    nothing_yet = (CarrierStatus.NOT_LAUNCHED, None)
    assert decided == sum(was.get(one.region, nothing_yet) != (one.status, one.remark) for one in after.carriers)


def test_every_part_of_an_agent_is_told_or_there_is_a_reason():
    told = {*event._AGENT_CONFIGURATION, "carriers", "testers"}
    assert {field.name for field in fields(Agent)} == told | set(NOT_TOLD)
    assert not told & set(NOT_TOLD)
