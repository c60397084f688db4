"""Reads of every table, at any version or time."""

import lakehouse as lakehouse  # first: it says where packages are looked for
