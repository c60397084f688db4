"""The constants of detection, from the text of conf/anomaly.toml to one frozen value. Pure."""

from __future__ import annotations

import hashlib
import re
import tomllib
from ipaddress import ip_network

import msgspec

from lakehouse.errors import SettingsError


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of conf/anomaly.toml, where each name is explained."""


class Levels(Section, frozen=True):
    """From which surprise on an incident is a warning, and critical; below it is info."""

    warning: float = 5.0
    critical: float = 8.0


class Incidents(Section, frozen=True):
    """When an incident opens, stays and closes."""

    open: float = 5.0
    stay: float = 3.0
    close_minutes: int = 15
    reopen_minutes: int = 30
    new_level_minutes: int = 30


class Keys(Section, frozen=True):
    """Which keys are held, and from when on they are judged."""

    warm_minutes: int = 45
    idle_minutes: int = 4320
    most: int = 100_000
    gap_rate: float = 12.0
    gap_minutes: int = 60


class Traffic(Section, frozen=True):
    """How request counts are judged."""

    level_weight: float = 1 / 20
    winsor: float = 4.0
    incident_winsor: float = 1.0
    dispersion_weight: float = 1 / 300
    dispersion_prior: float = 0.05
    prior_minutes: int = 30
    dispersion_least: float = 0.002
    spike_ratio: float = 1.3
    spike_more: float = 20.0
    drop_ratio: float = 0.6
    drop_least: float = 12.0
    silent_minutes: int = 3
    silence_known: int = 15


class Errors(Section, frozen=True):
    """How shares of errors are judged."""

    level_weight: float = 0.01
    prior_share: float = 0.01
    prior_requests: float = 50.0
    spread_weight: float = 1 / 300
    spread_prior: float = 0.01
    spread_least: float = 0.0005
    requests_least: float = 20.0
    errors_least: float = 5.0
    ratio: float = 2.0
    points: float = 0.02
    critical_share: float = 0.5


class Latency(Section, frozen=True):
    """How the 95th percentile of latency is judged."""

    level_weight: float = 0.03
    variance_weight: float = 1 / 300
    tau_prior: float = 0.01
    tau_least: float = 0.0004
    s2_prior: float = 1.0
    freedom: float = 16.0
    winsor: float = 4.0
    incident_winsor: float = 1.0
    requests_least: float = 20.0
    ratio: float = 1.5
    more_ms: float = 100.0
    far_ratio: float = 3.0
    far_more_ms: float = 20.0


class Burstiness(Section, frozen=True):
    """How much more a key must surprise that often nearly alerts."""

    least: float = 2.5
    apart_minutes: int = 15
    usual: float = 0.5
    weight: float = 1.5
    forget: float = 1 / 7200


class Zscore(Section, frozen=True):
    """The plain method."""

    window: int = 60
    limit: float = 3.0


class Score(Section, frozen=True):
    """How any series is scored."""

    votes: float = 0.11
    pause: int = 60
    hold: int = 30
    rest: int = 100
    warm_rows: int = 200
    margins: tuple[float, ...] = (0.02, 0.1)
    forget: float = 1 / 5000


class Addresses(Section, frozen=True):
    """What an address must not do, and which addresses are let alone."""

    warm_minutes: int = 60
    known_requests: float = 10.0
    hammering_minutes: int = 1
    hammering_requests: float = 100.0
    hammering_times: float = 10.0
    hammering_high: float = 3.0
    scanning_minutes: int = 5
    scanning_errors: int = 15
    scanning_paths: int = 10
    scanning_share: float = 0.3
    probing_attacks: int = 10
    logins: tuple[str, ...] = ("login", "signin", "sign-in", "authenticate")
    login_minutes: int = 10
    login_refused: int = 10
    login_share: float = 0.2
    spraying_addresses: int = 20
    surge_warm_minutes: int = 1440
    stay_part: float = 0.5
    most: int = 20_000
    ignore: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in (*self.ignore, *self.trusted_proxies):
            ip_network(text)
        if not all(re.fullmatch("[a-z0-9-]+", word) for word in self.logins):
            raise ValueError("logins are words of a-z, 0-9 and -")


class Config(Section, frozen=True):
    """All constants of detection."""

    levels: Levels = Levels()
    incidents: Incidents = Incidents()
    keys: Keys = Keys()
    traffic: Traffic = Traffic()
    errors: Errors = Errors()
    latency: Latency = Latency()
    burstiness: Burstiness = Burstiness()
    zscore: Zscore = Zscore()
    addresses: Addresses = Addresses()
    score: Score = Score()

    @property
    def hash(self) -> str:
        """Twelve digits that change when any constant does."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]


def parse(text: str, where: str = "conf/anomaly.toml") -> Config:
    """The value of a TOML text; what it leaves out has its default.

    SettingsError where a name, a type or a value does not fit. `[restless]` is the old name of
    `[burstiness]`.
    """
    try:
        sections = tomllib.loads(text)
        if "restless" in sections:
            sections["burstiness"] = sections.pop("restless")
        return msgspec.convert(sections, Config)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise SettingsError(f"{where}: {fault}", "See conf/anomaly.toml for every name.") from None
