"""An RCS sender as Sinch shows it: plain dictionaries in the order of Sinch's samples, ready for `orjson`."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from tabard.app.services import Services
from tabard.dialects.sinch.rcs import questionnaire
from tabard.dialects.sinch.rcs.mapping import BRAND, CONTACTS, STATES, TESTERS, USE_CASE_WORDS
from tabard.dialects.sinch.writing import given, moment
from tabard.domain.agents.agent import Agent, Tester
from tabard.domain.agents.launch import Carrier, Country
from tabard.domain.ids import SenderId
from tabard.domain.profile import Profile, UseCase
from tabard.domain.sender import Sender

Write = Callable[[Sender], dict[str, Any]]


def writer(services: Services) -> Write:
    """What writes senders of this service."""

    def write(sender: Sender) -> dict[str, Any]:
        return _sender_answer(sender, auth_token(services, sender.id))

    return write


def auth_token(services: Services, sender_id: SenderId) -> str:
    """The sender's own for ever: made again each time, kept nowhere."""
    return base64.urlsafe_b64encode(services.vault.derive(f"rcs-token:{sender_id}")).decode().rstrip("=")


def tester_answer(tester: Tester) -> dict[str, Any]:
    return {"number": tester.address, "state": TESTERS[tester.status], "submitted": moment(tester.since)}


def _sender_answer(sender: Sender, token: str) -> dict[str, Any]:
    agent = sender.rcs
    brand_id = sender.registration.business_account
    google = given(agentId=sender.link.network_id, brandId=brand_id)
    return given(
        id=str(sender.id),
        state=STATES.get(sender.status, "UNKNOWN"),
        testNumberStates=[tester_answer(tester) for tester in agent.shown_testers],
        countryStatus=[_country_answer(country) for country in agent.shown_countries],
        details=_details_answer(sender.profile, agent),
        region=agent.data_region.upper(),
        billingCategory=agent.billing.upper(),
        # Senders of other dialects may have none; the network takes them for agents of many uses.
        useCase=USE_CASE_WORDS[sender.profile.use_case or UseCase.MULTI_USE],
        hostingRegion=agent.hosting.upper(),
        authName=sender.address,
        authToken=token,
        created=moment(sender.created_at),
        modified=moment(sender.updated_at),
        launched=None if agent.launched_at is None else moment(agent.launched_at),
        supplierDetails={"google": google} if google else None,
        brand=None if brand_id is None else _registration_answer(brand_id, verified=agent.verified),
    )


def _registration_answer(brand_id: str, *, verified: bool) -> dict[str, Any]:
    return {"id": brand_id, "status": "COMPLETED" if verified else "DRAFT", "registrations": []}


def _details_answer(profile: Profile, agent: Agent) -> dict[str, Any]:
    return given(
        brand=_brand_answer(profile),
        testNumbers=[tester.address for tester in agent.shown_testers] or None,
        countries=list(agent.countries) or None,
        questionnaire=questionnaire.answered_sections(agent),
    )


def _brand_answer(profile: Profile) -> Mapping[str, Any]:
    brand = {name: getattr(profile, leaf) for name, leaf in BRAND.items()}
    for name, value in CONTACTS.items():
        brand[name] = [{"label": entry.label, value: entry.value} for entry in brand[name]] or None
    return given(**brand)


def _country_answer(country: Country) -> dict[str, Any]:
    return {
        "country": country.code,
        "status": country.status.upper(),
        "operators": [_operator_answer(carrier) for carrier in country.carriers],
    }


def _operator_answer(carrier: Carrier) -> dict[str, Any]:
    return given(
        name=carrier.name,
        status=carrier.status.upper(),
        remark=carrier.remark,
        modified=None if carrier.changed_at is None else moment(carrier.changed_at),
    )
