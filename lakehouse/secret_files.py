"""Secrets of settings: given as they are, or in a file, as Docker and Kubernetes hand them out."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr


def secret(name: str, given: SecretStr, file: str, faults: list[str]) -> SecretStr:
    """Returns a secret from the settings or its file, without the end of its line.

    `name` is that of its setting; what is wrong is added to `faults`, without the secret.
    """
    found = given.get_secret_value()
    if file and found:
        faults.append(f"{name} and {name}_file are both given: take one")
    elif file:
        try:
            found = Path(file).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "is no text"
            faults.append(f"{name}_file: {file}: {why}")
        else:
            if not found:
                faults.append(f"{name}_file: {file} is empty")
    if not found.isprintable():
        faults.append(f"{name} has a line break or another control character in it")
    return SecretStr(found)
