"""Sinch's words for RCS senders: bodies, parameters and answers.

A field that may be null is one that null deletes in an update; every other one may be left out at most. A section's
`questions` come back with clients that send what they have fetched: they are taken, and mean nothing.

Sources: Sinch Provisioning API 1.2.36, RCS senders; its 1.2.117 for the answers that came later, as far as they don't
contradict. Answers are plain dictionaries made by `answers`: the models here describe them for the API document, and a
test holds the two together.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from tabard.dialects.sinch.paging import PageQuery
from tabard.dialects.sinch.problems import said
from tabard.dialects.sinch.reading import E164, EMAIL, TEXT, WEB_URL, Query, Request, fits, optional, unique
from tabard.dialects.sinch.writing import Described

StateWord = Literal[
    "DRAFT", "IN_PROGRESS", "IN_TEST", "PREPARING_LAUNCH", "LAUNCHING", "LAUNCHED", "UNLAUNCHED", "UNKNOWN"
]
RegionWord = Literal["BR", "EU", "US"]
BillingWord = Literal[
    "CONVERSATIONAL", "NON_CONVERSATIONAL", "BASIC_MESSAGE", "SINGLE_MESSAGE", "CONVERSATIONAL_LEGACY"
]
UseCaseWord = Literal["MULTIUSE", "OTP", "PROMOTIONAL", "TRANSACTIONAL"]
HostingWord = Literal["EUROPE", "NORTH_AMERICA", "ASIA_PACIFIC"]
TestNumberWord = Literal["PENDING", "VERIFIED", "UNVERIFIED", "DECLINED", "REJECTED", "INVALID"]
OperatorWord = Literal[
    "LAUNCHED",
    "NOT_LAUNCHED",
    "PENDING",
    "PENDING_UNLAUNCHED",
    "REJECTED",
    "SUSPENDED",
    "UNLAUNCHED",
    "INVALID_IN_GOOGLE_MY_BUSINESS",
]
CountryWord = Literal[
    "AT", "BE", "BR", "CA", "CZ", "DK", "FI", "FR", "DE", "GR", "HU", "IT", "LT", "MX", "NL", "NO", "PE", "PL", "PT",
    "SG", "SK", "ES", "SE", "US", "GB",
]  # fmt: skip
QuestionnaireVersionWord = Literal["v1", "v2"]
QuestionnaireVariantWord = Literal["US_PUBLIC", "US_PRIVATE", "NON_US_PUBLIC", "NON_US_PRIVATE"]

Label = Annotated[str, Field(max_length=25), TEXT]
Url = Annotated[str, Field(max_length=2048), WEB_URL]
Words = Annotated[str, Field(min_length=1), TEXT]
Line = Annotated[str, Field(min_length=1, max_length=100), TEXT]
Loose = Annotated[str, TEXT]
EmailAddress = Annotated[str, Field(max_length=100), EMAIL]
Urls = Annotated[list[Url], Field(min_length=1)]
TestNumber = Annotated[str, E164]


# requests


class Email(Request):
    label: Label
    address: Annotated[str, Field(max_length=128), EMAIL]


class Phone(Request):
    label: Label
    number: Annotated[str, Field(min_length=6, max_length=15), fits(r"\+?[0-9\s]+", "must be a valid phone number")]
    """National, or in E.164 form."""


class Website(Request):
    label: Label
    url: Annotated[str, Field(max_length=255), WEB_URL]


class Brand(Request):
    name: Annotated[str, Field(max_length=40), TEXT] = optional()
    """`RCS Sender` where a new sender has none. Frozen once a launch was requested."""
    emails: (
        Annotated[list[Email], Field(min_length=1, max_length=3), unique("address", lambda entry: entry.address)] | None
    ) = None
    phones: (
        Annotated[list[Phone], Field(min_length=1, max_length=3), unique("number", lambda entry: entry.number)] | None
    ) = None
    websites: (
        Annotated[list[Website], Field(min_length=1, max_length=3), unique("url", lambda entry: entry.url)] | None
    ) = None
    color: Annotated[str, fits(r"#[0-9a-fA-F]{6}", "must be a hexadecimal color, such as #003366")] = optional()
    """`#000000` where a new sender has none."""
    description: Annotated[str, Field(max_length=100), TEXT] = optional()
    banner_url: Url = optional()
    """A JPEG or PNG of 1440 x 448 pixels and at most 200 KB is fetched and looked at. Frozen like the name."""
    logo_url: Url = optional()
    """A JPEG or PNG of 224 x 224 pixels and at most 50 KB, likewise."""
    privacy_policy_url: Url = optional()
    terms_of_service_url: Url = optional()


class Metadata(Request):
    ignore: Words | None = None
    """Stands between the parts of the text, and is taken out of it where reviewers read it."""


class GeneralAnswers(Request):
    opt_in_description: Words | None = None
    opt_in_description_metadata: Metadata | None = None
    trigger_description: Words | None = None
    trigger_description_metadata: Metadata | None = None
    interactions_description: Words | None = None
    interactions_description_metadata: Metadata | None = None
    opt_out_description: Words | None = None
    opt_out_description_metadata: Metadata | None = None
    video_uris: Urls | None = None
    """A launch without one waits in PREPARING_LAUNCH."""
    screenshot_uris: Urls | None = None


class Partner(Request):
    company_name: Annotated[str, Field(max_length=100), TEXT] = optional()
    contact_name: Annotated[str, Field(max_length=100), TEXT] = optional()
    contact_email_address: EmailAddress = optional()


class VerificationAnswers(Request):
    name: Words | None = None
    email: EmailAddress | None = None
    title: Line | None = None
    website: Url | None = None
    phone: (
        Annotated[str, Field(max_length=17), fits(r"(\+|00)[0-9]{6,15}", "must be a phone number with + or 00")] | None
    ) = None
    """Of later versions; kept and given back."""
    partner: Partner | None = None
    """Of later versions: the reseller, where there is one."""


class GbAnswers(Request):
    brand_industry: Words | None = None
    company_legal_name: Words | None = None
    company_registration_number: Words | None = None
    full_company_address: Words | None = None
    full_company_address_metadata: Metadata | None = None
    messages_volume: Words | None = None
    messages_frequency: Words | None = None
    campaign_length: Words | None = None
    """Deprecated."""


class FrAnswers(Request):
    full_company_address: Words | None = None
    full_company_address_metadata: Metadata | None = None
    siren: Annotated[str, fits(r"[0-9]{9}", "must be exactly 9 digits")] | None = None


def _volume(value: Any) -> Any:
    """A text in the first version, a number in the second."""
    if value is None or (isinstance(value, str) and "\0" not in value):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise said("must be a string or a number")


class UsAnswers(Request):
    """Of all versions: none of them is required to launch at 1.2.36, and all are kept and given back."""

    company_legal_name: Loose | None = None
    ein: Annotated[str, fits(r"([0-9]{2}-[0-9]{7})?", "must be written as 12-3456789")] | None = None
    brand_industry: Loose | None = None
    full_company_address: Loose | None = None
    full_company_address_metadata: Metadata | None = None
    sms_campaign: Loose | None = None
    messages_volume: Annotated[
        Any, PlainValidator(_volume), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}]})
    ] = None
    tax_id_country: Loose | None = None
    tax_id: Loose | None = None
    brand_name: Loose | None = None
    legal_form: Loose | None = None
    additional_id_type: Loose | None = None
    additional_id_number: Loose | None = None
    stock_exchange: Loose | None = None
    stock_symbol: Loose | None = None
    address_line1: Loose | None = None
    address_line2: Loose | None = None
    address_city: Loose | None = None
    address_state: Loose | None = None
    address_country: Loose | None = None
    address_postal_code: Loose | None = None
    phone_number: Loose | None = None
    website_url: Loose | None = None
    contact_first_name: Loose | None = None
    contact_surname: Loose | None = None
    contact_position: Loose | None = None
    contact_email: Loose | None = None
    contact_phone_number: Loose | None = None
    use_case_description: Loose | None = None
    call_to_action_description: Loose | None = None
    call_to_action_screenshot_url: Loose | None = None
    sample_messages: Annotated[list[Loose], Field(max_length=5)] | None = None
    opt_in_user_message: Loose | None = None
    opt_in_confirmation_response: Loose | None = None
    opt_in_brand_message: Loose | None = None
    help_message_response: Loose | None = None
    stop_message_response: Loose | None = None
    verizon_sms_upgrade_short_code: Loose | None = None
    verizon_sms_upgrade_long_code: Loose | None = None
    verizon_sms_opt_in_description: Loose | None = None
    verizon_rbm_opt_in_description: Loose | None = None
    verizon_initial_message_type_model: Loose | None = None
    verizon_monthly_messages_volume: Loose | None = None
    company_phone_number: Loose | None = None
    company_email_address: Loose | None = None
    address_line: Loose | None = None
    embedded_link: bool | None = None
    embedded_phone: bool | None = None
    age_gated_content: bool | None = None
    direct_lending: bool | None = None
    opt_in_confirmation_message: Loose | None = None
    help_message: Loose | None = None
    call_to_action_message: Loose | None = None
    ownership_type: Literal["PUBLIC", "PRIVATE"] | None = None


class _Section(Request):
    questions: Any = None
    """Taken and ignored."""


class GeneralSection(_Section):
    answers: GeneralAnswers


class VerificationSection(_Section):
    answers: VerificationAnswers


class GbSection(_Section):
    answers: GbAnswers


class FrSection(_Section):
    answers: FrAnswers


class UsSection(_Section):
    answers: UsAnswers


class Questionnaire(Request):
    general: GeneralSection = optional()
    verification: VerificationSection = optional()
    gb: GbSection = optional()
    fr: FrSection = optional()
    us: UsSection = optional()


class RcsDetails(Request):
    brand: Brand = optional()
    test_numbers: Annotated[list[TestNumber], Field(max_length=200), unique()] | None = None
    """In E.164 form. An update replaces the list: new ones are invited, the others let go."""
    countries: Annotated[list[CountryWord], Field(min_length=1), unique()] | None = None
    """Where the sender is to be launched."""
    questionnaire: Questionnaire = optional()


class RcsSenderInput(Request):
    region: RegionWord
    """Where its data are kept; it can't be changed later."""
    billing_category: BillingWord
    """It can't be changed later."""
    use_case: UseCaseWord
    """It can't be changed later."""
    details: RcsDetails = optional()


