"""What befalls an RCS sender: races with its owner and its network, refusals, lost access, and its end."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from tabard.app.accounts import SANDBOX_ACCOUNT
from tabard.domain.account import CLOCK
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Trouble
from tabard.networks.google.wire import LaunchState
from tabard.ports.networks import Decision, NetworkFault, RcsNetwork
from tabard.workflows.rcs import RcsSteps
from tabard.workflows.reconcile import Moment
from tests.support.rcs_life import LAUNCHED, PENDING, REJECTED, SUSPENDED, SWEDEN, RcsLife
from tests.support.service import SENDERS

CREATION = ("find_business_account", "add_business_account", "find_agent", "add_agent", "subscribe")


def once(life: RcsLife, call: str, act: Callable[[], Awaitable[object]]) -> None:
    """Before the next call of that name."""

    async def meanwhile(name: str, _arguments: object) -> None:
        if name == call:
            life.shop.rcs.before = None
            await act()

    life.shop.rcs.before = meanwhile


def always(life: RcsLife, fault: NetworkFault, *calls: str) -> None:
    """Every call of these names fails so; any call, if none is named."""

    async def refuse(name: str, _arguments: object) -> None:
        if name in calls or not calls:
            raise fault

    life.shop.rcs.before = refuse


async def hear(life: RcsLife) -> None:
    """Let what the network tells arrive."""
    for lane in life.shop.others[::-1]:
        await lane.drain()


async def troubles(life: RcsLife, sid: str) -> list[Trouble]:
    return [warning.trouble for warning in (await life.stored(sid)).warnings]


async def reasons(life: RcsLife, sid: str) -> tuple[Status, list[Trouble]]:
    sender = await life.stored(sid)
    return sender.status, [reason.trouble for reason in sender.offline_reasons]


DENIED = NetworkFault(Decision.GIVE_UP, Trouble.ACCESS_DENIED, "the key was revoked")


class TestRaces:
    @pytest.mark.parametrize("call", CREATION)
    async def test_what_its_owner_changes_while_it_is_made_reaches_the_network(self, life: RcsLife, call: str):
        sid = await life.create()
        once(life, call, lambda: life.update(sid, name="Example Bistro", description="Soup"))
        await life.shop.pass_time(seconds=5)
        assert (await life.stored(sid)).status is Status.TESTING
        agent = await life.only_agent()
        assert (agent.display_name, agent.details["description"]) == ("Example Bistro", "Soup")

    @pytest.mark.parametrize("call", ["verdicts", "request_verification", "request_launch", "verification"])
    async def test_a_change_during_a_launch_is_kept_and_nothing_is_asked_twice(self, patient: RcsLife, call: str):
        sid = await patient.testing()
        once(patient, call, lambda: patient.update(sid, description="Soup"))
        await patient.launch(sid, "SE")
        await patient.shop.pass_time(seconds=5)
        assert await patient.carriers(sid) == dict.fromkeys(SWEDEN, PENDING)
        agent = await patient.only_agent()
        assert agent.details["description"] == "Soup"
        assert {launch.state for launch in agent.launches.values()} == {LaunchState.PENDING}

    async def test_a_country_added_while_others_are_asked_is_asked_too(self, patient: RcsLife):
        sid = await patient.testing()
        once(patient, "request_launch", lambda: patient.launch(sid, "SE", "PL"))
        await patient.launch(sid, "SE")
        await patient.shop.pass_time(seconds=5)
        assert len((await patient.only_agent()).launches) == 6
        assert set((await patient.carriers(sid)).values()) == {PENDING}

    async def test_a_country_taken_back_while_it_is_asked_is_shown_for_what_it_is(self, patient: RcsLife):
        """The network was told before we knew: what it does there is not hidden."""
        sid = await patient.testing()
        await patient.launch(sid, "SE")
        patient.shop.rcs.plan({})

        async def take_back(name: str, _arguments: object) -> None:
            if name == "verification" and "request_launch" in patient.shop.rcs.calls:
                patient.shop.rcs.before = None
                await patient.launch(sid, "PL")

        patient.shop.rcs.before = take_back
        await patient.shop.pass_time(seconds=5)
        sender = await patient.shop.tabard.fetch(sid)
        shown = {country["country"]: country["status"] for country in sender["compliance"]["countries"]}
        assert shown == {"PL": "PENDING_VERIFICATION", "SE": "PENDING_VERIFICATION"}

    async def test_a_verdict_that_comes_by_webhook_during_a_look_is_not_overlooked(self, patient: RcsLife):
        sid = await patient.launching()

        async def decide() -> None:
            await patient.decide(sid, LAUNCHED, "Telia")
            await hear(patient)

        once(patient, "verification", decide)
        await patient.shop.pass_time(seconds=30)
        assert (await patient.stored(sid)).status is Status.ONLINE
        told = await patient.shop.events(sid)
        assert told.count("sender.online") == 1
        assert told.count("sender.carrier") == len(SWEDEN) + 1

    async def test_two_workers_with_one_sender_make_one_agent(self, life: RcsLife):
        """The first was only slow: when its lease ends a second one steps in, and both go on."""
        sid = await life.create()

        async def lose_the_lease() -> None:
            life.shop.clock.advance(seconds=life.shop.reconcile.lease.total_seconds())
            await life.shop.reconcile.drain()

        once(life, "subscribe", lose_the_lease)
        await life.shop.pass_time(minutes=1)
        assert (await life.stored(sid)).status is Status.TESTING
        assert await life.only_agent()

    async def test_a_sender_that_is_stuck_is_reported(self, life: RcsLife):
        sid = await life.create()
        always(life, NetworkFault(Decision.RETRY, Trouble.NETWORK_UNAVAILABLE, "the line is down"))
        await life.shop.pass_time(minutes=61)
        assert await life.shop.watch() == 1
        assert await troubles(life, sid) == [*await lasting(life, sid), Trouble.STUCK]
        life.shop.rcs.before = None
        await life.shop.pass_time(minutes=16)
        assert await troubles(life, sid) == await lasting(life, sid)


async def lasting(life: RcsLife, sid: str) -> list[Trouble]:
    """Nobody is at the pictures' address."""
    pictures = {Trouble.LOGO_UNUSABLE, Trouble.BANNER_UNUSABLE}
    return [trouble for trouble in await troubles(life, sid) if trouble in pictures]


