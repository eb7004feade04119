"""The Graph API as an ASGI application: read, authenticate, look, run the operation, answer; errors end here.

Ids are all alike on the wire, so there are no routes: the path names an object and perhaps an edge of it, one statement
finds the caller and the object, and the table of operations says what that kind of object can do.
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from tabard.networks.emulation.body import TooLarge, Unreadable, read_body
from tabard.networks.emulation.lifespan import live
from tabard.networks.emulation.races import Stale, until_saved
from tabard.networks.meta.emulator import faults
from tabard.networks.meta.emulator.faults import GraphFault
from tabard.networks.meta.emulator.graph import accounts, apps, numbers, registration, settings
from tabard.networks.meta.emulator.graph.request import (
    BODY_LIMIT,
    Call,
    Parameters,
    Request,
    body_parameters,
    read_head,
)
from tabard.networks.meta.emulator.memory import realms, scenes
from tabard.networks.meta.emulator.network import Network
from tabard.networks.meta.emulator.state import Scene, TokenKind
from tabard.networks.meta.wire import USAGE_HEADER
from tabard.telemetry import log

Handler = Callable[[Call], Awaitable[dict[str, Any]]]

OPERATIONS: dict[tuple[str, str, str], Handler] = {
    ("number", "GET", ""): numbers.read,
    ("number", "POST", ""): settings.edit,
    ("number", "DELETE", ""): numbers.refuse_delete,
    ("number", "POST", "request_code"): registration.request_code,
    ("number", "POST", "verify_code"): registration.verify_code,
    ("number", "POST", "register"): registration.register,
    ("number", "POST", "deregister"): registration.deregister,
    ("number", "GET", "whatsapp_business_profile"): settings.read_profile,
    ("number", "POST", "whatsapp_business_profile"): settings.edit_profile,
    ("preverified", "GET", ""): accounts.read_from_pool,
    ("preverified", "DELETE", ""): accounts.remove_from_pool,
    ("preverified", "POST", "request_code"): registration.request_code,
    ("preverified", "POST", "verify_code"): registration.verify_code,
    ("waba", "GET", ""): accounts.read_account,
    ("waba", "POST", ""): accounts.edit_account,
    ("waba", "GET", "phone_numbers"): numbers.list_numbers,
    ("waba", "POST", "phone_numbers"): numbers.add,
    ("waba", "GET", "subscribed_apps"): accounts.list_subscriptions,
    ("waba", "POST", "subscribed_apps"): accounts.subscribe,
    ("waba", "DELETE", "subscribed_apps"): accounts.unsubscribe,
    ("business", "GET", ""): accounts.read_business,
    ("business", "GET", "owned_whatsapp_business_accounts"): accounts.list_owned,
    ("business", "GET", "client_whatsapp_business_accounts"): accounts.list_shared,
    ("business", "POST", "add_phone_numbers"): accounts.add_to_pool,
    ("business", "GET", "preverified_numbers"): accounts.list_pool,
    ("app", "GET", ""): apps.read_app,
    ("app", "GET", "subscriptions"): apps.list_subscriptions,
    ("app", "POST", "subscriptions"): apps.set_subscription,
    ("app", "DELETE", "subscriptions"): apps.drop_subscription,
    ("app", "POST", "uploads"): apps.begin_upload,
    ("upload", "GET", ""): apps.read_upload,
    ("upload", "POST", ""): apps.continue_upload,
    ("debug_token", "GET", ""): apps.debug_token,
}
"""(kind of object, method, edge) -> what it does."""

_NODE_TYPES = {
    "number": "WhatsAppBusinessPhoneNumber",
    "preverified": "WhatsAppBusinessPreVerifiedPhoneNumber",
    "waba": "WhatsAppBusinessAccount",
    "business": "Business",
    "app": "Application",
}

_OPEN_TO_ALL = frozenset({"app", "upload", "debug_token"})
"""Kinds for which any token of the app will do."""
_EDGE_SCOPES = {
    "messages": realms.MESSAGING,
    "media": realms.MESSAGING,
    "add_phone_numbers": realms.BUSINESS,
    "preverified_numbers": realms.BUSINESS,
}


class Surface:
    def __init__(self, network: Network) -> None:
        self._network = network

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"the Graph API does not speak {scope['type']}")
        trace = "A" + secrets.token_urlsafe(16)
        headers = [(b"x-fb-trace-id", trace.encode()), (b"x-fb-request-id", trace[1:].encode())]
        try:
            status, content_type, body = await self._answer(scope, receive, headers)
        except (GraphFault, Unreadable) as error:
            fault = error if isinstance(error, GraphFault) else _unreadable(error)
            status, content_type, body = fault.status, _JSON, orjson.dumps(fault.body(trace))
            if status == 401:
                headers.append((b"www-authenticate", b'OAuth "Facebook Platform" "invalid_token"'))
        except Exception:  # noqa: BLE001 - the boundary: nothing may pass it unrendered
            log.exception("emulator.failed", network="meta", path=scope["path"], method=scope["method"])
            status, content_type, body = 500, _JSON, orjson.dumps(GraphFault(1).body(trace))
        headers += [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, scope: Scope, receive: Receive, headers: list[tuple[bytes, bytes]]
    ) -> tuple[int, bytes, bytes]:
        request = read_head(scope, self._network.public_url)
        headers.append((b"facebook-api-version", request.path.version.encode("ascii", "replace")))
        body = await read_body(request.headers, receive, BODY_LIMIT)
        if request.path.node == "pictures" and request.method == "GET":
            media_type, picture = await apps.picture(self._network, request)
            return 200, media_type.encode(), picture
        parameters = Parameters(_merged(request, body))
        if (request.path.node, request.path.edge) == ("oauth", "access_token"):
            return 200, _JSON, orjson.dumps(await apps.grant_token(self._network, parameters))
        try:
            answer = await until_saved(partial(self._run, request, parameters, body, headers))
        except Stale:
            raise GraphFault(2, "The object is being changed by too many calls at once.") from None
        return 200, _JSON, orjson.dumps(answer)

    async def _run(
        self, request: Request, parameters: Parameters, body: bytes, headers: list[tuple[bytes, bytes]]
    ) -> dict[str, Any]:
        network, node = self._network, request.path.node
        token = _token(request, parameters)
        scene = await scenes.see(network.pool, network.clock.now(), node, digest=realms.digest_of(token))
        scene = _authenticated(scene, token, parameters)
        if scene.waba is not None and len(headers) < _HEADERS_WITH_USAGE:
            headers.append((USAGE_HEADER.encode(), _USAGE % scene.waba.id.encode()))
        await self._fail_by_choice(scene)
        kind = _kind(scene, node)
        _check_scope(scene, kind, request.path.edge)
        handler = _operation(request, kind)
        if scene.number is not None:
            await numbers.fail_by_choice(network, scene, scene.number.digits)
        return await handler(Call(network, request, parameters, body, scene))

    async def _fail_by_choice(self, scene: Scene) -> None:
        """The failure that the sandbox's user has asked for, if any is left."""
        if scene.realm.faults_left <= 0:
            return
        fault = await realms.take_fault(self._network.pool, scene.realm.account_id)
        if fault is not None:
            status, code = fault
            raise GraphFault(code, "This failure was asked for.", status=status)


