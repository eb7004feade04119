"""An RCS sender's launch in Twilio's words: `compliance`, with the status of each country and carrier.

Naming countries in `compliance` submits the sender there: Twilio has no other call for it. Ids of registrations are
kept and given back; there are no registrations here that they could name.
"""

from collections.abc import Mapping
from typing import Any

from phonenumbers import SUPPORTED_REGIONS

from tabard.dialects.twilio import wire
from tabard.domain.agents.agent import Agent
from tabard.domain.agents.change import AgentChange
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.errors import InvalidInput
from tabard.domain.lifecycle import Status

_ISO = {"UK": "GB"}
"""Twilio's samples say UK, which ISO 3166-1 does not."""

COUNTRY_STATUSES: Mapping[CarrierStatus, wire.CountryStatusWord] = {
    CarrierStatus.NOT_LAUNCHED: "PENDING_VERIFICATION",
    CarrierStatus.PENDING: "PENDING_VERIFICATION",
    CarrierStatus.LAUNCHED: "ONLINE",
    CarrierStatus.REJECTED: "OFFLINE",
    CarrierStatus.SUSPENDED: "OFFLINE",
    CarrierStatus.UNLAUNCHED: "OFFLINE",
}

CARRIER_STATUSES: Mapping[CarrierStatus, wire.CarrierStatusWord] = {
    CarrierStatus.NOT_LAUNCHED: "UNLAUNCHED",
    CarrierStatus.PENDING: "CARRIER_REVIEW",
    CarrierStatus.LAUNCHED: "APPROVED",
    CarrierStatus.REJECTED: "REJECTED",
    CarrierStatus.SUSPENDED: "SUSPENDED",
    CarrierStatus.UNLAUNCHED: "UNLAUNCHED",
}


def agent_change(compliance: wire.Compliance | None) -> AgentChange:
    """Raises `InvalidInput`."""
    if compliance is None:
        return AgentChange()
    named = compliance.countries or ()
    countries = {_country(place, entry.country): entry.registration_sid for place, entry in enumerate(named)}
    registrations = {code: sid or None for code, sid in countries.items()}
    if compliance.registration_sid is not None:
        registrations[""] = compliance.registration_sid or None
    return AgentChange(
        countries=None if compliance.countries is None else tuple(countries),
        compliance=registrations,
        launch=bool(countries),
    )


def _country(place: int, code: str) -> str:
    iso = _ISO.get(code.upper(), code.upper())
    if iso not in SUPPORTED_REGIONS:
        raise InvalidInput(f"compliance.countries[{place}].country", f"{code} is no country of ISO 3166-1")
    return iso


def compliance_answer(agent: Agent, status: Status) -> dict[str, Any]:
    inherited = agent.compliance.get("", "")
    countries = [
        {
            "country": country.code,
            "registration_sid": agent.compliance.get(country.code, inherited) or None,
            "status": "TWILIO_REVIEW" if status is Status.PREPARING else COUNTRY_STATUSES[country.status],
            "carriers": [
                {"name": carrier.name, "status": CARRIER_STATUSES[carrier.status]} for carrier in country.carriers
            ],
        }
        for country in agent.shown_countries
    ]
    return {"registration_sid": inherited, "countries": countries}
