"""Serves the tables by PostgreSQL's protocol: a process of its own, a thread a client."""

from __future__ import annotations

import logging
import math
import secrets
import select
import signal
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from analytics.postgres import messages
from analytics.postgres.answers import Answers
from analytics.postgres.connection import Connection, Left
from analytics.postgres.messages import CANCEL, GSS, INT32, PROTOCOL, SSL, Malformed, Refused
from analytics.postgres.session import Session
from analytics.postgres.variables import DEFAULTS, REPORTED, Variables
from analytics.postgres.work import Work
from lakehouse.errors import LogpondError, SettingsError
from lakehouse.http import logs, peer
from lakehouse.http.attempts import AUDIT, Attempts
from lakehouse.http.hosts import is_loopback
from lakehouse.http.sockets import Listener, check_certificate, most_connections
from lakehouse.http.tokens import READ, Tokens
from lakehouse.paths import Places
from lakehouse.runtime.processes import free_port, local
from lakehouse.settings import Http, Postgres, Settings, Sql

LOG = logging.getLogger("logpond.audit")
LOOK_SECONDS, MOST_TURNED_AWAY = 0.5, 32
MOST_PASSWORD = 1000
HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


@dataclass
class Client:
    """A client, known by a number and a secret with which it may cancel."""

    number: int
    connection: Connection
    secret: int = field(default_factory=lambda: secrets.randbits(31))
    session: Session | None = None


@dataclass
class Server:
    """All clients of one lake; `tokens` say who may ask, None lets anybody, for tests."""

    answers: Answers
    tokens: Tokens | None
    bounds: Http
    most: int
    is_open_to_own_user: bool = False
    certificate: ssl.SSLContext | None = None
    attempts: Attempts = field(default_factory=Attempts)
    stopping: threading.Event = field(default_factory=threading.Event)
    _clients: dict[int, Client] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: int = 0
    # one too many is listened to for a while, so that it hears why; not very many are
    _turned_away: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(MOST_TURNED_AWAY)
    )

    @classmethod
    def of(cls, places: Places, settings: Settings) -> Server:
        """Returns the server by the settings. Raises SettingsError where it would be unsafe."""
        given, chosen = settings.postgres, settings.web.token.get_secret_value()
        files = check_certificate(given.tls_cert, given.tls_key)
        if not (files or is_loopback(given.host) or given.without_tls):
            raise SettingsError(
                f"at {given.host} tokens and rows would cross the network for all to read",
                "give --tls-cert and --tls-key; or, in a network of your own, --without-tls",
            )
        limits = Sql(seconds=given.seconds, memory_mb=given.memory_mb, temp_mb=given.temp_mb)
        return cls(
            Answers(places, limits, given.questions),
            Tokens.of(places, settings),
            settings.http,
            most_connections(given.connections),
            peer.needs_no_token(given.host, chosen),
            _certificate(files),
        )

    def first_token(self) -> str:
        """Returns a token for who comes first; empty where nobody needs one, or one exists."""
        if self.tokens is None or self.is_open_to_own_user:
            return ""
        return self.tokens.first(READ)

    def serve(self, listener: Listener) -> None:
        """Takes clients until `stopping` is set; then all of them are let go."""
        listener.settimeout(LOOK_SECONDS)
        threading.Thread(target=self._watch, daemon=True).start()
        while not self.stopping.is_set():
            try:
                found, address = listener.accept()
            except OSError:
                # none came, or one too many
                continue
            self.attend(Connection(found, address[:2], self.bounds))
        for client in self._all():
            client.connection.close()

    def attend(self, connection: Connection) -> None:
        """Talks with one more client, in a thread of its own; of too many one goes."""
        with self._lock:
            self._numbers += 1
            client = Client(self._numbers, connection)
            is_full = len(self._clients) >= self.most
            waiting = next((one for one in self._clients.values() if one.session is None), None)
            oldest = waiting if is_full else None
            if not is_full or oldest:
                self._clients[client.number] = client
            if oldest:
                del self._clients[oldest.number]
        if oldest:
            # whoever has not logged in makes room: its socket may be one of very many
            oldest.connection.close()
        if is_full and not oldest:
            threading.Thread(target=self._turn_away, args=(client,), daemon=True).start()
            return
        threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: Client) -> None:
        """Talks with one client, until it ends."""
        connection = client.connection
        try:
            given = self._begun(client)
            if given is not None:
                self._log_in(client, given)
        except Left:
            pass
        except LogpondError as error:
            _say(connection, error)
        except Exception as error:
            LOG.error("a session failed: %s", repr(error)[:500])
            _say(connection, Refused("XX000", "the server failed", "its log says why"))
        finally:
            with self._lock:
                self._clients.pop(client.number, None)
            connection.close()

    def _turn_away(self, client: Client) -> None:
        """Says that there are too many once one has begun, by TLS too; it may also cancel."""
        connection = client.connection
        if self._turned_away.acquire(blocking=False):
            try:
                if self._begun(client) is not None:
                    _say(connection, _too_many(self.most))
            except (Left, LogpondError):
                pass
            finally:
                self._turned_away.release()
        connection.close()

    def _begun(self, client: Client) -> dict[str, str] | None:
        """Returns the parameters of a client's start; None where it asked for something else.

        What does not begin as PostgreSQL's protocol, a request of a browser too, has no answer.
        """
        connection = client.connection
        for _ in range(3):
            try:
                body = connection.startup()
            except Malformed:
                return None
            (number,) = INT32.unpack(body[:4])
            if number == SSL and self.certificate and not connection.is_secure:
                connection.send(b"S")
                connection.flush()
                connection.secure(self.certificate)
            elif number in (SSL, GSS):
                connection.send(b"N")
                connection.flush()
            elif number == CANCEL:
                self._cancel(body[4:])
                return None
            elif number >> 16 == PROTOCOL >> 16:
                return self._negotiated(connection, number & 0xFFFF, messages.startup(body[4:]))
            else:
                return None
        return None

    def _negotiated(
        self, connection: Connection, minor: int, given: dict[str, str]
    ) -> dict[str, str]:
        options = [name for name in given if name.startswith("_pq_.")]
        if minor or options:
            connection.send(messages.protocol_is(0, options))
        return {name: value for name, value in given.items() if name not in options}

    def _log_in(self, client: Client, given: dict[str, str]) -> None:
        connection, variables = client.connection, Variables()
        who = self._admitted(connection)
        _take_options(variables, given)
        variables.defaults = {**variables.all(), "session_authorization": who}
        variables.values = {}
        connection.logged_in()
        connection.send(messages.authentication(0))
        for name, reported in REPORTED.items():
            connection.send(messages.texts(b"S", reported, variables.get(name)))
        connection.send(messages.key_data(client.number, client.secret))
        client.session = Session(connection, Work(connection, self.answers, variables))
        client.session.run()

    def _admitted(self, connection: Connection) -> str:
        """Returns who asks. Raises Refused for who may not."""
        if self.tokens is None or (self.is_open_to_own_user and connection.is_own_user):
            return "logpond"
        address = connection.address[0]
        if self.certificate and not (connection.is_secure or is_loopback(address)):
            raise Refused("28000", "others connect by TLS here", "sslmode=require, or verify-full")
        if wait := math.ceil(self.attempts.wait(address)):
            raise Refused(
                "28P01", "too many wrong tokens came from this address", f"try again in {wait} s"
            )
        connection.send(messages.authentication(3))
        connection.flush()
        kind, body = connection.message(MOST_PASSWORD)
        if kind != b"p":
            raise Malformed("no password came")
        secret = messages.Reader(body).text()
        # many may have tried at the same time
        found = None if self.attempts.wait(address) else self.tokens.find(secret)
        if found is None:
            self.attempts.wrong(address, "postgres")
            raise Refused(
                "28P01",
                "that password is not a token of this lake",
                "give a token as the password; `logpond token create NAME` makes one",
            )
        if not found.covers(READ):
            what = f"this token is for {found.scope}, and questions need {READ}"
            raise Refused("28000", what, "`logpond token create NAME --scope read` makes one")
        AUDIT.info("%s connected with token %s", address, found.name)
        return found.name

    def _cancel(self, body: bytes) -> None:
        reader = messages.Reader(body)
        number, secret = reader.int32(), reader.int32()
        with self._lock:
            client = self._clients.get(number)
        if client and client.session and secrets.compare_digest(str(client.secret), str(secret)):
            client.session.cancel()

    def _watch(self) -> None:
        """Ends the questions of clients that have hung up."""
        while not self.stopping.wait(LOOK_SECONDS):
            poll, asking = select.poll(), dict[int, Session]()
            for client in self._all():
                number = client.connection.fileno()
                if client.session and client.session.is_asking and number >= 0:
                    asking[number] = client.session
                    poll.register(number, HUNG_UP)
            for number, _ in poll.poll(0) if asking else ():
                asking[number].cancel(is_gone=True)

    def _all(self) -> list[Client]:
        with self._lock:
            return [*self._clients.values()]


