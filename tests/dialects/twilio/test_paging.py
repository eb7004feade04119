"""Pages lead through all senders forward and back, by absolute URLs that stand as they are."""

from urllib.parse import urlsplit

import pytest

from tests.support.twilio_service import BASE, SENDERS, STRANGER, account_sid, basic


@pytest.fixture
async def seven(service):
    return [(await service.create(sender_id=f"whatsapp:+1555010010{number}"))["sid"] for number in range(7)]


async def page(service, url):
    parts = urlsplit(url)
    response = await service.call("GET", f"{parts.path}?{parts.query}")
    assert response.status_code == 200
    return response.json()


def sids(answer):
    return [sender["sid"] for sender in answer["senders"]]


async def test_empty_list(service):
    url = f"{BASE}{SENDERS}?PageSize=20&Page=0&Channel=whatsapp"
    assert await page(service, f"{SENDERS}?Channel=whatsapp") == {
        "senders": [],
        "meta": {
            "page": 0,
            "page_size": 20,
            "first_page_url": url,
            "previous_page_url": None,
            "url": url,
            "next_page_url": None,
            "key": "senders",
        },
    }


async def test_rcs_has_its_own_default(service, seven):
    answer = await page(service, f"{SENDERS}?Channel=rcs")
    assert answer["senders"] == []
    assert answer["meta"]["page_size"] == 50


async def test_there_and_back(service, seven):
    pages = [await page(service, f"{SENDERS}?PageSize=3&Channel=whatsapp")]
    while following := pages[-1]["meta"]["next_page_url"]:
        pages.append(await page(service, following))
    assert [sid for answer in pages for sid in sids(answer)] == sorted(seven, reverse=True)
    assert [answer["meta"]["page"] for answer in pages] == [0, 1, 2]
    second = pages[1]["meta"]
    token = pages[0]["senders"][-1]["sid"]
    assert second["url"] == f"{BASE}{SENDERS}?PageSize=3&Page=1&PageToken=PA{token}&Channel=whatsapp"
    assert second["url"] == pages[0]["meta"]["next_page_url"]
    assert second["first_page_url"] == f"{BASE}{SENDERS}?PageSize=3&Page=0&Channel=whatsapp"
    back = await page(service, pages[2]["meta"]["previous_page_url"])
    assert sids(back) == sids(pages[1])
    first = await page(service, back["meta"]["previous_page_url"])
    assert sids(first) == sids(pages[0])
    assert first["meta"]["previous_page_url"] is None
    assert first["meta"]["next_page_url"]
    assert pages[0]["meta"]["previous_page_url"] is None


async def test_full_last_page_has_no_next(service, seven):
    answer = await page(service, f"{SENDERS}?PageSize=7&Channel=whatsapp")
    assert sids(answer) == sorted(seven, reverse=True)
    assert answer["meta"]["next_page_url"] is None


async def test_page_number_is_the_clients_affair(service, seven):
    answer = await page(service, f"{SENDERS}?PageSize=3&Page=41&Channel=whatsapp")
    assert sids(answer) == sorted(seven, reverse=True)[:3]
    assert answer["meta"]["page"] == 41


async def test_token_of_another_account_shows_nothing_of_it(service, seven):
    headers = basic(account_sid(STRANGER), "token-of-a-stranger")
    for direction in ("PA", "PB"):
        url = f"{SENDERS}?Channel=whatsapp&PageToken={direction}{seven[3]}"
        answer = (await service.call("GET", url, headers=headers)).json()
        assert answer["senders"] == []
        assert answer["meta"]["next_page_url"] is answer["meta"]["previous_page_url"] is None
