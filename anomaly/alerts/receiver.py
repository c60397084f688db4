"""Who is told of incidents: what all kinds of receivers have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from anomaly.alerts.message import Message
from anomaly.alerts.posting import Answer, Request, post
from anomaly.engine.incident import Incident
from lakehouse.secret_files import secret
from lakehouse.setting_checks import check_address, check_token, is_this_machine
from lakehouse.tables.incidents import SEVERITIES

HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
Address = Annotated[SecretStr, AfterValidator(check_address)]
Hours = Annotated[float, Field(ge=0)]
Token = Annotated[SecretStr, AfterValidator(check_token)]


class Receiver(BaseModel, ABC):
    """A table of the file of receivers: what it gets, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    services: list[str] = []
    """Incidents of these services only. Those of all traffic and of addresses have none: they go to
    receivers that name no service."""
    least: Literal["info", "warning", "critical"] = "info"
    """The least severity that is sent."""
    quiet: str = ""
    """From when to when only critical ones are sent, as `22:00-07:00`. What opened then and is
    still open at its end is sent as opened; what is over by then is not."""
    zone: str = "UTC"
    """The time zone of `quiet`, as `Europe/Berlin`."""
    repeat_hours: Hours = 0.0
    """An incident that is still open is sent again so long after the last time. 0: it is not."""
    page: str = ""
    """The address of logpond's pages, for a link in the message, as `https://logs.example.org`."""
    ends_by_silence: ClassVar[bool] = False
    """Whether it takes for over what is not repeated, so that an acknowledged one is too."""

    @abstractmethod
    def deliver(self, message: Message, seconds: float) -> Answer:
        """Sends a message, within about twice these seconds."""

    def wants(self, incident: Incident, now: datetime) -> bool:
        """Whether the opening of an incident is sent."""
        if self.services and incident.service not in self.services:
            return False
        rank = SEVERITIES.index(incident.severity)
        least = "critical" if self.is_quiet(now) else self.least
        return rank >= max(SEVERITIES.index(self.least), SEVERITIES.index(least))

    def is_quiet(self, now: datetime) -> bool:
        """Whether it is within `quiet`, which may go over midnight."""
        if not (hours := HOURS.fullmatch(self.quiet)):
            return False
        first, last = (time(int(hours[n]), int(hours[n + 1])) for n in (1, 3))
        at = now.astimezone(ZoneInfo(self.zone)).time()
        return first <= at < last if first <= last else at >= first or at < last

    def link(self, message: Message) -> str:
        """Returns the address of the incident's page; empty where none is known."""
        if not self.page or message.incident is None:
            return ""
        return f"{self.page.rstrip('/')}/incidents/{message.key}"

    @model_validator(mode="before")
    @classmethod
    def _read_secrets(cls, given: Any) -> Any:
        """Reads each secret that is given as a file: `url_file` for `url`."""
        if not isinstance(given, Mapping):
            raise ValueError("a receiver is a table: [NAME]")
        read, faults = dict(given), list[str]()
        for name in cls.model_fields:
            file = read.get(f"{name}_file")
            if f"{name}_file" in cls.model_fields and isinstance(file, str):
                read[name] = secret(name, SecretStr(str(read.get(name, ""))), file, faults)
        if faults:
            raise ValueError("; ".join(faults))
        return read

    @field_validator("quiet")
    @classmethod
    def _check_quiet(cls, text: str) -> str:
        if text and not HOURS.fullmatch(text):
            raise ValueError("is no time of the day such as 22:00-07:00")
        return text

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, name: str) -> str:
        try:
            return ZoneInfo(name).key
        except (KeyError, OSError, ValueError):
            raise ValueError(f"there is no time zone {name}, as Europe/Berlin") from None

    @field_validator("ca_file", check_fields=False)
    @classmethod
    def _check_file(cls, name: str) -> str:
        if name and not Path(name).is_file():
            raise ValueError(f"there is no file {name}")
        return name

    @field_validator("page")
    @classmethod
    def _check_page(cls, text: str) -> str:
        check_address(SecretStr(text))
        return text


class HttpReceiver(Receiver):
    """A receiver to which messages are posted."""

    url: Address = SecretStr("")
    """Where to. It may hold a key, so it is never shown or logged."""
    url_file: str = ""
    """A file that holds it, instead."""
    ca_file: str = ""
    """Who else may have signed the server's certificate."""

    def deliver(self, message: Message, seconds: float) -> Answer:
        """Posts what `request` makes of a message, and reads whether it was taken."""
        return post(self.request(message), seconds)

    @abstractmethod
    def request(self, message: Message) -> Request:
        """Returns what is posted."""

    @property
    def address(self) -> str:
        """Where to, in the clear."""
        return self.url.get_secret_value()

    @model_validator(mode="after")
    def _check_way(self) -> HttpReceiver:
        """Refuses a way on which others could read a secret."""
        if not self.address:
            raise ValueError("it needs a url, or a url_file")
        parts = urlsplit(self.address)
        is_far = parts.scheme == "http" and not is_this_machine(parts.hostname or "")
        if is_far and self.has_secret():
            raise ValueError("a secret goes to another machine by https:// only")
        return self

    def has_secret(self) -> bool:
        """Whether who reads along could send too, or read the incidents' key."""
        return True
