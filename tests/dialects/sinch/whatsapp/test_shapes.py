"""What shows of a sender at each station of its life: `changes` alone, `state` and `details`, or all three."""

import base64
from dataclasses import replace
from typing import get_args

import pytest

from tabard.dialects.sinch.whatsapp import answers, mapping, states
from tabard.dialects.sinch.whatsapp.wire import (
    ChangesWord,
    ErrorWord,
    LimitWord,
    NameWord,
    QualityWord,
    StateWord,
    VerticalWord,
    WhatsAppSenderAnswer,
)
from tabard.domain.lifecycle import TABLES, Channel, Status
from tabard.domain.profile import Vertical
from tabard.domain.sender import UNLIMITED, Link, NameChange, NameReview, Quality, Reason, Trouble
from tests.dialects.sinch.whatsapp.samples import ACTIVE, new
from tests.support.sinch_service import NOON

DRAFT = replace(ACTIVE.profile, about="Bread since last night")


def offline(trouble, **leaves):
    return {"offline_reasons": (Reason(trouble, "because"),), "status": Status.OFFLINE, **leaves}


SHAPES = {
    "draft": (new(Status.DRAFT), None, "DRAFT", False),
    "creating": (new(), None, "IN_PROGRESS", False),
    "waiting for a code": (new(Status.PENDING_VERIFICATION), "PENDING_VERIFICATION", "IN_PROGRESS", False),
    "verifying": (new(Status.VERIFYING), "IN_PROGRESS", "IN_PROGRESS", False),
    "registering": (new(Status.VERIFYING, link=Link("1", registered=True)), "IN_PROGRESS", "IN_PROGRESS", True),
    "active": (ACTIVE, "ACTIVE", None, True),
    "active, with a draft": (replace(ACTIVE, draft=DRAFT), "ACTIVE", "DRAFT", True),
    "updating": (replace(ACTIVE, status=Status.UPDATING), "ACTIVE", "IN_PROGRESS", True),
    "updating, with a draft": (replace(ACTIVE, status=Status.UPDATING, draft=DRAFT), "ACTIVE", "DRAFT", True),
    "rejected": (new(**offline(Trouble.NUMBER_TAKEN)), None, "REJECTED", False),
    "rejected, with a draft": (new(**offline(Trouble.NUMBER_TAKEN), draft=DRAFT), None, "DRAFT", False),
    "failed": (new(**offline(Trouble.ACCESS_DENIED)), None, "ERROR", False),
    "failed by something new": (new(**offline(Trouble.STUCK)), None, "ERROR", False),
    "failed without a reason": (new(Status.OFFLINE), None, "ERROR", False),
    "banned": (replace(ACTIVE, **offline(Trouble.NUMBER_BANNED)), "SUSPENDED", None, True),
    "lost": (replace(ACTIVE, **offline(Trouble.NUMBER_GONE)), "ERROR", None, True),
    "banned, with a draft": (
        replace(ACTIVE, **offline(Trouble.NUMBER_BANNED), draft=DRAFT),
        "SUSPENDED",
        "DRAFT",
        True,
    ),
    "deleted": (replace(ACTIVE, status=Status.RETIRING), "INACTIVE", None, True),
    "deleted before it was active": (new(Status.RETIRING), "INACTIVE", None, True),
}


def written(service, sender):
    answer = answers.writer(service.services)(sender)
    assert WhatsAppSenderAnswer.model_validate(answer).model_dump(exclude_unset=True, by_alias=True) == answer
    return answer


@pytest.mark.parametrize("name", SHAPES)
def test_shape(service, name):
    sender, state, changes, has_details = SHAPES[name]
    answer = written(service, sender)
    assert answer.get("state") == state
    assert answer.get("changes", {}).get("status") == changes
    assert ("details" in answer) is has_details
    if changes is not None:
        assert answer["changes"]["details"]["about"] == (sender.draft or sender.profile).about


def test_every_status_has_a_shape():
    known = {status for status, _ in TABLES[Channel.WHATSAPP]}
    assert known <= {sender.status for sender, *_ in SHAPES.values()}


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_is_told(service, trouble):
    refused = written(service, new(**offline(trouble)))["changes"]
    assert (refused["errorReason"], refused["errorCode"]) == ("because", states.failure_of(Reason(trouble, "")).code)
    assert refused["status"] in {"REJECTED", "ERROR"}
    assert written(service, replace(ACTIVE, **offline(trouble)))["state"] in {"SUSPENDED", "ERROR"}
    silent = new(status=Status.OFFLINE, offline_reasons=(Reason(trouble, ""),))
    assert written(service, silent)["changes"]["errorReason"] == trouble.replace("_", " ")


