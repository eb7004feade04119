"""A sender as the sandbox shows it: warnings, events and all."""

from collections.abc import Sequence
from typing import Any

from tabard.domain.sender import Sender
from tabard.ports.stores import StoredEvent


def sender_answer(sender: Sender, events: Sequence[StoredEvent]) -> dict[str, Any]:
    return {
        "address": sender.address,
        "status": sender.status,
        "offline_reasons": sender.offline_reasons,
        "warnings": sender.warnings,
        "events": [
            {
                "number": told.number,
                "type": told.event.type,
                "before": told.event.before,
                "after": told.event.after,
                "actor": told.actor,
                "occurred_at": told.occurred_at,
            }
            for told in events
        ],
    }


def agent_answer(sender: Sender, events: Sequence[StoredEvent]) -> dict[str, Any]:
    agent = sender.rcs
    return {
        **sender_answer(sender, events),
        "network_id": sender.link.network_id,
        "verified": agent.verified,
        "testers": [{"number": tester.address, "status": tester.status} for tester in agent.shown_testers],
        "countries": [
            {
                "country": country.code,
                "status": country.status,
                "carriers": [
                    {"carrier": carrier.name, "status": carrier.status, "remark": carrier.remark}
                    for carrier in country.carriers
                ],
            }
            for country in agent.shown_countries
        ],
    }
