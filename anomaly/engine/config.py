"""The constants of detection and what each leads to; conf/anomaly.toml is made of them. Pure."""

from __future__ import annotations

import hashlib
import re
import tomllib
from ipaddress import ip_network

import msgspec

from lakehouse.errors import SettingsError


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of conf/anomaly.toml: no unknown names, no change."""


class Levels(Section, frozen=True):
    """From which surprise U on an incident is a warning, and critical; below it is info."""

    warning: float = 5.0
    """U from which an incident is a warning; below, it is info. What is usual at this hour of the
    week counts one level lower.
    """
    critical: float = 8.0
    """U from which it is critical. Lower: more people are woken."""


class Incidents(Section, frozen=True):
    """When an incident opens, stays and closes. Two limits are a hysteresis against flapping."""

    open: float = 5.0
    """U that opens an incident, with every gate of its detector. Lower: found sooner, and more
    false alarms.
    """
    stay: float = 3.0
    """U that keeps it open. Lower than `open` (a hysteresis), so that what wavers around one limit
    is one incident.
    """
    close_minutes: int = 15
    """It is closed after so many minutes below `stay`."""
    reopen_minutes: int = 30
    """A breach so soon after the end opens it again, instead of another: flapping is one incident.
    """
    new_level_minutes: int = 30
    """After so many minutes what was an incident is the new baseline: closed, and learned at once.
    """


class Keys(Section, frozen=True):
    """Which keys have a state, and from when on they are judged."""

    warm_minutes: int = 45
    """A key is judged once it is so many minutes old. Shorter: sooner, by a baseline that is not
    sure yet.
    """
    idle_minutes: int = 4320
    """A key without a request for so long is forgotten, with its baseline."""
    most: int = 100_000
    """The most keys that have a state; further ones are counted, and not judged. Bounds memory."""
    gap_rate: float = 12.0
    """Minutes without any row are taken as zeros, unless so many requests a minute were expected:
    then there is no data, and nothing is judged.
    """
    gap_minutes: int = 60
    """Longer gaps count as so many minutes."""


class Traffic(Section, frozen=True):
    """How request counts are judged."""

    level_weight: float = 1 / 20
    """Weight of a minute in the baseline, an EWMA (1/20: it forgets half in 14 minutes). It lags by
    the five minutes that are judged. More: follows faster, and swallows slow incidents.
    """
    winsor: float = 4.0
    """So many standard deviations from the baseline a minute counts at most while it is learned.
    """
    incident_winsor: float = 1.0
    """The same in an incident: less, so that the incident does not become the baseline."""
    dispersion_weight: float = 1 / 300
    """Weight of a minute in the learned over-dispersion. More: one wild hour hides the next."""
    dispersion_prior: float = 0.05
    """The over-dispersion before anything is learned. More: new keys alarm less."""
    prior_minutes: int = 30
    """For how many minutes of a key that prior counts."""
    dispersion_least: float = 0.002
    """No key is taken for steadier than this."""
    spike_ratio: float = 1.3
    """Gate: a spike is at least so many times the expected."""
    spike_more: float = 20.0
    """Gate: a spike is at least so many requests over the expected."""
    drop_ratio: float = 0.6
    """Gate: a drop is to at most this part of the expected."""
    drop_least: float = 12.0
    """Gate: where fewer requests than this are expected, no drop is reported."""
    silent_minutes: int = 3
    """So many minutes in a row without a request are critical."""
    silence_known: int = 15
    """After so many of them it is no news: what came and went before it was judged opens nothing.
    """


class Errors(Section, frozen=True):
    """How shares of errors are judged."""

    level_weight: float = 0.01
    """Weight of a minute in the baseline share of errors, an EWMA."""
    prior_share: float = 0.01
    """The share that is expected before anything is learned."""
    prior_requests: float = 50.0
    """As how many requests that share counts. More: learned later, and fewer early alarms."""
    spread_weight: float = 1 / 300
    """Weight of a minute in the learned spread of the share."""
    spread_prior: float = 0.01
    """The spread before anything is learned (0: errors fall as coins do)."""
    spread_least: float = 0.0005
    """No share is taken for steadier than this."""
    requests_least: float = 20.0
    """Gate: among fewer requests in five minutes nothing is reported."""
    errors_least: float = 5.0
    """Gate: fewer errors in five minutes are none."""
    ratio: float = 2.0
    """Gate: at least so many times the expected errors."""
    points: float = 0.02
    """Gate: a share at least so much above the expected one."""
    critical_share: float = 0.5
    """A larger share than this is critical, whatever its U."""


class Latency(Section, frozen=True):
    """How the 95th percentile of latency is judged, by its logarithm."""

    level_weight: float = 0.03
    """Weight of a minute in the baseline p95, an EWMA."""
    variance_weight: float = 1 / 300
    """Weight of a minute in its variance, which is a learned multiple of tau + s2 / requests."""
    tau_prior: float = 0.01
    """tau: what the p95 of endless requests still wavers."""
    tau_least: float = 0.0004
    """No p95 is taken for steadier than this variance."""
    s2_prior: float = 1.0
    """s2: what one request more or less moves the p95. More: few requests surprise less."""
    freedom: float = 16.0
    """Degrees of freedom of the tail (Student's t): fewer, and far-off values surprise less."""
    winsor: float = 4.0
    """So many standard deviations from the baseline a minute counts at most while it is learned.
    """
    incident_winsor: float = 1.0
    """The same in an incident."""
    requests_least: float = 20.0
    """Gate: from fewer timed requests in five minutes nothing is reported."""
    ratio: float = 1.5
    """Gate: at least so many times the expected p95."""
    more_ms: float = 100.0
    """Gate, beside `ratio`: at least so many milliseconds over it."""
    far_ratio: float = 3.0
    """Or, for what is fast: more times the expected p95 ..."""
    far_more_ms: float = 20.0
    """... and fewer milliseconds over it."""


class Burstiness(Section, frozen=True):
    """How much more a key must surprise that often nearly alerts: real crowds come in bursts."""

    least: float = 2.5
    """A near alert is a stretch with U of at least this that passed the gates and did not open an
    incident.
    """
    apart_minutes: int = 15
    """Stretches that are nearer than so many minutes are one."""
    usual: float = 0.5
    """So many near alerts a day are ordinary, and change nothing."""
    weight: float = 1.5
    """With more, U is divided by 1 + weight * (near alerts a day - usual)."""
    forget: float = 1 / 7200
    """Weight of a minute in forgetting: half of what was is forgotten in 3.5 days."""


class Zscore(Section, frozen=True):
    """The plain method, for comparison."""

    window: int = 60
    """Minutes over which the mean and the deviation are taken; at most 240."""
    limit: float = 3.0
    """The z that opens an incident."""


class Score(Section, frozen=True):
    """How `python -m anomaly score` scores any series, row by row."""

    votes: float = 0.11
    """The share of votes that makes an alert. Lower: finds more, and alerts falsely more often."""
    pause: int = 60
    """Rows without a further alert after one."""
    hold: int = 30
    """For how many rows a vote counts."""
    rest: int = 100
    """How many rows a voter rests after a vote."""
    warm_rows: int = 200
    """Rows before a statistic votes, counted from where it first moved."""
    margins: tuple[float, ...] = (0.02, 0.1)
    """A statistic votes when it leaves its range by this part of it: one voter for each margin."""
    forget: float = 1 / 5000
    """Beside the range that is kept for ever, each statistic has one that shrinks by this a row."""


class Addresses(Section, frozen=True):
    """What an address must not do, and which addresses are let alone."""

    warm_minutes: int = 60
    """Minutes before hammering is judged: the others have to be known."""
    known_requests: float = 10.0
    """From so many requests a minute on, static files apart, an address's own baseline is learned.
    """
    hammering_minutes: int = 1
    """Hammering: over so many minutes."""
    hammering_requests: float = 100.0
    """More requests than this, static files apart, ..."""
    hammering_times: float = 10.0
    """... and so many times those of the median address, ..."""
    hammering_high: float = 3.0
    """... and so many times what 99 of 100 addresses stay below, and what it usually asks for."""
    scanning_minutes: int = 5
    """Scanning: an address is judged while it gave evidence in so many minutes."""
    scanning_paths: int = 10
    """So many different failing paths (by their templates: /user/1 and /user/2 are one) in its
    bucket open an incident, if its share of failed requests is five times that of the others.
    """
    scanning_leak: float = 0.5
    """Failing paths that leave the bucket in a minute. More: slower scans are missed."""
    hostile_paths: int = 5
    """So many different attack strings or sensitive files in their bucket open one."""
    hostile_leak: float = 0.1
    """Of these, so many leave the bucket in a minute."""
    alone_paths: int = 100
    """So many new paths that nobody else asks for, or writes, count in full: less than half of what
    opens one.
    """
    alone_leak: float = 10.0
    """Of these, so many leave the bucket in a minute."""
    spread_minutes: int = 10
    """A scan from many addresses: over so many minutes ..."""
    spread_paths: int = 20
    """... so many different paths that are hostile, or that are new and fail, ..."""
    spread_addresses: int = 10
    """... from so many addresses which are no scanners by themselves, ..."""
    spread_times: float = 3.0
    """... and so many times as many paths as usual."""
    logins: tuple[str, ...] = ("login", "signin", "sign-in", "authenticate")
    """A login is a write to a route with one of these words in it, as a whole word."""
    login_minutes: int = 10
    """Brute force and spraying: over so many minutes."""
    login_refused: int = 10
    """Brute force: so many refused logins. One that is accepted after them is critical."""
    login_share: float = 0.2
    """It is none where this share of its logins is accepted: a gateway of many people."""
    spraying_addresses: int = 20
    """Spraying: one login that is refused to so many addresses."""
    surge_warm_minutes: int = 1440
    """A surge of new addresses is judged as a spike of traffic, once so many minutes are known."""
    stay_part: float = 0.5
    """An incident stays open while this part of its rule's limit is reached (a hysteresis)."""
    most: int = 20_000
    """The most addresses that have a state; the lightest beyond them are dropped, and counted."""
    ignore: tuple[str, ...] = ()
    """Addresses and networks that are never judged: monitors and scanners of your own."""
    crawlers: tuple[str, ...] = ()
    """Files with the networks of good crawlers, which are not judged either; read at a start. A
    network a line, or the JSON that search engines publish.
    """
    trusted_proxies: tuple[str, ...] = ()
    """Proxies that stand in for many people: not judged either."""

    def __post_init__(self) -> None:
        for text in (*self.ignore, *self.trusted_proxies):
            ip_network(text)
        if not all(re.fullmatch("[a-z0-9-]+", word) for word in self.logins):
            raise ValueError("logins are words of a-z, 0-9 and -")


class Patterns(Section, frozen=True):
    """How patterns of messages are judged, of lines that are no requests."""

    warm_minutes: int = 1440
    """A new pattern is told once its service was known for so many minutes. Shorter: what comes
    once a day is told as new.
    """
    severity: int = 13
    """New: half of its lines are of this severity number or above (13 is WARN), or have none. 1:
    also what every new version writes.
    """
    new_lines: float = 20.0
    """New: so many lines in five minutes ..."""
    new_minutes: int = 60
    """... within so many minutes after the first line."""
    new_an_hour: int = 3
    """So many new patterns of a service are told in an hour ..."""
    new_a_day: int = 10
    """... and so many in a day; further ones are known from then on, and not told."""
    frequent_times: float = 3.0
    """Suddenly frequent: so many times the most lines in five minutes of the last week, ..."""
    frequent_lines: float = 50.0
    """... at least so many lines, and a spike as requests are judged; of patterns that are known
    for `warm_minutes`.
    """
    most: int = 300
    """The most patterns of a service that are kept; those seen in the fewest minutes go first."""
    most_services: int = 100
    """The most services whose patterns are kept. Bounds memory."""
    idle_minutes: int = 43_200
    """A pattern or a service without a line for so long is forgotten, and would be new again."""


class Config(Section, frozen=True):
    """What detection goes by. Every incident carries the hash of these values. U is the surprise:
    -log10 of the chance of seeing at least this, given the baseline (at most 50).

    This file is made from anomaly/engine/config.py by `make conf`.
    """

    levels: Levels = Levels()
    incidents: Incidents = Incidents()
    keys: Keys = Keys()
    traffic: Traffic = Traffic()
    errors: Errors = Errors()
    latency: Latency = Latency()
    burstiness: Burstiness = Burstiness()
    zscore: Zscore = Zscore()
    addresses: Addresses = Addresses()
    patterns: Patterns = Patterns()
    score: Score = Score()

    @property
    def hash(self) -> str:
        """Twelve digits that change when any constant does."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]


def parse(text: str, where: str = "conf/anomaly.toml") -> Config:
    """The constants that a TOML text gives; what it leaves out has its default.

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
