"""Requests are read strictly: what is wrong is told by its path, all of it at once."""

from typing import Any

import pytest

from tests.dialects.sinch.senders import REQUIRED, SENDER
from tests.support.sinch_service import PROJECT, SENDERS, assert_canonical_error

ONE = f"{SENDERS}/{SENDER}"

BAD_BODIES = {
    "empty": (b"", "is empty"),
    "blank": (b" \n", "is empty"),
    "not JSON": (b"region=EU", "is not valid JSON"),
    "trailing comma": (b'{"region": "EU",}', "is not valid JSON"),
    "not UTF-8": (b'{"region": "\xff"}', "is not valid JSON"),
    "list": (b"[]", "is not a JSON object"),
    "null": (b"null", "is not a JSON object"),
    "too deep": (b'{"a":' * 2000 + b"1" + b"}" * 2000, "is not valid JSON"),
    "lone surrogate": (b'{"region": "\\ud800"}', "is not valid JSON"),
    "NaN": (b'{"region": NaN}', "is not valid JSON"),
}

URL = "must be an http or https URL address"
E164 = "must be a phone number in E.164 form, such as +15550100123"
COUNTRIES = "AT, BE, BR, CA, CZ, DK, FI, FR, DE, GR, HU, IT, LT, MX, NL, NO, PE, PL, PT, SG, SK, ES, SE, US, GB"
BRAND: dict[str, tuple[Any, str | None]] = {
    "name": ("x" * 41, "details.brand.name must be shorter than or equal to 40 characters"),
    "name null": (None, "details.brand.name must be a string"),
    "name number": (7, "details.brand.name must be a string"),
    "name NUL": ("a\0", "details.brand.name must not contain a NUL character"),
    "description": ("x" * 101, "details.brand.description must be shorter than or equal to 100 characters"),
    "description null": (None, "details.brand.description must be a string"),
    "color": ("red", "details.brand.color must be a hexadecimal color, such as #003366"),
    "color short": ("#abc", "details.brand.color must be a hexadecimal color, such as #003366"),
    "color null": (None, "details.brand.color must be a string"),
    "bannerUrl": ("example.com/x.png", f"details.brand.bannerUrl {URL}"),
    "logoUrl": ("", f"details.brand.logoUrl {URL}"),
    "logoUrl null": (None, "details.brand.logoUrl must be a string"),
    "privacyPolicyUrl": ("ftp://example.com", f"details.brand.privacyPolicyUrl {URL}"),
    "termsOfServiceUrl": ("https://exa mple.com", f"details.brand.termsOfServiceUrl {URL}"),
    "emails": ([], "details.brand.emails must contain at least 1 elements"),
    "emails object": ({}, "details.brand.emails must be an array"),
    "emails many": (
        [{"label": "", "address": f"{n}@example.com"} for n in range(4)],
        "details.brand.emails must contain no more than 3 elements",
    ),
    "emails twice": (
        [{"label": "a", "address": "a@example.com"}, {"label": "b", "address": "a@example.com"}],
        "details.brand.emails must have a different address in each element",
    ),
    "emails entry": ([{"label": "a", "address": "nobody"}], "details.brand.emails.0.address must be an email"),
    "emails label": ([{"address": "a@example.com"}], "details.brand.emails.0.label should not be empty"),
    "emails label long": (
        [{"label": "x" * 26, "address": "a@example.com"}],
        "details.brand.emails.0.label must be shorter than or equal to 25 characters",
    ),
    "emails key": (
        [{"label": "a", "address": "a@example.com", "email": "x"}],
        "details.brand.emails.0.email should not exist",
    ),
    "emails text": (["a@example.com"], "each value in details.brand.emails must be an object"),
    "phones": ([{"label": "", "number": "call us"}], "details.brand.phones.0.number must be a valid phone number"),
    "phones short": (
        [{"label": "", "number": "12345"}],
        "details.brand.phones.0.number must be longer than or equal to 6 characters",
    ),
    "phones long": (
        [{"label": "", "number": "+155501001234567"}],
        "details.brand.phones.0.number must be shorter than or equal to 15 characters",
    ),
    "websites": ([{"label": "", "url": "example.com"}], f"details.brand.websites.0.url {URL}"),
    "websites long": (
        [{"label": "", "url": "https://example.com/" + "x" * 240}],
        "details.brand.websites.0.url must be shorter than or equal to 255 characters",
    ),
    "vertical": ("Restaurant", "details.brand.vertical should not exist"),
    # and what is fine
    "name as long as it may be": ("x" * 40, None),
    "phones national": ([{"label": "", "number": "020 7946 0018"}], None),
    "emails of three": ([{"label": "x" * 25, "address": f"{n}@example.com"} for n in range(3)], None),
    "emails none": (None, None),
}

