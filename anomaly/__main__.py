"""`python -m anomaly`: its commands, a command also as `--mode detect`."""

from lakehouse.terminal.commands import start

if __name__ == "__main__":
    start("anomaly")
