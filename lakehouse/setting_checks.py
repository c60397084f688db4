"""What a setting may be; the refusal of a secret never shows it. Pure."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from pydantic import SecretStr

LEAST_LETTERS = 16
TRACE_ID = "{trace_id}"
BROKER = re.compile(r"([A-Z_]+://)?(\[[0-9a-fA-F:.%]+\]|[\w.-]+):\d+")


def check_address(secret: SecretStr) -> SecretStr:
    """Refuses what cannot be posted to, without showing it: an address may hold a key."""
    parts = urlsplit(text := secret.get_secret_value())
    is_http = parts.scheme in ("http", "https")
    if text and not (is_http and parts.hostname and parts.port != 0 and _is_plain(text)):
        raise ValueError("must be an http:// or https:// address")
    if parts.username is not None:
        raise ValueError("has a name in it: give a key as webhook.token")
    return secret


def check_endpoint(text: str) -> str:
    """Refuses what is no address of a server; keys are no part of it."""
    parts = urlsplit(text)
    is_http = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if text and (not is_http or parts.username is not None or parts.query or parts.fragment):
        raise ValueError("must be http://HOST:PORT or https://HOST, without a name or keys in it")
    return text.rstrip("/")


def check_trace_url(text: str) -> str:
    """Refuses what is no link to a trace; an id stands in its path or behind, never in a name."""
    parts = urlsplit(text)
    is_http = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if text and not (is_http and _is_plain(text) and parts.username is None):
        raise ValueError("must be an http:// or https:// address, without a name in it")
    if text and TRACE_ID not in text.removeprefix(f"{parts.scheme}://{parts.netloc}"):
        raise ValueError(f"must have {TRACE_ID} behind the host, where the id of a trace goes")
    return text


def check_token(secret: SecretStr) -> SecretStr:
    """Refuses what no header can carry."""
    if not _is_plain(secret.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces")
    return secret


def check_key(secret: SecretStr) -> SecretStr:
    """Refuses what could be guessed."""
    if 0 < len(secret.get_secret_value()) < LEAST_LETTERS:
        raise ValueError(f"is shorter than {LEAST_LETTERS} letters: take a longer one")
    return check_token(secret)


def check_networks(text: str) -> str:
    """Refuses what is no list of addresses and networks: a name could lead anywhere."""
    named = [one.strip() for one in text.split(",") if one.strip()]
    try:
        return ",".join(
            str(ip_network(one)).removesuffix("/32").removesuffix("/128") for one in named
        )
    except ValueError as error:
        raise ValueError(f"{error}; give addresses, or networks as 10.0.0.0/8") from None


def is_this_machine(host: str) -> bool:
    """Whether a host is certain to be this one, without asking anybody for its address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def check_brokers(text: str) -> str:
    """Addresses as both of Kafka's clients read them: without blanks, each with its port."""
    named = [one.strip() for one in text.split(",") if one.strip()]
    full = [one if re.search(r":\d+$", one) else f"{one}:9092" for one in named]
    if not full or not all(map(BROKER.fullmatch, full)):
        raise ValueError("must be HOST:PORT, or several with commas between")
    if any(not 0 < int(one.rpartition(":")[2]) <= 65535 for one in full):
        raise ValueError("a port is from 1 to 65535")
    return ",".join(full)
