"""What is not written as it came: secrets in texts, and fields that a policy names. Pure."""

from lakehouse.decode.privacy.private import MASKS, Privacy

__all__ = ["MASKS", "Privacy"]