class TestDraft:
    async def test_an_incomplete_sender_asks_nothing_of_the_network(self, life: RcsLife):
        sid = await life.create(description="", emails=[], websites=[])
        await life.shop.pass_time(days=3)
        assert (await life.stored(sid)).status is Status.DRAFT
        assert life.shop.rcs.calls == []
        await life.update(sid, description="Coffee")
        assert (await life.stored(sid)).status is Status.DRAFT, "nobody can reach the business yet"
        await life.update(sid, phone_numbers=["+15550100123"])
        await life.shop.pass_time(seconds=5)
        assert (await life.stored(sid)).status is Status.TESTING

    async def test_what_the_network_refuses_is_a_draft_with_the_reason_until_it_is_mended(self, life: RcsLife):
        sid = await life.create(description="<b>Coffee</b>")
        await life.shop.pass_time(days=2)
        assert await reasons(life, sid) == (Status.DRAFT, [Trouble.NETWORK_REFUSED])
        shown = await life.shop.tabard.fetch(sid)
        assert (shown["status"], shown["offline_reasons"][0]["code"]) == ("DRAFT", "63011")
        assert "HTML" in shown["offline_reasons"][0]["message"]
        assert await life.agents() == []
        await life.update(sid, description="Coffee")
        await life.shop.pass_time(seconds=5)
        assert await reasons(life, sid) == (Status.TESTING, [])
        assert await life.only_agent(), "and one brand, the first"

    async def test_without_a_connection_it_is_a_draft_until_an_update_tries_again(self, life: RcsLife):
        services, network = life.shop.tabard.parts.services, life.shop.rcs

        async def nowhere(*_: object) -> None:
            return None

        connected = life.shop.reconcile.steps[Channel.RCS]
        life.shop.reconcile.steps[Channel.RCS] = RcsSteps(replace(services, way=nowhere), cast("RcsNetwork", network))
        sid = await life.create()
        await life.shop.pass_time(seconds=5)
        assert await reasons(life, sid) == (Status.DRAFT, [Trouble.ACCESS_DENIED])
        assert "tabard accounts connect" in (await life.stored(sid)).offline_reasons[0].detail
        life.shop.reconcile.steps[Channel.RCS] = connected
        await life.shop.tabard.post(f"{SENDERS}/{sid}", {"friendly_name": "Front desk"})
        await life.shop.pass_time(seconds=5)
        assert await reasons(life, sid) == (Status.TESTING, [])

    async def test_after_a_day_of_failures_too(self, life: RcsLife):
        await life.fails(10_000, 503)
        sid = await life.create()
        await life.shop.pass_time(hours=23)
        assert await reasons(life, sid) == (Status.CREATING, [])
        await life.shop.pass_time(hours=8)
        assert await reasons(life, sid) == (Status.DRAFT, [Trouble.NETWORK_UNAVAILABLE])
        await life.fails(0, 503)
        await life.update(sid, description="Coffee")
        await life.shop.pass_time(seconds=5)
        assert await reasons(life, sid) == (Status.TESTING, [])

    async def test_the_first_failing_calls_are_overcome(self, life: RcsLife):
        sid = await life.testing(name="Example Cafe Failing")
        assert await reasons(life, sid) == (Status.TESTING, [])


