"""The tables between Twilio's words and ours have no holes, and what goes in comes out again."""

from contextlib import suppress
from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.dialects.twilio import compliance, mapping, test_devices, wire
from tabard.domain.agents.agent import TesterStatus as PhoneStatus
from tabard.domain.agents.change import AgentChange
from tabard.domain.agents.launch import CarrierStatus
from tabard.domain.change import SenderChange
from tabard.domain.errors import NotFound
from tabard.domain.ids import SenderId, new_sender_id
from tabard.domain.lifecycle import Status
from tabard.domain.profile import Contact, UseCase, Vertical
from tabard.domain.sender import UNLIMITED, AccountType, NameReview, Quality, Registration, VerificationMethod


def read_update(**fields) -> SenderChange:
    return mapping.change(wire.read(wire.UpdateSender, orjson.dumps(fields)))


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_word(status):
    assert mapping.STATUSES[status] in get_args(wire.StatusWord)


def test_every_vertical_has_one_word_and_every_word_a_vertical():
    assert set(mapping.VERTICALS) == set(get_args(wire.VerticalWord))
    assert set(mapping.VERTICALS.values()) == set(Vertical)
    assert len(mapping.VERTICALS) == len(Vertical) == 22


def test_older_names_of_verticals_are_among_the_words():
    older = (
        "Automotive|Beauty, Spa and Salon|Clothing and Apparel|Education|Entertainment|Event Planning and Service|"
        "Finance and Banking|Food and Grocery|Public Service|Hotel and Lodging|Medical and Health|Non-profit|"
        "Professional Services|Shopping and Retail|Travel and Transportation|Restaurant|Other"
    )
    assert set(older.split("|")) <= set(mapping.VERTICALS)


def test_other_words_are_complete():
    assert set(mapping.ACCOUNT_TYPES.values()) == set(AccountType)
    assert set(mapping.NAME_REVIEWS) == set(NameReview)
    assert set(mapping.NAME_REVIEWS.values()) == set(get_args(wire.PendingNameWord))
    assert {use_case.upper() for use_case in UseCase} == set(get_args(wire.UseCaseWord))
    assert {quality.upper() for quality in Quality} == set(get_args(wire.QualityWord))
    assert {method.value for method in VerificationMethod} == set(get_args(wire.VerificationMethodWord))


@pytest.mark.parametrize(
    ("customers", "text"),
    [
        (50, "50 Customers/24hr"),
        (250, "250 Customers/24hr"),
        (1000, "1K Customers/24hr"),
        (2000, "2K Customers/24hr"),
        (10_000, "10K Customers/24hr"),
        (100_000, "100K Customers/24hr"),
        (1500, "1500 Customers/24hr"),
        (UNLIMITED, "Unlimited"),
        (None, "Unavailable"),
    ],
)
def test_messaging_limit(customers, text):
    assert mapping.messaging_limit(customers) == text


@given(st.uuids())
def test_sids_come_back(uuid):
    assert mapping.sender_id(mapping.sid(SenderId(uuid))) == uuid


@given(st.text())
def test_only_canonical_sids_are_read(text):
    with suppress(NotFound):
        assert mapping.sid(mapping.sender_id(text)) == text


def test_sid_of_the_right_shape():
    assert len(mapping.sid(new_sender_id())) == 34


@pytest.mark.parametrize(
    "emails",
    [
        "a@example.com",
        ["a@example.com"],
        {"email": "a@example.com"},
        [{"email": "a@example.com"}],
        [{"email": "a@example.com", "label": None}],
        [{"email": "a@example.com", "label": ""}],
        [{"email": "a@example.com", "label": "Email"}],
    ],
)
def test_forms_of_a_list_of_contacts(emails):
    assert read_update(profile={"emails": emails}).profile == {"emails": (Contact("a@example.com", "Email"),)}


def test_labels_of_entries():
    change = read_update(
        profile={
            "websites": ["https://example.com", {"website": "https://example.org", "label": "Shop"}],
            "phoneNumbers": {"phoneNumber": "+15550100102"},
        }
    )
    assert change.profile == {
        "websites": (Contact("https://example.com", "Website"), Contact("https://example.org", "Shop")),
        "phone_numbers": (Contact("+15550100102", "Phone"),),
    }


