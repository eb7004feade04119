"""How a number moves by itself: what the network does after a call, or when the sandbox's user wants it to.

Each function takes the scene and says what changes, or None if there is nothing (left) to do: a task may run twice,
or come when its ground is gone. Times are account time.
"""

from collections.abc import Callable
from dataclasses import replace

import orjson

from tabard.networks.meta.emulator import events
from tabard.networks.meta.emulator.state import Change, Notice, Number, Scene, Task, TaskKind, Text
from tabard.networks.meta.wire import CodeVerification, LimitTier, NameStatus, NumberStatus

RED_LIMIT = LimitTier.TIER_250
DECLINED_FOR = "NAME_NOT_CONSISTENT"


def proved(scene: Scene, number: Number) -> Change | None:
    """The number as its owner leaves Embedded Signup: the code was handed in there."""
    if number.verification == CodeVerification.VERIFIED:
        return None
    after = replace(number, verification=CodeVerification.VERIFIED, verified_at=scene.now, code=None)
    return Change(replace(after, code_expires_at=None, code_failures=0))


def connected(scene: Scene, number: Number) -> Change:
    """The number as registered: connected, and under the name that was approved since the last time."""
    first = number.onboarded_at is None
    after = replace(
        number,
        connection=NumberStatus.CONNECTED,
        connecting=False,
        migrating=False,
        quality="GREEN" if number.quality == "UNKNOWN" else number.quality,
        onboarded_at=number.onboarded_at if number.connection == NumberStatus.CONNECTED else scene.now,
    )
    if number.new_name is not None and number.new_name_status == NameStatus.APPROVED:
        after = replace(after, verified_name=number.new_name, new_name=None, new_name_status=NameStatus.NONE)
    outcome = number.outcome
    tasks = []
    if first and outcome.banned_after is not None:
        tasks.append(Task(TaskKind.BAN, outcome.banned_after))
    if first and outcome.flagged_after is not None:
        tasks.append(Task(TaskKind.FLAG, outcome.flagged_after))
    notices: tuple[Notice, ...] = ()
    if number.connection != NumberStatus.CONNECTED:
        notices = (events.quality_changed(after, "ONBOARDING", after.tier(scene.realm)),)
    return Change(after, tuple(tasks), notices=notices)


def connect_due(scene: Scene, number: Number, _detail: str) -> Change | None:
    return connected(scene, number) if number.connecting else None


def name_decided(number: Number, *, approved: bool, reason: str | None) -> Change | None:
    """An approved name shows only after the number has been registered again."""
    if number.new_name is None or number.new_name_status != NameStatus.PENDING_REVIEW:
        return None
    if approved:
        after = replace(number, name_status=NameStatus.APPROVED, new_name_status=NameStatus.APPROVED)
    else:
        after = replace(number, new_name_status=NameStatus.DECLINED)
    why = None if approved else reason or DECLINED_FOR
    return Change(after, notices=(events.name_decided(number, approved=approved, reason=why),))


def name_review_due(_scene: Scene, number: Number, name: str) -> Change | None:
    if number.new_name != name:
        return None
    return name_decided(number, approved=not number.outcome.name_declined, reason=None)


def banned(scene: Scene, number: Number, _detail: str = "") -> Change | None:
    if number.banned:
        return None
    return Change(replace(number, banned=True), notices=(events.ban_changed(number, "DISABLE", scene.now),))


def reinstated(scene: Scene, number: Number) -> Change | None:
    if not number.banned:
        return None
    return Change(replace(number, banned=False), notices=(events.ban_changed(number, "REINSTATE", scene.now),))


def rated(scene: Scene, number: Number, quality: str) -> Change | None:
    """Quality itself is for polling; a webhook tells only when a number is flagged, or no longer is."""
    if number.quality == quality:
        return None
    after = replace(number, quality=quality)
    if "RED" not in {quality, number.quality}:
        return Change(after)
    event = "FLAGGED" if quality == "RED" else "UNFLAGGED"
    return Change(after, notices=(events.quality_changed(after, event, after.tier(scene.realm)),))


def flagged(scene: Scene, number: Number, _detail: str) -> Change | None:
    change = rated(scene, number, "RED")
    if change is None:
        return None
    before = number.tier(scene.realm)
    after = replace(change.number, limit_tier=RED_LIMIT)
    if after.tier(scene.realm) == before:
        return replace(change, number=after)
    lowered = events.quality_changed(after, "DOWNGRADE", after.tier(scene.realm), before)
    return replace(change, number=after, notices=(*change.notices, lowered))


def text_due(_scene: Scene, number: Number, detail: str) -> Change | None:
    sender, body = orjson.loads(detail)
    return Change(number, texts=(Text(sender, body),))


DUE: dict[TaskKind, Callable[[Scene, Number, str], Change | None]] = {
    TaskKind.TEXT: text_due,
    TaskKind.CONNECT: connect_due,
    TaskKind.NAME_REVIEW: name_review_due,
    TaskKind.BAN: banned,
    TaskKind.FLAG: flagged,
}
"""What a task of each kind does when its time has come; webhooks are `tasks`' own."""