class TestProfile:
    async def test_after_a_launch_only_what_may_change_is_pushed(self, life: RcsLife):
        sid = await life.online()
        before = await life.only_agent()
        pushed: list[object] = []

        async def note(call: str, arguments: tuple[object, ...]) -> None:
            if call == "push_profile":
                pushed.append(arguments[-1])

        life.shop.rcs.before = note
        await life.update(sid, description="Soup", accent_color="#ffffff", phone_numbers=["+15550100124"])
        await life.shop.pass_time(seconds=5)
        after = await life.only_agent()
        assert pushed == [True], "once, and frozen"
        assert (after.details["description"], after.details["color"]) == ("Soup", "#767676")
        for leaf in ("logoUri", "heroUri", "agentUseCase", "hostingRegion"):
            assert after.details[leaf] == before.details[leaf]
        assert (await life.stored(sid)).status is Status.ONLINE
        assert Trouble.COLOR_UNREADABLE in await troubles(life, sid)

    async def test_what_is_frozen_is_refused_and_changes_nothing(self, life: RcsLife):
        sid = await life.online()
        change = {"profile": {"name": "Example Bistro", "description": "Soup"}}
        reply = await life.shop.tabard.call("POST", f"{SENDERS}/{sid}", change)
        assert reply.status == 400
        assert "profile.name" in reply.body["message"]
        assert (await life.stored(sid)).profile.description == "Coffee and cake"

    async def test_a_profile_that_is_refused_is_a_warning_and_the_carriers_are_heard_all_the_same(self, life: RcsLife):
        sid = await life.online()
        await life.update(sid, description="<b>Soup</b>")
        await life.shop.pass_time(seconds=5)
        assert (await life.stored(sid)).status is Status.ONLINE
        assert Trouble.NETWORK_REFUSED in await troubles(life, sid)
        await life.decide(sid, SUSPENDED)
        await life.shop.pass_time(seconds=5)
        assert (await life.stored(sid)).status is Status.OFFLINE
        await life.decide(sid, LAUNCHED)
        await life.update(sid, description="Soup")
        await life.shop.pass_time(seconds=5)
        assert (await life.stored(sid)).status is Status.ONLINE
        assert Trouble.NETWORK_REFUSED not in await troubles(life, sid)
        assert (await life.only_agent()).details["description"] == "Soup"

    async def test_an_update_without_a_change_asks_nothing_of_the_profile(self, life: RcsLife):
        sid = await life.online()
        life.shop.rcs.plan({})
        await life.shop.tabard.post(f"{SENDERS}/{sid}", {"friendly_name": "Front desk"})
        await life.shop.pass_time(seconds=5)
        assert (await life.stored(sid)).status is Status.ONLINE
        assert "push_profile" not in life.shop.rcs.calls


