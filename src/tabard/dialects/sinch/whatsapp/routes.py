"""The operations of WhatsApp senders and of the project's WhatsApp account, one row each, and their handlers."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from tabard.app import numbers as number_app
from tabard.app import senders as sender_app
from tabard.app.senders import NewSender
from tabard.app.services import Services
from tabard.dialects.sinch import activities
from tabard.dialects.sinch.activities import Kinds, account_kinds
from tabard.dialects.sinch.paging import PageQuery, sender_list
from tabard.dialects.sinch.reading import read, read_json, read_sender_id
from tabard.dialects.sinch.whatsapp import mapping, refusals, states, wire
from tabard.dialects.sinch.whatsapp.answers import account_answer, writer
from tabard.dialects.sinch.whatsapp.refusals import refused
from tabard.dialects.sinch.writing import answered
from tabard.domain.event import Event
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Reason, Sender, Trouble, VerificationMethod
from tabard.http.surface import Answer, Call, Operation
from tabard.ports.networks import Way


def _failure(event: Event) -> str:
    """REJECTED where Meta has said no to the number, the name or the business."""
    reasons = [Reason(Trouble(reason["trouble"]), reason["detail"]) for reason in event.after["offline_reasons"]]
    return states.failure_of(reasons[0] if reasons else None).changes


def _drafted(event: Event) -> str:
    """A draft that is gone was dropped, or submitted."""
    return "EDITED" if event.after["draft"] is None else "DRAFT"


KINDS = Kinds(
    Channel.WHATSAPP,
    {
        "sender.created": "CREATED",
        "sender.commented": "COMMENT_ADDED",
        "sender.draft": _drafted,
        "sender.profile": "EDITED",
        "sender.name": "EDITED",
        "sender.online": "ACTIVE",
        "sender.offline": _failure,
        "sender.retiring": "INACTIVE",
    },
    {Status.CREATING: "IN_PROGRESS", Status.VERIFYING: "IN_PROGRESS"},
)

NOT_OFFERED: Mapping[str, str] = MappingProxyType(
    {
        "POST, PATCH and DELETE `/whatsapp`": "the account is the project's connection to Meta; answers 405",
        "PUT `/whatsapp/enableTemplateAnalytics`": "templates are outside this service; answers 404",
        "`/whatsapp/templates`": "templates are outside this service; answers 404",
        "`/whatsapp/flows`": "flows are outside this service; answers 404",
        "`/whatsapp/solutions`": "the connection to Meta is the project's own; answers 404",
        "`/whatsapp/longLivedAccessToken`, `/whatsapp/wabaDetails`": "given up by Sinch; answer 404",
        "`suggestedUsernames`, `details.username`": "Meta's usernames are not served; 404 and 400",
        "`facebookAccessToken`, `facebookCode` in a new sender": "given up by Sinch; answers 400, with the other forms",
        "numbers provided by Sinch": "a new sender must name its number",
    }
)


async def create_sender(services: Services, call: Call) -> Answer:
    await _way(services, call)
    form, request = mapping.read_new_sender(read_json(call.body))
    if form is mapping.EMBEDDED_SIGNUP:
        new = await _signed_up(services, call, request)
    else:
        new = mapping.detailed_sender(request)
        await _check_photo(services, call, request.details)
    created = await sender_app.register_sender(services, call.principal, new, render=_id)
    # As it is stored: with its account's time.
    sender = await sender_app.fetch_sender(services, call.principal, read_sender_id(created.decode()))
    return answered(201, writer(services)(sender))


async def list_senders(services: Services, call: Call) -> Answer:
    return answered(200, await sender_list(services, call, mapping.wanted(call.query_pairs), writer(services)))


async def fetch_sender(services: Services, call: Call) -> Answer:
    sender_id = read_sender_id(call.path["senderId"])
    sender = await sender_app.fetch_sender(services, call.principal, sender_id, Channel.WHATSAPP)
    return answered(200, writer(services)(sender))


async def update_sender(services: Services, call: Call) -> Answer:
    sender_id = read_sender_id(call.path["senderId"])
    request = read(wire.UpdateWhatsAppSender, call.body)
    await _check_photo(services, call, request.details)

    def permit(sender: Sender) -> None:
        mapping.require_updatable(sender, request)

    change = number_app.submit if request.status == "SUBMIT" else number_app.save_draft
    sender = await change(services, call.principal, sender_id, mapping.edit(request.details), permit=permit)
    return answered(200, writer(services)(sender))


async def delete_sender(services: Services, call: Call) -> Answer:
    await number_app.retire_sender(services, call.principal, read_sender_id(call.path["senderId"]))
    return Answer(204)


async def delete_changes(services: Services, call: Call) -> Answer:
    sender_id = read_sender_id(call.path["senderId"])
    permit = mapping.require_deletable_changes
    await number_app.discard_changes(services, call.principal, sender_id, permit=permit)
    return Answer(204)


async def register_sender(services: Services, call: Call) -> Answer:
    sender_id = read_sender_id(call.path["senderId"])
    method = read(wire.Register, call.body).method
    asked = await number_app.ask_for_code(services, call.principal, sender_id, VerificationMethod(method.lower()))
    return answered(200, {"id": str(sender_id), "method": method, "accepted": True, "verificationCodeSent": asked.sent})


async def verify_sender(services: Services, call: Call) -> Answer:
    sender_id = read_sender_id(call.path["senderId"])
    code = read(wire.Verify, call.body or b"{}").code
    await number_app.verify_number(services, call.principal, sender_id, code)
    return Answer(204)


async def list_sender_activities(services: Services, call: Call) -> Answer:
    return await activities.sender_activities(services, call, read_sender_id(call.path["senderId"]), KINDS)


async def comment_on_sender(services: Services, call: Call) -> Answer:
    return await activities.comment_on_sender(services, call, read_sender_id(call.path["senderId"]), Channel.WHATSAPP)


async def fetch_account(services: Services, call: Call) -> Answer:
    way = await services.way(call.principal.account_id, Channel.WHATSAPP)
    if way is None or not way.connection.business_account:
        raise refused(refusals.ACCOUNT_NOT_FOUND, "The project has no WhatsApp account.")
    return answered(200, account_answer(way.connection.business_account))


async def list_account_activities(services: Services, call: Call) -> Answer:
    return await activities.account_activities(services, call, account_kinds(Channel.WHATSAPP))


async def comment_on_account(services: Services, call: Call) -> Answer:
    return await activities.comment_on_account(services, call, Channel.WHATSAPP)


async def _way(services: Services, call: Call) -> Way:
    """Raises `Refusal` (project_not_initialized)."""
    way = await services.way(call.principal.account_id, Channel.WHATSAPP)
    if way is None:
        raise refused(refusals.PROJECT_NOT_INITIALIZED, "The project is not connected to Meta.")
    return way


async def _signed_up(services: Services, call: Call, request: wire.CreateWhatsAppSender) -> NewSender:
    number = await number_app.look_up_number(
        services, call.principal, request.business_account or "", request.number_id or ""
    )
    return mapping.signed_up_sender(request, number.address, number.display_name)


async def _check_photo(
    services: Services, call: Call, details: wire.NewWhatsAppDetails | wire.UpdateWhatsAppDetails | None
) -> None:
    if details is not None and details.photo_url is not None:
        await number_app.check_photo(services, call.principal, details.photo_url)


def _id(sender: Sender) -> bytes:
    return str(sender.id).encode()


_WHATSAPP = "/v1/projects/{projectId}/whatsapp"
_SENDERS = f"{_WHATSAPP}/senders"
_SENDER = f"{_SENDERS}/{{senderId}}"
_CONTROLLER = "whatsappsenderscontroller"
_ACCOUNTS = "whatsappaccountscontroller"

_SENDER_OPERATIONS: Sequence[Operation] = (
    Operation(
        name=f"{_CONTROLLER}_listsenders_v1",
        method="GET",
        path=_SENDERS,
        handler=list_senders,
        summary="The project's WhatsApp senders, newest first, a page at a time.",
        status=200,
        query=wire.WhatsAppSendersQuery,
        answer=wire.WhatsAppSendersAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_createsender_v1",
        method="POST",
        path=_SENDERS,
        handler=create_sender,
        summary="Create a sender: of a number signed up at Meta, or of one that is proved by a code afterwards.",
        status=201,
        request=wire.CreateWhatsAppSender,
        answer=wire.WhatsAppSenderAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_getsender_v1",
        method="GET",
        path=_SENDER,
        handler=fetch_sender,
        summary="One sender.",
        status=200,
        answer=wire.WhatsAppSenderAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_updatesender_v1",
        method="PATCH",
        path=_SENDER,
        handler=update_sender,
        summary="Put changes aside, or submit them with what was put aside; null deletes.",
        status=200,
        request=wire.UpdateWhatsAppSender,
        answer=wire.WhatsAppSenderAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_deletesender_v1",
        method="DELETE",
        path=_SENDER,
        handler=delete_sender,
        summary="Delete a sender. It is INACTIVE for 30 days, then gone; one that is a DRAFT is gone at once.",
        status=204,
    ),
    Operation(
        name=f"{_CONTROLLER}_deletesenderchanges_v1",
        method="DELETE",
        path=f"{_SENDER}/changes",
        handler=delete_changes,
        summary="Drop changes that are put aside, or were refused. A sender that was never active is gone with them.",
        status=204,
    ),
)

_OTHER_SENDER_OPERATIONS: Sequence[Operation] = (
    Operation(
        name=f"{_CONTROLLER}_registersender_v1",
        method="POST",
        path=f"{_SENDER}/register",
        handler=register_sender,
        summary="Have a one-time code sent to the number; again, for another one. Waits for Meta, up to ten seconds.",
        status=200,
        request=wire.Register,
        answer=wire.RegisterAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_verifysender_v1",
        method="POST",
        path=f"{_SENDER}/verify",
        handler=verify_sender,
        summary="Hand in the code. Waits for Meta, up to ten seconds; after that the sender shows how it went.",
        status=204,
        request=wire.Verify,
    ),
    Operation(
        name=f"{_CONTROLLER}_listactivities_v1",
        method="GET",
        path=f"{_SENDER}/activities",
        handler=list_sender_activities,
        summary="What happened to the sender, newest first.",
        status=200,
        query=PageQuery,
        answer=activities.NotificationsAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_createsendercomment_v1",
        method="POST",
        path=f"{_SENDER}/comments",
        handler=comment_on_sender,
        summary="Leave a comment on the sender; it shows among its activities.",
        status=201,
        request=activities.NewComment,
        answer=activities.CommentAnswer,
    ),
)

_ACCOUNT_OPERATIONS: Sequence[Operation] = (
    Operation(
        name=f"{_ACCOUNTS}_getaccount_v1",
        method="GET",
        path=_WHATSAPP,
        handler=fetch_account,
        summary="The project's WhatsApp account: its connection to Meta.",
        status=200,
        answer=wire.WhatsAppAccountAnswer,
    ),
    Operation(
        name=f"{_ACCOUNTS}_listactivities_v1",
        method="GET",
        path=f"{_WHATSAPP}/activities",
        handler=list_account_activities,
        summary="What happened to the account, newest first.",
        status=200,
        query=PageQuery,
        answer=activities.NotificationsAnswer,
    ),
    Operation(
        name=f"{_ACCOUNTS}_createcomment_v1",
        method="POST",
        path=f"{_WHATSAPP}/comments",
        handler=comment_on_account,
        summary="Leave a comment on the account; it shows among its activities.",
        status=201,
        request=activities.NewComment,
        answer=activities.CommentAnswer,
    ),
)

OPERATIONS: Sequence[Operation] = (*_SENDER_OPERATIONS, *_OTHER_SENDER_OPERATIONS, *_ACCOUNT_OPERATIONS)
