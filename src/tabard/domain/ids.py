"""Identifiers: 128-bit, time-ordered (RFC 9562 UUIDv7), typed so that one kind is never taken for another."""

import os
import time
from typing import NewType
from uuid import UUID

AccountId = NewType("AccountId", UUID)
SenderId = NewType("SenderId", UUID)
SubscriptionId = NewType("SubscriptionId", UUID)
DeliveryId = NewType("DeliveryId", UUID)


def new_uuid() -> UUID:
    """A UUIDv7: its order is the order of creation, to the millisecond, across processes."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def new_sender_id() -> SenderId:
    return SenderId(new_uuid())


def new_subscription_id() -> SubscriptionId:
    return SubscriptionId(new_uuid())


def new_account_id() -> AccountId:
    return AccountId(new_uuid())
