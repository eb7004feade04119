"""The ASGI lifespan of an app that has none: whoever made it opens and closes its parts."""

from starlette.types import Receive, Send


async def live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
