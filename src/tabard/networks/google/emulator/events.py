"""What the emulated network tells a partner by webhook: the event, its envelope and its signature.

An envelope is in the shape of a Pub/Sub push: the event's bytes stand in `message.data`, in base64, and the signature
is over those bytes. Source: Google's guides on webhooks and on launch events.
"""

import base64
import hashlib
import hmac
import uuid
from datetime import datetime

import orjson

from tabard.networks.google.emulator.state import Agent, Json, Launch
from tabard.networks.google.wire import LAUNCH_EVENT, ActingParty, LaunchState


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, as Google writes it."""
    return at.isoformat().replace("+00:00", "Z")


def launch_changed(agent: Agent, region: str, old: LaunchState, launch: Launch, party: ActingParty) -> Json:
    """An AgentLaunchEvent."""
    return {
        "eventId": str(uuid.uuid4()),
        "agentId": agent.id,
        "botDisplayName": agent.display_name,
        "brandId": agent.brand.id,
        "brandDisplayName": agent.brand.display_name,
        "regionId": region,
        "oldLaunchState": old.short,
        "newLaunchState": launch.state.short,
        "actingParty": party,
        "comment": launch.comment or "",
        "sendTime": timestamp(launch.changed_at),
    }


def envelope(partner_id: str, event: Json, at: datetime) -> Json:
    message_id, sent = str(uuid.uuid4().int >> 70), timestamp(at)
    return {
        "message": {
            "data": base64.b64encode(orjson.dumps(event)).decode(),
            "attributes": {
                "business_id": event["agentId"],
                "product": "RBM",
                "project_number": partner_id,
                "type": LAUNCH_EVENT,
            },
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": sent,
            "publish_time": sent,
        },
        "subscription": "projects/rbm-sandbox/subscriptions/partner-webhook",
    }


def signature(client_token: str, data: bytes) -> str:
    """The value of X-Goog-Signature for the decoded bytes of `message.data`."""
    return base64.b64encode(hmac.new(client_token.encode(), data, hashlib.sha512).digest()).decode()
