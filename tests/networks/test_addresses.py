"""The table of addresses that may not be called: every row, both families, and its edges."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.networks.addresses import REFUSED, Range, judge

PRIVATE = (
    "10.0.0.0",
    "10.255.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.255.255",
    "::1",
    "fc00::1",
    "fdff:ffff::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
)
NEVER = (
    "0.0.0.0",
    "0.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "192.0.0.9",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::7f00:1",
    "::8.8.8.8",
    "0:1::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "64:ff9b:2::1",
    "64:ff9b::1:808:808",
    "100::1",
    "100:0:0:1::1",
    "100:1::1",
    "200::1",
    "300::1",
    "400::1",
    "800::1",
    "1000::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "6000::1",
    "8000::1",
    "a000::1",
    "c000::1",
    "e000::1",
    "f000::1",
    "f800::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe00::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "::ffff:224.0.0.1",
    "localhost",
    "",
    "1.2.3",
)
PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2600::1",
    "2a00:1450::1",
    "3ffe:ffff::1",
    "64:ff9b::8.8.8.8",
    "::ffff:8.8.8.8",
)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_for_sandbox_accounts_only(address):
    assert judge(address) is not None
    assert judge(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_other_special_addresses_are_refused_for_everyone(address):
    assert judge(address) is not None
    assert judge(address, allow_private=True) is not None


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_let_through(address):
    assert judge(address) is None
    assert judge(address, allow_private=True) is None


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: str(row.network))
def test_every_row_is_hit_by_a_vector_of_its_own_and_names_its_source(row: Range):
    plain = [a for a in PRIVATE + NEVER if not a.startswith(("::ffff:", "64:ff9b::")) and a not in NEVER[-3:]]
    plain += ["64:ff9b::1:808:808"]
    hits = [a for a in plain if next((r for r in REFUSED if _inside(a, r)), None) is row]
    assert hits, f"no vector for {row.network}"
    assert all(judge(hit) == row.reason for hit in hits if "%" not in hit)
    assert "RFC" in row.reason or "Azure" in row.reason or "AWS" in row.reason or "Google" in row.reason


def _inside(address: str, row: Range) -> bool:
    parsed = ip_address(address.partition("%")[0])
    return parsed.version == row.network.version and parsed in row.network


@given(st.integers(0, 2**32 - 1))
def test_an_address_that_carries_another_is_judged_by_it(number):
    inner = str(IPv4Address(number))
    assert judge(f"::ffff:{inner}") == judge(inner)
    assert judge(f"::ffff:{inner}", allow_private=True) == judge(inner, allow_private=True)
    assert judge(f"64:ff9b::{inner}", allow_private=True) == judge(inner)


@given(st.integers(0, 2**128 - 1))
def test_only_global_unicast_and_the_carriers_of_v4_are_let_through(number):
    address = IPv6Address(number)
    if judge(str(address)) is None:
        assert any(address in ip_network(n) for n in ("2000::/3", "64:ff9b::/96", "::ffff:0:0/96"))
