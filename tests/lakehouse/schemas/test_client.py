"""A registry is asked within bounds; what it says is for ever, what it does not say is not."""

from __future__ import annotations

import http.client
import json
import pickle
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from pydantic import SecretStr
from support.registry import Kept, Served, posted, served

from lakehouse.formats.format import Fault
from lakehouse.formats.schemas.lookup import AVRO, PROTOBUF, BadSchema, Part, Written
from lakehouse.schemas import client
from lakehouse.schemas.client import NoAnswer, UnknownSchema
from lakehouse.schemas.connection import RegistryConnection
from lakehouse.schemas.registry import Registry, WithRegistry

PASSWORD = "open:sesame and more"


@pytest.fixture
def registry() -> Iterator[Served]:
    with served() as found:
        yield found


def test_a_schema_comes_with_all_that_it_names(registry: Served) -> None:
    """Each after what it names itself, and once."""
    registry.kept.add("c", posted("c"))
    registry.kept.add("b/1 ?", posted("b", **{"x.C": ("c", 1)}))
    number = registry.kept.add("a", posted("a", **{"x.B": ("b/1 ?", 1), "x.C": ("c", 1)}))
    found = client.schema(registry.connection(), number, AVRO)
    assert found == Written(AVRO, "a", (Part("x.C", "c"), Part("x.B", "b")))


def test_references_in_a_circle_come_once(registry: Served) -> None:
    """No registry takes such; one that says so all the same must not keep us."""
    registry.kept.add("a", posted("a", A=("a", 1)))
    assert client.schema(registry.connection(), 1, AVRO).parts == (Part("A", "a"),)


def test_protobuf_is_asked_for_as_a_descriptor(registry: Served) -> None:
    """Its text would want a compiler."""
    registry.kept.add("a", posted("AAAA", "PROTOBUF"))
    assert client.schema(registry.connection(), 1, PROTOBUF).text == "AAAA"


def test_a_registry_that_fails_by_number_is_asked_by_version(registry: Served) -> None:
    """Karapace, for schemas that import others."""
    registry.kept.fails_for_imports = True
    registry.kept.add("b", posted("BBBB", "PROTOBUF"))
    number = registry.kept.add("a/1", posted("AAAA", "PROTOBUF", **{"b.proto": ("b", 1)}))
    found = client.schema(registry.connection(), number, PROTOBUF)
    assert found == Written(PROTOBUF, "AAAA", (Part("b.proto", "BBBB"),))


def test_what_it_does_not_know(registry: Served) -> None:
    """It says so itself: 404 by somebody else is another matter."""
    with pytest.raises(UnknownSchema):
        client.schema(registry.connection(), 9, AVRO)
    registry.kept.answer = 404, b"<html>nginx</html>"
    with pytest.raises(NoAnswer, match="answers 404"):
        client.schema(registry.connection(), 9, AVRO)


@pytest.mark.parametrize(
    "answer",
    [
        (200, b""),
        (200, b"[" * 100_000),
        (200, b'{"schema": 7}'),
        (200, b"\xff\xfe"),
        (302, b'{"schema": "\\"int\\""}'),
        (500, b"{}"),
        (503, b""),
    ],
)
def test_what_is_no_answer(registry: Served, answer: tuple[int, bytes]) -> None:
    """Whatever else it says is none."""
    registry.kept.answer = answer
    with pytest.raises(NoAnswer):
        client.schema(registry.connection(), 1, AVRO)


def test_a_large_schema_is_not_read(registry: Served) -> None:
    """Nor many small ones that it names."""
    small = registry.connection(schema_bytes=1 << 10)
    registry.kept.add("a", posted("a" * 1025))
    with pytest.raises(BadSchema, match="larger than 1 kB"):
        client.schema(small, 1, AVRO)
    registry.kept.add("b", posted("b" * 600, B=("c", 1)))
    registry.kept.add("c", posted("c" * 600))
    with pytest.raises(BadSchema):
        client.schema(small, 2, AVRO)
    registry.kept.answer = 200, b" " * (1 << 20)
    with pytest.raises(BadSchema):
        client.schema(small, 1, AVRO)


@contextmanager
def dripping(begins: bytes = b"HTTP/1.1 200 OK\r\n") -> Iterator[str]:
    """A server that answers a byte a tenth of a second, for ever."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        ended = threading.Event()

        def serve() -> None:
            came, _ = server.accept()
            with came:
                came.sendall(begins)
                while not ended.wait(0.1):
                    try:
                        came.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        ended.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("begins", ["HTTP/1.1 200 OK\r\n", "HTTP/1.0 200 OK\r\n\r\n"])
def test_an_answer_that_drips_ends(begins: str) -> None:
    """Each byte comes in time; the answer does not, nor where the client let go of its socket."""
    with dripping(begins.encode()) as url, pytest.raises(NoAnswer, match="did not answer in time"):
        client.schema(RegistryConnection((url,), timeout_seconds=0.5), 1, AVRO)


def test_an_answer_is_not_read_where_its_time_went_by_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While a name was looked up, there was nothing to be closed."""
    timers = list[Any]()

    class Timer(threading.Timer):
        def start(self) -> None:
            timers.append(self)

    connect = http.client.HTTPConnection.connect

    def late(self: http.client.HTTPConnection) -> None:
        timers[0].function()
        connect(self)

    monkeypatch.setattr(threading, "Timer", Timer)
    monkeypatch.setattr(http.client.HTTPConnection, "connect", late)
    with served() as found:
        found.kept.add("a", posted("a"))
        with pytest.raises(NoAnswer, match="did not answer in time"):
            client.schema(found.connection(), 1, AVRO)
    assert found.kept.asked == []


