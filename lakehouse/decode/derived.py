"""The columns of `DerivedFields`, computed on whole columns."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.event.severity import ERROR
from lakehouse.event.user_agents import classify

_CLASSES = pa.array(["1xx", "2xx", "3xx", "4xx", "5xx"])


def derived_columns(
    timestamps: pa.Array, statuses: pa.Array, severities: pa.Array, agents: pa.Array
) -> list[pa.Array]:
    """`date`, `hour`, `is_error`, `status_class`, `is_bot` and `client_family`, in this order."""
    # Without its zone the value is the same, and needs no time zone database on the machine.
    times = timestamps.cast(pa.timestamp("us"))
    hundreds = pc.subtract(pc.divide(statuses, 100), 1)
    failed = pc.fill_null(pc.greater_equal(statuses, 400), False)
    severe = pc.fill_null(pc.greater_equal(severities, ERROR), False)
    return [
        times.cast(pa.date32()),
        pc.hour(times).cast(pa.int32()),
        pc.or_(failed, severe),
        _CLASSES.take(hundreds),
        *_clients(agents),
    ]


def _clients(agents: pa.Array) -> list[pa.Array]:
    """`is_bot` and `client_family`, classified once a distinct agent."""
    encoded = agents.dictionary_encode()
    clients = [classify(agent) for agent in encoded.dictionary.to_pylist()]
    bots = pa.array([client.is_bot for client in clients], pa.bool_())
    families = pa.array([client.family for client in clients], pa.string())
    return [bots.take(encoded.indices), families.take(encoded.indices)]
