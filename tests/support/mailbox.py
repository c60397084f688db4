"""A real server of mail, and one of Alertmanager, that take what is sent and are asked for it."""

from __future__ import annotations

import email
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from support.hooks import until

from lakehouse.runtime.processes import end, free_port, spawn

USER, PASSWORD = "logpond", "a-password-of-mail"


@dataclass
class Mailbox:
    """What came; addresses in `unknown` are refused, each message as `answer` says."""

    port: int = 0
    unknown: set[str] = field(default_factory=set)
    answer: str = "250 OK"
    mails: list[Message] = field(default_factory=list)

    @contextmanager
    def serving(self, certificate: Path | None = None) -> Iterator[Mailbox]:
        """Up for a while. With a certificate (and its key) it asks for TLS and a password."""
        needs: dict[str, Any] = {}
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            needs = {
                "tls_context": context,
                "require_starttls": True,
                "auth_required": True,
                "authenticator": _let_in,
            }
        self.port = free_port()
        server = Controller(self, hostname="127.0.0.1", port=self.port, **needs)
        server.start()
        try:
            yield self
        finally:
            server.stop()

    async def handle_RCPT(
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Take a recipient, or not."""
        if address in self.unknown:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(email.message_from_bytes(envelope.content))
        return self.answer


def _let_in(
    _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: LoginPassword
) -> AuthResult:
    is_known = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_known, handled=False)


@contextmanager
def alertmanager() -> Iterator[str]:
    """Debian's Alertmanager, by itself; its address."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "alertmanager.yml"
        config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        words = [
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        child = spawn(words, subprocess.DEVNULL, subprocess.DEVNULL)
        try:
            until(lambda: _is_ready(port), 30)
            yield f"http://127.0.0.1:{port}"
        finally:
            end(child, patience=10)


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/-/ready").is_success
    except httpx.TransportError:
        return False
