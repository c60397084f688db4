"""Erases until it kills itself at a step; without one, to the end.

`erase_child.py '{"die_at": "noted", "lake": ..., "users": [...], "addresses": [...]}'`.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from cli.erasers import OTHERS
from lakehouse import settings
from lakehouse.erasure.erase import Erasure
from lakehouse.erasure.request import Request
from lakehouse.paths import Places


def main(die_at: str, lake: str, users: list[str], addresses: list[str]) -> None:
    """Erase as the command does."""

    def reached(step: str) -> None:
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    places = Places.of(settings.load(lake=lake))
    Erasure(places, Request(tuple(users), tuple(addresses)), OTHERS, reached)()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
