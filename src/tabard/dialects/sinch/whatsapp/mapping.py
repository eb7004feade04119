"""Sinch's requests for WhatsApp senders as commands of ours."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import phonenumbers

from tabard.app.senders import NewSender
from tabard.dialects.sinch.errors import invalid_input
from tabard.dialects.sinch.reading import read_states, read_value
from tabard.dialects.sinch.whatsapp import refusals, states, wire
from tabard.dialects.sinch.whatsapp.refusals import refused
from tabard.domain.draft import Edit
from tabard.domain.lifecycle import Channel
from tabard.domain.profile import Contact, Profile, Vertical
from tabard.domain.sender import Registration, Sender
from tabard.ports.stores import Wanted

VERTICALS: Mapping[wire.VerticalWord, Vertical] = MappingProxyType(
    {
        "ALCOHOL": Vertical.ALCOHOL,
        "AUTOMOTIVE": Vertical.AUTOMOTIVE,
        "BEAUTY_SPA_SALON": Vertical.BEAUTY,
        "CLOTHING_AND_APPAREL": Vertical.CLOTHING,
        "EDUCATION": Vertical.EDUCATION,
        "ENTERTAINMENT": Vertical.ENTERTAINMENT,
        "EVENT_PLANNING_AND_SERVICE": Vertical.EVENT_PLANNING,
        "FINANCE_AND_BANKING": Vertical.FINANCE,
        "FOOD_AND_GROCERY": Vertical.GROCERY,
        "HOTEL_AND_LODGING": Vertical.HOTEL,
        "MEDICAL_AND_HEALTH": Vertical.MEDICAL,
        "NON_PROFIT": Vertical.NON_PROFIT,
        "ONLINE_GAMBLING": Vertical.ONLINE_GAMBLING,
        "OTC_DRUGS": Vertical.OTC_DRUGS,
        "OTHER": Vertical.OTHER,
        "PHYSICAL_GAMBLING": Vertical.PHYSICAL_GAMBLING,
        "PROFESSIONAL_SERVICES": Vertical.PROFESSIONAL_SERVICES,
        "PUBLIC_SERVICE": Vertical.GOVERNMENT,
        "RESTAURANT": Vertical.RESTAURANT,
        "SHOPPING_AND_RETAIL": Vertical.RETAIL,
        "TRAVEL_AND_TRANSPORTATION": Vertical.TRAVEL,
    }
)

_BUSINESS_MANAGERS: Mapping[wire.RegionWord, Sequence[wire.BusinessManagerWord]] = MappingProxyType(
    {"BR": ("SINCH_BR", "SINCH_MX"), "EU": ("SINCH_UK",), "US": ("SINCH_BR", "SINCH_MX", "SINCH_UK")}
)

_LEAVES: Mapping[str, str] = MappingProxyType(
    {
        "displayName": "name",
        "vertical": "vertical",
        "description": "description",
        "address": "address",
        "about": "about",
        "photoUrl": "logo_url",
    }
)
"""What needs no more than another name. E-mail and websites are lists in the domain."""


# a new sender


@dataclass(frozen=True, slots=True)
class Form:
    """One of the bodies that make a sender: which fields it must have, and which it may."""

    name: str
    needs: Collection[str]
    takes: Collection[str] = ()
    details_need: Collection[str] = ()
    details_take: Collection[str] = ()

    def problems(self, given: Mapping[str, Any]) -> list[str]:
        details = given.get("details", {})
        return [
            *(f"{name} should not be empty in {self.name}" for name in self.needs if name not in given),
            *(f"{name} should not exist in {self.name}" for name in given.keys() - {*self.needs, *self.takes}),
            *(f"details.{name} should not be empty" for name in self.details_need if name not in details),
            *(
                f"details.{name} should not exist in {self.name}"
                for name in details.keys() - {*self.details_need, *self.details_take}
            ),
        ]


_PLACE = ("region", "metaLocalStorage")
_NUMBER = ("displayName", "countryCode", "phoneNumber")
EMBEDDED_SIGNUP = Form(
    "an embedded signup", ("wabaId", "phoneNumberId"), (*_PLACE, "businessManager", "authenticationCode")
)
_PHONE_PROVISIONING = Form("a phone provisioning", ("details",), _PLACE, _NUMBER)
_PARTNER_INITIATED = Form(
    "a partner-initiated sender",
    ("phoneNumberProvider", "details"),
    (*_PLACE, "businessManager", "status", "saveDraftOnFailure"),
    (*_NUMBER, "vertical"),
    ("description", "email", "address", "websiteOne", "websiteTwo", "about", "photoUrl"),
)
_FORMER = ("facebookAccessToken", "facebookCode", "name")


def read_new_sender(content: dict[str, Any]) -> tuple[Form, wire.CreateWhatsAppSender]:
    """Raises `Refusal`: invalid_input, invalid_business_manager."""
    former = [name for name in _FORMER if name in content]
    if former:
        text = "is of a form that Sinch has given up: send wabaId and phoneNumberId, or phoneNumberProvider and details"
        raise invalid_input([f"{name} {text}" for name in former])
    given = {name: value for name, value in content.items() if value is not None}
    request = read_value(wire.CreateWhatsAppSender, given)
    if request.details is not None:
        given["details"] = {name: value for name, value in given["details"].items() if value is not None}
    form = _form_of(given)
    problems = form.problems(given)
    if problems:
        raise invalid_input(sorted(problems))
    _check_business_manager(request)
    return form, request


def _form_of(given: Mapping[str, Any]) -> Form:
    """Raises `Refusal` (invalid_input)."""
    if given.keys() & {"phoneNumberProvider", "status", "saveDraftOnFailure"}:
        return _PARTNER_INITIATED
    if given.keys() & {"wabaId", "phoneNumberId", "authenticationCode"}:
        return EMBEDDED_SIGNUP
    if "details" in given:
        return _PHONE_PROVISIONING
    raise invalid_input(["send wabaId and phoneNumberId, or details, or phoneNumberProvider and details"])


def _check_business_manager(request: wire.CreateWhatsAppSender) -> None:
    if request.region is None or request.business_manager is None:
        return
    serving = _BUSINESS_MANAGERS[request.region]
    if request.business_manager not in serving:
        text = f"{request.business_manager} does not serve the region {request.region}."
        raise refused(refusals.INVALID_BUSINESS_MANAGER, text, supportedValues=", ".join(serving))


def signed_up_sender(request: wire.CreateWhatsAppSender, address: str, display_name: str) -> NewSender:
    return NewSender(
        channel=Channel.WHATSAPP,
        address=address,
        registration=Registration(business_account=request.business_account, verification_method=None),
        profile=Profile(name=display_name),
    )


def detailed_sender(request: wire.CreateWhatsAppSender) -> NewSender:
    """Raises `Refusal` (invalid_input)."""
    details = request.details or wire.NewWhatsAppDetails()
    return NewSender(
        channel=Channel.WHATSAPP,
        address=_address(details.country_code or "", details.phone_number or ""),
        registration=Registration(verification_method=None),
        profile=edit(details)(Profile()),
        draft=request.status == "DRAFT",
    )


def _address(country_code: str, number: str) -> str:
    """By libphonenumber, which knows where a national number is written with a zero that is none of it."""
    calling_code = country_code.removeprefix("+")
    try:
        parsed = phonenumbers.parse(f"+{calling_code}{number}")
    except phonenumbers.NumberParseException:
        problem = (
            "must be a phone number without its country code, and details.countryCode the calling code of a country"
        )
        raise invalid_input([f"details.phoneNumber {problem}"]) from None
    if parsed.country_code != int(calling_code):
        raise invalid_input([f"details.countryCode must be a country's calling code, and +{calling_code} is none"])
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


# changes


def edit(details: wire.NewWhatsAppDetails | wire.UpdateWhatsAppDetails | None) -> Edit:
    """What the details make of a profile."""
    given = {} if details is None else details.given()

    def edited(profile: Profile) -> Profile:
        leaves: dict[str, Any] = {_LEAVES[name]: value for name, value in given.items() if name in _LEAVES}
        if leaves.get("vertical") is not None:
            leaves["vertical"] = VERTICALS[leaves["vertical"]]
        if "email" in given:
            leaves["emails"] = () if given["email"] is None else (Contact(given["email"], "Email"),)
        if given.keys() & {"websiteOne", "websiteTwo"}:
            leaves["websites"] = _websites(profile, given)
        return profile.changed(leaves)

    return edited


def _websites(profile: Profile, given: Mapping[str, str | None]) -> tuple[Contact, ...]:
    """The second moves up where the first is deleted."""
    websites = []
    for place, name in enumerate(("websiteOne", "websiteTwo")):
        kept = profile.websites[place] if place < len(profile.websites) else None
        url = given.get(name, kept.value if kept is not None else None)
        if url is not None:
            websites.append(kept if kept is not None and kept.value == url else Contact(url, "Website"))
    return tuple(websites)


def require_updatable(sender: Sender, request: wire.UpdateWhatsAppSender) -> None:
    """Raises `Refusal`."""
    state, changes = states.state_of(sender), states.changes_of(sender)
    if state not in {None, "ACTIVE"}:
        raise refused(refusals.NOT_UPDATABLE, f"The sender is {state}.")
    if changes not in {None, "DRAFT", "REJECTED"}:
        raise refused(refusals.CHANGES_NOT_UPDATABLE, f"The sender's changes are {changes}.")
    waits = request.status == "SUBMIT" and changes is not None
    if not waits and (request.details is None or not request.details.model_fields_set):
        raise refused(refusals.NO_FIELDS, "The request names no field to update.")


def require_deletable_changes(sender: Sender) -> None:
    """Raises `Refusal`."""
    match states.changes_of(sender):
        case None:
            raise refused(refusals.CHANGES_NOT_FOUND, "The sender has no changes.")
        case "IN_PROGRESS":
            raise refused(refusals.CHANGES_NOT_DELETABLE, "The sender's changes are IN_PROGRESS.")
        case _:
            return


# lists


def wanted(pairs: Sequence[tuple[str, str]]) -> Wanted:
    """Raises `Refusal` (invalid_filter_states)."""
    in_state = read_states(pairs, "filterStates", states.IN_STATE)
    with_changes = read_states(pairs, "filterStatuses", states.WITH_CHANGES)
    both = [statuses for statuses in (in_state, with_changes) if statuses is not None]
    return Wanted(Channel.WHATSAPP, statuses=frozenset.intersection(*both) if both else None)
