"""The receivers of a lake: `[webhook]` of the settings, and the tables of conf/receivers.toml."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from anomaly.alerts import kinds
from anomaly.alerts.kinds.webhook import Kind as Webhook
from anomaly.alerts.receiver import Receiver
from lakehouse.settings import CONF, Settings
from lakehouse.toml_tables import TomlTables

HELP = "docs/receivers.md says what a receiver is"
# That of [webhook] in conf/logpond.toml.
WEBHOOK = "webhook"


def receivers_of(settings: Settings) -> dict[str, Receiver]:
    """Returns the receivers by name. Raises SettingsError, which lists every fault of the file."""
    found = dict[str, Receiver]()
    own = settings.webhook
    if own.url.get_secret_value():
        found[WEBHOOK] = Webhook(url=own.url, token=own.token, secret=own.secret)
    file = Path(settings.receivers).expanduser() if settings.receivers else CONF / "receivers.toml"
    read = TomlTables(file, "`receivers`")
    more = read.read(_made)
    twice = [
        ((name,), "[webhook] of conf/logpond.toml has this name") for name in {*found} & {*more}
    ]
    read.check("receivers do not fit", HELP, twice)
    return found | more


@cache
def kinds_of_receivers() -> dict[str, type[Receiver]]:
    """Returns the class of each kind: the module of that name, by its `Kind`."""
    names = [found.name for found in pkgutil.iter_modules(kinds.__path__)]
    return {name: importlib.import_module(f"{kinds.__name__}.{name}").Kind for name in names}


def _made(table: Any) -> Receiver:
    """Returns what a table describes; ValidationError where it does not fit."""
    known = kinds_of_receivers()
    kind = table.get("kind") if isinstance(table, Mapping) else None
    if not isinstance(kind, str) or kind not in known:
        words = f"kind is one of {', '.join(sorted(known))}"
        fault = PydanticCustomError("kind", "{words}", {"words": words})
        wrong = InitErrorDetails(type=fault, loc=("kind",), input=kind)
        raise ValidationError.from_exception_data("Receiver", [wrong])
    return known[kind].model_validate(table)
