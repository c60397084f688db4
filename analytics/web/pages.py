"""Every page, in the order of the navigation: the one place to add one."""

from __future__ import annotations

from analytics.web.base.page import Page
from analytics.web.explore import page as explore
from analytics.web.home import page as home
from analytics.web.incidents import page as incidents
from analytics.web.pipeline import page as pipeline
from analytics.web.tables import page as tables
from analytics.web.travel import page as travel

PAGES: tuple[Page, ...] = (
    home.PAGE,
    explore.PAGE,
    incidents.PAGE,
    travel.PAGE,
    tables.PAGE,
    pipeline.PAGE,
)
