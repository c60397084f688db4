"""What is noted as absent hides nothing else."""

from __future__ import annotations

import random

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lakehouse.ingest.absent import Stretch, noted
from lakehouse.proof.coverage import ABSENT, BY_RULE

OFFSETS = 5000


def said_often(seed: int) -> pa.Table:
    """Notes of single offsets, some said again as by an `erase` that was killed."""
    chance = random.Random(seed)
    offsets = sorted(chance.sample(range(11 * OFFSETS), OFFSETS))
    again = [chance.sample(offsets, OFFSETS // 2), offsets, chance.sample(offsets, OFFSETS // 3)]
    return noted([Stretch("t", 0, n, n) for some in (offsets, *again) for n in some])


@pytest.mark.parametrize("seed", range(4))
def test_what_is_said_again_covers_nothing_between(seed: int) -> None:
    """However the engine puts equal rows in order."""
    rows = said_often(seed)
    kinds = pa.array(["erased", "retained"] * (rows.num_rows // 2) + ["erased"])[: rows.num_rows]
    with duckdb.connect() as connection:
        connection.register("noted", rows.add_column(0, "kind", kinds))
        connection.execute(ABSENT)
        sql = "SELECT sum(last_ - first_ + 1)::INT FROM absent WHERE kind = 'any'"
        assert connection.execute(sql).fetchall() == [(OFFSETS,)]

        connection.register("by_rule", rows.append_column("rule", kinds))
        connection.execute("CREATE VIEW held AS FROM noted SELECT *, 0 AS _offset WHERE false")
        of_rules = dict(connection.execute(BY_RULE).fetchall())
    for rule, gone in of_rules.items():
        its = rows.filter(pc.equal(kinds, rule))
        assert gone == len({*its["first_"].to_pylist()})
