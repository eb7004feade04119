"""The watchdog: a sender that rests in a state between for too long is reported, once, where its owner and the operator
look: a warning on the sender (and so an event), a log line, a metric."""

from dataclasses import replace
from datetime import timedelta

from tabard.app.services import Services
from tabard.domain.account import CLOCK
from tabard.domain.errors import StaleVersion
from tabard.domain.sender import Trouble
from tabard.ports.stores import Loaded
from tabard.telemetry import count_stuck, log

_BATCH = 100


async def report_stuck(services: Services) -> int:
    """How many were found. One that somebody changes meanwhile is found again if it is still stuck."""
    found = 0
    while True:
        now = services.clock.now()
        stuck = await services.senders.stuck(now, services.stuck_after, _BATCH)
        for loaded in stuck:
            found += await _report(services, loaded)
        if len(stuck) < _BATCH:
            return found


async def _report(services: Services, loaded: Loaded) -> bool:
    sender, now = loaded.sender, services.clock.now()
    rested = timedelta(seconds=round((loaded.account_now - sender.status_since).total_seconds()))
    cause = f"; it waits for this: {sender.offline_reasons[0].detail}" if sender.offline_reasons else ""
    next_step = "no next step is planned" if sender.due_at is None else "the next step is planned"
    text = f"{sender.status} for {rested}, {sender.link.attempts} failed tries in a row, {next_step}{cause}"
    # Somebody must look at it even if its intent was lost.
    reported = replace(sender.warned(Trouble.STUCK, text), due_at=sender.due_at or now)
    try:
        await services.senders.save(sender, reported, CLOCK, now)
    except StaleVersion:
        return False
    log.warning("sender.stuck", sender=str(sender.id), status=sender.status, attempts=sender.link.attempts)
    count_stuck(1)
    return True
