"""The bodies and parameters of Sinch's WhatsApp senders and of their account.

Python names are ours where Sinch has a word of its own or Meta's; the alias is Sinch's. An update's null clears a field
that may be cleared, so which fields came is looked up in `model_fields_set`.

Source: Sinch Provisioning API 1.2.36, WhatsApp senders and accounts; phone provisioning by the later 1.2.117.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tabard.dialects.sinch.paging import PageQuery
from tabard.dialects.sinch.reading import EMAIL, TEXT, WEB_URL, Request, fits, optional
from tabard.dialects.sinch.writing import Described

NETWORK_ID = fits(r"[0-9]{1,32}", "must be an id that Meta gives: digits only")
_CODE = fits(r"[0-9]{6}", "must be exactly 6 characters, all of them digits")

DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=128), TEXT]
CountryCode = Annotated[str, fits(r"\+?[1-9][0-9]{0,2}", "must be a country's calling code, such as 1 or 46")]
PhoneNumber = Annotated[
    str,
    StringConstraints(max_length=32),
    fits(r"[0-9 ().\-]*[0-9][0-9 ().\-]*", "must be a phone number without its country code, such as 5550100123"),
]
Text256 = Annotated[str, StringConstraints(min_length=1, max_length=256), TEXT]
Text512 = Annotated[str, StringConstraints(min_length=1, max_length=512), TEXT]
About = Annotated[str, StringConstraints(min_length=1, max_length=139), TEXT]
Email = Annotated[str, StringConstraints(max_length=128), EMAIL]
Url = Annotated[str, StringConstraints(max_length=256), WEB_URL]

RegionWord = Literal["BR", "EU", "US"]
StorageWord = Literal["AE", "AU", "BH", "BR", "CA", "CH", "DE", "GB", "ID", "IN", "JP", "KR", "SG", "US", "ZA"]
BusinessManagerWord = Literal["SINCH_BR", "SINCH_MX", "SINCH_UK"]
VerticalWord = Literal[
    "ALCOHOL",
    "AUTOMOTIVE",
    "BEAUTY_SPA_SALON",
    "CLOTHING_AND_APPAREL",
    "EDUCATION",
    "ENTERTAINMENT",
    "EVENT_PLANNING_AND_SERVICE",
    "FINANCE_AND_BANKING",
    "FOOD_AND_GROCERY",
    "HOTEL_AND_LODGING",
    "MEDICAL_AND_HEALTH",
    "NON_PROFIT",
    "ONLINE_GAMBLING",
    "OTC_DRUGS",
    "OTHER",
    "PHYSICAL_GAMBLING",
    "PROFESSIONAL_SERVICES",
    "PUBLIC_SERVICE",
    "RESTAURANT",
    "SHOPPING_AND_RETAIL",
    "TRAVEL_AND_TRANSPORTATION",
]
StateWord = Literal["ACTIVE", "IN_PROGRESS", "INACTIVE", "PENDING_VERIFICATION", "SUSPENDED", "ERROR"]
ChangesWord = Literal["DRAFT", "IN_PROGRESS", "REJECTED", "ERROR"]
SubmissionWord = Literal["DRAFT", "SUBMIT"]
MethodWord = Literal["SMS", "VOICE"]
QualityWord = Literal["GREEN", "YELLOW", "RED", "UNKNOWN"]
LimitWord = Literal[
    "TIER_50", "TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED", "UNRECOGNIZED"
]
NameWord = Literal["APPROVED", "DEFERRED", "EXPIRED", "PENDING", "REJECTED"]
ErrorWord = Literal[
    "CANNOT_ASSIGN_SYSTEM_USER",
    "CANNOT_CREATE_NEW_WHATSAPP_SENDER",
    "CANNOT_GET_DETAILS_FOR_CLOUD_API",
    "CANNOT_GET_WABA_DETAILS",
    "CANNOT_REGISTER_TO_CLOUD_API",
    "DUPLICATES_ON_SENDER_PHONE_NUMBER",
    "NO_CERTIFICATE_AVAILABLE",
    "NO_VERIFIED_PHONE_NUMBER",
    "NOT_VERIFIED_REQUESTED_PHONE_NUMBER",
    "REQUESTED_PHONE_NUMBER_OR_COUNTRY_CODE_CONFLICT",
    "UNKNOWN_ERROR",
]


# requests


class _Profile(Request):
    """What a business says of itself."""

    vertical: VerticalWord | None = None
    description: Text512 | None = None
    email: Email | None = None
    address: Text256 | None = None
    website_one: Url | None = None
    website_two: Url | None = None
    about: About | None = None
    photo_url: Url | None = None
    """An http or https address of a picture, which is fetched and given to Meta. A live account's must be there."""


class NewWhatsAppDetails(_Profile):
    display_name: DisplayName | None = None
    """Required."""
    country_code: CountryCode | None = None
    """The calling code, in digits. Required."""
    phone_number: PhoneNumber | None = None
    """Without the calling code. Required: this service has no numbers to give."""


