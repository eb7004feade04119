"""The client on the wire: what it asks Meta for each method, and what it makes of the answers."""

import pytest

from tabard.domain.profile import Profile, Vertical
from tabard.domain.sender import Trouble, VerificationMethod
from tabard.networks.meta.profile import VERTICALS, changes
from tabard.ports.networks import Decision, NumberStatus
from tests.networks.meta.stand_in import (
    ACCOUNT,
    FIELDS,
    ID,
    LOGO,
    NUMBER,
    PROFILE,
    ROOT,
    STATE,
    SUCCESS,
    TOKEN,
    WAY,
    Answer,
    fault_in,
    refusal,
)


async def test_a_number_is_read_with_the_token_in_the_header_only(stand_in, meta_client):
    stand_in.play(NUMBER)
    assert await meta_client.number(WAY, ID) == STATE
    (asked,) = stand_in.asked
    assert asked.line == f"GET {ROOT}/{ID}?fields={FIELDS}"
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.raw == b""


async def test_a_number_is_found_by_its_digits_through_the_pages(stand_in, meta_client):
    other = {**NUMBER, "id": "7", "display_phone_number": "+1 555-010-0002"}
    page = {"cursors": {"before": "b", "after": "QV/ZD="}, "next": "https://elsewhere.test/?access_token=x"}
    last = {"data": [NUMBER], "paging": {"cursors": {"after": "end"}}}
    stand_in.play({"data": [other], "paging": page}, last, NUMBER)
    assert await meta_client.find_number(WAY, ACCOUNT, "+15550100001") == STATE
    listing = f"GET {ROOT}/{ACCOUNT}/phone_numbers?fields=id,display_phone_number,status&limit=100"
    assert stand_in.lines == [listing, f"{listing}&after=QV/ZD%3D", f"GET {ROOT}/{ID}?fields={FIELDS}"]


@pytest.mark.parametrize(
    "paging", [{}, {"paging": {}}, {"paging": {"cursors": {"after": "x"}}}, {"paging": {"next": "u"}}]
)
async def test_a_number_that_no_page_holds_is_not_found(stand_in, meta_client, paging):
    stand_in.play({"data": [{"id": "7"}, "junk", {"id": "8", "display_phone_number": 5}], **paging})
    assert await meta_client.find_number(WAY, ACCOUNT, "+15550100001") is None
    assert len(stand_in.asked) == 1


async def test_the_living_number_is_found_before_the_one_that_was_left_behind(stand_in, meta_client):
    old = {**NUMBER, "id": "7", "status": "MIGRATED"}
    stand_in.play({"data": [old, NUMBER]}, NUMBER, {"data": [old]}, old)
    assert await meta_client.find_number(WAY, ACCOUNT, "+15550100001") == STATE
    left = await meta_client.find_number(WAY, ACCOUNT, "+15550100001")
    assert (left.status, left.blocked_by) == (NumberStatus.MIGRATED, Trouble.NUMBER_MIGRATED)


async def test_a_list_that_does_not_end_is_given_up(stand_in, meta_client):
    stand_in.play(*[{"data": [], "paging": {"cursors": {"after": "x"}, "next": "u"}}] * 3)
    found = await fault_in(meta_client.find_number(WAY, ACCOUNT, "+15550100001"))
    assert (found.decision, found.trouble, len(stand_in.asked)) == (Decision.GIVE_UP, Trouble.NETWORK_REFUSED, 3)


async def test_a_missing_number_is_none_and_a_missing_account_is_a_fault(stand_in, meta_client):
    stand_in.play(refusal(100, 33), refusal(33), refusal(100, 33))
    assert await meta_client.number(WAY, ID) is None
    assert await meta_client.number(WAY, ID) is None
    assert (await fault_in(meta_client.find_number(WAY, ACCOUNT, "+1"))).trouble is Trouble.ACCOUNT_INVALID


@pytest.mark.parametrize("subject", ["", "..", "1/2", "1?access_token=x", "1#", "a b", "7\n", "x" * 65, "%2e%2e"])
async def test_an_id_can_not_choose_another_path(stand_in, meta_client, subject):
    assert await meta_client.number(WAY, subject) is None
    assert (await fault_in(meta_client.subscribe_app(WAY, subject))).trouble is Trouble.ACCOUNT_INVALID
    assert stand_in.asked == []


