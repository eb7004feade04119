"""Lists of senders, of activities, and the account."""

from dataclasses import replace
from uuid import UUID

import pytest

from tabard.dialects.sinch.whatsapp import answers, routes
from tabard.domain.account import Actor
from tabard.domain.ids import SenderId
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Reason, Trouble
from tests.dialects.sinch.whatsapp.samples import ACTIVE, PROVISIONING, SENDERS, new
from tests.support.sinch_service import NOON, OTHER_PROJECT, PROJECT, STRANGERS, assert_canonical_error

REJECTED = new(Status.OFFLINE, offline_reasons=(Reason(Trouble.NUMBER_CAP, "full"),))
BANNED = replace(ACTIVE, status=Status.OFFLINE, offline_reasons=(Reason(Trouble.NUMBER_BANNED, "banned"),))
LIVES = {
    "draft": new(Status.DRAFT),
    "creating": new(),
    "waiting": new(Status.PENDING_VERIFICATION),
    "verifying": new(Status.VERIFYING),
    "active": ACTIVE,
    "updating": replace(ACTIVE, status=Status.UPDATING),
    "rejected": REJECTED,
    "banned": BANNED,
    "deleted": replace(ACTIVE, status=Status.RETIRING),
}


@pytest.fixture
async def many(service):
    """A sender for each station of a life; their names by id."""
    names = {}
    for place, (name, sender) in enumerate(LIVES.items()):
        one = replace(sender, id=SenderId(UUID(int=place + 1)), address=f"+155501001{place:02}")
        names[str(one.id)] = name
        await service.services.senders.insert(one, Actor("test"), NOON, None)
    return names


async def listed(service, query=""):
    return await service.done("GET", f"{SENDERS}{query}")


# senders


async def test_an_empty_list(service):
    assert await listed(service) == {"totalSize": 0, "pageSize": 50, "senders": []}


async def test_newest_first(service, many):
    page = await listed(service)
    assert [many[sender["id"]] for sender in page["senders"]] == [*LIVES][::-1]
    assert page["totalSize"] == len(LIVES)
    write = answers.writer(service.services)
    assert page["senders"] == [write(service.sender(sender["id"])) for sender in page["senders"]]


async def test_pages_lead_both_ways(service, many):
    first = await listed(service, "?pageSize=4&filterStates=ACTIVE,SUSPENDED&filterStates=INACTIVE")
    assert (first["totalSize"], first["pageSize"], "nextPageToken" in first) == (5, 4, True)
    query = f"?pageSize=4&filterStates=ACTIVE,SUSPENDED,INACTIVE&pageToken={first['nextPageToken']}"
    second = await listed(service, query)
    assert (len(second["senders"]), "nextPageToken" in second) == (1, False)
    back = f"?pageSize=4&filterStates=ACTIVE,SUSPENDED,INACTIVE&pageToken={second['previousPageToken']}"
    assert (await listed(service, back))["senders"] == first["senders"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("filterStates=ACTIVE", {"active", "updating"}),
        ("filterStates=IN_PROGRESS", {"verifying"}),
        ("filterStates=INACTIVE", {"deleted"}),
        ("filterStates=PENDING_VERIFICATION", {"waiting"}),
        ("filterStates=SUSPENDED", {"banned", "rejected"}),
        ("filterStates=ERROR", {"banned", "rejected"}),
        ("filterStates=ACTIVE&filterStates=INACTIVE", {"active", "updating", "deleted"}),
        ("filterStatuses=DRAFT", {"draft"}),
        ("filterStatuses=IN_PROGRESS", {"creating", "waiting", "verifying", "updating"}),
        ("filterStatuses=REJECTED,ERROR", {"banned", "rejected"}),
        ("filterStates=ACTIVE&filterStatuses=IN_PROGRESS", {"updating"}),
        ("filterStates=ACTIVE&filterStatuses=DRAFT", set()),
        ("filterStates=", set(LIVES)),
    ],
)
async def test_filters(service, many, query, names):
    page = await listed(service, f"?{query}")
    assert {many[sender["id"]] for sender in page["senders"]} == names
    assert page["totalSize"] == len(names)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("filterStates=ONLINE", "invalid_filter_states"),
        ("filterStatuses=ACTIVE", "invalid_filter_states"),
        ("pageSize=101", "invalid_page_size"),
        ("pageSize=0", "invalid_page_size"),
        ("pageToken=x", "invalid_page_token"),
    ],
)
async def test_wrong_queries(service, query, code):
    assert_canonical_error(await service.call("GET", f"{SENDERS}?{query}"), 400, code)


async def test_senders_of_other_channels_and_accounts_are_not_listed(service, many):
    rcs = {"region": "EU", "billingCategory": "CONVERSATIONAL", "useCase": "OTP"}
    await service.done("POST", f"{PROJECT}/rcs/senders", rcs, status=201)
    assert (await listed(service))["totalSize"] == len(LIVES)
    theirs = await service.call("GET", f"{OTHER_PROJECT}/whatsapp/senders", headers=STRANGERS)
    assert theirs.json()["totalSize"] == 0


# activities


async def activities(service, path):
    page = await service.done("GET", f"{path}/activities")
    assert page["totalSize"] == len(page["notifications"])
    return page["notifications"]


