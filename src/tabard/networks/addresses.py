"""Which addresses may be called: one literal table, each row with where it is set apart.

Python's `ipaddress.is_global` is not asked: it passes NAT64, 6to4, multicast and site-local addresses, and its answers
differ between Python versions. An address that carries another one is judged by that one (IPv4-mapped, NAT64) where the
dial would end there, and refused outright where a relay would decide (6to4, Teredo).
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Range:
    network: IPv4Network | IPv6Network
    reason: str
    private: bool = False
    """A sandbox account may call it, so that a laptop works."""


def _range(network: str, reason: str, *, private: bool = False) -> Range:
    return Range(ip_network(network), reason, private)


REFUSED = (
    _range("0.0.0.0/8", "this network (RFC 791)"),
    _range("10.0.0.0/8", "private (RFC 1918)", private=True),
    _range("100.64.0.0/10", "shared by carriers (RFC 6598)"),
    _range("127.0.0.0/8", "loopback (RFC 1122)", private=True),
    _range("168.63.129.16/32", "Azure's own services (Microsoft, What is IP address 168.63.129.16?)"),
    _range("169.254.0.0/16", "link-local, cloud metadata (RFC 3927)"),
    _range("172.16.0.0/12", "private (RFC 1918)", private=True),
    _range("192.0.0.0/24", "IETF protocol assignments (RFC 6890)"),
    _range("192.0.2.0/24", "documentation (RFC 5737)"),
    _range("192.88.99.0/24", "6to4 relays (RFC 7526)"),
    _range("192.168.0.0/16", "private (RFC 1918)", private=True),
    _range("198.18.0.0/15", "benchmarks (RFC 2544)"),
    _range("198.51.100.0/24", "documentation (RFC 5737)"),
    _range("203.0.113.0/24", "documentation (RFC 5737)"),
    _range("224.0.0.0/4", "multicast (RFC 5771)"),
    _range("255.255.255.255/32", "broadcast (RFC 919)"),
    _range("240.0.0.0/4", "reserved (RFC 1112)"),
    _range("::/128", "unspecified (RFC 4291)"),
    _range("::1/128", "loopback (RFC 4291)", private=True),
    _range("::/96", "IPv4-compatible (RFC 4291)"),
    _range("64:ff9b:1::/48", "local NAT64 (RFC 8215)"),
    _range("64:ff9b::/32", "beside the NAT64 prefix (RFC 6052)"),
    _range("::/8", "reserved (RFC 4291)"),
    _range("100::/64", "discard (RFC 6666)"),
    _range("100:0:0:1::/64", "dummy prefix (RFC 9780)"),
    _range("100::/8", "reserved (RFC 4291)"),
    _range("200::/7", "reserved (RFC 4048)"),
    _range("400::/6", "reserved (RFC 4291)"),
    _range("800::/5", "reserved (RFC 4291)"),
    _range("1000::/4", "reserved (RFC 4291)"),
    _range("2001::/32", "Teredo (RFC 4380)"),
    _range("2001:2::/48", "benchmarks (RFC 5180)"),
    _range("2001:10::/28", "ORCHID (RFC 4843)"),
    _range("2001:20::/28", "ORCHIDv2 (RFC 7343)"),
    _range("2001::/23", "IETF protocol assignments (RFC 2928)"),
    _range("2001:db8::/32", "documentation (RFC 3849)"),
    _range("2002::/16", "6to4 (RFC 3056)"),
    _range("3fff::/20", "documentation (RFC 9637)"),
    _range("5f00::/16", "segment routing (RFC 9602)"),
    _range("4000::/3", "reserved (RFC 4291)"),
    _range("6000::/3", "reserved (RFC 4291)"),
    _range("8000::/3", "reserved (RFC 4291)"),
    _range("a000::/3", "reserved (RFC 4291)"),
    _range("c000::/3", "reserved (RFC 4291)"),
    _range("e000::/4", "reserved (RFC 4291)"),
    _range("f000::/5", "reserved (RFC 4291)"),
    _range("f800::/6", "reserved (RFC 4291)"),
    _range("fd00:ec2::254/128", "cloud metadata (AWS, Instance metadata service)"),
    _range("fd20:ce::254/128", "cloud metadata (Google Cloud, VM metadata)"),
    _range("fc00::/7", "private (RFC 4193)", private=True),
    _range("fe00::/9", "reserved (RFC 4291)"),
    _range("fe80::/10", "link-local (RFC 4291)"),
    _range("fec0::/10", "site-local (RFC 3879)"),
    _range("ff00::/8", "multicast (RFC 4291)"),
)
"""The first row that holds the address gives the verdict; what no row holds is the public internet."""

_ROWS = {version: tuple(row for row in REFUSED if row.network.version == version) for version in (4, 6)}
_NAT64 = IPv6Network("64:ff9b::/96")


@lru_cache(maxsize=8192)
def judge(address: str, *, allow_private: bool = False) -> str | None:
    """Why the address may not be called; None if it may. `address` is as the resolver wrote it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "not an address"
    return _verdict(parsed, allow_private=allow_private)


def _verdict(address: Address, *, allow_private: bool) -> str | None:
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return "bound to one link (RFC 4007)"
        if address.ipv4_mapped is not None:
            return _verdict(address.ipv4_mapped, allow_private=allow_private)
        if address in _NAT64:
            # A translator's loopback or private network is not ours: no account has business there.
            return _verdict(IPv4Address(int(address) & 0xFFFFFFFF), allow_private=False)
    for row in _ROWS[address.version]:
        if address in row.network:
            return None if row.private and allow_private else row.reason
    return None
