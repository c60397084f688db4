"""The engine and the rule for a line: the same rows, sums and faults, whatever the file holds."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.jobs.aggregate.blocks import Block, blocks
from batch.jobs.aggregate.engine import Engine, Part
from batch.jobs.aggregate.line import LONGEST, METRICS, judge
from batch.jobs.aggregate.question import Question
from batch.jobs.aggregate.sums import Sums

GOOD = b"2025-01-01 00:15:23,user42,facebook,1,2,3,4,5,6,7,8,9"
ALL = Question(None, None, "30m", ("user", "app"))
ENGINE = Engine(ALL)
Totals = dict[tuple[object, ...], tuple[int, ...]]

TIMES = st.sampled_from(
    [
        b"2025-01-01 00:15:23",
        b"2025-01-01 00:45:00",
        b"2025-02-29 00:00:00",
        b"+2025-1-01 00:00:00",
        b"2025-01- 1 00:00:00",
        b"-2025-1-01 00:00:00",
        b"2025-01-01 00:00:60",
        b"2025-01-01T00:00:00",
        b"0000-01-01 00:00:00",
        b"2025-01-01 24:00:00",
        b"2025-01-01",
        b"2025-01-01 00:00:00.5",
        b"",
    ]
)
NAMES = st.sampled_from(
    [
        b"user42",
        b"u",
        b"",
        b" u",
        b"u ",
        b"a b",
        b'"u"',
        b'u"',
        b"\x00",
        b"\xff",
        "é".encode(),
        b"\xef\xbb\xbf",
        b"u\r",
        b"\t",
        b"null",
        b"NaN",
    ]
)
NUMBERS = st.sampled_from(
    [
        b"0",
        b"7",
        b"-3",
        b"+5",
        b"007",
        b" 7",
        b"7 ",
        b"\t7",
        b"7.0",
        b"1e3",
        b"",
        b"-",
        b"0x1",
        b"9223372036854775807",
        b"-9223372036854775808",
        b"9223372036854775808",
        b"1_0",
        b"--1",
        b"99999999999999999999",
        "٣".encode(),
        b"7\r",
    ]
)
FIELDS = st.one_of(
    st.tuples(st.just(0), TIMES),
    st.tuples(st.integers(1, 2), NAMES),
    st.tuples(st.integers(3, 11), NUMBERS),
)


def with_fields(changes: list[tuple[int, bytes]]) -> bytes:
    """A good line with other values in some of its places."""
    values = dict(enumerate(GOOD.split(b","))) | dict(changes)
    return b",".join(values.values())


ROWS = st.lists(FIELDS, min_size=1, max_size=2).map(with_fields)
DAMAGED = st.tuples(st.sampled_from([GOOD, GOOD + b",", GOOD + b",,x", b"x,y"]), st.binary()).map(
    lambda pair: pair[0][: len(pair[1])] + pair[1] + pair[0][len(pair[1]) :]
)
LINES = st.one_of(
    st.just(GOOD),
    ROWS,
    DAMAGED,
    st.binary(max_size=70),
    st.sampled_from([b"", b" ", b",", b"," * 11, GOOD + b",1", GOOD + b",", GOOD[:-2], b"\r"]),
)


def of(text: bytes) -> Block:
    """A block of these lines."""
    return Block(Path("f"), 1, text.count(b"\n"), text)


def by_rule(text: bytes) -> tuple[Totals, Counter[tuple[int, str]]]:
    """Sums and faults of a text, line by line in plain Python."""
    sums: Totals = {}
    faults: Counter[tuple[int, str]] = Counter()
    for number, line in enumerate(text.split(b"\n")[:-1], 1):
        row = judge(line)
        if isinstance(row, str):
            faults[number, row] += 1
            continue
        time = datetime.fromisoformat(row[0])
        key = (time.replace(minute=time.minute // 30 * 30, second=0), row[1], row[2])
        before = sums.get(key, (0,) * 9)
        sums[key] = tuple(a + b for a, b in zip(before, row[3:], strict=True))
    return sums, faults


def by_engine(parts: list[Part]) -> tuple[Totals, Counter[tuple[int, str]]]:
    """The same out of the parts of a file."""
    sums = Sums(ENGINE.keys)
    for part in parts:
        sums.add(part.sums)
    rows = [row for day in sums.in_order() for row in day.rows()]
    assert rows == sorted(rows, key=lambda row: (row[0], *(name.encode() for name in row[1:3])))
    faults = Counter((f.line, f.reason) for part in parts for f in part.faults)
    return {row[:3]: row[3:] for row in rows}, faults


@given(st.lists(LINES, min_size=1, max_size=12))
def test_damaged_lines_are_judged_by_the_rule(lines: list[bytes]) -> None:
    """Each line counts, or is a fault with its number and reason, as the rule alone says."""
    text = b"\n".join(lines) + b"\n"
    assert by_engine([ENGINE.part(of(text))]) == by_rule(text)


@given(st.lists(LINES, min_size=1, max_size=12), st.integers(1, 200), st.booleans())
def test_blocks_of_any_size_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int, is_ended: bool
) -> None:
    """Where a block ends changes no sum and no line number; nor does an end that is not there."""
    whole = b"\n".join(lines).replace(b"\r\n", b"\n").removesuffix(b"\n") + b"\n"
    file = tmp_path_factory.mktemp("blocks") / "2025-01-01.log.csv"
    file.write_bytes(whole if is_ended else whole.removesuffix(b"\n"))
    parts = [ENGINE.part(block) for block in blocks(file, max(size, 4))]

    text = b"".join(block.text for block in blocks(file))
    assert by_engine(parts) == by_rule(text)


def test_ends_of_lines_and_a_mark_of_order_are_no_fault(tmp_path: Path) -> None:
    """CRLF, a last line without an end, and a BOM at the head are as if they were not there."""
    file = tmp_path / "2025-01-01.log.csv"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD + b"\r\n" + GOOD)
    sums, faults = by_engine([ENGINE.part(block) for block in blocks(file)])

    key = (datetime(2025, 1, 1), "user42", "facebook")
    assert (sums, faults) == ({key: tuple(range(2, 20, 2))}, Counter())


def test_sums_go_beyond_64_bits() -> None:
    """The largest numbers there are, summed exactly."""
    line = GOOD.replace(b",1,2,", b",9223372036854775807,-9223372036854775808,") + b"\n"
    sums, _ = by_engine([ENGINE.part(of(line * 3)) for _ in range(2)])

    assert [row[:2] for row in sums.values()] == [(6 * (2**63 - 1), 6 * -(2**63))]


def test_a_line_without_end_takes_no_memory(tmp_path: Path) -> None:
    """It is one fault, and the lines after it count, whatever its length."""
    file = tmp_path / "2025-01-01.log.csv"
    file.write_bytes(GOOD + b"\n" + b"7" * 40 * LONGEST + b"\n" + GOOD + b"\n")
    read = [*blocks(file, LONGEST)]
    _, faults = by_engine([ENGINE.part(block) for block in read])

    assert max(len(block.text) for block in read) <= 3 * LONGEST
    assert [*faults] == [(2, "the line is longer than 65,536 bytes")]


def test_a_long_line_is_a_fault_in_any_block() -> None:
    """The limit is the same for a line that has all its fields, to the byte."""
    lines = [GOOD.replace(b"user42", b"u" * (LONGEST - len(GOOD) + 6 + n)) for n in (0, 1)]
    assert [len(line) - LONGEST for line in lines] == [0, 1]
    _, faults = by_engine([ENGINE.part(of(b"\n".join([*lines, b""])))])
    assert [line for line, _ in faults] == [2]


def test_the_rule_takes_a_good_line() -> None:
    """As the format is described."""
    assert judge(GOOD) == ("2025-01-01 00:15:23", "user42", "facebook", *range(1, 10))
    assert len(METRICS) == 9