@pytest.mark.parametrize("empty", ["", []])
def test_lists_are_cleared(empty):
    assert read_update(profile={"emails": empty}).profile == {"emails": ()}


def test_empty_string_clears_a_leaf_and_null_leaves_it():
    change = read_update(
        friendly_name="",
        configuration={"waba_id": "", "account_type": "", "verification_method": None, "verification_code": ""},
        webhook={"callback_url": "", "callback_method": "", "fallback_url": None},
        profile={"about": "", "vertical": "", "use_case": "", "description": None, "emails": None},
    )
    assert change.leaves == {"friendly_name": None}
    assert change.registration == {"business_account": None, "account_type": None}
    assert change.webhook == {"callback_url": None, "callback_method": None}
    assert change.profile == {"about": None, "vertical": None, "use_case": None}
    assert change.code is None


@pytest.mark.parametrize(
    "sections", [{}, {"configuration": None, "webhook": None, "profile": None, "compliance": None}]
)
def test_absent_sections_change_nothing(sections):
    assert read_update(**sections) == SenderChange()


@pytest.mark.parametrize("empty", ["", None])
def test_voice_application_is_cleared_by_null_too(empty):
    assert read_update(configuration={"voice_application_sid": empty}).registration == {"voice_application": None}
    assert read_update(configuration={}).registration == {}


@pytest.mark.parametrize("status", PhoneStatus)
def test_every_status_of_a_test_device_has_a_word(status):
    assert test_devices.STATUSES[status] in get_args(wire.TestDeviceStatusWord)


@pytest.mark.parametrize("status", CarrierStatus)
def test_every_status_of_a_carrier_has_a_word_for_it_and_for_its_country(status):
    assert compliance.CARRIER_STATUSES[status] in get_args(wire.CarrierStatusWord)
    assert compliance.COUNTRY_STATUSES[status] in get_args(wire.CountryStatusWord)


class TestCompliance:
    def read(self, **section):
        return read_update(compliance=section).agent

    def test_naming_countries_submits_the_sender_there(self):
        change = self.read(countries=[{"country": "US", "registrationSid": "BU1"}, {"country": "se"}])
        assert change == AgentChange(countries=("US", "SE"), compliance={"US": "BU1", "SE": None}, launch=True)

    def test_twilio_s_uk_is_iso_s_gb(self):
        assert self.read(countries=[{"country": "UK"}, {"country": "GB"}]).countries == ("GB",)

    def test_no_country_is_none_to_be_launched_in(self):
        assert self.read(countries=[]) == AgentChange(countries=())

    def test_a_registration_for_all_is_set_and_cleared_by_itself(self):
        assert self.read(registration_sid="BU1") == AgentChange(compliance={"": "BU1"})
        assert self.read(registration_sid="") == AgentChange(compliance={"": None})
        assert self.read() == AgentChange()


def test_an_rcs_sender_s_configuration_is_not_taken():
    """Its business account is made for it; a caller's word for one may be another's."""
    body = {"sender_id": "rcs:example_cafe", "configuration": {"waba_id": "155501001", "verification_method": "voice"}}
    new = mapping.new_sender(wire.read(wire.CreateSender, orjson.dumps(body)))
    assert new.registration == Registration(verification_method=None)


def test_values_reach_the_domain_in_its_words():
    application = "AP" + "0a" * 16
    change = read_update(
        configuration={
            "wabaId": "15550100",
            "verificationMethod": "voice",
            "verificationCode": "123-456",
            "voiceApplicationSid": application,
            "accountType": "ISVSubAccount",
        },
        profile={"vertical": "Public Service", "use_case": "OTP", "accent_color": "#0a0a0a"},
    )
    assert change.registration == {
        "business_account": "15550100",
        "verification_method": VerificationMethod.VOICE,
        "account_type": AccountType.ISV_SUB_ACCOUNT,
        "voice_application": application,
    }
    assert change.code == "123-456"
    assert change.profile == {"vertical": Vertical.GOVERNMENT, "use_case": UseCase.OTP, "accent_color": "#0a0a0a"}


def test_snake_case_wins_where_both_spellings_come():
    assert read_update(webhook={"callbackUrl": "b", "callback_url": "a"}).webhook == {"callback_url": "a"}
