"""What is wrong with a request under `/tabard/v1` is said in the native shape, names the field, and stores nothing."""

import base64
import json
from typing import Any

import pytest

from tabard.app.accounts import create_account
from tabard.domain.account import AccountKind
from tests.support.service import Running

NOBODY_S = "01a1fa07-024d-7b0d-b857-8330b02e412f"
HOOK = "https://example.com/hook"
GOOD = {"url": "http://127.0.0.1:9/hook", "types": ["sender.*"]}
SECRET = "whsec_" + base64.b64encode(bytes(24)).decode()
TURNED = ("2026-03-03T00:00:00Z", "2026-03-02T00:00:00Z")

SUBSCRIPTIONS = [
    ({"types": ["*"]}, "url"),
    ({**GOOD, "url": ""}, "url"),
    ({**GOOD, "url": None}, "url"),
    ({**GOOD, "url": 7}, "url"),
    ({**GOOD, "url": "ftp://example.com/hook"}, "url"),
    ({**GOOD, "url": "javascript:alert(1)"}, "url"),
    ({**GOOD, "url": "example.com/hook"}, "url"),
    ({**GOOD, "url": "http:///hook"}, "url"),
    ({**GOOD, "url": "https://"}, "url"),
    ({**GOOD, "url": "https://exa mple.com/"}, "url"),
    ({**GOOD, "url": "https://example.com/\n"}, "url"),
    ({**GOOD, "url": "https://example.com/\x00"}, "url"),
    ({**GOOD, "url": "https://someone:secret@example.com/"}, "url"),
    ({**GOOD, "url": "https://example.com:99999/"}, "url"),
    ({**GOOD, "url": "https://example.com/" + "x" * 5000}, "url"),
    ({**GOOD, "url": "http://169.254.169.254/latest/meta-data"}, "url"),
    ({"url": HOOK}, "types"),
    ({**GOOD, "types": []}, "types"),
    ({**GOOD, "types": "sender.*"}, "types"),
    ({**GOOD, "types": ["sender.unknown"]}, "types"),
    ({**GOOD, "types": ["sender.online", 5]}, "types"),
    ({**GOOD, "types": ["account.*"]}, "types"),
    ({**GOOD, "types": ["sender.online"] * 51}, "types"),
    ({**GOOD, "sender_id": "+15550100001"}, "sender_id"),
    ({**GOOD, "sender_id": 1}, "sender_id"),
    ({**GOOD, "channel": "pigeon"}, "channel"),
    ({**GOOD, "channel": "rcs", "sender_id": NOBODY_S}, "sender_id or a channel"),
    ({**GOOD, "secret": ""}, "secret"),
    ({**GOOD, "secret": "plain"}, "secret"),
    ({**GOOD, "secret": SECRET + "\x00"}, "secret"),
    ({**GOOD, "secret": "whsec_" + base64.b64encode(bytes(200)).decode()}, "secret"),
    ({**GOOD, "secret": "whsec_" + base64.b64encode(bytes(10)).decode()}, "secret"),
    ({**GOOD, "description": "x" * 201}, "description"),
    ({**GOOD, "description": "a\x00b"}, "description"),
    ({**GOOD, "enabled": "yes"}, "enabled"),
    ({**GOOD, "verify_tls": False}, "verify_tls"),
    ([], ""),
    ("text", ""),
    (None, ""),
    (b"{", ""),
    (b"", ""),
    (b'{"url": "\xff"}', ""),
    (b'{"url": "\\ud800", "types": ["*"]}', ""),
]

