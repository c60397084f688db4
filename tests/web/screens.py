"""Pictures of every page for the README, out of a lake: `make screens LAKE=lake`.

Of a lake whose stream runs they are of now; of any other they are as of its newest commit.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

from browsing import ARGUMENTS, Site, Visitor
from lakes import Lake
from pages import server
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from lakehouse import settings as settings_file
from lakehouse.lock import is_held
from lakehouse.paths import Places

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screens"
MOST_BYTES, COLORS = 150_000, 128


def main(folder: str) -> None:
    """Take them all; says where each is, and refuses one that is too large for a README."""
    lake = Lake(Places.of(settings_file.load(lake=folder)))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with server(lake) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        for name, path in paths(address, lake).items():
            theme = "dark" if name == "explore" else "light"
            taken(browser, Site(lake, address), path, FOLDER / f"{name}.png", theme)
        browser.close()


def paths(address: str, lake: Lake) -> dict[str, str]:
    """The pages, each at a moment at which there is something to see."""
    newest = asked(f"{address}/api/tables")["tables"][0]["version"]
    runs = is_held(lake.places.ledger("ingest"))
    then = "" if runs else f"as_of={newest}"
    incidents = asked(f"{address}/api/incidents")["incidents"]
    worst = max(
        incidents, key=lambda one: (one["parent"] == "", one["surprise_peak"]), default=None
    )
    return {
        "home": f"/?hours=1&{then}",
        "explore": f"/explore?last=1h&{then}",
        "incidents": "/incidents",
        **({"incident": f"/incidents/{worst['incident_id']}"} if worst else {}),
        "travel": f"/travel?version={newest // 2}&against={newest}",
        "tables": "/tables",
        "pipeline": "/pipeline",
    }


def _rank(one: dict[str, Any]) -> tuple[bool, float]:
    """Those that are no part of a wider one, then by surprise."""
    return not one["parent"], one["surprise_peak"]


def asked(url: str) -> Any:
    """What the API answers."""
    import httpx

    return httpx.get(url, timeout=60).raise_for_status().json()


def taken(browser: Browser, site: Site, path: str, file: Path, theme: str) -> None:
    """One page, once all of it is there."""
    with Visitor.arriving(browser, theme) as visitor:
        visitor.go(site, path)
        visitor.page.wait_for_load_state("load")
        picture = Image.open(BytesIO(visitor.page.screenshot()))
    picture.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(file, optimize=True)
    size = file.stat().st_size
    print(f"{file.relative_to(FOLDER.parents[1])}  {size / 1000:.0f} kB  {path}")
    if size > MOST_BYTES:
        raise SystemExit(f"{file} is larger than {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