DETAILS: dict[str, tuple[dict[str, Any], str | None]] = {
    "null": ({"brand": None}, "details.brand must be an object"),
    "list": ({"brand": []}, "details.brand must be an object"),
    "unknown": ({"callbackUrl": "https://example.com"}, "details.callbackUrl should not exist"),
    "countries": ({"countries": []}, "details.countries must contain at least 1 elements"),
    "countries twice": ({"countries": ["GB", "GB"]}, "details.countries elements must be unique"),
    "countries lower case": (
        {"countries": ["gb", "fr"]},
        f"each value in details.countries must be one of the following values: {COUNTRIES}",
    ),
    "test numbers": ({"testNumbers": ["15550100111"]}, f"each value in details.testNumbers {E164}"),
    "test numbers of a wrong type": ({"testNumbers": [1, 2]}, "each value in details.testNumbers must be a string"),
    "test numbers twice": (
        {"testNumbers": ["+15550100111", "+15550100111"]},
        "details.testNumbers elements must be unique",
    ),
    "many test numbers": (
        {"testNumbers": [f"+1555010{n:04}" for n in range(201)]},
        "details.testNumbers must contain no more than 200 elements",
    ),
    "questionnaire": ({"questionnaire": None}, "details.questionnaire must be an object"),
    "section": ({"questionnaire": {"de": {"answers": {}}}}, "details.questionnaire.de should not exist"),
    "section null": ({"questionnaire": {"gb": None}}, "details.questionnaire.gb must be an object"),
    "no answers": ({"questionnaire": {"gb": {}}}, "details.questionnaire.gb.answers should not be empty"),
    "answers null": (
        {"questionnaire": {"gb": {"answers": None}}},
        "details.questionnaire.gb.answers must be an object",
    ),
    # and what is fine
    "later country": ({"countries": ["LT"]}, None),
    "nothing": ({}, None),
}

ANSWERS: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "empty text": (
        "general",
        {"optInDescription": ""},
        "optInDescription must be longer than or equal to 1 characters",
    ),
    "list for text": ("general", {"triggerDescription": []}, "triggerDescription must be a string"),
    "no videos": ("general", {"videoUris": []}, "videoUris must contain at least 1 elements"),
    "unknown": ("general", {"color": "red"}, "color should not exist"),
    "metadata of a list": ("general", {"videoUrisMetadata": {"ignore": ","}}, "videoUrisMetadata should not exist"),
    "empty separator": (
        "general",
        {"optInDescriptionMetadata": {"ignore": ""}},
        "optInDescriptionMetadata.ignore must be longer than or equal to 1 characters",
    ),
    "separator": ("general", {"optInDescriptionMetadata": ","}, "optInDescriptionMetadata must be an object"),
    "email": ("verification", {"email": "nobody"}, "email must be an email"),
    "email long": (
        "verification",
        {"email": "a@" + "x" * 100 + ".com"},
        "email must be shorter than or equal to 100 characters",
    ),
    "title": ("verification", {"title": "x" * 101}, "title must be shorter than or equal to 100 characters"),
    "website": ("verification", {"website": "example"}, f"website {URL}"),
    "phone": ("verification", {"phone": "555"}, "phone must be a phone number with + or 00"),
    "partner": ("verification", {"partner": {"name": "x"}}, "partner.name should not exist"),
    "siren": ("fr", {"siren": "12345678"}, "siren must be exactly 9 digits"),
    "gb": ("gb", {"brandIndustry": 1}, "brandIndustry must be a string"),
    "ein": ("us", {"ein": "123456789"}, "ein must be written as 12-3456789"),
    "volume": ("us", {"messagesVolume": True}, "messagesVolume must be a string or a number"),
    "link": ("us", {"embeddedLink": "yes"}, "embeddedLink must be a boolean value"),
    "owner": ("us", {"ownershipType": "MINE"}, "ownershipType must be one of the following values: PUBLIC, PRIVATE"),
    "samples": ("us", {"sampleMessages": ["x"] * 6}, "sampleMessages must contain no more than 5 elements"),
    # and what is fine
    "any industry": ("gb", {"brandIndustry": "Beekeeping"}, None),
    "00 for +": ("verification", {"phone": "0015550100123"}, None),
    "null": ("verification", {"partner": None, "phone": None}, None),
    "empty in the United States": ("us", {"companyLegalName": "", "ein": ""}, None),
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize(("method", "path"), [("POST", SENDERS), ("PATCH", ONE), ("POST", f"{ONE}/comments")])
async def test_body_that_is_no_json_object(service, name, method, path):
    body, says = BAD_BODIES[name]
    assert_canonical_error(await service.call(method, path, raw=body), 400, "invalid_payload", says=says)


