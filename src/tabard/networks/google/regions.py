"""Google's regions: which carrier of which country each one is.

Google gives a region an id and a display name, but no country: `/v1/regions/vodafone-united-kingdom` is "Vodafone
(United Kingdom)". The country is read from the end of either, by its English name or its ISO 3166-1 code; carriers that
name no country are in a table of their own. A region whose country can't be told is left out: nobody could ask for it.

Source: Google, RCS for Business: regions.list, carrier launches.
"""

import re
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tabard.domain.account import Connection
from tabard.domain.agents.launch import Region
from tabard.networks.calls import Document
from tabard.networks.google.tokens import digest
from tabard.telemetry import log

KEPT_FOR = timedelta(minutes=10)
_KEPT = 256
_TOLD = 1000

WITHOUT_COUNTRY = {"fi-rcs": ("US", "Google Fi")}
"""Carriers that name no country."""

_NAMES = """
AD andorra|AE united arab emirates|AE uae|AF afghanistan|AG antigua and barbuda|AI anguilla|AL albania|AM armenia
AO angola|AR argentina|AS american samoa|AT austria|AU australia|AW aruba|AX aland islands|AZ azerbaijan
BA bosnia and herzegovina|BB barbados|BD bangladesh|BE belgium|BF burkina faso|BG bulgaria|BH bahrain|BI burundi
BJ benin|BL saint barthelemy|BM bermuda|BN brunei|BO bolivia|BQ caribbean netherlands|BR brazil|BS bahamas|BT bhutan
BW botswana|BY belarus|BZ belize|CA canada|CC cocos islands|CD democratic republic of the congo|CD congo kinshasa
CF central african republic|CG congo|CG republic of the congo|CH switzerland|CI cote d ivoire|CI ivory coast
CK cook islands|CL chile|CM cameroon|CN china|CO colombia|CR costa rica|CU cuba|CV cape verde|CV cabo verde|CW curacao
CX christmas island|CY cyprus|CZ czech republic|CZ czechia|DE germany|DJ djibouti|DK denmark|DM dominica
DO dominican republic|DZ algeria|EC ecuador|EE estonia|EG egypt|EH western sahara|ER eritrea|ES spain|ET ethiopia
FI finland|FJ fiji|FK falkland islands|FM micronesia|FO faroe islands|FR france|GA gabon|GB united kingdom
GB great britain|GB uk|GD grenada|GE georgia|GF french guiana|GG guernsey|GH ghana|GI gibraltar|GL greenland|GM gambia
GN guinea|GP guadeloupe|GQ equatorial guinea|GR greece|GT guatemala|GU guam|GW guinea bissau|GY guyana|HK hong kong
HN honduras|HR croatia|HT haiti|HU hungary|ID indonesia|IE ireland|IL israel|IM isle of man|IN india|IQ iraq|IR iran
IS iceland|IT italy|JE jersey|JM jamaica|JO jordan|JP japan|KE kenya|KG kyrgyzstan|KH cambodia|KI kiribati|KM comoros
KN saint kitts and nevis|KP north korea|KR south korea|KR korea|KW kuwait|KY cayman islands|KZ kazakhstan|LA laos
LB lebanon|LC saint lucia|LI liechtenstein|LK sri lanka|LR liberia|LS lesotho|LT lithuania|LU luxembourg|LV latvia
LY libya|MA morocco|MC monaco|MD moldova|ME montenegro|MF saint martin|MG madagascar|MH marshall islands
MK north macedonia|MK macedonia|ML mali|MM myanmar|MN mongolia|MO macao|MO macau|MP northern mariana islands
MQ martinique|MR mauritania|MS montserrat|MT malta|MU mauritius|MV maldives|MW malawi|MX mexico|MY malaysia
MZ mozambique|NA namibia|NC new caledonia|NE niger|NF norfolk island|NG nigeria|NI nicaragua|NL netherlands|NO norway
NP nepal|NR nauru|NU niue|NZ new zealand|OM oman|PA panama|PE peru|PF french polynesia|PG papua new guinea
PH philippines|PK pakistan|PL poland|PM saint pierre and miquelon|PR puerto rico|PS palestine|PT portugal|PW palau
PY paraguay|QA qatar|RE reunion|RO romania|RS serbia|RU russia|RW rwanda|SA saudi arabia|SB solomon islands
SC seychelles|SD sudan|SE sweden|SG singapore|SH saint helena|SI slovenia|SK slovakia|SL sierra leone|SM san marino
SN senegal|SO somalia|SR suriname|SS south sudan|ST sao tome and principe|SV el salvador|SX sint maarten|SY syria
SZ eswatini|SZ swaziland|TC turks and caicos islands|TD chad|TG togo|TH thailand|TJ tajikistan|TK tokelau
TL timor leste|TM turkmenistan|TN tunisia|TO tonga|TR turkey|TR turkiye|TT trinidad and tobago|TV tuvalu|TW taiwan
TZ tanzania|UA ukraine|UG uganda|US united states|US united states of america|US usa|UY uruguay|UZ uzbekistan
VA vatican city|VC saint vincent and the grenadines|VE venezuela|VG british virgin islands|VI us virgin islands
VN vietnam|VU vanuatu|WF wallis and futuna|WS samoa|XK kosovo|YE yemen|YT mayotte|ZA south africa|ZM zambia|ZW zimbabwe
"""

