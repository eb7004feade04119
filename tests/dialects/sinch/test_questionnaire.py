"""The questions that reviewers ask."""

from typing import get_args

import pytest

from tabard.dialects.sinch.rcs import questions, wire
from tests.support.sinch_service import PROJECT, assert_canonical_error

QUESTIONNAIRE = f"{PROJECT}/rcs/questionnaire"


@pytest.mark.parametrize("use_case", get_args(wire.UseCaseWord))
@pytest.mark.parametrize(
    ("query", "local"),
    [
        ("", ["gb", "fr", "us"]),
        ("?countries=SE", []),
        ("?countries=FR&countries=SE", ["fr"]),
        ("?countries=US,GB", ["gb", "us"]),
    ],
)
async def test_sections(service, use_case, query, local):
    answer = await service.done("GET", f"{QUESTIONNAIRE}/{use_case}{query}")
    assert list(answer) == ["general", "verification", *local]
    assert all(list(section) == ["questions"] for section in answer.values())


async def test_questions(service):
    answer = await service.done("GET", f"{QUESTIONNAIRE}/OTP?countries=GB")
    general = answer["general"]["questions"]
    assert general["videoUris"] == general["screenshotUris"] == {"question": "", "suggestedAnswers": []}
    gb = answer["gb"]["questions"]
    assert len(gb["brandIndustry"]["suggestedAnswers"]) == 16
    assert gb["messagesVolume"]["suggestedAnswers"][0] == "0 - 10K messages"
    assert gb["messagesFrequency"]["suggestedAnswers"][-1] == "Once per 6 months"
    assert gb["campaignLength"]["suggestedAnswers"][-1] == "Continuous / ongoing"


@pytest.mark.parametrize(
    ("section", "model"),
    [
        (questions.GENERAL, wire.GeneralAnswers),
        (questions.VERIFICATION, wire.VerificationAnswers),
        (questions.GB, wire.GbAnswers),
        (questions.FR, wire.FrAnswers),
        (questions.US_V1, wire.UsAnswers),
        (questions.US_V2, wire.UsAnswers),
    ],
)
def test_every_question_can_be_answered(section, model):
    assert section.keys() <= {field.alias for field in model.model_fields.values()}


@pytest.mark.parametrize(
    ("variant", "without"),
    [
        ("US_PUBLIC", set()),
        ("US_PRIVATE", {"stockExchange", "stockSymbol"}),
        ("NON_US_PUBLIC", {"addressState"}),
        ("NON_US_PRIVATE", {"addressState", "stockExchange", "stockSymbol"}),
    ],
)
async def test_later_questions_of_the_united_states(service, variant, without):
    later = "countries=US&usQuestionnaireVersion=v2"
    whole = (await service.done("GET", f"{QUESTIONNAIRE}/OTP?{later}"))["us"]["questions"]
    answer = await service.done("GET", f"{QUESTIONNAIRE}/OTP?{later}&usQuestionnaireBrandCampaignVersion={variant}")
    asked = answer["us"]["questions"]
    assert whole.keys() - asked.keys() == without
    assert (asked["legalForm"]["suggestedAnswers"] == ["CORPORATION"]) == variant.endswith("PUBLIC")
    first = (await service.done("GET", f"{QUESTIONNAIRE}/OTP?countries=US"))["us"]["questions"]
    assert "ein" in first.keys() - whole.keys()


@pytest.mark.parametrize("use_case", ["otp", "SPAM", "%20"])
async def test_unknown_use_case(service, use_case):
    response = await service.call("GET", f"{QUESTIONNAIRE}/{use_case}")
    assert_canonical_error(response, 400, "questionnaire_invalid_use_case")
    more = response.json()["additionalInformation"]
    assert more == {"validUseCases": "MULTIUSE, OTP, PROMOTIONAL, TRANSACTIONAL"}


@pytest.mark.parametrize("countries", ["ZZ", "gb", "GB,UK", "GB&countries=UK"])
async def test_unknown_country(service, countries):
    response = await service.call("GET", f"{QUESTIONNAIRE}/OTP?countries={countries}")
    assert_canonical_error(response, 400, "questionnaire_invalid_country")
    assert response.json()["additionalInformation"]["supportedValues"].startswith("AT, BE, BR, ")


@pytest.mark.parametrize("query", ["usQuestionnaireVersion=v3", "usQuestionnaireBrandCampaignVersion=PUBLIC"])
async def test_unknown_version(service, query):
    response = await service.call("GET", f"{QUESTIONNAIRE}/OTP?{query}")
    assert_canonical_error(response, 400, "invalid_input")
