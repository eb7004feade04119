"""Twilio's words: the bodies and parameters of the Senders API, and how a request body is read.

Requests take every key in snake_case and in camelCase, because Twilio's Node types are camelCase and go out as the
caller wrote them. Unknown keys are ignored, types are strict. In an update a leaf that is absent or null stays as it is
and "" clears it; `mapping` knows the one exception. Answers are plain dictionaries made by `mapping`: the answer models
here describe them for the API document, and a test holds the two together.

Sources: Twilio's public OpenAPI document of Messaging v2, the documentation of errors 63100, 63124 and 63128.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import (
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from tabard.domain.errors import InvalidInput

SENDER_SID = r"^XE[0-9a-f]{32}$"
_NO_NUL = r"^[^\x00]*$"
_ACCOUNT_ID = r"^[0-9]{0,32}$"
_APPLICATION_SID = r"^(AP[0-9a-fA-F]{32})?$"
_COLOR = r"^(#[0-9a-fA-F]{6})?$"
_WEB_URL = r"^(https?://[^\s\x00]+)?$"
_IDEMPOTENCY_KEY = r"^[\x20-\x7e]{1,255}$"
_REGISTRATION_SID = r"^(BU[0-9a-zA-Z]{0,32})?$"
_COUNTRY = r"^[A-Za-z]{2}$"
_E164 = r"^\+[1-9][0-9]{5,14}$"
_PAGE_TOKEN = r"^P[AB]XE[0-9a-f]{32}$"  # noqa: S105 - a pattern, not a secret

_PATTERN_PROBLEMS = {
    _NO_NUL: "must not contain a NUL character",
    _ACCOUNT_ID: "must be the id of a WhatsApp Business Account: digits only",
    _APPLICATION_SID: "must be the SID of an application: AP and 32 hexadecimal digits",
    _REGISTRATION_SID: "must be the SID of a compliance registration: BU and up to 32 letters and digits",
    _COUNTRY: "must be a country code of two letters",
    _E164: "must be a telephone number in E.164 form, such as +15550100123",
    _COLOR: "must be a colour written as #RRGGBB",
    _WEB_URL: "must start with http:// or https:// and contain no spaces",
    _IDEMPOTENCY_KEY: "must be 1 to 255 printable ASCII characters",
    _PAGE_TOKEN: "is not a page token that this service has given out",
}

_TYPE_PROBLEMS = {
    "missing": "is required",
    "string_type": "must be a string",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "list_type": "must be a string, an object or a list of them",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
}

Text = Annotated[str, StringConstraints(max_length=4096, pattern=_NO_NUL)]
Label = Annotated[str, StringConstraints(max_length=64, pattern=_NO_NUL)]
Url = Annotated[str, StringConstraints(max_length=2048, pattern=_NO_NUL)]
WebUrl = Annotated[str, StringConstraints(max_length=2048, pattern=_WEB_URL)]

StatusWord = Literal[
    "CREATING",
    "ONLINE",
    "OFFLINE",
    "PENDING_VERIFICATION",
    "VERIFYING",
    "ONLINE:UPDATING",
    "TWILIO_REVIEW",
    "DRAFT",
    "STUBBED",
]
VerificationMethodWord = Literal["sms", "voice"]
AccountTypeWord = Literal["ISV", "ISVSubAccount"]
UseCaseWord = Literal["PROMOTIONAL", "TRANSACTIONAL", "OTP", "MULTI_USE"]
WebhookMethodWord = Literal["POST", "PUT"]
VerticalWord = Literal[
    "Alcohol",
    "Automotive",
    "Beauty, Spa and Salon",
    "Clothing and Apparel",
    "Education",
    "Entertainment",
    "Event Planning and Service",
    "Finance and Banking",
    "Food and Grocery",
    "Hotel and Lodging",
    "Matrimony Service",
    "Medical and Health",
    "Non-profit",
    "Online Gambling",
    "OTC Drugs",
    "Other",
    "Physical Gambling",
    "Professional Services",
    "Public Service",
    "Restaurant",
    "Shopping and Retail",
    "Travel and Transportation",
]
PendingNameWord = Literal[
    "PENDING_REVIEW", "APPROVED", "DECLINED", "PIN_MISMATCH", "REGISTRATION_FAILED", "EXPIRED", "COMPLETED"
]
NameOutcomeWord = Literal["updating", "no_change", "pending_review", "error"]
ChannelWord = Literal["whatsapp", "rcs"]
CountryStatusWord = Literal["ONLINE", "OFFLINE", "TWILIO_REVIEW", "PENDING_VERIFICATION"]
CarrierStatusWord = Literal["UNKNOWN", "UNLAUNCHED", "CARRIER_REVIEW", "APPROVED", "REJECTED", "SUSPENDED"]
TestDeviceStatusWord = Literal["PENDING", "ACCEPTED", "DECLINED"]
QualityWord = Literal["HIGH", "MEDIUM", "LOW", "UNKNOWN"]


# requests


def _either_spelling(name: str) -> AliasChoices:
    return AliasChoices(name, to_camel(name))


class _Request(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
        alias_generator=AliasGenerator(validation_alias=_either_spelling),
    )


class EmailEntry(_Request):
    email: Text
    label: Label | None = None
    """Stored and given back; `Email` where there is none. WhatsApp does not show it."""


class WebsiteEntry(_Request):
    website: Text
    label: Label | None = None
    """Stored and given back; `Website` where there is none. WhatsApp does not show it."""


class PhoneNumberEntry(_Request):
    phone_number: Annotated[str, StringConstraints(max_length=64, pattern=_NO_NUL)]
    label: Label | None = None
    """Stored and given back; `Phone` where there is none."""


def _listed(key: str) -> Callable[[Any], Any]:
    """One entry or a list of them, each a bare string or an object, as a list of objects; "" is no entry."""

    def listed(value: Any) -> Any:
        if value == "":
            return []
        entries = [value] if isinstance(value, str | dict) else value
        if not isinstance(entries, list):
            return entries
        return [{key: entry} if isinstance(entry, str) else entry for entry in entries]

    return listed


Emails = Annotated[
    list[EmailEntry],
    Field(max_length=20),
    BeforeValidator(_listed("email"), json_schema_input_type=str | EmailEntry | list[str | EmailEntry]),
]
Websites = Annotated[
    list[WebsiteEntry],
    Field(max_length=20),
    BeforeValidator(_listed("website"), json_schema_input_type=str | WebsiteEntry | list[str | WebsiteEntry]),
]
PhoneNumbers = Annotated[
    list[PhoneNumberEntry],
    Field(max_length=20),
    BeforeValidator(
        _listed("phone_number"), json_schema_input_type=str | PhoneNumberEntry | list[str | PhoneNumberEntry]
    ),
]


class Configuration(_Request):
    waba_id: Annotated[str, StringConstraints(pattern=_ACCOUNT_ID)] | None = None
    """The business account that holds the number; without it, the one of the account's connection to Meta. It can't be
    changed once the number has been added to one."""
    verification_method: VerificationMethodWord | None = None
    """How the one-time code is to reach the phone; `sms` where nothing is said. In an update it asks for a new code."""
    verification_code: Annotated[str, StringConstraints(max_length=32, pattern=_NO_NUL)] | None = None
    """The six digits that the phone received; spaces and hyphens are dropped. Taken in updates only."""
    voice_application_sid: Annotated[str, StringConstraints(pattern=_APPLICATION_SID)] | None = None
    """Stored and given back; calls are not routed. An explicit null clears it, as "" does."""
    account_type: Literal[AccountTypeWord, ""] | None = None
    """Stored and given back; "" clears it."""


class Webhook(_Request):
    callback_url: Url | None = None
    """Where messages that the sender receives are to be told."""
    callback_method: Literal[WebhookMethodWord, ""] | None = None
    """`POST` where the address has none."""
    fallback_url: Url | None = None
    """Where the callback is repeated if it fails."""
    fallback_method: Literal[WebhookMethodWord, ""] | None = None
    """`POST` where the address has none."""
    status_callback_url: Url | None = None
    """Where the progress of sent messages is to be told."""
    status_callback_method: Literal[WebhookMethodWord, ""] | None = None
    """`POST` where the address has none."""


class Profile(_Request):
    name: Text | None = None
    """The display name, at most 255 characters; a WhatsApp sender must have one. Once Meta knows the number, a
    new name is put up for review and the active one stays."""
    about: Text | None = None
    """At most 139 characters."""
    address: Text | None = None
    """At most 256 characters."""
    description: Text | None = None
    """At most 512 characters."""
    emails: Emails | None = None
    """A list of strings or of objects, or a single one; each at most 128 characters. Meta keeps the first."""
    logo_url: Url | None = None
    """An http or https address from which the picture is fetched and given to Meta."""
    vertical: Literal[VerticalWord, ""] | None = None
    """The business's trade, one of the 22 names."""
    websites: Websites | None = None
    """A list of strings or of objects, or a single one; at most two, each at most 256 characters."""
    banner_url: WebUrl | None = None
    """RCS only: a picture of 1440 x 448 pixels, at most 200 KB. WhatsApp does not show it."""
    privacy_url: WebUrl | None = None
    """RCS only."""
    terms_of_service_url: WebUrl | None = None
    """RCS only."""
    accent_color: Annotated[str, StringConstraints(pattern=_COLOR)] | None = None
    """RCS only. Too light a colour is taken all the same: Google is given the nearest darker shade that can be read on
    white, and the sender carries a warning."""
    phone_numbers: PhoneNumbers | None = None
    """RCS only."""
    use_case: Literal[UseCaseWord, ""] | None = None
    """RCS only; `MULTI_USE` where nothing is said. Fixed from the first launch on, as are name and pictures."""


