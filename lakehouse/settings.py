"""One frozen tree of settings: defaults < conf/logpond.toml < LOGPOND_* < flags."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from lakehouse.errors import SettingsError

CONF = Path(__file__).resolve().parent.parent / "conf"


class Section(BaseModel):
    """A part of the tree: no unknown names, no change after the start."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kafka(Section):
    """Where records come from."""

    bootstrap: str = Field("localhost:9092", min_length=1)
    topic: str = Field("web-logs", pattern=r"^[a-zA-Z0-9._-]{1,249}$")
    partitions: int = Field(4, ge=1, le=1000)
    retention_hours: int = Field(48, ge=1)
    retention_bytes: int = Field(4 << 30, ge=1 << 20)


class Ingest(Section):
    """How records become rows."""

    trigger_seconds: float = Field(2.0, ge=0)
    max_offsets: int = Field(250_000, ge=1)
    coalesce_below: int = Field(20_000, ge=0)
    ahead_minutes: float = Field(5.0, ge=0)
    behind_days: float = Field(0.0, ge=0)
    payload_cap: int = Field(1 << 20, ge=1024)


class Spark(Section):
    """What the Spark application gets."""

    master: str = "local[2]"
    driver_memory: str = Field("1g", pattern=r"^\d+[mg]$")
    ui_port: int = Field(4040, ge=0, le=65535)


class Settings(BaseSettings):
    """All settings; see conf/logpond.toml for what each means."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="LOGPOND_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

    lake: str = Field("lake", min_length=1)
    checkpoints: str = ""
    writer: Literal["deltalake", "spark"] = "deltalake"
    kafka: Kafka = Kafka()
    ingest: Ingest = Ingest()
    spark: Spark = Spark()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        **_others: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _file())


def load(**flags: Any) -> Settings:
    """The settings, with `flags` (`lake=...`, `kafka_topic=...`; None means not given) on top.

    Raises SettingsError, which lists every fault.
    """
    try:
        return Settings(**_nested(flags))
    except ValidationError as error:
        faults = [f"{_name(fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        raise SettingsError("settings do not fit:\n    " + "\n    ".join(faults),
                            f"see {_file()} for every setting and what it means") from None  # fmt: skip


def _file() -> Path:
    return Path(os.environ.get("LOGPOND_CONF", CONF / "logpond.toml"))


def _name(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)


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
