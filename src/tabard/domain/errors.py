"""What can go wrong, in our own words. No HTTP status and no vendor code here: each dialect has its own table.

TabardError
├── InvalidInput            a field is wrong; `field` names it as a dotted path
│   ├── FieldsFrozen        what is named can't be changed any more; `fields` lists it
│   └── FileUnusable        the document at an address is not as it must be; `fault` says in what
├── Unauthenticated         no or wrong credentials
├── NotFound                not there, or not this account's
│   ├── TesterUnknown       the phone is no test number of the sender
│   └── TesterDeclined      its owner does not want to be one
├── Conflict
│   ├── AddressTaken        the account has a sender with that address
│   ├── IdempotencyKeyReused  the key came before with another request
│   ├── NameChangePending   another display name is under review
│   ├── WrongStatus         the sender's status does not allow it; `status` is that
│   └── CodeRefused         the network has refused a one-time code, or to send one; `trouble` says why
├── LaunchIncomplete        what reviewers ask for is missing; `missing` lists all of it
├── NameDeclined            the network has refused this display name
├── TooManySubscriptions    more webhooks than the dialect lets an account have
├── TooManyTesters          more test numbers than an agent may have
├── TooManyInvitations      today's invitations of test numbers are used up
├── NetworkRefused          the network was asked at once and said no; `trouble` and `detail` say why
├── TooManyRequests         the account's request rate is used up; `retry_after` in seconds
├── Busy                    what was asked for is under way but not done in time; ask again
├── StaleVersion            somebody else saved the row first: load it again (told only if that never ends)
└── IllegalSignal           the lifecycle has no such step (a fault of ours, never a caller's)
"""

from collections.abc import Sequence
from enum import StrEnum


class TabardError(Exception):
    """Base of every expected failure."""


class InvalidInput(TabardError):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field
        self.problem = problem


class FieldsFrozen(InvalidInput):
    def __init__(self, fields: Sequence[str], problem: str) -> None:
        super().__init__(fields[0], problem)
        self.fields = tuple(fields)


class FileFault(StrEnum):
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    WRONG_DIMENSIONS = "wrong_dimensions"
    UNREADABLE = "unreadable"


class FileUnusable(InvalidInput):
    def __init__(self, field: str, fault: FileFault, problem: str) -> None:
        super().__init__(field, problem)
        self.fault = fault


class Unauthenticated(TabardError):
    pass


class NotFound(TabardError):
    pass


class TesterUnknown(NotFound):
    pass


class TesterDeclined(NotFound):
    pass


class Conflict(TabardError):
    pass


class WrongStatus(Conflict):
    def __init__(self, status: str, problem: str) -> None:
        super().__init__(problem)
        self.status = status


class CodeRefused(Conflict):
    def __init__(self, trouble: str, problem: str) -> None:
        super().__init__(problem)
        self.trouble = trouble


class AddressTaken(Conflict):
    pass


class IdempotencyKeyReused(Conflict):
    pass


class NameChangePending(Conflict):
    pass


class LaunchIncomplete(TabardError):
    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"a launch needs {', '.join(missing)}")
        self.missing = tuple(missing)


class NameDeclined(TabardError):
    pass


class TooManySubscriptions(TabardError):
    pass


class TooManyTesters(TabardError):
    pass


class TooManyInvitations(TabardError):
    pass


class NetworkRefused(TabardError):
    def __init__(self, trouble: str, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail


class TooManyRequests(TabardError):
    def __init__(self, retry_after: float) -> None:
        super().__init__(f"request rate used up; try again in {retry_after:.2f} s")
        self.retry_after = retry_after


class Busy(TabardError):
    pass


class StaleVersion(TabardError):
    pass


class IllegalSignal(TabardError):
    pass
