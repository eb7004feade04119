"""One sender, two dialects: made in one, seen and driven in the other."""

from tests.support.patience import eventually
from tests.support.service import SENDERS, Running
from tests.support.sinch_customer import SinchCustomer


def sinch(tabard: Running) -> SinchCustomer:
    """The default account's own words in the other dialect."""
    return SinchCustomer(tabard)


def sinch_id(sid: str) -> str:
    digits = sid.removeprefix("XE")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


async def test_a_number_made_by_twilio_is_registered_and_verified_by_sinch(tabard: Running):
    number = "+15550100123"
    sid = (await tabard.create(number))["sid"]
    await tabard.reaches(sid, "PENDING_VERIFICATION")
    customer, sender = sinch(tabard), {"id": sinch_id(sid)}
    waiting = await customer.reaches(sender, "PENDING_VERIFICATION", "whatsapp")
    assert waiting["changes"]["status"] == "IN_PROGRESS"

    path = f"/whatsapp/senders/{sender['id']}"
    asked = await customer.call("POST", f"{path}/register", {"method": "SMS"})
    assert asked.status == 200, asked
    assert (asked.body["accepted"], asked.body["verificationCodeSent"]) == (True, True)
    wrong = await customer.call("POST", f"{path}/verify", {"code": "000000"})
    assert (wrong.status, wrong.body["errorCode"]) == (409, "wrong_otp")
    right = await customer.call("POST", f"{path}/verify", {"code": await tabard.code(number)})
    assert right.status == 204, right
    shown = await customer.reaches(sender, "ACTIVE", "whatsapp")
    assert (shown["countryCode"], shown["phoneNumber"]) == ("1", "5550100123")
    assert (await tabard.reaches(sid, "ONLINE"))["profile"]["name"] == "Example Parcels"
    types = [entry["type"] for entry in await customer.activities(sender, "whatsapp")]
    assert types[0] == "CREATED"
    assert "ACTIVE" in types


async def test_a_number_made_by_sinch_is_verified_by_twilio(tabard: Running):
    customer, number = sinch(tabard), "+15550100124"
    details = {"countryCode": "1", "phoneNumber": "5550100124", "displayName": "Example Bakery"}
    sender = await customer.create({"details": details}, "whatsapp")
    sid = f"XE{sender['id'].replace('-', '')}"
    seen = await tabard.reaches(sid, "PENDING_VERIFICATION")
    assert seen["sender_id"] == f"whatsapp:{number}"
    assert (await tabard.get(f"/sandbox/v1/phones/{number}/messages"))["messages"] == []
    await tabard.post(f"{SENDERS}/{sid}", {"configuration": {"verification_method": "sms"}})
    await tabard.until(sid, lambda s: s["configuration"]["verification_method"] == "sms", "the method")
    await customer.until(sender, lambda _: True, "the sender", "whatsapp")
    await _code_arrives(tabard, number)
    await tabard.verify(sid, number)
    await tabard.reaches(sid, "ONLINE")
    await customer.reaches(sender, "ACTIVE", "whatsapp")


async def test_a_sender_that_sinch_deletes_is_kept_for_thirty_days(tabard: Running):
    customer = sinch(tabard)
    sid = await tabard.online("+15550100125")
    path = f"/whatsapp/senders/{sinch_id(sid)}"
    assert (await customer.call("DELETE", path)).status == 204
    assert (await customer.get(path))["state"] == "INACTIVE"
    again = await customer.call("DELETE", path)
    assert (again.status, again.body["errorCode"]) == (409, "sender_already_deleted")
    await tabard.advance(days=29)
    assert (await tabard.fetch(sid))["status"] == "ONLINE"
    await tabard.advance(days=2)
    assert (await customer.call("GET", path)).status == 404
    assert (await tabard.call("GET", f"{SENDERS}/{sid}")).status == 404


async def test_a_number_connected_by_embedded_signup(tabard: Running):
    customer, number = sinch(tabard), "+15550100126"
    connected = await tabard.call("POST", "/sandbox/v1/numbers", {"number": number, "name": "Example Garage"})
    assert connected.status == 201, connected
    ids = {"wabaId": connected.body["business_account"], "phoneNumberId": connected.body["number_id"]}
    sender = await customer.create(ids, "whatsapp")
    assert "state" not in sender
    shown = await customer.reaches(sender, "ACTIVE", "whatsapp")
    assert shown["details"]["displayName"] == "Example Garage"
    again = await customer.call("POST", "/whatsapp/senders", ids)
    assert (again.status, again.body["errorCode"]) == (409, "used_phone_number_id")


async def _code_arrives(tabard: Running, number: str) -> None:
    async def arrived() -> bool:
        return bool((await tabard.get(f"/sandbox/v1/phones/{number}/messages"))["messages"])

    await eventually(arrived)
