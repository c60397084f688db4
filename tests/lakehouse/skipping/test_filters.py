"""A filter may say yes in vain, and never no of what is there."""

from __future__ import annotations

import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.duck import connect
from lakehouse.skipping import bloom, entry, grams, hashes, segment
from lakehouse.skipping.segment import Damaged, Entry

HASHED = 9532343985888851012
ASKED = (
    [
        258452377,
        261754714,
        393061390,
        1087066322,
        1353047265,
        1359480722,
        1365914179,
        1621699089,
        1825314592,
        3193302545,
        3457914714,
        3878332098,
    ],
    [2075071744488299013],
)


def seen(bits: bytes | None) -> memoryview:
    """A filter that is there."""
    assert bits is not None
    return memoryview(bits)


def test_two_signs_alone_become_ascii() -> None:
    """Of all signs, in lower case by the engine that asks: so no other can hide a text."""
    every = [chr(one) for one in range(128, sys.maxunicode + 1) if not 0xD800 <= one <= 0xDFFF]
    with connect() as connection:
        connection.register("signs", pa.table({"sign": every}))
        lower = r"SELECT sign FROM signs WHERE regexp_matches(lower(sign), '[\x00-\x7f]')"
        found = {sign for (sign,) in connection.sql(lower).fetchall()}
    assert found <= {*hashes.BECOME_ASCII}


@settings(max_examples=50)
@given(st.lists(st.text("aZ9\0", max_size=20), max_size=30), st.integers(0, 3))
def test_a_hash_is_that_of_the_text_alone(values: list[str], skipped: int) -> None:
    """Wherever it stands, and whatever its case."""
    found = hashes.of(pa.array(["é", *values], pa.string())[1:][skipped:])
    assert found.tolist() == [hashes.of_one(value.swapcase()) for value in values[skipped:]]


def test_hashes_are_those_of_the_format() -> None:
    """An index is read by later releases: another hash would need another signature."""
    assert hashes.of_one("4bf92f3577b34da6a3ce929d0e0e4736") == HASHED
    assert grams.asked("Zanzibar 123456") == ASKED


def test_few_others_pass() -> None:
    """Of ten thousand values that are not there, two in a hundred."""
    there = hashes.of(pa.array([f"value-{n}" for n in range(5000)]))
    bits = memoryview(bloom.build(there))
    others = [hashes.of_one(f"other-{n}") for n in range(10_000)]
    assert all(bloom.may_hold(bits, int(one)) for one in there)
    assert sum(bloom.may_hold(bits, one) for one in others if one is not None) < 400
    assert len(bits) == 5000


@settings(max_examples=100)
@given(st.lists(st.text("abK 1234567é", max_size=40), min_size=1, max_size=8), st.data())
def test_each_part_of_a_text_is_found(texts: list[str], data: st.DataObject) -> None:
    """In any case, however full the table is; one of six digits too."""
    text = data.draw(st.sampled_from(texts))
    begin = data.draw(st.integers(0, len(text)))
    part = text[begin : data.draw(st.integers(begin, len(text)))].swapcase()
    runs = grams.Runs(grams.SMALLEST)
    runs.add(hashes.joined(pa.array(texts), grams.BETWEEN))
    words, digits = runs.filters()
    of_words, of_digits = grams.asked(part)
    assert grams.may_hold_words(seen(words), of_words)
    assert grams.may_hold_digits(seen(digits), of_digits)


def test_what_is_not_there_is_seldom_found() -> None:
    """A rare word, and a number, in a file of five thousand lines."""
    runs = grams.Runs(16)
    lines = [f"order {n * 7919} was paid by card in {n} ms" for n in range(5000)]
    runs.add(hashes.joined(pa.array(lines), grams.BETWEEN))
    words, digits = runs.filters()
    assert not grams.may_hold_words(seen(words), grams.asked("zanzibar")[0])
    assert not grams.may_hold_digits(seen(digits), grams.asked("order 99999999999")[1])


def test_a_full_table_says_nothing() -> None:
    """It is left out: then all such files are read."""
    runs = grams.Runs(grams.SMALLEST)
    runs.words[:] = True
    assert runs.filters() == (None, b"")


def test_a_text_over_several_chunks_is_whole() -> None:
    """A run that begins in one and ends in the next is there."""
    text = "x" * (grams.CHUNK - 2) + "needle 7654321"
    runs = grams.Runs(grams.SMALLEST)
    runs.add(hashes.joined(pa.array([text]), grams.BETWEEN))
    words, digits = runs.filters()
    assert grams.may_hold_words(seen(words), grams.asked("xxneedle 7654321")[0])
    assert grams.may_hold_digits(seen(digits), grams.asked("7654321")[1])


ENTRIES = [
    Entry("date=2026-05-01/a", 10, {"words": b"\1\2\3", "whole:user": b""}),
    Entry("date=2026-05-01/b", 20, {"words": b"\4"}),
]


def test_a_segment_is_read_as_it_was_written() -> None:
    """Each entry, with empty filters and without those that it lacks."""
    head, entries = segment.decode(segment.encode(["message"], ENTRIES))
    assert (entries, head.searched) == (ENTRIES, ("message",))


def test_a_bit_that_turned_is_seen() -> None:
    """Each of a segment, and each length that it may be cut to."""
    whole = segment.encode(["message"], ENTRIES)
    for at in range(len(whole)):
        for wrong in (whole[:at], whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :]):
            with pytest.raises(Damaged):
                segment.decode(wrong)


def test_a_shape_is_how_long_and_of_which_signs() -> None:
    """So a word is no id; where there is no value, nothing is."""
    ids = pa.record_batch({"event_id": pa.array(["00aa", "ffEE01", None])})
    bits = memoryview(entry.build([ids], 1000)["shape:event_id"])
    assert entry.may_have_shape(bits, "FFaa0")
    assert not entry.may_have_shape(bits, "zebra")
    assert not entry.may_have_shape(bits, "00aaff123")
    assert not entry.may_have_shape(memoryview(b""), "")
