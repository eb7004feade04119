"""Use cases: accounts and their credentials. Secrets are made here, shown once, and kept as digests or sealed."""

import base64
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from tabard.app.services import Services
from tabard.domain.account import Account, AccountKind, Connection
from tabard.domain.errors import Conflict, InvalidInput
from tabard.domain.ids import AccountId, new_account_id, new_uuid
from tabard.ports.stores import NewCredential
from tabard.ports.world import Vault

SANDBOX_ACCOUNT = AccountId(UUID(int=1))
SANDBOX_TWILIO_TOKEN = "sandbox-auth-token"  # noqa: S105 - public by design: it opens the sandbox only
SANDBOX_SINCH_PROJECT = "00000000-0000-4000-8000-000000000001"
SANDBOX_SINCH_KEY = ("sandbox-key", "sandbox-secret")
SANDBOX_ZAVU_KEY = "zv_test_sandbox"


@dataclass(frozen=True, slots=True)
class Secrets:
    """An account's credentials in clear, as they are shown once."""

    account: Account
    twilio_sid: str
    twilio_token: str
    twilio_key: tuple[str, str]
    sinch_project: str
    sinch_key: tuple[str, str]
    zavu_key: str


def twilio_sid(account_id: AccountId) -> str:
    return f"AC{account_id.hex}"


def sinch_project(account_id: AccountId) -> str:
    return SANDBOX_SINCH_PROJECT if account_id == SANDBOX_ACCOUNT else str(account_id)


async def create_account(
    services: Services, name: str, kind: AccountKind, *, parent_id: AccountId | None = None
) -> Secrets:
    """Raises `InvalidInput`, `NotFound`."""
    if not name.strip() or len(name) > 100 or "\0" in name:
        raise InvalidInput("name", "must have 1 to 100 characters")
    if kind is AccountKind.SANDBOX and services.sandbox is None:
        raise InvalidInput("kind", "this service runs without a sandbox (TABARD_PRODUCTION=1)")
    if parent_id is not None:
        parent = await services.accounts.account(parent_id)
        if parent.parent_id is not None or parent.kind is not kind or parent.closed_at is not None:
            raise InvalidInput("parent", f"must be an open {kind} account that is no sub-account itself")
    account = Account(
        id=new_account_id(),
        name=name,
        kind=kind,
        parent_id=parent_id,
        created_at=services.clock.now(),
        closed_at=None,
        clock_offset=timedelta(0),
    )
    return await _store(services, _new_secrets(account))


async def ensure_sandbox_account(services: Services) -> None:
    """The account with the documented credentials, made at the first boot."""
    account = Account(SANDBOX_ACCOUNT, "Sandbox", AccountKind.SANDBOX, None, services.clock.now(), None, timedelta(0))
    known = replace(
        _new_secrets(account),
        twilio_token=SANDBOX_TWILIO_TOKEN,
        sinch_key=SANDBOX_SINCH_KEY,
        zavu_key=SANDBOX_ZAVU_KEY,
    )
    # Connected each time: a process that made the account may have died before it connected it.
    with suppress(Conflict):
        await services.accounts.create(account, _credentials(services.vault, known))
    await _connect_to_sandbox(services, account)


async def list_accounts(services: Services) -> Sequence[Account]:
    return await services.accounts.accounts()


async def rotate_secrets(services: Services, account_id: AccountId) -> Secrets:
    """New secrets in every dialect; the old ones end at once. Raises `NotFound`, `InvalidInput`."""
    account = await _open_account(services, account_id)
    fresh = _new_secrets(account)
    await services.accounts.replace_credentials(account_id, _credentials(services.vault, fresh), services.clock.now())
    return fresh


async def revoke_account(services: Services, account_id: AccountId) -> None:
    """Close the account and its sub-accounts; their senders stay as they are at the network. Raises `NotFound`."""
    await _open_account(services, account_id)
    await services.accounts.close(account_id, services.clock.now())


async def connect_account(services: Services, account_id: AccountId, network: str, connection: Connection) -> None:
    """Give a live account its own way into a network. Raises `NotFound`, `InvalidInput`."""
    account = await _open_account(services, account_id)
    if account.kind is AccountKind.SANDBOX:
        raise InvalidInput("account", "a sandbox account is connected to the emulated networks already")
    await services.accounts.connect(account_id, network, connection)


async def _open_account(services: Services, account_id: AccountId) -> Account:
    account = await services.accounts.account(account_id)
    if account.closed_at is not None:
        raise InvalidInput("account", "is closed")
    return account


async def _store(services: Services, fresh: Secrets) -> Secrets:
    account = fresh.account
    await services.accounts.create(account, _credentials(services.vault, fresh))
    await _connect_to_sandbox(services, account)
    return fresh


async def _connect_to_sandbox(services: Services, account: Account) -> None:
    """Safe to repeat: an emulated network gives an account the same connection each time."""
    if account.kind is AccountKind.SANDBOX and services.sandbox is not None:
        for name, network in services.sandbox.networks.items():
            await services.accounts.connect(account.id, name, await network.open_account(account.id))


def _new_secrets(account: Account) -> Secrets:
    test = "test" if account.kind is AccountKind.SANDBOX else "live"
    return Secrets(
        account=account,
        twilio_sid=twilio_sid(account.id),
        twilio_token=secrets.token_hex(16),
        twilio_key=(f"SK{new_uuid().hex}", secrets.token_hex(16)),
        sinch_project=sinch_project(account.id),
        sinch_key=(str(new_uuid()), secrets.token_urlsafe(24)),
        zavu_key=f"zv_{test}_{secrets.token_hex(24)}",
    )


def _credentials(vault: Vault, fresh: Secrets) -> list[NewCredential]:
    def credential(dialect: str, kind: str, login: str, secret: str, *, keep: bool = False) -> NewCredential:
        sealed = vault.seal(secret.encode(), f"credential:{login}") if keep else None
        return NewCredential(dialect, kind, login, secret_digest(secret), sealed)

    return [
        # Twilio's auth token signs webhooks, so it must be read back.
        credential("twilio", "main", fresh.twilio_sid, fresh.twilio_token, keep=True),
        credential("twilio", "key", *fresh.twilio_key),
        credential("sinch", "key", *fresh.sinch_key),
        credential("zavu", "key", fresh.zavu_key[:11], fresh.zavu_key),
    ]


def secret_digest(secret: str) -> bytes:
    """Secrets have 128 random bits or more, so a plain hash is enough: there is nothing to guess."""
    return sha256(secret.encode()).digest()


def basic_credentials(header: str | None) -> tuple[str, str] | None:
    """User and password of an `Authorization: Basic` header (RFC 7617); None if it is no such thing."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    # PostgreSQL takes no NUL, and no login has one.
    return (user, password) if colon and "\0" not in user else None
