"""Applies masking and a policy to decoded rows, and to what is kept of those refused. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.privacy.cover import Cover
from lakehouse.decode.privacy.named import are_keys
from lakehouse.decode.privacy.secrets import MASK, RAW, masked, masked_bytes, masked_column
from lakehouse.event.fields import LogEvent
from lakehouse.event.policy import ATTRIBUTES, KEEPS_ALL, Policy

# `service` and `event_id` name things; no secret of a request comes into the other short ones.
MASKED = ("message", "path", "endpoint", "user_agent", "exception", "user", "app", "logger", "host")

OF_HEADERS = f"{ATTRIBUTES}.kafka.header."


@dataclass(frozen=True)
class Privacy:
    """What is not written as it came: secrets in texts (`masks`), fields that `policy` names."""

    masks: bool = True
    policy: Policy = KEEPS_ALL

    def events(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Returns events as they may be written."""
        for name in MASKED if self.masks else ():
            rows = _changed(rows, name, masked_column)
        if self.masks:
            rows = _changed(rows, ATTRIBUTES, _masked_items)
        for name in (name for name in LogEvent.__dataclass_fields__ if name in self.policy.actions):
            rows = _changed(rows, name, partial(self._column, name))
        if self.policy.actions:
            rows = _changed(rows, ATTRIBUTES, self._attributes)
        return rows

    def payload(self, payload: bytes | None, names: Mapping[str, str]) -> bytes | None:
        """Returns a refused message as it may be written; None where it may not.

        `names` are the fields of its keys. A policy can be applied to a JSON object alone.
        """
        if payload is None:
            return None
        if self.policy.actions:
            try:
                found = msgspec.json.decode(payload)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return None
            if not isinstance(found, dict):
                return None
            payload = msgspec.json.encode(self._object(found, names, ""))
        return masked_bytes(payload) if self.masks else payload

    def text(self, text: str) -> str:
        """Returns the words about a fault as they may be written."""
        return masked(text, value=RAW) if self.masks else text

    def headers(self, text: str | None) -> str | None:
        """Returns headers in JSON as they may be written; None where a policy is about some."""
        if text is None or any(name.startswith(OF_HEADERS) for name in self.policy.actions):
            return None
        return self.text(text)

    @cached_property
    def _cover(self) -> Cover:
        return Cover(self.policy)

    def _column(self, name: str, column: pa.Array) -> pa.Array:
        action = self.policy.action(name)
        if action == "keep":
            return column
        if action == "drop":
            return pa.nulls(len(column), column.type)
        encoded = column.dictionary_encode()
        change = self.policy.of(action)
        texts = [text and change(text) for text in encoded.dictionary.to_pylist()]
        return pa.array(texts, column.type).take(encoded.indices)

    def _attributes(self, column: pa.Array) -> pa.Array:
        keys = column.keys.dictionary_encode().dictionary.to_pylist()
        if all(self._cover.action(key) == "keep" for key in keys):
            return column
        rows = [None if pairs is None else self._pairs(pairs) for pairs in column.to_pylist()]
        return pa.array(rows, column.type)

    def _pairs(self, pairs: list[tuple[str, str | None]]) -> list[tuple[str, str]] | None:
        made = [
            (key, self.policy.of(self._cover.action(key, text))(text))
            for key, text in pairs
            if text is not None
        ]
        return [(key, text) for key, text in made if text is not None] or None

    def _object(
        self, found: dict[str, Any], names: Mapping[str, str], within: str
    ) -> dict[str, Any]:
        made = ((key, self._value(f"{within}{key}", value, names)) for key, value in found.items())
        return {key: value for key, value in made if value is not None}

    def _value(self, key: str, value: Any, names: Mapping[str, str]) -> Any:
        """A value of a message; what no action fits that it has is dropped."""
        action = self.policy.action(names.get(key, key))
        if action == "keep":
            action = self._cover.action(key, value if isinstance(value, str) else None)
        if action == "keep":
            return self._object(value, names, f"{key}.") if isinstance(value, dict) else value
        return self.policy.of(action)(value) if isinstance(value, str) else None


def _changed(
    rows: pa.RecordBatch, name: str, change: Callable[[pa.Array], pa.Array]
) -> pa.RecordBatch:
    place = rows.schema.get_field_index(name)
    column = rows.column(place)
    made = change(column)
    if made is column:
        return rows
    return rows.set_column(place, rows.schema.field(place), made)


def _masked_items(column: pa.Array) -> pa.Array:
    """The attributes without secrets, also those that are one; the same column where none is."""
    items = column.items
    changed = masked_column(items)
    hidden = are_keys(column.keys)
    if hidden.any():
        hidden &= pc.greater(pc.fill_null(pc.binary_length(items), 0), 0).to_numpy(False)
        changed = pc.if_else(pa.array(hidden), pa.scalar(MASK, items.type), changed)
    if changed is items:
        return column
    pairs = pa.StructArray.from_arrays(
        [column.keys, changed], fields=[column.type.key_field, column.type.item_field]
    )
    buffers = column.buffers()[:2]
    return pa.Array.from_buffers(
        column.type, len(column), buffers, column.null_count, column.offset, [pairs]
    )


MASKS = Privacy()