def test_what_a_sender_waits_for_is_told(service):
    wrong = Reason(Trouble.CODE_REJECTED, "The code is wrong")
    changes = written(service, new(Status.PENDING_VERIFICATION, offline_reasons=(wrong,)))["changes"]
    assert (changes["status"], changes["errorReason"]) == ("IN_PROGRESS", "The code is wrong")
    assert changes["errorCode"] == "NOT_VERIFIED_REQUESTED_PHONE_NUMBER"


def test_what_every_sender_has(service):
    for sender, *_ in SHAPES.values():
        answer = written(service, sender)
        assert (answer["region"], answer["metaLocalStorage"], answer["cloudApi"]) == ("US", "US", True)
        assert (answer["businessManager"], answer["compatibleRegions"]) == ("UNRECOGNIZED", ["br", "eu", "us"])
        assert None not in answer.values()
        assert (answer["created"], answer["modified"]) == ("2026-11-20T12:00:00.000Z",) * 2
        assert (answer["countryCode"], answer["phoneNumber"]) == ("1", "5550100101")


def test_the_token_is_the_senders_own_for_ever(service):
    token = written(service, ACTIVE)["bearerToken"]
    assert written(service, replace(ACTIVE, draft=DRAFT))["bearerToken"] == token
    assert written(service, replace(ACTIVE, id=service.sender))["bearerToken"] != token
    assert base64.urlsafe_b64decode(f"{token}=") == service.services.vault.derive(f"whatsapp-token:{ACTIVE.id}")


@pytest.mark.parametrize(
    ("address", "split"),
    [
        ("+15550100101", ("1", "5550100101")),
        ("+442079460123", ("44", "2079460123")),
        ("+390612345678", ("39", "0612345678")),
        ("+35312345678", ("353", "12345678")),
        ("+12", ("1", "2")),
    ],
)
def test_any_number_is_split(service, address, split):
    answer = written(service, replace(ACTIVE, address=address))
    assert (answer["countryCode"], answer["phoneNumber"]) == split


@pytest.mark.parametrize("review", NameReview)
def test_every_review_is_told(service, review):
    change = NameChange("Example Cafe", review, NOON, "too much like another")
    name = written(service, replace(ACTIVE, name_change=change))["metadata"]["displayName"]
    assert (name["value"], name["rejectionReason"]) == ("Example Cafe", "too much like another")
    assert name["status"] in get_args(NameWord)


def test_quality_and_limit(service):
    for quality, word in zip(Quality, ("GREEN", "YELLOW", "RED", "UNKNOWN"), strict=True):
        assert written(service, replace(ACTIVE, quality=quality))["qualityRating"] == word
    limits = {50: "TIER_50", 1000: "TIER_1K", UNLIMITED: "TIER_UNLIMITED", 3: "UNRECOGNIZED"}
    for limit, word in limits.items():
        assert written(service, replace(ACTIVE, messaging_limit=limit))["dailyLimit"] == word
    fresh = written(service, new())
    assert "qualityRating" not in fresh
    assert "dailyLimit" not in fresh


def test_a_banned_business_account_shows(service):
    answer = written(service, replace(ACTIVE, **offline(Trouble.ACCOUNT_BANNED)))
    assert (answer["wabaBanState"], answer["wabaBanDate"]) == ("DISABLE", "2026-11-20T12:00:00.000Z")
    assert "wabaBanState" not in written(service, replace(ACTIVE, **offline(Trouble.NUMBER_BANNED)))


def test_words_lead_both_ways():
    assert set(mapping.VERTICALS) == set(get_args(VerticalWord))
    assert set(answers.VERTICAL_WORDS) == set(Vertical)
    for word, vertical in mapping.VERTICALS.items():
        assert answers.VERTICAL_WORDS[vertical] == word
    assert answers.VERTICAL_WORDS[Vertical.MATRIMONY] == "OTHER"
    assert set(states.IN_STATE) == set(get_args(StateWord))
    assert set(states.WITH_CHANGES) == set(get_args(ChangesWord))
    assert {failure.code for failure in states.FAILURES.values()} | {"UNKNOWN_ERROR"} == set(get_args(ErrorWord))
    assert set(answers._LIMITS.values()) | {"UNRECOGNIZED"} == set(get_args(LimitWord))
    assert set(answers._QUALITIES.values()) == set(get_args(QualityWord))
    assert set(answers._NAME_REVIEWS.values()) == set(get_args(NameWord))
