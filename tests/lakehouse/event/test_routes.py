"""Endpoints: the stated rule, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.event.routes import template

ENDPOINTS = {
    "/": "/",
    "": "/",
    "*": "/*",
    "/api/items/42": "/api/items/{id}",
    "/api/items/42/reviews?page=2#top": "/api/items/{id}/reviews",
    "/api/v1/items/": "/api/v1/items",
    "//api//items": "/api/items",
    "/blog/2015-05-17": "/blog/{id}",
    "/blog/2015/05/17": "/blog/{id}/{id}/{id}",
    "/o/123e4567-e89b-12d3-a456-426614174000": "/o/{id}",
    "/o/DEADBEEF01": "/o/{id}",
    "/o/deadbeef": "/o/deadbeef",
    "/a%20b/x": "/{id}/x",
    "/" + "a" * 49: "/{id}",
    "/why/the-lucky-stiff-left": "/why/{slug}",
    "/images/logo.PNG": "/images/{file}.png",
    "/img/a b'<c>.png": "/img/{file}.png",
    "/robots.txt": "/robots.txt",
    "/wp-login.php": "/wp-login.php",
    "/a/b/c/d/e/f/g/h.png": "/a/b/c/d/e/f/{rest}",
    "http://example.com/a?b=http://c/d": "/a",
    "/go/http://example.com/": "/go/http:/{file}.com",
}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_path_has_its_endpoint(path: str) -> None:
    """Numbers, dates, hashes, slugs and file names fold; words stay."""
    assert template(path) == ENDPOINTS[path]


@given(st.text())
def test_any_path_has_a_bounded_endpoint(path: str) -> None:
    """An endpoint starts with a slash and is short, whatever was asked for."""
    endpoint = template(path)

    assert endpoint.startswith("/")
    assert len(endpoint) <= 6 * 49 + len("/{rest}")