QUERIES = [
    ("events?cursor=", "cursor"),
    ("events?cursor=12.3", "cursor"),
    ("events?cursor=%00", "cursor"),
    ("events?cursor=" + "A" * 101, "cursor"),
    ("events?cursor=" + base64.urlsafe_b64encode(b"18446744073709551615.0").decode().rstrip("="), "cursor"),
    ("events?limit=0", "limit"),
    ("events?limit=1001", "limit"),
    ("events?limit=x", "limit"),
    ("events?limit=1&limit=2", "limit"),
    ("events?type=sender.unknown", "type"),
    ("events?type=", "type"),
    ("events?" + "&".join(["type=*"] * 51), "type"),
    ("events?sender_id=+15550100001", "sender_id"),
    ("events?channel=pigeon", "channel"),
    ("events?after=yesterday", "after"),
    ("events?after=2026-03-02T10:00:00", "after"),
    ("events?after=2026-03-02T10:00:00+00:00", "after"),
    ("events?after=1767225600", "after"),
    ("events?before=0001-01-01T00:00:00%2B14:00", "before"),
    (f"events?after={TURNED[0]}&before={TURNED[1]}", "after"),
    ("events?wait=61", "wait"),
    ("events?wait=-1", "wait"),
    ("events?wait=nan", "wait"),
    ("events?from=start", "from"),
    ("events?from=now&cursor=MC4w", "from"),
    ("events?include=secrets", "include"),
    ("events?unknown=1", "unknown"),
    ("deliveries?cursor=MC4w", "cursor"),
    ("deliveries?limit=0", "limit"),
    ("deliveries?state=lost", "state"),
    ("deliveries?type=sender.unknown", "type"),
    ("deliveries?subscription_id=x", "subscription_id"),
    ("deliveries?sender_id=x", "sender_id"),
    (f"deliveries?after={TURNED[0]}&before={TURNED[1]}", "after"),
    ("deliveries?before=tomorrow", "before"),
    ("deliveries?unknown=1", "unknown"),
]

OF_ONE = [
    ("PATCH", "", {"url": None}, "url"),
    ("PATCH", "", {"url": "ftp://example.com"}, "url"),
    ("PATCH", "", {"url": "https://example.com/" + "x" * 5000}, "url"),
    ("PATCH", "", {"types": []}, "types"),
    ("PATCH", "", {"types": ["nothing"]}, "types"),
    ("PATCH", "", {"enabled": None}, "enabled"),
    ("PATCH", "", {"enabled": 1}, "enabled"),
    ("PATCH", "", {"secret": SECRET}, "secret"),
    ("PATCH", "", {"channel": "rcs", "sender_id": NOBODY_S}, "sender_id or a channel"),
    ("PATCH", "", {"channel": "pigeon"}, "channel"),
    ("PATCH", "", b"", ""),
    ("POST", "/rotate", {"overlap_seconds": -1}, "overlap_seconds"),
    ("POST", "/rotate", {"overlap_seconds": 604_801}, "overlap_seconds"),
    ("POST", "/rotate", {"overlap_seconds": 1.5}, "overlap_seconds"),
    ("POST", "/rotate", {"overlap_seconds": "60"}, "overlap_seconds"),
    ("POST", "/rotate", {"secret": SECRET}, "secret"),
    ("POST", "/replay", {"state": "waiting"}, "state"),
    ("POST", "/replay", {"types": ["nothing"]}, "types"),
    ("POST", "/replay", {"after": TURNED[0], "before": TURNED[1]}, "after"),
    ("POST", "/replay", {"after": 1}, "after"),
    ("POST", "/replay", {"after": "2026-03-02"}, "after"),
    ("POST", "/replay", b"[]", ""),
]


async def refused(customer: Running, method: str, path: str, body: Any, names: str) -> None:
    reply = await customer.call(method, path, body)
    assert reply.status == 400, reply
    assert reply.body["error"]["code"] == "invalid_request"
    assert names in reply.body["error"]["message"]
    assert SECRET not in json.dumps(reply.body)


async def subscriptions(customer: Running) -> Any:
    return (await customer.get("/tabard/v1/subscriptions"))["subscriptions"]


@pytest.mark.parametrize(("body", "names"), SUBSCRIPTIONS)
async def test_a_subscription(customer: Running, body: Any, names: str):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    await refused(customer, "POST", "/tabard/v1/subscriptions", body, names)
    assert await subscriptions(customer) == []


@pytest.mark.parametrize(("query", "names"), QUERIES)
async def test_a_query(customer: Running, query: str, names: str):
    await refused(customer, "GET", f"/tabard/v1/{query}", None, names)


@pytest.mark.parametrize(("method", "path", "body", "names"), OF_ONE)
async def test_a_change(customer: Running, method: str, path: str, body: Any, names: str):
    made = await customer.call("POST", "/tabard/v1/subscriptions", GOOD)
    before = await subscriptions(customer)
    await refused(customer, method, f"/tabard/v1/subscriptions/{made.body['id']}{path}", body, names)
    assert await subscriptions(customer) == before


async def test_an_unknown_type_is_told_the_known_ones(customer: Running):
    reply = await customer.call("POST", "/tabard/v1/subscriptions", {**GOOD, "types": ["sender.unknown"]})
    for name in ("sender.online", "account.commented.rcs", "subscription.disabled", "sender.*", "*"):
        assert name in reply.body["error"]["message"]


