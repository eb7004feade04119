"""What one account has is not there for another: every operation of every dialect, tried by a stranger.

The tables of operations are the list to go by: an operation that is not tried here fails the test.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tabard.app.accounts import Secrets, create_account, revoke_account
from tabard.dialects.native.dialect import Native
from tabard.dialects.sinch.dialect import Sinch
from tabard.dialects.twilio.dialect import Twilio
from tabard.domain.account import AccountKind
from tabard.http.surface import Operation
from tests.support.patience import eventually
from tests.support.receiver import receiving
from tests.support.service import SENDERS, Running

NUMBER, WAITING, THEIRS = "+15550100001", "+15550100002", "+15550100003"
AGENT, TESTER = "example_cafe", "+15550100009"
OPERATIONS: Sequence[Operation] = [*Twilio().operations, *Sinch().operations, *Native().operations]
SUBSCRIPTIONS = "/tabard/v1/subscriptions"
NO_ACCOUNT = "AC" + "f" * 32


@dataclass(frozen=True)
class Attempt:
    """What a stranger sends, and what the answer is."""

    status: int
    body: Any = None
    query: str = ""


ATTEMPTS = {
    "CreateChannelsSender": Attempt(202, {"sender_id": f"whatsapp:{NUMBER}", "profile": {"name": "Not Theirs"}}),
    "ListChannelsSender": Attempt(200, query="?Channel=whatsapp&PageSize=1000"),
    "FetchChannelsSender": Attempt(404),
    "UpdateChannelsSender": Attempt(404, {"friendly_name": "Not Theirs"}),
    "PatchChannelsSender": Attempt(404, {"configuration": {"verification_code": "123456"}}),
    "DeleteChannelsSender": Attempt(404),
    "CreateChannelsSenderTestDevice": Attempt(404, {"phone_number": THEIRS}),
    "ListChannelsSenderTestDevices": Attempt(404),
    "rcssenderscontroller_listsenders_v1": Attempt(200, query="?pageSize=100"),
    "rcssenderscontroller_createsender_v1": Attempt(
        201, {"region": "EU", "billingCategory": "CONVERSATIONAL", "useCase": "OTP"}
    ),
    "rcssenderscontroller_getsender_v1": Attempt(404),
    "rcssenderscontroller_updatesender_v1": Attempt(404, {"details": {"countries": ["SE"]}}),
    "rcssenderscontroller_launchsender_v1": Attempt(404),
    "rcssenderscontroller_listactivities_v1": Attempt(404),
    "rcssenderscontroller_createsendercomment_v1": Attempt(404, {"comment": "Not theirs"}),
    "rcssenderscontroller_addtestnumbers_v1": Attempt(404, {"testNumbers": [THEIRS]}),
    "rcssenderscontroller_gettestnumberstate_v1": Attempt(404),
    "rcssenderscontroller_deletetestnumber_v1": Attempt(404),
    "rcssenderscontroller_gettestnumbercapabilities_v1": Attempt(404),
    "rcssenderscontroller_retrytestnumber_v1": Attempt(404),
    "rcsquestionnairecontroller_getquestions_v1": Attempt(200),
    "rcsaccountscontroller_listactivities_v1": Attempt(200),
    "rcsaccountscontroller_createcomment_v1": Attempt(201, {"comment": "Not theirs"}),
    "whatsappsenderscontroller_listsenders_v1": Attempt(200, query="?pageSize=100"),
    "whatsappsenderscontroller_createsender_v1": Attempt(
        201, {"details": {"countryCode": "1", "phoneNumber": NUMBER[2:], "displayName": "Not Theirs"}}
    ),
    "whatsappsenderscontroller_getsender_v1": Attempt(404),
    "whatsappsenderscontroller_updatesender_v1": Attempt(404, {"details": {"about": "Not theirs"}}),
    "whatsappsenderscontroller_deletesender_v1": Attempt(404),
    "whatsappsenderscontroller_deletesenderchanges_v1": Attempt(404),
    "whatsappsenderscontroller_registersender_v1": Attempt(404, {"method": "SMS"}),
    "whatsappsenderscontroller_verifysender_v1": Attempt(404, {"code": "123456"}),
    "whatsappsenderscontroller_listactivities_v1": Attempt(404),
    "whatsappsenderscontroller_createsendercomment_v1": Attempt(404, {"comment": "Not theirs"}),
    "whatsappaccountscontroller_getaccount_v1": Attempt(200),
    "whatsappaccountscontroller_listactivities_v1": Attempt(200),
    "whatsappaccountscontroller_createcomment_v1": Attempt(201, {"comment": "Not theirs"}),
    "oauth2_token": Attempt(200, b"grant_type=client_credentials"),
    "webhookcontroller_listwebhooks_v1": Attempt(200),
    "webhookcontroller_createwebhook_v1": Attempt(
        201, {"target": "http://127.0.0.1:9/theirs", "secret": "Not theirs", "triggers": ["BUNDLE_DONE"]}
    ),
    "webhookcontroller_getwebhook_v1": Attempt(404),
    "webhookcontroller_replacewebhook_v1": Attempt(
        404, {"target": "http://127.0.0.1:9/theirs", "secret": "Not theirs", "triggers": ["ALL"]}
    ),
    "webhookcontroller_updatewebhook_v1": Attempt(404, {"triggers": ["ALL"]}),
    "webhookcontroller_deletewebhook_v1": Attempt(404),
    "ReadEvents": Attempt(200),
    "CreateSubscription": Attempt(201, {"url": "http://127.0.0.1:9/hook", "types": ["*"]}),
    "ListSubscriptions": Attempt(200),
    "FetchSubscription": Attempt(404),
    "UpdateSubscription": Attempt(404, {"description": "Not Theirs"}),
    "DeleteSubscription": Attempt(404),
    "RotateSecret": Attempt(404, {}),
    "EnableSubscription": Attempt(404),
    "DisableSubscription": Attempt(404),
    "TestSubscription": Attempt(404),
    "FetchHealth": Attempt(404),
    "ReplayDeliveries": Attempt(404, {"state": None}),
    "ListDeliveries": Attempt(200),
    "FetchDelivery": Attempt(404),
    "ReplayDelivery": Attempt(404),
    "AcceptInvitation": Attempt(404),
    "DeclineInvitation": Attempt(404),
    "SignUp": Attempt(201, {"number": NUMBER, "name": "Not Theirs"}),
    "FetchAgent": Attempt(404),
    "FetchKeyFile": Attempt(200),
    "ApproveVerification": Attempt(404),
    "RejectVerification": Attempt(404),
    "DecideLaunch": Attempt(404, {"status": "rejected"}),
    "FinishPreparation": Attempt(404),
    "ListPhoneMessages": Attempt(200),
    "FetchSender": Attempt(404),
    "FetchClock": Attempt(200),
    "AdvanceClock": Attempt(200, {"seconds": 86400.0}),
    "Reset": Attempt(204),
    "ApproveName": Attempt(404),
    "RejectName": Attempt(404, {}),
    "BanNumber": Attempt(404),
    "LiftBan": Attempt(404),
    "SetQuality": Attempt(404, {"quality": "low"}),
    "SetMessagingLimit": Attempt(204, {"customers_per_day": 250}),
    "SetNumberCap": Attempt(204, {"cap": 0}),
    "FailNext": Attempt(204, {"count": 5}),
}


def test_every_operation_is_tried():
    assert {operation.name for operation in OPERATIONS} == ATTEMPTS.keys()
    assert len(OPERATIONS) == len(ATTEMPTS)


def by_name(operation: Operation) -> str:
    return operation.name


@dataclass(frozen=True)
class Owner:
    """An account with a sender that is online and whose new name is in review, one that waits for its code, and an
    agent that is being tested."""

    tabard: Running
    sid: str
    waiting: str
    agent: str
    webhook: str
    """In Sinch's words, by its id there."""
    subscription: str
    delivery: str
    pool: asyncpg.Pool

    def path(self, operation: Operation, project: str) -> str:
        """The operation on what is the owner's, in the words of a caller with that project."""
        parts = {
            "Sid": self.agent if operation.path.endswith("/TestDevices") else self.sid,
            "number": TESTER if "/invitations/" in operation.path else NUMBER,
            "projectId": project,
            "senderId": sinch_id(self.agent if "/rcs/" in operation.path else self.sid),
            "testNumber": TESTER,
            "useCase": "OTP",
            "agent": AGENT,
            "webhookId": self.webhook,
            "subscription": self.subscription,
            "delivery": self.delivery,
        }
        path = re.sub(r"\{(\w+)\}", lambda name: parts[name[1]], operation.path)
        return path + ATTEMPTS[operation.name].query

    async def belongings(self) -> dict[str, list[str]]:
        """All rows of the account, in every table there is."""
        tables = await self.pool.fetch(
            "select table_schema || '.' || table_name as name from information_schema.columns "
            "where column_name = 'account_id' and table_schema in ('public', 'sandbox')"
        )
        account = self.tabard.login.removeprefix("AC")
        rows = {
            table["name"]: await self.pool.fetch(
                f"select t::text as row from {table['name']} t where account_id = $1::text::uuid order by 1", account
            )
            for table in tables
        }
        offset = await self.pool.fetch(
            "select clock_offset::text as row from accounts where id = $1::text::uuid", account
        )
        return {name: [row["row"] for row in found] for name, found in {**rows, "clock": offset}.items()}


