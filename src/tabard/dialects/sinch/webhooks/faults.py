"""What goes wrong with webhooks, in Sinch's words."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from tabard.dialects.sinch.errors import Fault, Refusal, invalid_input, looked_up
from tabard.dialects.sinch.webhooks.wire import MOST_WEBHOOKS
from tabard.domain.errors import Conflict, InvalidInput, NotFound, TooManySubscriptions

INVALID_ID = Fault(
    400,
    "invalid_id_format",
    "The id of a webhook is not 32 hexadecimal digits in lower case",
    "Send the id of the webhook as the API has given it out.",
)

_TABLE: Mapping[type[Exception], Fault] = MappingProxyType(
    {
        NotFound: Fault(
            404,
            "webhook_not_found",
            "The project has no such webhook",
            "Check the webhook's id: the list of webhooks has the ids of all that this project has.",
            "Webhook not found.",
        ),
        Conflict: Fault(
            409,
            "webhook_exists",
            "Another webhook of the project has the same target",
            "Choose another target, or update the webhook that has this one.",
            "The project has a webhook with this target already.",
        ),
        TooManySubscriptions: Fault(
            424,
            "webhook_limit_reached",
            f"A project has at most {MOST_WEBHOOKS} webhooks",
            "Delete a webhook that is no longer needed, then create the new one.",
            f"The project has {MOST_WEBHOOKS} webhooks already.",
        ),
    }
)

FAULTS: Sequence[Fault] = (INVALID_ID, *_TABLE.values())

_MUST = "must "


def explain(error: Exception, path: str) -> Refusal | None:  # noqa: ARG001 - these mean the same on every path
    if isinstance(error, InvalidInput):
        # The only thing that is looked at behind this dialect's back is where deliveries go.
        joint = " " if error.problem.startswith(_MUST) else " can't be called: "
        return invalid_input([f"target{joint}{error.problem}"])
    return looked_up(_TABLE, error)
