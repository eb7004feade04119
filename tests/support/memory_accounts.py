"""The store of accounts in memory, with the behaviour of the real one: the same contract tests run on both."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tabard.domain.account import Account, AccountKind, Connection, Principal
from tabard.domain.errors import Conflict, NotFound
from tabard.domain.ids import AccountId
from tabard.domain.sender import Sender
from tabard.ports.stores import NewCredential
from tests.support.memory import StoredCredential, World


class MemoryAccounts:
    """Fulfils `tabard.ports.AccountStore`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def principal(self, login: str | None, digest: bytes, now: datetime) -> Principal | None:
        credential = self._world.credentials.get(digest)
        if credential is None or credential.revoked:
            return None
        expires_at = credential.stored.expires_at
        if expires_at is not None and expires_at <= now:
            return None
        owner = self._world.accounts[credential.account_id]
        if login is None or login == credential.stored.login:
            return self._principal(owner, credential.stored.login)
        if credential.stored.kind != "main":
            return None
        children = (account for account in self._world.accounts.values() if account.parent_id == owner.id)
        child = next((c for c in children if self._main_login(c.id, credential.stored.dialect) == login), None)
        return self._principal(child, login) if child is not None else None

    async def create(self, account: Account, credentials: Sequence[NewCredential]) -> None:
        taken = account.id in self._world.accounts or any(c.digest in self._world.credentials for c in credentials)
        if taken:
            raise Conflict(f"account {account.id} or one of its secrets exists already")
        if account.parent_id is not None and account.parent_id not in self._world.accounts:
            raise NotFound(f"no account {account.parent_id}")
        self._world.accounts[account.id] = account
        self._store(account.id, credentials)

    async def account(self, account_id: AccountId) -> Account:
        if account_id not in self._world.accounts:
            raise NotFound(f"no account {account_id}")
        return self._world.accounts[account_id]

    async def accounts(self) -> Sequence[Account]:
        return sorted(self._world.accounts.values(), key=lambda account: account.id)

    async def replace_credentials(
        self, account_id: AccountId, credentials: Sequence[NewCredential], now: datetime
    ) -> None:
        replaced = {(c.dialect, kind) for c in credentials for kind in (c.kind, "token")}
        for credential in self._world.credentials.values():
            if credential.account_id == account_id and (credential.stored.dialect, credential.stored.kind) in replaced:
                credential.revoked = True
        self._store(account_id, credentials)

    async def issue_token(self, account_id: AccountId, token: NewCredential, now: datetime) -> None:
        self._store(account_id, [token])

    async def forget_expired_tokens(self, now: datetime) -> None:
        for digest, credential in [*self._world.credentials.items()]:
            if credential.stored.expires_at is not None and credential.stored.expires_at <= now:
                del self._world.credentials[digest]

    async def close(self, account_id: AccountId, now: datetime) -> None:
        closing = [
            account
            for account in self._world.accounts.values()
            if account_id in {account.id, account.parent_id} and account.closed_at is None
        ]
        for account in closing:
            self._world.accounts[account.id] = replace(account, closed_at=now)
            for credential in self._world.credentials.values():
                credential.revoked |= credential.account_id == account.id

    async def connect(self, account_id: AccountId, network: str, connection: Connection) -> None:
        self._world.connections[account_id, network] = connection

    async def connection(self, account_id: AccountId, network: str) -> Connection | None:
        account = self._world.accounts.get(account_id)
        if account is None:
            return None
        own = self._world.connections.get((account_id, network))
        if own is not None or account.parent_id is None:
            return own
        return self._world.connections.get((account.parent_id, network))

    async def connected_by(self, network: str, app_id: str) -> Sequence[tuple[AccountId, Connection]]:
        return [
            (account.id, way)
            for account in self._world.accounts.values()
            if (way := await self.connection(account.id, network)) is not None and way.app_id == app_id
        ]

    async def unconnected(self, network: str) -> Sequence[AccountId]:
        return [
            account.id
            for account in self._world.accounts.values()
            if account.kind is AccountKind.LIVE
            and account.closed_at is None
            and await self.connection(account.id, network) is None
        ]

    async def shift_clock(self, account_id: AccountId, by: timedelta) -> None:
        account = self._world.accounts[account_id]
        if account.kind is AccountKind.SANDBOX:
            self._world.accounts[account_id] = replace(account, clock_offset=account.clock_offset + by)
        for sender in self._senders(account_id):
            if sender.due_at is not None:
                self._world.senders[sender.id] = sender.due(sender.due_at - by)

    async def has_due(self, account_id: AccountId, now: datetime) -> bool:
        due = await self.next_due(account_id)
        return due is not None and due <= now

    async def next_due(self, account_id: AccountId) -> datetime | None:
        waiting = (s for s in self._senders(account_id) if not self._world.waits(s))
        return min((s.due_at for s in waiting if s.due_at is not None), default=None)

    async def wipe(self, account_id: AccountId) -> None:
        gone = {sender.id for sender in self._senders(account_id)}
        for sender_id in gone:
            del self._world.senders[sender_id]
            self._world.leases.pop(sender_id, None)
        self._world.events[:] = [told for told in self._world.events if told.account_id != account_id]
        for place in [place for place in self._world.answers if place[0] == account_id]:
            del self._world.answers[place]
        self._world.accounts[account_id] = replace(self._world.accounts[account_id], clock_offset=timedelta(0))

    def _senders(self, account_id: AccountId) -> list[Sender]:
        return [sender for sender in self._world.senders.values() if sender.account_id == account_id]

    def _store(self, account_id: AccountId, credentials: Sequence[NewCredential]) -> None:
        self._world.credentials.update({c.digest: StoredCredential(account_id, c) for c in credentials})

    def _main_login(self, account_id: AccountId, dialect: str) -> str | None:
        main = (
            credential.stored.login
            for credential in self._world.credentials.values()
            if credential.account_id == account_id
            and credential.stored.kind == "main"
            and credential.stored.dialect == dialect
        )
        return next(main, None)

    def _principal(self, account: Account, login: str) -> Principal | None:
        return None if account.closed_at is not None else Principal(account.id, account.kind, login)
