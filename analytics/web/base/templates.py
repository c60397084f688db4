"""The templates of the pages, and the addresses of their static files."""

from __future__ import annotations

from pathlib import Path

from jinja2 import FileSystemLoader

from lakehouse.terminal.html import spark, templates

HERE = Path(__file__).parent.parent
STATIC = HERE / "static"


def asset(name: str) -> str:
    """The address of a static file, new with each change of it."""
    return f"/static/{name}?{(STATIC / name).stat().st_mtime_ns:x}"


TEMPLATES = templates(FileSystemLoader(HERE / "templates"))
TEMPLATES.globals |= {"asset": asset, "spark": spark}
# a block that is shown alone does not see what its template imports
TEMPLATES.globals["parts"] = TEMPLATES.get_template("parts.html").module
