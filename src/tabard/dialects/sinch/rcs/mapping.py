"""Sinch's words for RCS senders, and what a request asks of us: bodies into commands."""

import base64
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from tabard.app.senders import NewSender
from tabard.dialects.sinch.rcs import wire
from tabard.dialects.sinch.reading import listed, read_query, read_sender_id, read_states
from tabard.domain.agents.agent import Agent, Billing, DataRegion, TesterStatus
from tabard.domain.agents.change import AgentChange
from tabard.domain.change import SenderChange
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.profile import Contact, Profile, UseCase
from tabard.http.surface import Call
from tabard.ports.stores import SortBy, Wanted

STATES: Mapping[Status, wire.StateWord] = {
    Status.DRAFT: "DRAFT",
    Status.CREATING: "IN_PROGRESS",
    Status.TESTING: "IN_TEST",
    Status.PREPARING: "PREPARING_LAUNCH",
    Status.LAUNCHING: "LAUNCHING",
    Status.ONLINE: "LAUNCHED",
    Status.UPDATING: "LAUNCHED",
    Status.OFFLINE: "UNLAUNCHED",
}
"""No RCS sender that is shown has another status."""

_STATUSES: Mapping[str, Iterable[Status]] = {
    word: [status for status, named in STATES.items() if named == word] for word in get_args(wire.StateWord)
}

USE_CASES: Mapping[wire.UseCaseWord, UseCase] = {
    "MULTIUSE": UseCase.MULTI_USE,
    "OTP": UseCase.OTP,
    "PROMOTIONAL": UseCase.PROMOTIONAL,
    "TRANSACTIONAL": UseCase.TRANSACTIONAL,
}
USE_CASE_WORDS: Mapping[UseCase, wire.UseCaseWord] = {use_case: word for word, use_case in USE_CASES.items()}

TESTERS: Mapping[TesterStatus, wire.TestNumberWord] = {
    TesterStatus.WAITING: "PENDING",
    TesterStatus.INVITED: "UNVERIFIED",
    TesterStatus.ACCEPTED: "VERIFIED",
    TesterStatus.DECLINED: "DECLINED",
    TesterStatus.UNREACHABLE: "INVALID",
}
"""One that is leaving is shown to nobody."""

_SORT_COLUMNS = {
    "CREATED": SortBy.CREATED,
    "MODIFIED": SortBy.MODIFIED,
    "NAME": SortBy.NAME,
    "STATE": SortBy.STATUS,
}

BRAND: Mapping[str, str] = {
    "emails": "emails",
    "phones": "phone_numbers",
    "websites": "websites",
    "color": "accent_color",
    "description": "description",
    "bannerUrl": "banner_url",
    "logoUrl": "logo_url",
    "privacyPolicyUrl": "privacy_url",
    "termsOfServiceUrl": "terms_of_service_url",
    "name": "name",
}
"""Leaves of the profile by Sinch's names, in Sinch's order."""
CONTACTS = {"emails": "address", "phones": "number", "websites": "url"}
"""What Sinch calls the value of an entry."""
GENERAL: Mapping[str, str] = {
    "optInDescription": "opt_in",
    "triggerDescription": "trigger",
    "interactionsDescription": "interactions",
    "optOutDescription": "opt_out",
    "videoUris": "videos",
    "screenshotUris": "screenshots",
}
"""Leaves of the review."""
METADATA = "Metadata"
"""Ends the name of what is said about an answer."""
PARTNER = {"companyName": "company", "contactName": "name", "contactEmailAddress": "email"}
COUNTRY_SECTIONS = {"gb": "GB", "fr": "FR", "us": "US"}

_DEFAULT_BRAND = {"name": "RCS Sender", "color": "#000000"}
_LISTS = {"videoUris", "screenshotUris"}
_LONGEST_SLUG = 40


# requests


