"""For maintainers: conf/geo/regions.parquet anew, from two packages that were unpacked.

`python -m batch.jobs.watch_time.make_regions RANGES_FOLDER COUNTRIES_FOLDER OUT`;
conf/geo/README.md says which packages, and under which licences.
"""

from __future__ import annotations

import csv
import ipaddress
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PRIVATE, UNKNOWN = "private", "unknown"
# IANA's registries of special-purpose addresses, with multicast: nobody watches from there.
SPECIAL = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
)
MAPPED = 0xFFFF << 32
END = 1 << 128


class Range(NamedTuple):
    """Addresses `first <= a < end` of one region; IPv4 as ::ffff:a.b.c.d, so there is one space."""

    first: int
    end: int
    region: str


def painted(ranges: list[Range]) -> list[tuple[int, str]]:
    """From which address on which region holds; of two that overlap, the later one given."""
    edges = sorted({0, END, *(r.first for r in ranges), *(r.end for r in ranges)})
    at = {edge: number for number, edge in enumerate(edges)}
    regions = [UNKNOWN] * (len(edges) - 1)
    for one in ranges:
        covered = range(at[one.first], at[one.end])
        regions[covered.start : covered.stop] = [one.region] * len(covered)
    steps = zip(edges, [None, *regions], regions, strict=False)
    return [(edge, region) for edge, before, region in steps if region != before]


def read(folder: Path, continents: dict[str, str]) -> list[Range]:
    """The ranges of the package, the narrower of two that begin together later."""
    return sorted(_rows(folder, continents), key=lambda r: (r.first, -r.end))


def special() -> list[Range]:
    """The ranges that belong to no place."""
    networks = [ipaddress.ip_network(text) for text in SPECIAL]
    shifts = [MAPPED if network.version == 4 else 0 for network in networks]
    return [
        Range(int(n[0]) + shift, int(n[-1]) + shift + 1, PRIVATE)
        for n, shift in zip(networks, shifts, strict=True)
    ]


def regions_of(folder: Path) -> dict[str, str]:
    """Two letters of a country to the name of its continent, as `north-america`."""
    countries = json.loads((folder / "countries.min.json").read_text())
    names = json.loads((folder / "continents.min.json").read_text())
    named = {code: name.lower().replace(" ", "-") for code, name in names.items()}
    return {code: named[about["continent"]] for code, about in countries.items()}


def write(steps: list[tuple[int, str]], out: Path) -> None:
    """One row a step: `first` (16 bytes, sorted) and `region`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    firsts = pa.array([first.to_bytes(16, "big") for first, _ in steps], pa.binary())
    table = pa.table({"first": firsts, "region": pa.array([region for _, region in steps])})
    pq.write_table(
        table,
        out,
        compression="zstd",
        compression_level=19,
        use_dictionary=["region"],
        column_encoding={"first": "DELTA_BYTE_ARRAY"},
        write_statistics=False,
    )


def main(ranges: str, countries: str, out: str) -> None:
    """Make the table."""
    steps = painted([*read(Path(ranges), regions_of(Path(countries))), *special()])
    write(steps, Path(out))
    print(f"{len(steps):,} steps, {Path(out).stat().st_size:,} bytes: {out}")


def _rows(folder: Path, continents: dict[str, str]) -> Iterator[Range]:
    for version, shift in (("4", MAPPED), ("6", 0)):
        with (folder / f"geo-whois-asn-country-ipv{version}-num.csv").open(newline="") as lines:
            for first, last, country in csv.reader(lines):
                region = continents.get(country, UNKNOWN)
                yield Range(int(first) + shift, int(last) + shift + 1, region)


if __name__ == "__main__":
    main(*sys.argv[1:])
