"""One frozen tree of settings: defaults < conf/logpond.toml < LOGPOND_* < flags."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from lakehouse.errors import SettingsError
from lakehouse.kafka_settings import Kafka as Kafka
from lakehouse.privacy_settings import Privacy as Privacy
from lakehouse.registry_settings import Registry as Registry
from lakehouse.retention_settings import Retention as Retention
from lakehouse.server_settings import Gateway as Gateway
from lakehouse.server_settings import Http as Http
from lakehouse.server_settings import Postgres as Postgres
from lakehouse.server_settings import Section
from lakehouse.server_settings import Web as Web
from lakehouse.setting_checks import (
    check_address,
    check_key,
    check_token,
    is_this_machine,
)
from lakehouse.settings_file import CONF as CONF
from lakehouse.settings_file import Variables, origin, place, read
from lakehouse.storage_settings import Storage as Storage

SIMILAR = 0.75  # of a word to another, by difflib: "injest" is 0.83 like "ingest"


class Ingest(Section):
    """How records become rows."""

    trigger_seconds: Annotated[float, Field(ge=0)] = 2.0
    """Seconds between micro-batches. Shorter: fresher, and more commits."""
    max_offsets: Annotated[int, Field(ge=1)] = 250_000
    """Most records a micro-batch takes. Bounds its memory when there is a backlog."""
    batch_seconds: Annotated[float, Field(gt=0)] = 5.0
    """About how long the records of a micro-batch may take, beside what each batch costs. In a
    backlog batches start small, and grow or shrink to it, up to twice as long. Longer: fewer files,
    and rows come later.
    """
    max_batch_bytes: Annotated[int, Field(ge=1 << 20)] = 512 << 20
    """About the most bytes of records that a micro-batch takes. What they weigh is learned from
    those before; a first batch goes by some of those that wait.
    """
    coalesce_below: Annotated[int, Field(ge=0)] = 20_000
    """Below this many records a batch runs as one task, and leaves one file a table and hour.
    Above, no task gets less than half of it, however many cores a cluster has.
    """
    ahead_minutes: Annotated[float, Field(ge=0)] = 5.0
    """An event this far ahead of the broker's clock is rejected, before any watermark sees it."""
    behind_days: Annotated[float, Field(ge=0)] = 0.0
    """An event this far behind the broker's clock is rejected. 0: no limit."""
    payload_cap: Annotated[int, Field(ge=1024)] = 1 << 20
    """Most bytes of a rejected payload that quarantine keeps."""


class Windows(Section):
    """When windows are final."""

    trigger_seconds: Annotated[float, Field(gt=0)] = 30.0
    """Seconds between two looks at which half hours are over. Shorter: closed sooner, and more
    work.
    """
    watermark_minutes: Annotated[float, Field(ge=0)] = 2.0
    """How long a half hour waits for late events after the newest one. Longer: fewer late rows,
    closed later. Rows that are there were closed with it: a change wants `logpond rebuild`.
    """


class Upkeep(Section):
    """How the streaming program keeps its tables healthy."""

    every_minutes: Annotated[float, Field(ge=0)] = 5.0
    """Minutes between two passes of upkeep, in a process of their own beside the stream. 0: none;
    then run `logpond upkeep` yourself, or every commit gets slower with each one before it.
    """
    small_files: Annotated[int, Field(ge=1)] = 30
    """More small files (under 16 MB) than this in an hour or a day are merged. Fewer: cheaper
    commits and faster queries, and more rewriting.
    """
    closed_after_minutes: Annotated[float, Field(ge=0)] = 10.0
    """An hour is closed when the newest event is this far past its end; its rows are then ordered,
    once. Shorter than lateness is: ordered again when late rows weigh a tenth of it.
    """
    memory_mb: Annotated[int, Field(ge=64)] = 256
    """What sorting may hold; beyond it sorts on disk. The process takes some 400 MB more."""
    history_hours: Annotated[int, Field(ge=1)] = 168
    """How far back versions can be read (--version, --as-of); what only older ones need is deleted.
    """
    history_commits: Annotated[int, Field(ge=10)] = 10_000
    """At most so many commits of it, but an hour at least: at a 2 s trigger 10,000 are 5.5 hours.
    Each kept one costs every commit 2.5 us, and every look of a stream at the table 0.1 ms. A table
    that so reaches back for less than the hours above keeps its files for as many whole days only.
    """
    vacuum_every_hours: Annotated[float, Field(ge=0)] = 6.0
    """Hours between two looks for files that no kept version needs."""
    reconcile_every_minutes: Annotated[float, Field(ge=0)] = 30.0
    """Minutes between two looks for rows that came too late for their windows: these are counted
    again, in a revision of their own. 0: never; then `logpond reconcile` does it.
    """
    reconcile_days: Annotated[int, Field(ge=0)] = 7
    """How old windows may be that are counted again so, in days back from the newest date of logs.
    0: of any age.
    """
    retain_days: Annotated[int, Field(ge=0)] = 0
    """Days of rows to keep, back from the newest date of each table. 0: for ever. Other days by
    table, source or service are in [retention].
    """


