"""Single addresses: rules over sliding minutes, with bounded state. Pure."""

from __future__ import annotations

from anomaly.addresses.fold import Addresses, State
from anomaly.addresses.minute import AddressMinute, AddressMinutes
from anomaly.addresses.rules import RULES

__all__ = ["RULES", "AddressMinute", "AddressMinutes", "Addresses", "State"]
