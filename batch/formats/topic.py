"""What the newest records of a topic are, as an entry of a file of sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lakehouse.formats.format import Sample
from lakehouse.formats.recognise import Recognised, recognise
from lakehouse.formats.registry import named
from lakehouse.terminal.render import escaped
from lakehouse.toml_file import toml
from lakehouse.toml_tables import NAME

OTHERS = "raw"


def entry(topic: str, values: Sequence[bytes], known: Recognised | None = None) -> str:
    """Returns an entry of a file of sources for a topic with such records; notes are comments.

    Where no format knows half of them each record is a message as it is (`raw`). `known` is how to
    read them where that is known already.
    """
    sample = Sample(values, b"\n".join(values))
    return "\n".join(_lines(topic, known or recognise(sample), len(values))) + "\n"


def _lines(topic: str, found: Recognised | None, count: int) -> Iterator[str]:
    if found is None:
        yield _comment(
            f"no format knows the {count:,} newest records of {topic}: each is a message"
        )
    else:
        share = f"{found.proposal.share:.0%} of the {count:,} newest records of {topic}"
        yield _comment(f"{found.format.title}: {share}")
        yield from map(_comment, found.proposal.notes)
    yield f"[{source_name(topic)}]"
    yield f"topics = {toml([topic])}"
    yield f"format = {toml(found.format.name if found else OTHERS)}"
    if found is None or not _has_service(found):
        yield "# no key names the service: it is the topic's name until you say another"
        yield f"service = {toml(topic)}"
    if found:
        yield from _more(found, source_name(topic))


def _more(found: Recognised, name: str) -> Iterator[str]:
    proposal = found.proposal
    if proposal.lacks_zone:
        yield "# its times have no zone: read as UTC until you say another, as none without a zone"
        yield 'zone = "UTC"'
    if proposal.options:
        yield f"\n[{name}.options]"
        yield from (f"{of} = {toml(value)}" for of, value in proposal.options.items())
    taken = {of: to for of, to in proposal.mapping.items() if to and to != of}
    if taken or proposal.untold:
        yield f"\n[{name}.mapping]"
    for of, to in taken.items():
        unit = proposal.units.get(to) if to == "response_time" else None
        yield f"{to} = {toml({'from': of, 'unit': unit} if unit else of)}"
    for of, unit in proposal.untold.items():
        yield f"# response_time = {toml({'from': of, 'unit': unit})}  # if it is so"


def _comment(text: str) -> str:
    return f"# {escaped(text)}"


def _has_service(found: Recognised) -> bool:
    mapped = {**named(found.format.name).mapping, **found.proposal.mapping}
    return "service" in {*mapped.values(), *found.proposal.columns}


def source_name(topic: str) -> str:
    """Returns a name for the source of a topic: small letters, digits, _ and -."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", topic.lower()).strip("-_") or "topic"
    return plain if NAME.fullmatch(plain) else f"topic-{plain}"[:63]