COUNTRIES = {row[3:]: row[:2] for row in re.split(r"[|\n]", _NAMES.strip())}
"""English names, in small letters without accents, -> ISO 3166-1 alpha-2."""
_CODES = {code.lower(): code for code in COUNTRIES.values()}
_LONGEST_NAME = max(len(name.split()) for name in COUNTRIES)

_SHOWN = re.compile(r"(?P<carrier>.+?)\s*\((?P<country>[^()]+)\)\s*")


def region_of(row: Document) -> Region | None:
    """None if the country can't be told."""
    name, shown = row.get("name"), row.get("displayName")
    if not isinstance(name, str) or not name:
        return None
    slug = name.rpartition("/")[2].lower()
    title = shown.strip() if isinstance(shown, str) else ""
    if slug in WITHOUT_COUNTRY:
        country, carrier = WITHOUT_COUNTRY[slug]
        return Region(name, country, title or carrier)
    found = _SHOWN.fullmatch(title)
    if found is not None:
        code = _country(_words(found["country"]))
        if code is not None:
            return Region(name, code, found["carrier"])
    return _by_slug(name, slug.split("-"), title)


def _by_slug(name: str, words: Sequence[str], title: str) -> Region | None:
    """The country is the longest end of the id that is one; the carrier is what stands before it."""
    for length in range(min(_LONGEST_NAME, len(words) - 1), 0, -1):
        code = _country(words[-length:])
        if code is not None:
            carrier = " ".join(word.capitalize() for word in words[:-length])
            return Region(name, code, title or carrier)
    return None


def _country(words: Sequence[str]) -> str | None:
    text = " ".join(words)
    return COUNTRIES.get(text) or _CODES.get(text)


def _words(text: str) -> list[str]:
    """In small letters without accents."""
    return re.findall(r"[a-z]+", unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower())


class KnownRegions:
    """What each connection was last told, for a few minutes; and which regions were left out, so as to say it once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, tuple[datetime, tuple[Region, ...]]] = OrderedDict()
        self._told: set[str] = set()

    def of(self, way: Connection, now: datetime) -> tuple[Region, ...] | None:
        kept = self._kept.get(_key(way))
        return kept[1] if kept is not None and now < kept[0] else None

    def learn(self, way: Connection, rows: Iterable[Document], now: datetime) -> tuple[Region, ...]:
        regions = []
        for row in rows:
            region = region_of(row)
            if region is not None:
                regions.append(region)
            else:
                self._say(str(row.get("name"))[:100])
        key = _key(way)
        self._kept[key] = now + KEPT_FOR, tuple(regions)
        self._kept.move_to_end(key)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return tuple(regions)

    def _say(self, name: str) -> None:
        if name not in self._told and len(self._told) < _TOLD:
            self._told.add(name)
            log.warning("region.country_unknown", region=name)


def _key(way: Connection) -> bytes:
    return digest(f"{way.base_url} {way.token}")
