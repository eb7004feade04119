"""The operations of RCS senders, one row each, and their handlers."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabard.app import agents as agent_app
from tabard.app import senders as sender_app
from tabard.app.services import Services
from tabard.dialects.sinch import activities
from tabard.dialects.sinch.activities import Kinds, account_kinds
from tabard.dialects.sinch.paging import PageQuery, sender_list
from tabard.dialects.sinch.rcs import launch, mapping, questionnaire, test_numbers, wire
from tabard.dialects.sinch.rcs.answers import writer
from tabard.dialects.sinch.rcs.faults import NO_FIELDS, frozen, refused
from tabard.dialects.sinch.reading import read, read_query, read_sender_id
from tabard.dialects.sinch.writing import answered
from tabard.domain.errors import LaunchIncomplete
from tabard.domain.lifecycle import Channel, Status
from tabard.domain.sender import Sender
from tabard.http.surface import Answer, Call, Operation

KINDS = Kinds(
    Channel.RCS,
    {
        "sender.created": "CREATED",
        "sender.commented": "COMMENT_ADDED",
        "sender.carrier": "COMMENT_ADDED",
        "sender.profile": "EDITED",
        "sender.configuration": "EDITED",
        "sender.testing": "TEST",
        "sender.online": "ACTIVE",
        "sender.offline": "INACTIVE",
        "sender.deleted": "DELETED",
    },
    # Back to where its owner can mend it: the comment says what the network refused.
    {Status.DRAFT: "EDITED"},
)

_FROZEN_IN = frozenset({Status.LAUNCHING, Status.ONLINE, Status.UPDATING})


async def create_sender(services: Services, call: Call) -> Answer:
    new = mapping.new_sender(read(wire.RcsSenderInput, call.body))
    created = await sender_app.register_sender(services, call.principal, new, render=_id)
    # As it is stored: with its account's time.
    sender = await sender_app.fetch_sender(services, call.principal, read_sender_id(created.decode()))
    return answered(201, writer(services)(sender))


async def list_senders(services: Services, call: Call) -> Answer:
    return answered(200, await sender_list(services, call, mapping.wanted_senders(call), writer(services)))


async def fetch_sender(services: Services, call: Call) -> Answer:
    sender_id = read_sender_id(call.path["senderId"])
    sender = await sender_app.fetch_sender(services, call.principal, sender_id, Channel.RCS)
    return answered(200, writer(services)(sender))


async def update_sender(services: Services, call: Call) -> Answer:
    sender_id = read_sender_id(call.path["senderId"])
    read_query(wire.UpdateQuery, call.query_pairs)
    details = read(wire.RcsSenderUpdate, call.body).given()["details"]
    _require_a_field(details)
    sender, _ = await sender_app.update_sender(
        services,
        call.principal,
        sender_id,
        mapping.sender_change(details),
        channel=Channel.RCS,
        permit=lambda sender: _permit(sender, details),
        accept=_accept,
    )
    return answered(200, writer(services)(sender))


async def launch_sender(services: Services, call: Call) -> Answer:
    """Whatever body comes is ignored: clients send none, or an empty object."""
    sender_id = read_sender_id(call.path["senderId"])
    sender = await agent_app.request_launch(
        services, call.principal, sender_id, missing=launch.missing, waits_for_video=True
    )
    return answered(200, writer(services)(sender))


async def list_sender_activities(services: Services, call: Call) -> Answer:
    return await activities.sender_activities(services, call, read_sender_id(call.path["senderId"]), KINDS)


async def comment_on_sender(services: Services, call: Call) -> Answer:
    return await activities.comment_on_sender(services, call, read_sender_id(call.path["senderId"]), Channel.RCS)


async def list_account_activities(services: Services, call: Call) -> Answer:
    return await activities.account_activities(services, call, account_kinds(Channel.RCS))


async def comment_on_account(services: Services, call: Call) -> Answer:
    return await activities.comment_on_account(services, call, Channel.RCS)


def _id(sender: Sender) -> bytes:
    return str(sender.id).encode()


def _require_a_field(details: Mapping[str, Any]) -> None:
    if not mapping.names_a_field(details):
        raise refused(NO_FIELDS)


def _permit(sender: Sender, details: Mapping[str, Any]) -> None:
    """Sinch's own rule, stricter than the network's: it goes by what is named, whether or not that would change it."""
    if sender.status not in _FROZEN_IN:
        return
    named = [f"details.brand.{name}" for name in details.get("brand", {})]
    if "testNumbers" in details:
        named.append("details.testNumbers")
    if named:
        raise frozen(named)


def _accept(sender: Sender) -> None:
    """A launch that is being prepared was complete when it was asked for, but for the video, and is to stay so."""
    lacking = launch.missing(sender) if sender.status is Status.PREPARING else ()
    if lacking:
        raise LaunchIncomplete(lacking)


_RCS = "/v1/projects/{projectId}/rcs"
_SENDERS = f"{_RCS}/senders"
_SENDER = f"{_SENDERS}/{{senderId}}"
_CONTROLLER = "rcssenderscontroller"
_ACCOUNTS = "rcsaccountscontroller"

_SENDER_OPERATIONS: Sequence[Operation] = (
    Operation(
        name=f"{_CONTROLLER}_listsenders_v1",
        method="GET",
        path=_SENDERS,
        handler=list_senders,
        summary="The project's RCS senders, a page at a time, in any order; the newest first where nothing is said.",
        status=200,
        query=wire.RcsSendersQuery,
        answer=wire.RcsSendersAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_createsender_v1",
        method="POST",
        path=_SENDERS,
        handler=create_sender,
        summary="Create a sender: a DRAFT while details are missing, else IN_PROGRESS until the network has made it.",
        status=201,
        request=wire.RcsSenderInput,
        answer=wire.RcsSenderAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_getsender_v1",
        method="GET",
        path=_SENDER,
        handler=fetch_sender,
        summary="One sender.",
        status=200,
        answer=wire.RcsSenderAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_updatesender_v1",
        method="PATCH",
        path=_SENDER,
        handler=update_sender,
        summary="Change what the body names; null deletes.",
        status=200,
        request=wire.RcsSenderUpdate,
        query=wire.UpdateQuery,
        answer=wire.RcsSenderAnswer,
    ),
    Operation(
        name=f"{_CONTROLLER}_launchsender_v1",
        method="POST",
        path=f"{_SENDER}/launch",
        handler=launch_sender,
        summary="Launch the sender in all its countries; again, in those that were added since.",
        status=200,
        answer=wire.RcsSenderAnswer,
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

_OTHER_OPERATIONS: Sequence[Operation] = (
    Operation(
        name="rcsquestionnairecontroller_getquestions_v1",
        method="GET",
        path=f"{_RCS}/questionnaire/{{useCase}}",
        handler=questionnaire.fetch_questionnaire,
        summary="The questions that reviewers ask before a launch.",
        status=200,
        query=wire.QuestionnaireQuery,
        answer=wire.QuestionnaireAnswer,
    ),
    Operation(
        name=f"{_ACCOUNTS}_listactivities_v1",
        method="GET",
        path=f"{_RCS}/activities",
        handler=list_account_activities,
        summary="What happened to the account, newest first.",
        status=200,
        query=PageQuery,
        answer=activities.NotificationsAnswer,
    ),
    Operation(
        name=f"{_ACCOUNTS}_createcomment_v1",
        method="POST",
        path=f"{_RCS}/comments",
        handler=comment_on_account,
        summary="Leave a comment on the account; it shows among its activities.",
        status=201,
        request=activities.NewComment,
        answer=activities.CommentAnswer,
    ),
)

OPERATIONS: Sequence[Operation] = (*_SENDER_OPERATIONS, *test_numbers.OPERATIONS, *_OTHER_OPERATIONS)
