"""One frozen tree of settings: defaults < conf/logpond.toml < LOGPOND_* < flags."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from lakehouse.errors import SettingsError

CONF = Path(__file__).resolve().parent.parent / "conf"


class Section(BaseModel):
    """A part of the tree: no unknown names, no change after the start."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kafka(Section):
    """Where records come from."""

    bootstrap: Annotated[str, Field(min_length=1)] = "localhost:9092"
    topic: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")] = "web-logs"
    partitions: Annotated[int, Field(ge=1, le=1000)] = 4
    retention_hours: Annotated[int, Field(ge=1)] = 48
    retention_bytes: Annotated[int, Field(ge=1 << 20)] = 4 << 30


class Ingest(Section):
    """How records become rows."""

    trigger_seconds: Annotated[float, Field(ge=0)] = 2.0
    max_offsets: Annotated[int, Field(ge=1)] = 250_000
    coalesce_below: Annotated[int, Field(ge=0)] = 20_000
    ahead_minutes: Annotated[float, Field(ge=0)] = 5.0
    behind_days: Annotated[float, Field(ge=0)] = 0.0
    payload_cap: Annotated[int, Field(ge=1024)] = 1 << 20


class Windows(Section):
    """When windows are final."""

    trigger_seconds: Annotated[float, Field(gt=0)] = 30.0
    watermark_minutes: Annotated[float, Field(ge=0)] = 2.0


class Upkeep(Section):
    """How the streaming program keeps its tables healthy."""

    every_minutes: Annotated[float, Field(ge=0)] = 5.0
    small_files: Annotated[int, Field(ge=1)] = 30
    closed_after_minutes: Annotated[float, Field(ge=0)] = 10.0
    memory_mb: Annotated[int, Field(ge=64)] = 256
    history_hours: Annotated[int, Field(ge=1)] = 168
    history_commits: Annotated[int, Field(ge=10)] = 10_000
    vacuum_every_hours: Annotated[float, Field(ge=0)] = 6.0
    retain_days: Annotated[int, Field(ge=0)] = 0


class Anomaly(Section):
    """When minutes are final, and looked at."""

    trigger_seconds: Annotated[float, Field(gt=0)] = 5.0
    watermark_seconds: Annotated[float, Field(ge=0)] = 30.0
    ui_port: Annotated[int, Field(ge=0, le=65535)] = 4041


def _address(secret: SecretStr) -> SecretStr:
    """Refuses what cannot be posted to, without showing it: an address may hold a key."""
    parts = urlsplit(text := secret.get_secret_value())
    is_http = parts.scheme in ("http", "https")
    if text and not (is_http and parts.hostname and parts.port != 0 and _is_plain(text)):
        raise ValueError("must be an http:// or https:// address")
    if parts.username is not None:
        raise ValueError("has a name in it: give a key as webhook.token")
    return secret


def _token(secret: SecretStr) -> SecretStr:
    if not _is_plain(secret.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces")
    return secret


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


class Webhook(Section):
    """Whom incidents are told."""

    url: Annotated[SecretStr, AfterValidator(_address)] = SecretStr("")
    token: Annotated[SecretStr, AfterValidator(_token)] = SecretStr("")
    timeout_seconds: Annotated[float, Field(gt=0)] = 10.0
    retry_seconds: Annotated[float, Field(gt=0)] = 1.0
    retry_most_seconds: Annotated[float, Field(gt=0)] = 300.0
    waiting_most: Annotated[int, Field(ge=1)] = 1000
    old_hours: Annotated[float, Field(gt=0)] = 24.0


class Spark(Section):
    """What the Spark application gets."""

    master: str = "local[2]"
    driver_memory: Annotated[str, Field(pattern=r"^\d+[mg]$")] = "1g"
    ui_port: Annotated[int, Field(ge=0, le=65535)] = 4040
    ui_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    event_log_mb: Annotated[int, Field(ge=0)] = 0
    secret_file: str = ""


class Web(Section):
    """The pages: where they are served, who may see them, what they may hold."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    token: SecretStr = SecretStr("")
    memory_mb: Annotated[int, Field(ge=64)] = 160


# Settings that were, and where their meaning went.
REMOVED = {"watch_time": "is no section any more: its settings are flags of `logpond watch-time`"}


class Settings(BaseSettings):
    """All settings; see conf/logpond.toml for what each means."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="LOGPOND_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

    lake: Annotated[str, Field(min_length=1)] = "lake"
    checkpoints: str = ""
    kafka: Kafka = Kafka()
    ingest: Ingest = Ingest()
    windows: Windows = Windows()
    anomaly: Anomaly = Anomaly()
    webhook: Webhook = Webhook()
    upkeep: Upkeep = Upkeep()
    spark: Spark = Spark()
    web: Web = Web()

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
        return init_settings, env_settings, InitSettingsSource(settings_cls, _read(_file()))


def load(**flags: Any) -> Settings:
    """The settings, with `flags` (`lake=...`, `kafka_topic=...`; None means not given) on top.

    Raises SettingsError, which lists every fault.
    """
    try:
        return Settings(**_nested(flags))
    except ValidationError as error:
        faults = [
            f"{_origin(fault['loc'])}: {REMOVED.get(str(fault['loc'][0]), fault['msg'])}"
            for fault in error.errors()
        ]
        raise SettingsError(
            "settings do not fit:\n    " + "\n    ".join(faults),
            f"see {_file()} for every setting and what it means",
        ) from None


def _file() -> Path:
    return Path(os.environ.get("LOGPOND_CONF") or CONF / "logpond.toml")


def _read(file: Path) -> dict[str, Any]:
    """What a settings file says. Windows may have written it, with a byte order mark and CRLF."""
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = file.read_bytes().count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{file}, line {line}: this is not UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{file}: {error}") from None
    except OSError as error:
        if isinstance(error, FileNotFoundError) and "LOGPOND_CONF" not in os.environ:
            return {}
        raise SettingsError(f"{file}: {error.strerror}", "LOGPOND_CONF names it") from None


def _origin(location: tuple[int | str, ...]) -> str:
    """A setting's name, and where it got its value: the variable, or else the line of the file."""
    names = [str(part) for part in location]
    name, variable = ".".join(names), "_".join(["LOGPOND", *names]).upper()
    if variable in map(str.upper, os.environ):
        return f"{name} ({variable})"
    *section, key = names
    within: list[str] = []
    for number, line in enumerate(_lines(_file()), 1):
        if line.startswith("["):
            within = [line.strip("[] ")]
        if within == section and line.partition("=")[0].strip(" \"'") == key:
            return f"{name} ({_file()}, line {number})"
    return name


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8-sig").splitlines() if file.is_file() else []


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
