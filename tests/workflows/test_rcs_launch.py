"""A launch: each carrier decides for itself, in weeks; the sender is what its carriers make it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tabard.app import agents as agent_app
from tabard.app import sandbox as sandbox_app
from tabard.app import senders as sender_app
from tabard.app.accounts import SANDBOX_ACCOUNT, twilio_sid
from tabard.domain.account import CLOCK, AccountKind, Principal
from tabard.domain.agents.change import AgentChange
from tabard.domain.change import SenderChange
from tabard.domain.lifecycle import Status
from tabard.domain.sender import Reason, Trouble
from tabard.networks.google.wire import LaunchState
from tests.support.rcs_life import LAUNCHED, PENDING, REJECTED, SUSPENDED, SWEDEN, RcsLife
from tests.support.service import SENDERS

OWNER = Principal(SANDBOX_ACCOUNT, AccountKind.SANDBOX, twilio_sid(SANDBOX_ACCOUNT))


async def requested_regions(life: RcsLife) -> list[list[str]]:
    """Of each request to launch from now on, as the client is given it."""
    asked: list[list[str]] = []

    async def note(call: str, arguments: tuple[Any, ...]) -> None:
        if call == "request_launch":
            asked.append([region.removeprefix("/v1/regions/") for region in arguments[4]])

    life.shop.rcs.before = note
    return asked


class TestVerdicts:
    async def test_the_first_carrier_brings_it_online_and_the_others_go_on(self, patient: RcsLife):
        sid = await patient.launching()
        assert await patient.carriers(sid) == dict.fromkeys(SWEDEN, PENDING)
        await patient.decide(sid, LAUNCHED, "Tele2")
        await patient.shop.pass_time(seconds=5)
        sender = await patient.stored(sid)
        assert (sender.status, sender.rcs.launched_at) == (Status.ONLINE, sender.status_since)
        assert await patient.carriers(sid) == {**dict.fromkeys(SWEDEN, PENDING), "Tele2": LAUNCHED}
        await patient.shop.pass_time(hours=1)
        await patient.decide(sid, REJECTED, "Telia", remark="no opt-in")
        await patient.decide(sid, LAUNCHED, "Three")
        await patient.shop.pass_time(seconds=5)
        later = await patient.stored(sid)
        assert later.status is Status.ONLINE
        assert later.rcs.launched_at == sender.status_since + timedelta(hours=1, seconds=5)
        telia = next(carrier for carrier in later.rcs.carriers if carrier.name == "Telia")
        assert (telia.status, telia.remark) == (REJECTED, "no opt-in")
        assert (await patient.shop.events(sid)).count("sender.online") == 1

    async def test_if_all_reject_it_is_offline_with_what_each_of_them_said(self, patient: RcsLife):
        sid = await patient.launching("example_cafe", "SE", "PL")
        await patient.decide(sid, REJECTED, *SWEDEN[:3], remark="no opt-in")
        await patient.shop.pass_time(seconds=5)
        assert (await patient.stored(sid)).status is Status.LAUNCHING, "some are still at it"
        await patient.decide(sid, REJECTED, remark="no use for it")
        await patient.shop.pass_time(seconds=5)
        sender = await patient.stored(sid)
        assert sender.status is Status.OFFLINE
        (reason,) = sender.offline_reasons
        assert reason == Reason(
            Trouble.NOT_LAUNCHED,
            "no carrier has the agent launched: Telia (SE), Tele2 (SE), Telenor (SE): rejected, no opt-in; "
            "Three (SE), Orange (PL), T-Mobile (PL): rejected, no use for it",
        )
        shown = (await patient.shop.tabard.fetch(sid))["offline_reasons"]
        assert (len(shown), shown[0]["code"]) == (1, "63035")
        assert "no use for it" in shown[0]["message"]

    async def test_a_rejected_launch_may_be_requested_again(self, patient: RcsLife):
        sid = await patient.launching()
        await patient.decide(sid, REJECTED, remark="no opt-in")
        await patient.shop.pass_time(seconds=5)
        await patient.launch(sid, "SE")
        await patient.shop.pass_time(seconds=5)
        sender = await patient.stored(sid)
        assert (sender.status, sender.offline_reasons) == (Status.LAUNCHING, ())
        await patient.decide(sid, LAUNCHED)
        await patient.shop.pass_time(seconds=5)
        assert (await patient.stored(sid)).status is Status.ONLINE

    async def test_a_carrier_that_suspends_turns_only_itself(self, patient: RcsLife):
        sid = await patient.launching()
        await patient.decide(sid, LAUNCHED)
        await patient.shop.pass_time(seconds=5)
        await patient.decide(sid, SUSPENDED, "Telenor", remark="complaints")
        await patient.shop.pass_time(seconds=5)
        assert (await patient.stored(sid)).status is Status.ONLINE
        assert await patient.carriers(sid) == {**dict.fromkeys(SWEDEN, LAUNCHED), "Telenor": SUSPENDED}

    async def test_if_all_suspend_it_is_offline_until_one_takes_it_back(self, patient: RcsLife):
        sid = await patient.launching()
        await patient.decide(sid, LAUNCHED)
        await patient.shop.pass_time(seconds=5)
        await patient.decide(sid, SUSPENDED, remark="complaints")
        await patient.shop.pass_time(seconds=5)
        sender = await patient.stored(sid)
        assert (sender.status, [reason.trouble for reason in sender.offline_reasons]) == (
            Status.OFFLINE,
            [Trouble.NOT_LAUNCHED],
        )
        await patient.decide(sid, LAUNCHED, "Telia")
        await patient.shop.pass_time(seconds=5)
        sender = await patient.stored(sid)
        assert (sender.status, sender.offline_reasons) == (Status.ONLINE, ())

    async def test_one_that_is_suspended_stays_offline_while_others_still_look_at_it(self, patient: RcsLife):
        sid = await patient.launching()
        await patient.decide(sid, LAUNCHED, "Telia")
        await patient.shop.pass_time(seconds=5)
        await patient.decide(sid, SUSPENDED, "Telia", remark="complaints")
        await patient.shop.pass_time(days=2)
        sender = await patient.stored(sid)
        assert sender.status is Status.OFFLINE
        assert "complaints" in sender.offline_reasons[0].detail
        await patient.decide(sid, LAUNCHED, "Three")
        await patient.shop.pass_time(seconds=5)
        assert (await patient.stored(sid)).status is Status.ONLINE

    async def test_a_business_that_is_not_verified_is_offline_and_may_try_again(self, life: RcsLife):
        sid = await life.testing(name="Example Cafe Unverified")
        await life.launch(sid, "SE")
        await life.shop.pass_time(seconds=5)
        sender = await life.stored(sid)
        assert sender.status is Status.OFFLINE
        assert "could not be verified" in sender.offline_reasons[0].detail
        await life.launch(sid, "SE")
        await life.shop.pass_time(seconds=5)
        assert (await life.shop.events(sid)).count("sender.offline") == 2

    async def test_once_verified_it_is_noted(self, patient: RcsLife):
        sid = await patient.launching()
        assert not (await patient.agent(sid)).verified
        await patient.verify(sid)
        await patient.shop.pass_time(hours=7)
        assert (await patient.agent(sid)).verified


class TestCountries:
    async def test_one_that_is_added_to_a_launched_sender_launches_beside_the_others(self, patient: RcsLife):
        sid = await patient.launching()
        await patient.decide(sid, LAUNCHED, "Telia", "Tele2", "Three")
        await patient.decide(sid, SUSPENDED, "Three")
        await patient.shop.pass_time(seconds=5)
        launched_at = (await patient.agent(sid)).launched_at
        asked = await requested_regions(patient)
        await patient.launch(sid, "SE", "PL")
        await patient.shop.pass_time(seconds=5)
        # The network takes a launch only as a whole: those at which a request stands are named again.
        sweden = ["telia-sweden", "tele2-sweden", "telenor-sweden", "three-sweden"]
        assert [sorted(regions) for regions in asked] == [sorted([*sweden, "orange-poland", "t-mobile-poland"])]
        launches = (await patient.only_agent()).launches
        states = {region.removeprefix("/v1/regions/"): launch.state for region, launch in launches.items()}
        assert states == {
            "telia-sweden": LaunchState.LAUNCHED,
            "tele2-sweden": LaunchState.LAUNCHED,
            "telenor-sweden": LaunchState.PENDING,
            "three-sweden": LaunchState.SUSPENDED,
            "orange-poland": LaunchState.PENDING,
            "t-mobile-poland": LaunchState.PENDING,
        }
        sender = await patient.stored(sid)
        assert (sender.status, sender.rcs.launched_at) == (Status.ONLINE, launched_at)

    async def test_where_a_launch_was_refused_it_is_asked_again_with_the_new_country(self, patient: RcsLife):
        sid = await patient.launching()
        await patient.decide(sid, LAUNCHED, "Telia")
        await patient.decide(sid, REJECTED, "Tele2", "Telenor", "Three")
        await patient.shop.pass_time(seconds=5)
        await patient.launch(sid, "SE", "PL")
        await patient.shop.pass_time(seconds=5)
        assert set((await patient.carriers(sid)).values()) == {LAUNCHED, PENDING}

    async def test_one_without_carriers_is_a_warning_beside_others_and_no_launch_alone(self, life: RcsLife):
        sid = await life.online("example_cafe", "SE", "JP")
        warnings = [warning.detail for warning in (await life.stored(sid)).warnings]
        assert "no carrier of JP takes RCS agents" in warnings
        alone = await life.testing("lonely_cafe")
        await life.launch(alone, "JP")
        await life.shop.pass_time(seconds=5)
        sender = await life.stored(alone)
        assert (sender.status, sender.offline_reasons[0].detail) == (
            Status.OFFLINE,
            "no carrier has the agent launched: none was found",
        )

    async def test_a_carrier_that_opens_later_is_asked_by_itself(self, patient: RcsLife):
        sid = await patient.launching("example_cafe", "SE")
        stored = await patient.stored(sid)
        fewer = tuple(carrier for carrier in stored.rcs.carriers if carrier.country != "SE")
        senders = patient.shop.tabard.parts.services.senders
        forgotten = replace(stored, agent=replace(stored.rcs, carriers=fewer), due_at=patient.shop.clock.now())
        await senders.save(stored, forgotten, CLOCK, patient.shop.clock.now())
        await patient.shop.pass_time(seconds=5)
        assert await patient.carriers(sid) == dict.fromkeys(SWEDEN, PENDING), "found, and known to be asked"

    async def test_one_that_is_withdrawn_before_it_was_asked_is_not_asked(self, patient: RcsLife):
        sid = await patient.testing()
        await patient.launch(sid, "SE", "PL")
        asked = await requested_regions(patient)
        await patient.launch(sid, "PL")
        await patient.shop.pass_time(seconds=5)
        assert asked == [["orange-poland", "t-mobile-poland"]]


class TestPreparation:
    async def request(self, life: RcsLife, sid: str) -> None:
        """As a dialect does that knows of videos."""
        await agent_app.request_launch(
            life.shop.tabard.parts.services,
            OWNER,
            (await life.stored(sid)).id,
            missing=lambda _: (),
            waits_for_video=True,
        )

    async def waiting(self, life: RcsLife) -> str:
        sid = await life.testing()
        await self.wish(life, sid, countries=("SE",))
        await life.shop.pass_time(seconds=5)
        assert len(await life.carriers(sid)) == 4
        await self.request(life, sid)
        await life.shop.pass_time(days=3)
        assert (await life.stored(sid)).status is Status.PREPARING
        assert (await life.only_agent()).launches == {}
        return sid

    async def wish(self, life: RcsLife, sid: str, **change: Any) -> None:
        services, sender = life.shop.tabard.parts.services, await life.stored(sid)
        await sender_app.update_sender(services, OWNER, sender.id, SenderChange(agent=AgentChange(**change)))

    async def test_it_waits_for_a_video_and_goes_on_when_there_is_one(self, life: RcsLife):
        sid = await self.waiting(life)
        await self.wish(life, sid, review={"videos": ("https://example.com/demo.mp4",)})
        await life.shop.pass_time(seconds=5)
        assert (await life.stored(sid)).status is Status.ONLINE
        questionnaire = (await life.only_agent()).questionnaire or {}
        assert questionnaire["videoUris"] == ["https://example.com/demo.mp4"]

    async def test_or_when_somebody_else_has_prepared_it(self, life: RcsLife):
        sid = await self.waiting(life)
        await sandbox_app.finish_preparation(life.shop.tabard.parts.services, OWNER, "example_cafe")
        await life.shop.pass_time(seconds=5)
        assert (await life.stored(sid)).status is Status.ONLINE

    async def test_a_country_that_is_added_meanwhile_is_launched_too(self, life: RcsLife):
        sid = await self.waiting(life)
        await self.wish(life, sid, countries=("SE", "PL"), review={"videos": ("https://example.com/demo.mp4",)})
        await life.shop.pass_time(seconds=5)
        assert len((await life.only_agent()).launches) == 6

    async def test_one_that_is_taken_back_meanwhile_is_not(self, life: RcsLife):
        sid = await self.waiting(life)
        await self.wish(life, sid, countries=("PL",), review={"videos": ("https://example.com/demo.mp4",)})
        await life.shop.pass_time(seconds=5)
        assert len((await life.only_agent()).launches) == 2

    async def test_a_profile_that_was_changed_just_before_is_what_carriers_review(self, life: RcsLife):
        """The launch was requested before any worker saw the change."""
        sid = await life.testing()
        await self.wish(life, sid, countries=("SE",))
        await life.update(sid, name="Example Bistro", logo_url="http://127.0.0.1:9/new.png")
        await agent_app.request_launch(
            life.shop.tabard.parts.services,
            OWNER,
            (await life.stored(sid)).id,
            missing=lambda _: (),
            waits_for_video=False,
        )
        await life.shop.pass_time(seconds=5)
        assert (await life.stored(sid)).status is Status.ONLINE
        agent = await life.only_agent()
        assert (agent.display_name, agent.details["logoUri"]) == ("Example Bistro", "http://127.0.0.1:9/new.png")


class TestTime:
    @pytest.mark.parametrize("told", [True, False], ids=["told by webhook", "by looking alone"])
    async def test_a_real_review_takes_four_weeks(self, lifelike: RcsLife, told: bool):
        sid = await lifelike.testing()
        if not told:
            await lifelike.tells_nothing()
        await lifelike.launch(sid, "US")
        await lifelike.shop.pass_time(days=7)
        assert set((await lifelike.carriers(sid)).values()) == {PENDING}, "three days for the business, five for Google"
        await lifelike.shop.pass_time(days=2)
        assert (await lifelike.stored(sid)).status is Status.ONLINE
        assert [name for name, status in (await lifelike.carriers(sid)).items() if status is LAUNCHED] == ["Google Fi"]
        for _ in range(3):
            await lifelike.shop.pass_time(days=8)
        assert set((await lifelike.carriers(sid)).values()) == {LAUNCHED}

    async def test_looks_become_rarer_and_end_in_a_daily_one(self, lifelike: RcsLife):
        sid = await lifelike.testing()
        await lifelike.tells_nothing()
        lifelike.shop.rcs.plan({})
        await lifelike.launch(sid, "PL")
        await lifelike.shop.pass_time(days=1)
        first_day = lifelike.shop.rcs.calls.count("verdicts")
        assert first_day < 30
        await lifelike.shop.pass_time(days=15)
        assert set((await lifelike.carriers(sid)).values()) == {LAUNCHED}
        lifelike.shop.rcs.plan({})
        await lifelike.shop.pass_time(days=5)
        assert 5 <= lifelike.shop.rcs.calls.count("verdicts") <= 6

    async def test_lost_webhooks_cost_time_and_nothing_else(self, patient: RcsLife):
        sid = await patient.launching()
        await patient.tells_nothing()
        await patient.shop.pass_time(days=1)
        await patient.decide(sid, LAUNCHED, "Telia")
        await patient.shop.pass_time(hours=6, minutes=1)
        assert (await patient.stored(sid)).status is Status.ONLINE
        await patient.decide(sid, SUSPENDED, "Telia")
        await patient.decide(sid, REJECTED, "Tele2", "Telenor", "Three")
        await patient.shop.pass_time(hours=25)
        assert (await patient.stored(sid)).status is Status.OFFLINE

    async def test_webhooks_that_come_twice_and_in_any_order_are_told_once(self, life: RcsLife):
        pool = life.shop.tabard.parts.pool
        await pool.execute("update sandbox.google_realms set duplicates_webhooks = true, shuffles_webhooks = true")
        sid = await life.online("example_cafe", "FR")
        await life.shop.pass_time(minutes=1)
        assert set((await life.carriers(sid)).values()) == {LAUNCHED}
        told = await life.shop.events(sid)
        assert (told.count("sender.online"), told.count("sender.carrier")) == (1, 14)


async def test_a_sender_is_shown_to_its_owner_as_it_launches(patient: RcsLife):
    sid = await patient.testing()

    async def shown() -> tuple[str, list[tuple[str, str]]]:
        sender = await patient.shop.tabard.get(f"{SENDERS}/{sid}")
        return sender["status"], [(c["country"], c["status"]) for c in sender["compliance"]["countries"]]

    assert await shown() == ("DRAFT", [])
    await patient.launch(sid, "SE", "UK")
    await patient.shop.pass_time(seconds=5)
    assert await shown() == ("PENDING_VERIFICATION", [("SE", "PENDING_VERIFICATION"), ("GB", "PENDING_VERIFICATION")])
    await patient.decide(sid, LAUNCHED, "Telia")
    await patient.decide(sid, REJECTED, "EE", "Vodafone", "O2", "Sky")
    await patient.shop.pass_time(seconds=5)
    assert await shown() == ("ONLINE", [("SE", "ONLINE"), ("GB", "PENDING_VERIFICATION")])
