"""`python -m cli.secrets`: makes the secrets of the containers at their first start.

Each is a file in its own folder (a volume), which only those containers see that need it.
"""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/secrets")
LEAST_LETTERS = 16


@dataclass(frozen=True)
class Secret:
    """A secret: its file, the variable by which a person sets it, and what it opens."""

    file: str
    variable: str = ""
    opens: str = ""

    def make(self, root: Path) -> bool:
        """Writes the given secret, or a random one where there is none. Returns whether it is new.

        A crash leaves the old file or the new one, whole.
        """
        file, chosen = root / self.file, os.environ.get(self.variable, "")
        if chosen and len(chosen) < LEAST_LETTERS:
            sys.exit(f"{self.variable} is shorter than {LEAST_LETTERS} letters: take a longer one")
        if file.is_file() and chosen in ("", file.read_text()):
            return False
        pending = file.with_name(f".{file.name}")
        pending.write_text(chosen or secrets.token_urlsafe(24))
        pending.chmod(0o444)
        pending.replace(file)
        return True

    def render(self, root: Path) -> str:
        """Returns what it opens, and the secret; for the pages, the link that signs in."""
        opens = self.opens.format_map(os.environ)
        return opens + (root / self.file).read_text()


SECRETS = (
    Secret("web/token", "LOGPOND_WEB_TOKEN", "page http://localhost:{WEB_PORT}/?token="),
    Secret(
        "gateway/token",
        "LOGPOND_GATEWAY_TOKEN",
        "gateway http://localhost:{GATEWAY_PORT}, to send with: ",
    ),
    Secret(
        "kafka-ui/spring.security.user.password",
        "KAFKA_UI_PASSWORD",
        "Kafka UI http://localhost:{KAFKA_UI_PORT}, admin: ",
    ),
    Secret(
        "grafana/password", "GRAFANA_PASSWORD", "Grafana http://localhost:{GRAFANA_PORT}, admin: "
    ),
    Secret("spark/secret"),
    Secret("bucket/access-key"),
    Secret("bucket/secret-key"),
    Secret("bucket-reader/access-key"),
    Secret("bucket-reader/secret-key"),
)


def main(root: Path = ROOT, all_of_them: bool = "show" in sys.argv) -> None:
    """Makes missing secrets, and prints new ones, or all with `show`."""
    for secret in SECRETS:
        is_new = secret.make(root)
        if secret.opens and (is_new or all_of_them):
            print(secret.render(root), flush=True)


if __name__ == "__main__":
    main()
