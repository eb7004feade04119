"""Test numbers: invited within the day's limits, followed until they answer, forgotten when they are removed."""

from tabard.app import agents as agent_app
from tabard.app import senders as sender_app
from tabard.app.accounts import SANDBOX_ACCOUNT, twilio_sid
from tabard.domain.account import AccountKind, Principal
from tabard.domain.agents.change import AgentChange
from tabard.domain.change import SenderChange
from tabard.domain.lifecycle import Status
from tabard.domain.sender import Trouble
from tabard.ports.networks import Decision, NetworkFault
from tests.support.rcs_life import RcsLife
from tests.support.service import SENDERS

OWNER = Principal(SANDBOX_ACCOUNT, AccountKind.SANDBOX, twilio_sid(SANDBOX_ACCOUNT))
WAITS, ACCEPTS, DECLINES, NO_RCS = "+15550100142", "+15550100201", "+15550100202", "+15550100203"


def phones(count: int) -> list[str]:
    return [f"+155501003{number:02}" for number in range(count)]


async def wish(life: RcsLife, sid: str, *numbers: str) -> None:
    """The whole list of test numbers, as a dialect can set it."""
    change = SenderChange(agent=AgentChange(testers=numbers))
    await sender_app.update_sender(life.shop.tabard.parts.services, OWNER, (await life.stored(sid)).id, change)
    await life.shop.pass_time(seconds=5)


async def answer(life: RcsLife, sid: str, phone: str, *, accepted: bool) -> None:
    agent_id = (await life.stored(sid)).link.network_id
    assert agent_id is not None
    await life.network.answer_invitation(SANDBOX_ACCOUNT, agent_id, phone, accepted=accepted)


async def test_each_phone_is_followed_until_its_owner_has_answered(life: RcsLife):
    sid = await life.testing()
    await life.invite(sid, WAITS, ACCEPTS, DECLINES, NO_RCS)
    await life.shop.pass_time(seconds=5)
    said = {ACCEPTS: "accepted", DECLINES: "declined", NO_RCS: "unreachable"}
    assert await life.testers(sid) == {WAITS: "invited", **said}
    await life.shop.pass_time(days=2)
    await answer(life, sid, WAITS, accepted=True)
    await life.shop.pass_time(hours=6, minutes=1)
    assert await life.testers(sid) == {WAITS: "accepted", **said}
    assert [await life.texts(phone) for phone in (WAITS, ACCEPTS, DECLINES, NO_RCS)] == [1, 1, 1, 0]
    life.shop.rcs.plan({})
    await life.shop.pass_time(days=2)
    assert "testers" not in life.shop.rcs.calls, "everybody has answered"


async def test_phones_added_to_a_draft_are_invited_once_there_is_an_agent(life: RcsLife):
    sid = await life.create(description="")
    await life.invite(sid, WAITS)
    await life.shop.pass_time(days=1)
    assert ((await life.stored(sid)).status, await life.testers(sid)) == (Status.DRAFT, {WAITS: "waiting"})
    await life.update(sid, description="Coffee")
    await life.shop.pass_time(seconds=5)
    assert await life.testers(sid) == {WAITS: "invited"}


class TestLimits:
    async def test_of_twenty_five_twenty_are_invited_today_and_five_tomorrow(self, life: RcsLife):
        sid = await life.testing()
        await wish(life, sid, *phones(25))
        assert sorted((await life.testers(sid)).values()) == ["invited"] * 20 + ["waiting"] * 5
        await life.shop.pass_time(hours=23)
        assert len((await life.only_agent()).testers) == 20
        await life.shop.pass_time(hours=1, minutes=1)
        assert set((await life.testers(sid)).values()) == {"invited"}
        assert [await life.texts(phone) for phone in phones(25)] == [1] * 25
        assert Trouble.INVITATIONS_USED_UP not in {w.trouble for w in (await life.stored(sid)).warnings}

    async def test_where_the_network_counts_more_than_we_know_of_they_wait_a_day_with_a_warning(self, life: RcsLife):
        sid = await life.testing()
        way = await life.shop.tabard.parts.services.way(SANDBOX_ACCOUNT, (await life.stored(sid)).channel)
        agent_id = (await life.stored(sid)).link.network_id
        assert way is not None
        for phone in phones(20):
            await life.shop.rcs.real.invite(way.connection, agent_id, phone)
        await life.shop.pass_time(hours=12)
        await wish(life, sid, WAITS, ACCEPTS)
        assert set((await life.testers(sid)).values()) == {"waiting"}
        for _ in range(2):
            await life.shop.pass_time(hours=6)
            await life.update(sid, description="Soup")
            await life.shop.work()
            warnings = [warning.trouble for warning in (await life.stored(sid)).warnings]
            assert Trouble.INVITATIONS_USED_UP in warnings, "for as long as somebody waits"
        await life.shop.pass_time(hours=12, minutes=1)
        assert await life.testers(sid) == {WAITS: "invited", ACCEPTS: "accepted"}
        assert Trouble.INVITATIONS_USED_UP not in {w.trouble for w in (await life.stored(sid)).warnings}

    async def test_who_waits_for_the_limit_costs_no_call(self, life: RcsLife):
        sid = await life.testing()
        await wish(life, sid, *phones(25))
        for phone in phones(20):
            await answer(life, sid, phone, accepted=True)
        await life.shop.pass_time(hours=7)
        life.shop.rcs.plan({})
        await life.shop.pass_time(hours=10)
        assert life.shop.rcs.calls == []


