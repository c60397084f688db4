"""The settings of one session: those that tools set and ask for, and the state that is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from analytics.postgres import zones
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
# Values are written in these forms alone.
FORMS = {
    "bytea_output": "hex",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
}
LONGEST, MOST_OWN, MOST_SAVEPOINTS = 1000, 50, 100


@dataclass(frozen=True)
class Snapshot:
    """The settings as they were at some point, a savepoint or the beginning of a transaction."""

    name: str = ""
    values: dict[str, str] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)
    held: Moment | None = None


@dataclass
class Variables:
    """The settings of a session; `defaults` are those that it began with.

    Those of `local` are of the present transaction, by SET LOCAL.
    """

    defaults: dict[str, str] = field(default_factory=lambda: dict(DEFAULTS))
    values: dict[str, str] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)
    # The state that a transaction reads, once it has asked anything.
    held: Moment | None = None
    _saved: list[Snapshot] = field(default_factory=lambda: [Snapshot()])

    def get(self, name: str) -> str:
        """Returns a value. Raises Refused where there is no such setting."""
        found = self.local.get(name, self.values.get(name, self.defaults.get(name)))
        if found is None:
            raise Refused(
                "42704",
                f'unrecognized configuration parameter "{name[:64]}"',
                "SHOW ALL lists them",
            )
        return found

    def all(self) -> dict[str, str]:
        """Returns every setting, by name."""
        return dict(sorted({**self.defaults, **self.values, **self.local}.items()))

    def reported(self) -> dict[str, str]:
        """Returns those of which a client is told as they change."""
        return {name: self.get(name) for name in REPORTED}

    def set(self, name: str, value: str | None, is_local: bool = False) -> None:
        """Sets a value; the default, where it is None. A local one is for this transaction alone.

        Raises Refused for a name or a value that cannot be.
        """
        if value is None:
            self._reset(name, is_local)
            return
        value = self._checked(name, value)
        # one state at a time: what is set last counts
        others = {AS_OF: AT_VERSION, AT_VERSION: AS_OF}
        for one, of in ((name, value), (others.get(name), "")):
            if one and is_local:
                self.local[one] = of
            elif one:
                self.local.pop(one, None)
                self.values[one] = of
        self.held = None if name in others else self.held

    def end(self, is_kept: bool) -> None:
        """Ends a transaction: what was set in it is kept or undone, what is local to it undone."""
        if not is_kept:
            self.values = dict(self._saved[0].values)
        self.local, self.held = {}, None
        self._saved = [Snapshot(values=dict(self.values))]

    def save(self, name: str) -> None:
        """Makes a savepoint. Raises Refused for too many."""
        if len(self._saved) > MOST_SAVEPOINTS:
            raise Refused("54000", f"{MOST_SAVEPOINTS} savepoints are made already", "RELEASE one")
        self._saved.append(Snapshot(name, dict(self.values), dict(self.local), self.held))

    def back_to(self, name: str) -> None:
        """Sets all to what it was at a savepoint, which stays. Raises Refused where it is none."""
        at = self._savepoint(name)
        found = self._saved[at]
        self.values, self.local, self.held = dict(found.values), dict(found.local), found.held
        del self._saved[at + 1 :]

    def release(self, name: str) -> None:
        """Forgets a savepoint and those after it. Raises Refused where it is none."""
        del self._saved[self._savepoint(name) :]

    def _savepoint(self, name: str) -> int:
        for at in range(len(self._saved) - 1, 0, -1):
            if self._saved[at].name == name:
                return at
        raise Refused("3B001", f'savepoint "{name[:64]}" does not exist', "SAVEPOINT makes one")

    def moment(self) -> Moment:
        """Returns the state of the lake that is read now; the same all through a transaction."""
        return self.held or self._moment(self.get(AS_OF), self.get(AT_VERSION))

    def seconds(self, most: float) -> float:
        """Returns how long a statement may take: what the session says, and no more than `most`."""
        wanted = _milliseconds(self.get("statement_timeout")) / 1000
        return min(wanted, most) if wanted else most

    def _reset(self, name: str, is_local: bool) -> None:
        if name == "all":
            self.values.clear()
            self.local.clear()
        elif is_local:
            self.set(name, self.defaults.get(name, ""), is_local)
        else:
            self.get(name)
            self.values.pop(name, None)
            self.local.pop(name, None)
        if name in ("all", AS_OF, AT_VERSION):
            self.held = None

    def _checked(self, name: str, value: str) -> str:
        """Returns a value as it is kept. Raises Refused for one that cannot be."""
        if name not in self.defaults and ("." not in name or name.startswith("logpond.")):
            self.get(name)
        if name in FIXED:
            raise Refused("55P02", f'parameter "{name}" cannot be changed')
        is_too_many = name not in self.values and len(self.values) > len(DEFAULTS) + MOST_OWN
        is_too_many |= name not in self.local and len(self.local) > len(DEFAULTS) + MOST_OWN
        if len(value) > LONGEST or len(name) > LONGEST or is_too_many:
            raise Refused("54000", "there are too many settings, or one is too long")
        if name in FORMS and not value.lower().startswith(FORMS[name].lower()):
            raise Refused(
                "22023",
                f'values are sent in one form here, {name} "{FORMS[name]}", not "{value[:40]}"',
                f"SET {name} = '{FORMS[name]}'; the statement itself may write them otherwise",
            )
        if name == "statement_timeout":
            _milliseconds(value)
        if name == AS_OF:
            self._moment(value, "")
        if name == AT_VERSION:
            self._moment("", value)
        return KEPT[name](value) if name in KEPT else value

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
        remedy = "90s, 5min; a number without a unit is thousandths of a second"
        raise Refused("22023", error.what, remedy) from None


def _encoding(value: str) -> str:
    if value.lower() not in ENCODINGS:
        raise Refused("22023", f"texts are sent as UTF8, not as {value[:40]}", "SET NAMES UTF8")
    return "UTF8"


# What is kept of a value.
KEPT = {"client_encoding": _encoding, "timezone": zones.named}
