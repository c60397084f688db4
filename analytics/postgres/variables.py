"""The settings of one session: those that tools set and ask for, and the state that is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from analytics.postgres.messages import Refused
from lakehouse.errors import SettingsError
from lakehouse.terminal import times
from lakehouse.terminal.times import NOW, Moment, moment

VERSION, VERSION_NUMBER = "16.0", "160000"
AS_OF, AT_VERSION = "logpond.as_of", "logpond.version"
# By their names in small letters; those of REPORTED are told to a client as they change.
DEFAULTS = {
    "application_name": "",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "client_min_messages": "notice",
    "datestyle": "ISO, MDY",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "on",
    "extra_float_digits": "1",
    "idle_in_transaction_session_timeout": "0",
    "in_hot_standby": "off",
    "integer_datetimes": "on",
    "intervalstyle": "postgres",
    "is_superuser": "off",
    "lc_collate": "C",
    "lc_ctype": "C",
    "lock_timeout": "0",
    "max_identifier_length": "63",
    "max_index_keys": "32",
    "row_security": "on",
    "search_path": "public",
    "server_encoding": "UTF8",
    "server_version": VERSION,
    "server_version_num": VERSION_NUMBER,
    "session_authorization": "logpond",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
    "timezone": "UTC",
    "transaction_isolation": "read committed",
    "transaction_read_only": "on",
    AS_OF: "",
    AT_VERSION: "",
}
FIXED = {
    "in_hot_standby",
    "integer_datetimes",
    "is_superuser",
    "max_identifier_length",
    "max_index_keys",
    "server_encoding",
    "server_version",
    "server_version_num",
}
REPORTED = {
    "application_name": "application_name",
    "client_encoding": "client_encoding",
    "datestyle": "DateStyle",
    "default_transaction_read_only": "default_transaction_read_only",
    "in_hot_standby": "in_hot_standby",
    "integer_datetimes": "integer_datetimes",
    "intervalstyle": "IntervalStyle",
    "is_superuser": "is_superuser",
    "server_encoding": "server_encoding",
    "server_version": "server_version",
    "session_authorization": "session_authorization",
    "standard_conforming_strings": "standard_conforming_strings",
    "timezone": "TimeZone",
}
ENCODINGS = {"utf8", "utf-8", "unicode", "'utf-8'"}
LONGEST, MOST_OWN = 1000, 50


@dataclass
class Variables:
    """The settings of a session; `defaults` are those that it began with."""

    defaults: dict[str, str] = field(default_factory=lambda: dict(DEFAULTS))
    values: dict[str, str] = field(default_factory=dict)
    # The state that a transaction reads, once it has asked anything.
    held: Moment | None = None

    def get(self, name: str) -> str:
        """Returns a value. Raises Refused where there is no such setting."""
        found = self.values.get(name, self.defaults.get(name))
        if found is None:
            raise Refused(
                "42704",
                f'unrecognized configuration parameter "{name[:64]}"',
                "SHOW ALL lists them",
            )
        return found

    def all(self) -> dict[str, str]:
        """Returns every setting, by name."""
        return dict(sorted({**self.defaults, **self.values}.items()))

    def set(self, name: str, value: str | None) -> str | None:
        """Sets a value; the default, where it is None. Returns it if a client is to be told.

        Raises Refused for a name or a value that cannot be.
        """
        if value is None:
            return self._reset(name)
        self._check(name, value)
        if name in (AS_OF, AT_VERSION):
            # one state at a time: what is set last counts
            self.values[AT_VERSION if name == AS_OF else AS_OF] = ""
            self.held = None
        self.values[name] = "UTF8" if name == "client_encoding" else value
        return self.values[name] if name in REPORTED else None

    def moment(self) -> Moment:
        """Returns the state of the lake that is read now; the same all through a transaction."""
        return self.held or self._moment(self.get(AS_OF), self.get(AT_VERSION))

    def seconds(self, most: float) -> float:
        """Returns how long a statement may take: what the session says, and no more than `most`."""
        wanted = _milliseconds(self.get("statement_timeout")) / 1000
        return min(wanted, most) if wanted else most

    def _reset(self, name: str) -> str | None:
        if name == "all":
            self.values.clear()
        else:
            self.get(name)
            self.values.pop(name, None)
        self.held = None
        return self.get(name) if name in REPORTED else None

    def _check(self, name: str, value: str) -> None:
        if name not in self.defaults and ("." not in name or name.startswith("logpond.")):
            self.get(name)
        if name in FIXED:
            raise Refused("55P02", f'parameter "{name}" cannot be changed')
        is_too_many = name not in self.values and len(self.values) > len(DEFAULTS) + MOST_OWN
        if len(value) > LONGEST or len(name) > LONGEST or is_too_many:
            raise Refused("54000", "there are too many settings, or one is too long")
        if name == "client_encoding" and value.lower() not in ENCODINGS:
            raise Refused("22023", f"texts are sent as UTF8, not as {value[:40]}", "SET NAMES UTF8")
        if name == "statement_timeout":
            _milliseconds(value)
        if name == AS_OF:
            self._moment(value, "")
        if name == AT_VERSION:
            self._moment("", value)

    @staticmethod
    def _moment(as_of: str, version: str) -> Moment:
        try:
            return (
                moment(version or None, as_of or None, datetime.now(UTC))
                if (as_of or version)
                else NOW
            )
        except SettingsError as error:
            what = error.what.replace("--as-of", AS_OF).replace("--version", AT_VERSION)
            raise Refused("22023", what, error.remedy) from None


def _milliseconds(text: str) -> float:
    """Returns a time as PostgreSQL writes it: without a unit it is thousandths of a second."""
    text = text.strip()
    if text.isdigit():
        return float(text)
    if text.endswith("ms") and text[:-2].strip().isdigit():
        return float(text[:-2])
    try:
        return times.length(text.removesuffix("in"), "statement_timeout").total_seconds() * 1000
    except SettingsError as error:
        raise Refused("22023", error.what, error.remedy) from None
