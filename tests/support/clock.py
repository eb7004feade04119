from datetime import UTC, datetime, timedelta


class FakeClock:
    """Fulfils `tabard.ports.Clock`: stands still until it is moved."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def advance(self, **delta: float) -> None:
        self.time += timedelta(**delta)