@pytest.mark.parametrize(
    ("address", "calling_code", "rest"),
    [
        ("+15550100001", "1", "5550100001"),
        ("+15551234", "1", "5551234"),
        ("+447700900123", "44", "7700900123"),
        ("+390612345678", "39", "0612345678"),
        ("+77012345678", "7", "7012345678"),
        ("+353871234567", "353", "871234567"),
        ("+99912345678", "999", "12345678"),
    ],
)
async def test_a_number_is_added_with_its_calling_code_apart(stand_in, meta_client, address, calling_code, rest):
    stand_in.play({"id": ID})
    assert await meta_client.add_number(WAY, ACCOUNT, address, "Acme") == ID
    (asked,) = stand_in.asked
    assert asked.line == f"POST {ROOT}/{ACCOUNT}/phone_numbers"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.body == {"cc": calling_code, "phone_number": rest, "verified_name": "Acme"}


@pytest.mark.parametrize(
    ("call", "line", "body"),
    [
        (
            lambda c: c.request_code(WAY, ID, VerificationMethod.SMS),
            f"POST {ROOT}/{ID}/request_code",
            {"code_method": "SMS", "language": "en_US"},
        ),
        (
            lambda c: c.request_code(WAY, ID, VerificationMethod.VOICE),
            f"POST {ROOT}/{ID}/request_code",
            {"code_method": "VOICE", "language": "en_US"},
        ),
        (lambda c: c.verify_code(WAY, ID, "123830"), f"POST {ROOT}/{ID}/verify_code", {"code": "123830"}),
        (
            lambda c: c.register(WAY, ID, "482913"),
            f"POST {ROOT}/{ID}/register",
            {"messaging_product": "whatsapp", "pin": "482913"},
        ),
        (lambda c: c.deregister(WAY, ID), f"POST {ROOT}/{ID}/deregister", None),
        (lambda c: c.submit_name(WAY, ID, "Acmé"), f"POST {ROOT}/{ID}", {"new_display_name": "Acmé"}),
    ],
)
async def test_each_write_is_one_request(stand_in, meta_client, call, line, body):
    stand_in.play(SUCCESS)
    assert await call(meta_client) is None
    (asked,) = stand_in.asked
    assert (asked.line, asked.body) == (line, body)


async def test_the_app_is_subscribed_only_if_it_is_not_yet(stand_in, meta_client):
    ours = {"whatsapp_business_api_data": {"id": WAY.app_id, "link": "l", "name": "n"}, "override_callback_uri": "u"}
    stand_in.play({"data": [{"whatsapp_business_api_data": {"id": "9"}}, ours]})
    await meta_client.subscribe_app(WAY, ACCOUNT)
    assert stand_in.lines == [f"GET {ROOT}/{ACCOUNT}/subscribed_apps?limit=100"]
    stand_in.play({"data": [{"whatsapp_business_api_data": {"id": "9"}}, {}]}, SUCCESS)
    await meta_client.subscribe_app(WAY, ACCOUNT)
    assert stand_in.lines[2] == f"POST {ROOT}/{ACCOUNT}/subscribed_apps"
    assert stand_in.asked[2].raw == b""


async def test_an_unfinished_deregistration_is_finished_before_the_caller_comes_back(stand_in, meta_client):
    stand_in.play(refusal(133000, status=500), SUCCESS)
    found = await fault_in(meta_client.register(WAY, ID, "482913"))
    assert (found.decision, found.trouble) == (Decision.RETRY, Trouble.NETWORK_UNAVAILABLE)
    assert stand_in.lines == [f"POST {ROOT}/{ID}/register", f"POST {ROOT}/{ID}/deregister"]


# the profile

SHOWN = f"GET {ROOT}/{ID}/whatsapp_business_profile?fields=about,address,description,email,websites,vertical"