class Anomaly(Section):
    """When minutes are final, and looked at."""

    trigger_seconds: Annotated[float, Field(gt=0)] = 5.0
    """Seconds between two looks at which minutes are over; how it judges them is in
    conf/anomaly.toml.
    """
    watermark_seconds: Annotated[float, Field(ge=0)] = 30.0
    """How long a minute waits for late events after the newest one. Longer: later alerts, fewer
    late rows, which are counted and never judged. Minutes that are there were closed with it.
    """
    ui_port: Annotated[int, Field(ge=0, le=65535)] = 4041
    """Spark's pages of `logpond detect`, beside those of ingest. Where it is taken, the next free
    one.
    """


class Webhook(Section):
    """Where alerts about incidents are sent. Times and bounds hold for every receiver."""

    url: Annotated[SecretStr, AfterValidator(check_address)] = SecretStr("")
    """Where incidents are posted as JSON when they open, escalate and close. Empty: nowhere. Also
    LOGPOND_WEBHOOK_URL; it is never shown or logged.
    """
    token: Annotated[SecretStr, AfterValidator(check_token)] = SecretStr("")
    """With one, posts carry `Authorization: Bearer <token>`. Better as LOGPOND_WEBHOOK_TOKEN."""
    secret: Annotated[SecretStr, AfterValidator(check_key)] = SecretStr("")
    """With one, posts are signed, so that who gets them knows that they are ours, and new:
    `X-Logpond-Signature: t=<seconds>,v1=<HMAC-SHA256>`. docs/webhook.md says how to check it.
    Better as LOGPOND_WEBHOOK_SECRET.
    """
    timeout_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long an answer may take."""
    retry_seconds: Annotated[float, Field(gt=0)] = 1.0
    """Seconds before the second try, doubled with each further one."""
    retry_most_seconds: Annotated[float, Field(gt=0)] = 300.0
    """The longest pause between two tries, which go on until the address answers."""
    waiting_most: Annotated[int, Field(ge=1)] = 1000
    """The most alerts that wait on disk for a dead address; beyond them the oldest are dropped, and
    counted: `logpond alerts`.
    """
    old_hours: Annotated[float, Field(gt=0)] = 24.0
    """What opened or escalated so long ago is not sent any more: an old history that is folded
    anew.
    """

    @model_validator(mode="after")
    def _no_secret_in_the_clear(self) -> Webhook:
        """Refuses a token or a secret where whoever is on the way could read along."""
        parts = urlsplit(self.url.get_secret_value())
        is_secret = self.token.get_secret_value() or self.secret.get_secret_value()
        if is_secret and parts.scheme == "http" and not is_this_machine(parts.hostname or ""):
            raise ValueError("a token or a secret goes to another machine by https:// only")
        return self


class Spark(Section):
    """What the Spark application gets."""

    master: str = "local[2]"
    """Where executors run: "local[2]" (two cores of this machine), "spark://host:7077", ..."""
    driver_memory: Annotated[str, Field(pattern=r"^\d+[mg]$")] = "1g"
    """What the JVM of Spark may hold; Python and DuckDB come on top."""
    ui_port: Annotated[int, Field(ge=0, le=65535)] = 4040
    """Where Spark's pages of the stream are. Where it is taken, the next free one."""
    ui_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Where its pages listen. Any other than this machine's own: they ask nobody for a password."""
    event_log_mb: Annotated[int, Field(ge=0)] = 0
    """What event logs may take on disk, for `logpond spark-ui` to show runs that are over. 0: none
    are written. A batch of the stream writes 15 kB of them; of a run that goes on, the last half
    hour or so is kept.
    """
    secret_file: str = ""
    """On a cluster: a file with the secret that its master and workers know too
    (`spark.authenticate`). Empty: whoever reaches them may use them.
    """
    executor_jars: str = ""
    """On a cluster: the folder where executors have logpond's jars, as /opt/jars in its image.
    Empty: they are sent to each, some 70 MB.
    """


