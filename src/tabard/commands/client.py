"""The command line's way to a running service's sandbox controls."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any


class SandboxRefused(Exception):
    """The text says what happened and what to do."""


class SandboxClient:
    def __init__(self, url: str, user: str, secret: str) -> None:
        self._url = url.rstrip("/")
        self._authorization = "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()

    def get(self, path: str) -> Any:
        return self._call("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        return self._call("POST", path, json.dumps(body).encode())

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        if not self._url.startswith(("http://", "https://")):
            raise SandboxRefused(f"{self._url!r} is no http:// or https:// address; see --url")
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at above
            f"{self._url}/sandbox/v1{path}", body, {"Authorization": self._authorization}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise SandboxRefused(_message(error)) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise SandboxRefused(
                f"no service answers on {self._url} ({reason}); start it with `tabard serve`"
            ) from None
        return json.loads(text) if text else None


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {error.code}"
