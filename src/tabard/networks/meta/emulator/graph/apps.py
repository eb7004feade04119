"""The app: its tokens, its webhook subscription, and the files it uploads."""

from typing import Any

from tabard.networks.meta.emulator import faults
from tabard.networks.meta.emulator.events import FIELDS
from tabard.networks.meta.emulator.graph import selection
from tabard.networks.meta.emulator.graph.accounts import APP_NAME
from tabard.networks.meta.emulator.graph.request import BODY_LIMIT, Call, Parameters, Request
from tabard.networks.meta.emulator.memory import realms, scenes, uploads
from tabard.networks.meta.emulator.network import Network
from tabard.networks.meta.emulator.state import Scene, TokenKind
from tabard.networks.meta.wire import DEFAULT_VERSION, WEBHOOK_OBJECT

_MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4")

_APP_READERS: selection.Readers[Scene] = {
    "id": lambda scene: scene.realm.app_id,
    "name": lambda _: APP_NAME,
    "category": lambda _: "Business",
    "link": lambda scene: f"https://www.facebook.com/games/?app_id={scene.realm.app_id}",
}


async def read_app(call: Call) -> dict[str, Any]:
    chosen = selection.chosen(call.parameters.text("fields", most=5000), ("name", "category", "link"))
    return selection.render("Application", _APP_READERS, call.scene, chosen)


# tokens


async def grant_token(network: Network, parameters: Parameters) -> dict[str, Any]:
    """GET /oauth/access_token: an app's own token, or a business token for an Embedded Signup code."""
    app_id, secret = parameters.required("client_id"), parameters.required("client_secret")
    account_id = await realms.app_holder(network.pool, app_id, secret)
    if account_id is None:
        raise faults.GraphFault(1, message="Error validating client secret.", status=400)
    if parameters.text("grant_type") == "client_credentials":
        return {"access_token": realms.app_token(app_id, secret), "token_type": "bearer"}
    code = parameters.required("code")
    scene = await scenes.see(network.pool, network.clock.now(), "", account_id=account_id)
    taken = await realms.take_signup_code(network.pool, account_id, code)
    if taken is None or scene is None:
        raise faults.GraphFault(100, message="This authorization code has been used.", subcode=36009)
    scopes, expires_at = taken
    if expires_at <= scene.now:
        raise faults.GraphFault(100, message="This authorization code has expired.", subcode=36007)
    return {
        "access_token": await realms.add_token(network.pool, account_id, scopes, scene.now),
        "token_type": "bearer",
    }


async def debug_token(call: Call) -> dict[str, Any]:
    digest = realms.digest_of(call.parameters.required("input_token", most=4096))
    seen = await scenes.see(call.network.pool, call.scene.wall, "", digest=digest)
    if seen is None or seen.token is None or seen.realm.app_id != call.scene.realm.app_id:
        problem = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return {"data": {"error": problem, "is_valid": False, "scopes": []}}
    token = seen.token
    targets = [waba.id for waba in await realms.wabas(call.network.pool, seen.realm.account_id)]
    granular = [
        {"scope": scope, "target_ids": targets} if scope != realms.BUSINESS else {"scope": scope}
        for scope in token.scopes
    ]
    data = {
        "app_id": seen.realm.app_id,
        "type": token.kind,
        "application": APP_NAME,
        "is_valid": token.expires_at is None or token.expires_at > seen.now,
        "issued_at": int(token.issued_at.timestamp()),
        "expires_at": int(token.expires_at.timestamp()) if token.expires_at is not None else 0,
        "scopes": token.scopes,
        "granular_scopes": granular,
    }
    return {"data": data}


# webhook subscription


def _check_app_token(call: Call) -> None:
    if call.scene.token is None or call.scene.token.kind != TokenKind.APP:
        raise faults.app_token_needed()


async def list_subscriptions(call: Call) -> dict[str, Any]:
    _check_app_token(call)
    realm = call.scene.realm
    if not realm.fields:
        return {"data": []}
    entry = {
        "object": WEBHOOK_OBJECT,
        "callback_url": call.network.callback(realm),
        "active": True,
        "fields": [{"name": name, "version": DEFAULT_VERSION} for name in realm.fields],
    }
    return {"data": [entry]}


async def set_subscription(call: Call) -> dict[str, Any]:
    _check_app_token(call)
    _check_object(call)
    url = call.parameters.required("callback_url")
    token = call.parameters.required("verify_token")
    given = call.parameters.names("fields")
    unknown = set(given) - set(FIELDS)
    if unknown:
        raise faults.invalid(f"Parameter fields names what there is not: {', '.join(sorted(unknown))[:200]}.")
    await call.network.check_callback(url, token)
    fields = given or call.scene.realm.fields or list(FIELDS)
    await realms.set_callback(call.network.pool, call.scene.realm, url, token, fields)
    return {"success": True}


async def drop_subscription(call: Call) -> dict[str, Any]:
    """Of the named fields, or of all."""
    _check_app_token(call)
    if "object" in call.parameters:
        _check_object(call)
    dropped = set(call.parameters.names("fields")) or set(FIELDS)
    realm = call.scene.realm
    kept = [name for name in realm.fields if name not in dropped]
    await realms.set_callback(call.network.pool, realm, realm.callback_url, realm.callback_token, kept)
    return {"success": True}


def _check_object(call: Call) -> None:
    if call.parameters.required("object", most=64) != WEBHOOK_OBJECT:
        raise faults.invalid(f"Parameter object must be {WEBHOOK_OBJECT}.")


# resumable upload


async def begin_upload(call: Call) -> dict[str, Any]:
    media_type = call.parameters.required("file_type", most=64)
    if media_type not in _MEDIA_TYPES:
        raise faults.invalid(f"Parameter file_type must be one of {{{', '.join(_MEDIA_TYPES)}}}.")
    length = call.parameters.integer("file_length", least=1, most=BODY_LIMIT)
    if length is None:
        raise faults.missing("file_length")
    upload = await uploads.begin(
        call.network.pool,
        call.scene.realm.account_id,
        name=call.parameters.text("file_name", most=256) or "file",
        media_type=media_type,
        length=length,
        at=call.scene.now,
    )
    return {"id": upload.session}


async def read_upload(call: Call) -> dict[str, Any]:
    upload = await _upload(call)
    return {"id": upload.session, "file_offset": upload.received}


async def continue_upload(call: Call) -> dict[str, Any]:
    upload = await _upload(call)
    offset = call.request.headers.get("file_offset", "0")
    if offset != str(upload.received):
        raise faults.invalid(f"Header file_offset must be {upload.received}.")
    if upload.received + len(call.body) > upload.length:
        raise faults.invalid(f"The file was announced with {upload.length} bytes.")
    if not await uploads.append(call.network.pool, upload, call.body):
        raise faults.invalid("Somebody else is uploading to this session.")
    if upload.received + len(call.body) < upload.length:
        return {"id": upload.session, "file_offset": upload.received + len(call.body)}
    return {"h": upload.handle}


async def _upload(call: Call) -> uploads.Upload:
    upload = await uploads.find(
        call.network.pool, call.scene.realm.account_id, call.request.path.node.removeprefix("upload:")
    )
    if upload is None or call.request.query.get("sig") != upload.signature:
        raise faults.object_missing(call.request.method, call.request.path.node)
    return upload


async def picture(network: Network, request: Request) -> tuple[str, bytes]:
    """Media type and bytes of a profile picture. Raises `GraphFault`."""
    found = await uploads.picture(network.pool, request.path.edge)
    if found is None:
        raise faults.object_missing(request.method, request.path.edge)
    return found