class RcsSenderUpdate(Request):
    details: RcsDetails
    """What it names is changed, the rest stays: objects are merged, lists replaced, and null deletes. While the sender
    is LAUNCHING or LAUNCHED, only `countries` and `questionnaire` may be named."""


class TestNumbers(Request):
    __test__ = False

    test_numbers: Annotated[list[TestNumber], Field(min_length=1, max_length=200), unique()]
    """In E.164 form. Each is invited, known ones anew."""


# queries


class RcsSendersQuery(PageQuery):
    filter_conversation_api_app_id: str | None = None
    """No sender is connected to an app of the Conversation API here: with it, the list is empty."""
    filter_sender_ids: str | None = None
    """Ids, separated by commas."""
    filter_states: list[StateWord] | None = None
    """It may come more than once, or hold several states between commas."""
    filter_sender_name: Annotated[str, TEXT] | None = None
    """The older name of `search`, which has precedence."""
    search: Annotated[str, TEXT] | None = None
    """Part of the brand's name, in any case."""
    sort_column: Literal["CREATED", "MODIFIED", "NAME", "STATE"] = "CREATED"
    sort_direction: Literal["ASC", "DESC"] = "DESC"


class UpdateQuery(Query):
    us_questionnaire_version: QuestionnaireVersionWord | None = None
    """Of later versions: taken, and of no effect. The answers of both versions are taken anyway."""