def sinch_id(sid: str) -> str:
    return str(UUID(sid.removeprefix("XE")))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(house: Running) -> Owner:
    tabard = await house.account("Owner")
    sid = await tabard.online(NUMBER)
    waiting = (await tabard.create(WAITING))["sid"]
    await tabard.reaches(waiting, "PENDING_VERIFICATION")
    await tabard.post(f"/sandbox/v1/numbers/{NUMBER}/quality", {"quality": "medium"})
    await tabard.advance(hours=25)
    await tabard.post(f"{SENDERS}/{sid}", {"profile": {"about": "Ours"}})
    await tabard.reaches(sid, "ONLINE")
    profile = {
        "name": "Example Cafe",
        "description": "Ours",
        "logo_url": "http://127.0.0.1:9/logo.png",
        "banner_url": "http://127.0.0.1:9/banner.png",
        "privacy_url": "https://example.com/privacy",
        "terms_of_service_url": "https://example.com/terms",
        "emails": ["care@example.com"],
    }
    agent = (await tabard.post(SENDERS, {"sender_id": f"rcs:{AGENT}", "profile": profile}))["sid"]
    await tabard.reaches(agent, "DRAFT")
    await tabard.call("POST", f"{SENDERS}/{agent}/TestDevices", {"phone_number": TESTER})
    invited = f"/sandbox/v1/phones/{TESTER}"
    await eventually(lambda: tabard.get(f"{invited}/messages"), lambda inbox: inbox["messages"])
    # Its owner has answered: until then the network is asked again and again.
    await tabard.post(f"{invited}/invitations/{AGENT}/accept")
    devices = f"{SENDERS}/{agent}/TestDevices"
    await eventually(lambda: tabard.get(devices), lambda page: page["phone_numbers"][0]["status"] == "ACCEPTED")
    hook = {"target": "http://127.0.0.1:9/ours", "secret": "example", "triggers": ["BUNDLE_DONE"]}
    webhook = (await tabard.call("POST", f"/v1/projects/{tabard.sinch_project}/webhooks", hook)).body["id"]
    async with receiving() as receiver:
        heard = {"url": receiver.url, "types": ["subscription.test"]}
        subscription = (await tabard.call("POST", f"{SUBSCRIPTIONS}", heard)).body["id"]
        delivery = (await tabard.call("POST", f"{SUBSCRIPTIONS}/{subscription}/test")).body["id"]
        delivered = f"/tabard/v1/deliveries/{delivery}"
        await eventually(lambda: tabard.get(delivered), lambda shown: shown["state"] == "delivered")
    await tabard.advance(seconds=0)
    return Owner(tabard, sid, waiting, agent, webhook, subscription, delivery, house.parts.pool)


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(house: Running) -> Running:
    return await house.account("Stranger")


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_name)
async def test_a_stranger_reaches_nothing(owner: Owner, stranger: Running, operation: Operation):
    before = await owner.belongings()
    assert before["public.senders"]
    assert before["sandbox.meta_numbers"]
    attempt = ATTEMPTS[operation.name]
    path = owner.path(operation, stranger.sinch_project)
    reply = await stranger.call(operation.method, path, attempt.body, form_of(operation))
    assert reply.status == attempt.status, reply
    answered = str(reply.body)
    for secret in (owner.sid, owner.waiting, owner.agent, sinch_id(owner.agent), "Example Parcels", "Ours"):
        assert secret not in answered.replace(path, ""), "nothing of the owner's shows"
    if operation.name == "ListPhoneMessages":
        assert reply.body == {"messages": []}
    assert await owner.belongings() == before


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_name)
async def test_what_is_not_there_looks_the_same_to_a_stranger(owner: Owner, stranger: Running, operation: Operation):
    """Somebody else's object is answered as one that never was: nobody learns that it exists."""
    if ATTEMPTS[operation.name].status != 404:
        return
    project = stranger.sinch_project
    nothing = replace(
        owner,
        sid="XE" + "0" * 32,
        agent="XE" + "1" * 32,
        webhook="2" * 32,
        subscription=str(UUID(int=3)),
        delivery=str(UUID(int=4)),
    )
    path = owner.path(operation, project)
    other = nothing.path(operation, project).replace(NUMBER, THEIRS).replace(AGENT, "example_other")
    replies = [await stranger.call(operation.method, p, ATTEMPTS[operation.name].body) for p in (path, other)]
    assert named(owner, replies[0].body) == named(nothing, replies[1].body)


