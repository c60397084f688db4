"""Commands of the streaming program: stream, recover, acknowledge-loss, replay-quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lakehouse.ingest.queries import INGEST, MINUTES, STREAMS
from lakehouse.paths import Places
from lakehouse.terminal.options import STANDBY, setting, with_places, with_settings
from lakehouse.terminal.program import stopped_by_signals
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.ingest.absent import Stretch
    from lakehouse.settings import Settings

BOOTSTRAP = setting(
    "--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Kafka. [localhost:9092]"
)
TOPIC = setting(
    "--topic", "kafka_topic", help="The topic of the source that names none. [web-logs]"
)
SOURCES = setting(
    "--sources", "sources", metavar="FILE", help="What is read, and how. [conf/sources.toml]"
)
ALL_TABLES = "tables"
RECOVERABLE = click.argument(
    "query", type=click.Choice([*(query.name for query in STREAMS), ALL_TABLES])
)


@click.command()
@with_settings
@BOOTSTRAP
@TOPIC
@SOURCES
@setting(
    "--trigger",
    "ingest_trigger_seconds",
    type=float,
    metavar="SECONDS",
    help="Between micro-batches. [2]",
)
@click.option("--once", is_flag=True, help="Take what is there, then end.")
@STANDBY
def stream(settings: Settings, once: bool, standby: bool) -> None:
    """Read the topics of all sources into `logs` and `quarantine`; one line a micro-batch.

    Ctrl-C or SIGTERM finishes the batch and stops. The next start goes on where this one ended.

    One stream writes a lake at a time; a second one is refused, and told who does. With --standby
    it waits, and takes over when that one ends, or is not heard of for `lease_seconds` (a lake in a
    bucket; in a folder when its process ends). Where another stream took over from this one, which
    was frozen or cut off, this one ends with exit code 6.

    \b
      logpond stream
      logpond stream --standby
      logpond stream --bootstrap kafka:9092 --topic web-logs --trigger 5
      logpond stream --once
    """
    from lakehouse.sources import sources_of
    from lakehouse.store.lease.grant import Standby, StoppedWaiting
    from streaming.run import Hooks, Run

    echo(
        f"starting Spark; {', '.join(sources_of(settings).by_name)} at {settings.kafka.bootstrap} "
        f"-> {Places.of(settings).lake}"
    )
    hooks = Hooks(
        on_batch=lambda report: echo(report.line),
        on_start=lambda ui: echo(f"reading; Spark UI: {ui}"),
        on_notice=echo,
        on_closed=lambda report: echo(report.line),
    )
    run = Run(settings, Places.of(settings), stopped_by_signals(), hooks, once)
    run.standby = Standby(run.stop.is_set, echo) if standby else None
    try:
        run()
    except StoppedWaiting:
        echo("stopped while it stood by")
        return
    if not run.cut_short:
        echo("stopped between two batches; all of them are committed")


@click.command()
@RECOVERABLE
@with_settings
@BOOTSTRAP
@TOPIC
@SOURCES
@click.option("--moved", is_flag=True, help="Only say that the checkpoint lies here now.")
@click.option(
    "--accept-loss", metavar="REASON", help="Acknowledge what Kafka removed before it was read."
)
def recover(settings: Settings, query: str, moved: bool, accept_loss: str | None) -> None:
    """Make a lost, copied or older checkpoint anew from what the tables hold.

    Left-over plans are finished, the old checkpoint is moved aside, and the new one starts at the
    first record that the tables lack; records that they have are not read into them again.
    The queries windows and minutes just start anew: what is closed stays, what is not is closed.
    After a crash of the machine, `tables` comes first: files of tables that were left empty or
    half are put aside, and named with what they cost; `recover ingest` then takes it again.

    Records that Kafka removed before they were read are lost: `verify` misses them, until that is
    acknowledged, by --accept-loss here or by `acknowledge-loss` later.

    \b
      logpond recover tables
      logpond recover ingest
      logpond recover windows
      logpond recover ingest --moved
      logpond recover ingest --accept-loss "the disk of the broker was full on May 2nd"
    """
    from streaming.repair import recover as recovery

    places = Places.of(settings)
    if query == ALL_TABLES:
        _repair_tables(places)
        return
    with next(one for one in STREAMS if one.name == query).alone(places) as places:
        if query != INGEST.name:
            echo(f"the old checkpoint is kept as {recovery.anew(places, query) or 'none'}")
        elif moved:
            manifest = recovery.moved(places, query)
            echo(f"the checkpoint is at home in {manifest.location} now")
        else:
            _recover(settings, places, query, accept_loss)


@click.command("acknowledge-loss")
@click.argument("topic")
@click.argument("partition", type=int)
@click.argument("first", type=int)
@click.argument("last", type=int)
@click.option("--reason", required=True, help="Why they are lost: it is shown ever after.")
@with_places
def acknowledge_loss(
    places: Places, topic: str, partition: int, first: int, last: int, reason: str
) -> None:
    """Say that records FIRST to LAST of a partition are lost for good.

    `verify` misses them no more: it shows them as lost and acknowledged, by whom, when and why.
    Only what `verify` misses can be acknowledged. There is no way back.

    \b
      logpond verify
      logpond acknowledge-loss web-logs 0 120 179 --reason "retention was an hour, ingest was down"
    """
    from lakehouse.ingest.absent import Stretch
    from streaming.repair.losses import acknowledge

    loss = acknowledge(places, Stretch(topic, partition, first, last), reason)
    echo(f"{last - first + 1:,} records are acknowledged as lost, by {loss.by}")


@click.command("replay-quarantine")
@with_settings
def replay_quarantine(settings: Settings) -> None:
    """Decode open quarantine again, after a fix, and add to `logs` what passes now, once.

    \b
      logpond replay-quarantine
      logpond sql "SELECT reason, COUNT(*) FROM quarantine GROUP BY reason"
    """
    from lakehouse import store
    from lakehouse.ingest.queries import REPLAY
    from lakehouse.schemas.asked import asked
    from lakehouse.sources import sources_of
    from lakehouse.sources.limits import limits
    from lakehouse.tables.catalog import QUARANTINE
    from streaming.repair.replay import as_read, replay_quarantine

    places = Places.of(settings)
    store.open_table(places, QUARANTINE)
    decode = as_read(places, sources_of(settings))
    with asked(settings.registry):
        done = replay_quarantine(places, REPLAY.writers(places), limits(settings), decode)
    echo(f"{done.looked_at} open records looked at: {done.passed} passed and are in logs now")
    if done.capped:
        echo(f"{done.capped} were capped in quarantine and cannot be decoded from it")


def _repair_tables(places: Places) -> None:
    from lakehouse.ingest.remedies import taking_again
    from lakehouse.query import pinned
    from lakehouse.tables.catalog import TABLES
    from streaming.repair import tables

    names = [name for name in pinned.names(places) if name in TABLES]

    mended = set[str]()
    with INGEST.alone(places), MINUTES.alone(places):
        for done in tables.repair(places, names):
            rows = "an unknown number of" if done.rows is None else f"{done.rows:,}"
            echo(
                f"{done.table}: {done.file} ({done.what}) was not whole and is put aside "
                f"in {done.table}/_torn; {rows} rows went with it"
            )
            mended.add(done.table)
    again = taking_again(places, sorted(mended))
    echo(f"next: {again}; then `logpond verify`" if mended else "every table is whole")


def _recover(settings: Settings, places: Places, query: str, accept_loss: str | None) -> None:
    from lakehouse import decode
    from lakehouse.runtime.kafka_connection import Connection
    from lakehouse.sources import sources_of
    from lakehouse.store import Writer
    from streaming import subscriptions
    from streaming.repair import recover as recovery

    found = subscriptions.find(sources_of(settings), Connection.of(settings.kafka))
    writers = {table.name: Writer(places, table) for table in INGEST.tables}
    done = recovery.recover(
        places,
        query,
        found.topics,
        found.earliest,
        writers,
        INGEST.tables,
        decode.VERSION,
        found.ends,
    )
    echo(f"{done.finished_plans} plans finished")
    if done.kept_as:
        echo(f"the old checkpoint is kept as {done.kept_as}")
    echo(f"the next start begins at {done.start}")
    _render_losses(places, done.losses, accept_loss)


def _render_losses(places: Places, losses: Sequence[Stretch], reason: str | None) -> None:
    """Prints what is lost, and acknowledges it if a reason is given."""
    from streaming.repair.losses import accept

    for loss in losses:
        what = f"{loss.topic}, partition {loss.partition}, offsets {loss.first} to {loss.last}"
        echo(f"lost, the broker removed them: {what}")
        if reason is not None:
            accept(places, loss, reason)
    if losses and reason is None:
        echo("`verify` misses them, until `logpond acknowledge-loss` says that it is so")