async def refused(service, details: dict[str, Any]) -> list[str]:
    """The same for a new sender and for an update."""
    created = await service.call("POST", SENDERS, {**REQUIRED, "details": details})
    if created.status_code == 201:
        return []
    errors = assert_canonical_error(created, 400, "invalid_input")
    updated = await service.call("PATCH", ONE, {"details": details})
    assert assert_canonical_error(updated, 400, "invalid_input") == errors
    return errors


@pytest.mark.parametrize("name", BRAND)
async def test_brand(service, name):
    value, says = BRAND[name]
    assert await refused(service, {"brand": {name.partition(" ")[0]: value}}) == ([says] if says else [])


@pytest.mark.parametrize("name", DETAILS)
async def test_details(service, name):
    details, says = DETAILS[name]
    assert await refused(service, details) == ([says] if says else [])


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers(service, name):
    section, answers, says = ANSWERS[name]
    expected = [] if says is None else [f"details.questionnaire.{section}.answers.{says}"]
    assert await refused(service, {"questionnaire": {section: {"answers": answers}}}) == expected


async def test_new_sender_needs_three_fields(service):
    errors = assert_canonical_error(await service.call("POST", SENDERS, {}), 400, "invalid_input")
    assert errors == [f"{name} should not be empty" for name in REQUIRED]
    for name in REQUIRED:
        response = await service.call("POST", SENDERS, {**REQUIRED, name: "NONE"})
        (error,) = assert_canonical_error(response, 400, "invalid_input")
        assert error.startswith(f"{name} must be one of the following values: ")
    for name in ("details", "hostingRegion"):
        response = await service.call("POST", SENDERS, {**REQUIRED, name: None})
        (error,) = assert_canonical_error(response, 400, "invalid_input")
        assert (
            error == {"details": "details must be an object", "hostingRegion": "hostingRegion should not exist"}[name]
        )


async def test_update_takes_details_only(service):
    errors = assert_canonical_error(await service.call("PATCH", ONE, {**REQUIRED}), 400, "invalid_input")
    assert errors == ["details should not be empty", *(f"{name} should not exist" for name in REQUIRED)]


async def test_everything_wrong_is_told_at_once(service):
    body = {
        "region": "MARS",
        "billingCategory": "CONVERSATIONAL",
        "color": "red",
        "details": {
            "brand": {"emails": [{"label": "a", "address": "x"}, {"label": 1, "address": "y"}], "size": 1},
            "countries": ["ZZ", "YY"],
            "questionnaire": {"gb": {}, "us": {"answers": {"embeddedLink": 1}}},
        },
    }
    response = await service.call("POST", SENDERS, body)
    errors = assert_canonical_error(response, 400, "invalid_input", says="; and 9 more.")
    paths = [error.removeprefix("each value in ").partition(" ")[0] for error in errors]
    assert paths == [
        "region",
        "useCase",
        "details.brand.emails.0.address",
        "details.brand.emails.1.label",
        "details.brand.emails.1.address",
        "details.brand.size",
        "details.countries",
        "details.questionnaire.gb.answers",
        "details.questionnaire.us.answers.embeddedLink",
        "color",
    ]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", None])
