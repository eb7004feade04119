"""The launch questionnaire: its questions by themselves, and with a sender's answers."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from tabard.app.services import Services
from tabard.dialects.sinch.rcs import questions, wire
from tabard.dialects.sinch.rcs.faults import INVALID_COUNTRY, INVALID_USE_CASE, refused
from tabard.dialects.sinch.rcs.mapping import COUNTRY_SECTIONS, GENERAL, METADATA, PARTNER, USE_CASES
from tabard.dialects.sinch.rcs.questions import Question
from tabard.dialects.sinch.reading import Request, listed, read_query
from tabard.dialects.sinch.writing import answered, given
from tabard.domain.agents.agent import Agent, BusinessContact, Review
from tabard.http.surface import Answer, Call

_LOCAL: Mapping[str, type[Request]] = {"gb": wire.GbAnswers, "fr": wire.FrAnswers, "us": wire.UsAnswers}


async def fetch_questionnaire(services: Services, call: Call) -> Answer:  # noqa: ARG001 - the same for everybody
    _require_use_case(call.path["useCase"])
    countries = _countries(call.query_pairs)
    query = read_query(wire.QuestionnaireQuery, call.query_pairs, lists=["countries"])
    us = questions.US_V1
    if query.us_questionnaire_version == "v2":
        us = questions.us_v2(query.us_questionnaire_brand_campaign_version)
    sections = {"general": questions.GENERAL, "verification": questions.VERIFICATION}
    local = {"gb": questions.GB, "fr": questions.FR, "us": us}
    sections |= {name: asked for name, asked in local.items() if not countries or COUNTRY_SECTIONS[name] in countries}
    return answered(200, {name: {"questions": _questions(asked)} for name, asked in sections.items()})


def answered_sections(agent: Agent) -> dict[str, Any]:
    """Every section with its questions; a country's where the sender is to be launched there, or has answers for it."""
    sections = {
        "general": _section(questions.GENERAL, _general(agent.review)),
        "verification": _section(questions.VERIFICATION, _verification(agent.contact)),
    }
    for name, country in COUNTRY_SECTIONS.items():
        local = agent.local_answers.get(country, {})
        fields = (str(field.alias) for field in _LOCAL[name].model_fields.values())
        answers = {field: local[field] for field in fields if field in local}
        if answers or country in agent.countries:
            sections[name] = _section(_asked_of(name, answers), answers)
    return sections


def _section(asked: Mapping[str, Question], answers: Mapping[str, Any]) -> dict[str, Any]:
    return {"questions": _questions(asked), "answers": answers}


def _questions(asked: Mapping[str, Question]) -> dict[str, Any]:
    return {
        name: {"question": question.text, "suggestedAnswers": list(question.suggested)}
        for name, question in asked.items()
    }


def _asked_of(section: str, answers: Mapping[str, Any]) -> Mapping[str, Question]:
    if section == "us":
        later = answers.keys() & (questions.US_V2.keys() - questions.US_V1.keys())
        return questions.US_V2 if later else questions.US_V1
    return questions.GB if section == "gb" else questions.FR


def _general(review: Review) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for name, leaf in GENERAL.items():
        value = getattr(review, leaf)
        if value:
            answers[name] = list(value) if isinstance(value, tuple) else value
        if leaf in review.separators:
            answers[f"{name}{METADATA}"] = {"ignore": review.separators[leaf]}
    return answers


def _verification(contact: BusinessContact) -> dict[str, Any]:
    partner = contact.partner
    return given(
        name=contact.name,
        email=contact.email,
        title=contact.title,
        website=contact.website,
        phone=contact.phone,
        partner=None if partner is None else {name: partner[leaf] for name, leaf in PARTNER.items() if leaf in partner},
    )


def _require_use_case(text: str) -> None:
    if text not in USE_CASES:
        message = f"There is no questionnaire for the use case {text!r}."
        raise refused(INVALID_USE_CASE, message, validUseCases=", ".join(USE_CASES))


def _countries(pairs: Sequence[tuple[str, str]]) -> list[str]:
    known = get_args(wire.CountryWord)
    countries = listed(pairs, "countries")
    unknown = [country for country in countries if country not in known]
    if unknown:
        message = f"RCS senders can't be launched in {unknown[0]!r}."
        raise refused(INVALID_COUNTRY, message, supportedValues=", ".join(known))
    return countries
