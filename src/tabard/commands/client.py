"""The command line's way to a running service, and to a program under development beside it."""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_TIME_OUT = 120
_SILENCE = 45
"""Seconds without a sign of life after which a stream is taken for dead; the service gives one every 15."""
_RECONNECT_AFTER = 1.0


class ServiceRefused(Exception):
    """The text says what happened and what to do."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a stream."""

    id: str
    data: Any


class ServiceClient:
    def __init__(self, url: str, user: str, secret: str) -> None:
        self._url = url.rstrip("/")
        self._authorization = "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()

    def get(self, path: str) -> Any:
        return self._call("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        return self._call("POST", path, json.dumps(body).encode())

    def follow(self, path: str, *, pause: Callable[[float], None] = time.sleep) -> Iterator[Told]:
        """Events as they happen, for ever. A connection that was lost is made again, and goes on after the last event.

        Raises `ServiceRefused` where the service does not answer at first, or refuses.
        """
        last_id, connected = "", False
        while True:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
            try:
                answer = self._open("GET", path, None, _SILENCE, headers)
            except ServiceGone:
                if not connected:
                    raise
            else:
                connected = True
                with answer:
                    for told in _events(_lines(answer), last_id):
                        last_id = told.id
                        if told.data is not None:
                            yield told
            pause(_RECONNECT_AFTER)

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        with self._open(method, path, body, _TIME_OUT, {}) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def _open(self, method: str, path: str, body: bytes | None, time_out: float, headers: Mapping[str, str]) -> Any:
        if not self._url.startswith(("http://", "https://")):
            raise ServiceRefused(f"{self._url!r} is no http:// or https:// address; see --url")
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at above
            self._url + path, body, {"Authorization": self._authorization, **headers}, method=method
        )
        try:
            return urllib.request.urlopen(request, timeout=time_out)  # noqa: S310
        except urllib.error.HTTPError as error:
            kind = ServiceGone if error.code >= 500 or error.code == 429 else ServiceRefused
            raise kind(_message(error)) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise ServiceGone(f"no service answers on {self._url} ({reason}); start it with `tabard serve`") from None


class ServiceGone(ServiceRefused):
    """It may come back."""


class SandboxClient(ServiceClient):
    """The same below `/sandbox/v1`."""

    def get(self, path: str) -> Any:
        return super().get(f"/sandbox/v1{path}")

    def post(self, path: str, body: object) -> Any:
        return super().post(f"/sandbox/v1{path}", body)


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {error.code}"


def _lines(answer: Any) -> Iterator[str]:
    """To the end of the connection, however it comes."""
    while True:
        try:
            line = answer.readline()
        except Exception:  # noqa: BLE001 - a connection that is cut off shows in many ways, not all of them `OSError`
            return
        if not line:
            return
        yield line.decode().rstrip("\r\n")


def _events(lines: Iterator[str], last_id: str) -> Iterator[Told]:
    """As https://html.spec.whatwg.org/multipage/server-sent-events.html says. Without data it only moves the place to
    come back to."""
    data: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            yield Told(last_id, json.loads("\n".join(data)) if data else None)
            data = []
        elif name == "id":
            last_id = value
        elif name == "data":
            data.append(value)


# to a program under development


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """A webhook that is redirected has failed."""


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


class Unreachable(Exception):
    """Nobody answers there."""


def post_webhook(url: str, body: bytes, headers: Mapping[str, str], time_out: float) -> int:
    """The status of the answer. Raises `Unreachable`."""
    request = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310 - looked at by who calls
    try:
        with _DIRECT.open(request, timeout=time_out) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError as error:
        raise Unreachable(str(getattr(error, "reason", error))) from None