def named(owner: Owner, body: Any) -> str:
    """An answer without the names that the caller gave."""
    text = str(body).replace(NUMBER, THEIRS).replace(AGENT, "example_other")
    for sid, name in ((owner.sid, "SENDER"), (owner.agent, "AGENT")):
        text = text.replace(sid, name).replace(sinch_id(sid), name)
    for name in ("webhook", "subscription", "delivery"):
        text = text.replace(getattr(owner, name), name)
    return text


def form_of(operation: Operation) -> dict[str, str] | None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return form if operation.name == "oauth2_token" else None


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_name)
async def test_only_an_account_s_own_secret_opens_it(owner: Owner, stranger: Running, operation: Operation):
    before = await owner.belongings()
    ours = owner.tabard
    path = owner.path(operation, ours.sinch_project)
    (key, secret), (their_key, their_secret) = ours.sinch_key, stranger.sinch_key
    wrong = (
        replace(stranger, login=ours.login, sinch_key=(key, their_secret)),
        replace(stranger, secret=ours.secret, sinch_key=(their_key, secret)),
        replace(ours, secret="", sinch_key=(key, "")),
        replace(ours, secret=ours.secret + "0", sinch_key=(key, secret + "0")),
        replace(stranger, login=NO_ACCOUNT, sinch_key=(str(UUID(int=7)), their_secret)),
    )
    for intruder in wrong:
        reply = await intruder.call(operation.method, path, ATTEMPTS[operation.name].body, form_of(operation))
        assert reply.status == 401
    async with stranger.http.request(operation.method, stranger.url + path) as response:
        assert response.status == 401
    assert await owner.belongings() == before