class TestLaunch:
    async def test_one_that_lacks_something_is_offline_with_what_until_it_is_submitted_with_that(
        self, patient: RcsLife
    ):
        sid = await patient.testing(emails=[], phone_numbers=["+15550100123"])
        await patient.launch(sid, "SE")
        await patient.shop.pass_time(days=2)
        assert await reasons(patient, sid) == (Status.OFFLINE, [Trouble.LAUNCH_INCOMPLETE])
        assert "profile.emails" in (await patient.stored(sid)).offline_reasons[0].detail
        assert (await patient.shop.events(sid)).count("sender.offline") == 1
        assert PENDING not in (await patient.carriers(sid)).values(), "nobody was asked"
        await patient.update(sid, emails=["care@example.com"], name="Example Bistro")
        await patient.launch(sid, "SE")
        await patient.shop.pass_time(seconds=5)
        assert await reasons(patient, sid) == (Status.LAUNCHING, [])
        assert (await patient.only_agent()).display_name == "Example Bistro", "it was not fixed yet"
        await patient.decide(sid, LAUNCHED, "Telia")
        await patient.shop.pass_time(seconds=5)
        assert await reasons(patient, sid) == (Status.ONLINE, [])

    async def test_another_country_that_the_network_finds_wanting_leaves_it_online(self, life: RcsLife):
        sid = await life.online()
        always(life, NetworkFault(Decision.GIVE_UP, Trouble.LAUNCH_INCOMPLETE, "no video"), "request_launch")
        await life.launch(sid, "SE", "PL")
        await life.shop.pass_time(seconds=5)
        assert await reasons(life, sid) == (Status.ONLINE, [])
        assert Trouble.LAUNCH_INCOMPLETE in await troubles(life, sid)
        await life.decide(sid, SUSPENDED, "Telia")
        await life.shop.pass_time(seconds=5)
        assert (await life.carriers(sid))["Telia"] is SUSPENDED, "carriers are heard all the same"
        life.shop.rcs.before = None
        await life.shop.pass_time(hours=25)
        assert (await life.carriers(sid))["Orange"] is LAUNCHED
        assert Trouble.LAUNCH_INCOMPLETE not in await troubles(life, sid)

    async def test_a_launch_wanted_from_the_first_day_comes_about_by_itself(self, life: RcsLife):
        sid = await life.create()
        await life.launch(sid, "SE")
        await life.shop.pass_time(seconds=5)
        assert await reasons(life, sid) == (Status.ONLINE, [])

    @pytest.mark.parametrize("status", [Status.TESTING, Status.PREPARING, Status.LAUNCHING, Status.ONLINE])
    async def test_who_loses_access_goes_on_where_it_was_when_it_is_back(self, patient: RcsLife, status: Status):
        sid = await (patient.testing() if status in {Status.TESTING, Status.PREPARING} else patient.launching())
        if status is Status.ONLINE:
            await patient.decide(sid, LAUNCHED, "Telia")
        elif status is Status.PREPARING:
            await patient.launch(sid, "SE")
            stored = await patient.stored(sid)
            waits = replace(stored, status=status, agent=replace(stored.rcs, waits_for_video=True))
            services, now = patient.shop.tabard.parts.services, patient.shop.clock.now()
            await services.senders.save(stored, waits, CLOCK, now)
        await patient.shop.pass_time(seconds=5)
        assert await reasons(patient, sid) == (status, [])
        always(patient, DENIED)
        await patient.shop.pass_time(days=2)
        if status is Status.TESTING:
            assert await reasons(patient, sid) == (Status.TESTING, [])
            assert Trouble.ACCESS_DENIED in await troubles(patient, sid)
        else:
            assert await reasons(patient, sid) == (Status.OFFLINE, [Trouble.ACCESS_DENIED])
        patient.shop.rcs.before = None
        await patient.shop.pass_time(hours=25)
        assert await reasons(patient, sid) == (status, [])
        assert await troubles(patient, sid) == await lasting(patient, sid)

    async def test_who_was_rejected_meanwhile_says_so(self, patient: RcsLife):
        sid = await patient.launching()
        always(patient, DENIED)
        await patient.shop.pass_time(days=1)
        await patient.decide(sid, REJECTED)
        patient.shop.rcs.before = None
        await patient.shop.pass_time(hours=25)
        assert await reasons(patient, sid) == (Status.OFFLINE, [Trouble.NOT_LAUNCHED])

    async def test_an_agent_that_is_gone_takes_its_sender_off(self, life: RcsLife):
        sid = await life.online()
        await life.shop.tabard.parts.pool.execute(
            """update sandbox.google_agents set document = jsonb_set(document, '{archived}', 'true')"""
        )
        await life.shop.pass_time(hours=25)
        assert await reasons(life, sid) == (Status.OFFLINE, [Trouble.AGENT_GONE])
        told = (await life.shop.events(sid)).count("sender.status")
        await life.shop.pass_time(days=3)
        assert (await life.shop.events(sid)).count("sender.status") == told, "and says so once"


class KeepsRequests:
    """A network that does not put away an agent which a carrier looks at."""

    def __init__(self, life: RcsLife) -> None:
        self._life = life
        self._real = life.shop.rcs.real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    async def retire(self, way: object, agent_id: str) -> None:
        launches = (await self._life.only_agent()).launches.values()
        if all(launch.state is not LaunchState.PENDING for launch in launches):
            await self._real.retire(way, agent_id)


