"""How addresses are written, as regular expressions that RE2 and Python read alike. Pure.

Groups of IPv6 have zeros before them or none, letters in any case, and `::` for zeros anywhere; an
address of IPv4 may be within one of IPv6 (`::ffff:192.0.2.7`, `::ffff:c000:207`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import combinations

from lakehouse.erasure.mentions import Spelling, escaped

COLON = "(?::|%3[aA])"
JOINED_IPV4, JOINED_IPV6 = ".", ".:"
MAPPED = 0xFFFF << 32
# What may be before `ff00::1`, as it is in `ip:ff00::1`, and is no group of an address.
KEY = "(?:[g-zG-Z_][0-9a-fA-F]*|[0-9a-fA-F]{5,}):"
# A network with more addresses than these is no person's.
WIDEST_IPV4, WIDEST_IPV6 = 16, 32
# The least and the greatest number of a group of IPv6, or of an octet of IPv4.
Range = tuple[int, int]


def spellings(given: str) -> list[Spelling]:
    """All spellings of an address, or of each address of a network.

    Raises ValueError for what is neither, in words where a network is too wide.
    """
    if "/" in given:
        network = ip_network(given)
        is_wide = network.prefixlen < (WIDEST_IPV6 if network.version == 6 else WIDEST_IPV4)
        if is_wide:
            raise ValueError(f"give networks of /{WIDEST_IPV4} (IPv6: /{WIDEST_IPV6}) at most")
        first, last = int(network.network_address), int(network.broadcast_address)
        if isinstance(network, IPv6Network):
            return _of_ipv6(first, last)
        return _of_ipv4(first, last)
    address = ip_address(given)
    if isinstance(address, IPv4Address):
        return _of_ipv4(int(address), int(address))
    return _of_ipv6(int(address), int(address), address.scope_id or "")


def _of_ipv4(first: int, last: int) -> list[Spelling]:
    ranges = _ranges(first, last, 4, 8)
    known = "".join(f"{least}." for least, most in ranges if least == most)
    part = known if first < last else known[:-1]
    mapped = _spelling(MAPPED | first, MAPPED | last, "")
    return [mapped, Spelling(_dotted(ranges), part, JOINED_IPV4)]


def _of_ipv6(first: int, last: int, zone: str = "") -> list[Spelling]:
    mapped = IPv6Address(first).ipv4_mapped, IPv6Address(last).ipv4_mapped
    if mapped[0] and mapped[1] and not zone:
        return _of_ipv4(int(mapped[0]), int(mapped[1]))
    return [_spelling(first, last, f"%{zone}" if zone else "")]


def _spelling(first: int, last: int, zone: str) -> Spelling:
    ranges = _ranges(first, last, 8, 16)
    words = [f"(?:{'|'.join(_words(least, most))})" for least, most in ranges]
    dotted = _dotted(_ranges(first & 0xFFFFFFFF, last & 0xFFFFFFFF, 4, 8))
    may_be_zero = [least == 0 for least, _ in ranges]
    forms = [
        *_forms(words, may_be_zero),
        *_forms([*words[:6], dotted], [*may_be_zero[:6], False]),
    ]
    # The last two may be written as an address of IPv4.
    known = (f"{least:x}" for least, most in ranges[:6] if 0 < least == most)
    regexp = f"(?i:{'|'.join(forms)}){escaped(zone)}"
    return Spelling(regexp, max(known, key=len, default=""), JOINED_IPV6, KEY, is_cased=False)


def _forms(words: Sequence[str], may_be_zero: Sequence[bool]) -> Iterator[str]:
    """All groups, and each way to leave out zeros in a row."""
    yield COLON.join(words)
    for start, end in combinations(range(len(words) + 1), 2):
        if all(may_be_zero[start:end]):
            yield COLON.join(words[:start]) + COLON * 2 + COLON.join(words[end:])


def _ranges(first: int, last: int, count: int, bits: int) -> list[Range]:
    """The numbers that each part of the addresses of a network may be."""
    places, most = range(bits * (count - 1), -1, -bits), (1 << bits) - 1
    return [(first >> at & most, last >> at & most) for at in places]


def _words(least: int, most: int) -> Iterator[str]:
    """A group of IPv6: by itself, by its first two digits, or any."""
    if most - least == 0xFFFF:
        yield "[0-9a-f]{1,4}"
    elif most - least >= 0xFF:
        for high in range(least >> 8, (most >> 8) + 1):
            yield f"{'0?' * (high < 16)}{high:x}[0-9a-f]{{2}}" if high else "0{0,2}[0-9a-f]{1,2}"
    else:
        for one in (f"{number:x}" for number in range(least, most + 1)):
            yield f"0{{0,{4 - len(one)}}}{one}" if len(one) < 4 else one


def _dotted(ranges: Sequence[Range]) -> str:
    """The octets of IPv4."""
    octets = ("|".join(map(str, range(least, most + 1))) for least, most in ranges)
    return r"\x2e".join(
        "[0-9]{1,3}" if one == (0, 255) else f"(?:{octet})"
        for one, octet in zip(ranges, octets, strict=True)
    )
