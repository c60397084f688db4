"""What a person wants done about an incident: as a form, or as JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from analytics.web.base.form import fields
from analytics.web.base.view import View
from analytics.web.lake import incidents
from lakehouse.errors import SettingsError
from lakehouse.response.action import KINDS, MUTED, Action, action
from lakehouse.response.respond import respond
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.terminal.times import later

MUTES = {"30m": "30 minutes", "2h": "2 hours", "8h": "8 hours", "1d": "a day", "7d": "a week"}


class Wanted(BaseModel):
    """An action; `for` is how long a mute lasts. The same `id` again is done once."""

    kind: str = Field(max_length=20, description=f"One of {', '.join(KINDS)}.")
    text: str = Field("", description="A comment, or why; at most 1,000 characters.")
    length: str = Field("2h", alias="for", max_length=20, description="30m, 2h, 3d.")
    id: str = Field("", max_length=64, description="What names this one action.")


@dataclass(frozen=True)
class Done:
    """One thing that was done about an incident."""

    kind: str
    at: datetime
    who: str
    text: str
    until: datetime | None

    @classmethod
    def of(cls, one: Action) -> Done:
        """Returns an action as it is shown."""
        return cls(one.kind, one.at, one.who, one.text, one.until)


async def form(request: Request) -> Wanted:
    """Reads a form. What is sent again with the same content has the same id."""
    first = await fields(request)
    what = "\0".join(first.get(name, "") for name in ("id", "kind", "text", "for"))
    name = hashlib.sha256(what.encode(errors="replace")).hexdigest()[:32]
    known = {key: first[key][:20] for key in ("kind", "for") if first.get(key)}
    return Wanted.model_validate({"kind": "", **known, "text": first.get("text", ""), "id": name})


Form = Annotated[Wanted, Depends(form)]


def act(view: View, incident_id: str, wanted: Wanted) -> Action:
    """Does it, in the name of who asks. Raises SettingsError and TableError in words."""
    if not view.snapshot.is_live:
        raise SettingsError("nothing can be done about the past", "go back to now, and do it there")
    if wanted.kind not in KINDS:
        raise SettingsError("this cannot be done about an incident", f"one of {', '.join(KINDS)}")
    one = incidents.one(view.snapshot, view.snapshot.need(ANOMALIES.name), incident_id)
    now = datetime.now(UTC).replace(microsecond=0)
    until = later(wanted.length, now, "for") if wanted.kind == MUTED else None
    done = action(wanted.kind, view.who, now, wanted.text, until, wanted.id)
    return respond(view.lake.places, one, done)
