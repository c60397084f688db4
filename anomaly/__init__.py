"""Detection worth waking up for: surprise on one scale, incidents that say what they saw."""

import lakehouse as lakehouse  # first: it says where packages are looked for