class ComplianceCountry(_Request):
    country: Annotated[str, StringConstraints(pattern=_COUNTRY)]
    """ISO 3166-1 alpha-2; `UK` is taken for `GB`."""
    registration_sid: Annotated[str, StringConstraints(pattern=_REGISTRATION_SID)] | None = None
    """Stored and given back; without it the country has the one for all."""


class Compliance(_Request):
    registration_sid: Annotated[str, StringConstraints(pattern=_REGISTRATION_SID)] | None = None
    """Stored and given back."""
    countries: Annotated[list[ComplianceCountry], Field(max_length=50)] | None = None
    """Where the sender is to be launched. Naming them submits it."""


class UpdateSender(_Request):
    friendly_name: Annotated[str, StringConstraints(max_length=255, pattern=_NO_NUL)] | None = None
    """A label for people; nobody outside sees it."""
    configuration: Configuration | None = None
    webhook: Webhook | None = None
    profile: Profile | None = None
    compliance: Compliance | None = None
    """RCS only."""


class CreateSender(UpdateSender):
    sender_id: Annotated[str, StringConstraints(max_length=255, pattern=_NO_NUL)]
    """`whatsapp:` and a number in E.164 form, or `rcs:` and a name for the agent: letters, digits, - and _."""


class CreateTestDevice(_Request):
    phone_number: Annotated[str, StringConstraints(pattern=_E164)]