class CreateWhatsAppSender(Request):
    """One of three forms. Embedded signup: `wabaId` and `phoneNumberId`. Phone provisioning: `details` with
    `displayName`, `countryCode` and `phoneNumber` alone. Partner-initiated: `phoneNumberProvider` and `details`."""

    business_account: Annotated[str, NETWORK_ID] | None = Field(None, alias="wabaId")
    """Embedded signup: the WhatsApp Business Account that holds the number."""
    number_id: Annotated[str, NETWORK_ID] | None = Field(None, alias="phoneNumberId")
    """Embedded signup: Meta's id of the number. Its address and its display name are asked of Meta."""
    authentication_code: Annotated[str, StringConstraints(min_length=1, max_length=4096), TEXT] | None = None
    """Embedded signup: accepted, not used. The account's connection to Meta speaks for the business."""
    phone_number_provider: Literal["CUSTOMER", "SINCH"] | None = None
    """Partner-initiated: whose number it is. With `SINCH` the number must be named all the same."""
    details: NewWhatsAppDetails | None = None
    status: SubmissionWord | None = None
    """Partner-initiated: `DRAFT` keeps the sender aside until an update submits it; `SUBMIT` where it is absent."""
    save_draft_on_failure: bool | None = None
    """Partner-initiated: accepted, without effect. A sender that fails is kept anyway, and can be submitted again."""
    region: RegionWord | None = None
    """Checked against `businessManager`, not kept: there is one region here, and answers say `US`."""
    meta_local_storage: StorageWord | None = None
    """Checked, not kept: Meta is asked for no local storage, and answers say `US`."""
    business_manager: BusinessManagerWord | None = None
    """Embedded signup, partner-initiated: checked against `region`, not kept."""


class UpdateWhatsAppDetails(_Profile):
    """Null clears a field, but for `displayName` and `vertical`."""

    vertical: VerticalWord = optional()
    display_name: DisplayName = optional()
    """A new one is put up for review by Meta; the active one stays, and `metadata.displayName` tells how it goes."""


class UpdateWhatsAppSender(Request):
    status: SubmissionWord = "DRAFT"
    """`DRAFT` puts the details aside; `SUBMIT` asks Meta for them, and for what was put aside before."""
    details: UpdateWhatsAppDetails | None = None


class Register(Request):
    method: MethodWord


class Verify(Request):
    code: Annotated[str, _CODE] | None = None
    """Not needed where Meta has verified the number by itself."""


class WhatsAppSendersQuery(PageQuery):
    filter_states: list[StateWord] | None = None
    """One or more of the states. `SUSPENDED` and `ERROR` each find the senders of both, and those that Meta has not
    taken."""
    filter_statuses: list[ChangesWord] | None = None
    """One or more of the statuses of `changes`. `REJECTED` and `ERROR` each find what `ERROR` of the states finds;
    `DRAFT` does not find a draft beside an active sender. Of both filters, both must hold."""


# answers


class WhatsAppDetailsAnswer(Described):
    display_name: str | None = None
    description: str | None = None
    vertical: VerticalWord | None = None
    """`OTHER` also for what Sinch has no word for."""
    email: str | None = None
    address: str | None = None
    website_one: str | None = None
    website_two: str | None = None
    about: str | None = None
    photo_url: str | None = None


class WhatsAppChangesAnswer(Described):
    status: ChangesWord
    details: WhatsAppDetailsAnswer
    """As they are to become."""
    error_reason: str | None = None
    """While the status is `IN_PROGRESS`: why Meta has refused a code, or what it makes the sender wait for."""
    error_code: ErrorWord | None = None


class DisplayNameAnswer(Described):
    value: str
    status: NameWord
    """`DEFERRED`: approved, but Meta has refused to put it into force."""
    rejection_reason: str | None = None


class MetadataAnswer(Described):
    display_name: DisplayNameAnswer


class WhatsAppSenderAnswer(Described):
    """A sender that was never active has `changes` but no `details`; an active one has `state` and `details`, and
    `changes` beside them while something is put aside or on its way."""

    id: str
    region: Literal["US"]
    """Always: there is one region here."""
    meta_local_storage: Literal["US"]
    """Always: Meta is asked for no local storage."""
    cloud_api: Literal[True]
    business_manager: Literal["UNRECOGNIZED"]
    """Always: the account's own connection to Meta serves, and none of Sinch's business managers."""
    compatible_regions: list[Literal["br", "eu", "us"]]
    state: StateWord | None = None
    changes: WhatsAppChangesAnswer | None = None
    details: WhatsAppDetailsAnswer | None = None
    metadata: MetadataAnswer | None = None
    """Only while a change of the display name is to be told of: for two weeks after it is done."""
    quality_rating: QualityWord | None = None
    daily_limit: LimitWord | None = None
    bearer_token: str
    """Made from this service's master key; nothing here takes it yet."""
    created: str
    modified: str
    country_code: str
    phone_number: str
    """The national number, without its calling code."""
    number_provider: Literal["CUSTOMER"]
    ban_state: Literal["DISABLE"] | None = Field(None, alias="wabaBanState")
    """Where Meta has banned or disabled the business account."""
    ban_date: str | None = Field(None, alias="wabaBanDate")


class WhatsAppSendersAnswer(Described):
    """A page of senders."""

    total_size: int
    page_size: int
    senders: list[WhatsAppSenderAnswer]
    """Newest first."""
    previous_page_token: str | None = None
    next_page_token: str | None = None


class RegisterAnswer(Described):
    id: str
    method: MethodWord
    accepted: Literal[True]
    verification_code_sent: bool
    """False where Meta has verified the number by itself, or has not answered within ten seconds."""


class WhatsAppAccountAnswer(Described):
    """The WhatsApp account of the project: its connection to Meta."""

    state: Literal["ONBOARDED"]
    is_embedded_signup: Literal[True]
    business_manager: Literal["UNRECOGNIZED"]
    business_account: str = Field(alias="wabaId")
    """The connection's own business account; a sender may be in another one."""
    compatible_regions: list[Literal["br", "eu", "us"]]
