"""`python -m anomaly`: its commands, a command also as `--mode detect`."""

import sys

from lakehouse.terminal.commands import start

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].partition("=")[0] == "--mode":
        sys.argv[1:2] = sys.argv[1].split("=")[1:]
    start("anomaly")
