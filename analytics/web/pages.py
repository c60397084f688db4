"""Every page, in the order of the navigation: the one place to add one."""

from __future__ import annotations

from analytics.web import explore, home, incidents, pipeline, tables, travel
from analytics.web.page import Page

PAGES: tuple[Page, ...] = (
    home.PAGE, explore.PAGE, incidents.PAGE, travel.PAGE, tables.PAGE, pipeline.PAGE,
)  # fmt: skip
