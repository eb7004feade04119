"""Stores, lanes and a receiver put together without a service: the test changes senders, lets time pass and looks at
what arrived. PostgreSQL and the HTTP to the receiver are real; the clock is the test's."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg

from tabard.domain.account import CLOCK, Account, AccountKind
from tabard.domain.ids import AccountId, DeliveryId, new_subscription_id
from tabard.domain.lifecycle import Channel
from tabard.domain.sender import Sender
from tabard.domain.webhooks.delivery import Schedule
from tabard.domain.webhooks.subscription import Subscription, secret_context
from tabard.networks.outbound import GuardedOutbound, guarded_session
from tabard.ports.stores import StoredEvent
from tabard.ports.webhooks import DeliveriesWanted, StoredDelivery
from tabard.storage.accounts import PostgresAccounts
from tabard.storage.senders.store import PostgresSenders
from tabard.storage.vault import AesVault
from tabard.storage.webhooks.feed import PostgresFeed
from tabard.storage.webhooks.queue import PostgresDeliveries
from tabard.storage.webhooks.subscriptions import PostgresSubscriptions
from tabard.workflows.webhooks.deliveries import DeliveryLanes
from tests.support.clock import FakeClock
from tests.support.endpoint import Endpoint, listening
from tests.support.senders import a_sender

SECRET = b"a secret of twenty-four b"
_MOST_ROUNDS = 500
SHORT, LONG = timedelta(seconds=10), timedelta(minutes=10)
SCHEDULE = Schedule((SHORT, LONG, LONG), time_out=timedelta(seconds=20))
IMPATIENT = replace(SCHEDULE, time_out=timedelta(seconds=0.5))
"""For receivers that are to run out of time; others may be on a busy machine."""


@dataclass(frozen=True)
class PlainFormat:
    """Words that are easy to read in a test."""

    schedule: Schedule = SCHEDULE
    silent_about: tuple[str, ...] = ()
    breaks_at: tuple[str, ...] = ()

    def body(self, event: StoredEvent, sender: Sender | None, subscription: Subscription) -> bytes | None:
        if event.event.type in self.silent_about:
            return None
        if event.event.type in self.breaks_at:
            raise ValueError("a fault of ours")
        return json.dumps(
            {
                "number": event.number,
                "type": event.event.type,
                "sender": None if sender is None else str(sender.id),
                "name": None if sender is None else sender.friendly_name,
                "after": event.event.after,
            },
            default=str,
        ).encode()

    def headers(
        self, delivery_id: DeliveryId, body: bytes, secrets: Sequence[bytes], at: datetime
    ) -> Mapping[str, str]:
        signed = " ".join(secret.hex() for secret in secrets)
        return {"X-Delivery": str(delivery_id), "X-Signed-By": signed, "X-At": at.isoformat()}


@dataclass
class Depot:
    pool: asyncpg.Pool
    clock: FakeClock
    endpoint: Endpoint
    lanes: DeliveryLanes
    account_id: AccountId
    woken: list[None] = field(default_factory=list)
    """One for each time that a change asked for the lanes to be woken."""
    secret: bytes = SECRET
    _numbers: int = 0

    def __post_init__(self) -> None:
        self.vault = self.lanes.vault
        self.senders = PostgresSenders(self.pool, lambda: self.woken.append(None))
        self.accounts = PostgresAccounts(self.pool, self.vault, sandbox=True)
        self.subscriptions = PostgresSubscriptions(self.pool)
        self.feed = PostgresFeed(self.pool)

    def new_lanes(self, queue: Any) -> DeliveryLanes:
        """Others that work with what these do, but for the queue."""
        return DeliveryLanes(
            queue, self.lanes.poster, self.lanes.formats, self.vault, self.clock, jitter=self.lanes.jitter
        )

    async def live_account(self) -> AccountId:
        return await self.account(AccountKind.LIVE)

    async def account(self, kind: AccountKind = AccountKind.SANDBOX) -> AccountId:
        account_id = AccountId(uuid4())
        now = self.clock.now()
        await self.accounts.create(Account(account_id, "Example", kind, None, now, None, timedelta(0)), [])
        return account_id

    def a_subscription(self, path: str = "/hook", *, topics: Sequence[str] = ("*",), **more: Any) -> Subscription:
        new_id, now = new_subscription_id(), self.clock.now()
        made = Subscription(
            id=new_id,
            account_id=self.account_id,
            dialect="plain",
            url=self.endpoint.url + path,
            names=tuple(topics),
            topics=tuple(topics),
            sealed_secret=self.vault.seal(SECRET, secret_context(new_id)),
            created_at=now,
            updated_at=now,
        )
        return replace(made, **more)

    def seal(self, subscription: Subscription, secret: bytes) -> bytes:
        return self.vault.seal(secret, secret_context(subscription.id))

    async def replay(self, subscription: Subscription, *, rate: float = 50.0) -> int:
        wanted = DeliveriesWanted(subscription_id=subscription.id)
        return await self.subscriptions.replay(self.account_id, wanted, self.clock.now(), one=None, rate=rate)

    async def subscribe(self, path: str = "/hook", **more: Any) -> Subscription:
        return await self.subscriptions.insert(self.a_subscription(path, **more), None, self.clock.now())

    async def sender(self, *, account_id: AccountId | None = None, channel: Channel = Channel.WHATSAPP) -> Sender:
        """A new sender; tells sender.created."""
        self._numbers += 1
        made = a_sender(address=f"+1555{self._numbers:07}", account_id=account_id or self.account_id)
        made = replace(made, channel=channel, due_at=None)
        await self.senders.insert(made, CLOCK, self.clock.now(), None)
        return made

    async def rename(self, sender: Sender, name: str) -> Sender:
        """Tells sender.configuration."""
        return await self.senders.save(sender, replace(sender, friendly_name=name), CLOCK, self.clock.now())

    async def deliver(self) -> bool:
        """Whatever is due now."""
        return await asyncio.wait_for(self.lanes.drain(), 50)

    async def pass_time(self, **delta: float) -> None:
        """From one thing that is due to the next."""
        end = self.clock.now() + timedelta(**delta)
        for _ in range(_MOST_ROUNDS):
            await self.deliver()
            due = await self.lanes.next_due()
            if due is None or due > end:
                self.clock.time = end
                return
            self.clock.time = max(self.clock.time, due)
        raise AssertionError("time does not pass: something is due again and again")

    def wanted(self, **questions: Any) -> DeliveriesWanted:
        return DeliveriesWanted(**questions)

    async def deliveries(self, subscription: Subscription | None = None, **wanted: Any) -> list[StoredDelivery]:
        """Oldest first."""
        chosen = DeliveriesWanted(subscription_id=None if subscription is None else subscription.id, **wanted)
        found = await self.subscriptions.deliveries(self.account_id, chosen, limit=100_000, older_than=None)
        return list(found)[::-1]

    async def reload(self, subscription: Subscription) -> Subscription:
        return await self.subscriptions.fetch(subscription.account_id, subscription.dialect, subscription.id)

    def told(self, path: str | None = None) -> list[dict[str, Any]]:
        """What the receiver got, in order."""
        got = self.endpoint.requests if path is None else self.endpoint.at(path)
        return [json.loads(one.body) for one in got]


@asynccontextmanager
async def depot(pool: asyncpg.Pool, form: PlainFormat | None = None) -> AsyncIterator[Depot]:
    clock, vault = FakeClock(), AesVault(bytes(32))
    async with listening() as endpoint, guarded_session() as http:
        lanes = DeliveryLanes(
            PostgresDeliveries(pool),
            GuardedOutbound(http),
            {"plain": form or PlainFormat()},
            vault,
            clock,
            jitter=lambda: 0.0,
        )
        made = Depot(pool, clock, endpoint, lanes, AccountId(uuid4()))
        made.account_id = await made.account()
        yield made
