"""What a lake is connected to: sources, receivers, Kafka, the schema registry, the bucket."""

from __future__ import annotations

from cli.checks.check import Check
from lakehouse.errors import BrokerError
from lakehouse.paths import Places, is_url
from lakehouse.settings import Settings

MOST_SKEW_SECONDS, SLOW_MS = 60.0, 200.0


def _sources(settings: Settings, _places: Places) -> Check:
    from lakehouse.sources import sources_of

    found = sources_of(settings)
    return Check("sources", "ok", f"{', '.join(found.by_name)} in {found.file}")


def _receivers(settings: Settings, places: Places) -> Check:
    from anomaly.alerts.outbox import Outbox
    from anomaly.alerts.receivers import receivers_of

    found, most = receivers_of(settings), settings.webhook.waiting_most
    if not found:
        return Check("receivers", "ok", "none: incidents are shown, and sent to nobody")
    waits = {name: Outbox.counts_of(places, name, most)["waiting"] for name in found}
    late = ", ".join(f"{count} for {name}" for name, count in waits.items() if count)
    if late:
        return Check(
            "receivers", "note", f"alerts wait: {late}", "`logpond alerts test NAME` says why"
        )
    return Check(
        "receivers", "ok", ", ".join(f"{name} ({one.kind})" for name, one in found.items())
    )


def _rules(settings: Settings, _places: Places) -> Check:
    """Whether all files of rules fit."""
    from anomaly.rules.folder import HELP, folder_of, rules_in

    found = rules_in(folder_of(settings))
    if found.faults:
        return Check("rules", "bad", "; ".join(found.faults), HELP)
    return Check("rules", "ok", f"{len(found.enabled)} on, of {len(found.rules)}")


def _kafka(settings: Settings, places: Places) -> Check:
    from lakehouse.runtime import kafka
    from lakehouse.runtime.embedded_kafka import connection, is_foreign
    from lakehouse.sources import sources_of
    from streaming import subscriptions

    where = connection(places, settings.kafka)
    is_named = is_foreign(settings.kafka)
    sources = sources_of(settings)
    try:
        kafka.expect(where)
        found = subscriptions.find(sources, where)
    except BrokerError as error:
        if is_named:
            raise
        return Check("kafka", "note", error.what, "`logpond up` brings its own")
    names = ", ".join(topic.name for topic in found.topics)
    clocks = kafka.clocks(where, [topic.name for topic in found.topics])
    if unseen := ", ".join(clocks.unseen):
        return Check(
            "kafka",
            "note",
            f"{names} at {where}: whose clock {unseen} keeps cannot be seen",
            "give the right DescribeConfigs, or be sure of message.timestamp.type=LogAppendTime",
        )
    if theirs := clocks.of_producers:
        return Check(
            "kafka",
            "note",
            f"{', '.join(theirs)} at {where} keeps its producers' clocks",
            "set message.timestamp.type=LogAppendTime",
        )
    partitions = sum(topic.partitions for topic in found.topics)
    return Check("kafka", "ok", f"{names} at {where}: {partitions} partitions")


def _registry(settings: Settings, _places: Places) -> Check:
    """Whether the schema registry answers, where a source asks one."""
    from lakehouse.schemas.asked import at_start
    from lakehouse.schemas.connection import RegistryConnection
    from lakehouse.sources import sources_of

    sources = sources_of(settings)
    readings = [of.reading(name, "any") for name, of in sources.by_name.items()]
    connection, silent = at_start(settings.registry, readings)
    if silent:
        remedy = "`logpond replay-quarantine` takes them once it answers"
        return Check("registry", "bad", silent, remedy)
    if connection is None:
        is_set = RegistryConnection.of(settings.registry) is not None
        return Check("registry", "ok", "no source asks it" if is_set else "none is set or needed")
    if connection.shows_its_password:
        found = f"{connection} answers, and is told its password in the clear"
        return Check("registry", "note", found, "registry.url: https://")
    return Check("registry", "ok", f"{connection} answers")


def _bucket(settings: Settings, places: Places) -> Check:
    """Tries what a lake in a bucket needs: rights, conditional put, a clock that is right."""
    from lakehouse.storage import Storage, trial

    urls = [place for place in (places.lake, places.checkpoints) if is_url(place)]
    if not urls:
        return Check("bucket", "ok", "the lake is in a folder")
    tried = trial.run(urls[0])
    where = Storage.of(settings.storage).where
    took = f"a put takes {tried.put_ms:.0f} ms, a get {tried.get_ms:.0f} ms"
    if not tried.is_conditional:
        found = f"{where} overwrites what it is asked to create: two writers could lose a commit"
        return Check("bucket", "bad", found, "take a store with conditional put (If-None-Match)")
    if abs(tried.skew_seconds) > MOST_SKEW_SECONDS:
        found = f"the clock of {where} is {tried.skew_seconds:+.0f} s from this machine's"
        return Check("bucket", "bad", found, "set both by NTP: requests are signed with the time")
    if max(tried.put_ms, tried.get_ms) > SLOW_MS:
        remedy = "a batch asks some 30 times: raise [ingest] trigger_seconds, or move nearer"
        return Check("bucket", "note", f"{where} is slow: {took}", remedy)
    return Check(
        "bucket", "ok", f"may put, get, list and delete at {where}, conditional put holds; {took}"
    )


CHECKS = {
    "sources": _sources,
    "receivers": _receivers,
    "rules": _rules,
    "kafka": _kafka,
    "registry": _registry,
    "bucket": _bucket,
}
