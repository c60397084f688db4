"""Every place in the lake: the one module that puts paths together.

<lake>/                       a folder or a URL
  logs/  quarantine/  ...     Delta tables, each with its _delta_log/
  _checkpoints/               elsewhere, where `checkpoints` is set
    <query>/                  Spark's progress of a query
    <query>.ledger/           ours beside it: the manifest, the lock, what a query remembers
      plans/                  what is about to be committed
  _raw/                       imported files: what came of each, and copies
  _absent/                    offsets that no table has a row of, and why
  _commits/<table>/<id>/      the ledger of commits: states of a table beyond Delta's own versions
  _skip/<table>/<day>/        the skip index: what each data file may hold, as bits
  _proofs/                    what `verify` has found right, so that it need not be looked at again
  _scratch/<job>/<run>/       what a job and executors elsewhere pass to each other meanwhile
  _broker/                    the embedded broker: its records and what it runs by; with a URL
                              ./.logpond/<hash of it>/_broker instead
    server.properties
    broker.pid
  _state/                     of the programs on this machine; with a URL
                              ./.logpond/<hash of it> instead
    mutes/                    keys without alerts; in the lake at a URL too
    actions/<incident>/       what people did about incidents; in the lake at a URL too
    catalog/                  files that are tables by name; in the lake at a URL too
    tags/<table>/             names for versions; in the lake at a URL too
    views/                    filters of Explore, kept by name; in the lake at a URL too
    questions/                statements that are kept by name; in the lake at a URL too
    boards/                   questions laid out on pages; in the lake at a URL too
    tokens/                   who may ask the pages and send records, as hashes
    phases.json               how long the parts of the last start took
    alerts.sqlite             what waits for the webhook
    alerts-<receiver>.sqlite  what waits for another receiver
    outboxes/                 copies of both in the lake at a URL, for the next machine
    unsent/<topic>/           records that Kafka did not take yet
    labels.ndjson             the truth about the incidents that were produced
    spark-events/             event logs, a folder an application
    ivy/  tmp/  warehouse/    Spark's own
    <program>.log             what a program says
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lakehouse.errors import SettingsError
from lakehouse.settings import Settings
from lakehouse.tables.catalog import Table

if TYPE_CHECKING:
    from lakehouse.store.lease.fence import Fence

DELTA_LOG = "_delta_log"
# What each member of `Places` may hold of what events say, and so what `logpond erase` does there:
# "rows" of events or parts of them; "texts" that may repeat a part; "kafka", which is not ours to
# rewrite; or "nothing". A place that is missing here fails a test.
HOLDS: dict[str, Literal["rows", "texts", "kafka", "nothing"]] = {
    "table": "rows",
    "delta_log": "rows",
    "ledger": "texts",
    "plans": "texts",
    "raw": "rows",
    "raw_file": "rows",
    "scratch": "rows",
    "skip_index": "texts",
    "tags": "texts",
    "mutes": "texts",
    "actions": "texts",
    "questions": "texts",
    "boards": "texts",
    "outboxes": "texts",
    "alerts": "texts",
    "views": "texts",
    "unsent": "rows",
    "labels": "texts",
    "spark_events": "texts",
    "program_log": "texts",
    "broker": "kafka",
    "broker_properties": "nothing",
    "broker_process": "nothing",
    "checkpoint": "nothing",
    "absent": "nothing",
    "commits": "nothing",
    "commits_of": "nothing",
    "proofs": "nothing",
    "far_state": "nothing",
    "state": "nothing",
    "catalog": "nothing",
    "catalog_file": "nothing",
    "phases": "nothing",
    "tokens": "nothing",
    "of_spark": "nothing",
    "is_in_a_bucket": "nothing",
    "unsent_topics": "nothing",
    "receivers": "nothing",
    "program_logs": "nothing",
}
MISREAD = re.compile(r"\\|%[0-9A-Fa-f]{2}")


@dataclass(frozen=True)
class Places:
    """The root of the tables and the root of the checkpoints, each an absolute path or a URL.

    `durability` is what a write there has to survive, as in the settings, and a lease lasts
    `lease_seconds` without a renewal. Who holds one has places with a `fence`: what is committed
    through them carries its epoch.
    """

    lake: str
    checkpoints: str
    durability: str = "process"
    lease_seconds: float = 15.0
    fence: Fence | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Places:
        """The places that the settings name; relative folders count from where you stand."""
        made = cls.at(settings.lake, settings.checkpoints)
        seconds = settings.lease_seconds
        return replace(made, durability=settings.durability, lease_seconds=seconds)

    @classmethod
    def at(cls, lake: str, checkpoints: str = "") -> Places:
        """The places of a lake, with its checkpoints in it unless they are elsewhere."""
        root = _absolute(lake)
        if not is_url(root) and MISREAD.search(root):
            raise SettingsError(
                f"the lake {root} lies below a folder whose name has a backslash, or % and two "
                "digits: engines read these as other names",
                "name another folder with --lake",
            )
        return cls(root, _absolute(checkpoints or f"{root}/_checkpoints"))

    @property
    def is_in_a_bucket(self) -> bool:
        """Whether the tables or the checkpoints are in object storage."""
        return any(
            is_url(at) and not at.startswith("file:") for at in (self.lake, self.checkpoints)
        )

    def table(self, table: Table | str) -> str:
        """The root of a Delta table."""
        return f"{self.lake}/{table if isinstance(table, str) else table.name}"

    def delta_log(self, table: Table | str) -> str:
        """The commits of a Delta table."""
        return f"{self.table(table)}/{DELTA_LOG}"

    def checkpoint(self, query: str) -> str:
        """Where Spark keeps the progress of a query."""
        return f"{self.checkpoints}/{query}"

    def ledger(self, query: str) -> str:
        """Beside the checkpoint: its manifest, its lock, what the query remembers."""
        return f"{self.checkpoints}/{query}.ledger"

    def plans(self, query: str) -> str:
        """What a query is about to commit, an object a plan."""
        return f"{self.ledger(query)}/plans"

    @property
    def raw(self) -> str:
        """Imported files: what was imported, and copies of them."""
        return f"{self.lake}/_raw"

    @property
    def absent(self) -> str:
        """Offsets without a row: seen by no reader, deleted by `retain`, lost and acknowledged."""
        return f"{self.lake}/_absent"

    @property
    def commits(self) -> str:
        """The ledgers of commits, a folder a table: counts and checksums, and no row."""
        return f"{self.lake}/_commits"

    def commits_of(self, table: str) -> str:
        """The ledger of a table, `<name>/<id>`: one that is made anew has one of its own."""
        return f"{self.commits}/{table}"

    def skip_index(self, table: str) -> str:
        """What each data file of a table may hold; entries go with their files."""
        return f"{self.lake}/_skip/{table}"

    @property
    def proofs(self) -> str:
        """What was proved: coordinates, counts, and checksums of data files; no value of a row."""
        return f"{self.lake}/_proofs"

    def scratch(self, job: str) -> str:
        """What runs of a job pass to executors on other machines, and get from them."""
        return f"{self.lake}/_scratch/{job}"

    def raw_file(self, name: str) -> str:
        """One object of the raw zone, to be named to a person."""
        return f"{self.raw}/{name}"

    @property
    def broker(self) -> str:
        """The data of the embedded broker, which belongs to this lake and no other.

        It is always a folder: for a lake at a URL one of this machine, in its `state`.
        """
        return f"{self.state if is_url(self.lake) else self.lake}/_broker"

    @property
    def broker_properties(self) -> Path:
        """What the embedded broker was last started with."""
        return Path(self.broker, "server.properties")

    @property
    def broker_process(self) -> Path:
        """Which process is the embedded broker, and whose it is."""
        return Path(self.broker, "broker.pid")

    @property
    def far_state(self) -> str:
        """What is in the lake for all that read it, wherever it is; in a folder beside the rest."""
        return f"{self.lake}/_state"

    @property
    def mutes(self) -> str:
        """The mutes: keys without alerts; they are in the lake, for all that read it."""
        return f"{self.far_state}/mutes"

    @property
    def actions(self) -> str:
        """What people did about incidents; in the lake, for all that look at it."""
        return f"{self.far_state}/actions"

    @property
    def catalog(self) -> str:
        """The files that are tables by a name; in the lake, for all that ask it."""
        return f"{self.far_state}/catalog"

    @property
    def tags(self) -> str:
        """The names that versions have; in the lake, for all that read it."""
        return f"{self.far_state}/tags"

    @property
    def views(self) -> str:
        """Filters of Explore that are kept by name; in the lake, for all that look at it."""
        return f"{self.far_state}/views"

    @property
    def questions(self) -> str:
        """Statements that are kept by name; in the lake, for all that look at it."""
        return f"{self.far_state}/questions"

    @property
    def boards(self) -> str:
        """Questions laid out on pages, a file each; in the lake, for all that look at it."""
        return f"{self.far_state}/boards"

    def catalog_file(self, name: str) -> str:
        """One object of the catalog, to be named to a person."""
        return f"{self.catalog}/{name}"

    @property
    def state(self) -> str:
        """What the programs on this machine keep between runs, always a folder.

        For a lake at a URL it is named after the URL, so that no lake has another's.
        """
        if not is_url(self.lake):
            return f"{self.lake}/_state"
        return f"{_absolute('.logpond')}/{hashlib.sha256(self.lake.encode()).hexdigest()[:12]}"

    @property
    def phases(self) -> Path:
        """How long the parts of a start of `logpond up` took."""
        return Path(self.state) / "phases.json"

    @property
    def outboxes(self) -> str:
        """Copies of what waits for receivers, by the names of their files; of a lake at a URL."""
        return f"{self.far_state}/outboxes"

    def alerts(self, receiver: str) -> str:
        """What waits for a receiver; on this machine, whose programs send it."""
        name = "alerts" if receiver == "webhook" else f"alerts-{receiver}"
        return f"{self.state}/{name}.sqlite"

    @property
    def tokens(self) -> Path:
        """One file a token, which holds its hash."""
        return Path(self.state, "tokens")

    def unsent(self, topic: str) -> Path:
        """Records that the Kafka of a topic did not take yet."""
        return Path(self.state, "unsent", topic)

    @property
    def labels(self) -> Path:
        """When which incident was produced, to be evaluated by."""
        return Path(self.state, "labels.ndjson")

    @property
    def unsent_topics(self) -> list[str]:
        """The topics of which records wait, or have waited."""
        folder = Path(self.state, "unsent")
        return sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []

    @property
    def receivers(self) -> list[str]:
        """The receivers for which alerts wait on this machine, or have waited."""
        found = Path(self.state).glob("alerts*.sqlite")
        names = (each.stem.partition("-")[2] or "webhook" for each in found)
        return sorted(names)

    @property
    def program_logs(self) -> list[Path]:
        """What programs have said that had no terminal of their own."""
        return sorted(Path(self.state).glob("*.log"))

    @property
    def spark_events(self) -> Path:
        """Event logs of Spark, one folder an application."""
        return Path(self.state, "spark-events")

    def of_spark(self, name: Literal["ivy", "tmp", "warehouse"]) -> Path:
        """A folder that Spark wants to have; nothing of ours is in it."""
        return Path(self.state, name)

    def program_log(self, program: str) -> Path:
        """What a program says that has no terminal of its own."""
        return Path(self.state, f"{program}.log")


def is_url(place: str) -> bool:
    """Whether a place is a URL rather than a local folder."""
    return "://" in place


def _absolute(place: str) -> str:
    place = re.sub(r"^s3a://", "s3://", place)
    return place.rstrip("/") if is_url(place) else str(Path(place).expanduser().absolute())