class QuestionnaireQuery(Query):
    countries: list[CountryWord] | None = None
    """The questions of these countries; of all that have some, where it is absent. It may come more than once, or hold
    several countries between commas."""
    us_questionnaire_version: QuestionnaireVersionWord = "v1"
    us_questionnaire_brand_campaign_version: QuestionnaireVariantWord | None = None
    """Which questions of `v2` there are; all of them, where it is absent."""


# answers


class OperatorAnswer(Described):
    name: str
    status: OperatorWord
    remark: str | None = None
    """The carrier's own words."""
    modified: str | None = None


class CountryAnswer(Described):
    country: str
    status: OperatorWord
    """Follows from those of its operators: LAUNCHED if any of them is."""
    operators: list[OperatorAnswer]


class TestNumberAnswer(Described):
    __test__ = False

    number: str
    state: TestNumberWord
    submitted: str
    """Since when it has this state."""


class TestNumbersAnswer(Described):
    __test__ = False

    test_numbers: list[TestNumberAnswer]
    """All of the sender's, not only those that were added."""


class CapabilitiesAnswer(Described):
    features: list[str]


class QuestionAnswer(Described):
    question: str
    suggested_answers: list[str]


class QuestionsAnswer(Described):
    questions: dict[str, QuestionAnswer]


