"""Which region an address belongs to: one sorted table of steps, looked up by many at once."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.errors import SettingsError
from lakehouse.settings import CONF

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

TABLE = CONF / "geo" / "regions.parquet"
INVALID = "invalid"
MAPPED = b"\x00" * 10 + b"\xff\xff"
IPV4 = r"^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$"


@dataclass(frozen=True)
class Regions:
    """`names` of all regions, and from which address on (sorted) which of them holds."""

    names: list[str]
    v4: np.ndarray
    v4_region: np.ndarray
    v6: np.ndarray
    v6_region: np.ndarray

    def of(self, addresses: pl.Series) -> pl.Series:
        """The number in `names` of each address's region [UInt8]; the last is `invalid`."""
        import numpy as np
        import polars as pl

        found = np.full(len(addresses), len(self.names) - 1, dtype=np.uint8)
        numbers, is_v4 = _ipv4(addresses)
        found[is_v4] = self._step(self.v4, self.v4_region, numbers[is_v4])
        packed = _packed(addresses.filter(pl.Series(~is_v4)))
        others = np.flatnonzero(~is_v4)[[bool(one) for one in packed]]
        keys = np.array([one for one in packed if one], dtype="S16")
        found[others] = self._step(self.v6, self.v6_region, keys)
        return pl.Series("geo_region", found)

    @staticmethod
    def _step(firsts: np.ndarray, regions: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        return regions[firsts.searchsorted(wanted, side="right") - 1]


@lru_cache(maxsize=2)
def read(path: Path = TABLE) -> Regions:
    """The table of a file: `first` (16 bytes, sorted) and `region`; SettingsError if it is none."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    check(path)
    table = pq.read_table(path, columns=["first", "region"]).combine_chunks()
    binary = table["first"].cast(pa.binary(16)).combine_chunks()
    firsts = np.frombuffer(binary.buffers()[1], dtype="S16")[: len(table)]
    coded = table["region"].combine_chunks().dictionary_encode()
    regions = coded.indices.to_numpy().astype(np.uint8)
    return Regions([*coded.dictionary.to_pylist(), INVALID], *_apart(firsts, regions))


def check(path: Path) -> None:
    """SettingsError where a file cannot be read, or is no such table by its columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        columns = pq.read_schema(path).names
    except (OSError, pa.ArrowException):
        raise SettingsError(f"{path} cannot be read as Parquet", "see conf/geo") from None
    if not {"first", "region"} <= {*columns}:
        raise SettingsError(f"{path} has no columns first and region", "see conf/geo")


def _apart(firsts: np.ndarray, regions: np.ndarray) -> tuple[np.ndarray, ...]:
    """The steps of IPv4 as numbers, and all of them as bytes."""
    import numpy as np

    first, last = (np.array([MAPPED + end * 4], "S16") for end in (b"\x00", b"\xff"))
    begin = int(firsts.searchsorted(first, side="right")[0]) - 1
    end = int(firsts.searchsorted(last, side="right")[0])
    parts = firsts[begin:end].copy().view(">u4").reshape(-1, 4)[:, 3]
    numbers = parts.astype(np.uint32)
    # the step that IPv4 begins in may begin before it
    numbers[0] = 0
    return numbers, regions[begin:end], firsts, regions


def _ipv4(addresses: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Dotted addresses as numbers, and which ones are; strict: no leading zeros, none over 255."""
    import numpy as np
    import polars as pl

    parts = addresses.str.split_exact(".", 3).struct.unnest()
    cast = parts.select(pl.all().cast(pl.UInt8, strict=False).cast(pl.UInt32))
    a, b, c, d = cast.get_columns()
    numbers = a * (1 << 24) + b * (1 << 16) + c * (1 << 8) + d
    valid = (addresses.str.contains(IPV4) & numbers.is_not_null()).fill_null(False)
    return numbers.fill_null(0).to_numpy(), valid.to_numpy().astype(np.bool_)


def _packed(addresses: Iterable[str | None]) -> list[bytes]:
    """The 16 bytes of each IPv6 address; nothing where it is none."""
    return [_pack(one) if one else b"" for one in addresses]


def _pack(text: str) -> bytes:
    try:
        return socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):
        return b""
