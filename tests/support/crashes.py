"""A lake whose ingest is killed, batch after batch, at the points where it hurts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.promise import broken
from support.streams import environment

from lakehouse import store
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.ingest.plans import BatchPlans, newest
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.settings import Settings
from lakehouse.tables.catalog import QUARANTINE

CHILD = Path(__file__).parent / "ingest_child.py"
INGEST = "ingest"


@dataclass(frozen=True)
class Crash:
    """Killed at `step` of a batch; before the next start a planned file of `lost` is missing.

    `changed`: the next start decodes otherwise.
    """

    step: str
    lost: str | None
    changed: bool

    def __str__(self) -> str:
        lost = f", {self.lost} file lost" if self.lost else ""
        return f"{self.step}{lost}, {'changed' if self.changed else 'same'} decode"

    def may_judge_anew(self) -> bool:
        """Whether the next start decodes the batch again."""
        return self.step == "decoded" or self.lost is not None


@dataclass
class CrashedLake:
    """A lake over a filled topic; the next crash comes in the batch after the last one's."""

    settings: Settings
    stricter: bool = False
    crashed: Crash | None = None

    @property
    def places(self) -> Places:
        """Where it is."""
        return Places.of(self.settings)

    def crash(self, at: Crash) -> None:
        """Have it crashed there, unless the last recovery ended so already."""
        if self.crashed != at:
            self._run(at)

    def recover(self, then: Crash | None) -> None:
        """Start again as the crash asks for; the new start ends in the next crash, or well."""
        assert self.crashed
        if self.crashed.lost:
            self._lose_file(self.crashed.lost)
        self.stricter ^= self.crashed.changed
        self._run(then)

    def batch(self) -> int:
        """The batch of the last crash; past its checkpoint the next one may have begun."""
        progress = Checkpoint(self.places, INGEST).progress()
        assert progress
        assert self.crashed
        batch = progress.completed if self.crashed.step == "checkpoint" else progress.planned
        assert batch is not None
        return batch

    def broken(self) -> list[str]:
        """What is wrong with the completed batches, by an outsider's count and by `verify`."""
        checkpoint, kafka = Checkpoint(self.places, INGEST), self.settings.kafka
        progress = checkpoint.progress()
        assert progress
        end = checkpoint.end(progress.completed)[kafka.topic]
        faults = broken(kafka.bootstrap, self.places, kafka.topic, end)
        verdict = verify(self.places)
        return faults if verdict.ok else [*faults, str(verdict)]

    def was_judged_strictly(self, batch: int) -> bool:
        """Whether a batch was decoded by the stricter decode."""
        found = store.open_table(self.places, QUARANTINE).to_pyarrow_dataset()
        rows = found.to_table(columns=["reason", "_commit"]).to_pylist()
        return any(
            row["reason"] == "changed" and row["_commit"].endswith(f":{batch}") for row in rows
        )

    def _run(self, until: Crash | None) -> None:
        kafka, ingest = self.settings.kafka, self.settings.ingest
        flags = {
            "lake": self.settings.lake,
            "durability": self.settings.durability,
            "kafka_bootstrap": kafka.bootstrap,
            "kafka_topic": kafka.topic,
            "ingest_max_offsets": ingest.max_offsets,
        }
        order = {"die_at": until and until.step, "stricter": self.stricter, "settings": flags}
        command = [sys.executable, str(CHILD), json.dumps(order)]
        env = environment(self.settings)
        ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
        assert ended.returncode == (-signal.SIGKILL if until else 0), ended.stderr
        self.crashed = until

    def _lose_file(self, table: str) -> None:
        progress = Checkpoint(self.places, INGEST).progress()
        assert progress
        kept = BatchPlans(self.places).all(progress.query_id)
        plan = newest([each for each in kept if each.batch == progress.planned])
        assert plan
        Path(self.places.table(table), plan.files_of(table)[0].path).unlink()
