"""Names that people give to versions of tables: as a form, or as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from analytics.web.base.form import fields
from analytics.web.base.view import View
from lakehouse.errors import SettingsError
from lakehouse.query.pinned import nameable
from lakehouse.store import open_table
from lakehouse.store.tags.naming import name_version, version_of
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.tag import Tag
from lakehouse.terminal.times import Moment


class Wanted(BaseModel):
    """A name for a version: by its number or by another name, the newest where empty."""

    name: str = Field(max_length=200, description="Begins with a letter; 64 characters at most.")
    version: str = Field("", max_length=64, description="A number, or a name that it has.")
    note: str = Field("", description="What others should know of it; at most 500 characters.")


class OfForm(Wanted):
    """What a form says: also of which table, and whether the name is to be taken away."""

    table: str = ""
    away: bool = False


@dataclass(frozen=True)
class Named:
    """A version that has a name: who gave it, when, and why; `time` is when it was committed."""

    name: str
    table: str
    version: int
    time: datetime
    who: str
    made: datetime
    note: str

    @classmethod
    def of(cls, one: Tag) -> Named:
        """Returns a tag as it is shown."""
        return cls(one.name, one.table, one.version, one.time, one.who, one.made, one.note)


async def form(request: Request) -> OfForm:
    """Reads which version of which table is to get a name, or to lose it."""
    first = await fields(request)
    return OfForm(
        table=first.get("table", "")[:200],
        name=first.get("name", "")[:200],
        version=first.get("version", "")[:64],
        note=first.get("note", ""),
        away="away" in first,
    )


Form = Annotated[OfForm, Depends(form)]


def tags_of(view: View, table: str) -> list[Named]:
    """Returns the names of versions of a table that can be read by them, the newest first."""
    newest = open_table(view.lake.places, table)
    return [Named.of(one) for one in Tags(view.lake.places).valid(newest, table)]


def give(view: View, table: str, wanted: Wanted) -> Named:
    """Names a version for who asks. Raises SettingsError and TableError in words."""
    _refuse_the_past(view)
    places = view.lake.places
    at = version_of(places, table, wanted.version, "version") if wanted.version else None
    found = nameable(places, table, Moment(version=at))
    return Named.of(name_version(places, table, wanted.name, found, view.who, wanted.note))


def take_away(view: View, table: str, name: str) -> Named:
    """Deletes a name, and returns what it was. Raises TableError where no version has it."""
    _refuse_the_past(view)
    tags = Tags(view.lake.places)
    there = tags.get(table, name)
    if there is None:
        raise tags.absent(table, name[:64])
    tags.delete(table, name)
    return Named.of(there)


def _refuse_the_past(view: View) -> None:
    if not view.snapshot.is_live:
        raise SettingsError("names are not of the past", "go back to now, and give them there")
