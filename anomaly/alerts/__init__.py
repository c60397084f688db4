"""Where incidents go beside the table: a webhook, by way of the disk."""

from __future__ import annotations

from anomaly.alerts.alert import Alert, Change
from anomaly.alerts.alerts import Alerts, try_out
from anomaly.alerts.outbox import Outbox

__all__ = ["Alert", "Alerts", "Change", "Outbox", "try_out"]