async def test_a_life_is_told(service):
    made = await service.done("POST", SENDERS, PROVISIONING, status=201)
    it, id_ = f"{SENDERS}/{made['id']}", made["id"]
    senders = service.services.senders

    async def becomes(**leaves):
        before = service.sender(id_)
        await senders.save(before, replace(before, **leaves), Actor.network(Channel.WHATSAPP), NOON)

    banned = (Reason(Trouble.NUMBER_BANNED, "WhatsApp has banned this number"),)
    await becomes(status=Status.PENDING_VERIFICATION)
    await becomes(status=Status.VERIFYING)
    await becomes(status=Status.ONLINE, link=ACTIVE.link)
    await service.done("PATCH", it, {"details": {"about": "Bread"}})
    await service.done("DELETE", f"{it}/changes", status=204)
    await service.done("PATCH", it, {"details": {"about": "Bread"}, "status": "SUBMIT"})
    await becomes(status=Status.ONLINE)
    await becomes(status=Status.OFFLINE, offline_reasons=banned)
    await becomes(status=Status.ONLINE, offline_reasons=())
    await becomes(status=Status.OFFLINE, offline_reasons=(Reason(Trouble.NUMBER_GONE, ""),))
    await service.done("POST", f"{it}/comments", {"comment": "What is wrong?"}, status=201)
    await service.done("DELETE", it, status=204)
    told = [(one["type"], one["author"], one.get("comment")) for one in reversed(await activities(service, it))]
    ours = "Provisioning API user"
    assert told == [
        ("CREATED", ours, None),
        ("IN_PROGRESS", "Meta", None),
        ("ACTIVE", "Meta", None),
        ("DRAFT", ours, None),
        ("EDITED", ours, None),
        ("EDITED", ours, None),
        ("REJECTED", "Meta", "WhatsApp has banned this number"),
        ("ACTIVE", "Meta", None),
        ("ERROR", "Meta", None),
        ("COMMENT_ADDED", ours, "What is wrong?"),
        ("INACTIVE", ours, None),
    ]


async def test_comments(service):
    made = await service.done("POST", SENDERS, PROVISIONING, status=201)
    for path in (f"{SENDERS}/{made['id']}", f"{PROJECT}/whatsapp"):
        answer = await service.done("POST", f"{path}/comments", {"comment": "Hello"}, status=201)
        assert answer == {"type": "CREATED", "comment": "Hello", "created": "2026-11-20T12:00:00.000Z"}
        assert (await activities(service, path))[0]["comment"] == "Hello"
        for body in ({}, {"comment": ""}, {"comment": "x" * 65_536}, {"comment": "x", "to": "you"}):
            assert_canonical_error(await service.call("POST", f"{path}/comments", body), 400, "invalid_input")


async def test_the_accounts_activities_are_whatsapps(service):
    await service.done("POST", f"{PROJECT}/rcs/comments", {"comment": "Of RCS"}, status=201)
    await service.done("POST", f"{PROJECT}/whatsapp/comments", {"comment": "Of WhatsApp"}, status=201)
    told = await activities(service, f"{PROJECT}/whatsapp")
    assert [(one["type"], one.get("comment")) for one in told] == [("COMMENT_ADDED", "Of WhatsApp"), ("CREATED", None)]


# the account


async def test_the_account_is_the_connection(service):
    assert await service.done("GET", f"{PROJECT}/whatsapp") == {
        "state": "ONBOARDED",
        "isEmbeddedSignup": True,
        "businessManager": "UNRECOGNIZED",
        "wabaId": "500000000000001",
        "compatibleRegions": ["br", "eu", "us"],
    }


async def test_no_account_without_a_business_account(service):
    way = service.backstage.ways[Channel.WHATSAPP]
    service.backstage.ways[Channel.WHATSAPP] = replace(way, connection=replace(way.connection, business_account=""))
    assert_canonical_error(await service.call("GET", f"{PROJECT}/whatsapp"), 404, "account_not_found")
    service.backstage.ways.clear()
    assert_canonical_error(await service.call("GET", f"{PROJECT}/whatsapp"), 404, "account_not_found")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_the_account_can_not_be_changed(service, method):
    assert_canonical_error(await service.call(method, f"{PROJECT}/whatsapp", {}), 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["templates", "flows", "solutions", "longLivedAccessToken", "wabaDetails"])
async def test_what_is_not_offered(service, path):
    assert_canonical_error(await service.call("GET", f"{PROJECT}/whatsapp/{path}"), 404, "not_found")


# the table


async def test_answers_are_what_the_api_document_says(service):
    made = await service.done("POST", SENDERS, PROVISIONING, status=201)
    it = f"{SENDERS}/{made['id']}"
    service.put(made["id"], status=Status.ONLINE, link=ACTIVE.link)
    given = {
        "createsender": made,
        "getsender": await service.done("GET", it),
        "updatesender": await service.done("PATCH", it, {"details": {"about": "Bread"}}),
        "listsenders": await listed(service),
        "registersender": {"id": made["id"], "method": "SMS", "accepted": True, "verificationCodeSent": True},
        "createsendercomment": await service.done("POST", f"{it}/comments", {"comment": "Hello"}, status=201),
        "getaccount": await service.done("GET", f"{PROJECT}/whatsapp"),
        "createcomment": await service.done("POST", f"{PROJECT}/whatsapp/comments", {"comment": "Hello"}, status=201),
        "listactivities": await service.done("GET", f"{it}/activities"),
    }
    models = {operation.name.split("_")[1]: operation.answer for operation in routes.OPERATIONS if operation.answer}
    assert given.keys() == models.keys()
    for name, answer in given.items():
        assert models[name].model_validate(answer).model_dump(exclude_unset=True, by_alias=True) == answer
