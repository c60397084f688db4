"""Where incidents go beside the table: a webhook, by way of the disk."""

from __future__ import annotations

from anomaly.sinks.alert import Alert, Change
from anomaly.sinks.alerts import Alerts, try_out
from anomaly.sinks.outbox import Outbox

__all__ = ["Alert", "Alerts", "Change", "Outbox", "try_out"]
