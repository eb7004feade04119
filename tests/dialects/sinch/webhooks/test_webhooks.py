"""Webhooks as their owner makes, lists and changes them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabard.dialects.sinch.webhooks import wire
from tabard.dialects.sinch.webhooks.triggers import topics
from tabard.domain.ids import SubscriptionId
from tabard.domain.webhooks.subscription import Subscription, secret_context
from tests.dialects.sinch.webhooks.samples import SECRET, TARGET, WEBHOOK, WEBHOOKS, webhook
from tests.support.sinch_service import NOON, OTHER_PROJECT, STRANGERS, SinchService, assert_canonical_error

NEW: dict[str, Any] = {"target": TARGET, "secret": SECRET, "triggers": ["RCS_SENDER_STATUS_UPDATED"]}
LONGEST = TARGET + "x" * (742 - len(TARGET))


async def create(service: SinchService, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = await service.done("POST", WEBHOOKS, {**NEW, **more}, status=201)
    return made


def stored(service: SinchService, id_: str) -> Subscription:
    return service.backstage.subscriptions.kept[SubscriptionId(UUID(id_))]


def secret_of(service: SinchService, id_: str) -> str:
    kept = stored(service, id_)
    return service.services.vault.open(kept.sealed_secret, secret_context(kept.id)).decode()


# making


async def test_a_new_webhook(service):
    made = await create(service)
    kept = stored(service, made["id"])
    assert made == {"id": kept.id.hex, "projectId": made["projectId"], "target": TARGET, "triggers": NEW["triggers"]}
    assert (kept.dialect, kept.names, kept.topics) == ("sinch", tuple(NEW["triggers"]), ("rcs:sender.status",))
    assert secret_of(service, made["id"]) == SECRET
    assert await service.done("GET", f"{WEBHOOKS}/{made['id']}") == made


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("target", [LONGEST, "http://127.0.0.1:8080", "HTTPS://EXAMPLE.COM/a?b=c#d"]),
        ("secret", ["s", "ä" * 128, "\0\n ", "🗝"]),
        ("triggers", [["ALL"], ["BUNDLE_DONE"], [*get_args(wire.TriggerWord)[1:]]]),
    ],
)
async def test_what_is_taken(service, field, values):
    for value in values:
        made = await create(service, **{field: value})
        await service.done("DELETE", f"{WEBHOOKS}/{made['id']}", status=204)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("target", LONGEST + "x", "target must be shorter than or equal to 742 characters"),
        ("target", "", "target must be an http or https URL address"),
        ("target", "example.com/webhooks", "target must be an http or https URL address"),
        ("target", "https://", "target must be an http or https URL address"),
        ("target", 7, "target must be a string"),
        ("target", None, "target must be a string"),
        ("secret", "", "secret must be longer than or equal to 1 characters"),
        ("secret", "x" * 129, "secret must be shorter than or equal to 128 characters"),
        ("secret", ["x"], "secret must be a string"),
        ("triggers", [], "triggers must contain at least 1 elements"),
        ("triggers", "ALL", "triggers must be an array"),
        ("triggers", ["all"], "each value in triggers must be one of the following values: ALL, BUNDLE_DONE"),
        ("triggers", ["BUNDLE_DONE", "ALL"], "triggers must hold no other trigger beside ALL"),
        ("triggers", ["BUNDLE_DONE", "BUNDLE_DONE"], "triggers elements must be unique"),
        ("headers", {}, "headers should not exist"),
    ],
)
async def test_what_is_refused(service, field, value, says):
    made = await create(service, target="https://example.com/mine")
    one = f"{WEBHOOKS}/{made['id']}"
    calls = (
        ("POST", WEBHOOKS, {**NEW, field: value}),
        ("PUT", one, {**NEW, field: value}),
        ("PATCH", one, {field: value}),
    )
    for method, path, body in calls:
        response = await service.call(method, path, body)
        (problem,) = assert_canonical_error(response, 400, "invalid_input", says=says)
        assert problem.startswith(says)
    assert await service.done("GET", one) == made


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"ALL"', b'{"secret":"\\ud800"}', b"\xff"])
async def test_what_is_no_json_object(service, method, raw):
    path = WEBHOOKS if method == "POST" else f"{WEBHOOKS}/{WEBHOOK.hex}"
    assert_canonical_error(await service.call(method, path, raw=raw), 400, "invalid_payload")


async def test_an_address_that_may_not_be_called(service):
    """A live account's, say, in a private network."""
    service.backstage.outbound.problems["https://inside.example.com"] = "the host is not on the public internet"
    body = {**NEW, "target": "https://inside.example.com"}
    made = await create(service)
    for method, path in (
        ("POST", WEBHOOKS),
        ("PUT", f"{WEBHOOKS}/{made['id']}"),
        ("PATCH", f"{WEBHOOKS}/{made['id']}"),
    ):
        says = "target can't be called: the host is not on the public internet"
        assert_canonical_error(await service.call(method, path, body), 400, "invalid_input", says=says)
    assert await service.done("GET", f"{WEBHOOKS}/{made['id']}") == made