def new_sender(request: wire.RcsSenderInput) -> NewSender:
    details = request.given().get("details", {})
    profile = brand_leaves({**_DEFAULT_BRAND, **details.get("brand", {})})
    return NewSender(
        channel=Channel.RCS,
        address=_new_address(str(profile["name"])),
        profile=Profile(**profile, use_case=USE_CASES[request.use_case]),
        agent=Agent(data_region=DataRegion(request.region.lower()), billing=Billing(request.billing_category.lower())),
        agent_change=_agent_change(details),
    )


def sender_change(details: Mapping[str, Any]) -> SenderChange:
    """`details` as the caller wrote it."""
    return SenderChange(profile=brand_leaves(details.get("brand", {})), agent=_agent_change(details))


def names_a_field(details: Mapping[str, Any]) -> bool:
    """Whether anything is to be changed: objects that hold nothing ask for nothing."""
    return any(
        names_a_field(value) if isinstance(value, Mapping) else name != "questions" for name, value in details.items()
    )


def wanted_senders(call: Call) -> Wanted:
    """Raises `Refusal`: invalid_filter_states, invalid_id_format, invalid_input."""
    statuses = read_states(call.query_pairs, "filterStates", _STATUSES)
    ids = [read_sender_id(text) for text in listed(call.query_pairs, "filterSenderIds")]
    query = read_query(wire.RcsSendersQuery, call.query_pairs, lists=["filterStates"])
    wanted_ids = frozenset(ids) if ids else None
    return Wanted(
        channel=Channel.RCS,
        statuses=statuses,
        ids=frozenset() if query.filter_conversation_api_app_id else wanted_ids,
        text=query.search or query.filter_sender_name,
        sort_by=_SORT_COLUMNS[query.sort_column],
        descending=query.sort_direction == "DESC",
    )


def brand_leaves(brand: Mapping[str, Any]) -> dict[str, Any]:
    return {BRAND[name]: _contacts(name, value) if name in CONTACTS else value for name, value in brand.items()}


def _contacts(name: str, entries: Iterable[Mapping[str, str]] | None) -> tuple[Contact, ...]:
    return tuple(Contact(entry[CONTACTS[name]], entry["label"]) for entry in entries or ())


def _agent_change(details: Mapping[str, Any]) -> AgentChange:
    sections = {name: section["answers"] for name, section in details.get("questionnaire", {}).items()}
    return AgentChange(
        countries=tuple(details["countries"] or ()) if "countries" in details else None,
        testers=tuple(details["testNumbers"] or ()) if "testNumbers" in details else None,
        review=_review(sections.get("general", {})),
        contact=_contact(sections.get("verification", {})),
        local_answers={
            country: _local(sections[name]) for name, country in COUNTRY_SECTIONS.items() if sections.get(name)
        },
    )


def _review(answers: Mapping[str, Any]) -> dict[str, Any]:
    leaves = {
        GENERAL[name]: tuple(value or ()) if name in _LISTS else value
        for name, value in answers.items()
        if name in GENERAL
    }
    separators = {
        GENERAL[name.removesuffix(METADATA)]: (value or {}).get("ignore")
        for name, value in answers.items()
        if name.endswith(METADATA) and value != {}
    }
    return {**leaves, "separators": separators} if separators else leaves


def _contact(answers: Mapping[str, Any]) -> dict[str, Any]:
    leaves = dict(answers)
    if leaves.get("partner") is not None:
        leaves["partner"] = {PARTNER[name]: value for name, value in leaves["partner"].items()}
    return leaves


def _local(answers: Mapping[str, Any]) -> dict[str, Any]:
    """As it was given; a text's metadata without anything to ignore are none."""
    return {
        name: None if name.endswith(METADATA) and (value or {}).get("ignore") is None else value
        for name, value in answers.items()
        if value != {}
    }


def _new_address(name: str) -> str:
    """A name for the agent that people recognise, and that no other agent has."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST_SLUG].strip("-")
    return f"{slug or 'sender'}-{base64.b32encode(secrets.token_bytes(5)).decode().lower()}"
