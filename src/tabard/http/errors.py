"""What can be wrong with a request before any use case sees it."""

from tabard.domain.errors import TabardError


class RouteNotFound(TabardError):
    pass


class MethodNotAllowed(TabardError):
    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{method} is not allowed here; allowed: {', '.join(allowed)}")
        self.allowed = allowed


class BodyTooLarge(TabardError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"the request body is larger than {limit} bytes")


class BodyIncomplete(TabardError):
    """The client went away, or sent its body too slowly."""
