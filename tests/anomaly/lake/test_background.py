"""What looks beside a query: when it is woken, to its end, and never in silence."""

from __future__ import annotations

import threading

from anomaly.lake.background import Background, IsStopping

PATIENCE = 30.0


def nothing() -> None:
    """A pulse that sees nothing."""


def test_it_looks_at_the_start_and_when_woken() -> None:
    """Each time once."""
    looked = threading.Semaphore(0)
    beside = Background(lambda _is_stopping: looked.release(), nothing, lambda _error: None)
    beside.start()
    assert looked.acquire(timeout=PATIENCE)
    beside.wake()
    assert looked.acquire(timeout=PATIENCE)
    beside.stop()
    assert not looked.acquire(blocking=False)


def test_a_stop_is_told_to_a_look_that_takes_long() -> None:
    """Which ends where it can go on later; the stop waits for that."""
    began, ended = threading.Event(), threading.Event()

    def look(is_stopping: IsStopping) -> None:
        began.set()
        while not is_stopping():
            pass
        ended.set()

    beside = Background(look, nothing, lambda _error: None)
    beside.start()
    assert began.wait(PATIENCE)
    beside.stop()
    assert ended.is_set()


def test_what_a_look_raises_is_told() -> None:
    """In the thread, and where somebody asks for one look; no further look follows."""
    told: list[Exception] = []
    failed = threading.Event()

    def look(_is_stopping: IsStopping) -> None:
        raise ValueError("no")

    def tell(error: Exception) -> None:
        told.append(error)
        failed.set()

    beside = Background(look, nothing, tell)
    beside.start()
    assert failed.wait(PATIENCE)
    beside.stop()
    beside.once()
    assert [str(error) for error in told] == ["no", "no"]


def test_one_look_is_a_whole_one() -> None:
    """Also after a stop: what is left is seen at the end."""
    asked: list[bool] = []
    beside = Background(lambda is_stopping: asked.append(is_stopping()), nothing, print)
    beside.stop()
    beside.once()
    assert asked == [False]
