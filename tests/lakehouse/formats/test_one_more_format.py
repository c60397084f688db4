"""A format is one file: discover, import, a source and the replay of the producer take it up."""

from __future__ import annotations

from pathlib import Path

from support.edited import edit_only, edited

FORMAT = '''
"""Lines of a till: `@12:00 3 x tea`. Pure."""

from lakehouse.formats.format import Format, Proposal


def _parser(_reading):
    return lambda record, _before: read(record) or FORMAT.fault()


def read(record):
    words = record.decode(errors="replace").split()
    if len(words) != 4 or not words[0].startswith("@"):
        return None
    return {"timestamp": f"2026-05-17T{words[0][1:]}:00Z", "service": "till", "message": words[3]}


def _recognise(sample):
    return Proposal(sample.share(read), columns=("timestamp", "service", "message"))


FORMAT = Format("till", "till", "line of a till", 99, _parser, _recognise)
'''
SCRIPT = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from support.reading_files import TAKEN, of_file
from support.records import LIMITS, raw
from batch.formats.datasets import datasets
from batch.formats.profile import profile
from lakehouse.decode import decode
from lakehouse.formats.reading import Reading
from producer.replay import LogFile
file = Path(sys.argv[1])
(dataset,), _ = datasets([file])
seen = profile(dataset)
events, rejects = of_file(file)
topic = decode(raw([b"@12:00 3 x tea"], TAKEN), LIMITS, {"web-logs": Reading(format="till")})
replayed = [message for at, (_, message) in LogFile(file, "x").records() if at]
print(json.dumps({
    "discovered": [dataset.usual.format, seen.rows, seen.broken],
    "imported": [[row["message"] for row in events], len(rejects)],
    "decoded": topic.events["message"].to_pylist(),
    "replayed": [json.loads(message)["message"] for message in replayed],
}))
"""


def test_one_more_file_is_one_more_format(tmp_path: Path) -> None:
    """Nothing else is edited: everything that reads records reads its lines."""
    folder = edit_only("a format")
    project = edited(tmp_path / "project", f"{folder}/__init__.py", '"""', "")
    (project.folder / folder / "till.py").write_text(FORMAT.lstrip())
    log = tmp_path / "till.log"
    log.write_text("@12:00 3 x tea\n@12:01 1 x milk\noops\n")
    assert project.run(SCRIPT, log) == {
        "discovered": ["till", 2, 1],
        "imported": [["tea", "milk"], 1],
        "decoded": ["tea"],
        "replayed": ["tea", "milk"],
    }
