"""Pages lead through all senders forward and back, in any order; a token is good for its own list only."""

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.domain.account import Actor
from tabard.domain.ids import SenderId, new_sender_id
from tabard.domain.lifecycle import Status
from tests.dialects.sinch.senders import DRAFT, REQUIRED
from tests.support.sinch_service import (
    NOON,
    OTHER_PROJECT,
    OWNER,
    PROJECT,
    SENDERS,
    STRANGERS,
    SinchService,
    assert_canonical_error,
)

NAMES = ("Bakery", "bakery", "Café", "", None, "A & B", "Zoo", "Bakery")
STATUSES = (Status.DRAFT, Status.TESTING, Status.ONLINE, Status.UPDATING, Status.OFFLINE)


async def several(service: SinchService, count: int) -> list[str]:
    """Senders of which some have the same name, status and time of change; their ids in the order of creation."""
    ids = []
    for number in range(count):
        sender = replace(
            DRAFT,
            id=SenderId(UUID(int=DRAFT.id.int + number)),
            address=f"agent-{number}",
            status=STATUSES[number % len(STATUSES)],
            profile=replace(DRAFT.profile, name=NAMES[number % len(NAMES)]),
        )
        service.clock.time = NOON + timedelta(seconds=number // 2 * -7)
        await service.services.senders.insert(sender, Actor("key:example"), service.clock.now(), None)
        ids.append(str(sender.id))
    return ids


async def page(service: SinchService, query: str, path: str = SENDERS) -> dict[str, Any]:
    answer: dict[str, Any] = await service.done("GET", f"{path}?{query}")
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [sender["id"] for sender in answer["senders"]]


QUERIES = st.sampled_from(["", "filterStates=DRAFT,LAUNCHED", "search=bak", "filterStates=UNKNOWN"])


@given(
    count=st.integers(0, 17),
    size=st.integers(1, 9),
    column=st.sampled_from(["CREATED", "MODIFIED", "NAME", "STATE"]),
    direction=st.sampled_from(["ASC", "DESC"]),
    query=QUERIES,
)
async def test_there_and_back(count, size, column, direction, query):
    """Each sender once, in order, whatever the size of the page, and the same pages' rows on the way back."""
    service = await SinchService().open()
    await several(service, count)
    wanted = f"sortColumn={column}&sortDirection={direction}&{query}"
    whole = await page(service, f"{wanted}&pageSize=100")
    expected = ids(whole)
    assert len(set(expected)) == len(expected) == whole["totalSize"]
    assert not {"nextPageToken", "previousPageToken"} & whole.keys()

    answers = [await page(service, f"{wanted}&pageSize={size}")]
    assert "previousPageToken" not in answers[0]
    while token := answers[-1].get("nextPageToken"):
        answers.append(await page(service, f"{wanted}&pageSize={size}&pageToken={token}"))
    assert [id_ for answer in answers for id_ in ids(answer)] == expected
    assert all((answer["totalSize"], answer["pageSize"]) == (len(expected), size) for answer in answers)
    assert all(len(ids(answer)) == size for answer in answers[:-1])

    back = [answers[-1]]
    while token := back[-1].get("previousPageToken"):
        back.append(await page(service, f"{wanted}&pageSize={size}&pageToken={token}"))
    assert [id_ for answer in reversed(back) for id_ in ids(answer)] == expected
    await service.client.aclose()


async def test_orders(service):
    made = await several(service, 8)
    assert ids(await page(service, "")) == made[::-1]
    assert ids(await page(service, "sortDirection=ASC")) == made
    by_name = await page(service, "sortColumn=NAME&sortDirection=ASC")
    names = [sender["details"]["brand"].get("name", "").lower() for sender in by_name["senders"]]
    assert names == sorted(names)
    by_state = await page(service, "sortColumn=STATE&sortDirection=ASC")
    states = list(dict.fromkeys(sender["state"] for sender in by_state["senders"]))
    assert states == ["DRAFT", "IN_TEST", "LAUNCHED", "UNLAUNCHED"]
    changed = [sender["modified"] for sender in (await page(service, "sortColumn=MODIFIED"))["senders"]]
    assert changed == sorted(changed, reverse=True)


async def test_filters(service):
    made = await several(service, 8)
    states = {sender["id"]: sender["state"] for sender in (await page(service, ""))["senders"]}
    for query in (
        "filterStates=DRAFT&filterStates=IN_TEST",
        "filterStates=DRAFT,IN_TEST",
        "filterStates=DRAFT,%20IN_TEST",
    ):
        assert set(ids(await page(service, query))) == {i for i in made if states[i] in {"DRAFT", "IN_TEST"}}
    assert set(ids(await page(service, f"filterSenderIds={made[1]},{made[3]},{new_sender_id()}"))) == {made[1], made[3]}
    for name in ("search", "filterSenderName"):
        assert set(ids(await page(service, f"{name}=AKE"))) == {made[0], made[1], made[7]}
    assert ids(await page(service, "search=caf%C3%A9&filterSenderName=zoo")) == [made[2]]
    assert ids(await page(service, "search=%25")) == []
    assert ids(await page(service, "filterStates=UNKNOWN")) == []
    assert ids(await page(service, "filterConversationApiAppId=4CF9CE97504C4A468F4610919D17ECC1")) == []
    nothing = await page(service, f"filterStates=UNKNOWN&filterSenderIds={made[0]}&pageSize=7")
    assert nothing == {"totalSize": 0, "pageSize": 7, "senders": []}


async def test_last_value_counts(service):
    await several(service, 3)
    assert (await page(service, "pageSize=1&pageSize=2"))["pageSize"] == 2


async def test_token_is_good_for_its_own_list_only(service):
    made = await several(service, 5)
    first = await page(service, "pageSize=2&sortColumn=NAME&search=a")
    token = first["nextPageToken"]
    assert (await page(service, f"pageSize=3&sortColumn=NAME&search=a&pageToken={token}"))["pageSize"] == 3
    for query in (
        "sortColumn=CREATED&search=a",
        "sortColumn=NAME&sortDirection=ASC&search=a",
        "sortColumn=NAME&search=b",
        "sortColumn=NAME",
        "sortColumn=NAME&search=a&filterStates=DRAFT",
        f"sortColumn=NAME&search=a&filterSenderIds={made[0]}",
    ):
        response = await service.call("GET", f"{SENDERS}?{query}&pageToken={token}")
        assert_canonical_error(response, 400, "invalid_page_token")
    elsewhere = f"{OTHER_PROJECT}/rcs/senders?sortColumn=NAME&search=a&pageToken={token}"
    assert_canonical_error(await service.call("GET", elsewhere, headers=STRANGERS), 400, "invalid_page_token")
    activities = f"{PROJECT}/rcs/activities?pageToken={token}"
    assert_canonical_error(await service.call("GET", activities), 400, "invalid_page_token")


async def test_token_that_was_tampered_with(service):
    await several(service, 5)
    token = (await page(service, "pageSize=2"))["nextPageToken"]
    for place in range(len(token)):
        other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        response = await service.call("GET", f"{SENDERS}?pageToken={other}")
        # The last character may hold bits that mean nothing.
        if response.status_code != 200 or place < len(token) - 1:
            assert_canonical_error(response, 400, "invalid_page_token")
    for other in (token + "A", token[:-1], f" {token}", token + "%0A"):
        assert_canonical_error(
            await service.call("GET", f"{SENDERS}?pageToken={quote(other)}"), 400, "invalid_page_token"
        )


async def test_token_tells_no_secret(service):
    await several(service, 5)
    token = (await page(service, "pageSize=2"))["nextPageToken"]
    text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert str(OWNER).encode() not in text


async def test_page_of_senders_that_are_gone(service):
    made = await several(service, 4)
    token = (await page(service, "pageSize=2"))["nextPageToken"]
    for id_ in made[:2]:
        service.put(id_, status=Status.DELETED)
    assert await page(service, f"pageSize=2&pageToken={token}") == {"totalSize": 2, "pageSize": 2, "senders": []}


async def test_lists_are_the_callers_own(service):
    await several(service, 3)
    theirs = await service.call("GET", f"{OTHER_PROJECT}/rcs/senders", headers=STRANGERS)
    assert theirs.json() == {"totalSize": 0, "pageSize": 50, "senders": []}


# activities


@pytest.fixture
async def talked(service):
    """A sender with seven comments, and an account with five."""
    created = await service.done("POST", SENDERS, REQUIRED, status=201)
    for number in range(7):
        service.clock.advance(seconds=1)
        await service.done("POST", f"{SENDERS}/{created['id']}/comments", {"comment": f"s{number}"}, status=201)
    for number in range(5):
        await service.done("POST", f"{PROJECT}/rcs/comments", {"comment": f"a{number}"}, status=201)
    return created["id"]


@pytest.mark.parametrize("size", range(1, 10))
async def test_activities_there_and_back(service, talked, size):
    lists = {
        f"{SENDERS}/{talked}/activities": [*(f"s{n}" for n in range(6, -1, -1)), None],
        f"{PROJECT}/rcs/activities": [*(f"a{n}" for n in range(4, -1, -1)), None],
    }
    for path, expected in lists.items():
        answers = [await page(service, f"pageSize={size}", path)]
        while token := answers[-1].get("nextPageToken"):
            answers.append(await page(service, f"pageSize={size}&pageToken={token}", path))
        assert [entry.get("comment") for answer in answers for entry in answer["notifications"]] == expected
        assert {answer["totalSize"] for answer in answers} == {len(expected)}
        back = [answers[-1]]
        while token := back[-1].get("previousPageToken"):
            back.append(await page(service, f"pageSize={size}&pageToken={token}", path))
        told = [entry.get("comment") for answer in reversed(back) for entry in answer["notifications"]]
        assert told == expected


async def test_token_of_another_sender_s_activities(service, talked):
    other = await service.done("POST", SENDERS, REQUIRED, status=201)
    token = (await page(service, "pageSize=2", f"{SENDERS}/{talked}/activities"))["nextPageToken"]
    response = await service.call("GET", f"{SENDERS}/{other['id']}/activities?pageToken={token}")
    assert_canonical_error(response, 400, "invalid_page_token")
    response = await service.call("GET", f"{PROJECT}/rcs/activities?pageSize=101")
    assert_canonical_error(response, 400, "invalid_page_size")