_JSON = b"application/json; charset=UTF-8"
_HEADERS_WITH_USAGE = 4
_USAGE = (
    b'{"%s":[{"type":"whatsapp_business_management","call_count":1,"total_cputime":1,"total_time":1,'
    b'"estimated_time_to_regain_access":0}]}'
)


def _unreadable(problem: Unreadable) -> GraphFault:
    return faults.too_large(BODY_LIMIT) if isinstance(problem, TooLarge) else faults.unreadable(str(problem))


def _merged(request: Request, body: bytes) -> dict[str, Any]:
    """Query, form and JSON alike; an upload's body is the file itself."""
    if request.path.node.startswith("upload:"):
        return dict(request.query)
    return {**request.query, **body_parameters(request.headers, body)}


def _token(request: Request, parameters: Parameters) -> str:
    token = parameters.text("access_token", most=4096)
    if token:
        return token
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() not in {"bearer", "oauth"} or not token.strip():
        raise faults.token_missing()
    return token.strip()


def _authenticated(scene: Scene | None, token: str, parameters: Parameters) -> Scene:
    if scene is None or scene.token is None:
        raise faults.token_invalid()
    if scene.token.expires_at is not None and scene.token.expires_at <= scene.now:
        raise faults.token_expired()
    proof = parameters.text("appsecret_proof", most=256)
    if proof:
        expected = hmac.new(scene.realm.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), proof.encode()):
            raise faults.proof_invalid()
    return scene


def _kind(scene: Scene, node: str) -> str:
    """What the path's first part names; empty for what this caller cannot see."""
    if scene.number is not None:
        return "number" if scene.number.waba_id is not None else "preverified"
    if scene.waba is not None:
        return "waba"
    if node == scene.realm.app_id:
        return "app"
    if node == scene.realm.business_id:
        return "business"
    if node.startswith("upload:"):
        return "upload"
    return "debug_token" if node == "debug_token" else ""


def _check_scope(scene: Scene, kind: str, edge: str) -> None:
    if kind in _OPEN_TO_ALL or scene.token is None:
        return
    scope = _EDGE_SCOPES.get(edge, realms.MANAGEMENT)
    if scope in scene.token.scopes:
        return
    if scene.token.kind == TokenKind.APP:
        raise faults.app_permission_missing()
    raise faults.permission_missing(scope)


def _operation(request: Request, kind: str) -> Handler:
    method, path = request.method, request.path
    if not kind:
        raise faults.object_missing(method, path.node)
    handler = OPERATIONS.get((kind, method, path.edge))
    if handler is not None:
        return handler
    if method == "GET" and path.edge:
        raise faults.unknown_field(path.edge, _NODE_TYPES.get(kind, kind))
    raise faults.unsupported(method)
