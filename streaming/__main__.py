"""`python -m streaming`: its commands, a command also as `--mode optimize`; else it streams."""

from lakehouse.terminal.commands import start

if __name__ == "__main__":
    start("streaming", default="stream")