async def test_content_type_does_not_matter(service, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    raw = b'\xef\xbb\xbf{"region": "EU", "billingCategory": "CONVERSATIONAL", "useCase": "OTP"}'
    assert (await service.call("POST", SENDERS, raw=raw, headers=headers)).status_code == 201


COMMENTS: dict[str, tuple[Any, str]] = {
    "none": ({}, "comment should not be empty"),
    "null": ({"comment": None}, "comment must be a string"),
    "empty": ({"comment": ""}, "comment must be longer than or equal to 1 characters"),
    "too long": ({"comment": "x" * 65_536}, "comment must be shorter than or equal to 65535 characters"),
    "NUL": ({"comment": "a\0"}, "comment must not contain a NUL character"),
    "more": ({"comment": "a", "author": "me"}, "author should not exist"),
}


@pytest.mark.parametrize("name", COMMENTS)
@pytest.mark.parametrize("path", [f"{ONE}/comments", f"{PROJECT}/rcs/comments"])
async def test_comments(service, name, path):
    body, says = COMMENTS[name]
    assert assert_canonical_error(await service.call("POST", path, body), 400, "invalid_input") == [says]


TEST_NUMBERS: dict[str, tuple[Any, str]] = {
    "none": ({}, "testNumbers should not be empty"),
    "null": ({"testNumbers": None}, "testNumbers must be an array"),
    "empty": ({"testNumbers": []}, "testNumbers must contain at least 1 elements"),
    "not numbers": ({"testNumbers": ["a", "b"]}, f"each value in testNumbers {E164}"),
    "of a wrong type": ({"testNumbers": [1]}, "each value in testNumbers must be a string"),
    "twice": ({"testNumbers": ["+15550100111"] * 2}, "testNumbers elements must be unique"),
    "one": ({"testNumber": "+15550100111", "testNumbers": ["+15550100111"]}, "testNumber should not exist"),
}


@pytest.mark.parametrize("name", TEST_NUMBERS)
async def test_test_numbers(service, name):
    body, says = TEST_NUMBERS[name]
    response = await service.call("POST", f"{ONE}/testNumbers", body)
    assert assert_canonical_error(response, 400, "invalid_input") == [says]


WRONG_IDS = (
    "1",
    "01930000-0000-7000-8000-00000000000A",
    str(SENDER).replace("-", ""),
    f"{{{SENDER}}}",
    f"{SENDER}%0A",
    "%00",
    "XE" + "0" * 32,
)


@pytest.mark.parametrize("text", WRONG_IDS)
async def test_sender_id_in_another_form(service, text):
    one = f"{SENDERS}/{text}"
    for method, path, body in (
        ("GET", one, None),
        ("PATCH", one, {"details": {"countries": ["GB"]}}),
        ("POST", f"{one}/launch", None),
        ("GET", f"{one}/activities", None),
        ("POST", f"{one}/comments", {"comment": "x"}),
        ("POST", f"{one}/testNumbers", {"testNumbers": ["+15550100111"]}),
        ("GET", f"{one}/testNumbers/+15550100111", None),
        ("DELETE", f"{one}/testNumbers/+15550100111", None),
    ):
        assert_canonical_error(await service.call(method, path, body), 400, "invalid_id_format")


BAD_QUERIES = {
    "pageSize=0": "invalid_page_size",
    "pageSize=101": "invalid_page_size",
    "pageSize=ten": "invalid_page_size",
    "pageSize=": "invalid_page_size",
    "pageSize=-1": "invalid_page_size",
    "pageSize=1.5": "invalid_page_size",
    "pageSize=9999999999999999999999": "invalid_page_size",
    "pageSize=%D9%A1": "invalid_page_size",
    "pageToken=x": "invalid_page_token",
    "pageToken=%00": "invalid_page_token",
    "pageToken=%FF%FE": "invalid_page_token",
    "pageToken=" + "A" * 200: "invalid_page_token",
    "filterStates=ACTIVE": "invalid_filter_states",
    "filterStates=DRAFT&filterStates=draft": "invalid_filter_states",
    "filterStates=DRAFT,ACTIVE": "invalid_filter_states",
    "filterSenderIds=1": "invalid_id_format",
    f"filterSenderIds={SENDER},1": "invalid_id_format",
    "sortColumn=created": "invalid_input",
    "sortColumn=COLOR": "invalid_input",
    "sortDirection=UP": "invalid_input",
    "search=%00": "invalid_input",
    "filterSenderName=%00": "invalid_input",
}


@pytest.mark.parametrize("query", BAD_QUERIES)
async def test_wrong_query(service, query):
    response = await service.call("GET", f"{SENDERS}?{query}")
    assert_canonical_error(response, 400, BAD_QUERIES[query])
    if BAD_QUERIES[query] == "invalid_filter_states":
        assert response.json()["additionalInformation"] == {
            "supportedCodes": "DRAFT, IN_PROGRESS, IN_TEST, PREPARING_LAUNCH, LAUNCHING, LAUNCHED, UNLAUNCHED, UNKNOWN"
        }


@pytest.mark.parametrize(
    "query", ["brand=x", "filterStates=", "search=", "filterSenderIds=", "sortColumn=", "pageToken="]
)
async def test_query_that_asks_nothing(service, query):
    assert (await service.call("GET", f"{SENDERS}?{query}")).status_code == 200


async def test_version_of_the_questionnaire_in_an_update(service):
    response = await service.call("PATCH", f"{ONE}?usQuestionnaireVersion=v3", {"details": {"countries": ["US"]}})
    (error,) = assert_canonical_error(response, 400, "invalid_input")
    assert error == "usQuestionnaireVersion must be one of the following values: v1, v2"
