"""The text of a row, and which rows mention what is to be erased, as SQL of DuckDB. Pure."""

from __future__ import annotations

from collections.abc import Mapping

# Where a row came from, which says nothing of what is in it.
NAMES_NOTHING = {"_topic", "_topic_id", "_commit", "_source", "payload_sha256"}
LINE = "chr(10)"
# Bytes that are no UTF-8, base64 in quarantine: each that is no text is a blank.
BYTES = (
    r"CASE WHEN payload_encoding = 'base64' THEN regexp_replace(CAST(from_base64(payload) AS "
    r"VARCHAR), '\\x[0-9A-F]{2}', ' ', 'g') END"
)


def text_of(columns: Mapping[str, str]) -> str:
    """Returns all text of a row of a table, as an expression; `columns` name DuckDB's types."""
    parts = [
        part
        for name, kind in columns.items()
        if name not in NAMES_NOTHING
        for part in _of(name, kind)
    ]
    if "payload_encoding" in columns:
        parts.append(BYTES)
    return f"concat_ws({LINE}, {', '.join(parts)})" if parts else "''"


def _of(name: str, kind: str) -> list[str]:
    column = '"' + name.replace('"', '""') + '"'
    if kind == "VARCHAR":
        return [column]
    if kind == "VARCHAR[]":
        return [f"array_to_string({column}, {LINE})"]
    if kind == "MAP(VARCHAR, VARCHAR)":
        return [f"array_to_string(map_{part}({column}), {LINE})" for part in ("keys", "values")]
    if kind.startswith("STRUCT"):
        return [f"CAST({column} AS VARCHAR)"]
    return []