@pytest.mark.parametrize("header", ["nothing", "12.3", "\u00e9"])
async def test_a_stream_s_last_event_id(customer: Running, header: str):
    headers = {"Accept": "text/event-stream", "Last-Event-ID": header}
    reply = await customer.call("GET", "/tabard/v1/events", headers=headers)
    assert reply.status == 400
    assert "Last-Event-ID" in reply.body["error"]["message"]


MISSING = [
    *(
        (method, f"/tabard/v1/subscriptions/{one}{path}", body)
        for one in (NOBODY_S, "x", "%00", "..%2f", NOBODY_S.replace("-", ""))
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"description": "Mine"}),
            ("DELETE", "", None),
            ("POST", "/rotate", {}),
            ("POST", "/enable", None),
            ("POST", "/disable", None),
            ("POST", "/test", None),
            ("GET", "/health", None),
            ("POST", "/replay", {}),
        )
    ),
    *(
        (method, f"/tabard/v1/deliveries/{one}{path}", None)
        for one in (NOBODY_S, "x")
        for method, path in (("GET", ""), ("POST", "/replay"))
    ),
    ("POST", "/tabard/v1/subscriptions", {**GOOD, "sender_id": NOBODY_S}),
    ("GET", "/tabard/v1/nothing", None),
    ("GET", "/tabard/v1/", None),
    ("GET", "/Tabard/V1/events", None),
]


@pytest.mark.parametrize(("method", "path", "body"), MISSING)
async def test_what_is_not_there(customer: Running, method: str, path: str, body: Any):
    reply = await customer.call(method, path, body)
    assert (reply.status, reply.body["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", "events", "GET"), ("PUT", "subscriptions", "POST, GET"), ("PATCH", "deliveries", "GET")],
)
async def test_another_method(customer: Running, method: str, path: str, allowed: str):
    reply = await customer.call(method, f"/tabard/v1/{path}")
    assert (reply.status, reply.body["error"]["code"]) == (405, "method_not_allowed")
    assert reply.headers["Allow"] == allowed


async def test_one_subscription_too_many(customer: Running):
    for _ in range(100):
        assert (await customer.call("POST", "/tabard/v1/subscriptions", GOOD)).status == 201
    reply = await customer.call("POST", "/tabard/v1/subscriptions", GOOD)
    assert (reply.status, reply.body["error"]["code"]) == (409, "conflict")
    assert len(await subscriptions(customer)) == 100


async def test_a_disabled_subscription_has_no_test(customer: Running):
    made = (await customer.call("POST", "/tabard/v1/subscriptions", GOOD)).body["id"]
    await customer.post(f"/tabard/v1/subscriptions/{made}/disable")
    reply = await customer.call("POST", f"/tabard/v1/subscriptions/{made}/test")
    assert (reply.status, reply.body["error"]["code"]) == (409, "conflict")
    assert (await customer.get("/tabard/v1/deliveries"))["deliveries"] == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/hook", "http://10.0.0.1/hook", "http://[::1]/hook", "http://localhost/hook"]
)
async def test_a_live_account_s_target_is_public(house: Running, url: str):
    live = house.speaking(await create_account(house.parts.services, "Live", AccountKind.LIVE))
    await refused(live, "POST", "/tabard/v1/subscriptions", {**GOOD, "url": url}, "url")
    assert await subscriptions(live) == []


async def test_a_sender_of_one_s_own_and_a_channel_do_not_go_together(customer: Running):
    made = (await customer.call("POST", "/tabard/v1/subscriptions", {**GOOD, "channel": "rcs"})).body["id"]
    path = f"/tabard/v1/subscriptions/{made}"
    await refused(customer, "PATCH", path, {"sender_id": NOBODY_S}, "sender_id or a channel")
    assert (await customer.get(path))["channel"] == "rcs"


async def test_a_stranger_s_sender_is_nobody_s(house: Running, customer: Running):
    sid = (await customer.create("+15550100001"))["sid"]
    body = {**GOOD, "sender_id": sid.removeprefix("XE")}
    assert (await customer.call("POST", "/tabard/v1/subscriptions", body)).status == 201
    stranger = await house.account("Stranger")
    reply = await stranger.call("POST", "/tabard/v1/subscriptions", body)
    assert reply.status == 404
    mine = (await stranger.call("POST", "/tabard/v1/subscriptions", GOOD)).body["id"]
    changed = await stranger.call("PATCH", f"/tabard/v1/subscriptions/{mine}", {"sender_id": body["sender_id"]})
    assert changed.status == 404
    assert (await subscriptions(stranger))[0]["sender_id"] is None
