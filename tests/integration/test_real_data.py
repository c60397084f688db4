"""Real data through Kafka comes out as its own truth says (../shared/data/README.md)."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from support import produced
from support.messages import send
from support.promise import broken
from support.streams import Once, settings

from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.proof.coverage import current
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic

pytestmark = [pytest.mark.broker, pytest.mark.spark]

END_OF_DAY = datetime(2015, 9, 13, tzinfo=UTC)
IN_ITS_FUTURE, EARLIER, OF_THE_DAY = 41, 4, 39_199


def edits(file: Path) -> Iterator[dict[str, Any]]:
    """Wikipedia's edits of a day as events; the day ends now."""
    shift = datetime.now(UTC) - END_OF_DAY
    with gzip.open(file) as lines:
        for number, edit in enumerate(map(orjson.loads, lines)):
            yield {
                "event_id": f"edit-{number}",
                "timestamp": datetime.fromisoformat(edit["time"]) + shift,
                "service": edit["channel"],
                "endpoint": edit["namespace"],
                "status_code": 201 if edit["isNew"] else 200,
                "ip": edit["user"] if edit["isAnonymous"] else "unknown",
                "path": edit["page"],
                "bytes_sent": edit["added"],
                "user": edit["user"],
            }


def test_access_log_gives_its_truth(
    broker: Broker, topic: Topic, tmp_path: Path, once: Once, shared_data: Path
) -> None:
    """Ten thousand lines of a real site: each day, status and address as counted, one rejected."""
    log = shared_data / "web" / "elastic_apache_access.log.gz"
    sent = produced.run(broker.bootstrap, topic.name, tmp_path, "--replay", str(log))
    asked = settings(broker.bootstrap, topic.name, tmp_path)
    once(asked)

    with current(Places.of(asked)) as lake:
        days = lake.ask("SELECT day(date), count(*) FROM logs GROUP BY ALL ORDER BY 1")
        statuses = dict(lake.ask("SELECT status_code, count(*) FROM logs GROUP BY ALL"))
        addresses = lake.ask("SELECT ip, count(*) FROM logs GROUP BY ALL ORDER BY 2 DESC")
        rejects = lake.ask("SELECT reason, count(*) FROM quarantine GROUP BY ALL")
    assert sent.last["acked"] == verify(Places.of(asked)).records == 10_000
    assert days == [(17, 1632), (18, 2893), (19, 2896), (20, 2578)]
    assert (statuses[404], statuses[500], len(addresses)) == (213, 3, 1753)
    top = [("66.249.73.135", 482), ("46.105.14.53", 364), ("130.237.218.86", 357)]
    assert (addresses[:3], rejects) == (top, [("syntax", 1)])


def test_poisoned_day_loses_no_good_row(
    broker: Broker, topic: Topic, tmp_path: Path, once: Once, shared_data: Path
) -> None:
    """Rows from the day's future go to quarantine; no row of the day, nor an earlier one, does."""
    file = shared_data / "json" / "wikipedia_edits_2015-09-12.ndjson.gz"
    events = [*edits(file)]
    send(broker.bootstrap, topic.name, (orjson.dumps(event) for event in events))
    asked = settings(broker.bootstrap, topic.name, tmp_path, ingest_max_offsets=10_000)
    once(asked)

    soon = datetime.now(UTC) + timedelta(minutes=5)
    with current(Places.of(asked)) as lake:
        kept = {name for (name,) in lake.ask("SELECT event_id FROM logs")}
        rejects = lake.ask("SELECT reason, count(*) FROM quarantine GROUP BY ALL")
    assert kept == {e["event_id"] for e in events if e["timestamp"] < soon}
    assert len(kept) == OF_THE_DAY + EARLIER
    assert rejects == [("future_timestamp", IN_ITS_FUTURE)]
    assert broken(broker.bootstrap, Places.of(asked), topic.name) == []
