"""What one address did in a closed minute, and the sum over some minutes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

# The most paths and logins of a minute that are kept apart.
MOST_NAMES = 64


class AddressMinute(msgspec.Struct, frozen=True):
    """`error_paths` are what it got client errors for, as `probe.counted_as` names them; `users`
    those whose login it was refused; `attacks` requests that `probe.is_attack` says are one."""

    at: int
    ip: str
    requests: int
    dynamic: int = 0
    client_errors: int = 0
    error_paths: tuple[str, ...] = ()
    refused: int = 0
    accepted: int = 0
    users: tuple[str, ...] = ()
    attacks: int = 0

    @property
    def matters(self) -> bool:
        """Whether any rule over more than a minute can ever need it."""
        return self.client_errors + self.refused + self.accepted + self.attacks > 0


class Sum(msgspec.Struct):
    """An address over the last minutes; `usual` are its dynamic requests in any minute."""

    requests: int = 0
    dynamic: int = 0
    client_errors: int = 0
    refused: int = 0
    accepted: int = 0
    attacks: int = 0
    cracked: bool = False
    usual: float = 0.0
    paths: set[str] = msgspec.field(default_factory=set)


def summed(minutes: Iterable[AddressMinute], failures: int) -> Sum:
    """Minutes in order of time; cracked: a login accepted after so many refused ones."""
    total = Sum()
    for one in minutes:
        total.requests += one.requests
        total.dynamic += one.dynamic
        total.client_errors += one.client_errors
        total.refused += one.refused
        total.accepted += one.accepted
        total.attacks += one.attacks
        total.cracked |= one.accepted > 0 and total.refused >= failures
        total.paths.update(one.error_paths[:MOST_NAMES])
    return total