class AnsweredQuestionsAnswer(QuestionsAnswer):
    answers: dict[str, Any]
    """As they were given."""


class QuestionnaireAnswer(Described):
    general: QuestionsAnswer
    verification: QuestionsAnswer
    gb: QuestionsAnswer | None = None
    fr: QuestionsAnswer | None = None
    us: QuestionsAnswer | None = None


class AnsweredQuestionnaireAnswer(Described):
    general: AnsweredQuestionsAnswer
    verification: AnsweredQuestionsAnswer
    gb: AnsweredQuestionsAnswer | None = None
    """The sections of countries stand here where the sender has answers for them, or is to be launched there."""
    fr: AnsweredQuestionsAnswer | None = None
    us: AnsweredQuestionsAnswer | None = None


class EmailAnswer(Described):
    label: str
    address: str


class PhoneAnswer(Described):
    label: str
    number: str


class WebsiteAnswer(Described):
    label: str
    url: str


class BrandAnswer(Described):
    emails: list[EmailAnswer] | None = None
    phones: list[PhoneAnswer] | None = None
    websites: list[WebsiteAnswer] | None = None
    color: str | None = None
    description: str | None = None
    banner_url: str | None = None
    logo_url: str | None = None
    privacy_policy_url: str | None = None
    terms_of_service_url: str | None = None
    name: str | None = None


class RcsDetailsAnswer(Described):
    brand: BrandAnswer
    test_numbers: list[str] | None = None
    countries: list[str] | None = None
    questionnaire: AnsweredQuestionnaireAnswer


class GoogleAnswer(Described):
    agent_id: str | None = None
    brand_id: str | None = None


class SupplierAnswer(Described):
    google: GoogleAnswer


class BrandRegistrationAnswer(Described):
    id: str
    status: Literal["DRAFT", "COMPLETED"]
    """COMPLETED once the network has verified the business."""
    registrations: list[str]
    """Always empty."""


class RcsSenderAnswer(Described):
    id: str
    state: StateWord
    test_number_states: list[TestNumberAnswer]
    country_status: list[CountryAnswer]
    details: RcsDetailsAnswer
    region: RegionWord
    billing_category: BillingWord
    use_case: UseCaseWord
    hosting_region: HostingWord
    """Follows from the region: EUROPE for EU, NORTH_AMERICA for the others."""
    auth_name: str
    """The agent's name; other dialects know the sender by it."""
    auth_token: str
    """Always the same for a sender. It opens nothing here."""
    created: str
    modified: str
    launched: str | None = None
    """When a carrier last launched it."""
    supplier_details: SupplierAnswer | None = None
    brand: BrandRegistrationAnswer | None = None
    """The network's record of the business, once there is one."""


class RcsSendersAnswer(Described):
    total_size: int
    """Of all pages."""
    page_size: int
    senders: list[RcsSenderAnswer]
    previous_page_token: str | None = None
    """Absent on the first page."""
    next_page_token: str | None = None
    """Absent on the last page."""
