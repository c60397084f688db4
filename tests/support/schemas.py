"""Schemas that are known without a registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lakehouse.formats.format import Fault
from lakehouse.formats.schemas.lookup import Written, compiled


class Known:
    """Schemas by number, each made a reader once."""

    def __init__(self, schemas: Mapping[int, Written]) -> None:
        self._schemas = schemas
        self._made: dict[int, Any] = {}

    def reader(self, number: int, kind: str, made: Callable[[Written], Any]) -> Any:
        """As `lookup.Lookup` has it."""
        if number not in self._schemas:
            return Fault("unknown_schema", f"schema {number} is none of these")
        if number not in self._made:
            self._made[number] = compiled(self._schemas[number], kind, made)
        return self._made[number]
