"""Pages are discovered: each is a folder, and nothing else knows of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from analytics.web.app import discover

CODE = '''
from fastapi import APIRouter

from analytics.web.base.view import Page, Viewed

router = APIRouter()
PAGE = Page("greeting", "Greeting", "/greeting", router, order=0)


@router.get("/greeting")
def page(view: Viewed):
    """The page."""
    return view.render(PAGE, greeting="good morning")
'''
TEMPLATE = """{% extends "base/base.html" %}
{% block main %}<h1>{{ greeting }}</h1>{% endblock %}
"""
ASK = """
import sys
import analytics.web
analytics.web.__path__.append(sys.argv[1])
from fastapi.testclient import TestClient
from analytics.web.app import create
from lakehouse.paths import Places
app = create(Places(sys.argv[2], sys.argv[2] + "/_checkpoints"))
print(TestClient(app, base_url="http://127.0.0.1").get("/greeting").text)
"""


@pytest.mark.slow
def test_a_page_is_one_folder(tmp_path: Path) -> None:
    """Three files in a new folder are served, and stand in the navigation by their order."""
    files = {"__init__.py": '"""A page."""\n', "page.py": CODE, "page.html": TEMPLATE}
    folder = tmp_path / "pages" / "greeting"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    words = [sys.executable, "-c", ASK, str(folder.parent), str(tmp_path / "lake")]
    html = subprocess.run(words, capture_output=True, text=True, check=True).stdout

    made = [f for f in (tmp_path / "pages").rglob("*.*") if f.suffix != ".pyc"]
    assert len(made) == 3
    assert "<h1>good morning</h1>" in html
    assert html.index('href="/greeting"') < html.index('href="/explore"')


def test_pages_are_in_the_order_of_the_navigation() -> None:
    """That is a property of each page, whose name is that of its folder."""
    names = [page.name for page in discover()]
    first = ["home", "explore", "sql", "boards", "incidents", "rules", "travel"]
    shown = [*first, "tables", "pipeline", "kafka", "ingest"]
    assert names == shown
