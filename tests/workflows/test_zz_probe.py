import time
from tests.support.workshop import workshop
async def test_probe(dsn, tmp_path):
    t=time.time()
    async with workshop(dsn, tmp_path) as w:
        print("start", time.time()-t); t=time.time()
        sid = await w.online("+15550100001")
        print("life", time.time()-t, w.network.calls); t=time.time()
        w.network.plan({})
        await w.tabard.post(f"/v2/Channels/Senders/{sid}", {"profile": {"name": "Example Post"}})
        await w.pass_time(seconds=5)
        print(w.network.calls, await w.tabard.fetch(sid), await w.events(sid))
        print((await w.stored(sid)).warnings)