class TestEnd:
    async def gone(self, life: RcsLife, sid: str) -> None:
        await life.shop.pass_time(seconds=5)
        assert ((await life.stored(sid)).status, (await life.stored(sid)).due_at) == (Status.DELETED, None)
        assert [agent.archived for agent in await life.agents()] in ([], [True])

    @pytest.mark.parametrize("status", [Status.DRAFT, Status.CREATING, Status.TESTING, Status.ONLINE, Status.OFFLINE])
    async def test_whatever_its_status_its_agent_is_put_away(self, life: RcsLife, status: Status):
        match status:
            case Status.DRAFT:
                sid = await life.create(description="")
            case Status.CREATING:
                sid = await life.create()
            case Status.TESTING:
                sid = await life.testing()
            case _:
                sid = await life.online()
        if status is Status.OFFLINE:
            await life.decide(sid, SUSPENDED)
            await life.shop.pass_time(seconds=5)
        assert (await life.stored(sid)).status is status
        await life.delete(sid)
        await self.gone(life, sid)
        made = status not in {Status.DRAFT, Status.CREATING}
        assert len(await life.agents()) == made

    @pytest.mark.parametrize("call", [*CREATION, "has_agent"])
    async def test_while_it_is_made(self, life: RcsLife, call: str):
        sid = await life.create()
        once(life, call, lambda: life.delete(sid))
        await self.gone(life, sid)
        assert len(await life.agents()) == (call in {"find_agent", "add_agent", "subscribe", "has_agent"})

    async def test_while_carriers_look_at_it(self, patient: RcsLife):
        sid = await patient.launching()
        await patient.delete(sid)
        await self.gone(patient, sid)
        assert not (await patient.only_agent()).is_shown

    async def test_if_its_request_can_not_be_taken_back_it_is_put_away_when_carriers_have_decided(
        self, patient: RcsLife
    ):
        """Google does not say that one can be; and a carrier may launch what nobody wants any more."""
        sid = await patient.launching()
        patient.shop.rcs.real = KeepsRequests(patient)
        await patient.delete(sid)
        await patient.shop.pass_time(days=4)
        agent = await patient.only_agent()
        assert (agent.archived, agent.is_shown) == (False, True)
        patient.shop.rcs.plan({})
        await patient.shop.pass_time(days=1)
        assert patient.shop.rcs.calls.count("retire") <= 4, "it is not looked at often"
        await patient.network.decide_launch(SANDBOX_ACCOUNT, agent.id, None, LAUNCHED, None)
        await patient.shop.pass_time(hours=6, minutes=1)
        assert not (await patient.only_agent()).is_shown
        await self.gone(patient, sid)

    async def test_one_that_nobody_ever_decides_on_is_left_alone_in_the_end(self, patient: RcsLife):
        sid = await patient.launching()
        patient.shop.rcs.real = KeepsRequests(patient)
        await patient.delete(sid)
        await patient.shop.pass_time(seconds=5)
        stored, step = await patient.stored(sid), patient.shop.reconcile.steps[Channel.RCS]
        looks = [
            (await step(stored, Moment(stored.status_since + age, stored.status_since + age))).due_at
            for age in (timedelta(days=89), timedelta(days=91))
        ]
        assert looks == [stored.status_since + timedelta(days=89, hours=6), None]
        assert not (await patient.only_agent()).archived

    async def test_meanwhile_another_sender_may_have_the_name(self, patient: RcsLife):
        first = await patient.launching()
        await patient.delete(first)
        await patient.shop.pass_time(seconds=5)
        second = await patient.create()
        await patient.shop.pass_time(seconds=5)
        assert (await patient.stored(second)).status is Status.TESTING
        agents = await patient.agents()
        assert [bool(agent.launches) for agent in agents] == [True, False]
        assert agents[0].brand != agents[1].brand

    async def test_a_step_of_its_end_may_run_twice(self, life: RcsLife):
        sid = await life.online()
        await life.delete(sid)
        await life.shop.pass_time(seconds=5)
        now = life.shop.clock.now()
        again = await life.shop.reconcile.steps[Channel.RCS](await life.stored(sid), Moment(now, now))
        assert again.due_at is None
        await self.gone(life, sid)

    async def test_a_network_that_does_not_let_go_is_asked_for_days(self, life: RcsLife):
        sid = await life.online()
        always(life, DENIED)
        await life.delete(sid)
        await life.shop.pass_time(days=3)
        assert not (await life.only_agent()).archived
        life.shop.rcs.before = None
        await life.shop.pass_time(hours=25)
        await self.gone(life, sid)