async def test_a_profile_is_pushed_in_metas_words(stand_in, meta_client):
    stand_in.play({"data": [{"messaging_product": "whatsapp"}]}, SUCCESS)
    await meta_client.push_profile(WAY, ID, PROFILE, None)
    assert stand_in.lines == [SHOWN, f"POST {ROOT}/{ID}/whatsapp_business_profile"]
    assert stand_in.asked[1].body == {
        "messaging_product": "whatsapp",
        "about": "Parcels, tracked",
        "address": "1 Sample Way",
        "description": "Delivery notices",
        "email": "care@acme.example",
        "websites": ["https://a.acme.example/", "https://b.acme.example/"],
        "vertical": "RETAIL",
    }


def test_a_cleared_leaf_is_emptied_where_meta_still_shows_it():
    shown = {
        "about": "old",
        "address": "old",
        "description": "",
        "email": "old@acme.example",
        "websites": ["https://old.example/"],
        "vertical": "RETAIL",
        "profile_picture_url": "https://pps.example/p.jpg",
    }
    emptied = {"address": "", "email": "", "websites": [], "vertical": "UNDEFINED"}
    assert changes(Profile(name="Acme"), shown) == emptied
    assert changes(Profile(name="Acme"), {}) == {}
    assert changes(Profile(), {"vertical": "NOT_A_BIZ"}) == {}


async def test_an_empty_profile_is_not_pushed(stand_in, meta_client):
    stand_in.play({"data": []})
    await meta_client.push_profile(WAY, ID, Profile(name="Acme"), None)
    assert stand_in.lines == [SHOWN]


def test_every_vertical_has_a_word():
    assert set(VERTICALS) == set(Vertical)
    assert VERTICALS[Vertical.MATRIMONY] == "OTHER"


UPLOAD = "upload:MTphdHRhY2htZW50Oj==?sig=ARZ/q-_x"


async def test_a_logo_goes_by_a_resumable_upload(stand_in, meta_client):
    stand_in.play({"data": []}, {"id": UPLOAD}, {"h": "4:bG9nby5wbmc=:aW1hZ2U="}, SUCCESS)
    await meta_client.push_profile(WAY, ID, PROFILE, LOGO)
    opened, sent, pushed = stand_in.asked[1:]
    assert opened.line == (
        f"POST {ROOT}/{WAY.app_id}/uploads?file_name=logo.png&file_length={len(LOGO.data)}&file_type=image/png"
    )
    assert sent.line == f"POST {ROOT}/{UPLOAD}"
    assert (sent.headers["file_offset"], sent.raw) == ("0", LOGO.data)
    assert pushed.body["profile_picture_handle"] == "4:bG9nby5wbmc=:aW1hZ2U="


async def test_an_upload_that_breaks_off_is_resumed_where_it_stopped(stand_in, meta_client):
    cut = Answer(cut=True)
    stand_in.play(
        {"data": []}, {"id": UPLOAD}, cut, {"id": UPLOAD, "file_offset": 8}, cut, {"file_offset": "20"}, {"h": "4:x"}
    )
    stand_in.play(SUCCESS)
    await meta_client.push_profile(WAY, ID, PROFILE, LOGO)
    sent = [asked for asked in stand_in.asked if asked.line == f"POST {ROOT}/{UPLOAD}"]
    assert [asked.headers["file_offset"] for asked in sent] == ["0", "8", "20"]
    assert [asked.raw for asked in sent] == [LOGO.data, LOGO.data[8:], LOGO.data[20:]]
    assert stand_in.lines.count(f"GET {ROOT}/{UPLOAD}") == 2


@pytest.mark.parametrize(
    "answers",
    [
        [{}],
        [{"id": "../7"}],
        [{"id": "upload:a b"}],
        [{"id": UPLOAD}, Answer(cut=True), {"file_offset": -1}],
        [{"id": UPLOAD}, Answer(cut=True), {"file_offset": 10**9}],
        [{"id": UPLOAD}, Answer(cut=True), {"file_offset": True}],
        [{"id": UPLOAD}, *[Answer(cut=True), {"file_offset": 0}] * 3, Answer(cut=True)],
        [{"id": UPLOAD}, refusal(2, status=503)],
    ],
)
async def test_an_upload_that_can_not_be_ended_is_a_fault(stand_in, meta_client, answers):
    stand_in.play({"data": []}, *answers)
    await fault_in(meta_client.push_profile(WAY, ID, PROFILE, LOGO))
    assert stand_in.answers == []