async def test_sixteenth_webhook(service):
    made = [await create(service, target=f"{TARGET}/{number}") for number in range(15)]
    assert_canonical_error(await service.call("POST", WEBHOOKS, NEW), 424, "webhook_limit_reached")
    await service.done("DELETE", f"{WEBHOOKS}/{made[3]['id']}", status=204)
    await create(service)
    # A limit of the one project says nothing of another.
    response = await service.call("POST", f"{OTHER_PROJECT}/webhooks", NEW, headers=STRANGERS)
    assert response.status_code == 201


async def test_one_target_once(service):
    first, second = await create(service), await create(service, target="https://example.com/second")
    assert_canonical_error(await service.call("POST", WEBHOOKS, NEW), 409, "webhook_exists")
    for method, body in (("PUT", NEW), ("PATCH", {"target": TARGET})):
        response = await service.call(method, f"{WEBHOOKS}/{second['id']}", body)
        assert_canonical_error(response, 409, "webhook_exists")
    await service.done("PUT", f"{WEBHOOKS}/{first['id']}", NEW)
    await service.done("PATCH", f"{WEBHOOKS}/{first['id']}", {"target": TARGET})
    response = await service.call("POST", f"{OTHER_PROJECT}/webhooks", NEW, headers=STRANGERS)
    assert response.status_code == 201


# changing


async def test_replace(service):
    made = await create(service)
    body = {"target": "https://example.com/other", "secret": "another secret", "triggers": ["ALL"]}
    changed = await service.done("PUT", f"{WEBHOOKS}/{made['id']}", body)
    assert changed == {**made, "target": body["target"], "triggers": ["ALL"]}
    assert await service.done("GET", f"{WEBHOOKS}/{made['id']}") == changed
    assert secret_of(service, made["id"]) == "another secret"
    assert stored(service, made["id"]).topics == topics(["ALL"])


@pytest.mark.parametrize("part", ["target", "secret", "triggers"])
async def test_update_of_one_field(service, part):
    made = await create(service)
    before = stored(service, made["id"])
    other = {"target": "https://example.com/other", "secret": "another secret", "triggers": ["BUNDLE_DONE"]}
    changed = await service.done("PATCH", f"{WEBHOOKS}/{made['id']}", {part: other[part]})
    shown = {} if part == "secret" else {part: other[part]}
    assert changed == {**made, **shown}
    assert secret_of(service, made["id"]) == (other["secret"] if part == "secret" else SECRET)
    after = stored(service, made["id"])
    assert (after.sealed_secret == before.sealed_secret) == (part != "secret")
    assert (after.topics == before.topics) == (part != "triggers")


async def test_a_new_secret_replaces_the_old_one_at_once(service):
    """Sinch's receivers know one secret: there is no time in which both hold."""
    made = await create(service)
    kept = stored(service, made["id"])
    service.backstage.subscriptions.kept[kept.id] = kept.rotated(kept.sealed_secret, NOON, timedelta(days=1))
    await service.done("PATCH", f"{WEBHOOKS}/{made['id']}", {"secret": "another secret"})
    (only,) = stored(service, made["id"]).secrets(NOON)
    assert service.services.vault.open(only, secret_context(kept.id)) == b"another secret"