class CreateHeaders(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    key: Annotated[str, StringConstraints(pattern=_IDEMPOTENCY_KEY)] | None = Field(None, alias="Idempotency-Key")
    """Not Twilio's: a request that comes again with the same key is not done again but gets the first answer."""


class ListQuery(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    channel: ChannelWord = Field(alias="Channel")
    page_size: int | None = Field(None, alias="PageSize", ge=1, le=1000)
    """20 for `whatsapp`, 50 for `rcs` where it is absent."""
    page: int = Field(0, alias="Page", ge=0, le=2**31 - 2)
    """The client's own count; the token alone says where the page begins."""
    page_token: Annotated[str, StringConstraints(pattern=_PAGE_TOKEN)] | None = Field(None, alias="PageToken")
    """From `next_page_url` or `previous_page_url`."""


class TestDevicesQuery(BaseModel):
    page_size: int = Field(50, alias="PageSize", ge=1, le=1000)
    page: int = Field(0, alias="Page", ge=0, le=200)


# answers


class _Answer(BaseModel):
    # Built when somebody asks for the API document: at run time nothing is validated with these.
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, defer_build=True)


class ConfigurationAnswer(_Answer):
    waba_id: str | None
    verification_method: VerificationMethodWord | None
    """Null until somebody has asked for a code."""
    verification_code: None
    """Always null: a code is never given back."""
    voice_application_sid: str | None
    account_type: AccountTypeWord | None


class WebhookAnswer(_Answer):
    callback_url: str | None
    callback_method: WebhookMethodWord | None
    fallback_url: str | None
    fallback_method: WebhookMethodWord | None
    status_callback_url: str | None
    status_callback_method: WebhookMethodWord | None


class EmailAnswer(_Answer):
    email: str
    label: str


class WebsiteAnswer(_Answer):
    website: str
    label: str


class PhoneNumberAnswer(_Answer):
    phone_number: str
    label: str


class ProfileAnswer(_Answer):
    name: str | None
    """The active display name."""
    about: str | None
    address: str | None
    description: str | None
    emails: list[EmailAnswer] | None
    logo_url: str | None
    vertical: VerticalWord | None
    websites: list[WebsiteAnswer] | None
    banner_url: str | None
    privacy_url: str | None
    terms_of_service_url: str | None
    accent_color: str | None
    phone_numbers: list[PhoneNumberAnswer] | None
    use_case: UseCaseWord | None


class PropertiesAnswer(_Answer):
    quality_rating: QualityWord
    messaging_limit: str
    """`250 Customers/24hr`, `1K Customers/24hr` and so on; `Unlimited`; `Unavailable` while Meta does not say."""


class OfflineReasonAnswer(_Answer):
    code: str
    message: str
    more_info: str


class CarrierAnswer(_Answer):
    name: str
    status: CarrierStatusWord


class CountryAnswer(_Answer):
    country: str
    registration_sid: str | None
    """The country's own, or the one for all."""
    status: CountryStatusWord
    carriers: list[CarrierAnswer]
    """Empty until the network has made the agent."""


class ComplianceAnswer(_Answer):
    registration_sid: str
    """Empty where there is none."""
    countries: list[CountryAnswer]


class SenderAnswer(_Answer):
    sid: str = Field(pattern=SENDER_SID)
    status: StatusWord
    """`DRAFT` for an RCS sender that is filled in or tested, `TWILIO_REVIEW` while its launch is prepared,
    `PENDING_VERIFICATION` while carriers decide. `STUBBED` never comes."""
    sender_id: str
    friendly_name: str | None
    configuration: ConfigurationAnswer | None
    """Null for `rcs`."""
    webhook: WebhookAnswer
    profile: ProfileAnswer
    pending_display_name: str | None = None
    """The name of the latest change, with its status and date: all three or none."""
    pending_display_name_status: PendingNameWord | None = None
    pending_display_name_status_date: str | None = None
    """UTC, to the second."""
    properties: PropertiesAnswer | None
    """Null until the sender was online for the first time."""
    offline_reasons: list[OfflineReasonAnswer] | None
    """Also why a one-time code was refused, while the sender waits for the next one."""
    compliance: ComplianceAnswer | None
    """Null for `whatsapp`."""
    url: str
    """Absolute, on the address that the client used."""
    display_name_status: NameOutcomeWord | None = None
    """Only in the answer to an update that has `profile.name`."""


class _PageMeta(_Answer):
    page: int
    page_size: int
    first_page_url: str
    previous_page_url: str | None
    url: str
    next_page_url: str | None


class PageMeta(_PageMeta):
    key: Literal["senders"]


class SendersAnswer(_Answer):
    senders: list[SenderAnswer]
    """Newest first."""
    meta: PageMeta


class TestDeviceAnswer(_Answer):
    phone_number: str
    status: TestDeviceStatusWord
    """`DECLINED`, which Twilio's samples do not show, also for a phone that can't be invited."""


class TestDevicesMeta(_PageMeta):
    key: Literal["test_devices"]


class TestDevicesAnswer(_Answer):
    phone_numbers: list[TestDeviceAnswer]
    meta: TestDevicesMeta


class ErrorAnswer(_Answer):
    code: int
    message: str
    more_info: str
    status: int


# reading

M = TypeVar("M", bound=BaseModel)

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read(model: type[M], body: bytes) -> M:
    """The request in a body, whatever content type it came with: Twilio's own samples send JSON as `text/plain`.

    Raises `InvalidInput` naming the first wrong field in snake_case, or none if the body is no JSON object.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if not body.strip():
        raise InvalidInput("", "the request body is empty; it must be a JSON object")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("", f"the request body is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvalidInput("", "the request body must be a JSON object")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        field, problem = first_problem(error)
        raise InvalidInput(_snake(field), problem) from None


def first_problem(error: ValidationError) -> tuple[str, str]:
    """The field that is wrong, as the caller wrote it, and what is wrong with it."""
    detail = error.errors(include_url=False, include_input=False)[0]
    path = ""
    for step in detail["loc"]:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix("."), _problem(detail)


def _snake(path: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda upper: f"_{upper[0].lower()}", path)


def _problem(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "string_pattern_mismatch":
            return _PATTERN_PROBLEMS[context["pattern"]]
        case "string_too_long":
            return f"must have at most {context['max_length']} characters"
        case "too_long":
            return f"must have at most {context['max_length']} entries"
        case "literal_error":
            return f"must be one of {context['expected']}"
        case kind if kind in _TYPE_PROBLEMS:
            return _TYPE_PROBLEMS[kind]
        case _:
            return detail["msg"][0].lower() + detail["msg"][1:]
