"""Settings, all from the environment. Each has its line in docs/guides/settings.md (a test compares the two)."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", text):
        raise ValueError("must be an http:// or https:// address without query")
    return text.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TABARD_", extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8600, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    data_dir: Path = Field(
        Path(".tabard"), description="Where the embedded database and the sandbox's master key are kept"
    )
    role: Literal["all", "api", "worker"] = Field("all", description="What this process does: answer, work, or both")
    worker_port: int | None = Field(
        None, ge=1, le=65535, description="Where a process of the role worker answers /healthz, /readyz and /metrics"
    )
    database_url: SecretStr | None = Field(
        None, validation_alias="DATABASE_URL", description="PostgreSQL 15 or newer; without it one is started"
    )
    database_connections: int = Field(30, ge=4, le=500, description="Connections to the database, at most")
    production: bool = Field(False, description="1: no sandbox, no default account, the master key must be given")
    master_key: SecretStr | None = Field(
        None, description="32 random bytes, base64 or hexadecimal, that seal every stored secret"
    )
    public_url: Address | None = Field(
        None, description="The address that clients use, for absolute URLs in answers; by default each request's own"
    )
    requests_per_second: float = Field(
        1000, ge=0, description="Requests that one account may make of one process in a second; 0 for no limit"
    )
    log_format: Literal["auto", "json", "text"] = Field("auto", description="auto: text at a terminal, else JSON")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")
    lease_seconds: float = Field(
        60,
        gt=0,
        description="How long a worker that died may hold a sender or a subscription; longer than any one step",
    )
    sweep_seconds: float = Field(1, gt=0, description="Longest time between two looks at what is due")
    stuck_seconds: float = Field(3600, gt=0, description="How long a sender may rest in between before it is reported")
    deliveries_kept_days: int = Field(
        30, ge=1, description="How long settled webhook deliveries and their attempts are kept"
    )
    sandbox_url: Address | None = Field(
        None, description="Where workers reach the emulated networks; by default this process's own address"
    )
    sandbox_pace: Literal["instant", "realtime", "manual"] = Field(
        "instant", description="How fast the emulated networks take their steps"
    )
    sandbox_step_seconds: float = Field(0.2, ge=0, description="What one step takes at the pace instant")
    meta_url: Address = Field("https://graph.facebook.com", description="Meta's Graph API, for live accounts")
    meta_version: str = Field("v25.0", pattern=r"v\d+\.\d+", description="Version of the Graph API")
    meta_timeout_seconds: float = Field(10, gt=0, description="Longest time that one call of Meta may take")
    meta_app_id: str | None = Field(None, description="Meta app of live accounts that have none of their own")
    meta_app_secret: SecretStr | None = Field(None, description="Its secret, which signs Meta's webhooks")
    meta_token: SecretStr | None = Field(None, description="Its system-user token")
    meta_verify_token: SecretStr | None = Field(None, description="The word that Meta's webhook handshake must bring")
    meta_business_account: str | None = Field(None, description="The WhatsApp Business Account to use by default")
    google_management_url: Address = Field(
        "https://businesscommunications.googleapis.com", description="Google's Business Communications API"
    )
    google_messaging_url: Address = Field(
        "https://rcsbusinessmessaging.googleapis.com", description="Google's RCS Business Messaging API"
    )
    google_timeout_seconds: float = Field(10, gt=0, description="Longest time that one call of Google may take")
    google_partner: str | None = Field(None, description="Google partner of live accounts that have none of their own")
    google_key_file: Path | None = Field(None, description="Its service account's key, a JSON file")
    google_client_token: SecretStr | None = Field(None, description="The client token that signs Google's webhooks")

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)


def variable_of(field: str) -> str:
    """The environment variable that sets the field."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"TABARD_{field.upper()}"


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds_of(duration: str) -> float:
    """`90s`, `10m`, `3h`, `14d`, `2w`, or several in a row; a bare number is seconds. Raises `ValueError`."""
    if re.fullmatch(r"\d+(\.\d+)?", duration):
        return float(duration)
    if not re.fullmatch(r"(\d+(\.\d+)?[smhdw])+", duration):
        raise ValueError(f"{duration!r} is no duration; write one such as 90s, 10m, 3h, 14d or 1d12h")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)([smhdw])", duration))
