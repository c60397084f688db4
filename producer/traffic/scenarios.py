"""Incidents to stage: each is a registered function that returns its truth. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from random import Random

from producer.traffic.clock import stamp
from producer.traffic.decks import Deck, hand, level_of
from producer.traffic.faults import Event
from producer.traffic.people import address


@dataclass(frozen=True)
class Label:
    """The truth of an incident: what, where, and when (microseconds, the end excluded)."""

    kind: str
    start: int
    end: int
    service: str | None = None
    endpoint: str | None = None
    ip: str | None = None

    def line(self) -> dict[str, str]:
        """Returns the label as it is written: times in UTC, without keys that do not apply."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return {**given, "start": stamp(self.start), "end": stamp(self.end)}


def _unchanged(event: Event, progress: float, random: Random) -> Event | None:
    return event


@dataclass(frozen=True)
class Incident:
    """Changes to the traffic while it lasts.

    `change` gets each event and the progress of the incident (0 to 1), and returns it, altered, or
    None for silence. `surge` of 1.3 adds 30 % to the traffic; `own` makes the added events.
    """

    label: Label
    change: Callable[[Event, float, Random], Event | None] = _unchanged
    surge: float = 1.0
    own: Callable[[Event, Random], Event] | None = None

    def covers(self, at: int) -> bool:
        """Whether it lasts at this time."""
        return self.label.start <= at < self.label.end

    def progress(self, at: int) -> float:
        """Returns its progress at a time, from 0 to 1."""
        return (at - self.label.start) / (self.label.end - self.label.start)

    def add(self, event: Event, random: Random) -> Event:
        """Returns the event, or one of the incident's own as often as it adds to the traffic."""
        return (
            self.own(event, random) if self.own and random.random() < 1 - 1 / self.surge else event
        )


@dataclass(frozen=True)
class Stage:
    """What an incident is made from: a random generator, the shop's routes, and its time."""

    random: Random
    decks: Sequence[Deck]
    start: int
    end: int

    def label(self, kind: str, **keys: str) -> Label:
        """Returns the truth, with the time of this stage."""
        return Label(kind, self.start, self.end, **keys)

    def busy(self) -> Deck:
        """Returns one of the routes with the most requests."""
        return self.random.choice(sorted(self.decks, key=lambda deck: -deck.weight)[:8])


Play = Callable[[Stage], Incident]
INCIDENTS: dict[str, Play] = {}


def incident(play: Play) -> Play:
    """Registers an incident under its function's name, `error_burst` as `error-burst`."""
    INCIDENTS[play.__name__.replace("_", "-")] = play
    return play


@incident
def traffic_spike(stage: Stage) -> Incident:
    """One service gets five times its requests, from everyone."""
    service = stage.busy().service
    routes = [deck for deck in stage.decks if deck.service == service]
    cards = hand(routes, 512)

    def own(event: Event, random: Random) -> Event:
        return {**event, **random.choice(cards).answer(random.random)}

    surge = 1 + 4 * sum(deck.weight for deck in routes)
    return Incident(stage.label("traffic-spike", service=service), surge=surge, own=own)


@incident
def error_burst(stage: Stage) -> Incident:
    """One busy endpoint answers 60 % of its requests with a 5xx."""
    deck = stage.busy()

    def change(event: Event, progress: float, random: Random) -> Event:
        if _is(event, deck) and random.random() < 0.6:
            return {**event, "status_code": random.choice((500, 500, 502, 503)), "level": "ERROR"}
        return event

    return Incident(stage.label("error-burst", **_keys(deck)), change)


@incident
def latency_ramp(stage: Stage) -> Incident:
    """One busy endpoint gets slower and slower, up to eight times."""
    deck = stage.busy()

    def change(event: Event, progress: float, random: Random) -> Event:
        if _is(event, deck):
            return {**event, "response_time": round(event["response_time"] * (1 + 7 * progress), 2)}
        return event

    return Incident(stage.label("latency-ramp", **_keys(deck)), change)


@incident
def outage(stage: Stage) -> Incident:
    """One service falls silent."""
    service = stage.busy().service

    def change(event: Event, progress: float, random: Random) -> Event | None:
        return None if event["service"] == service else event

    return Incident(stage.label("outage", service=service), change)


PROBES = (
    "/.env",
    "/.git/config",
    "/wp-login.php",
    "/wp-admin/setup-config.php",
    "/phpmyadmin/index.php",
    "/admin/config.php",
    "/backup.zip",
    "/server-status",
    "/cgi-bin/luci",
    "/actuator/env",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/solr/admin/info/system",
    "/.aws/credentials",
)


@incident
def scanner(stage: Stage) -> Incident:
    """One address asks for hundreds of paths that do not exist."""
    ip = address(stage.random)
    who = {"ip": ip, "user_agent": "Mozilla/5.0 zgrab/0.x", "service": "storefront"}

    def own(event: Event, random: Random) -> Event:
        path = f"{random.choice(PROBES)}?{random.randrange(10_000)}"
        status = random.choice((404, 404, 404, 404, 403, 400))
        return _stranger(event, status) | {**who, "endpoint": "/{unmatched}", "path": path}

    return Incident(stage.label("scanner", ip=ip), surge=1.2, own=own)


@incident
def brute_force(stage: Stage) -> Incident:
    """One address tries passwords at the login."""
    ip, login = address(stage.random), {"service": "accounts", "endpoint": "/api/login"}
    who = {"ip": ip, **login, "path": "/api/login", "method": "POST", "app": "web"}

    def own(event: Event, random: Random) -> Event:
        tried = {"user": f"user{random.randrange(500)}", "user_agent": "python-requests/2.32.3"}
        return _stranger(event, 401 if random.random() < 0.97 else 429) | who | tried

    return Incident(stage.label("brute-force", ip=ip, **login), surge=1.15, own=own)


def _is(event: Event, deck: Deck) -> bool:
    return bool(event["service"] == deck.service and event["endpoint"] == deck.route.template)


def _keys(deck: Deck) -> dict[str, str]:
    return {"service": deck.service, "endpoint": deck.route.template}


def _stranger(event: Event, status: int) -> Event:
    """Returns a request of somebody who is no visitor, in place of an ordinary one."""
    kept = {name: event[name] for name in ("event_id", "timestamp", "trace_id", "response_time")}
    answer = {"status_code": status, "level": level_of(status), "bytes_sent": 196}
    return {**kept, **answer, "environment": "production", "method": "GET"}
