"""`python -m producer files`: beside `python -m producer`, which is as it was."""

import subprocess
import sys
from ipaddress import ip_address

import pytest

from producer.datasets import cast


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--help"], "Usage: python -m producer [OPTIONS]"),
        (["files", "metrics", "--help"], "Usage: python -m producer files metrics [OPTIONS]"),
    ],
)
def test_the_producer_makes_traffic_or_files(words: list[str], said: str) -> None:
    """The first word decides."""
    done = subprocess.run(
        [sys.executable, "-m", "producer", *words], capture_output=True, text=True
    )
    assert done.stdout.startswith(said), done


def test_generated_addresses_are_of_all_kinds() -> None:
    """Public, private and IPv6 ones, each of them readable, the same for the same seed."""
    made = cast.addresses(3, 2000)
    read = [ip_address(text) for text in made]

    assert {one.version for one in read} == {4, 6}
    assert 10 < sum(one.is_private for one in read) < 200
    assert cast.addresses.__wrapped__(3, 2000) == made


def test_shares_end_at_all_of_them() -> None:
    """The first member is the most frequent, and together they are one."""
    shares = cast.shares(len(cast.users(50)))
    steps = [after - before for before, after in zip([0.0, *shares], shares, strict=False)]

    assert shares[-1] == 1.0
    assert steps == sorted(steps, reverse=True)
