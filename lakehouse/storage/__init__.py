"""Object storage: how a bucket is reached, and what it means when it is not."""

from lakehouse.storage.connection import Storage as Storage
