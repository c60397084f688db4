"""What decoding refuses, and what it does not write as it came, as the settings have it."""

from __future__ import annotations

from datetime import timedelta

from lakehouse.decode import Limits
from lakehouse.decode.privacy import Privacy
from lakehouse.errors import SettingsError
from lakehouse.event.policy import Policy, parsed
from lakehouse.privacy_settings import Privacy as Section
from lakehouse.secret_files import secret
from lakehouse.settings import Settings


def limits(settings: Settings, is_of_files: bool = False) -> Limits:
    """Returns the limits of decoding by the settings; the key of hashes is read now.

    Files are old by nature: how far behind a record may be is a question to a stream. Raises
    SettingsError where a policy has no key that it needs.
    """
    ingest = settings.ingest
    days = 0 if is_of_files else ingest.behind_days
    return Limits(
        timedelta(minutes=ingest.ahead_minutes),
        timedelta(days=days) if days else None,
        ingest.payload_cap,
        privacy=privacy(settings.privacy),
    )


def privacy(section: Section) -> Privacy:
    """Returns what is not written as it came. Raises SettingsError for a key that is missing."""
    faults: list[str] = []
    key = secret("privacy.key", section.key, section.key_file, faults).get_secret_value()
    try:
        policy = Policy(parsed(section.policy), key.encode())
    except ValueError as error:
        faults.append(f"privacy.policy: {error}")
    if faults:
        raise SettingsError("; ".join(faults), "docs/privacy.md says what fits")
    return Privacy(section.mask_secrets, policy)