class Sql(Section):
    """What one question of `logpond sql` may take."""

    seconds: Annotated[float, Field(gt=0)] = 600.0
    """How long it may take."""
    memory_mb: Annotated[int, Field(ge=64)] = 2048
    """What DuckDB may hold, and, besides, the answer. Sorting beyond it goes on on disk."""
    temp_mb: Annotated[int, Field(ge=0)] = 8192
    """What it may put on disk meanwhile, in a folder of its own below TMPDIR."""


# Settings that were, and where their meaning went.
REMOVED = {"watch_time": "is no section any more: its settings are flags of `logpond watch-time`"}


class Settings(BaseSettings):
    """Every setting of logpond, with its default. Read in this order, the later wins: these
    defaults, this file, the environment (LOGPOND_<SECTION>_<NAME>, as LOGPOND_KAFKA_TOPIC), flags.

    This file is made from lakehouse/settings.py by `make conf`.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="LOGPOND_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

    lake: Annotated[str, Field(min_length=1)] = "lake"
    """The lake: a folder, or a place in a bucket: s3://BUCKET/PATH. LOGPOND_LAKE, --lake."""
    sources: str = ""
    """The file that says which topics are read, and how. Empty: conf/sources.toml."""
    receivers: str = ""
    """The file that says who is told of incidents. Empty: conf/receivers.toml."""
    rules: str = ""
    """The folder of rules of your own, files of TOML. Empty: conf/rules."""
    checkpoints: str = ""
    """Checkpoints, their plans and manifests. Empty: <lake>/_checkpoints."""
    access: Literal["owner", "group"] = "owner"
    """Who can read a new lake: who made it, or also the group of its folder. Nobody else, whatever
    the umask; only the owner writes. A lake that is there stays as it is: see `logpond doctor`.
    """
    durability: Literal["process", "power"] = "process"
    """What a write survives: the end of a process, or also the loss of power. "power" waits for the
    disk a few times a batch.
    """
    storage: Storage = Storage()
    lease_seconds: Annotated[float, Field(ge=2, le=600)] = 15.0
    """A lake at a URL: how long who writes it keeps that without a sign of life. Then a
    `--standby`, or the next start, takes over. Shorter: sooner, and more requests (one in a third
    of it); a bucket that is slow for as long holds the stream up.
    """
    kafka: Kafka = Kafka()
    registry: Registry = Registry()
    ingest: Ingest = Ingest()
    privacy: Privacy = Privacy()
    windows: Windows = Windows()
    anomaly: Anomaly = Anomaly()
    webhook: Webhook = Webhook()
    upkeep: Upkeep = Upkeep()
    retention: Retention = Retention()
    spark: Spark = Spark()
    sql: Sql = Sql()
    web: Web = Web()
    gateway: Gateway = Gateway()
    postgres: Postgres = Postgres()
    http: Http = Http()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file."""
        return init_settings, Variables(settings_cls), InitSettingsSource(settings_cls, read())


def load(**flags: Any) -> Settings:
    """The settings, with `flags` (`lake=...`, `kafka_topic=...`; None means not given) on top.

    Raises SettingsError, which lists every fault.
    """
    _refuse_misspelt(os.environ)
    try:
        return Settings(**_nested(flags))
    except ValidationError as error:
        faults = [
            f"{_origin(fault['loc'], flags)}: {REMOVED.get(str(fault['loc'][0]), fault['msg'])}"
            for fault in error.errors()
        ]
        raise SettingsError(
            "settings do not fit:\n    " + "\n    ".join(faults),
            f"see {place()} for every setting and what it means",
        ) from None


def _refuse_misspelt(variables: Iterable[str]) -> None:
    """A variable of a section that is none, but nearly one: its setting would not be heard of."""
    for name in sorted(name for name in variables if name.startswith("LOGPOND_")):
        section, _, leaf = name.removeprefix("LOGPOND_").lower().partition("_")
        near = get_close_matches(section, Settings.model_fields, 1, SIMILAR)
        if leaf and near and near != [section]:
            right = f"LOGPOND_{near[0]}_{leaf}".upper()
            raise SettingsError(f"{name} is no setting", f"do you mean {right}?")


def _origin(location: tuple[int | str, ...], flags: dict[str, Any]) -> str:
    """A setting's name, with where it got its value: no file is to blame for a flag."""
    is_flag = flags.get("_".join(map(str, location))) is not None
    return ".".join(map(str, location)) if is_flag else origin(location)


def _nested(flags: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flags.items():
        section, _, leaf = name.partition("_")
        if value is None:
            continue
        if leaf:
            tree.setdefault(section, {})[leaf] = value
        else:
            tree[name] = value
    return tree
