"""How the records of a source, or of a file, are read. Kept in manifests of imports. Pure."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

# How earlier releases named formats, and the option that marks what one of them wrote.
FORMER, IS_FORMER = {"ndjson": "json", "access": "access-log"}, "former"

OnMissingTime = Literal["broker", "previous", "reject"]
OnLongText = Literal["cut", "reject"]


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the records of one source become events.

    `format` is a name in the registry of formats, and `options` are what that format takes (the
    separator and columns of `csv`, the pattern of `text`, the format inside a wrapper).
    `mapping` says which field of an event a key of a record gives, `units` in which unit a mapped
    field comes (`ns`, `us`, `ms`, `s`). `constants` are fields that every record gets, as text.
    `zone` (`UTC`, `Europe/Berlin`, `+02:00`) is that of times without one; without a `zone` such
    a time is none. `on_missing_time`: a record without a time gets the broker's, that of the
    record before it, or is refused. `on_long_text`: a text over its budget is cut, or its record is
    rejected, and so kept whole in quarantine. `headers`: which of a record
    become attributes, all, none, or those of these names. `first_time` (RFC 3339) is for records of
    a file that none with a time is before, and `first_time_from` says whose it is: `next` (the
    first that follows) or `file`. `default_service` is the service of records that name none.
    """

    source: str = ""
    format: str = "json"
    mapping: dict[str, str] = {}
    units: dict[str, str] = {}
    constants: dict[str, str] = {}
    options: dict[str, Any] = {}
    zone: str = ""
    on_missing_time: OnMissingTime = "broker"
    on_long_text: OnLongText = "cut"
    headers: bool | tuple[str, ...] = True
    first_time: str = ""
    first_time_from: str = ""
    default_service: str = ""
    # As earlier releases wrote it; none of it is there once it was read.
    utc: bool | None = None
    delimiter: str = ""
    header: bool = False
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.utc is None:
            return
        form = {"delimiter": self.delimiter, "header": self.header, "columns": [*self.columns]}
        options = {**(form if self.format == "csv" else {}), IS_FORMER: True}
        now: dict[str, Any] = {
            "format": FORMER.get(self.format, self.format),
            "zone": "UTC" if self.utc else "",
            "options": options,
            "utc": None,
            "delimiter": "",
            "header": False,
            "columns": (),
        }
        for name, value in now.items():
            msgspec.structs.force_setattr(self, name, value)