@pytest.fixture
def hanging() -> Iterator[str]:
    """A server that takes what it is asked, and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_an_address_that_hangs_does_not_hide_the_next(registry: Served, hanging: str) -> None:
    """And is not asked first again."""
    registry.kept.add("a", posted("a", B=("b", 1)))
    registry.kept.add("b", posted("b"))
    connection = RegistryConnection((hanging, registry.url), timeout_seconds=1.0)
    assert client.schema(connection, 1, AVRO).text == "a"
    assert client._in_turn(connection.urls)[0] == registry.url


def test_what_an_address_says_counts_more_than_that_another_is_away(registry: Served) -> None:
    """A wrong password is one, whoever else cannot be reached."""
    for status, is_refused in ((401, True), (403, True), (500, False)):
        registry.kept.answer = status, b"{}"
        with pytest.raises(NoAnswer) as error:
            client.schema(RegistryConnection((registry.url, "http://127.0.0.1:1")), 1, AVRO)
        assert (error.value.status, error.value.is_refused) == (status, is_refused)


def test_several_addresses_are_asked_in_turn(registry: Served) -> None:
    """The first that answers counts."""
    registry.kept.add("a", posted("a"))
    connection = RegistryConnection(("http://127.0.0.1:1", registry.url))
    assert client.schema(connection, 1, AVRO).text == "a"


def test_it_signs_in_and_shows_no_password(registry: Served) -> None:
    """Neither where it is refused, nor in any text of it."""
    registry.kept.user = ("ann", PASSWORD)
    registry.kept.add("a", posted("a"))
    known = registry.connection(user="ann", password=SecretStr(PASSWORD))
    assert client.schema(known, 1, AVRO).text == "a"
    wrong = registry.connection(user="ann", password=SecretStr("no" + PASSWORD))
    with pytest.raises(NoAnswer, match=r"refuses this user or his rights \(401\)") as error:
        client.schema(wrong, 1, AVRO)
    assert error.value.is_refused
    assert PASSWORD not in f"{known!r} {known} {WithRegistry(print, known)!r} {error.value}"
    assert pickle.loads(pickle.dumps(known)) == known


class Clock:
    """A clock that only waiting moves; and a registry that answers as it is told."""

    def __init__(self) -> None:
        self.now, self.asked, self.text = 0.0, list[int](), ""
        self.answer: Any = NoAnswer("is away")

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def ask(self, _connection: Any, number: int, _kind: str) -> Written:
        self.asked.append(number)
        self.now += 0.01
        if isinstance(self.answer, Exception):
            raise self.answer
        return Written(AVRO, self.text or f"{number}")

    def registry(self, hold: float = 20.0) -> Registry:
        connection = RegistryConnection(("http://r",), hold_seconds=hold)
        return Registry(connection, lambda: self.now, self.sleep, self.ask)


def text(written: Written) -> str:
    return written.text


def test_what_is_known_is_asked_once() -> None:
    """A number means one schema, for ever."""
    clock = Clock()
    clock.answer = None
    registry = clock.registry()
    assert [registry.reader(7, AVRO, text) for _ in range(3)] == ["7"] * 3
    assert clock.asked == [7]


def test_a_registry_that_is_away_is_waited_for_once() -> None:
    """Then the records of every schema that is not known pass on, until it is back."""
    clock = Clock()
    registry = clock.registry()
    first = registry.reader(7, AVRO, text)
    assert isinstance(first, Fault)
    assert (first.reason, 15 < clock.now <= 21) == ("no_registry", True)
    waited = clock.now
    for number in range(100):
        found = registry.reader(number, AVRO, text)
        assert isinstance(found, Fault)
        assert found.reason == "no_registry"
    assert clock.now == waited
    for _ in range(100):
        clock.now += 1
        registry.reader(7, AVRO, text)
    assert clock.now - waited < 110
    clock.answer, clock.now = None, clock.now + 30
    assert registry.reader(7, AVRO, text) == "7"


def test_a_registry_that_comes_back_loses_nothing() -> None:
    """While a batch waits for it."""
    clock = Clock()
    registry = clock.registry()
    before = clock.sleep

    def back(seconds: float) -> None:
        before(seconds)
        clock.answer = None if clock.now > 5 else clock.answer

    registry._sleep = back
    assert registry.reader(7, AVRO, text) == "7"


def test_a_flood_of_unknown_numbers_is_bounded() -> None:
    """Each is looked for, but they take a tenth of the time after a while."""
    clock = Clock()
    clock.answer = UnknownSchema()
    registry = clock.registry()
    reasons = [registry.reader(number, AVRO, text).reason for number in range(10_000)]
    assert {*reasons} == {"unknown_schema", "no_registry"}
    assert clock.now < 30
    again = len(clock.asked)
    registry.reader(0, AVRO, text)
    assert len(clock.asked) == again


def test_unknown_numbers_do_not_hide_known_ones() -> None:
    """Whoever writes nonsense to a topic must not have the others quarantined."""
    clock = Clock()
    registry = clock.registry()
    for number in range(1, 500):
        clock.answer = UnknownSchema()
        assert registry.reader(number, AVRO, text).reason == "unknown_schema"
        clock.answer = None
        assert registry.reader(1000 + number, AVRO, text) == f"{1000 + number}"


@pytest.mark.parametrize("status", [200, 302, 403, 404, 500])
def test_a_number_that_it_fails_for_does_not_hide_others(status: int) -> None:
    """Who may not read one schema may read the next; and whoever writes it stops nobody."""
    clock = Clock()
    registry = clock.registry()
    for number in range(1, 200):
        clock.answer = NoAnswer(f"answers {status}", status, is_refused=status == 403)
        assert registry.reader(7, AVRO, text).reason == "no_registry"
        clock.answer = None
        assert registry.reader(1000 + number, AVRO, text) == f"{1000 + number}"
        clock.now += 1
    assert clock.now < 210


def test_numbers_that_it_fails_for_are_bounded() -> None:
    """As those that it does not know are."""
    clock = Clock()
    clock.answer = NoAnswer("answers 500", 500)
    registry = clock.registry()
    for number in range(10_000):
        registry.reader(number, AVRO, text)
    assert clock.now < 30


@pytest.mark.parametrize("status", [0, 401, 429, 503])
def test_one_that_answers_nobody_is_away(status: int) -> None:
    """It is not asked for the next number at once."""
    clock = Clock()
    clock.answer = NoAnswer("is away", status, is_refused=status == 401)
    registry = clock.registry(hold=0.0)
    assert [registry.reader(n, AVRO, text).reason for n in range(9)] == ["no_registry"] * 9
    assert clock.asked == [0]


def test_one_that_is_away_again_and_again_is_not_held_for_each_time() -> None:
    """An answer between two absences is no reason to wait 20 s for each: a tenth of the time."""
    clock = Clock()
    registry = clock.registry()
    for number in range(0, 120, 2):
        clock.answer = NoAnswer("answers 503", 503)
        registry.reader(number, AVRO, text)
        clock.now += 40
        clock.answer = None
        assert registry.reader(number + 1, AVRO, text) == f"{number + 1}"
    waited = clock.now - 60 * 40
    assert 200 < waited < 350


def test_what_is_kept_is_bounded_by_its_text() -> None:
    """A thousand large schemas would fill the memory; one is kept however large it is."""
    clock = Clock()
    clock.answer = None
    registry = clock.registry()
    clock.text = "a" * (3 << 20)
    for number in (1, 2, 3, 1, 2, 3):
        registry.reader(number, AVRO, text)
    assert clock.asked == [1, 2, 3, 1, 2, 3]
    clock.text = "a" * (9 << 20)
    for number in (4, 4):
        registry.reader(number, AVRO, text)
    clock.text = ""
    for number in (5, 6, 5, 6):
        registry.reader(number, AVRO, text)
    assert clock.asked[6:] == [4, 5, 6]


def test_a_refusal_is_not_waited_for() -> None:
    """A wrong password does not become right."""
    clock = Clock()
    clock.answer = NoAnswer("refuses this user", is_refused=True)
    found = clock.registry().reader(7, AVRO, text)
    assert (found.reason, clock.asked) == ("no_registry", [7])


def test_a_schema_of_another_kind_says_so() -> None:
    """Of a topic that is read by the wrong format."""
    clock = Clock()
    clock.answer = None
    found = clock.registry().reader(7, PROTOBUF, text)
    assert (found.reason, "PROTOBUF" in found.detail) == ("bad_schema", True)


def test_numbers_of_another_kind_are_asked_for_once() -> None:
    """In a topic of several kinds they are most: that is for ever, and hides no number."""
    clock = Clock()
    clock.answer = None
    registry = clock.registry()
    for _ in range(100):
        for number in range(100):
            found = registry.reader(number, PROTOBUF, text)
            assert (found.reason, f"schema {number}:" in found.detail) == ("bad_schema", True)
        clock.now += 1
    assert len(clock.asked) == 100


def test_what_the_server_of_tests_says_is_json() -> None:
    """So that these tests and the serializers ask the same server."""
    with served(Kept(first=5)) as found:
        assert found.kept.add("a", posted({"type": "int"})) == 5
        assert json.loads(found.kept.schemas[5]["schema"]) == {"type": "int"}
