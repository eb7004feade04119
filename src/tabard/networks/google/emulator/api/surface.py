"""Google's APIs as an ASGI application: find the method, authenticate, look, run, answer; errors end here.

The token comes first, then whether the object is the caller's, then the failures that the sandbox's user asked for, and
only then the parameters.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import orjson
from starlette.types import Receive, Scope, Send

from tabard.networks.emulation.body import TooLarge, Unreadable, parse_pairs, read_body
from tabard.networks.emulation.lifespan import live
from tabard.networks.emulation.races import Stale, until_saved
from tabard.networks.google.emulator import faults
from tabard.networks.google.emulator.api import agents, brands, grants, reviews, testers, webhooks
from tabard.networks.google.emulator.api.request import BODY_LIMIT, Call, Request, read_head
from tabard.networks.google.emulator.faults import ApiFault, GrantFault
from tabard.networks.google.emulator.memory import agents as agent_memory
from tabard.networks.google.emulator.memory import brands as brand_memory
from tabard.networks.google.emulator.memory import realms
from tabard.networks.google.emulator.network import Network
from tabard.networks.google.emulator.state import Json, Scene
from tabard.networks.google.wire import ANY_BRAND, MANAGEMENT_SCOPE, MESSAGING_SCOPE, RpcStatus
from tabard.telemetry import log

Handler = Callable[[Call], Awaitable[Json]]

_PAGING = ("pageSize", "pageToken")
_AGENT = "brands/{brand}/agents/{agent}"

OPERATIONS: dict[tuple[str, str], tuple[Handler, tuple[str, ...]]] = {
    ("GET", "brands"): (brands.list_all, _PAGING),
    ("POST", "brands"): (brands.create, ()),
    ("GET", "brands/{brand}"): (brands.read, ()),
    ("PATCH", "brands/{brand}"): (brands.update, ("updateMask",)),
    ("DELETE", "brands/{brand}"): (brands.remove, ()),
    ("GET", "brands/{brand}/agents"): (
        agents.list_all,
        (*_PAGING, "launchStateFilter", "includeLaunchData", "includeArchived"),
    ),
    ("POST", "brands/{brand}/agents"): (agents.create, ()),
    ("GET", _AGENT): (agents.read, ()),
    ("PATCH", _AGENT): (agents.update, ("updateMask",)),
    ("DELETE", _AGENT): (agents.remove, ()),
    ("POST", f"{_AGENT}:requestVerification"): (reviews.request_verification, ()),
    ("GET", f"{_AGENT}/verification"): (reviews.read_verification, ()),
    ("PATCH", f"{_AGENT}/verification"): (reviews.update_verification, ("updateMask",)),
    ("POST", f"{_AGENT}:requestLaunch"): (reviews.request_launch, ()),
    ("GET", f"{_AGENT}/launch"): (reviews.read_launch, ()),
    ("PATCH", f"{_AGENT}/launch"): (reviews.update_launch, ("updateMask", "actingParty")),
    ("GET", f"{_AGENT}/integrations"): (webhooks.list_integrations, _PAGING),
    ("POST", f"{_AGENT}/integrations"): (webhooks.create_integration, ()),
    ("GET", f"{_AGENT}/integrations/{{integration}}"): (webhooks.read_integration, ()),
    ("PATCH", f"{_AGENT}/integrations/{{integration}}"): (webhooks.update_integration, ("updateMask",)),
    ("DELETE", f"{_AGENT}/integrations/{{integration}}"): (webhooks.remove_integration, ()),
    ("GET", "regions"): (reviews.list_regions, _PAGING),
    ("GET", "testers"): (testers.list_all, (*_PAGING, "agentId")),
    ("POST", "testers"): (testers.invite, ()),
    ("GET", "testers/{phone}"): (testers.read, ("agentId",)),
    ("DELETE", "testers/{phone}"): (testers.remove, ("agentId",)),
    ("GET", "partners/{partner}"): (webhooks.read_partner, ()),
    ("PATCH", "partners/{partner}"): (webhooks.update_partner, ("updateMask",)),
    ("GET", "phones/{phone}/capabilities"): (testers.read_capabilities, ("requestId", "agentId")),
}
"""(method, path) -> what it does, and the parameters that its query may have."""

NOT_EMULATED = (
    "analytics/agentPerformances",
    "criticalAgents",
    "files",
    "phones/{phone}/agentEvents",
    "phones/{phone}/agentMessages",
    "phones/{phone}/agentMessages/{message}",
    "phones/{phone}/dialogflowMessages",
    "phones/{phone}/testers",
    "subscriberProfiles",
    "surveyQuestions",
    "users:batchGet",
)

_EVERYWHERE = frozenset({"alt", "fields", "key", "prettyPrint", "quotaUser", "$.xgafv"})
"""What any method's query may have; none of it changes an answer here."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler | None
    query: frozenset[str]
    scope: str


def _route(method: str, path: str, handler: Handler | None, query: tuple[str, ...] = ()) -> Route:
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+)", path))
    scope = MESSAGING_SCOPE if path.startswith(("phones", "files", "users")) else MANAGEMENT_SCOPE
    return Route(method, pattern, handler, _EVERYWHERE | set(query), scope)


