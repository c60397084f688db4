"""Settings of what is not written as it came."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, SecretStr

from lakehouse.event.policy import parsed
from lakehouse.server_settings import Section
from lakehouse.setting_checks import check_key


def _check_policy(text: str) -> str:
    parsed(text)
    return text


class Privacy(Section):
    """What is not written as it came: docs/privacy.md. It holds for records that come from now on,
    by whatever way; what is there is changed by `logpond erase` alone.
    """

    mask_secrets: bool = True
    """Whether `token=`, `password=` and their like lose their values in texts: `token=***`."""
    policy: Annotated[str, AfterValidator(_check_policy)] = ""
    """What becomes of fields: `ip=cut, user=hash, attributes.email=drop`. cut: an address to its
    network, /24 or /48; hash: keyed, so that who has no key cannot try names; drop: nothing is
    kept; keep. A rejected record is kept without its payload where these cannot be found in it, and
    no copy is kept of an imported file.
    """
    key: Annotated[SecretStr, AfterValidator(check_key)] = SecretStr("")
    """The key of hashes. Another one gives other hashes. Better as LOGPOND_PRIVACY_KEY than in this
    file, and better still in a file of its own.
    """
    key_file: str = ""
    """The file that holds the key, as a secret of Docker: /run/secrets/privacy."""
