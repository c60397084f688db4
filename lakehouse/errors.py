"""What can go wrong, for a person to read.

LogpondError          what happened, what it means, what to do next
├── SettingsError     a setting, a flag or the machine (Java, ports, disk) does not fit
├── CheckpointError   a start that would lose, repeat or mix data, and was stopped
├── TableError        a table is missing, in another state than asked for, or would not commit
├── BrokerError       Kafka cannot be reached, or does not hold what it should
├── StorageError      a bucket cannot be reached, or refuses
└── LeaseError        another process writes now, or may: this one stopped
"""

from __future__ import annotations


class LogpondError(Exception):
    """A failure with its remedy; the front door prints it without a stack trace."""

    exit_code = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.remedy = what, remedy

    def __str__(self) -> str:
        return f"{self.what}\n  {self.remedy}" if self.remedy else self.what


class SettingsError(LogpondError):
    """The settings or the machine do not fit; lists every fault found."""

    exit_code = 2


class CheckpointError(LogpondError):
    """A start was stopped because it would lose, repeat or mix data."""

    exit_code = 3


class TableError(LogpondError):
    """A table is missing, or did not take a commit."""

    exit_code = 4


class BrokerError(LogpondError):
    """Kafka is unreachable, or does not hold what it should."""

    exit_code = 5


class StorageError(LogpondError):
    """A bucket is unreachable, is none, or refuses us."""

    exit_code = 8


class LeaseError(LogpondError):
    """A process lost its lease while it ran: another one writes now, or may."""

    exit_code = 6
