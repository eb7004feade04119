"""Sealing: AES-256-GCM under the service's master key, with the context as associated data.

A seal is version (1 byte), nonce (12 bytes), ciphertext and tag. The version leaves room for another key or cipher.
"""

import base64
import binascii
import os
import secrets
from contextlib import suppress
from pathlib import Path

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tabard.ports.world import Vault

_VERSION = b"\x01"
_NONCE = 12
_CHECK = "seal check"


class MasterKeyUnusable(Exception):
    pass


class AesVault:
    """Fulfils `tabard.ports.Vault`. The key is 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._key = key

    def derive(self, context: str) -> bytes:
        return HKDF(hashes.SHA256(), length=32, salt=None, info=context.encode()).derive(self._key)

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        if sealed[:1] != _VERSION:
            raise ValueError("sealed with an unknown version")
        try:
            return self._cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], context.encode())
        except InvalidTag:
            raise ValueError("sealed with another key or for another purpose, or damaged") from None


def read_master_key(text: str) -> bytes:
    """32 bytes from their base64 (either alphabet) or hexadecimal form. Raises `MasterKeyUnusable`."""
    text = text.strip()
    try:
        key = (
            bytes.fromhex(text)
            if len(text) == 64
            else base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))
        )
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != 32:
        raise MasterKeyUnusable(
            "TABARD_MASTER_KEY must be 32 random bytes in base64 or hexadecimal; "
            "make one with `openssl rand -base64 32`"
        )
    return key


def kept_master_key(path: Path) -> bytes:
    """The key in the file, made at the first call. The file is readable by its owner only, and never seen half-written:
    of several processes that start at once, the first to link its key in place decides."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return read_master_key(path.read_text())


async def require_same_key(pool: asyncpg.Pool, vault: Vault) -> None:
    """Hold the key against what this database's secrets were sealed with. Raises `MasterKeyUnusable`."""
    mine = vault.seal(b"tabard", _CHECK)
    await pool.execute("insert into seal_check (sealed) values ($1) on conflict do nothing", mine)
    try:
        vault.open(await pool.fetchval("select sealed from seal_check"), _CHECK)
    except ValueError:
        raise MasterKeyUnusable(
            "the secrets in this database were sealed with another master key: set TABARD_MASTER_KEY to that one, "
            "the same for every process (without it, the key is in the data directory, in master.key)"
        ) from None
