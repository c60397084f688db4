"""Every page, in the order of the navigation: the one place to add one."""

from __future__ import annotations

from analytics.web import home
from analytics.web.page import Page

PAGES: tuple[Page, ...] = (home.PAGE,)