@pytest.mark.parametrize("operation", Sinch().operations, ids=by_name)
async def test_another_s_project_is_no_project_of_mine(owner: Owner, stranger: Running, operation: Operation):
    if "{projectId}" not in operation.path:
        return
    path = owner.path(operation, owner.tabard.sinch_project)
    reply = await stranger.call(operation.method, path, ATTEMPTS[operation.name].body)
    assert (reply.status, reply.body["errorCode"]) == (401, "unauthorized_error")


async def test_a_stranger_s_page_token_shows_only_one_s_own(owner: Owner, stranger: Running):
    mine = (await stranger.create(THEIRS))["sid"]
    page = await owner.tabard.get(f"{SENDERS}?Channel=whatsapp&PageSize=1")
    following = page["meta"]["next_page_url"]
    assert following
    reply = await stranger.call("GET", following.removeprefix(stranger.url))
    assert reply.status == 200
    seen = {sender["sid"] for sender in reply.body["senders"]}
    assert seen <= {mine}


async def test_a_stranger_s_idempotency_key_gives_no_answer_of_the_owner_s(owner: Owner, stranger: Running):
    body = {"sender_id": "whatsapp:+15550100009", "profile": {"name": "Example Parcels"}}
    key = {"Idempotency-Key": "the-same-key"}
    theirs = (await owner.tabard.call("POST", SENDERS, body, key)).body["sid"]
    mine = await stranger.call("POST", SENDERS, body, key)
    assert mine.status == 202
    assert mine.body["sid"] != theirs
    assert (await owner.tabard.call("DELETE", f"{SENDERS}/{theirs}")).status == 204
    await owner.tabard.advance(seconds=0)


