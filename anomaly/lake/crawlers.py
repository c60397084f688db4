"""Reads the lists of networks whose addresses are crawlers that are welcome."""

from __future__ import annotations

from pathlib import Path

import msgspec

from anomaly.addresses.networks import ranges_of
from anomaly.engine.config import Config
from lakehouse.errors import SettingsError


def with_crawlers(config: Config, folder: Path) -> Config:
    """Returns the constants with the networks of `addresses.crawlers` among those to ignore.

    Files are named from a folder on. Raises SettingsError for one that cannot be read.
    """
    files = config.addresses.crawlers
    if not files:
        return config
    networks = [net for name in files for net in _networks(folder / name)]
    ignore = (*config.addresses.ignore, *networks)
    addresses = msgspec.structs.replace(config.addresses, ignore=ignore, crawlers=())
    return msgspec.structs.replace(config, addresses=addresses)


def _networks(file: Path) -> tuple[str, ...]:
    try:
        return ranges_of(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise SettingsError(
            f"[addresses] crawlers: {file} cannot be read: {fault}",
            "Give files with a network a line, or the JSON that search engines publish.",
        ) from None
