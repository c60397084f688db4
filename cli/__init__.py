"""The command `logpond` and the local stack."""

import lakehouse as lakehouse  # first: it says where packages are looked for