async def test_one_number_in_two_accounts_is_two_senders(owner: Owner, stranger: Running):
    mine = await stranger.online(NUMBER)
    assert mine != owner.sid
    assert (await stranger.call("DELETE", f"{SENDERS}/{mine}")).status == 204
    assert (await owner.tabard.fetch(owner.sid))["status"] == "ONLINE"


async def speaking(house: Running, secrets: Secrets) -> Running:
    return house.speaking(secrets)


SANDBOX_OPERATIONS = [operation for operation in Native().operations if operation.path.startswith("/sandbox/")]


@pytest.mark.parametrize("operation", SANDBOX_OPERATIONS, ids=by_name)
async def test_a_live_account_has_no_sandbox(house: Running, owner: Owner, operation: Operation):
    before = await owner.belongings()
    live = await speaking(house, await create_account(house.parts.services, "Live", AccountKind.LIVE))
    path = owner.path(operation, live.sinch_project)
    reply = await live.call(operation.method, path, ATTEMPTS[operation.name].body)
    assert (reply.status, reply.body["error"]["code"]) == (404, "not_found")
    assert await owner.belongings() == before


class TestSubAccounts:
    async def family(self, house: Running) -> tuple[Running, Running, Running]:
        services = house.parts.services
        parent = await create_account(services, "Parent", AccountKind.SANDBOX)
        children = [
            await create_account(services, name, AccountKind.SANDBOX, parent_id=parent.account.id)
            for name in ("First", "Second")
        ]
        first, second = [await speaking(house, child) for child in children]
        return await speaking(house, parent), first, second

    async def test_the_parent_s_token_opens_a_child_by_its_sid(self, house: Running):
        parent, child, sibling = await self.family(house)
        sid = await child.online(NUMBER)
        as_child = replace(child, secret=parent.secret)
        assert (await as_child.fetch(sid))["status"] == "ONLINE"
        assert [s["sid"] for s in (await as_child.get(f"{SENDERS}?Channel=whatsapp"))["senders"]] == [sid]
        for other in (parent, sibling, replace(sibling, secret=parent.secret)):
            assert (await other.call("GET", f"{SENDERS}/{sid}")).status == 404
            assert (await other.get(f"{SENDERS}?Channel=whatsapp"))["senders"] == []
            assert (await other.call("POST", f"/sandbox/v1/numbers/{NUMBER}/ban")).status == 404

    async def test_a_child_s_token_opens_neither_parent_nor_sibling(self, house: Running):
        parent, child, sibling = await self.family(house)
        for other in (parent, sibling):
            intruder = replace(other, secret=child.secret)
            assert (await intruder.call("GET", f"{SENDERS}?Channel=whatsapp")).status == 401

    async def test_each_has_a_clock_of_its_own(self, house: Running):
        parent, child, sibling = await self.family(house)
        before = {tabard.login: (await tabard.get("/sandbox/v1/clock"))["now"] for tabard in (parent, sibling)}
        await child.advance(days=300)
        for tabard in (parent, sibling):
            now = (await tabard.get("/sandbox/v1/clock"))["now"]
            assert now[:4] == before[tabard.login][:4]

    async def test_a_closed_parent_closes_its_children(self, house: Running):
        """A credential that was just used may be remembered for seconds; these were not."""
        services = house.parts.services
        parent = await create_account(services, "Parent", AccountKind.SANDBOX)
        child = await create_account(services, "Child", AccountKind.SANDBOX, parent_id=parent.account.id)
        await revoke_account(services, parent.account.id)
        for secrets in (parent, child):
            closed = await speaking(house, secrets)
            assert (await closed.call("GET", f"{SENDERS}?Channel=whatsapp")).status == 401
