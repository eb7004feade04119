"""The carriers that can launch an agent: one literal table, from which the regions are made.

A region is a carrier in a country. Google's own list depends on the partner's account and is not published, so the
names are the carriers' own and the rest is ours: who manages the launch, and after how many days the carrier decides
where the pace is realtime.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from tabard.networks.google.wire import ManagementType

_G, _C = ManagementType.GOOGLE_MANAGED, ManagementType.CARRIER_MANAGED

CARRIERS = {
    ("AT", "Austria"): (("A1", 9, _C), ("Magenta", 12, _C), ("Hutchison 3G", 7, _G)),
    ("BE", "Belgium"): (("Proximus", 14, _C), ("Orange", 10, _C), ("Telenet", 6, _G)),
    ("BR", "Brazil"): (("Claro", 8, _G), ("TIM", 8, _G), ("Vivo", 11, _G)),
    ("CA", "Canada"): (("Rogers", 18, _C), ("Bell", 21, _C), ("Telus", 17, _C)),
    ("CZ", "Czech Republic"): (("Vodafone", 7, _C), ("O2", 9, _G), ("T-Mobile", 12, _C)),
    ("DK", "Denmark"): (("3", 6, _G), ("Telenor", 8, _C), ("Telia", 9, _C)),
    ("FI", "Finland"): (("Elisa", 7, _C), ("DNA", 6, _G), ("Telia", 9, _C)),
    ("FR", "France"): (
        ("Orange", 15, _C),
        ("SFR", 14, _C),
        ("Bouygues", 13, _C),
        ("Free", 11, _G),
        ("NRJ Mobile", 13, _C),
        ("Coriolis Telecom", 10, _G),
        ("Lycamobile", 5, _G),
    ),
    ("DE", "Germany"): (("Vodafone", 10, _C), ("Deutsche Telekom", 14, _C), ("O2", 8, _G), ("1und1", 6, _G)),
    ("GR", "Greece"): (("Cosmote", 12, _C), ("Vodafone", 10, _C)),
    ("HU", "Hungary"): (("Telekom", 12, _C), ("Vodafone", 10, _C)),
    ("IT", "Italy"): (("TIM", 12, _C), ("Vodafone", 10, _C), ("WindTre", 9, _G), ("Iliad", 6, _G)),
    ("LT", "Lithuania"): (("Telia", 9, _C), ("Tele2", 7, _G)),
    ("MX", "Mexico"): (("Telcel", 16, _C), ("AT&T", 12, _C), ("Movistar", 9, _G)),
    ("NL", "Netherlands"): (("Kpn", 11, _C), ("Odido", 8, _G), ("Vodafone", 10, _C), ("Lebara Mobile", 7, _G)),
    ("NO", "Norway"): (("Telenor", 8, _C), ("Telia", 9, _C)),
    ("PE", "Peru"): (("Claro", 8, _G), ("Entel", 7, _G), ("Movistar", 9, _G)),
    ("PL", "Poland"): (("Orange", 10, _C), ("T-Mobile", 12, _C)),
    ("PT", "Portugal"): (("MEO", 9, _C), ("NOS", 8, _G), ("Vodafone", 10, _C)),
    ("SG", "Singapore"): (("Singtel", 13, _C), ("Starhub", 9, _G), ("M1", 8, _G), ("Simba", 5, _G)),
    ("SK", "Slovakia"): (("Telekom", 12, _C), ("Orange", 10, _C), ("O2", 9, _G)),
    ("ES", "Spain"): (("Movistar", 9, _C), ("Orange", 10, _C), ("Vodafone", 10, _C), ("Yoigo", 7, _G), ("Digi", 6, _G)),
    ("SE", "Sweden"): (("Telia", 9, _C), ("Tele2", 7, _G), ("Telenor", 8, _C), ("Three", 6, _G)),
    ("GB", "United Kingdom"): (("Vodafone", 10, _C), ("EE", 14, _C), ("O2", 9, _C), ("Three", 7, _G), ("Sky", 6, _G)),
    ("US", "United States"): (
        ("Google Fi", 5, _G),
        ("T-Mobile", 21, _C),
        ("AT&T", 24, _C),
        ("Verizon", 28, _C),
        ("US Cellular", 19, _C),
    ),
}
"""(ISO 3166 code, English name) -> the country's carriers: name, days until the decision, who manages the launch."""


@dataclass(frozen=True, slots=True)
class Region:
    name: str
    display_name: str
    country: str
    management: ManagementType
    decides_after: timedelta
    is_first: bool
    """The first of its country's in the table."""


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _regions() -> dict[str, Region]:
    made = [
        Region(
            f"/v1/regions/{_slug(carrier)}-{_slug(country)}",
            f"{carrier} ({country})",
            code,
            management,
            timedelta(days=days),
            place == 0,
        )
        for (code, country), carriers in CARRIERS.items()
        for place, (carrier, days, management) in enumerate(carriers)
    ]
    return {region.name: region for region in made}


REGIONS = _regions()
"""By name, as a launch names them."""
