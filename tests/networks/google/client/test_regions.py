"""Which carrier of which country a region is, and how long the list is remembered."""

from dataclasses import replace

import phonenumbers
import pytest
from structlog.testing import capture_logs

from tabard.domain.agents.launch import Region
from tabard.networks.google.emulator.regions import REGIONS
from tabard.networks.google.regions import COUNTRIES, region_of
from tests.networks.google.client.stand_in import ROOT, another, fault_in, refusal


def row(slug: str, shown: object = None) -> dict[str, object]:
    return {"name": f"/v1/regions/{slug}", "displayName": shown, "managementType": "GOOGLE_MANAGED"}


@pytest.mark.parametrize(
    ("slug", "shown", "country", "carrier"),
    [
        ("vodafone-united-kingdom", "Vodafone (United Kingdom)", "GB", "Vodafone"),
        ("vodafone-idea-india", "Vodafone Idea (India)", "IN", "Vodafone Idea"),
        ("vodafone-idea-india", None, "IN", "Vodafone Idea"),
        ("fi-rcs", "Google Fi", "US", "Google Fi"),
        ("fi-rcs", None, "US", "Google Fi"),
        ("dogfood-prod-us", "Dogfood", "US", "Dogfood"),
        ("3-denmark", "3 (Denmark)", "DK", "3"),
        ("o2-czech-republic", "O2 (Czech Republic)", "CZ", "O2"),
        ("t-mobile-united-states", "T-Mobile (United States)", "US", "T-Mobile"),
        ("t-mobile-united-states", "", "US", "T Mobile"),
        ("orange-x", "Orange (Côte d'Ivoire)", "CI", "Orange"),
        ("orange-reunion", "Orange (Réunion)", "RE", "Orange"),
        ("mtn-south-africa", "MTN (South Africa)", "ZA", "MTN"),
        ("mtn-guinea-bissau", None, "GW", "Mtn"),
        ("airtel-congo", None, "CG", "Airtel"),
        ("digicel-papua-new-guinea", None, "PG", "Digicel"),
        ("x", "Claro (Legacy) (Brazil)", "BR", "Claro (Legacy)"),
        ("claro-brazil", "Claro (old name)", "BR", "Claro (old name)"),
        ("x", "Vodafone (DE)", "DE", "Vodafone"),
    ],
)
def test_a_region_is_told_apart(slug, shown, country, carrier):
    assert region_of(row(slug, shown)) == Region(f"/v1/regions/{slug}", country, carrier)


@pytest.mark.parametrize(
    ("slug", "shown"),
    [("somewhere", "Somewhere"), ("india", "India"), ("a-b-c", "X (Atlantis)"), ("", ""), ("carrier-rcs", 5)],
)
def test_a_country_that_cannot_be_told_is_no_region(slug, shown):
    assert region_of(row(slug, shown)) is None


@pytest.mark.parametrize("document", [{}, {"name": 5}, {"name": ""}, {"name": None, "displayName": "X (India)"}])
def test_a_region_without_a_name_is_none(document):
    assert region_of(document) is None


def test_every_region_of_the_emulator_is_told_apart():
    for name, region in REGIONS.items():
        found = region_of({"name": name, "displayName": region.display_name})
        assert found == Region(name, region.country, region.display_name.rpartition(" (")[0])
        bare = region_of({"name": name})
        assert bare is not None
        assert bare.country == region.country


def test_the_table_of_countries_is_in_order():
    without = {"AC", "IO", "SJ", "TA"}
    assert set(COUNTRIES.values()) == phonenumbers.SUPPORTED_REGIONS - without, "wherever there is a numbering plan"
    assert all(len(code) == 2 and code.isupper() for code in COUNTRIES.values())
    assert all(name == " ".join(name.lower().split()) and name.isascii() for name in COUNTRIES)


async def test_regions_are_remembered_for_ten_minutes_by_each_connection(stand_in, client, way, clock):
    answer = {"regions": [row("fi-rcs", "Google Fi"), row("nowhere", "Nowhere")]}
    fi = Region("/v1/regions/fi-rcs", "US", "Google Fi")
    stand_in.play(answer, answer, answer)
    with capture_logs() as logged:
        assert list(await client.regions(way)) == [fi]
        clock.advance(minutes=9)
        assert list(await client.regions(way)) == [fi]
        assert stand_in.lines == [f"GET {ROOT}/regions"]
        assert list(await client.regions(another(way))) == [fi]
        assert len(stand_in.asked) == 2
        clock.advance(minutes=1)
        await client.regions(way)
        assert len(stand_in.asked) == 3
    assert [entry["region"] for entry in logged] == ["/v1/regions/nowhere"], "said once"


async def test_a_failure_is_not_remembered(stand_in, client, way):
    stand_in.play(refusal(503, "UNAVAILABLE"), {}, {"regions": [row("fi-rcs")]})
    await fault_in(client.regions(way))
    assert list(await client.regions(way)) == []
    assert len(await client.regions(replace(way, base_url="http://elsewhere.example.com"))) == 1
