"""Mail by SMTP: the messages about one incident are one thread."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from anomaly.alerts.message import Message, cut
from anomaly.alerts.posting import Answer, cut_off, words
from anomaly.alerts.receiver import Receiver
from lakehouse.setting_checks import is_this_machine

SUBJECT_MOST = 200


class Kind(Receiver):
    """`server` is `HOST:PORT`."""

    kind: Literal["email"] = "email"
    server: Annotated[str, Field(pattern=r"^([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}$")]
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls` as at port 587, `tls` as at 465; `none` to this machine, or without a password."""
    ca_file: str = ""
    """Who else may have signed the server's certificate."""
    user: str = ""
    password: SecretStr = SecretStr("")
    password_file: str = ""
    sender: str
    to: Annotated[list[str], Field(min_length=1)]

    @field_validator("sender", "to")
    @classmethod
    def _check_addresses(cls, given: str | list[str]) -> str | list[str]:
        for one in [given] if isinstance(given, str) else given:
            if one.count("@") != 1 or not one.isascii() or not one.isprintable() or " " in one:
                raise ValueError(f"{one!r} is no address of mail")
        return given

    @model_validator(mode="after")
    def _check_way(self) -> Kind:
        host = self.server.rpartition(":")[0].strip("[]")
        if self.tls == "none" and self.password.get_secret_value() and not is_this_machine(host):
            raise ValueError("a password goes to another machine by TLS only")
        return self

    def deliver(self, message: Message, seconds: float) -> Answer:
        """Sends it. A server that refuses the message for good is not asked again."""
        try:
            with self._connected(seconds) as server:
                server.send_message(self.mail(message))
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
            return _refusal(error)
        except smtplib.SMTPDataError as error:
            is_final = error.smtp_code >= 500
            return Answer(is_refused=is_final, why=f"it answers {error.smtp_code}")
        except smtplib.SMTPResponseException as error:
            return Answer(why=f"it answers {error.smtp_code}")
        except smtplib.SMTPException as error:
            return Answer(why=str(error) or type(error).__name__)
        except (OSError, ValueError) as error:
            return Answer(why=words(error))
        return Answer(is_taken=True)

    def mail(self, message: Message) -> EmailMessage:
        """Returns plain text; what comes out of logs is in no header but the subject's one line."""
        mail, domain = EmailMessage(), self.sender.rpartition("@")[2]
        mail["From"], mail["To"] = self.sender, ", ".join(self.to)
        mail["Subject"] = cut(f"[logpond] {message.title}", SUBJECT_MOST)
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{message.name}@{domain}>"
        mail["References"] = f"<{message.key}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        facts = [f"{name}: {text}" for name, text in message.facts.items()]
        mail.set_content("\n\n".join(filter(None, [message.title, *facts, self.link(message)])))
        return mail

    @contextmanager
    def _connected(self, seconds: float) -> Iterator[smtplib.SMTP]:
        name, _, port = self.server.rpartition(":")
        host, trusted = name.strip("[]"), ssl.create_default_context(cafile=self.ca_file or None)
        if self.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, int(port), timeout=seconds, context=trusted
            )
        else:
            server = smtplib.SMTP(host, int(port), timeout=seconds)
        assert server.sock
        with cut_off(server.sock, seconds), server:
            if self.tls == "starttls":
                server.starttls(context=trusted)
            if self.user:
                server.login(self.user, self.password.get_secret_value())
            yield server


def _refusal(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPSenderRefused) -> Answer:
    """Returns what it means that nobody of those asked takes mail: for good, or now."""
    if isinstance(error, smtplib.SMTPSenderRefused):
        codes = [error.smtp_code]
    else:
        codes = [code for code, _ in error.recipients.values()]
    named = ", ".join(map(str, sorted({*codes})))
    return Answer(is_refused=min(codes) >= 500, why=f"it answers {named}")