_ROUTES = [
    *(_route(method, path, handler, query) for (method, path), (handler, query) in OPERATIONS.items()),
    *(_route(method, path, None) for path in NOT_EMULATED for method in ("GET", "POST", "DELETE", "PATCH")),
]


class Surface:
    def __init__(self, network: Network) -> None:
        self._network = network

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"Google's APIs do not speak {scope['type']}")
        status, answer = await self._rendered(scope, receive)
        body = orjson.dumps(answer)
        headers = [
            (b"content-type", b"application/json; charset=UTF-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        if status == 401:
            headers.append((b"www-authenticate", b'Bearer realm="https://accounts.google.com/"'))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _rendered(self, scope: Scope, receive: Receive) -> tuple[int, Mapping[str, object]]:
        try:
            return 200, await self._answer(scope, receive)
        except GrantFault as fault:
            return 400, fault.body()
        except (ApiFault, Unreadable, Stale) as error:
            refusal = _fault_of(error)
        except Exception:  # noqa: BLE001 - the boundary: nothing may pass it unrendered
            log.exception("emulator.failed", network="google", path=scope["path"], method=scope["method"])
            refusal = ApiFault(RpcStatus.INTERNAL, "Internal error encountered.")
        return refusal.status, refusal.body()

    async def _answer(self, scope: Scope, receive: Receive) -> Json:
        request = read_head(scope)
        request = replace(request, body=await read_body(request.headers, receive, BODY_LIMIT))
        if (request.method, request.path) == ("POST", "token"):
            return await self._grant(request)
        route, parts = _found(request)
        scene = await self._authenticated(request, route)
        if route.handler is None:
            raise faults.not_emulated()
        return await until_saved(partial(self._run, route, route.handler, Call(self._network, request, parts, scene)))

    async def _grant(self, request: Request) -> Json:
        """A token for a signed assertion."""
        network, wall = self._network, self._network.clock.now()
        assertion = grants.read_assertion(parse_pairs(request.body.decode("latin-1")))
        realm = await realms.realm_by_email(network.pool, assertion.issuer)
        scopes = grants.granted_scopes(assertion, realm, network.token_url)
        assert realm is not None  # noqa: S101 - else nothing was granted
        token = grants.new_token()
        until = wall + grants.TOKEN_LIFE
        await realms.issue_token(network.pool, realm, grants.digest_of(token), scopes, wall, until)
        seconds = int(grants.TOKEN_LIFE.total_seconds()) - 1
        return {"access_token": token, "expires_in": seconds, "token_type": "Bearer"}

    async def _authenticated(self, request: Request, route: Route) -> Scene:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise faults.unauthenticated("CREDENTIALS_MISSING")
        wall = self._network.clock.now()
        found = await realms.signed_in(self._network.pool, grants.digest_of(token.strip()), wall)
        if found is None:
            raise faults.unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")
        offset, scopes, realm = found
        if route.scope not in scopes:
            raise faults.scope_missing()
        return Scene(wall, wall + offset, realm)

    async def _run(self, route: Route, handler: Handler, call: Call) -> Json:
        call = replace(call, scene=await self._looked(call))
        await self._fail_by_choice(call.scene)
        for name in call.request.query:
            if name not in route.query:
                raise faults.unknown_query(name)
        return await handler(call)

    async def _looked(self, call: Call) -> Scene:
        """The scene with the brand and the agent that the call names, if the caller has them. Raises `ApiFault`."""
        scene, parts, pool = call.scene, call.parts, self._network.pool
        account_id, brand_id = scene.realm.account_id, parts.get("brand")
        if parts.get("partner", scene.realm.partner_id) != scene.realm.partner_id:
            raise faults.missing()
        agent_id = call.request.named_agent(parts)
        if agent_id is not None:
            within = None if brand_id == ANY_BRAND else brand_id
            agent = await agent_memory.find(pool, account_id, agent_id, within)
            if agent is None:
                raise faults.missing()
            return replace(scene, brand=agent.brand, agent=agent)
        if brand_id is None or (brand_id == ANY_BRAND and call.request.method == "GET"):
            return scene
        brand = await brand_memory.find(pool, account_id, brand_id)
        if brand is None:
            raise faults.missing()
        return replace(scene, brand=brand)

    async def _fail_by_choice(self, scene: Scene) -> None:
        """The failures that the sandbox's user has asked for, by a control or by the agent's name."""
        pool, realm, agent = self._network.pool, scene.realm, scene.agent
        status = await realms.take_fault(pool, realm.account_id) if realm.faults_left > 0 else None
        if status is not None:
            raise faults.asked_for(status)
        if agent is not None and await agent_memory.fails_again(pool, realm.account_id, agent):
            raise faults.asked_for(503)


def _fault_of(error: ApiFault | Unreadable | Stale) -> ApiFault:
    match error:
        case ApiFault():
            return error
        case TooLarge():
            return faults.too_large(str(error))
        case Unreadable():
            return faults.unreadable(str(error))
        case Stale():
            return ApiFault(RpcStatus.ABORTED, "The object is being changed by too many calls at once.")


def _found(request: Request) -> tuple[Route, Mapping[str, str]]:
    """Raises `ApiFault`."""
    version, _, path = request.path.partition("/")
    for route in _ROUTES if version == "v1" else ():
        match = route.pattern.fullmatch(path) if route.method == request.method else None
        if match is not None:
            return route, match.groupdict()
    raise faults.method_missing()