@pytest.mark.parametrize(("method", "body"), [("PUT", NEW), ("PATCH", {})])
async def test_a_change_gives_a_disabled_webhook_another_chance(service, method, body):
    await service.backstage.subscriptions.insert(webhook("ALL").disabled("it failed for days", NOON), None, NOON)
    await service.done(method, f"{WEBHOOKS}/{WEBHOOK.hex}", body)
    kept = stored(service, WEBHOOK.hex)
    assert (kept.enabled, kept.disabled_reason, kept.failing_since) == (True, None, None)


async def test_delete(service):
    made = await create(service)
    response = await service.call("DELETE", f"{WEBHOOKS}/{made['id']}")
    assert (response.status_code, response.content) == (204, b"")
    for method, body in (("GET", None), ("PUT", NEW), ("PATCH", {}), ("DELETE", None)):
        assert_canonical_error(await service.call(method, f"{WEBHOOKS}/{made['id']}", body), 404, "webhook_not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_whose_a_webhook_is(service, method):
    made = await create(service)
    body = None if method in {"GET", "DELETE"} else NEW
    theirs = await service.call(method, f"{OTHER_PROJECT}/webhooks/{made['id']}", body, headers=STRANGERS)
    nowhere = await service.call(method, f"{WEBHOOKS}/{uuid4().hex}", body)
    assert_canonical_error(theirs, 404, "webhook_not_found")
    assert nowhere.content == theirs.content
    assert await service.done("GET", f"{WEBHOOKS}/{made['id']}") == made


async def test_another_dialects_subscription_is_no_webhook(service):
    await service.backstage.subscriptions.insert(replace(webhook("ALL"), dialect="native"), None, NOON)
    assert_canonical_error(await service.call("GET", f"{WEBHOOKS}/{WEBHOOK.hex}"), 404, "webhook_not_found")
    assert (await service.done("GET", WEBHOOKS))["webhooks"] == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("id_", ["1", str(WEBHOOK), WEBHOOK.hex.upper(), WEBHOOK.hex + "0", "%20" * 32])
async def test_what_is_no_id(service, method, id_):
    response = await service.call(method, f"{WEBHOOKS}/{id_}", None if method in {"GET", "DELETE"} else NEW)
    assert_canonical_error(response, 400, "invalid_id_format")


# listing


async def test_the_list_is_alphabetical(service):
    for name in ("berlin", "Zagreb", "athens", "cairo"):
        await create(service, target=f"https://example.com/{name}")
    listed = await service.done("GET", WEBHOOKS)
    names = [entry["target"].rpartition("/")[2] for entry in listed["webhooks"]]
    assert names == ["Zagreb", "athens", "berlin", "cairo"]
    assert (listed["totalSize"], listed["pageSize"], set(listed)) == (4, 15, {"totalSize", "pageSize", "webhooks"})


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 15])
async def test_pages_lead_there_and_back(service, size):
    targets = sorted(f"https://example.com/{uuid4().hex}" for _ in range(7))
    for target in reversed(targets):
        await create(service, target=target)

    async def page(token: str | None) -> dict[str, Any]:
        query = f"?pageSize={size}" + (f"&pageToken={token}" if token else "")
        found: dict[str, Any] = await service.done("GET", WEBHOOKS + query)
        assert (found["totalSize"], found["pageSize"]) == (7, size)
        return found

    pages = [await page(None)]
    while "nextPageToken" in pages[-1]:
        pages.append(await page(pages[-1]["nextPageToken"]))
    assert [entry["target"] for found in pages for entry in found["webhooks"]] == targets
    assert "previousPageToken" not in pages[0]
    back = [pages[-1]]
    while "previousPageToken" in back[-1]:
        back.append(await page(back[-1]["previousPageToken"]))
    assert [found["webhooks"] for found in reversed(back)] == [found["webhooks"] for found in pages]


