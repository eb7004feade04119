"""What Google and the carriers are told before they let an agent be seen, and how they answer.

Source: Google, RCS for Business: verification, launch (questionnaire, launch states), receive events.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from tabard.domain.agents.agent import Agent, BusinessContact
from tabard.domain.agents.launch import CarrierStatus, Verdict
from tabard.domain.profile import Contact, Profile
from tabard.domain.sender import Trouble
from tabard.networks.calls import Document
from tabard.networks.google.wire import LaunchState, VerificationState
from tabard.ports.networks import Decision, NetworkFault, Verification

STATES: Mapping[str, CarrierStatus] = MappingProxyType(
    {
        LaunchState.UNSPECIFIED: CarrierStatus.NOT_LAUNCHED,
        LaunchState.UNLAUNCHED: CarrierStatus.UNLAUNCHED,
        LaunchState.PENDING: CarrierStatus.PENDING,
        LaunchState.LAUNCHED: CarrierStatus.LAUNCHED,
        LaunchState.REJECTED: CarrierStatus.REJECTED,
        LaunchState.SUSPENDED: CarrierStatus.SUSPENDED,
        # No longer in use; an agent whose end is under review is still seen.
        "LAUNCH_STATE_PENDING_UNLAUNCH": CarrierStatus.LAUNCHED,
        "LAUNCH_STATE_INVALID_IN_GMB": CarrierStatus.REJECTED,
    }
)

VERIFICATIONS: Mapping[str, Verification] = MappingProxyType(
    {
        VerificationState.UNVERIFIED: Verification.UNVERIFIED,
        VerificationState.PENDING: Verification.PENDING,
        VerificationState.VERIFIED: Verification.VERIFIED,
    }
)


def verification_of(document: Document) -> Verification:
    """Google starts to look only after a launch is requested: until then UNVERIFIED says nothing, the contact does."""
    known = VERIFICATIONS.get(str(document.get("verificationState")), Verification.UNVERIFIED)
    if known is Verification.UNVERIFIED and not document.get("agentVerificationContact"):
        return Verification.UNREQUESTED
    return known


def verification_contact(profile: Profile, contact: BusinessContact) -> dict[str, str]:
    """Whom Google asks. Raises `NetworkFault` that names what is to be supplied."""
    partner = contact.partner or {}
    name, email = _name(profile, contact), _email(profile, contact)
    wanted = {
        "brandContactName": (name, "the contact's name, or profile.name"),
        "brandContactEmailAddress": (email, "the contact's e-mail address, or profile.emails"),
        "brandWebsiteUrl": (_website(profile, contact), "the contact's website, or profile.websites"),
        "partnerName": (partner.get("company") or partner.get("name") or profile.name or name, "the partner's company"),
        "partnerEmailAddress": (partner.get("email") or email, "the partner's e-mail address"),
    }
    missing = [what for value, what in wanted.values() if not value]
    if missing:
        detail = f"Google's verification of the business still needs {'; '.join(missing)}"
        raise NetworkFault(Decision.GIVE_UP, Trouble.LAUNCH_INCOMPLETE, detail)
    return {field: value or "" for field, (value, _) in wanted.items()}


def launch(profile: Profile, agent: Agent, regions: Collection[str]) -> dict[str, object]:
    """The request to launch in the regions. What the reviewers were not told is said in words that hold for every
    agent: a launch may come from a dialect that does not ask for them."""
    review, contact = agent.review, agent.contact
    email = _email(profile, contact)
    what = profile.description or f"Messages from {profile.name}"
    person = {"name": _name(profile, contact), "title": contact.title or "Contact", "email": email}
    told = {
        "optinDescription": review.told("opt_in"),
        "triggerDescription": review.told("trigger") or what,
        "interactionsDescription": review.told("interactions") or what,
        "optoutDescription": review.told("opt_out") or "The recipient answers STOP.",
        "agentAccessInstructions": (
            f"Send the phone number of a test device to {email}: the device is then invited as a tester of the agent."
            if email
            else "The agent is open to test devices: invite one in the RCS for Business console."
        ),
        "videoUris": list(review.videos),
        "screenshotUris": list(review.screenshots),
    }
    questionnaire: dict[str, object] = {"contacts": [{key: value for key, value in person.items() if value}]}
    questionnaire |= {key: value for key, value in told.items() if value}
    details: dict[str, object] = {region: {} for region in regions}
    return {"agentLaunch": {"rcsBusinessMessaging": {"questionnaire": questionnaire, "launchDetails": details}}}


def verdicts_of(document: Document) -> dict[str, Verdict]:
    """By region. One whose state we do not know is left out, so that what was known of it stays."""
    found = {}
    for region, row in _regions(document).items():
        status = STATES.get(str(row.get("launchState") or LaunchState.UNSPECIFIED))
        if status is not None:
            found[region] = Verdict(status, _remark(row.get("comment")), _time(row.get("updateTime")))
    return found


def withdrawals(document: Document) -> list[dict[str, object]]:
    """The changes that take the agent off the carriers that show it, and out of the reviews that are under way.

    Two, because Google's guide gives a partner the first for certain: if the second is refused, the first holds.
    """
    changes: list[dict[str, object]] = []
    for state in (LaunchState.LAUNCHED, LaunchState.PENDING):
        found = [region for region, row in _regions(document).items() if row.get("launchState") == state]
        if found:
            details = {region: {"launchState": LaunchState.UNLAUNCHED} for region in found}
            changes.append({"rcsBusinessMessaging": {"launchDetails": details}})
    return changes


def _regions(document: Document) -> dict[str, Mapping[str, Any]]:
    launch_detail = document.get("rcsBusinessMessaging")
    details = launch_detail.get("launchDetails") if isinstance(launch_detail, dict) else None
    return {k: v for k, v in details.items() if isinstance(v, dict)} if isinstance(details, dict) else {}


def _name(profile: Profile, contact: BusinessContact) -> str | None:
    return contact.name or profile.name


def _email(profile: Profile, contact: BusinessContact) -> str | None:
    return contact.email or _first(profile.emails)


def _website(profile: Profile, contact: BusinessContact) -> str | None:
    return contact.website or _first(profile.websites) or profile.privacy_url or profile.terms_of_service_url


def _first(contacts: Collection[Contact]) -> str | None:
    return next((contact.value for contact in contacts), None)


def _remark(comment: object) -> str | None:
    """PostgreSQL keeps no NUL."""
    return comment.replace("\0", "").strip() or None if isinstance(comment, str) else None


def _time(text: object) -> datetime | None:
    """RFC 3339, with up to nine digits of a second; Python keeps six."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None else None
