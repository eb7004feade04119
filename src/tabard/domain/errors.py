"""What can go wrong, in our own words. No HTTP status and no vendor code here: each dialect has its own table.

TabardError
├── InvalidInput            a field is wrong; `field` names it as a dotted path
├── Unauthenticated         no or wrong credentials
├── NotFound                not there, or not this account's
├── Conflict
│   ├── AddressTaken        the account has a sender with that address
│   ├── IdempotencyKeyReused  the key came before with another request
│   └── NameChangePending   another display name is under review
├── NameDeclined            the network has refused this display name
├── TooManyRequests         the account's request rate is used up; `retry_after` in seconds
├── Busy                    what was asked for is under way but not done in time; ask again
├── StaleVersion            somebody else saved the row first: load it again (told only if that never ends)
└── IllegalSignal           the lifecycle has no such step (a fault of ours, never a caller's)
"""


class TabardError(Exception):
    """Base of every expected failure."""


class InvalidInput(TabardError):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field
        self.problem = problem


class Unauthenticated(TabardError):
    pass


class NotFound(TabardError):
    pass


class Conflict(TabardError):
    pass


class AddressTaken(Conflict):
    pass


class IdempotencyKeyReused(Conflict):
    pass


class NameChangePending(Conflict):
    pass


class NameDeclined(TabardError):
    pass


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
