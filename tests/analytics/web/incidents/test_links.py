"""Links in comments on incidents: pages of Explore of this server, and nothing else."""

from __future__ import annotations

import pytest

from analytics.web.incidents.links import linked

OWN = "https://logs.example:8000/"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("see /explore?service=cart&last=1h now", "/explore?service=cart&amp;last=1h"),
        ("/explore/view?name=my+view", "/explore/view?name=my+view"),
        ("first\nhttps://logs.example:8000/explore/trace?id=x", "/explore/trace?id=x"),
        ("/explore/compare?against=deploy-42", "/explore/compare?against=deploy-42"),
        ('/explore?query="a"', "/explore?query=&#34;a&#34;"),
    ],
)
def test_a_page_of_explore_is_a_link(text: str, path: str) -> None:
    """Within this server, also where its address was pasted with it."""
    assert f'<a href="{path}">' in linked(text, OWN)


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/explore?service=cart",
        "https://logs.example:8000.evil.example/explore?x=1",
        "//evil.example/explore?x=1",
        "javascript:alert(1)/explore?x=1",
        "/explore.csv?x=1",
        "/explore/views?x=1",
        "/logout",
        "see/explore?x=1",
        "/explore?x=\u202e1",
    ],
)
def test_anything_else_stays_text(text: str) -> None:
    """Whatever it looks like."""
    assert "<a" not in linked(text, OWN)


def test_the_rest_is_escaped() -> None:
    """Around a link and in it; control characters are made visible."""
    shown = linked("<b>\x1b /explore?x=<script> </b>", OWN)
    assert "<b>" not in shown
    assert "<script>" not in shown
    assert "\x1b" not in shown
    assert '<a href="/explore?x=&lt;script&gt;">/explore?x=&lt;script&gt;</a>' in shown