async def test_a_page_goes_on_where_it_was_though_webhooks_came_and_went(service):
    made = {name: await create(service, target=f"https://example.com/{name}") for name in "bdfh"}
    first = await service.done("GET", f"{WEBHOOKS}?pageSize=2")
    await service.done("DELETE", f"{WEBHOOKS}/{made['d']['id']}", status=204)
    for name in "ace":
        await create(service, target=f"https://example.com/{name}")
    second = await service.done("GET", f"{WEBHOOKS}?pageSize=2&pageToken={first['nextPageToken']}")
    assert [entry["target"][-1] for entry in second["webhooks"]] == ["e", "f"]
    back = await service.done("GET", f"{WEBHOOKS}?pageSize=2&pageToken={second['previousPageToken']}")
    assert [entry["target"][-1] for entry in back["webhooks"]] == ["b", "c"]


@pytest.mark.parametrize("size", ["0", "16", "-1", "1.5", "many", ""])
async def test_page_sizes_that_there_are_not(service, size):
    response = await service.call("GET", f"{WEBHOOKS}?pageSize={size}")
    assert_canonical_error(response, 400, "invalid_page_size", says="from 1 to 15")


async def test_another_lists_token(service):
    for number in range(2):
        await create(service, target=f"{TARGET}/{number}")
    token = (await service.done("GET", f"{WEBHOOKS}?pageSize=1"))["nextPageToken"]
    for path, headers in (
        (f"{OTHER_PROJECT}/webhooks", STRANGERS),
        (WEBHOOKS.replace("/webhooks", "/rcs/senders"), {}),
    ):
        response = await service.call("GET", f"{path}?pageToken={token}", headers=headers)
        assert_canonical_error(response, 400, "invalid_page_token")


# secrets


async def test_a_secret_is_never_shown_nor_logged(service, capsys):
    made = await create(service)
    one = f"{WEBHOOKS}/{made['id']}"
    answers = [
        await service.call("GET", WEBHOOKS),
        await service.call("GET", one),
        await service.call("PUT", one, {**NEW, "target": "nowhere"}),
        await service.call("PUT", one, NEW),
        await service.call("PATCH", one, {"secret": SECRET * 20}),
        await service.call("PATCH", one, {"secret": SECRET}),
        await service.call("POST", WEBHOOKS, NEW),
        await service.call("POST", WEBHOOKS, {**NEW, "secret": {"is": SECRET}}),
        await service.call("POST", WEBHOOKS, raw=f'{{"secret":"{SECRET}"'.encode()),
    ]
    service.backstage.subscriptions.save = _broken
    answers.append(await service.call("PUT", one, NEW))
    assert answers[-1].status_code == 500
    logged = "".join(capsys.readouterr())
    assert "request.failed" in logged
    everything = "".join([answer.text for answer in answers]) + logged + repr(wire.WebhookInput(**NEW))
    assert "example-secret" not in everything
    assert "example-secret" not in repr(stored(service, made["id"]))


async def _broken(*_: Any) -> None:
    await asyncio.sleep(0)
    raise RuntimeError("the database is gone")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
BODIES = ANY_JSON | st.fixed_dictionaries(
    {},
    optional={
        "target": st.just(TARGET) | st.text(max_size=30).map(lambda text: f"https://{text}") | ANY_JSON,
        "secret": st.text(max_size=130) | ANY_JSON,
        "triggers": st.lists(st.sampled_from(get_args(wire.TriggerWord)), max_size=3) | ANY_JSON,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(["POST", "PUT", "PATCH"]), body=BODIES)
async def test_any_json(service, method, body):
    service.backstage.subscriptions.kept.clear()
    await service.backstage.subscriptions.insert(webhook("ALL"), None, NOON)
    path = WEBHOOKS if method == "POST" else f"{WEBHOOKS}/{WEBHOOK.hex}"
    response = await service.call(method, path, body)
    if response.status_code not in {200, 201}:
        assert response.status_code < 500, response.text
        assert_canonical_error(response, response.status_code, response.json()["errorCode"])
