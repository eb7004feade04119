"""How accounts reach the networks: by a connection of their own, by their parent's, or by the one in the settings.

A sandbox account reaches only the emulated networks, a live account never does.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from tabard.domain.account import NETWORKS, AccountKind, Connection
from tabard.domain.ids import AccountId
from tabard.domain.lifecycle import Channel
from tabard.ports.networks import Way
from tabard.ports.stores import AccountStore
from tabard.settings import Settings

_KEPT_SECONDS = 5.0
_KEPT = 1000


class Ways:
    """A way that was found is remembered for a few seconds: a batch of one account's senders asks once."""

    def __init__(
        self,
        accounts: AccountStore,
        settings: Settings,
        emulations: Mapping[str, str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`emulations` has the address of each emulated network; none where there is no sandbox."""
        self._accounts = accounts
        self._emulations = emulations
        self._defaults = {network: default_connection(settings, network) for network in NETWORKS.values()}
        self._monotonic = monotonic
        self._kept: dict[tuple[AccountId, Channel], tuple[Way | None, float]] = {}

    async def way(self, account_id: AccountId, channel: Channel) -> Way | None:
        """None if the account has no way into the channel's network."""
        kept = self._kept.get((account_id, channel))
        if kept is not None and self._monotonic() < kept[1]:
            return kept[0]
        if len(self._kept) > _KEPT:
            self._kept.clear()
        way = await self._look_up(account_id, NETWORKS[channel])
        self._kept[account_id, channel] = (way, self._monotonic() + _KEPT_SECONDS)
        return way

    async def _look_up(self, account_id: AccountId, network: str) -> Way | None:
        account = await self._accounts.account(account_id)
        connection = await self._accounts.connection(account_id, network)
        if account.kind is AccountKind.LIVE:
            connection = connection or self._defaults[network]
        elif network not in self._emulations:
            connection = None
        elif connection is not None:
            connection = replace(connection, base_url=self._emulations[network])
        return None if connection is None else Way(account.kind, connection)

    async def speaking(self, network: str, app_id: str) -> list[Connection]:
        """How accounts speak through the app, as far as its webhooks' secrets go."""
        own = [way for _, way in await self._accounts.connected_by(network, app_id)]
        default = self._default_of(network, app_id)
        return own if default is None else [*own, default]

    async def connected(self, network: str, app_id: str) -> list[tuple[AccountId, Connection]]:
        """The accounts that speak through the app."""
        own = list(await self._accounts.connected_by(network, app_id))
        default = self._default_of(network, app_id)
        if default is None:
            return own
        return own + [(account_id, default) for account_id in await self._accounts.unconnected(network)]

    def _default_of(self, network: str, app_id: str) -> Connection | None:
        default = self._defaults[network]
        return default if default is not None and default.app_id == app_id else None


def default_connection(settings: Settings, network: str) -> Connection | None:
    """The way into the network of live accounts that have none of their own."""
    if network == NETWORKS[Channel.WHATSAPP]:
        return _meta(settings)
    return _google(settings)


def _meta(settings: Settings) -> Connection | None:
    if settings.meta_app_id is None or settings.meta_token is None:
        return None
    return Connection(
        app_id=settings.meta_app_id,
        app_secret=settings.meta_app_secret.get_secret_value() if settings.meta_app_secret else "",
        token=settings.meta_token.get_secret_value(),
        verify_token=settings.meta_verify_token.get_secret_value() if settings.meta_verify_token else "",
        business_account=settings.meta_business_account or "",
    )


def _google(settings: Settings) -> Connection | None:
    if settings.google_partner is None or settings.google_key_file is None:
        return None
    client_token = settings.google_client_token.get_secret_value() if settings.google_client_token else ""
    return Connection(
        app_id=settings.google_partner,
        app_secret=client_token,
        token=settings.google_key_file.read_text(),
        verify_token=client_token,
        business_account="",
    )
