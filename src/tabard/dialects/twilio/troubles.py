"""Why a sender is offline, in Twilio's codes.

The codes are those that Twilio's error dictionary, its samples or its users report for the same trouble; where none
fits, the nearest by cause. `offline_reasons` carries codes as strings.
"""

from collections.abc import Mapping
from typing import Any

from tabard.domain.sender import Reason, Trouble

MORE_INFO = "https://www.twilio.com/docs/errors/"

TROUBLES: Mapping[Trouble, tuple[str, str]] = {
    Trouble.ACCESS_DENIED: ("63001", "The network did not accept the credentials for this business account"),
    Trouble.ACCOUNT_BANNED: ("21211400", "The WhatsApp Business Account is banned by the network"),
    Trouble.ACCOUNT_DISABLED: ("63112", "The WhatsApp Business Account is disabled by the network"),
    Trouble.ACCOUNT_INVALID: ("63101", "The waba_id is not valid or can't be used"),
    Trouble.ACCOUNT_LOCKED: ("63051", "The WhatsApp Business Account is locked"),
    Trouble.ACCOUNT_ALERT: ("63020", "The business behind the account has something to settle with the network"),
    Trouble.AGENT_GONE: ("63111", "The agent was not found at the network"),
    Trouble.ALREADY_VERIFIED: ("63110", "The number is verified already"),
    Trouble.CODE_REJECTED: ("63113", "The verification code was not accepted"),
    Trouble.BANNER_UNUSABLE: ("63100", "The banner can't be used"),
    Trouble.CANNOT_VERIFY: ("63113", "The number can't be verified"),
    Trouble.COLOR_UNREADABLE: ("63100", "The accent colour can't be read on white"),
    Trouble.INVITATIONS_USED_UP: ("63114", "No more test devices can be invited today"),
    Trouble.LAUNCH_INCOMPLETE: ("63100", "The network asks for more before it launches the sender"),
    Trouble.LOGO_UNUSABLE: ("63100", "The logo can't be used"),
    Trouble.NAME_DECLINED: ("63060", "The display name was declined by the network"),
    Trouble.NETWORK_REFUSED: ("63011", "The network refused the request"),
    Trouble.NETWORK_UNAVAILABLE: ("63012", "The network could not be reached or failed"),
    Trouble.NOT_LAUNCHED: ("63035", "No carrier has the sender launched"),
    Trouble.NOT_REGISTERED: ("63111", "The number is not registered at the network"),
    Trouble.NOT_VERIFIED: ("63113", "The number's verification has lapsed"),
    Trouble.NUMBER_BANNED: ("63013", "The number is banned by the network"),
    Trouble.NUMBER_CAP: ("63104", "The WhatsApp Business Account holds as many numbers as it may"),
    Trouble.NUMBER_GONE: ("63111", "The number was not found in the WhatsApp Business Account"),
    Trouble.NUMBER_MIGRATED: ("63059", "The number was moved to another WhatsApp Business Account"),
    Trouble.NUMBER_PRESENT: ("63110", "The number is in the WhatsApp Business Account already"),
    Trouble.NUMBER_TAKEN: ("63110", "The number is registered on WhatsApp already"),
    Trouble.PHONE_UNREACHABLE: ("63035", "The phone can't be reached over RCS"),
    Trouble.PIN_MISMATCH: ("63113", "The number's two-step verification PIN is another one"),
    Trouble.REGISTRATION_LIMIT: ("63114", "The number was registered too many times; the network wants a pause"),
    Trouble.STUCK: ("63012", "The registration made no progress"),
    Trouble.TESTER_NOT_READY: ("63035", "The test device has not accepted the invitation"),
    Trouble.TESTER_UNKNOWN: ("63035", "The phone is no test device of the sender"),
    Trouble.TOO_MANY_CODES: ("63114", "Too many verification codes were asked for"),
}


def explained(reason: Reason) -> dict[str, Any]:
    code, message = TROUBLES[reason.trouble]
    return {
        "code": code,
        "message": f"{message}: {reason.detail}" if reason.detail else message,
        "more_info": f"{MORE_INFO}{code}",
    }