class TestComeAndGo:
    async def test_a_removed_phone_is_forgotten_by_the_network(self, life: RcsLife):
        sid = await life.testing()
        await wish(life, sid, WAITS, ACCEPTS)
        await wish(life, sid, ACCEPTS)
        assert await life.testers(sid) == {ACCEPTS: "accepted"}
        assert set((await life.only_agent()).testers) == {ACCEPTS}

    async def test_one_that_was_never_invited_needs_no_removal(self, life: RcsLife):
        sid = await life.create(description="")
        await wish(life, sid, WAITS)
        await wish(life, sid)
        life.shop.rcs.plan({})
        await life.update(sid, description="Coffee")
        await life.shop.pass_time(seconds=5)
        assert await life.testers(sid) == {}
        assert "remove_tester" not in life.shop.rcs.calls

    async def test_a_phone_that_comes_back_before_the_network_was_told_is_invited_again(self, life: RcsLife):
        sid = await life.testing()
        await wish(life, sid, ACCEPTS)
        services, sender_id = life.shop.tabard.parts.services, (await life.stored(sid)).id
        await agent_app.remove_tester(services, OWNER, sender_id, ACCEPTS)
        await wish(life, sid, ACCEPTS)
        assert await life.testers(sid) == {ACCEPTS: "accepted"}
        assert await life.texts(ACCEPTS) == 2

    async def test_whose_owner_declined_may_be_asked_again_after_a_removal(self, life: RcsLife):
        sid = await life.testing()
        await wish(life, sid, DECLINES)
        refused = await life.shop.tabard.call("POST", f"{SENDERS}/{sid}/TestDevices", {"phone_number": DECLINES})
        assert refused.status == 409
        await wish(life, sid)
        await life.invite(sid, DECLINES)
        await life.shop.pass_time(seconds=5)
        assert (await life.testers(sid), await life.texts(DECLINES)) == ({DECLINES: "declined"}, 2)

    async def test_a_pending_invitation_is_sent_anew_when_its_owner_asks_for_that(self, life: RcsLife):
        sid = await life.testing()
        await wish(life, sid, WAITS)
        services, sender_id = life.shop.tabard.parts.services, (await life.stored(sid)).id
        await agent_app.invite_again(services, OWNER, sender_id, WAITS)
        await life.shop.pass_time(seconds=5)
        assert (await life.testers(sid), await life.texts(WAITS)) == ({WAITS: "invited"}, 2)

    async def test_one_that_somebody_removed_at_the_network_is_invited_again(self, life: RcsLife):
        sid = await life.testing()
        await wish(life, sid, WAITS)
        stored = await life.stored(sid)
        way = await life.shop.tabard.parts.services.way(SANDBOX_ACCOUNT, stored.channel)
        assert way is not None
        await life.shop.rcs.real.remove_tester(way.connection, stored.link.network_id, WAITS)
        await life.shop.pass_time(minutes=1)
        assert await life.testers(sid) == {WAITS: "invited"}
        assert set((await life.only_agent()).testers) == {WAITS}


class TestRefusals:
    async def test_one_phone_that_the_network_refuses_holds_up_neither_the_others_nor_the_launch(self, life: RcsLife):
        sid = await life.testing()

        async def refuse(call: str, arguments: tuple[object, ...]) -> None:
            if call == "invite" and arguments[2] == WAITS:
                raise NetworkFault(Decision.GIVE_UP, Trouble.NETWORK_REFUSED, "not this one")

        life.shop.rcs.before = refuse
        await life.launch(sid, "SE")
        await wish(life, sid, WAITS, ACCEPTS)
        assert await life.testers(sid) == {WAITS: "waiting", ACCEPTS: "accepted"}
        sender = await life.stored(sid)
        assert sender.status is Status.ONLINE
        assert "not this one" in [warning.detail for warning in sender.warnings]
        life.shop.rcs.plan({})
        await life.shop.pass_time(days=1)
        assert life.shop.rcs.calls.count("invite") < 25, "it is tried less and less often"
        life.shop.rcs.before = None
        await life.shop.pass_time(hours=7)
        assert (await life.testers(sid))[WAITS] == "invited"
        assert "not this one" not in [warning.detail for warning in (await life.stored(sid)).warnings]

    async def test_when_the_network_is_busy_they_wait(self, life: RcsLife):
        sid = await life.testing()
        await life.fails(1, 429)
        await life.invite(sid, ACCEPTS)
        await life.shop.pass_time(seconds=30)
        waits = await life.stored(sid)
        assert (waits.status, [reason.trouble for reason in waits.offline_reasons]) == (
            Status.TESTING,
            [Trouble.NETWORK_UNAVAILABLE],
        )
        await life.shop.pass_time(minutes=1)
        sender = await life.stored(sid)
        assert (await life.testers(sid), sender.offline_reasons) == ({ACCEPTS: "accepted"}, ())
