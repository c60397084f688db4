"""What an address, a token and a key of the settings may be; a refusal never shows them. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr


def check_address(secret: SecretStr) -> SecretStr:
    """Refuses what cannot be posted to, without showing it: an address may hold a key."""
    parts = urlsplit(text := secret.get_secret_value())
    is_http = parts.scheme in ("http", "https")
    if text and not (is_http and parts.hostname and parts.port != 0 and _is_plain(text)):
        raise ValueError("must be an http:// or https:// address")
    if parts.username is not None:
        raise ValueError("has a name in it: give a key as webhook.token")
    return secret


def check_token(secret: SecretStr) -> SecretStr:
    """Refuses what no header can carry."""
    if not _is_plain(secret.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces")
    return secret


def check_key(secret: SecretStr) -> SecretStr:
    """Refuses what whoever got one signed message could guess."""
    if 0 < len(secret.get_secret_value()) < 16:
        raise ValueError("must have 16 characters or more: `openssl rand -hex 24`")
    return check_token(secret)


def is_this_machine(host: str) -> bool:
    """Whether a host is certain to be this one, without asking anybody for its address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
