"""The JSON of an RCS sender's agent to a value. The other way needs nothing: every part of it is a dataclass."""

from datetime import datetime
from typing import Any

from tabard.domain.agents.agent import Agent, Billing, BusinessContact, DataRegion, Review, Tester, TesterStatus
from tabard.domain.agents.launch import Carrier, CarrierStatus
from tabard.storage.database import from_json


def to_agent(text: str | None) -> Agent | None:
    fields: dict[str, Any] | None = from_json(text)
    if fields is None:
        return None
    return Agent(
        data_region=DataRegion(fields["data_region"]),
        billing=Billing(fields["billing"]),
        countries=tuple(fields["countries"]),
        asked_countries=tuple(fields["asked_countries"]),
        carriers=tuple([_carrier(carrier) for carrier in fields["carriers"]]),
        testers=tuple([_tester(tester) for tester in fields["testers"]]),
        invitations=tuple([datetime.fromisoformat(time) for time in fields["invitations"]]),
        review=_review(fields["review"]),
        contact=BusinessContact(**fields["contact"]),
        local_answers=fields["local_answers"],
        compliance=fields["compliance"],
        launch_wanted=fields["launch_wanted"],
        waits_for_video=fields["waits_for_video"],
        verified=fields["verified"],
        launched_at=_time(fields["launched_at"]),
    )


def _carrier(fields: dict[str, Any]) -> Carrier:
    return Carrier(**{**fields, "status": CarrierStatus(fields["status"]), "changed_at": _time(fields["changed_at"])})


def _tester(fields: dict[str, Any]) -> Tester:
    since = datetime.fromisoformat(fields["since"])
    return Tester(fields["address"], TesterStatus(fields["status"]), since, fields["anew"])


def _review(fields: dict[str, Any]) -> Review:
    return Review(**{**fields, "videos": tuple(fields["videos"]), "screenshots": tuple(fields["screenshots"])})


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
