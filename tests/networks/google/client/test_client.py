"""Every method of the client: what it asks, in which order, and what it makes of the answer."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tabard.domain.account import Connection
from tabard.domain.agents import agent as rcs
from tabard.domain.agents.agent import Agent, Billing, BusinessContact, DataRegion, Hosting, Review
from tabard.domain.agents.launch import CarrierStatus, Verdict
from tabard.domain.profile import Contact, Profile, UseCase
from tabard.domain.sender import Trouble
from tabard.networks.google import agents
from tabard.ports.networks import Decision, Verification
from tests.networks.google.client.stand_in import (
    AGENT,
    AT_AGENT,
    BRAND,
    BUSINESS,
    CALLBACK,
    CLIENT_TOKEN,
    EXISTS,
    NOT_FOUND,
    PHONE,
    PROFILE,
    RCS,
    REVIEW,
    ROOT,
    GoogleStandIn,
    client_of,
    fault_in,
    refusal,
)

FI = "/v1/regions/fi-rcs"
IDEA = "/v1/regions/vodafone-idea-india"
NAMED = {"name": f"brands/{BRAND}/agents/{AGENT}"}
REFUSED = refusal(400, "FAILED_PRECONDITION")
DETAILS = {
    "description": "Delivery notices",
    "logoUri": "https://cdn.example.com/logo.png",
    "heroUri": "https://cdn.example.com/hero.jpg",
    "color": "#0B3D91",
    "phoneNumbers": [{"phoneNumber": {"number": "+15550100001"}, "label": "Support"}],
    "emails": [{"address": "care@example.com", "label": "Mail"}],
    "websites": [{"uri": "https://example.com", "label": "Site"}],
    "privacy": {"uri": "https://example.com/privacy", "label": "Privacy policy"},
    "termsConditions": {"uri": "https://example.com/terms", "label": "Terms of service"},
    "billingConfig": {"billingCategory": "NON_CONVERSATIONAL"},
    "agentUseCase": "TRANSACTIONAL",
    "hostingRegion": "NORTH_AMERICA",
}


def query_of(stand_in: GoogleStandIn, number: int = -1) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(urlsplit(stand_in.asked[number].target).query).items()}


# brands


async def test_a_brand_is_found_by_its_name(stand_in, client, way):
    rows = [{"name": "brands/1", "displayName": "Acme Ltd"}, {"name": f"brands/{BRAND}", "displayName": "Acme"}]
    stand_in.play({"brands": rows}, {"brands": rows})
    assert await client.find_business_account(way, "Acme") == BRAND
    assert await client.find_business_account(way, "Other") is None


async def test_a_brand_is_added_with_a_name_of_a_hundred_characters(stand_in, client, way):
    name = "n" * 120
    stand_in.play({"name": f"brands/{BRAND}"}, {"brands": [{"name": "brands/7", "displayName": "n" * 100}]})
    assert await client.add_business_account(way, name) == BRAND
    assert stand_in.asked[0].body == {"displayName": "n" * 100}
    assert stand_in.lines == [f"POST {ROOT}/brands"]
    assert await client.find_business_account(way, name) == "7", "and found by the same"


async def test_what_exists_already_is_looked_for_again(stand_in, client, way):
    stand_in.play(EXISTS, {"brands": [{"name": "brands/7", "displayName": "Acme"}]})
    assert await client.add_business_account(way, "Acme") == "7"
    stand_in.play(EXISTS, {"agents": [NAMED]})
    assert await client.add_agent(way, BRAND, PROFILE, RCS) == AGENT
    stand_in.play(EXISTS, {}, EXISTS, {})
    for call in (client.add_business_account(way, "Acme"), client.add_agent(way, BRAND, PROFILE, RCS)):
        assert (await fault_in(call)).decision is Decision.RETRY


# agents


async def test_the_brands_first_agent_in_use_is_found(stand_in, client, way):
    put_away = {"name": f"brands/{BRAND}/agents/old_agent", "isArchived": True}
    stand_in.play({"agents": [put_away], "nextPageToken": "2"}, {"agents": [NAMED, {"name": "brands/b/agents/x"}]})
    assert await client.find_agent(way, BRAND) == AGENT
    assert stand_in.lines[0] == f"GET {ROOT}/brands/{BRAND}/agents"
    stand_in.play({"agents": [put_away]})
    assert await client.find_agent(way, BRAND) is None


async def test_an_agent_is_added_with_every_field(stand_in, client, way):
    stand_in.play(NAMED)
    assert await client.add_agent(way, BRAND, PROFILE, RCS) == AGENT
    assert stand_in.lines == [f"POST {ROOT}/brands/{BRAND}/agents"]
    assert stand_in.asked[0].body == {"displayName": "Acme Parcels", "rcsBusinessMessagingAgent": DETAILS}


async def test_what_is_not_given_has_a_default(stand_in, client, way):
    bare = replace(
        PROFILE,
        accent_color=None,
        use_case=None,
        phone_numbers=(Contact("555 0100", ""),),
        emails=(Contact("a@example.com", ""),),
        websites=(Contact("https://example.com", ""),),
    )
    stand_in.play(NAMED)
    await client.add_agent(way, BRAND, bare, replace(RCS, data_region=DataRegion.EU))
    sent = stand_in.asked[0].body["rcsBusinessMessagingAgent"]
    assert (sent["color"], sent["agentUseCase"], sent["hostingRegion"]) == ("#000000", "MULTI_USE", "EUROPE")
    assert sent["phoneNumbers"] == [{"phoneNumber": {"number": "5550100"}, "label": "Phone"}]
    assert (sent["emails"][0]["label"], sent["websites"][0]["label"]) == ("E-mail", "Website")


async def test_a_colour_that_cannot_be_read_is_sent_darker(stand_in, client, way):
    stand_in.play(NAMED)
    await client.add_agent(way, BRAND, replace(PROFILE, accent_color="#FFFF00"), RCS)
    color = stand_in.asked[0].body["rcsBusinessMessagingAgent"]["color"]
    assert color != "#FFFF00"


def test_every_word_of_ours_has_one_of_googles():
    assert agents.HOSTING.keys() == set(Hosting)
    assert agents.BILLING.keys() == set(Billing)
    assert agents.USE_CASES.keys() == set(UseCase)


async def test_an_agent_is_there_unless_it_is_gone_or_put_away(stand_in, client, way):
    stand_in.play(NAMED, {**NAMED, "isArchived": True}, NOT_FOUND)
    assert [await client.has_agent(way, AGENT) for _ in range(3)] == [True, False, False]
    assert set(stand_in.lines) == {f"GET {AT_AGENT}"}
    stand_in.play(refusal(403, "PERMISSION_DENIED"))
    assert (await fault_in(client.has_agent(way, AGENT))).trouble is Trouble.ACCESS_DENIED


MASK_FROZEN = {"description", "color", "phone_numbers", "emails", "websites", "privacy", "terms_conditions"}


async def test_a_profile_is_pushed_under_a_mask_of_what_is_sent(stand_in, client, way):
    stand_in.play(NAMED, NAMED)
    await client.push_profile(way, AGENT, PROFILE, frozen=False)
    await client.push_profile(way, AGENT, PROFILE, frozen=True)
    assert {asked.line.partition("?")[0] for asked in stand_in.asked} == {f"PATCH {AT_AGENT}"}
    under = "rcs_business_messaging_agent."
    free = set(query_of(stand_in, 0)["updateMask"].split(","))
    assert free == {"display_name"} | {under + f for f in {*MASK_FROZEN, "logo_uri", "hero_uri", "agent_use_case"}}
    pushed = {key: value for key, value in DETAILS.items() if key not in {"billingConfig", "hostingRegion"}}
    assert stand_in.asked[0].body == {"displayName": "Acme Parcels", "rcsBusinessMessagingAgent": pushed}
    frozen = set(query_of(stand_in, 1)["updateMask"].split(","))
    assert frozen == {under + field for field in MASK_FROZEN}
    kept = {key: value for key, value in pushed.items() if key not in {"logoUri", "heroUri", "agentUseCase"}}
    assert stand_in.asked[1].body == {"rcsBusinessMessagingAgent": kept}


async def test_cleared_contacts_are_sent_and_missing_texts_left_alone(stand_in, client, way):
    stand_in.play(NAMED)
    await client.push_profile(way, AGENT, Profile(), frozen=False)
    assert stand_in.asked[0].body["rcsBusinessMessagingAgent"] == {
        "color": "#000000",
        "phoneNumbers": [],
        "emails": [],
        "websites": [],
        "agentUseCase": "MULTI_USE",
    }


# webhook

HOOK = {"webhookUri": CALLBACK, "verificationToken": CLIENT_TOKEN}


def integration(url: str) -> dict[str, object]:
    return {"name": f"brands/{BRAND}/agents/{AGENT}/integrations/i-1", "agentWebhookIntegration": {"webhookUri": url}}


async def test_an_agent_without_a_webhook_gets_one(stand_in, client, way):
    stand_in.play(
        {"integrations": [{"name": "x/integrations/2", "dialogflowCxIntegration": {}}]}, integration(CALLBACK)
    )
    await client.subscribe(way, AGENT)
    assert stand_in.lines == [f"GET {AT_AGENT}/integrations", f"POST {AT_AGENT}/integrations"]
    assert stand_in.asked[1].body == {"agentWebhookIntegration": HOOK}


async def test_an_agent_with_our_webhook_is_left_alone(stand_in, client, way):
    stand_in.play({"integrations": [integration(CALLBACK)]})
    await client.subscribe(way, AGENT)
    assert len(stand_in.asked) == 1


async def test_another_webhook_is_replaced(stand_in, client, way):
    stand_in.play({"integrations": [integration("https://old.example.com/")]}, integration(CALLBACK))
    await client.subscribe(way, AGENT)
    mask = "agentWebhookIntegration.webhookUri,agentWebhookIntegration.verificationToken"
    assert stand_in.lines[1].startswith(f"PATCH {AT_AGENT}/integrations/i-1?updateMask=")
    assert query_of(stand_in) == {"updateMask": mask}
    assert stand_in.asked[1].body == {"agentWebhookIntegration": HOOK}


async def test_without_an_address_nobody_is_subscribed(stand_in, clock, way):
    async with client_of(stand_in, clock, callback_url=None) as client:
        await client.subscribe(way, AGENT)
    assert (stand_in.asked, stand_in.granted) == ([], [])


# verification

CONTACT = {
    "partnerName": "Relay Ltd",
    "partnerEmailAddress": "ops@relay.example.com",
    "brandContactName": "Ana Example",
    "brandContactEmailAddress": "ana@example.com",
    "brandWebsiteUrl": "https://www.example.com",
}


@pytest.mark.parametrize(
    ("state", "contact", "expected"),
    [
        ("VERIFICATION_STATE_UNVERIFIED", CONTACT, Verification.UNVERIFIED),
        ("VERIFICATION_STATE_UNVERIFIED", None, Verification.UNREQUESTED),
        ("VERIFICATION_STATE_UNSPECIFIED", None, Verification.UNREQUESTED),
        ("VERIFICATION_STATE_PENDING", None, Verification.PENDING),
        ("VERIFICATION_STATE_VERIFIED", None, Verification.VERIFIED),
        ("VERIFICATION_STATE_SUSPENDED_IN_GMB", CONTACT, Verification.UNVERIFIED),
        ("VERIFICATION_STATE_SOMETHING_NEW", CONTACT, Verification.UNVERIFIED),
        (None, CONTACT, Verification.UNVERIFIED),
        (5, None, Verification.UNREQUESTED),
    ],
)
async def test_how_far_verification_is(stand_in, client, way, state, contact, expected):
    stand_in.play({"verificationState": state, "agentVerificationContact": contact})
    assert await client.verification(way, AGENT) is expected
    assert stand_in.lines == [f"GET {AT_AGENT}/verification"]


async def test_a_verification_that_is_not_found_was_not_requested_if_the_agent_is_there(stand_in, client, way):
    stand_in.play(NOT_FOUND, NAMED)
    assert await client.verification(way, AGENT) is Verification.UNREQUESTED
    stand_in.play(NOT_FOUND, NOT_FOUND)
    assert (await fault_in(client.verification(way, AGENT))).trouble is Trouble.AGENT_GONE


async def test_verification_is_requested_with_all_five_fields(stand_in, client, way):
    stand_in.play(NOT_FOUND, NAMED, {})
    await client.request_verification(way, AGENT, PROFILE, BUSINESS)
    assert stand_in.lines[2] == f"POST {AT_AGENT}:requestVerification"
    assert stand_in.asked[2].body == {"agentVerificationContact": CONTACT}


async def test_what_the_contact_does_not_say_is_taken_from_the_profile(stand_in, client, way):
    stand_in.play(NOT_FOUND, NAMED, {})
    await client.request_verification(way, AGENT, PROFILE, BusinessContact())
    assert stand_in.asked[2].body["agentVerificationContact"] == {
        "partnerName": "Acme Parcels",
        "partnerEmailAddress": "care@example.com",
        "brandContactName": "Acme Parcels",
        "brandContactEmailAddress": "care@example.com",
        "brandWebsiteUrl": "https://example.com",
    }
    stand_in.play(NOT_FOUND, NAMED, {})
    only_privacy = replace(PROFILE, websites=())
    await client.request_verification(way, AGENT, only_privacy, BusinessContact(partner={"name": "Ron"}))
    sent = stand_in.asked[-1].body["agentVerificationContact"]
    assert (sent["brandWebsiteUrl"], sent["partnerName"]) == ("https://example.com/privacy", "Ron")


@pytest.mark.parametrize(
    ("profile", "missing"),
    [
        (replace(PROFILE, emails=()), "e-mail address, or profile.emails"),
        (replace(PROFILE, websites=(), privacy_url=None, terms_of_service_url=None), "website, or profile.websites"),
        (replace(PROFILE, name=None), "name, or profile.name"),
    ],
)
async def test_what_is_still_missing_is_named(stand_in, client, way, profile, missing):
    found = await fault_in(client.request_verification(way, AGENT, profile, BusinessContact()))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.LAUNCH_INCOMPLETE)
    assert missing in found.detail
    assert stand_in.asked == []


@pytest.mark.parametrize("state", ["UNVERIFIED", "PENDING", "VERIFIED"])
async def test_a_verification_that_was_requested_is_not_requested_again(stand_in, client, way, state):
    stand_in.play({"verificationState": f"VERIFICATION_STATE_{state}", "agentVerificationContact": CONTACT})
    await client.request_verification(way, AGENT, PROFILE, BUSINESS)
    assert len(stand_in.asked) == 1


async def test_a_verification_that_another_call_requested_is_fine(stand_in, client, way):
    stand_in.play(NOT_FOUND, NAMED, EXISTS, NOT_FOUND, NAMED, refusal(400, "INVALID_ARGUMENT"))
    await client.request_verification(way, AGENT, PROFILE, BUSINESS)
    found = await fault_in(client.request_verification(way, AGENT, PROFILE, BUSINESS))
    assert found.trouble is Trouble.LAUNCH_INCOMPLETE


# launch


async def sent_launch(stand_in: GoogleStandIn, client: Any, way: Connection, profile: Profile, agent: Agent) -> Any:
    stand_in.play({})
    await client.request_launch(way, AGENT, profile, agent, [FI, IDEA])
    assert stand_in.lines[-1] == f"POST {AT_AGENT}:requestLaunch"
    launch = stand_in.asked[-1].body["agentLaunch"]["rcsBusinessMessaging"]
    assert launch["launchDetails"] == {FI: {}, IDEA: {}}
    return launch["questionnaire"]


async def test_a_launch_tells_the_reviewers_what_they_are_to_be_told(stand_in, client, way):
    questionnaire = await sent_launch(stand_in, client, way, PROFILE, RCS)
    access = questionnaire.pop("agentAccessInstructions")
    assert "ana@example.com" in access
    assert questionnaire == {
        "contacts": [{"name": "Ana Example", "title": "Product manager", "email": "ana@example.com"}],
        "optinDescription": "Box at checkout",
        "triggerDescription": "Parcel scan",
        "interactionsDescription": "Notices",
        "optoutDescription": "STOP",
        "videoUris": ["https://example.com/demo.mp4"],
        "screenshotUris": ["https://example.com/1.png"],
    }


async def test_a_launch_without_a_questionnaire_is_complete_all_the_same(stand_in, client, way):
    questionnaire = await sent_launch(stand_in, client, way, PROFILE, Agent())
    assert questionnaire["contacts"] == [{"name": "Acme Parcels", "title": "Contact", "email": "care@example.com"}]
    for name in ("triggerDescription", "interactionsDescription"):
        assert questionnaire[name] == "Delivery notices"
    assert "STOP" in questionnaire["optoutDescription"]
    assert questionnaire["agentAccessInstructions"]
    assert questionnaire.keys().isdisjoint({"optinDescription", "videoUris", "screenshotUris"})
    nameless = await sent_launch(stand_in, client, way, Profile(name="Acme"), Agent(review=Review()))
    assert nameless["triggerDescription"] == "Messages from Acme"
    assert nameless["contacts"] == [{"name": "Acme", "title": "Contact"}]
    assert nameless["agentAccessInstructions"]


@pytest.mark.parametrize("word", ["INVALID_ARGUMENT", "FAILED_PRECONDITION"])
async def test_a_launch_that_is_wanting_says_in_what(stand_in, client, way, word):
    detail = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": "questionnaire.video_uris", "description": "is required."}],
    }
    stand_in.play(refusal(400, word, "Bad launch", detail))
    found = await fault_in(client.request_launch(way, AGENT, PROFILE, RCS, [FI]))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, Trouble.LAUNCH_INCOMPLETE)
    assert "questionnaire.video_uris: is required." in found.detail


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("LAUNCH_STATE_UNSPECIFIED", CarrierStatus.NOT_LAUNCHED),
        ("LAUNCH_STATE_UNLAUNCHED", CarrierStatus.UNLAUNCHED),
        ("LAUNCH_STATE_PENDING", CarrierStatus.PENDING),
        ("LAUNCH_STATE_LAUNCHED", CarrierStatus.LAUNCHED),
        ("LAUNCH_STATE_REJECTED", CarrierStatus.REJECTED),
        ("LAUNCH_STATE_SUSPENDED", CarrierStatus.SUSPENDED),
        ("LAUNCH_STATE_PENDING_UNLAUNCH", CarrierStatus.LAUNCHED),
        ("LAUNCH_STATE_INVALID_IN_GMB", CarrierStatus.REJECTED),
        (None, CarrierStatus.NOT_LAUNCHED),
        ("LAUNCH_STATE_SOMETHING_NEW", None),
        (5, None),
    ],
)
async def test_what_a_launch_state_means(stand_in, client, way, state, status):
    stand_in.play({"rcsBusinessMessaging": {"launchDetails": {FI: {"launchState": state}}}})
    found = await client.verdicts(way, AGENT)
    assert found == ({} if status is None else {FI: Verdict(status, None, None)})
    assert stand_in.lines == [f"GET {AT_AGENT}/launch"]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-05-04T08:00:00Z", datetime(2026, 5, 4, 8, tzinfo=UTC)),
        ("2026-05-04T08:00:00.123456Z", datetime(2026, 5, 4, 8, 0, 0, 123456, UTC)),
        ("2026-05-04T08:00:00.123456789Z", datetime(2026, 5, 4, 8, 0, 0, 123456, UTC)),
        ("2026-05-04T10:00:00.5+02:00", datetime(2026, 5, 4, 8, 0, 0, 500000, UTC)),
        ("2026-05-04T08:00:00", None),
        ("yesterday", None),
        (5, None),
    ],
)
async def test_when_and_why_a_carrier_decided(stand_in, client, way, text, time):
    row = {"launchState": "LAUNCH_STATE_REJECTED", "comment": " Too vague\0 ", "updateTime": text}
    stand_in.play({"rcsBusinessMessaging": {"launchDetails": {FI: row, IDEA: 5}}})
    assert await client.verdicts(way, AGENT) == {FI: Verdict(CarrierStatus.REJECTED, "Too vague", time)}


@pytest.mark.parametrize("document", [{}, {"rcsBusinessMessaging": {}}, {"rcsBusinessMessaging": {"launchDetails": 5}}])
async def test_before_a_launch_there_are_no_verdicts(stand_in, client, way, document):
    stand_in.play(document, NOT_FOUND, NAMED, NOT_FOUND, NOT_FOUND)
    assert await client.verdicts(way, AGENT) == {}
    assert await client.verdicts(way, AGENT) == {}
    assert (await fault_in(client.verdicts(way, AGENT))).trouble is Trouble.AGENT_GONE


# retirement

LAUNCH = {
    "rcsBusinessMessaging": {
        "launchDetails": {
            FI: {"launchState": "LAUNCH_STATE_LAUNCHED"},
            IDEA: {"launchState": "LAUNCH_STATE_PENDING"},
            "/v1/regions/a": {"launchState": "LAUNCH_STATE_REJECTED"},
            "/v1/regions/b": {"launchState": "LAUNCH_STATE_SUSPENDED"},
            "/v1/regions/c": {"launchState": "LAUNCH_STATE_SOMETHING_NEW"},
        }
    }
}


async def test_a_retired_agent_is_taken_off_where_it_is_seen_and_put_away(stand_in, client, way):
    stand_in.play(LAUNCH, {}, {}, {})
    await client.retire(way, AGENT)
    off, archive = f"PATCH {AT_AGENT}/launch", f"PATCH {AT_AGENT}?updateMask=is_archived"
    assert stand_in.lines == [f"GET {AT_AGENT}/launch", off, off, archive]
    for asked, region in zip(stand_in.asked[1:3], (FI, IDEA), strict=True):
        details = {region: {"launchState": "LAUNCH_STATE_UNLAUNCHED"}}
        assert asked.body == {"rcsBusinessMessaging": {"launchDetails": details}}
    assert stand_in.asked[3].body == {"isArchived": True}


@pytest.mark.parametrize(
    "answers", [(LAUNCH, {}, REFUSED, REFUSED), (NOT_FOUND, NOT_FOUND), (LAUNCH, NOT_FOUND, NOT_FOUND, NOT_FOUND)]
)
async def test_what_google_does_not_allow_is_left_as_it_is(stand_in, client, way, answers):
    stand_in.play(*answers)
    await client.retire(way, AGENT)
    assert stand_in.answers == []


async def test_a_retirement_that_fails_is_told(stand_in, client, way):
    stand_in.play(LAUNCH, refusal(503, "UNAVAILABLE"))
    assert (await fault_in(client.retire(way, AGENT))).decision is Decision.RETRY
    stand_in.play({}, refusal(403, "PERMISSION_DENIED"))
    assert (await fault_in(client.retire(way, AGENT))).trouble is Trouble.ACCESS_DENIED


# testers


def invitee(status: object, phone: object = PHONE) -> dict[str, object]:
    return {"name": f"testers/{phone}", "agentId": AGENT, "phoneNumber": phone, "inviteStatus": status}


AT_TESTER = f"{ROOT}/testers/{PHONE}?agentId={AGENT}"
INVITE = f"POST {ROOT}/testers"


async def test_testers_are_read_page_by_page(stand_in, client, way):
    words = ["PENDING", "ACCEPTED", "DECLINED", "INVITE_STATUS_UNSPECIFIED", "NEW_WORD", None, ["x"]]
    rows = [invitee(word, f"+1555010000{n}") for n, word in enumerate(words)]
    stand_in.play({"testers": rows[:2], "nextPageToken": "2"}, {"testers": [*rows[2:], invitee("PENDING", 5), 7]})
    assert list((await client.testers(way, AGENT)).values()) == [
        rcs.TesterStatus.INVITED,
        rcs.TesterStatus.ACCEPTED,
        rcs.TesterStatus.DECLINED,
        *[rcs.TesterStatus.INVITED] * 4,
    ]
    assert stand_in.lines == [
        f"GET {ROOT}/testers?agentId={AGENT}",
        f"GET {ROOT}/testers?agentId={AGENT}&pageToken=2",
    ]
    stand_in.play({})
    assert await client.testers(way, AGENT) == {}


async def test_a_phone_is_invited(stand_in, client, way):
    stand_in.play(invitee("PENDING"))
    await client.invite(way, AGENT, PHONE)
    assert stand_in.lines == [INVITE]
    assert stand_in.asked[0].body == {"agentId": AGENT, "phoneNumber": PHONE}


@pytest.mark.parametrize("word", ["PENDING", "NEW_WORD"])
async def test_a_phone_that_has_not_answered_is_left_to_its_invitation(stand_in, client, way, word):
    stand_in.play(EXISTS, invitee(word))
    await client.invite(way, AGENT, PHONE)
    assert stand_in.lines == [INVITE, f"GET {AT_TESTER}"]


@pytest.mark.parametrize("seen", [invitee("ACCEPTED"), invitee("DECLINED"), NOT_FOUND])
@pytest.mark.parametrize("removed", [{}, NOT_FOUND])
async def test_a_phone_that_has_answered_is_asked_anew(stand_in, client, way, seen, removed):
    stand_in.play(EXISTS, seen, removed, invitee("PENDING"))
    await client.invite(way, AGENT, PHONE)
    assert stand_in.lines == [INVITE, f"GET {AT_TESTER}", f"DELETE {AT_TESTER}", INVITE]


@pytest.mark.parametrize(
    ("answer", "decision", "trouble", "after"),
    [
        (refusal(429, "RESOURCE_EXHAUSTED"), Decision.WAIT, Trouble.INVITATIONS_USED_UP, 86400),
        (refusal(429, "RESOURCE_EXHAUSTED", Retry_After="60"), Decision.WAIT, Trouble.INVITATIONS_USED_UP, 60),
        (NOT_FOUND, Decision.GIVE_UP, Trouble.PHONE_UNREACHABLE, None),
        (refusal(400, "INVALID_ARGUMENT"), Decision.GIVE_UP, Trouble.PHONE_UNREACHABLE, None),
        (refusal(503, "UNAVAILABLE"), Decision.RETRY, Trouble.NETWORK_UNAVAILABLE, None),
    ],
)
async def test_an_invitation_that_is_refused(stand_in, client, way, answer, decision, trouble, after):
    stand_in.play(answer)
    found = await fault_in(client.invite(way, AGENT, PHONE))
    assert (found.decision, found.trouble, found.after) == (decision, trouble, after)


async def test_a_tester_is_removed_or_was_none(stand_in, client, way):
    stand_in.play({}, NOT_FOUND)
    await client.remove_tester(way, AGENT, PHONE)
    await client.remove_tester(way, AGENT, PHONE)
    assert stand_in.lines == [f"DELETE {AT_TESTER}"] * 2


async def test_capabilities_are_asked_of_the_messaging_api(stand_in, clock, way):
    stand_in.play({"features": ["RICHCARD_STANDALONE", "SOMETHING_NEW", 5]}, {})
    async with client_of(stand_in, clock) as client:
        client._rpc._base_url = lambda _way: ("http://127.0.0.1:1", f"{stand_in.base_url}/")
        assert await client.capabilities(way, AGENT, PHONE) == ["RICHCARD_STANDALONE", "SOMETHING_NEW"]
        assert await client.capabilities(way, AGENT, PHONE) == []
    assert stand_in.lines[0].startswith(f"GET {ROOT}/phones/{PHONE}/capabilities?requestId=")
    first, second = query_of(stand_in, 0), query_of(stand_in, 1)
    assert first["agentId"] == AGENT
    assert first["requestId"] != second["requestId"]


@pytest.mark.parametrize(
    ("seen", "trouble"),
    [
        (invitee("PENDING"), Trouble.TESTER_NOT_READY),
        (invitee("DECLINED"), Trouble.TESTER_NOT_READY),
        (invitee("ACCEPTED"), Trouble.PHONE_UNREACHABLE),
        (NOT_FOUND, Trouble.PHONE_UNREACHABLE),
    ],
)
async def test_a_phone_that_is_not_found_may_only_not_have_accepted(stand_in, client, way, seen, trouble):
    stand_in.play(NOT_FOUND, seen)
    found = await fault_in(client.capabilities(way, AGENT, PHONE))
    assert (found.decision, found.trouble) == (Decision.GIVE_UP, trouble)
    assert (found.__cause__, found.__context__) == (None, None)


def test_the_tests_know_a_whole_review():
    assert None not in (REVIEW.opt_in, REVIEW.trigger, REVIEW.interactions, REVIEW.opt_out)
