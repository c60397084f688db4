"""The kernel: what all programs agree on. It imports nothing else of ours."""

from lakehouse.runtime.environment import own_packages_first

own_packages_first()
