"""An authority of one's own, trusted beside those of the machine, for each client in its way."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import ssl
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from lakehouse.errors import SettingsError

VARIABLE = "SSL_CERT_FILE"
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# Where systems keep those that they trust: Debian and Alpine, Fedora, SUSE, macOS.
KEPT = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
PASSWORD = "changeit"  # of a store that has no secret in it, as Java's own


def fault(file: str) -> str:
    """Returns what is wrong with a file of certificates; empty for nothing."""
    try:
        found = CERTIFICATE.findall(Path(file).read_text())
    except (OSError, UnicodeDecodeError) as error:
        return f"{file}: {getattr(error, 'strerror', None) or 'is no text'}"
    return "" if found else f"{file} has no certificate in it; it must be PEM"


@cache
def bundle(file: str) -> str:
    """Returns a file with these certificates and those that this machine trusts.

    Libraries take it in place of the machine's. It is gone when this process ends.
    """
    own, known = Path(file).read_text(), _known()
    there = Path(known).read_text() if known else ""
    if all(one in there for one in CERTIFICATE.findall(own)):
        return known
    opened, made = tempfile.mkstemp(prefix="logpond-", suffix=".pem")
    with os.fdopen(opened, "w") as written:
        written.write(f"{there}\n{own}")
    atexit.register(Path(made).unlink, missing_ok=True)
    return made


def java_options(java: str, file: str, store: Path) -> list[str]:
    """Returns options by which a JVM of that Java trusts these certificates and its own.

    Makes the store of them anew. Raises SettingsError where Java's tool for that fails.
    """
    home = Path(java).resolve().parent.parent
    new = store.with_suffix(f".{os.getpid()}")
    store.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(home / "lib" / "security" / "cacerts", new)
    for number, one in enumerate(CERTIFICATE.findall(Path(file).read_text())):
        _add(home, new, f"logpond-{number}", one)
    new.replace(store)
    return [
        f"-Djavax.net.ssl.trustStore={store}",
        f"-Djavax.net.ssl.trustStorePassword={PASSWORD}",
    ]


def _add(home: Path, store: Path, name: str, certificate: str) -> None:
    words = ["-importcert", "-noprompt", "-alias", name, "-storepass", PASSWORD]
    command = [str(home / "bin" / "keytool"), *words, "-keystore", str(store)]
    done = subprocess.run(command, input=certificate, capture_output=True, text=True, check=False)
    if done.returncode:
        output = (done.stdout + done.stderr).strip().splitlines()
        raise SettingsError(
            f"Java does not take storage.ca_file: {' '.join(output[-1:])}",
            "it must be certificates as PEM; see docs/bucket.md",
        )


def _known() -> str:
    """Returns the file of certificates that this machine trusts; empty for none."""
    places = (os.environ.get(VARIABLE), ssl.get_default_verify_paths().cafile, *KEPT)
    return next((place for place in places if place and Path(place).is_file()), "")