def serve(places: Places, settings: Settings, echo: Callable[[str], None]) -> None:
    """Serves until a signal. Prints how to connect, and, if the port is another than set, why."""
    given, port = settings.postgres, free_port(settings.postgres.port)
    server = Server.of(places, settings)
    listener = Listener.at(given.host, port, server.most + 64)
    logs.configure()
    taken = f" (port {given.port} is taken)" if port != given.port else ""
    echo(f"logpond: {places.lake} at {address(given, port)}{taken}")
    if secret := server.first_token():
        echo(f"logpond: the password, a token that is shown once: {secret}")

    def stop(_number: int, _frame: Any) -> None:
        server.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    server.serve(listener)


def first_token(places: Places, settings: Settings) -> str:
    """Returns a token for who comes first; empty where nobody needs one, or one exists.

    Raises SettingsError where the server would be unsafe.
    """
    return Server.of(places, settings).first_token()


def address(given: Postgres, port: int) -> str:
    """Returns the address of the server on this machine, as libpq takes it."""
    return f"postgresql://logpond@{local(given.host)}:{port}/logpond"


def _certificate(files: dict[str, str]) -> ssl.SSLContext | None:
    if not files:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["ssl_certfile"], files["ssl_keyfile"])
    return context


def _take_options(variables: Variables, given: dict[str, str]) -> None:
    """Takes the settings of a start: by their names, and as `options=-c name=value`."""
    words = given.get("options", "").replace("\\ ", "\0").split()
    named = {name.lower(): value for name, value in given.items()}
    for at, word in enumerate(words):
        if word == "-c" and at + 1 < len(words):
            word = f"-c{words[at + 1]}"
        option = word[2:] if word.startswith(("-c", "--")) else ""
        name, equals, value = option.partition("=")
        if equals:
            named[name.lower().replace("-", "_")] = value.replace("\0", " ")
    for name, value in named.items():
        if name in DEFAULTS and name not in ("session_authorization", "server_version"):
            variables.set(name, value)


def _too_many(most: int) -> Refused:
    return Refused(
        "53300",
        f"{most} clients are connected already, as many as may be",
        "close one, and try again; or raise [postgres] connections",
    )


def _say(connection: Connection, error: Exception) -> None:
    try:
        connection.send(messages.error(error, "FATAL"))
        connection.flush()
    except Left:
        pass
