"""Daily files of metrics: `timestamp,user,app,metric_1..metric_9`, without a header."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from producer.datasets import cast

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

METRICS = 9
DAY_SECONDS = 86_400
# Of a row: its time, user, app, and metrics.
DRAWS = 3 + METRICS
MOST = 1000


@dataclass(frozen=True)
class Spec:
    """What to make; each thread holds `batch` rows at a time."""

    seed: int
    first: date
    days: int
    rows: int
    batch: int = 10_000

    def facts(self) -> dict[str, int]:
        """Returns what the bytes of a day depend on."""
        return {"seed": self.seed, "logs_per_day": self.rows}

    def files(self, folder: Path) -> dict[Path, partial[int]]:
        """Returns each day's file, and the function that writes it."""
        days = (self.first + timedelta(number) for number in range(self.days))
        return {folder / f"{day}.log.csv": partial(write, self, day) for day in days}


def write(spec: Spec, day: date, path: Path) -> int:
    """Writes a day, in the order of its times. Returns the number of rows."""
    import numpy as np
    from pyarrow import csv

    random = np.random.default_rng([spec.seed, day.toordinal()])
    plain = csv.WriteOptions(include_header=False, quoting_style="none")
    with path.open("wb") as out:
        for begin in range(0, spec.rows, spec.batch):
            rows = np.arange(begin, min(begin + spec.batch, spec.rows))
            csv.write_csv(_batch(spec, day, rows, random.random((len(rows), DRAWS))), out, plain)
    return spec.rows


def _batch(spec: Spec, day: date, rows: np.ndarray, draws: np.ndarray) -> pa.Table:
    """Returns rows of a day; the n-th row takes the n-th draws, however rows are batched."""
    import numpy as np
    import pyarrow as pa

    seconds = ((rows + draws[:, 0]) * (DAY_SECONDS / spec.rows)).astype("timedelta64[s]")
    columns = [
        pa.array(np.datetime64(day, "s") + seconds),
        _drawn(cast.users(), draws[:, 1]),
        _drawn([*cast.APPS], draws[:, 2]),
        *(pa.array((draws[:, at] * MOST).astype("int64")) for at in range(3, DRAWS)),
    ]
    names = ["timestamp", "user", "app", *(f"metric_{n}" for n in range(1, METRICS + 1))]
    return pa.table(columns, names)


def _drawn(names: list[str], draws: np.ndarray) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    places = np.searchsorted(cast.shares(len(names)), draws, side="right")
    return pa.array(names).take(pa.array(np.minimum(places, len(names) - 1)))
