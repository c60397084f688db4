"""Pictures of every page for the README: `make screens AT=http://127.0.0.1:8000`, or `LAKE=lake`.

Where the stream runs they are of now; of any other lake they are as of its newest commit.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from support.browsing import ARGUMENTS, Visitor
from support.lakes import Lake
from support.pages import server

from lakehouse import settings as settings_file
from lakehouse.paths import Places

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screens"
MOST_BYTES, COLORS = 150_000, 128


def main(where: str) -> None:
    """Take them all; says where each is, and refuses one that is too large for a README."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with served(where) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        for name, path in paths(address).items():
            theme = "dark" if name == "explore" else "light"
            taken(browser, f"{address}{path}", FOLDER / f"{name}.png", theme)
        browser.close()


def served(where: str) -> AbstractContextManager[str]:
    """The address of pages that are served, or of pages over a lake."""
    if where.startswith("http"):
        return nullcontext(where.rstrip("/"))
    return server(Lake(Places.of(settings_file.load(lake=where))))


def paths(address: str) -> dict[str, str]:
    """The pages, each at a moment at which there is something to see."""
    newest = asked(f"{address}/api/tables")["tables"][0]["version"]
    runs = asked(f"{address}/api/pipeline")["status"]["queries"][0]["is_running"]
    then = "" if runs else f"as_of={newest}"
    incidents = asked(f"{address}/api/incidents")["incidents"]
    worst = max(incidents, key=_rank, default=None)
    return {
        "home": f"/?hours=1&{then}",
        "explore": f"/explore?last=1h&{then}",
        "incidents": "/incidents",
        **({"incident": f"/incidents/{worst['incident_id']}"} if worst else {}),
        "travel": f"/travel?version={newest // 2}&against={newest}",
        "tables": "/tables",
        "pipeline": "/pipeline",
        "ingest": "/ingest?collector=fluent-bit",
    }


def _rank(one: dict[str, Any]) -> tuple[bool, float]:
    """Those that are no part of a wider one, then by surprise."""
    return not one["parent"], one["surprise_peak"]


def asked(url: str) -> Any:
    """What the API answers."""
    import httpx

    return httpx.get(url, timeout=60).raise_for_status().json()


def taken(browser: Browser, url: str, file: Path, theme: str) -> None:
    """One page, once all of it is there."""
    with Visitor.arriving(browser, theme) as visitor:
        visitor.open(url)
        visitor.page.wait_for_load_state("load")
        picture = Image.open(BytesIO(visitor.page.screenshot()))
    picture.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(file, optimize=True)
    size = file.stat().st_size
    print(f"{file.relative_to(FOLDER.parents[1])}  {size / 1000:.0f} kB  {url}")
    if size > MOST_BYTES:
        raise SystemExit(f"{file} is larger than {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
